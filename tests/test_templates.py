"""Templates: what recurs in many documents at the same place goes; what only looks like that stays."""

from __future__ import annotations

from typing import Any

import naive_templates as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import HAN

from tasks.foldline import fold_lines
from tasks.kernels import templates as kernel
from tasks.rulepack import KINDS
from tasks.settings import Boilerplate
from tasks.store.text import Texts
from tasks.templates import LineTable, Mining, line_keys, mine, skeleton_text, skeletons


def folded(rows: list[str]) -> Texts:
    texts = Texts.of(rows)
    return fold_lines(texts.chars, texts.offsets[:-1], texts.offsets[1:])


def skeleton(line: str) -> int:
    return int(skeletons(folded([line]))[0])


def table(documents: list[list[str]], kind: str = "prose", collections: list[int] | None = None, ruled: str = "") -> LineTable:
    """Lines of documents; every line of one kind, but # opens a heading and - an item of a list. ruled : lines that a rule takes."""
    rows = [line for document in documents for line in document]
    doc = np.repeat(np.arange(len(documents)), [len(d) for d in documents]).astype(np.int64)
    kinds = np.array(["heading" if row.startswith("#") else "list" if row.startswith("- ") else kind for row in rows], object)
    number = np.array([KINDS.index(kind) for kind in kinds], np.uint8)
    return LineTable(
        **line_keys(folded(rows), number == KINDS.index("list")),
        doc=doc,
        order=np.concatenate([np.arange(len(d)) for d in documents]).astype(np.int32),
        collection=np.array(collections or [0] * len(documents), np.int32)[doc],
        chars=np.array([len(row) for row in rows], np.int32),
        kind=number,
        ruled=np.array([row == ruled for row in rows], np.bool_),
    )


def mined(documents: list[list[str]], count: int = 0, refused: tuple[str, ...] = (), **how: Any) -> Mining:
    """Templates of documents of one collection (of `count` documents, these and others without a line in common with anything)."""
    rows = [line for document in documents for line in document]
    collections = how.get("collections")
    sizes = np.bincount(collections) if collections else np.array([count or len(documents)])
    return mine(table(documents, **how), sizes.astype(np.int64), Boilerplate(), lambda at: folded([rows[i] for i in at.tolist()]), refused)


def taken(documents: list[list[str]], **how: Any) -> set[str]:
    """Skeletons of the lines that go."""
    rows = [line for document in documents for line in document]
    gone = mined(documents, **how).taken
    return {skeleton_text(folded([rows[i]])[0]) for i in np.flatnonzero(gone)}


def reported(documents: list[list[str]], **how: Any) -> set[str]:
    """Skeletons of the lines that recur and stay."""
    rows = [line for document in documents for line in document]
    found = mined(documents, **how)
    return {skeleton_text(folded([rows[i]])[0]) for i in np.flatnonzero((found.of_line >= 0) & ~found.taken)}


def newsletter(number: int, length: int = 30) -> list[str]:
    rng = np.random.default_rng(number)
    body = ["正文里的这句话说" + "".join(rng.choice(list(HAN), 14)) for _ in range(length)]
    name = "".join(rng.choice(list(HAN), 2))
    return [f"某某周刊第 {number} 期", *body, f"本期由“{name}”整理，第10+{number}个年头", f"投稿：https://example.org/{number}"]


def test_skeletons_agree_when_only_slots_differ() -> None:
    assert skeleton("第 12 期，用时 7 分钟") == skeleton("第 130 期，用时 42 分钟") != 0
    assert skeleton("发布时间 2011年7月9日 08:05") == skeleton("发布时间 2023-01-02 08:00") != 0
    assert skeleton("原文地址 https://a.example/x?y=1") == skeleton("原文地址 http://b.example/") != 0
    assert skeleton("推荐阅读《红楼梦》") == skeleton("推荐阅读《三国演义》") != 0
    assert skeleton("联系编辑：a.b@example.org") == skeleton("联系编辑：news@example.com") != 0
    assert skeleton("阅读原文 [甲](https://a.example)") == skeleton("阅读原文 [乙](https://b.example/2)") != 0
    assert skeleton("蟒周刊第十二期") == skeleton("蟒周刊第一百期") != 0


