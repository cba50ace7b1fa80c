from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from tasks import boilerplate
from tasks.boilerplate import Lines, LineVerdicts, RuleSet, evidence, judge, load_rules
from tasks.errors import SettingsError
from tasks.foldline import fold_lines, fold_texts
from tasks.literals import required
from tasks.rulepack import KINDS, PACKS, Rule, compiled, failing_examples, fold_pattern, read_rules
from tasks.settings import Boilerplate
from tasks.store.text import Texts

TO_TRADITIONAL = OpenCC("s2t")
RULES = load_rules(Boilerplate())
PROSE = "这是一段普通的正文，讲的是天气和庄稼，没有别的意思，也不需要读者去做任何事情，读完就好。"


def judged(*documents: str, rules: RuleSet = RULES, kind: str = "prose") -> LineVerdicts:
    """Verdicts on documents cut at line breaks; # begins a heading, - a list item, a tab a line of code."""
    rows, doc, kinds, number, blank = [], [], [], [], []
    for index, document in enumerate(documents):
        was_blank = True
        for line_number, line in enumerate(document.split("\n"), 1):
            if line.strip():
                rows.append(line.strip())
                doc.append(index)
                kinds.append({"#": "heading", "-": "list", "\t": "code"}.get(line[0], kind))
                number.append(line_number)
                blank.append(was_blank)
            was_blank = not line.strip()
    texts = Texts.of(rows)
    columns = Lines(
        np.array(doc, np.int32),
        np.array([KINDS.index(k) for k in kinds], np.uint8),
        np.array(number, np.int64),
        np.array(blank, bool),
        np.array([len(row) for row in rows], np.int64),
    )
    return judge(fold_lines(texts.chars, texts.offsets[:-1], texts.offsets[1:]), columns, rules)


def removed(*documents: str, rules: RuleSet = RULES, kind: str = "prose") -> list[int]:
    """Line numbers that the rules take, of all documents in order."""
    verdicts = judged(*documents, rules=rules, kind=kind)
    return verdicts.number[verdicts.rule >= 0].tolist()


def article(*tail: str, head: tuple[str, ...] = (), body: int = 30) -> str:
    return "\n".join([*head, *[f"{PROSE[:-1]}，第{i}段。" for i in range(body)], *tail])


