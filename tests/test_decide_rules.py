"""Verdicts of rules, templates and filters: how far they spread, what the guard gives back, and what is left of a cut passage."""

from __future__ import annotations

import itertools
from pathlib import Path

import naive_matching as naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import HAN, World, paragraph

from tasks.filters import filter_reasons
from tasks.kernels import decide as kernel
from tasks.reasons import KEPT, LANGUAGE, QUALITY
from tasks.settings import Settings
from tasks.store import schemas

DUPLICATE = ("exact_duplicate", "near_duplicate", "duplicate_block")

SPONSOR = "本节目由河湾茶叶铺赞助播出，听众朋友们凭节目口令到店里买茶可以得到一份小礼物，欢迎大家前去品尝。"
REWORDED = "本节目由河湾茶叶铺赞助播出，听众朋友们凭节目口令去店里买茶能够得到一份小礼物，欢迎大家前去品尝吧。"
AGAIN = "本节目由河湾茶叶铺赞助播出，听众凭节目口令去店里买茶能够得到一份小礼物，也欢迎大家前去品尝吧。"


def rule(category: str, scope: str = "line", pattern: str = "本节目由河湾茶叶铺赞助播出,听众朋友们凭节目口令到.*") -> str:
    return f"""[[rule]]
id = "my.rule"
category = "{category}"
pattern = '{pattern}'
scope = "{scope}"
examples = ["{SPONSOR}", "{SPONSOR}好"]
counter_examples = ["{REWORDED}"]
"""


def shows(rng: np.random.Generator, *lines: str) -> dict[str, str]:
    return {f"{i}.txt": f"{paragraph(rng, 400)}\n\n{paragraph(rng, 400)[::-1]}\n\n{line}" for i, line in enumerate(lines)}


def test_boilerplate_spreads_to_a_near_twin_by_one_hop(tmp_path: Path) -> None:
    assert naive.jaccard(SPONSOR, REWORDED) >= 0.7 > naive.jaccard(SPONSOR, AGAIN)
    assert naive.jaccard(REWORDED, AGAIN) >= 0.7
    world = World.of(tmp_path, shows(np.random.default_rng(1), SPONSOR, REWORDED, AGAIN), rule("sponsor"))
    last = {source: reason for source, _, reason in world.said}
    assert last == {"0.txt": "boilerplate", "1.txt": "boilerplate", "2.txt": "kept"}
    (spread,) = [row for row in world.tables["removed"] if row["source"] == "1.txt"]
    assert spread["category"] == "sponsor"
    assert "near duplicate" in spread["evidence"]


@pytest.mark.parametrize(("category", "scope"), [("navigation", "line"), ("related", "line"), ("sponsor", "region_to_end")])
def test_boilerplate_does_not_spread_from_navigation_related_links_or_a_region(tmp_path: Path, category: str, scope: str) -> None:
    world = World.of(tmp_path, shows(np.random.default_rng(1), SPONSOR, REWORDED), rule(category, scope))
    assert [reason for _, text, reason in world.said if text in (SPONSOR, REWORDED)] == ["boilerplate", "kept"]


def block(first: str, second: str) -> str:
    return f"{first}\n\n{second}"


THANKS = "河湾茶叶铺的老板娘说，每一泡茶都从自家后山采来，当天采当天炒，炒好就装进密封的铁罐里寄到各地去。"


@pytest.mark.parametrize("both", [True, False], ids=["the whole block", "one passage"])
def test_boilerplate_spreads_inside_a_repeated_block_wherever_it_stands(tmp_path: Path, both: bool) -> None:
    """The exemplar of a sponsor block fell whole; a reworded block elsewhere goes. One passage alone may be what an article is about."""
    rng = np.random.default_rng(4)
    text = rule("sponsor") + rule("sponsor", pattern="河湾茶叶铺的老板娘.*铁罐里寄到各地去.").replace("my.rule", "my.other").replace(
        f'examples = ["{SPONSOR}", "{SPONSOR}好"]', f'examples = ["{THANKS}", "{THANKS}"]'
    )
    other = THANKS.replace("每一泡", "这一泡").replace("各地去。", "各地。")
    assert naive.jaccard(THANKS, other) >= 0.7
    moved = block(REWORDED, other) if both else REWORDED
    sources = shows(rng, block(SPONSOR, THANKS)) | {"1.txt": f"{moved}\n\n{paragraph(rng, 400)}\n\n{paragraph(rng, 400)}"}
    world = World.of(tmp_path, sources, text)
    expected = ["boilerplate"] * 2 if both else ["kept"]
    assert world.reasons("1.txt") == [*expected, "kept", "kept"]