def test_a_shown_skeleton_has_the_lines_own_characters() -> None:
    assert skeleton_text("工具箱第 12 期，裡面有　３　樣") == "工具箱第 {number} 期，裡面有 {number} 樣"
    assert skeleton_text("詳見“某書”（HTTPS://Example.org/A） ") == "詳見{title}（{url}）"
    assert skeleton_text("第十二期\u200b，共兩回") == "{number}期，共兩回"
    assert skeleton_text(" \u3000 ") == skeleton_text("") == ""


@settings(deadline=None, max_examples=200)
@given(st.text('第十二期３3年月 \u3000，：“”"「」《》aＡ@.wh/：１￥\u200b裡裏', max_size=24))
def test_a_shown_skeleton_has_the_slots_of_the_match_form(line: str) -> None:
    assert folded([skeleton_text(line)])[0].strip() == skeleton_text(folded([line])[0]).strip()


def test_skeletons_differ_when_words_do_and_are_null_when_little_is_left() -> None:
    assert skeleton("第 12 期，用时 7 分钟") != skeleton("第 12 期，耗时 7 分钟")
    assert skeleton("2024-01-02 12:30") == 0
    assert skeleton("《红楼梦》") == 0
    assert skeleton("https://example.org") == 0
    assert skeleton("第 3 页") == 0


def test_traditional_and_full_width_lines_have_the_same_skeleton() -> None:
    assert skeleton("轉載請注明：第１２期") == skeleton("转载请注明:第3期") != 0


def test_skeleton_text_names_the_slots() -> None:
    assert skeleton_text(folded(["第 12 期《标题》 https://a.example/1 写信 a@b.cn"])[0]) == "第 {number} 期{title} {url} 写信 {email}"


def test_lines_that_recur_in_head_and_tail_of_five_documents_are_removed() -> None:
    documents = [newsletter(n) for n in range(5)]
    found = mined(documents)
    frame = {"某某周刊第 {number} 期", "本期由{title}整理,第{number}个年头", "投稿:{url}"}
    assert taken(documents) == frame
    assert all("5 documents (100%" in found.found.evidence(i) for i in np.flatnonzero(found.found.removes))


def test_four_documents_are_too_few_and_a_small_share_is_only_reported() -> None:
    assert taken([newsletter(n) for n in range(4)]) == set()
    documents = [newsletter(n) for n in range(5)]
    assert taken(documents, count=100) == set()
    assert len(reported(documents, count=100)) == 2


def test_headings_code_tables_and_captions_are_reported_not_removed() -> None:
    documents = [newsletter(n) for n in range(6)]
    for kind in ("heading", "code", "table", "caption"):
        assert taken(documents, kind=kind) == set()
        assert len(reported(documents, kind=kind)) >= 2


def test_a_line_that_recurs_in_the_middle_is_reported_only() -> None:
    documents = [[*newsletter(n)[:16], "下面我们来看代码怎么写", *newsletter(n)[16:]] for n in range(6)]
    assert "下面我们来看代码怎么写" in reported(documents)


def test_copies_of_one_article_are_one_witness() -> None:
    """What mirrors have in common is the article; removing it from all of them is nobody's business, least of all ours."""
    article = ["今天的天气很好", "我们去了公园里玩", "晚上回家吃饭睡觉", "明天还要早起上班", "就写到这里为止吧"]
    assert taken([article for _ in range(6)]) == set()
    others = [newsletter(n) for n in range(5)]
    mirrors = [newsletter(9, 40)[1:-2] for _ in range(6)]
    assert taken([*others, *mirrors]) == taken(others) != set()