def pack_file(tmp_path: Path, **changes: object) -> Path:
    rule = {
        "id": "my.rule",
        "category": "footer",
        "pattern": "甲乙",
        "examples": ("甲乙", "【甲乙】"),
        "counter_examples": ("丙",),
        **changes,
    }
    lines = [f"{key} = {list(value) if isinstance(value, tuple) else chr(39) + str(value) + chr(39)}" for key, value in rule.items()]
    path = tmp_path / "mine.toml"
    path.write_text("[[rule]]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("pack", sorted(path.stem for path in PACKS.glob("*.toml")))
def test_every_example_matches_and_no_counter_example_does(pack: str) -> None:
    assert failing_examples(read_rules(PACKS / f"{pack}.toml")) == []


def test_packs_cover_every_category_with_unique_ids() -> None:
    assert {rule.category for rule in RULES.rules} == {
        *("navigation", "share", "subscribe", "advertisement", "sponsor", "related", "contents", "links", "references"),
        *("disclaimer", "copyright", "attribution", "greeting", "comments", "footer", "metadata", "submission", "contact"),
    }
    assert len({rule.id for rule in RULES.rules}) == len(RULES.rules) >= 200
    assert not any("code" in rule.kinds for rule in RULES.rules)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_an_example_in_traditional_or_full_width_form_matches_too(rule: Rule) -> None:
    wide = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
    for example in rule.examples:
        for variant in (TO_TRADITIONAL.convert(example), example.translate(wide)):
            assert compiled(rule.regex).search(fold_texts([variant])[0]), variant


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_example_holds_one_of_the_literals_its_rule_is_found_by(rule: Rule) -> None:
    need = required(rule.body)
    assert need is None or all(any(word in example for word in need) for example in fold_texts(list(rule.examples)))


LITERALS = [
    "订阅|关注",
    "(?:点击|扫码)(?:关注|订阅)+.{0,9}",
    "a{2,3}b",
    "第\\d{1,3}[页章]",
    "(?:甲|乙)?丙[丁戊]{2}",
    "x(?:y|)z",
    "[^a]b+c",
    "a(?:bc|d)*e",
]


@given(st.sampled_from(LITERALS), st.text("订阅关注点击扫码第1页章甲乙丙丁戊abcdexyz", max_size=12))
def test_what_a_pattern_matches_holds_a_required_literal(pattern: str, text: str) -> None:
    need = required(pattern)
    if need is not None and compiled(pattern).search(text):
        assert any(word in text for word in need)


def test_patterns_are_folded_but_their_syntax_is_not() -> None:
    assert fold_pattern(r"訂閱（我們）[Ａ-Ｚ]\S\p{Han}(?P<Name>Ａ)") == r"订阅\(我们\)[a-z]\S\p{Han}(?P<Name>a)"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pattern": "(甲"}, "missing"),
        ({"pattern": "甲(?=乙)"}, "no look-around"),
        ({"pattern": "(甲)\\1"}, "no back-references"),
        ({"pattern": "((甲{1,90}){1,90}){1,90}"}, "RE2"),
        ({"pattern": "甲*", "anchor": "search"}, "empty line"),
        ({"pattern": "甲" * 9000}, "split it"),
        ({"colour": "red"}, "unknown key colour"),
        ({"category": "nonsense"}, "category"),
        ({"examples": ("甲乙",)}, "examples"),
        ({"follows": ".+"}, "scope"),
        ({"examples": ("甲乙", "丙丁")}, "example does not match: 丙丁"),
        ({"examples": ("甲乙", "甲乙"), "counter_examples": ("【甲乙】",)}, "counter-example matches"),
    ],
)
def test_a_bad_rule_is_refused_naming_file_rule_and_reason(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    path = pack_file(tmp_path, **changes)
    with pytest.raises(SettingsError, match=r"mine\.toml.*my\.rule") as caught:
        load_rules(Boilerplate(files=("mine.toml",)), path.parent)
    assert reason in str(caught.value)


def test_a_users_own_file_adds_rules(tmp_path: Path) -> None:
    pack_file(tmp_path)
    rules = load_rules(Boilerplate(files=("mine.toml",)), tmp_path)
    assert removed(article("甲乙"), rules=rules) == [31]
    assert rules.digest != RULES.digest


def test_rules_and_categories_can_be_turned_off_and_a_wrong_name_is_told() -> None:
    ids = {rule.id for rule in load_rules(Boilerplate(off=("greeting", "zh.share.buttons"))).rules}
    assert "zh.share.buttons" not in ids
    assert not any(".greeting." in name for name in ids)
    with pytest.raises(SettingsError, match=r"zh\.shaer"):
        load_rules(Boilerplate(off=("zh.shaer",)))
    with pytest.raises(SettingsError, match="no pack 'fr'"):
        load_rules(Boilerplate(packs=("fr",)))


def test_hostile_lines_do_not_blow_up() -> None:
    lines = ["关注" * 60, "(" * 120, "点赞、" * 40, "首页 " * 60, "作者：" * 30, ">" * 100, "[1](#" * 20]
    assert len(judged(article(*lines)).rule) == 37


# --- lines ---


def test_a_greeting_goes_at_the_very_start_and_end_only() -> None:
    talk = ["大家好，这里是某某频道，我是小王", *["我们接着说下一件事"] * 30, "希望今天的视频能给你带来一些启发", "谢谢各位的收看，下周见"]
    assert removed("\n".join(talk), kind="caption") == [1, 32, 33]
    assert removed("\n".join([*["我们接着说下一件事"] * 30, *talk[:1], *["我们接着说下一件事"] * 30]), kind="caption") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "这家公司赞助了三支球队，也赞助了学校的图书馆，赞助金额没有公布。",
        "读者可以订阅周刊，也可以在图书馆里读到它，订阅的人一年比一年多。",
        "相关阅读显示，早在十年前就有人提出了同样的看法，只是没有人注意。",
        "他在发言里说：未经批准不得转载这条规定，已经实行了许多年。",
        "用户扫描二维码以后就能看到菜单，点菜、付款都在手机上完成。",
        "广告收入占公司总收入的八成，其余来自会员订阅和直播打赏。",
        "会议从 9:30 开到 11:45，下午接着开。",
        "网站首页改版以后，搜索、登录和注册都移到了右上角。",
    ],
)
def test_a_sentence_of_an_article_stays_wherever_it_stands(sentence: str) -> None:
    assert removed(article(sentence, head=(sentence,))) == []
    assert removed("\n".join([*[PROSE] * 12, sentence, *[PROSE] * 12])) == []