def test_a_breadcrumb_does_not_take_the_title_with_it(tmp_path: Path) -> None:
    title = "老城墙根下的茶馆为什么一夜之间挤满了从外地赶来听戏的年轻人"
    rng = np.random.default_rng(2)
    page = f"首页\n新闻中心\n>\n{title}\n\n# {title}\n\n{paragraph(rng, 300)}"
    plain = f"{title}\n\n{paragraph(rng, 300)}\n\n{paragraph(rng, 300)}"
    world = World.of(tmp_path, {"a.md": page, "b.txt": plain})
    kept = [row["source"] for row in world.tables["passages"] if title in row["text"]]
    assert {"a.md", "b.txt"} <= set(kept)


def test_a_teaser_that_became_a_template_does_not_take_the_article_it_quotes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    opening = paragraph(rng, 80)
    foot = "更多的故事请到我们的网站上去看，那里每天都有新的"
    pages = {f"n/{i}.txt": f"{paragraph(rng, 300)}\n\n{paragraph(rng, 300)}\n\n{opening}\n\n{foot}" for i in range(8)}
    article = "\n\n".join([opening, *(paragraph(rng, 200) for _ in range(5))])
    world = World.of(tmp_path, {**pages, "n/z.txt": article})
    assert {reason for source, text, reason in world.said if text == opening and source != "n/z.txt"} == {"template"}
    assert world.reasons("n/z.txt") == ["kept"] * 6


def test_boilerplate_does_not_spread_to_another_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sources = shows(rng, SPONSOR) | {"1.txt": f"{REWORDED}\n\n{paragraph(rng)}\n\n{paragraph(rng)}"}
    world = World.of(tmp_path, sources, rule("sponsor"))
    assert world.reasons("1.txt") == ["kept"] * 3


def test_the_guard_gives_a_source_its_text_back_and_spread_does_not_take_it_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    only = "\n\n".join([SPONSOR] * 12)
    sources = shows(rng, SPONSOR) | {"only.txt": only, "twin.txt": "好吧。\n\n" + REWORDED}
    pattern = rule("sponsor").replace('scope = "line"', 'scope = "line"\nmax_share = 1.0')
    world = World.of(tmp_path, sources, pattern, guards={"min_guarded_chars": 45})
    assert set(world.verdicts.review) == {"only.txt", "twin.txt"}
    assert world.reasons("0.txt")[-1] == "boilerplate"
    assert set(world.reasons("only.txt")) <= {"kept", *DUPLICATE}
    assert "kept" in world.reasons("only.txt")
    assert "boilerplate" not in world.reasons("twin.txt")
    small = World.of(tmp_path / "small", {"only.txt": only}, pattern, guards={"min_guarded_chars": 10_000})
    assert set(small.reasons("only.txt")) == {"boilerplate"}