def test_a_long_frame_is_peeled_from_the_outside() -> None:
    frame = [f"版权说明的固定文字{'甲乙丙丁戊己庚辛壬癸'[i % 10]}{'子丑寅卯'[i // 10]}" for i in range(25)]
    documents = [[*newsletter(n, 60), *frame] for n in range(6)]
    assert set(frame) <= taken(documents)
    headed = [[*newsletter(n, 60), *frame[:12], "# 关于我们", *frame[12:]] for n in range(6)]
    assert set(frame) <= taken(headed)
    assert "# 关于我们" in reported(headed)


def test_a_footer_that_changed_its_wording_goes_before_and_after() -> None:
    old, new = "本刊由几位爱好者利用周末时间编辑而成", "编辑部每周四晚上统一回复大家的来信哦"
    documents = [[*newsletter(n, 30)[1:-2], old if n < 9 else new] for n in range(36)]
    assert taken(documents) == {old, new}
    assert taken([[*newsletter(n, 30)[1:-2], old] if n % 5 == 0 else newsletter(n, 30)[1:-2] for n in range(40)]) == set()


def test_a_sponsor_that_comes_and_goes_needs_boilerplate_beside_it() -> None:
    sponsor = "感谢青石云主机对本刊的大力支持"
    last = "以上就是这一期的全部，下周同一时间再见"
    documents = [[*newsletter(n, 30)[1:-2], *([sponsor] if n % 8 == 0 else []), last] for n in range(48)]
    assert taken(documents) == {sponsor, last.replace("，", ",")}
    alone = [[*document[:-1]] for document in documents]
    assert taken(alone) == set()


def test_names_that_differ_are_slots_of_a_trail_or_a_lead() -> None:
    names = [f"{a}{b}" for a in "赵钱孙李周吴" for b in "山水林田"]
    documents = [[*newsletter(n, 30)[1:-2], f"本期由{names[n]}、{names[-n]}共同整理并且校对发布"] for n in range(20)]
    assert len(taken(documents)) == 20
    said = [[*newsletter(n, 30)[1:-2], f"{names[n]}在信里对我们说起{newsletter(n)[3][8:]}这样的事共同"] for n in range(20)]
    assert taken(said) == set()


