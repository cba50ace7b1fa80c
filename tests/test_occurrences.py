"""What counts as an occurrence of a block: reworded, inserted, missing, swapped, nested, shared lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import naive_matching as naive
import numpy as np
import pytest
from matching_world import HAN, World, paragraph
from test_families import tables

LETTERS = list(HAN + "春夏秋冬东西南北红黄蓝绿黑白紫青长短高低远近大小多少快慢冷热甜苦酸辣")
PLAIN = {"packs": (), "min_documents": 1000}


def line(rng: np.random.Generator, size: int = 30) -> str:
    return "".join(rng.choice(LETTERS, size)) + "。"


def reworded(rng: np.random.Generator, text: str) -> str:
    """The line with its last two fifths in other words: too far for a pair, near enough for the same place."""
    size = max(2, len(text) * 2 // 5)
    return text[: len(text) - size] + "".join(rng.choice(LETTERS, size - 1)) + "。"


def document(rng: np.random.Generator, lines: list[str], before: int = 2, after: int = 2) -> str:
    return "\n\n".join([*(paragraph(rng, 100) for _ in range(before)), *lines, *(paragraph(rng, 100) for _ in range(after))])


def world(folder: Path, copies: list[list[str]], **around: int) -> World:
    rng = np.random.default_rng(99)
    return World.of(folder, {f"{n:02d}.txt": document(rng, lines, **around) for n, lines in enumerate(copies)}, boilerplate=PLAIN)


def spans(world: World, places: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Lines of each occurrence's span as they stand in the source, by source."""
    inputs = Path(world.job.inputs[0])
    return {row["source"]: (inputs / row["source"]).read_text()[row["char_start"] : row["char_end"]].split("\n\n") for row in places}


def found(world: World, copies: list[list[str]]) -> list[int]:
    """One family with an occurrence for each copy, whole; passages of each in order of the copies."""
    (family,), places, _ = tables(world)
    assert family["occurrence_count"] == family["document_count"] == len(copies)
    assert spans(world, places) == {f"{n:02d}.txt": lines for n, lines in enumerate(copies)}
    return [row["passage_count"] for row in sorted(places, key=lambda row: row["source"])]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(21)


@pytest.fixture
def block(rng: np.random.Generator) -> list[str]:
    return [line(rng) for _ in range(6)]


@pytest.mark.parametrize("which", [0, 2, 5], ids=["first", "inner", "last"])
def test_a_line_reworded_below_the_report_threshold_stays_in_the_block(
    tmp_path: Path, rng: np.random.Generator, block: list[str], which: int
) -> None:
    copies = [list(block) for _ in range(4)]
    copies[2][which] = reworded(rng, block[which])
    assert 0.2 <= naive.jaccard(copies[2][which], block[which]) < 0.5
    there = world(tmp_path, copies)
    assert found(there, copies) == [6] * 4
    (family,) = there.spanning("families")
    kept = {row["text"]: row for row in there.tables["passages"]}
    assert kept[copies[2][which]]["family_id"] == family["family_id"]  # it belongs, and is kept: nothing else says what it says


