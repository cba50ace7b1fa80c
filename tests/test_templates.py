from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.foldline import fold_lines
from tasks.rulepack import KINDS
from tasks.settings import Boilerplate
from tasks.store.text import Texts
from tasks.templates import LineTable, Templates, mine, skeleton_text, skeletons


def folded(rows: list[str]) -> Texts:
    texts = Texts.of(rows)
    return fold_lines(texts.chars, texts.offsets[:-1], texts.offsets[1:])


def skeleton(line: str) -> int:
    return int(skeletons(folded([line]))[0])


def table(documents: list[list[str]], kind: str = "prose", collections: list[int] | None = None) -> LineTable:
    rows = [line for document in documents for line in document]
    doc = np.repeat(np.arange(len(documents)), [len(d) for d in documents]).astype(np.int64)
    head = np.concatenate([np.arange(len(d)) for d in documents]).astype(np.int32)
    size = np.repeat([len(d) for d in documents], [len(d) for d in documents])
    return LineTable(
        skeletons(folded(rows)),
        doc,
        np.array(collections or [0] * len(documents), np.int32)[doc],
        head,
        (size - head - 1).astype(np.int32),
        np.array([len(row) for row in rows], np.int32),
        np.full(len(rows), KINDS.index(kind), np.uint8),
    )


def texts_of(found: Templates, lines: LineTable, documents: list[list[str]], removing: bool = True) -> set[str]:
    rows = [line for document in documents for line in document]
    index = found.apply(lines.skeleton, lines.collection)
    return {skeleton_text(folded([rows[i]])[0]) for i in range(len(rows)) if index[i] >= 0 and found.removes[index[i]] == removing}


def newsletter(number: int, length: int = 30) -> list[str]:
    words = "春夏秋冬山川河海风雨雷电花鸟鱼虫"
    body = [
        f"正文里的{words[(number * 7 + i) % 16]}和{words[(number * 5 + i * 3) % 16]}还有{words[i % 16]}这句话只在这里{words[number % 16]}"
        for i in range(length)
    ]
    return [f"某某周刊第 {number} 期", *body, f"本期由“{words[number]}”整理，第10+{number}个年头", f"投稿：https://example.org/{number}"]


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
    lines = table(documents)
    found = mine(lines, np.array([5]), Boilerplate())
    assert texts_of(found, lines, documents) == {"某某周刊第 {number} 期", "本期由{title}整理,第{number}个年头"}
    assert sorted(found.category(i) for i in np.flatnonzero(found.removes)) == ["footer", "metadata"]
    assert all("5 documents (100%" in found.evidence(i) for i in np.flatnonzero(found.removes))


def test_four_documents_are_too_few_and_a_small_share_is_only_reported() -> None:
    assert len(mine(table([newsletter(n) for n in range(4)]), np.array([4]), Boilerplate())) == 0
    documents = [newsletter(n) for n in range(5)]
    found = mine(table(documents), np.array([100]), Boilerplate())
    assert len(found) == 2
    assert not found.removes.any()


def test_headings_code_and_tables_are_reported_not_removed() -> None:
    documents = [newsletter(n) for n in range(6)]
    for kind in ("heading", "code", "table"):
        found = mine(table(documents, kind), np.array([6]), Boilerplate())
        assert len(found) == 2
        assert not found.removes.any()


def test_a_line_that_recurs_in_the_middle_is_reported_only() -> None:
    documents = [[*newsletter(n)[:16], "下面我们来看代码怎么写", *newsletter(n)[16:]] for n in range(6)]
    lines = table(documents)
    found = mine(lines, np.array([6]), Boilerplate())
    assert "下面我们来看代码怎么写" in texts_of(found, lines, documents, removing=False)


def test_short_documents_do_not_make_every_line_head_or_tail() -> None:
    documents = [["今天的天气很好", "我们去了公园里玩", "晚上回家吃饭睡觉", "明天还要早起上班", "就写到这里为止吧"] for _ in range(6)]
    found = mine(table(documents), np.array([6]), Boilerplate())
    assert not found.removes[np.flatnonzero(found.concentration < 0.8)].any()
    assert int(found.removes.sum()) < 5


def test_a_long_frame_is_peeled_from_the_outside() -> None:
    frame = [f"版权说明的固定文字{'甲乙丙丁戊己庚辛壬癸'[i % 10]}{'子丑寅卯'[i // 10]}" for i in range(25)]
    documents = [[*newsletter(n, 60), *frame] for n in range(6)]
    lines = table(documents)
    found = mine(lines, np.array([6]), Boilerplate())
    assert set(frame) <= texts_of(found, lines, documents)


def test_templates_belong_to_their_collection() -> None:
    documents = [newsletter(n) for n in range(6)]
    lines = table([*documents, newsletter(7)], collections=[0] * 6 + [1])
    found = mine(lines, np.array([6, 1]), Boilerplate())
    index = found.apply(lines.skeleton, lines.collection)
    assert (index[lines.collection == 0] >= 0).sum() == 12
    assert (index[lines.collection == 1] == -1).all()
    assert found.name(0).startswith("mined.")


def test_nothing_gives_nothing() -> None:
    assert len(mine(table([["一二三四五"]]), np.array([1]), Boilerplate())) == 0
    empty = LineTable(*(np.zeros(0, t) for t in (np.uint64, np.int64, np.int32, np.int32, np.int32, np.int32, np.uint8)))
    found = mine(empty, np.array([0]), Boilerplate())
    assert len(found.apply(empty.skeleton, empty.collection)) == 0


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(7)), st.randoms(use_true_random=False))
def test_order_of_documents_and_lines_changes_nothing(order: list[int], random: object) -> None:
    documents = [newsletter(n) for n in range(7)]
    found = mine(table(documents), np.array([7]), Boilerplate())
    shuffled = table([documents[i] for i in order])
    rows = np.array(sorted(range(len(shuffled.doc)), key=lambda _: random.random()))  # type: ignore[attr-defined]
    again = mine(LineTable(**{name: column[rows] for name, column in vars(shuffled).items()}), np.array([7]), Boilerplate())
    for name, column in vars(found).items():
        np.testing.assert_array_equal(column, vars(again)[name], err_msg=name)


@settings(deadline=None)
@given(st.text('0123456789年月日 第十二期:/."《》「」[]()@wwwhttps甲乙丙丁abc-', max_size=40))
def test_skeleton_text_and_hash_see_the_same_pieces(line: str) -> None:
    row = folded([line, line + "", " " + line])
    first, second, third = skeletons(row)
    assert first == second == third
    assert skeleton_text(row[0]) == skeleton_text(row[2])