def test_a_position_rule_needs_its_place_or_a_neighbour() -> None:
    middle = [*[PROSE] * 30, "来源：某某网", *[PROSE] * 30]
    assert removed("\n".join(middle)) == []
    assert removed("\n".join(middle[30:])) == [1]
    assert removed("\n".join([*middle[:30], "扫码关注我们", *middle[30:]])) == [31, 32]


def test_a_weak_word_needs_company() -> None:
    assert removed(article("分享")) == []
    assert removed(article("分享", "收藏", "点赞")) == [31, 32, 33]


def test_code_is_never_taken() -> None:
    assert removed(article("\t扫码关注我们", "\t# 相关阅读")) == []


def test_a_refused_match_is_kept_for_the_report() -> None:
    verdicts = judged("\n".join([*[PROSE] * 30, "来源：某某网", *[PROSE] * 30]))
    assert verdicts.rules.rules[verdicts.hits[30]].id == "zh.attribution.source"
    assert verdicts.rule[30] == -1
    assert not verdicts.accepted[verdicts.hit_line == 30].any()


def test_a_rule_that_hits_most_of_a_document_is_its_form_and_removes_nothing() -> None:
    assert removed("\n".join(["相关阅读：甲乙丙丁戊"] * 20 + [PROSE])) == []


@pytest.mark.parametrize("title", ["联系我们", "Privacy Policy", "免責聲明", "## 投稿须知"])
def test_a_page_that_is_its_own_subject_keeps_its_lines(title: str) -> None:
    rows = ["总机：0000-0000000", "投稿：tougao@example.org", "© 2024 示例公司 版权所有", "如有侵权，请联系我们删除"]
    assert removed("\n".join([title, *rows, "乘车路线：乘 3 路车至文化宫站"])) == []
    assert removed("\n".join(["联系我们", "关于我们", "隐私政策", *rows])) != []  # a menu


def test_a_line_that_talks_about_such_words_stays() -> None:
    assert removed(article("“未经授权不得转载”这句话，写与不写差别不大。")) == []
    assert removed(article("未经授权，不得转载。")) == [31]


def test_a_tail_rule_removes_nothing_at_the_head() -> None:
    assert removed(article(head=("读者来信：hi@example.org",))) == []
    assert removed(article("读者来信：hi@example.org")) == [31]


# --- breadcrumbs ---


def test_a_breadcrumb_goes_and_the_title_below_it_stays() -> None:
    page = (
        "某某新闻\n>\n一个很长的文章标题：它在说什么\n\n一个很长的文章标题：它在说什么\n\n互联网资讯\n点击订阅，每周读一本好书\n\n"
        + article()
    )
    assert removed(page) == [1, 2, 3, 7, 8]


def test_a_breadcrumb_does_not_take_the_only_copy_of_the_title() -> None:
    assert removed("某某新闻\n>\n一个很长的文章标题：它在说什么\n\n" + article()) == [1, 2]


def test_a_markdown_quotation_is_no_breadcrumb() -> None:
    assert removed("> 引用\n>\n> 第二段\n\n" + article()) == []


# --- breadcrumbs without a first page, above a title ---