def test_a_line_reworded_in_every_copy_stays_in_the_block(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    copies = [[reworded(rng, block[0]), *block[1:]] for _ in range(6)]
    assert found(world(tmp_path, copies), copies) == [6] * 6


def test_two_wordings_of_a_line_do_not_part_the_family(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    other = reworded(rng, block[3])
    copies = [[*block[:3], other if n % 2 else block[3], *block[4:]] for n in range(8)]
    assert found(world(tmp_path, copies), copies) == [6] * 8


def test_lines_with_other_numbers_or_too_short_to_compare_stay_in_their_place(tmp_path: Path, block: list[str]) -> None:
    guests = ["嘉宾甲乙", "来客丙丁", "朋友戊己", "邻居庚辛"]
    copies = [[*block[:2], f"第 {n} 集", *block[2:4], guests[n], *block[4:]] for n in range(4)]
    assert found(world(tmp_path, copies), copies) == [8] * 4


def test_an_inserted_line_is_no_part_of_the_occurrence(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    stranger = line(rng)
    copies = [list(block) for _ in range(4)]
    copies[1].insert(3, stranger)
    there = world(tmp_path, copies)
    assert found(there, copies) == [6] * 4
    assert {row["text"]: row["family_id"] for row in there.tables["passages"]}[stranger] is None


def test_a_reworded_line_beside_two_inserted_ones_is_bridged(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    copies = [list(block) for _ in range(4)]
    copies[1][2:3] = [reworded(rng, block[2]), line(rng), line(rng)]
    assert found(world(tmp_path, copies), copies) == [6] * 4


def test_a_missing_line_and_a_swap_do_not_matter(tmp_path: Path, block: list[str]) -> None:
    copies = [list(block) for _ in range(5)]
    copies[1].pop(3)
    copies[2].pop(0)
    copies[3][2:4] = copies[3][3], copies[3][2]
    copies[4][:2] = copies[4][1], copies[4][0]
    assert found(world(tmp_path, copies), copies) == [6, 5, 5, 6, 6]


def test_a_block_of_three_lines_may_lack_one(tmp_path: Path, block: list[str]) -> None:
    copies = [block[:3], block[:3], [block[0], block[2]]]
    assert found(world(tmp_path, copies), copies) == [3, 3, 2]


def test_a_block_may_open_and_close_the_document(tmp_path: Path, block: list[str]) -> None:
    copies = [block] * 4
    assert found(world(tmp_path, copies, before=0, after=0), copies) == [6] * 4


def test_a_block_of_short_lines_is_one_family(tmp_path: Path, rng: np.random.Generator) -> None:
    copies = [[line(rng, 5) for _ in range(7)]] * 4
    assert found(world(tmp_path, copies), copies) == [7] * 4


def test_a_heading_inside_a_block_does_not_part_it(tmp_path: Path, block: list[str]) -> None:
    rng = np.random.default_rng(5)
    sources = {f"{n}.md": document(rng, [*block[:3], f"## {line(rng, 8)}", *block[3:]]) for n in range(4)}
    (family,), places, _ = tables(World.of(tmp_path, sources, boilerplate=PLAIN))
    assert family["occurrence_count"] == 4
    assert {row["passage_count"] for row in places} == {7}  # short and always in the same place: a part that differs


def test_a_block_twice_in_a_row_is_two_occurrences(tmp_path: Path, block: list[str]) -> None:
    copies = [block, [*block, *block], block]
    (family,), places, _ = tables(world(tmp_path, copies))
    assert (family["occurrence_count"], family["document_count"]) == (4, 3)
    assert {row["passage_count"] for row in places} == {6}


def test_a_line_that_comes_twice_inside_a_block_does_not_part_it(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    copies = [[block[0], block[1], block[2], block[1], block[3], block[1], block[4]]] * 4
    assert found(world(tmp_path, copies), copies) == [7] * 4


def test_mirrored_articles_with_a_refrain_are_one_family(tmp_path: Path, rng: np.random.Generator) -> None:
    refrain = line(rng)
    article = [part for _ in range(12) for part in (line(rng, 50), line(rng, 50), refrain)]
    copies = [article] * 2
    assert found(world(tmp_path, copies), copies) == [36] * 2


def test_two_blocks_that_share_a_line_are_two_families(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    other = [line(rng) for _ in range(5)]
    other[2] = block[2]
    copies = [block if n % 2 else other for n in range(10)]
    there = world(tmp_path, copies)
    families, places, _ = tables(there)
    assert sorted(row["occurrence_count"] for row in families) == [5, 5]
    assert spans(there, places) == {f"{n:02d}.txt": lines for n, lines in enumerate(copies)}
    assert {row["exemplar_text"] for row in families} == {"\n".join(block), "\n".join(other)}


def test_half_a_block_is_another_family(tmp_path: Path, block: list[str]) -> None:
    families, places, _ = tables(world(tmp_path, [*[block] * 6, *[block[:3]] * 3]))
    assert sorted(row["occurrence_count"] for row in families) == [3, 6]
    assert len({row["source"] for row in places}) == len(places) == 9


def test_what_stands_by_itself_more_often_than_in_the_block_is_a_family_of_its_own(tmp_path: Path, block: list[str]) -> None:
    families, places, _ = tables(world(tmp_path, [*[block] * 3, *[block[:3]] * 6]))
    assert sorted(row["occurrence_count"] for row in families) == [3, 9]
    assert {row["passage_count"] for row in places} == {3}


def test_half_a_block_once_is_no_occurrence(tmp_path: Path, block: list[str]) -> None:
    (family,), places, _ = tables(world(tmp_path, [*[block] * 4, block[:3]]))
    assert family["occurrence_count"] == 4
    assert "04.txt" not in {row["source"] for row in places}


def test_a_footer_keeps_its_occurrences_in_mirrored_articles(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    article = [line(rng, 60) for _ in range(5)]
    families, places, _ = tables(world(tmp_path, [[*article, *block]] * 2 + [block] * 10))
    assert sorted((row["occurrence_count"], row["kind"]) for row in families) == [(2, "block"), (12, "block")]
    assert sorted(row["passage_count"] for row in places) == [5] * 2 + [6] * 12


def test_what_is_drawn_on_by_many_in_their_own_words_is_one_family(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    def mangled(text: str) -> str:
        letters = list(text)
        for at in rng.choice(len(text) - 1, 3, replace=False):
            letters[at] = str(rng.choice(LETTERS))
        return "".join(letters)

    copies = [block, *[[mangled(text) for text in block] for _ in range(15)]]
    assert found(world(tmp_path, copies), copies) == [6] * 16


def test_the_exemplar_is_the_best_ranked_of_the_most_complete(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    dated = {n: f"---\ndate: 2024-01-{9 - n:02d}\n---\n\n" for n in range(4)}
    copies = [block, block, block, block[1:]]  # 03 is the earliest, but lacks a line; then 02
    sources = {f"{n:02d}.md": dated[n] + document(rng, lines) for n, lines in enumerate(copies)}
    _, _, blocks = tables(World.of(tmp_path, sources, boilerplate=PLAIN))
    assert {row["source_a"] for row in blocks} == {"02.md"}


def test_families_across_collections_are_told_from_those_within(tmp_path: Path, rng: np.random.Generator, block: list[str]) -> None:
    within = [line(rng) for _ in range(4)]
    sources = {f"{folder}/{n}.txt": document(rng, block) for folder in ("north", "south") for n in range(2)}
    sources |= {f"north/{n}.txt": document(rng, within) for n in (5, 6, 7)}
    families, _, _ = tables(World.of(tmp_path, sources, boilerplate=PLAIN))
    scopes = {row["exemplar_text"].split("\n")[0]: (row["scope"], row["collection_count"], row["document_count"]) for row in families}
    assert scopes == {block[0]: ("across", 2, 4), within[0]: ("within", 1, 3)}


@pytest.mark.parametrize("seed", range(8))
def test_planted_blocks_are_found_whole(tmp_path: Path, seed: int) -> None:
    """k copies of a block, each changed a little in its own way, are one family with k occurrences and the right spans."""
    rng = np.random.default_rng(seed)
    block = [line(rng, int(rng.integers(8, 50))) for _ in range(int(rng.integers(6, 12)))]
    copies = [list(block)]
    for _ in range(int(rng.integers(2, 9))):
        lines = list(block)
        at = int(rng.integers(1, len(lines) - 2))
        change = rng.choice(["reword", "insert", "drop", "swap", "first", "none"])
        if change == "reword":
            lines[at] = reworded(rng, lines[at])
        elif change == "insert":
            lines[at:at] = [line(rng) for _ in range(int(rng.integers(1, 3)))]
        elif change == "drop":
            lines.pop(at)
        elif change == "swap":
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
        elif change == "first":
            lines[0] = reworded(rng, lines[0])
        copies.append(lines)
    found(world(tmp_path, copies, before=int(rng.integers(0, 3)), after=int(rng.integers(0, 3))), copies)
