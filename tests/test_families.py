"""Families: one repeated content is one row, however many passages it has and however often it is reworded."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import naive_matching as naive
import numpy as np
import pytest
from matching_world import HAN, World, edited, paragraph, sentence

from tasks.families import _gather_flood

BLOCK = [
    "如果您喜欢这一期节目，欢迎把它转给身边也爱听故事的朋友们。",
    "本节目由河湾茶叶铺赞助播出，听众到店报上口令有一份小礼物。",
    "第{n}期的文稿和照片都放在我们的小站上，地址是 https://example.org/{n} 。",
    "片头的曲子由住在山脚下的一位老邻居写成并且演奏，谨此致谢。",
    "有话想说可以写信给我们，编辑部每个星期五下午会集中回信。",
    "我们还在招募会画画的志愿者，帮忙给每一期节目配上小插图。",
    "录音的地方是一间旧仓库，偶尔会有火车声经过，请多多包涵。",
    "下一期我们要到海边的小镇去拜访一位修钟表的师傅，再见啦。",
]
REWORDED = {"喜欢": "喜爱", "报上口令": "说出口令", "老邻居": "旧邻居", "每个星期五": "每逢星期五", "偶尔会有": "有时会有"}


def block(n: int) -> list[str]:
    lines = [line.format(n=n) for line in BLOCK]
    if n % 3 == 1:
        for old, new in list(REWORDED.items())[: 2 + n % 3]:
            lines = [line.replace(old, new) for line in lines]
    return lines


def episodes(rng: np.random.Generator, count: int, lines: Any) -> dict[str, str]:
    return {f"{n:02d}.txt": "\n\n".join([paragraph(rng, 200) for _ in range(3)] + lines(n)) for n in range(count)}


def tables(world: World) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """families, occurrences and blocks, after checking what holds of any."""
    found, places, shared = (world.spanning(name) for name in ("families", "occurrences", "blocks"))
    blocks = [row for row in shared if row["kind"] == "occurrence"]
    assert Counter(row["family_id"] for row in places) == {row["family_id"]: row["occurrence_count"] for row in found}
    assert len(blocks) == len(places) - len(found)
    for family in found:
        mine = [row for row in places if row["family_id"] == family["family_id"]]
        assert family["occurrence_count"] >= 2
        assert family["document_count"] == len({row["doc_id"] for row in mine})
        assert max(row["similarity"] for row in mine) == 1.0  # the exemplar with itself
    for source in {row["source"] for row in places}:  # a passage belongs to one occurrence only
        mine = sorted((r["char_start"], r["char_end"], r["family_id"]) for r in places if r["source"] == source)
        by_family = [[span for span in mine if span[2] == family["family_id"]] for family in found]
        assert all(a[1] <= b[0] for spans in by_family for a, b in itertools.pairwise(spans))
    return found, places, blocks


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


def test_a_reworded_block_in_many_episodes_is_one_family(tmp_path: Path, rng: np.random.Generator) -> None:
    world = World.of(tmp_path, episodes(rng, 9, block), boilerplate={"packs": (), "min_documents": 1000})
    found, places, blocks = tables(world)
    (family,) = found
    assert (family["occurrence_count"], family["document_count"], family["kind"]) == (9, 9, "block")
    assert family["exemplar_text"].split("\n") == block(0)
    assert {row["passage_count"] for row in places} == {8}
    assert all(row["similarity"] >= 0.7 for row in places)
    sources = [row["source"] for row in places]
    assert sorted(sources) == sorted(f"{n:02d}.txt" for n in range(9))
    inputs = Path(world.job.inputs[0])
    for row in blocks:
        for side, number in (("a", 0), ("b", int(row["source_b"][:2]))):
            text = (inputs / row[f"source_{side}"]).read_text()
            assert text[row[f"char_start_{side}"] : row[f"char_end_{side}"]].split("\n\n") == block(number)
        left, right = ({s for line in block(n) for s in naive.shingles(line)} for n in (0, int(row["source_b"][:2])))
        assert row["similarity"] == pytest.approx(len(left & right) / len(left | right), abs=6e-5)


def test_lines_of_its_own_inside_do_not_part_an_occurrence(tmp_path: Path, rng: np.random.Generator) -> None:
    def mixed(n: int) -> list[str]:
        lines = block(n)
        return [
            *lines[:2],
            *[sentence(rng, 30) for _ in range(n % 3)],
            *lines[2:5],
            *[sentence(rng, 30) for _ in range((n + 1) % 3)],
            *lines[5:],
        ]

    world = World.of(tmp_path, episodes(rng, 6, mixed), boilerplate={"packs": (), "min_documents": 1000})
    (family,), places, _ = tables(world)
    assert family["occurrence_count"] == len(places) == 6
    assert {row["passage_count"] for row in places} == {8}


def test_more_lines_of_its_own_than_the_gap_part_it(tmp_path: Path, rng: np.random.Generator) -> None:
    def apart(n: int) -> list[str]:
        lines = block(n)
        return [*lines[:4], *[sentence(rng, 30) for _ in range(4)], *lines[4:]]

    world = World.of(tmp_path, episodes(rng, 5, apart), boilerplate={"packs": (), "min_documents": 1000})
    found, _, _ = tables(world)
    assert sorted(len(row["exemplar_text"].split("\n")) for row in found) == [4, 4]


@pytest.mark.parametrize("between", ["***", "好的。", "# 海边小镇的来信与照片和其他琐碎的事情"], ids=["separator", "one-liner", "heading"])
def test_what_stands_everywhere_is_glued_to_nothing_and_parts_nothing(tmp_path: Path, rng: np.random.Generator, between: str) -> None:
    def separated(n: int) -> list[str]:
        return [part for line in block(n)[:4] for part in (between, line)]

    others = {f"x{n}.md": "\n\n".join(part for _ in range(6) for part in (between, paragraph(rng, 100))) for n in range(6)}
    sources = {name.replace(".txt", ".md"): text for name, text in episodes(rng, 5, separated).items()} | others
    world = World.of(tmp_path, sources, boilerplate={"packs": (), "min_documents": 1000})
    found, places, _ = tables(world)
    (family,) = [row for row in found if BLOCK[0] in row["exemplar_text"]]
    assert family["occurrence_count"] == 5
    assert family["exemplar_text"].split("\n") == [line.format(n=0) for line in BLOCK[:4]]
    assert {row["passage_count"] for row in places if row["family_id"] == family["family_id"]} == {4}
    for row in found:
        assert row is family or not any(line[:8] in row["exemplar_text"] for line in BLOCK)


def test_a_block_that_comes_twice_in_a_document_is_two_occurrences(tmp_path: Path, rng: np.random.Generator) -> None:
    text = "\n\n".join([paragraph(rng), *block(1)[:3], *block(2)[:3], paragraph(rng), *block(3)[:3]])
    world = World.of(tmp_path, {"a.txt": text}, boilerplate={"packs": (), "min_documents": 1000})
    (family,), places, blocks = tables(world)
    assert (family["occurrence_count"], family["document_count"]) == (3, 1)
    assert {row["passage_count"] for row in places} == {3}
    assert len(blocks) == 2


def test_a_line_quoted_elsewhere_is_no_occurrence_of_the_block(tmp_path: Path, rng: np.random.Generator) -> None:
    sources = episodes(rng, 4, block) | {"quote.txt": "\n\n".join([paragraph(rng), BLOCK[3], paragraph(rng)])}
    world = World.of(tmp_path, sources, boilerplate={"packs": (), "min_documents": 1000})
    (family,), places, _ = tables(world)
    assert family["occurrence_count"] == 4
    assert "quote.txt" not in {row["source"] for row in places}


def test_two_mirrored_articles_are_one_family(tmp_path: Path, rng: np.random.Generator) -> None:
    text = "\n\n".join(paragraph(rng) for _ in range(10))
    world = World.of(tmp_path, {"a.txt": text, "b.txt": text, "c.txt": paragraph(rng)})
    (family,), places, _ = tables(world)
    assert {row["passage_count"] for row in places} == {10}
    assert family["verdict"] == "deduplicated"
    assert [row["verdict"] for row in sorted(places, key=lambda row: row["source"])] == ["kept", "removed"]


def test_families_do_not_depend_on_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(13)
    filler = {f"f{n}.txt": "\n\n".join(edited(rng, paragraph(rng, 4000), 0.5) for _ in range(8)) for n in range(6)}
    sources = episodes(rng, 9, block) | filler
    settings = {"packs": (), "min_documents": 1000}
    one = World.of(tmp_path / "one", sources, boilerplate=settings)
    many = World.of(tmp_path / "many", sources, boilerplate=settings, publish={"part_bytes": 1 << 16})
    assert len(many.parts) > 1
    for name in ("families", "occurrences", "blocks", "pairs", "clusters"):
        assert one.spanning(name) == many.spanning(name)


def test_nothing_repeated_gives_no_family(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    world = World.of(tmp_path, {f"{n}.txt": paragraph(rng) for n in range(4)})
    assert tables(world) == ([], [], [])
    assert len(HAN) == len(set(HAN))  # the filler of these tests repeats nothing by itself


def test_the_classes_of_a_flood_go_over_to_the_greatest_centre_that_they_are_like() -> None:
    rng = np.random.default_rng(4)
    kind = rng.integers(0, 2, 300)  # two things in one flood, and a small component beside it
    of_class = rng.integers(0, 300, 300)
    of_class[:2] = 0, 1
    kind[:2] = 0, 1
    of_class = np.where(kind == kind[of_class], of_class, np.arange(300))
    component = np.zeros(310, np.int64)
    component[300:] = 300
    small = np.arange(300, 310)
    of_class = np.concatenate([of_class, small])
    asked: list[int] = []

    def alike(classes: Any, centres: Any) -> Any:
        asked.append(len(classes))
        return kind[classes] == kind[centres]

    _gather_flood(of_class, np.arange(310), component, 64, alike)
    assert (of_class[:300] == kind).all()  # the first of either kind is its greatest centre
    assert (of_class[300:] == small).all()  # which is no flood
    assert sum(asked) <= 4 * 300