TITLE = "\n\n山里的雾什么时候散\n\n"


@pytest.mark.parametrize("crumb", ["海边日报 > 人物 > 渔家", "山腳週刊 / 專欄 / 茶事", "Blog » Gardening"])
def test_a_breadcrumb_above_the_title_goes_and_the_title_stays(crumb: str) -> None:
    assert removed(crumb + TITLE + article()) == [1]
    assert removed("海边日报\n" + crumb + "\n# 山里的雾什么时候散\n" + article()) == [2]


@pytest.mark.parametrize("title", ["春 > 夏 > 秋冬", "诗经 / 楚辞 / 汉赋", "快速 > 准确 > 便宜"])
def test_a_title_that_looks_like_a_breadcrumb_stays(title: str) -> None:
    assert removed(title + "\n\n" + article()) == []
    assert 1 not in removed(title + "\n来源：某某网\n2024-01-02\n\n" + article())
    assert 1 not in removed(title + "\n\n扫码关注我们\n\n" + article())
    assert removed("山里的雾什么时候散\n\n" + title + "\n\n" + article(), kind="prose") == []
    assert removed(article(title, "山里的雾什么时候散")) == []


# --- sponsors, offers, sign-offs ---


def test_a_sponsor_block_goes_at_the_head_and_in_the_middle() -> None:
    block = [
        "山脚茶铺赞助了这期节目。山脚茶铺的茶叶手工炒制，一罐只装一座山头的味道。",
        "听众专属优惠：https://example.org/tea 下单时输入 SHANJIAO 立减二十元。",
        "往期节目和书单都在节目主页 https://example.org/show",
    ]
    assert removed("\n".join([*block, article()])) == [1, 2, 3]
    assert removed("\n".join([*[PROSE] * 20, *block, *[PROSE] * 20])) == [21, 22, 23]


@pytest.mark.parametrize(
    "sentence",
    [
        "本地一家茶铺赞助了本届运动会。这家茶铺在山脚下开了三十年，老板自己也跑马拉松。",
        "本期封面由一位学生绘制。他用了三个星期，画坏了四块木板。",
        "用户下单时检查优惠码是否过期，过期的要退回，这一步由后台完成。",
        "本期介绍的工具在 https://example.org 可以下载，源码也在那里。",
        "培训班名额有限，家长半夜就在门口排队，孩子在家里睡觉。",
        "谢谢大家，明天我还要去一趟山里，看看那口井有没有水。",
        "我们下山的时候天已经黑了，路上一个人也没看见",
        "记得订阅报纸的那位老人，每天早上都在门口等邮递员",
        "欢迎来到山脚下，这里的茶不卖给过路的人",
        "他在苹果播客、小宇宙上听了二十年的书，也没有学会普通话。",
        "著作权所有人可以请求赔偿，这条规定后来改过两次。",
        "本报记者站在桥上数了一整天的车，数到三千辆就不数了。",
        "Use code blocks for commands and quotes for the words of others.",
        "The university sponsored this translation of the poems in 1980.",
        "Readers can save 20% of their time if they skip the preface.",
        "Click the bell and the doctor opens the door.",
    ],
)
def test_a_sentence_that_comes_close_to_a_closing_or_a_sponsor_stays(sentence: str) -> None:
    assert removed(article(sentence, head=(sentence,))) == []
    assert removed("\n".join([*[PROSE] * 12, sentence, *[PROSE] * 12])) == []


@pytest.mark.parametrize(
    "line",
    [
        "感谢收听《灯下漫步》，我们下周五晚上再会。",
        "謝謝大家，我們下一站見",
        "我们下一座山头再见",
        "明天见",
        "記得訂閱頻道，按下小鈴鐺",
        "觉得有意思的话求一键三连",
        "See you next time, bye!",
        "Smash that like button and subscribe!",
        "That's it for today.",
    ],
)
def test_a_sign_off_goes_at_the_end_and_nowhere_else(line: str) -> None:
    talk = ["我们接着说下一件事"] * 40
    assert removed("\n".join([*talk, line]), kind="caption") == [41]
    assert removed("\n".join([*talk, line, *talk]), kind="caption") == []


