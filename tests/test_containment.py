"""A passage inside a longer one, or cut differently, is found with its places; it goes only when all of it stands in what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import naive_matching as naive
import numpy as np
import pyarrow as pa
import pytest
import whole
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import World, paragraph, reworded, sentence

from tasks import overlaps
from tasks.explain import explain
from tasks.explain_text import render
from tasks.match import best_of_each
from tasks.settings import Matching, Settings
from tasks.store.text import Texts
from tasks.verify import verify
from tasks.verify_links import _compare

RNG = np.random.default_rng(11)
SONG, BEFORE, AFTER, OTHER = (paragraph(RNG, size) for size in (120, 160, 160, 160))
LONG = BEFORE + SONG + AFTER


def sources(**texts: str) -> dict[str, str]:
    return {f"{name}.txt": text for name, text in texts.items()}


def blocks(world: World) -> list[dict[str, Any]]:
    return [row for row in world.spanning("blocks") if row["kind"] != "occurrence"]


def places(row: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(row[f"source_{s}"], row[f"char_start_{s}"], row[f"char_end_{s}"]) for s in "ab"]


# ---- removal -------------------------------------------------------------------------------------------------------------


def test_a_passage_that_stands_whole_in_a_kept_one_goes_as_contained(tmp_path: Path) -> None:
    world = World.of(tmp_path, sources(a=LONG, b=SONG + "\n\n" + OTHER))
    assert world.reasons("a.txt") == ["kept"]
    assert world.reasons("b.txt") == ["near_duplicate", "kept"]
    (gone,) = world.tables["removed"]
    assert gone["containment"] == 1
    assert gone["similarity"] == pytest.approx(naive.jaccard(SONG, LONG), abs=6e-5)
    assert gone["similarity"] < 0.5
    assert gone["evidence"].startswith("contained in the kept passage")
    kept, member = world.spanning("clusters")
    assert (kept["kind"], kept["containment"]) == (None, None)
    assert (member["kind"], member["containment"], member["similarity"]) == ("contained", 1, gone["similarity"])
    (pair,) = world.spanning("pairs")
    assert (pair["kind"], pair["accepted"]) == ("contained", True)
    (block,) = blocks(world)
    assert block["kind"] == "contained"
    assert places(block) == [("a.txt", len(BEFORE), len(BEFORE + SONG) - 1), ("b.txt", 0, len(SONG) - 1)]
    assert block["char_count"] == len(SONG) - 1
    assert block["similarity"] == 1


def test_one_that_comes_first_stays_and_the_longer_one_too(tmp_path: Path) -> None:
    world = World.of(tmp_path, sources(a="\n\n".join([SONG, OTHER, AFTER, BEFORE]), b=LONG))
    assert {reason for _, _, reason in world.said} == {"kept"}
    assert [places(row)[0][0] for row in blocks(world) if places(row)[1] == ("a.txt", 0, len(SONG) - 1)] == ["b.txt"]  # a contains


@pytest.mark.parametrize(
    "copy",
    [
        SONG.replace("山", "岳", 1) if "山" in SONG else SONG[:50] + "岳" + SONG[51:],
        SONG[:60] + sentence(np.random.default_rng(1)) + SONG[60:],
        SONG + "另有 12 人。",
        SONG[:30],
    ],
    ids=["a character changed", "a sentence more", "a number more", "too short"],
)
def test_what_stands_there_changed_or_not_whole_stays(tmp_path: Path, copy: str) -> None:
    world = World.of(tmp_path, sources(a=LONG, b=copy + "\n\n" + OTHER))
    assert world.reasons("b.txt") == ["kept", "kept"]


def test_headings_stay_inside_what_quotes_them(tmp_path: Path) -> None:
    title = SONG.replace("。", "，")[:80]
    world = World.of(tmp_path, {"a.md": BEFORE + title + AFTER, "b.md": f"# {title}\n\n{OTHER}"})
    assert world.reasons("b.md") == ["kept", "kept"]


def test_a_similar_kept_passage_is_named_before_a_longer_one(tmp_path: Path) -> None:
    like = reworded(np.random.default_rng(2), SONG, 0.02)
    world = World.of(tmp_path, sources(a=LONG, b=like + "\n\n" + AFTER[:-50], c=SONG))
    (row,) = [row for row in world.tables["removed"] if row["source"] == "c.txt"]
    twin = next(kept for kept in world.tables["passages"] if kept["passage_id"] == row["kept_passage_id"])
    assert twin["source"] == "b.txt"
    assert row["containment"] < 1


def test_nothing_goes_for_a_longer_one_that_is_gone_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    first = paragraph(rng, 400)
    half = len(first) // 42 * 21
    second = first[half:] + first[:half]  # goes for the first, which has what is in the middle at its ends
    world = World.of(tmp_path, sources(a=first, b=second, c=second[half - 30 : half + 30]))
    assert [world.reasons(f"{name}.txt") for name in "abc"] == [["kept"], ["near_duplicate"], ["kept"]]


# ---- what is reported ----------------------------------------------------------------------------------------------------


def test_passages_cut_differently_share_a_block_and_stay(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    one, two, three = (paragraph(rng, 140) for _ in range(3))
    world = World.of(tmp_path, sources(a=one + two, b=two + three))
    assert world.spanning("pairs") == []
    (block,) = blocks(world)
    assert (block["kind"], block["family_id"]) == ("overlap", None)
    assert places(block) == [("a.txt", len(one), len(one + two) - 1), ("b.txt", 0, len(two) - 1)]
    assert {reason for _, _, reason in world.said} == {"kept"}


def test_lines_are_those_of_the_source(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    long = "".join(paragraph(rng, 60)[:39] + "，\n" for _ in range(12)) + "完了。"
    text = "开头。\n\n" + long
    pasted = long.replace("\n", "")
    cut = pasted[160:320]
    world = World.of(tmp_path, sources(a=text, b=BEFORE + cut + AFTER))
    (block,) = blocks(world)
    start, end = block["char_start_a"], block["char_end_a"]
    assert (block["line_start_a"], block["line_end_a"]) == (text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1)
    assert naive.elements(text[start:end]) == naive.elements(cut)
    assert block["char_count"] == sum(not c.isspace() for c in (text, BEFORE + cut + AFTER)[1][block["char_start_b"] : block["char_end_b"]])


def test_a_contained_passage_names_its_family(tmp_path: Path) -> None:
    world = World.of(tmp_path, sources(a=LONG, b=OTHER + "\n\n" + SONG, c=BEFORE[:-80] + "\n\n" + SONG))
    rows = [row for row in blocks(world) if row["kind"] == "contained" and "a.txt" in (row["source_a"], row["source_b"])]
    family = {row["family_id"] for row in world.spanning("occurrences") if row["char_end"] - row["char_start"] == len(SONG)}
    assert len(family) == 1
    assert {row["family_id"] for row in rows if row["source_b"] == "b.txt"} == family


def test_the_result_is_the_same_however_much_is_folded_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    pastes = [paragraph(rng, 80) for _ in range(6)]
    texts = {f"{i}.txt": "\n\n".join(paragraph(rng, 90) + pastes[(i * k) % 6] + paragraph(rng, 90) for k in (1, 2, 5)) for i in range(6)}
    expected = blocks(World.of(tmp_path / "whole", texts))
    monkeypatch.setattr(overlaps, "CHUNK", 1)
    assert len(expected) > 10
    assert blocks(World.of(tmp_path / "pieces", texts)) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=30), st.integers(1, 4))
def test_the_best_of_each_side_are_chosen(rows: list[tuple[int, int, int]], count: int) -> None:
    a, b, weight = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    expected = set()
    for side in set(a.tolist()) | set(b.tolist()):
        mine = [(-row[2], i) for i, row in enumerate(rows) for end in row[:2] if end == side]
        expected |= {i for _, i in sorted(mine)[:count]}
    assert best_of_each(a, b, weight, count).tolist() == sorted(expected)


# ---- proved and told -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> whole.Run:
    folder = tmp_path_factory.mktemp("contained")
    (folder / "in").mkdir()
    for name, text in sources(a=LONG, b=SONG + "\n\n" + OTHER, c=AFTER[-100:] + paragraph(np.random.default_rng(7), 90)).items():
        (folder / "in" / name).write_text(text, encoding="utf-8")
    return whole.run([folder / "in"], folder / "out")


def test_verify_proves_a_contained_passage_from_what_is_published(run: whole.Run) -> None:
    assert verify(run.output, input_dirs=run.inputs) == []


def test_verify_finds_a_removal_that_neither_similarity_nor_containment_allows() -> None:
    rows = pa.table({"passage_id": ["x"], "reason": ["near_duplicate"], "similarity": [1.0], "containment": [1.0]})

    def found(own: str, twin: str) -> set[str]:
        similarity, share = naive.jaccard(own, twin), naive.containment(own, twin)
        stated = rows.set_column(2, "similarity", [[round(similarity, 4)]]).set_column(3, "containment", [[round(share, 4)]])
        return {problem.expected for problem in _compare("x", stated, Texts.of([own]), Texts.of([twin]), Settings())}

    low = {f"at least {Matching().remove_threshold}, or the whole fold inside the twin's"}
    assert found(SONG, LONG) == set()
    assert found(SONG[:-3], BEFORE + SONG[:60] + AFTER) == low
    assert found(SONG[:30], LONG) == low
    assert {problem.expected for problem in _compare("x", rows, Texts.of([OTHER]), Texts.of([LONG]), Settings())} > low


def test_explain_says_what_contains_it_and_where(run: whole.Run) -> None:
    import io

    from rich.console import Console

    def told(ref: str) -> str:
        out = io.StringIO()
        render(explain(run.snapshot, ref), Console(file=out, width=160))
        return out.getvalue()

    (gone,) = run.rows("removed")
    story = told(gone["passage_id"])
    assert "contained in a.txt:L1, which keeps all of it" in story
    assert "contains 100% of this one" in story
    kept = told("a.txt:0")
    assert "100% of it in this one" in kept
    assert f"b.txt:L1  {len(SONG) - 1} characters, here characters {len(BEFORE)} to {len(BEFORE + SONG) - 1}" in kept


def test_the_report_says_contained_and_leaves_such_pairs_out_of_the_histogram(run: whole.Run) -> None:
    page = (run.snapshot / "report" / "index.html").read_text(encoding="utf-8")
    assert "All of it stands in" in page
    assert '<span class="sim">contained</span>' in page
    assert ">Exact Jaccard similarity of" not in page
