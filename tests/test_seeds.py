"""The goals of the issue on the five real texts, and the same sponsor block carried into other sources. Skipped without ../shared."""

from __future__ import annotations

import importlib.util
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import whole
from opencc import OpenCC

Span = tuple[int, int]


@pytest.fixture(scope="session")
def tool(shared: Path) -> ModuleType:
    """The scoring script, imported by its path."""
    spec = importlib.util.spec_from_file_location("score_seeds", shared / "tools" / "score_seeds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def expected(shared: Path) -> list[dict[str, Any]]:
    return tomllib.loads((shared / "seeds" / "expected.toml").read_text(encoding="utf-8"))["source"]


@pytest.fixture(scope="session")
def texts(shared: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (shared / "seeds").glob("*.txt")}


def spans_of(tool: ModuleType, text: str) -> Callable[[list[int]], Span]:
    """From lines [first, last] to (char_start, char_end)."""
    lines = tool.lines(text)
    return lambda pair: (lines[pair[0] - 1][0], lines[pair[1] - 1][1])


def test_unwanted_is_removed_wanted_is_kept_and_nothing_is_lost(
    seeds_run: whole.Run, tool: ModuleType, expected: list[dict[str, Any]], texts: dict[str, str]
) -> None:
    kept, gone = tool.fates(seeds_run.snapshot)
    total: Counter[str] = Counter()
    for source in expected:
        text, name = texts[source["file"]], source["file"]
        span = spans_of(tool, text)
        unwanted, either = ([span(item["lines"]) for item in source[verb]] for verb in ("remove", "either"))
        total += tool.score(text, unwanted, either, tool.of(kept, name), tool.of(gone, name))
    assert total["neither"] == 0
    assert total["both"] == 0
    assert total["unwanted_removed"] / total["unwanted"] >= 0.90
    assert total["wanted_kept"] / total["wanted"] >= 0.997


def test_every_range_that_a_careless_rule_would_take_is_kept(
    seeds_run: whole.Run, tool: ModuleType, expected: list[dict[str, Any]], texts: dict[str, str]
) -> None:
    kept, gone = tool.fates(seeds_run.snapshot)
    for source in expected:
        text, span = texts[source["file"]], spans_of(tool, texts[source["file"]])
        for item in source["keep"]:
            marks = tool.cover(len(text), tool.of(kept, source["file"]))
            assert tool.share(text, span(item["lines"]), marks) >= 0.9, (source["file"], item["lines"])
        for item in source["remove"]:
            if item["category"] == "sponsor":
                marks = tool.cover(len(text), tool.of(gone, source["file"]))
                assert tool.share(text, span(item["lines"]), marks) >= 0.9, (source["file"], item["lines"])


def test_the_repeated_block_is_one_row_of_blocks(
    seeds_run: whole.Run, tool: ModuleType, expected: list[dict[str, Any]], texts: dict[str, str]
) -> None:
    for source in expected:
        span = spans_of(tool, texts[source["file"]])
        for repeat in source.get("repeats", []):
            assert aligned(seeds_run, tool, (source["file"], span(repeat["a"])), (source["file"], span(repeat["b"]))) >= 0.95


def aligned(run: whole.Run, tool: ModuleType, one: tuple[str, Span], other: tuple[str, Span]) -> float:
    """Best share of both places that one row of `blocks` shows as repeated."""
    best = 0.0
    for row in run.rows("blocks"):
        for p, q in ("ab", "ba"):
            if (row[f"source_{p}"], row[f"source_{q}"]) == (one[0], other[0]):
                shares = (tool.overlap((row[f"char_start_{s}"], row[f"char_end_{s}"]), place[1]) for s, place in ((p, one), (q, other)))
                best = max(best, min(shares))
    return best


def test_the_captions_and_their_rewrite_take_nothing_of_each_other(seeds_run: whole.Run, expected: list[dict[str, Any]]) -> None:
    pair = {expected[0]["file"], expected[1]["file"]}
    kept = {row["passage_id"]: row["source"] for row in seeds_run.rows("passages")}
    for row in seeds_run.rows("removed"):
        if row["source"] in pair and row["kept_passage_id"]:
            assert kept[row["kept_passage_id"]] == row["source"]


def test_a_breadcrumb_does_not_take_the_title_with_it(
    seeds_run: whole.Run, tool: ModuleType, expected: list[dict[str, Any]], texts: dict[str, str]
) -> None:
    name = expected[2]["file"]
    span = spans_of(tool, texts[name])
    crumb, title = span([3, 3]), span([5, 5])
    assert any(row["char_start"] < crumb[1] and row["char_end"] > crumb[0] for row in seeds_run.spans(name)["removed"])
    assert any(row["char_start"] <= title[0] and row["char_end"] >= title[1] for row in seeds_run.spans(name)["kept"])


def test_no_passage_is_called_mixed(seeds_run: whole.Run) -> None:
    assert [(row["source"], row["line_start"]) for row in seeds_run.rows("passages") if row["is_mixed"]] == []


# ---- the sponsor block in other sources --------------------------------------------------------------------------------

_BEFORE = "上个月我在旧书店的角落里翻到一份折了角的节目单，背面用铅笔抄着一段话，字写得很小，我站在门口就着天光读完，抄的是这么一句："
_AFTER = "老板说那是前一位房客留下的，人早就搬走了，只剩一箱子书和两盆没人浇水的吊兰。我把节目单夹回原处，付了那本诗集的钱，出门的时候雨已经停了。"


@pytest.fixture(scope="session")
def carried(
    shared: Path, tool: ModuleType, expected: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[whole.Run, dict[str, Span], str]:
    """A run on the podcast, on a traditional and reworded copy of its block, and on prose that quotes one line of it."""
    name = expected[3]["file"]
    text = (shared / "seeds" / name).read_text(encoding="utf-8")
    lines = text.split("\n")
    block = lines[:8]
    place = {"podcast": (0, len("\n".join(block)))}
    reworded = [line.replace("的", "之", 1) if i % 3 == 0 else line for i, line in enumerate(block)]
    copy = OpenCC("s2t").convert("\n".join(reworded))
    head = "這一集要談的是海島上的郵差，他每個星期坐船來一次，信袋裡裝著報紙和藥。\n\n"
    tail = "\n\n郵差姓莫，他說風浪大的日子，信會遲到，人不會。島上的孩子都在碼頭等他，等的多半不是信。\n"
    place["copy"] = (len(head), len(head) + len(copy))
    quoted = next((line for line in [lines[1], *lines[3:8]] if len(line.strip()) >= 40), None)
    assert quoted is not None
    folder = tmp_path_factory.mktemp("carried") / "in"
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8")
    (folder / "island.txt").write_text(head + copy + tail, encoding="utf-8")
    (folder / "bookshop.txt").write_text(
        f"雨天的旧书店里人很少，架子最上面一层落着灰。\n\n{_BEFORE}{quoted.strip()}{_AFTER}\n\n我后来又去过一次，那只箱子不见了。\n",
        encoding="utf-8",
    )
    return whole.run([folder], folder.parent / "out"), place, name


def test_a_traditional_reworded_copy_of_the_block_is_aligned_with_it(
    carried: tuple[whole.Run, dict[str, Span], str], tool: ModuleType
) -> None:
    run, place, name = carried
    assert aligned(run, tool, (name, place["podcast"]), ("island.txt", place["copy"])) >= 0.9


def test_a_line_of_the_block_inside_prose_is_reported_and_the_prose_is_kept(carried: tuple[whole.Run, dict[str, Span], str]) -> None:
    run, _, _ = carried
    prose = next(row for row in run.rows("passages") if row["source"] == "bookshop.txt" and _BEFORE[:20] in row["text"])
    assert prose["text"].endswith(_AFTER[-10:])
    ends = [{pair["source_a"], pair["source_b"]} for pair in run.rows("pairs") if pair["kind"] == "contained"]
    ends += [{row["source_a"], row["source_b"]} for row in run.rows("blocks")]
    assert any("bookshop.txt" in sources and len(sources) == 2 for sources in ends)