def test_a_share_bar_with_words_of_all_kinds_goes() -> None:
    assert removed(article("分享至：微博 QQ空间 复制网址", "收藏本文 按讚 轉寄 分享給朋友")) == [31, 32]


# --- regions and blocks ---

TEASERS = ("• 第一个标题", "某某网 2011年7月9日", "• 第二个标题", "某某网 2011年7月8日", "• 第三个标题")


def test_related_titles_at_the_end_go() -> None:
    assert removed(article("相关推荐", *TEASERS)) == list(range(31, 37))
    assert removed(article("相關閱讀", "標題一標題二標題三", "logo")) == [31, 32, 33]


def test_related_titles_in_the_middle_do_not_take_the_article_that_goes_on() -> None:
    text = article("相关阅读", "甲事件始末", "乙事件始末", *[PROSE] * 10, body=30)
    assert removed(text) == [31, 32, 33]


def test_a_heading_called_related_with_an_article_below_it_stays() -> None:
    assert removed(article("相关阅读", *[PROSE] * 10)) == []
    assert removed("\n".join(["相关阅读", *["短标题"] * 30])) == []


def test_a_markdown_section_of_related_links_ends_at_the_next_heading() -> None:
    assert removed(article("## 相关文章", "- 甲的标题", "- 乙的标题", "## 结语", "写到这里。")) == [31, 32, 33]


def test_a_course_block_goes_and_a_numbered_list_of_content_stays() -> None:
    promo = [
        "【某某训练营第三季介绍】",
        "1. 直播课程共五十讲。",
        "2. 会员免费看回放。",
        "3. 学员报名即送资料。",
        "4. 年费制，概不退款。",
    ]
    assert removed(article(*promo)) == [31, 32, 33, 34, 35]
    content = ["【课程总结】", "1. 先量后裁。", "2. 先难后易。", "3. 先整体后局部。", "4. 留有余地。"]
    assert removed(article(*content)) == []


def test_chapter_lists_go_and_transcripts_with_time_codes_stay() -> None:
    notes = ["00:00 开场", "03:10 背景", "12:45 正题", "[00:00:10] 开场 [00:03:00] 背景 [00:20:00] 结语"]
    assert removed("\n".join([*notes, article()])) == [1, 2, 3, 4]
    transcript = "\n".join(f"{i // 60:02}:{i % 60:02} 我们接着说第{i}件事" for i in range(0, 400, 7))
    assert removed(transcript) == []
    assert removed(article("09:30 签到", "10:00 开幕", "12:00 午餐")) == []


def test_references_go_with_their_heading() -> None:
    assert removed(article("参考资料：", "[1]https://example.org/a", "[2] https://example.org/b")) == [31, 32, 33]
    assert removed(article("参考资料不足，结论有待检验。")) == []


# --- smoothing ---


def test_a_short_line_among_boilerplate_goes_and_a_lone_one_stays() -> None:
    assert removed(article("扫码关注我们", "某某助手", "欢迎投稿")) == [31, 32, 33]
    assert removed(article("扫码关注我们", "某某助手", PROSE)) == [31]
    off = RuleSet(RULES.rules, smoothing=False)
    assert removed(article("扫码关注我们", "某某助手", "欢迎投稿"), rules=off) == [31, 33]


def test_smoothing_takes_no_sentence_no_heading_and_no_title() -> None:
    assert removed(article("扫码关注我们", "他没有来。", "欢迎投稿")) == [31, 33]
    assert removed(article("扫码关注我们", "# 结语", "欢迎投稿")) == [31, 33]
    head = "点击订阅\n\n某个八个字以上的标题\n\n扫码关注我们\n\n" + article()
    assert removed(head) == [1, 5]


