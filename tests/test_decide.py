"""Verdicts: stars and no chains, one order for all, nothing short or rigid removed alone, and no copy removed for one that is gone."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import naive_losses
import naive_matching as naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import World, paragraph, reworded

from tasks.kernels import decide as kernel
from tasks.kernels.match import stars
from tasks.reasons import REASONS
from tasks.settings import Settings

DUPLICATE = ("exact_duplicate", "near_duplicate", "duplicate_block")


def check_invariants(world: World) -> None:
    """What must hold of any verdicts: a removed copy names a kept passage, verified, and earlier in the one order."""
    verdicts, rank, texts = world.verdicts, world.index.rank, world.texts
    names = [REASONS[r] for r in verdicts.reason]
    content = world.column("content_id")
    for p, reason in enumerate(names):
        if reason not in DUPLICATE:
            continue
        twin = int(verdicts.twin[p])
        assert names[twin] == "kept", (reason, texts[p])
        assert not verdicts.split[twin]
        if reason != "duplicate_block":
            assert rank[twin] < rank[p]
            assert naive.slots(texts[p]) <= naive.slots(texts[twin])
            assert naive_losses.says_more(texts[p], texts[twin]) < 2
            assert naive.tokens(texts[p]) >= 12
        assert verdicts.similarity[p] == pytest.approx(naive.jaccard(texts[p], texts[twin]), abs=6e-5)
        assert (reason == "exact_duplicate") <= (content[p] == content[twin])
        assert verdicts.similarity[p] >= 0.7 - 1e-6


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# ---- stars ---------------------------------------------------------------------------------------------------------------


def test_a_ladder_of_drifting_passages_gives_stars_and_no_chain(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    steps = [paragraph(rng, 200)]
    for _ in range(24):
        steps.append(reworded(rng, steps[-1], 0.03))
    world = World.of(tmp_path, {f"{i:02d}.txt": text for i, text in enumerate(steps)})
    check_invariants(world)
    kept = [i for i, (_, _, reason) in enumerate(world.said) if reason == "kept"]
    assert 3 <= len(kept) <= 12
    for p, twin in enumerate(world.verdicts.twin.tolist()):
        if twin >= 0:  # the most similar of those kept, ties to the first in order
            best = max(naive.jaccard(world.texts[p], world.texts[k]) for k in kept if world.index.rank[k] < world.index.rank[p])
            assert world.verdicts.similarity[p] == pytest.approx(best, abs=6e-5)
    for a, b in itertools.combinations(kept, 2):
        assert naive.jaccard(world.texts[a], world.texts[b]) < 0.7


EDGES = st.dictionaries(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] != e[1]), st.integers(70, 99), max_size=30)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(-1, 9), min_size=1, max_size=25), EDGES, st.randoms(), st.data())
def test_stars_keep_what_has_no_kept_neighbour(classes: list[int], edges: dict[tuple[int, int], int], rng: Any, data: Any) -> None:
    """edges : (removable class, in favour of class) -> similarity."""
    n = len(classes)
    able = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    order = [p for p in range(n) if classes[p] >= 0]
    rng.shuffle(order)
    rows = sorted(edges)
    first = np.searchsorted([r for r, _ in rows], np.arange(11)).astype(np.int64)
    twin, score = stars(
        np.array(order, np.int64),
        np.array(classes, np.int32),
        first,
        np.array([c for _, c in rows], np.int32),
        np.array([edges[e] for e in rows], np.float32),
        np.array(able),
        np.array(able),
    )
    kept: list[int] = []
    for p in order:
        same = [k for k in kept if classes[k] == classes[p]][:1]
        near = {}
        for k in kept:
            weight = edges.get((classes[p], classes[k]))
            if weight is not None:
                near.setdefault(classes[k], (weight, k))
        if able[p] and same:
            assert (twin[p], score[p]) == (same[0], 1.0)
        elif able[p] and near:
            assert score[p] == max(weight for weight, _ in near.values())
            assert (score[p], twin[p]) in near.values()
        else:
            assert twin[p] == -1
            kept.append(p)


# ---- the order -----------------------------------------------------------------------------------------------------------

COPY = "清晨的码头上渔民们把昨夜捕到的鱼一筐一筐搬上岸，老王笑着说今年的收成比去年好多了，我们也替他们高兴。"


def survivor(world: World) -> str:
    (kept,) = [source for source, text, reason in world.said if reason == "kept" and COPY[:12] in text]
    return kept


def test_the_order_is_collection_priority_then_date_then_length_then_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    filler = paragraph(rng, 200)
    dated = {
        "m/a.jsonl": jsonl({"text": COPY, "published_at": "2024-05-02"}),
        "m/b.jsonl": jsonl({"text": COPY, "published_at": "2024-05-01"}),
        "m/c.jsonl": jsonl({"text": COPY + "\n\n" + filler}),
        "z/d.jsonl": jsonl({"text": COPY, "published_at": "2024-06-01"}),
    }
    assert survivor(World.of(tmp_path / "priority", dated, input={"priority": ("z",)})) == "z/d.jsonl"
    assert survivor(World.of(tmp_path / "date", dated)) == "m/b.jsonl"
    undated = {"m/a.txt": COPY, "m/b.txt": COPY + "\n\n" + filler, "m/c.txt": COPY}
    assert survivor(World.of(tmp_path / "length", undated)) == "m/b.txt"
    assert survivor(World.of(tmp_path / "name", {"m/b.txt": COPY, "m/a.txt": COPY})) == "m/a.txt"
    records = World.of(tmp_path / "record", {"a.jsonl": jsonl({"text": COPY}, {"text": COPY})})
    assert [reason for _, _, reason in records.said] == ["kept", "exact_duplicate"]
    inside = World.of(tmp_path / "position", {"a.txt": COPY + "\n\n" + filler + "\n\n" + COPY})
    assert inside.reasons("a.txt") == ["kept", "kept", "exact_duplicate"]


def test_pieces_of_a_long_document_are_ranked_as_one(tmp_path: Path) -> None:
    """Of two mirrored documents cut into pieces one stays whole, whichever of its pieces is the longer."""
    rng = np.random.default_rng(4)
    text = "\n\n".join(paragraph(rng, 160) for _ in range(30))
    world = World.of(tmp_path, {"a.txt": text, "b.txt": text})
    from tasks.index import Part, build
    from tasks.provenance import COLUMNS
    from tasks.store.stage import read_table, write_table

    (part,) = world.parts
    batch, passages = read_table(Path(part.documents)), read_table(Path(part.notes) / "passages.arrow")
    half = len(text) // 2
    rows = [(source, piece) for source in (0, 1) for piece in (0, 1)]
    cut = {(0, 0): text[: half + 40], (0, 1): text[half + 40 :], (1, 0): text[: half - 40], (1, 1): text[half - 40 :]}
    pieces = batch.take(pa.array([source for source, _ in rows]))
    for name, values in (("text", [cut[row] for row in rows]), ("piece", [piece for _, piece in rows])):
        at = pieces.schema.get_field_index(name)
        pieces = pieces.set_column(at, name, pa.array(values, pieces.schema.field(name).type))
    write_table(tmp_path / "cut.arrow", pieces)
    notes = tmp_path / "notes"
    shutil.copytree(part.notes, notes)
    write_table(notes / "provenance.arrow", pieces.select(list(COLUMNS)))
    index = build([Part(tmp_path / "cut.arrow", notes)], Settings())
    assert len(passages)
    assert index.doc_rank.tolist() == [0, 1, 2, 3]


# ---- mirrors -------------------------------------------------------------------------------------------------------------


def article(rng: np.random.Generator) -> str:
    """Headings, one-liners, separators, a list, code and a table between paragraphs."""
    paragraphs = [paragraph(rng, 120) for _ in range(5)]
    return "\n\n".join(
        [
            "# 海边的一年", paragraphs[0], "好吧。", "***", "## 春天", paragraphs[1], "```\nx = load(1)\nprint(x)\n```", paragraphs[2],
            "🎉🎉", "- 去码头\n- 写信", "| 月 | 鱼 |\n|---|---|\n| 五 | 多 |", "## 冬天", paragraphs[3], "就这样。", paragraphs[4], "再看海。",
        ]
    )  # fmt: skip


def test_a_mirrored_article_leaves_no_husk(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    text = article(rng)
    other = paragraph(rng)
    world = World.of(tmp_path, {"a.md": text, "b.md": text, "c.md": "# 海边的一年\n\n" + other + "\n\n好吧。"})
    check_invariants(world)
    assert set(world.reasons("a.md")) == {"kept"}
    assert set(world.reasons("b.md")) == {"exact_duplicate", "duplicate_block"}
    assert set(world.reasons("c.md")) == {"kept"}  # its heading and its one-liner stand elsewhere too, and say nothing


def test_a_mirror_inside_another_document_leaves_what_is_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    text, before, after = article(rng), paragraph(rng, 600), paragraph(rng, 600)
    world = World.of(
        tmp_path, {"a.md": text, "b.md": f"{before}\n\n好吧。\n\n{before[::-1]}\n\n{text}\n\n{after}", "z.md": text + "\n\n好吧。"}
    )
    check_invariants(world)
    assert set(world.reasons("a.md")) <= set(DUPLICATE)
    assert [text for source, text, reason in world.said if reason == "kept" and source == "z.md"] == ["好吧。"]
    assert set(world.reasons("b.md")) == {"kept"}


def test_documents_of_short_lines_go_as_whole_copies_only(tmp_path: Path) -> None:
    poem = "\n\n".join(["山中何所有", "岭上多白云", "只可自怡悦", "不堪持赠君", "云深不知处"])
    world = World.of(tmp_path, {"a.txt": poem, "b.txt": poem, "c.txt": poem + "\n\n又及", "d.txt": "山中何所有"})
    check_invariants(world)
    assert set(world.reasons("a.txt")) == {"kept"}
    assert set(world.reasons("b.txt")) == {"duplicate_block"}
    assert set(world.reasons("c.txt") + world.reasons("d.txt")) == {"kept"}


LISTING = "```python\nfor row in table:\n    total = total + row.price * row.count\n    print(row.name, total)\nreturn total\n```"
TABLE = "| 名称 | 价格 | 数量 |\n|---|---|---|\n| 苹果 | 三元 | 十二个 |\n| 香蕉 | 五元 | 二十个 |\n| 西瓜 | 八元 | 三十个 |"
HEADING = "# 这是一个非常长的标题用来看看长标题会不会因为在两篇文章里出现就被删掉"


@pytest.mark.parametrize("shared", [LISTING, TABLE, HEADING, "好的，谢谢大家。"], ids=["code", "table", "heading", "short"])
def test_code_tables_headings_and_short_passages_are_never_removed_alone(tmp_path: Path, shared: str) -> None:
    rng = np.random.default_rng(9)
    sources = {f"{i}.md": f"{paragraph(rng)}\n\n{shared}\n\n{paragraph(rng)}" for i in range(4)}
    world = World.of(tmp_path, sources)
    assert {reason for _, _, reason in world.said} == {"kept"}


def test_code_is_compared_by_its_own_characters(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    start, end = paragraph(rng), paragraph(rng)
    world = World.of(tmp_path, {"a.md": f"{start}\n\n{LISTING}\n\n{end}", "b.md": f"{start}\n\n{LISTING.replace('+', '-')}\n\n{end}"})
    assert world.reasons("b.md") == ["exact_duplicate", "kept", "exact_duplicate"]


# ---- kernels of blocks ---------------------------------------------------------------------------------------------------


def blocks(*documents: list[tuple[str, int, int]]) -> list[int]:
    """block_twins of documents of (kind, class, twin): L long and kept, D long and a duplicate, s short, x filtered."""
    flat = [(d, *row) for d, rows in enumerate(documents) for row in rows]
    kinds = [kind for _, kind, _, _ in flat]
    return kernel.block_twins(
        np.array([d for d, *_ in flat], np.int64),
        np.array([k in "LD" for k in kinds]),
        np.array([k == "D" for k in kinds]),
        np.array([k in "Ls" for k in kinds]),
        np.array([k in "Dx" for k in kinds]),
        np.array([t for *_, t in flat], np.int64),
        np.array([c for _, _, c, _ in flat], np.int64),
    ).tolist()  # type: ignore[no-any-return]


def L(c: int) -> tuple[str, int, int]:  # noqa: N802
    return ("L", c, -1)


def D(c: int, twin: int) -> tuple[str, int, int]:  # noqa: N802
    return ("D", c, twin)


def s(c: int) -> tuple[str, int, int]:
    return ("s", c, -1)


def test_short_passages_go_only_between_copies_of_one_document() -> None:
    original = [s(9), L(1), s(2), L(3), s(4)]
    assert blocks(original, [s(9), D(1, 1), s(2), D(3, 3), s(4)])[5:] == [0, -1, 2, -1, 4]
    assert blocks(original, [s(9), D(1, 1), s(7), D(3, 3), s(4)])[5:] == [0, -1, -1, -1, 4]  # another line stays
    assert blocks(original, [s(9), D(1, 1), s(2), L(5), s(4)])[5:] == [0, -1, -1, -1, -1]  # up to a passage of its own
    assert blocks(original, [s(9), s(2), s(4)])[5:] == [-1, -1, -1]
    assert blocks([L(1), s(2)], [L(3), s(2)], [D(1, 0), s(2), D(3, 2)])[4:] == [-1, -1, -1]  # copies of two documents
    assert blocks([L(1), s(2), s(2), L(3)], [D(1, 0), s(2), s(2), s(2), D(3, 3)])[4:] == [-1, 1, 2, -1, -1]  # as many as there


def test_the_twin_of_a_block_passage_is_kept_itself() -> None:
    """The second document copies a block of the first; the third copies the second, block and all."""
    first = [L(10), s(1), L(11)]
    second = [L(20), D(10, 0), s(1), D(11, 2), L(21)]
    third = [D(20, 3), s(1), D(21, 7)]
    assert blocks(first, second, third) == [-1, -1, -1, -1, -1, 1, -1, -1, -1, 1, -1]


def test_a_long_run_of_short_lines_is_not_compared_all_with_all() -> None:
    size = 200_000
    doc = np.repeat([0, 1], size)
    long = np.zeros(2 * size, np.bool_)
    long[[0, size - 1, size, 2 * size - 1]] = True
    duplicate = long & (doc == 1)
    twin = np.full(2 * size, -1)
    twin[[size, 2 * size - 1]] = [0, size - 1]
    out = kernel.block_twins(doc, long, duplicate, ~duplicate, duplicate, twin, np.arange(2 * size))
    assert (out == -1).all()