def test_english_words_and_not_letters_make_leads() -> None:
    words = ["amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "jetty", "kelp", "lagoon"]
    documents = [[*newsletter(n, 30)[1:-2], f"What {words[n]} says about {words[-n]} and the {words[n // 2]} of it all"] for n in range(12)]
    assert taken(documents) == set()
    signed = [[*newsletter(n, 30)[1:-2], f"Curated and edited every week by {words[n]} with help from friends"] for n in range(12)]
    assert len(taken(signed)) == 12


def card(n: int, *fields: str) -> list[str]:
    return [field.format("甲乙丙丁戊己庚辛壬癸子丑寅卯"[n % 14] * 2, n + 3, "是否"[n % 2]) for field in fields]


@pytest.mark.parametrize(
    "fields",
    [
        ("盐：{1}克", "白砂糖：{1}克", "主料：{0}肉", "先把{0}切好放进锅里煮上半个小时。", "然后装盘就好了{0}。"),
        ("书名：{0}", "作者：{0}", "出版社：{0}书局", "页数：{1}", "这本书讲的是{0}的故事，值得一读。"),
        ("词：{0}", "拼音：{0}", "释义：像{0}一样", "例句：他像{0}一样站着不动。"),
        ("问：怎样才能{0}？", "答：先{0}，再{0}，最后{1}次{0}。"),
        ("是否推荐：{2}", "评分：{1}", "店里的{0}味道很好，下次还来。", "环境：{0}"),
    ],
    ids=["recipe", "book", "entry", "question", "review"],
)
def test_fields_of_cards_are_their_content(fields: tuple[str, ...]) -> None:
    assert taken([card(n, *fields) for n in range(14)]) == set()


def test_items_of_lists_whose_links_differ_are_content() -> None:
    words = "春夏秋冬山川河海风雨雷电花鸟鱼虫"
    documents = [
        [*newsletter(n, 30)[1:-2], *(f"- [{words[n]}{words[i]}的新鲜事](https://a.example/{n}/{i})：讲{words[i]}" for i in range(3))]
        for n in range(12)
    ]
    assert taken(documents) == set()
    same = [[*newsletter(n, 30)[1:-2], f"- [官方文档](https://{words[n]}.example)"] for n in range(12)]
    assert taken(same) == set()
    fixed = [[*newsletter(n, 30)[1:-2], "- [本刊官方网站](https://a.example)"] for n in range(12)]
    assert len(taken(fixed)) == 1


def test_pictures_and_addresses_that_differ_are_content() -> None:
    documents = [[f"![](https://img.example/cover-{n}.jpg)", *newsletter(n, 30)[1:-2], f"https://a.example/post/{n}"] for n in range(12)]
    assert taken(documents) == set()
    code = [[*newsletter(n, 30)[1:-2], "![](https://img.example/qrcode.jpg)"] for n in range(12)]
    assert len(taken(code)) == 1


def test_a_title_with_words_of_its_own_stays() -> None:
    titles = [newsletter(n)[3][8:20] for n in range(12)]
    documents = [[f"某某周刊第 {n} 期：{titles[n]}", *newsletter(n, 30)[1:-2]] for n in range(12)]
    assert taken(documents) == set()


def test_refrains_quotations_and_speakers_stay() -> None:
    verses = [[line for i in range(6) for line in (*newsletter(n, 20)[1 + 2 * i : 3 + 2 * i], "归去来兮田园将芜")] for n in range(12)]
    assert taken(verses) == set()
    talks = [[f"主持人：{newsletter(n, 30)[i][8:]}" for i in range(1, 30)] for n in range(12)]
    assert taken(talks, kind="turn") == taken(talks) == set()
    greeted = [["主持人：各位听众朋友大家早上好", *(f"嘉宾：{newsletter(n, 30)[i][8:]}" for i in range(1, 30))] for n in range(12)]
    assert taken(greeted, kind="turn") == set()


def test_a_line_that_introduces_what_follows_stays_with_it() -> None:
    documents = [[*newsletter(n, 30)[1:-2], "这一次想请大家想一想的是：", newsletter(n)[5][8:]] for n in range(12)]
    assert taken(documents) == set()


def test_a_line_below_its_heading_is_a_template_in_the_middle_too() -> None:
    line = "欢迎在评论区里留下你的看法，我们会挑选几条"
    middle = [newsletter(n, 60) for n in range(12)]
    documents = [[*lines[1:25], "# 读者来信", line, *lines[25:-2]] for lines in middle]
    assert taken(documents) == {line.replace("，", ",")}
    assert taken([[row for row in document if not row.startswith("#")] for document in documents]) == set()


def test_what_stands_between_two_templates_goes_however_it_is_worded() -> None:
    above, below = "以下是本期的合作伙伴与赞助信息", "再次感谢他们让本刊能够一直免费"
    names = [newsletter(n)[2][8:16] for n in range(12)]
    documents = [[*newsletter(n, 30)[1:-2], above, names[n], below] for n in range(12)]
    found = mined(documents)
    assert len(taken(documents)) == 14
    assert int(found.between.sum()) == 12
    prose = [[*newsletter(n, 30)[1:-2], above, names[n] + "今天终于来了。", below] for n in range(12)]
    assert len(taken(prose)) == 2


def test_what_a_rule_takes_supports_and_is_peeled() -> None:
    foot = "本站由热心读者自发维护，欢迎来信指正"
    lines = [[*newsletter(n, 40)[1:-2], *([foot] if n % 8 == 0 else []), *["分享到"] * 14] for n in range(48)]
    assert foot.replace("，", ",") in taken(lines, ruled="分享到")
    assert taken([[line for line in document if line != "分享到"] for document in lines]) == set()


def test_a_collection_of_one_document_reports_what_recurs_inside_it() -> None:
    chapters = [line for n in range(8) for line in [*newsletter(n)[1:-2], "本章内容由编辑部根据录音整理"]]
    assert taken([chapters]) == set()
    assert reported([chapters]) == {"本章内容由编辑部根据录音整理"}


def test_a_refused_template_is_reported_whatever_its_key() -> None:
    documents = [newsletter(n) for n in range(6)]
    found = mined(documents)
    name = found.found.name(int(found.of_line[0]))
    left = mined(documents, refused=(name,))
    assert not left.taken[0]
    assert int(left.taken.sum()) == int(found.taken.sum()) - 6


def test_templates_belong_to_their_collection() -> None:
    documents = [newsletter(n) for n in range(6)]
    found = mined([*documents, newsletter(7)], collections=[0] * 6 + [1])
    rows = table([*documents, newsletter(7)], collections=[0] * 6 + [1])
    assert found.taken[rows.collection == 0].sum() == 18
    assert not found.taken[rows.collection == 1].any()
    assert found.found.name(0).startswith("mined.")


def test_nothing_gives_nothing() -> None:
    assert taken([["一二三四五"]]) == set()
    assert len(mined([[]]).found) == 0


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(7)), st.randoms(use_true_random=False))
def test_order_of_documents_and_lines_changes_nothing(order: list[int], random: Any) -> None:
    documents = [newsletter(n) for n in range(7)]
    found = mined(documents)
    shuffled = [documents[i] for i in order]
    rows = [line for document in shuffled for line in document]
    place = np.array(random.sample(range(len(rows)), len(rows)))
    columns = {name: column[place] for name, column in vars(table(shuffled)).items()}
    again = mine(LineTable(**columns), np.array([7]), Boilerplate(), lambda at: folded([rows[place[i]] for i in at.tolist()]))
    for name, column in vars(found.found).items():
        np.testing.assert_array_equal(column, vars(again.found)[name], err_msg=name)
    assert {rows[place[i]] for i in np.flatnonzero(again.taken)} == {
        line
        for document in documents
        for line, gone in zip(document, [True] + [False] * (len(document) - 3) + [True] * 2, strict=True)
        if gone
    }