def test_evidence_names_rule_and_line() -> None:
    verdicts = judged(article("扫码关注我们", "某某助手", "欢迎投稿", "相关阅读", "• 标题"))
    said = [evidence(verdicts, line) for line in range(30, 35)]
    assert "zh.subscribe.scan" in said[0]
    assert said[1].startswith("short line among boilerplate")
    assert "region" in said[4]
    assert "line 34" in said[4]
    assert evidence(verdicts, 0) == ""


# --- properties ---

POOL = [
    PROSE,
    "扫码关注我们",
    "来源：某某网",
    "分享",
    "收藏",
    ">",
    "首页",
    "某某助手",
    "相关阅读",
    "• 标题",
    "",
    "https://example.org/a",
    "00:00 开场",
    "03:10 背景",
    "【某某训练营】",
    "1. 会员可以看回放",
    "2024-01-02",
]
documents = st.lists(st.lists(st.sampled_from(POOL), max_size=14).map("\n".join), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(documents, st.randoms(use_true_random=False))
def test_verdicts_do_not_depend_on_other_documents_or_their_order(texts: list[str], random: object) -> None:
    alone = {text: removed(text) for text in texts}
    order = sorted(texts, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert removed(*order) == [number for text in order for number in alone[text]]


@settings(deadline=None, max_examples=60)
@given(documents)
def test_every_verdict_has_a_rule_an_anchor_and_evidence(texts: list[str]) -> None:
    verdicts = judged(*texts)
    taken = np.flatnonzero(verdicts.rule >= 0)
    assert (verdicts.anchor[taken] >= 0).all()
    assert (verdicts.hits[taken] == -1).all()
    assert all(evidence(verdicts, int(line)) for line in taken)
    assert (verdicts.rule[verdicts.hit_line[verdicts.accepted]] >= 0).all()


def test_no_lines_give_no_verdicts() -> None:
    assert len(judged("").rule) == 0
    assert (
        boilerplate.judge(
            Texts.of([]), Lines(*(np.zeros(0, t) for t in (np.int32, np.uint8, np.int64, bool, np.int64))), RuleSet(())
        ).rule.size
        == 0
    )


def test_the_real_pages_lose_what_a_careful_reader_would_remove(shared: Path) -> None:
    expected = tomllib.loads((shared / "seeds" / "expected.toml").read_text(encoding="utf-8"))
    for source in expected["source"]:
        text = (shared / "seeds" / source["file"]).read_text(encoding="utf-8")
        kind = {"captions": "caption"}.get(source["layout"], "prose")
        gone = set(removed(text, kind=kind))
        unwanted, kept, either = (
            {n for r in source[key] for n in range(r["lines"][0], r["lines"][1] + 1)} for key in ("remove", "keep", "either")
        )
        rows = dict(enumerate(text.split("\n"), 1))
        wanted = {n for n, row in rows.items() if row.strip()} - unwanted - either
        assert not gone & kept, source["file"]
        size = {n: len(row.strip()) for n, row in rows.items()}
        found = sum(size[n] for n in unwanted & gone)
        assert found >= 0.9 * sum(size[n] for n in unwanted), source["file"]
        assert sum(size[n] for n in wanted & gone) <= 0.003 * sum(size[n] for n in wanted), source["file"]


# --- words ---


def test_a_pattern_is_composed_of_the_words_of_its_file(tmp_path: Path) -> None:
    rule = '[[rule]]\nid = "my.rule"\ncategory = "share"\npattern = "{both}{2,3}乙"\nexamples = ["甲丁乙", "丙丁甲乙"]\ncounter_examples = ["甲乙"]\n'
    path = tmp_path / "mine.toml"
    path.write_text('[words]\nfirst = ["甲", "丙"]\nboth = ["{first}", "丁"]\n' + rule, encoding="utf-8")
    mine = load_rules(Boilerplate(files=("mine.toml",)), tmp_path).rules[-1]
    assert mine.pattern == "(?:(?:甲|丙)|丁){2,3}乙"
    path.write_text(rule, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"my\.rule.*no words 'both'"):
        load_rules(Boilerplate(files=("mine.toml",)), tmp_path)