def test_more_templates_than_rules_are_no_trouble(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    feet = ["".join(rng.choice(list(HAN), 30)) for _ in range(4)]
    sources = {f"{i}.txt": "\n\n".join([paragraph(rng) for _ in range(12)] + feet) for i in range(8)}
    world = World.of(tmp_path, sources, rule("sponsor"), boilerplate={"min_documents": 3})
    assert {reason for _, text, reason in world.said if text in feet} == {"template"}
    assert {reason for _, text, reason in world.said if text not in feet} == {"kept"}
    assert all(row["kept_passage_id"] is None for row in world.tables["removed"])


def test_precedence_is_rule_then_language_then_quality_then_duplicate(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    english = "The quick brown fox jumps over the lazy dog while the old sailor reads his newspaper in the quiet harbour every morning."
    body = f"{paragraph(rng, 400)}\n\n{english}\n\n{SPONSOR}"
    world = World.of(tmp_path, {"a.txt": body, "b.txt": body}, rule("sponsor"), language={"keep": ("zh",)})
    assert world.reasons("a.txt") == ["kept", "language", "boilerplate"]
    assert world.reasons("b.txt") == ["exact_duplicate", "language", "boilerplate"]
    poor = World.of(tmp_path / "poor", {"a.txt": body, "b.txt": body}, rule("sponsor"), quality={"minimum": 1.0})
    assert {r for _, _, r in poor.said} <= {"quality", "boilerplate", "kept", "exact_duplicate"}
    assert poor.reasons("a.txt")[-1] == "boilerplate"
    for row in poor.tables["passages"]:
        assert row["quality"] >= 1.0


def described(langs: list[str | None], quality: list[float | None], **columns: list[object]) -> pa.Table:
    """Rows as the filters see them: sure and not mixed, unless columns say otherwise."""
    n = len(langs)
    rows = {"lang_confidence": [1.0] * n, "is_mixed": [False] * n, "lang_shares": [[]] * n, **columns}
    shares = pa.array(rows.pop("lang_shares"), schemas.PASSAGES.field("lang_shares").type)
    return pa.table({"lang": pa.array(langs, pa.string()), "quality": pa.array(quality, pa.float32()), "lang_shares": shares, **rows})


def test_filters_let_rows_without_a_language_or_a_score_pass() -> None:
    rows = described(["zh-Hans", "zh", "en", "und", None, "zhx"], [0.1, 0.9, 0.9, None, 0.9, float("nan")])
    strict = Settings.model_validate({"language": {"keep": ("zh",)}, "quality": {"minimum": 0.5}})
    assert filter_reasons(rows, strict).tolist() == [QUALITY, KEPT, LANGUAGE, KEPT, KEPT, LANGUAGE]
    assert filter_reasons(rows, Settings()).tolist() == [KEPT] * 6
    assert filter_reasons(rows.slice(0, 0), strict).tolist() == []


def test_a_guess_and_a_mixture_with_a_kept_language_stay() -> None:
    shares = [{"lang": "en", "share": 0.7}, {"lang": "zh-Hans", "share": 0.3}]
    rows = described(
        ["pt", "pt", "en", "en", "en"],
        [1.0] * 5,
        lang_confidence=[0.5, 0.9, 1.0, 1.0, 1.0],
        is_mixed=[False, False, True, False, True],
        lang_shares=[[], [], shares, shares, [{"lang": "en", "share": 0.95}, {"lang": "zh", "share": 0.05}]],
    )
    settings = Settings.model_validate({"language": {"keep": ("zh",)}})
    assert filter_reasons(rows, settings).tolist() == [KEPT, LANGUAGE, KEPT, LANGUAGE, LANGUAGE]


LINES = "今天我们去了海边的码头看船\n本节目由河湾茶叶铺赞助播出\n然后在小店里吃了一碗热汤面\n晚上回到家里写信给远方朋友\n窗外的雨一直下到天亮才停"


def test_a_passage_cut_by_a_rule_names_its_parent_and_loses_no_character(tmp_path: Path) -> None:
    pattern = f"[[rule]]\nid = 'my.rule'\ncategory = 'sponsor'\npattern = '本节目由.*赞助播出'\nexamples = ['{LINES.splitlines()[1]}', '本节目由我赞助播出']\ncounter_examples = ['好']\n"
    world = World.of(tmp_path, {"a.txt": LINES}, pattern)
    rows = sorted(world.tables["passages"] + world.tables["removed"], key=lambda row: row["char_start"])
    assert world.reasons("a.txt") == ["split"]
    assert [row["parent_id"] is None for row in rows] == [False] * len(rows)
    assert len({row["parent_id"] for row in rows}) == 1
    assert len({row["passage_id"] for row in rows}) == len(rows)
    raw = [LINES[row["char_start"] : row["char_end"]] for row in rows]
    assert "".join("".join(raw).split()) == "".join(LINES.split())
    (gone,) = world.tables["removed"]
    assert (gone["reason"], gone["raw"], gone["line_start"], gone["line_end"]) == ("boilerplate", LINES.splitlines()[1], 2, 2)


def test_filters_judge_what_is_left_of_a_cut_passage_anew(tmp_path: Path) -> None:
    pattern = "[[rule]]\nid = 'my.rule'\ncategory = 'sponsor'\npattern = '本节目由.*赞助播出'\nexamples = ['本节目由他赞助播出', '本节目由我赞助播出']\ncounter_examples = ['好']\n"
    text = "\n".join(
        ["The old sailor reads his newspaper in the harbour", "本节目由河湾茶叶铺赞助播出", "the fox jumps over the lazy dog every morning"]
        * 2
    )
    world = World.of(tmp_path, {"a.txt": text}, pattern, language={"keep": ("zh",)})
    assert world.tables["passages"] == []
    assert {row["reason"] for row in world.tables["removed"]} == {"boilerplate", "language"}
    assert sum(len("".join(row["raw"].split())) for row in world.tables["removed"]) == len("".join(text.split()))


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=4, max_size=4)),
        min_size=1,
        max_size=6,
    )
)
def test_passages_fall_whole_or_are_cut_into_runs_of_one_verdict(passages: list[tuple[int, list[tuple[int, int]]]]) -> None:
    verdicts = [[(r, u if r else -1) for r, u in lines[:n]] for n, lines in passages]
    flat = [line for lines in verdicts for line in lines]
    last = np.cumsum([len(lines) for lines in verdicts]) - 1
    first = last - [len(lines) - 1 for lines in verdicts]
    reason, rules = np.array([r for r, _ in flat], np.uint8), np.array([u for _, u in flat], np.int32)
    fell, by, split = kernel.fall(first, last, reason, rules)
    for p, lines in enumerate(verdicts):
        one = len(set(lines)) == 1
        assert split[p] == (not one)
        assert (fell[p], by[p]) == (lines[0] if one else (0, -1))
    owner, begin, end = kernel.fragments(np.flatnonzero(split), first, last, reason, rules, np.zeros(len(flat), np.int64))
    for p in np.flatnonzero(split).tolist():
        runs = [len(list(group)) for _, group in itertools.groupby(verdicts[p])]
        assert (end - begin + 1)[owner == p].tolist() == runs
