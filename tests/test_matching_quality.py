"""Matching held against an oracle that shares no kernel with it: recall, exact similarity, removals, found copies by kind of edit.

Samples of what tests/bench/quality.py measures; the measured tables stand in tests/bench/RESULTS.md.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import naive_matching as naive
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import whole
from matching_world import World

sys.path.insert(0, str(Path(__file__).parent / "bench"))
import oracle
import quality
from edits import SAME

# ---- the oracle itself -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> tuple[list[str], oracle.Sets]:
    return quality.comparable(quality.generated(30, 11))


@pytest.fixture(scope="module")
def few(sample: tuple[list[str], oracle.Sets]) -> list[str]:
    """Two hundred texts of all lengths and languages, each beside its edited copy."""
    lines, _ = sample
    return [lines[at] for start in range(0, len(lines) - 20, len(lines) // 10) for at in range(start, start + 20)]


def test_the_oracle_finds_what_comparing_all_with_all_finds(few: list[str]) -> None:
    own = [naive.shingles(text) for text in few]
    wanted = {
        (a, b): len(own[a] & own[b]) / len(own[a] | own[b])
        for a, b in itertools.combinations(range(len(few)), 2)
        if 2 * len(own[a] & own[b]) >= len(own[a] | own[b])
    }
    left, right, similarity = oracle.similar_pairs(oracle.sets(oracle.folds(few)), 0.5, step=37)
    assert dict(zip(zip(left.tolist(), right.tolist(), strict=True), similarity.tolist(), strict=True)) == wanted
    assert len(wanted) > 50


@pytest.mark.parametrize("threshold", [0.4, 0.5, 0.6, 0.7, 0.8])
def test_pairs_exactly_at_a_threshold_are_pairs(threshold: float) -> None:
    """Sets of which one holds exactly that share of the other, in sizes at which floating point could lose one."""
    rows = []
    for scale in range(1, 12):
        size = 10 * scale
        shared = round(threshold * size)
        chars = [chr(0xAC00 + 200 * scale + at) for at in range(size)]  # Hangul folds to itself
        rows += ["".join(chars[:shared]), "".join(chars)]
    left, right, similarity = oracle.similar_pairs(oracle.sets([naive.elements(row) for row in rows], han=1, letter=1), threshold)
    assert {(at, at + 1) for at in range(0, len(rows), 2)} <= set(zip(left.tolist(), right.tolist(), strict=True))
    assert similarity.min() == pytest.approx(threshold)


def test_shingles_of_other_lengths_are_runs_of_characters() -> None:
    han, letters = "山水林田湖草沙风雨雷电", "theharbourpilot"
    for size in (2, 3, 4, 5, 8):
        runs = {tuple(e for _, e in one) for one in oracle.shingles(naive.elements(han), size, 5)}
        assert runs == {tuple(han[at : at + size]) for at in range(len(han) - size + 1)}
        runs = {tuple(e for _, e in one) for one in oracle.shingles(naive.elements(letters), 3, size)}
        assert runs == {tuple(letters[at : at + size]) for at in range(len(letters) - size + 1)}


def test_shingles_of_the_default_lengths_are_those_of_the_definition(few: list[str]) -> None:
    assert all(oracle.shingles(naive.elements(text)) == naive.shingles(text) for text in few)


# ---- pairs -----------------------------------------------------------------------------------------------------------------


def test_pairs_are_those_of_the_oracle_with_its_similarity_to_the_last_bit(sample: tuple[list[str], oracle.Sets]) -> None:
    result = quality.recall(*sample)
    assert (result.wrong, result.differing) == (0, 0)
    high, middle = result.similarity >= 0.7, result.similarity >= 0.6
    assert high.sum() > 150
    assert (middle & ~high).sum() > 80
    assert result.found[high].mean() >= 0.999
    assert result.found[middle].mean() >= 0.97
    assert (result.found == result.capped).all()
    for low, top in zip(quality.LENGTHS, (*quality.LENGTHS[1:], 10_000), strict=True):
        inside = high & (result.tokens >= low) & (result.tokens < top)
        assert inside.sum() > 10
        assert result.found[inside].all()


# ---- removals --------------------------------------------------------------------------------------------------------------


def test_no_near_removal_of_a_whole_run_breaks_a_promise(sample_run: whole.Run) -> None:
    found = quality.removals(sample_run.snapshot)
    assert found.near > found.same_fold > 0
    assert found.violations == 0


KEPT = "我们在海边的小镇住了很久，每天早上都去码头看渔船归来，晚上在灯下写信给远方的朋友，一共写了35封。"
REMOVALS: dict[str, tuple[str, str, float]] = {
    "fine": (KEPT.replace("远方的", "远方"), "k", 0.9),
    "unkept": (KEPT, "nobody", 1.0),
    "dissimilar": (KEPT[33:40] + KEPT[24:32] + KEPT[12:22] + KEPT[2:10], "k", 0.4),
    "misstated": (KEPT.replace("远方的", "远方"), "k", 0.95),
    "slots_only": (KEPT.replace("35", "36"), "k", 0.9),
    "lost": (KEPT.replace("每天早上", "2024年早上"), "k", 0.8),
}


def test_the_check_of_removals_sees_each_kind_of_wrong_one(tmp_path: Path) -> None:
    rows = []
    for name, (raw, twin, stated) in REMOVALS.items():
        similarity = stated if name == "misstated" else naive.jaccard(raw, KEPT)
        rows.append({"passage_id": name, "raw": raw, "reason": "near_duplicate", "kept_passage_id": twin, "similarity": similarity})
    for name, table in (("passages", [{"passage_id": "k", "text": KEPT, "raw": None}]), ("removed", rows)):
        (tmp_path / name).mkdir()
        schema = pa.schema([("passage_id", pa.string()), ("text", pa.string()), ("raw", pa.string())]) if name == "passages" else None
        pq.write_table(pa.Table.from_pylist(table, schema), tmp_path / name / "part.parquet")
    found = quality.removals(tmp_path)
    assert found.near == len(REMOVALS)
    for name in ("unkept", "dissimilar", "misstated"):
        assert getattr(found, name) == [name]
    assert found.slots_only == ["slots_only"]
    assert set(found.lost) == {"slots_only", "lost"}


# ---- copies by kind of edit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "size"), [("zh", 60), ("zh", 200), ("mixed", 100), ("mixed", 400), ("en", 150)])
def test_edited_copies_are_found(language: str, size: int) -> None:
    found = quality.found_copies(*quality.edited_copies(language, size, 48, 5))
    for kind in SAME:
        assert found[kind][0] == 1, kind
        assert found[kind] == (1, 1, 1) or kind == "hard-wrapped", kind
    assert found["a sentence moved"][0] == 1
    if language != "en":
        assert found["2 %"][0] >= 0.99
        assert found["5 %"][0] >= 0.9
    if size > 60:
        assert found["a sentence dropped"][0] >= 0.97


# ---- what a removal must not lose --------------------------------------------------------------------------------------------

FROST = "今天夜里山区的最低气温会降到{}左右，请各位农户提前做好大棚的保温工作，以免幼苗受冻，明天白天逐渐回升。"
LESSON = "Our grandfather used to store {} by colour in wooden drawers, gave every {} a paper label, and wrote the date of each repair underneath."
OPENING = "开幕式由{}主持，各地来的客人在广场上合影，随后大家一起走进新修好的展厅，看了三百多幅老照片，中午在河边的饭馆里吃了一顿便饭。"
JOBS = "河湾茶叶铺{}招5名会泡茶也会记账的伙计，有意的朋友可以带上自己写的一页字，在每天关门以前到柜台来找掌柜面谈。"
#: Two texts of which each says something that the other does not; nothing else says it.
LOSSES = {
    "sign": (FROST.format("-5度"), FROST.format("5度")),
    "unit": (FROST.format("5%"), FROST.format("5")),
    "currency": (FROST.format("$5"), FROST.format("€5")),
    "comparison": (FROST.format("3>5"), FROST.format("3<5")),
    "subject in letters": (LESSON.format("buttons", "hinge"), LESSON.format("pencils", "brush")),
    "name in Han": (OPENING.format("王海棠"), OPENING.format("李春山")),
    "number that comes twice": (JOBS.format("5月"), JOBS.format("月底")),
}


@pytest.mark.parametrize("name", LOSSES)
def test_no_removal_loses_what_stands_nowhere_else(name: str, tmp_path: Path) -> None:
    world = World.of(tmp_path, dict(zip(("a.txt", "b.txt"), LOSSES[name], strict=True)))
    assert {reason for _, _, reason in world.said} == {"kept"}