CHARS = '0123456789年月日 第十二期/."《》「」[]()@<>:*-wwwhttps甲乙丙丁abc'


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.text(CHARS, max_size=40), st.booleans()), min_size=1, max_size=4))
def test_keys_are_those_of_the_slow_twin(lines: list[tuple[str, bool]]) -> None:
    texts = folded([text for text, _ in lines])
    keys = line_keys(texts, np.array([listed for _, listed in lines]))
    for row, (_, listed) in enumerate(lines):
        expected = naive.line_keys(texts[row], listed)
        assert {name: int(column[row]) for name, column in keys.items()} == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("甲乙丙丁 ab12", max_size=12), min_size=2, max_size=4))
def test_common_shares_are_those_of_the_slow_twin(lines: list[str]) -> None:
    texts = folded(lines)
    np.testing.assert_allclose(kernel.common_shares(texts.chars, texts.offsets), naive.common_shares([texts[i] for i in range(len(texts))]))


@settings(deadline=None)
@given(st.text('0123456789年月日 第十二期:/."《》「」[]()@wwwhttps甲乙丙丁abc-', max_size=40))
def test_skeleton_text_and_hash_see_the_same_pieces(line: str) -> None:
    row = folded([line, line + "", " " + line])
    first, second, third = skeletons(row)
    assert first == second == third
    assert skeleton_text(row[0]) == skeleton_text(row[2])
