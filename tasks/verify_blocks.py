"""Blocks that lie inside one passage on either side (overlap, contained), measured again from the raw text of the two spans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels import utf8
from tasks.settings import Settings
from tasks.store.tables import part_paths, read_file
from tasks.store.text import BoolArray, I64Array, Texts
from tasks.verify_problem import Problem, rows_problem

#: Published similarities are float32 rounded to 4 digits.
SIMILARITY_TOLERANCE = 1.01e-4
#: Blocks of a file that are measured, spread evenly over it: what bounds the time.
MEASURED = 4096
#: A document's number stands above its offsets in one sort key; no document has 2^40 characters.
_SHIFT = 40


def check_blocks(snapshot: Path, settings: Settings) -> list[Problem]:
    """Similarity and characters of blocks are those of their spans; each span lies in a passage, kept or removed."""
    problems: list[Problem] = []
    for path in part_paths(snapshot, "blocks"):
        rows = read_file(path).filter(pc.field("kind") != "occurrence").combine_chunks()
        chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MEASURED)).astype(np.int64)) if len(rows) else np.empty(0, np.int64)
        if len(chosen):
            problems += _measure(snapshot, f"blocks/{path.name}", rows.take(pa.array(chosen)), settings)
    return problems


def _measure(snapshot: Path, where: str, rows: pa.Table, settings: Settings) -> list[Problem]:
    from tasks.exact import jaccard

    (a, begins_a, lies_a), (b, begins_b, lies_b) = (_spans(snapshot, rows, side) for side in "ab")
    ids, lies = rows["block_id"], lies_a & lies_b
    problems = rows_problem(
        "block", where, ~(begins_a & begins_b), "both spans inside passages of the snapshot", lambda i: f"{ids[i]} lies in none"
    )
    exact, stated = jaccard(a, b, settings.matching), rows["similarity"].to_numpy()
    wrong = lies & ~(np.abs(exact - stated) <= SIMILARITY_TOLERANCE)
    problems += rows_problem(
        "block", where, wrong, "the exact similarity of the two spans", lambda i: f"{ids[i]}: {stated[i]}, exact {exact[i]}"
    )
    visible, count = utf8.count_visible(b.chars, b.offsets[:-1], b.offsets[1:]), rows["char_count"].to_numpy()
    return problems + rows_problem(
        "block",
        where,
        lies & (visible != count),
        "the visible characters of side b",
        lambda i: f"{ids[i]}: {count[i]}, counted {visible[i]}",
    )


def _spans(snapshot: Path, rows: pa.Table, side: str) -> tuple[Texts, BoolArray, BoolArray]:
    """Text of one side of each block, empty where no row holds it whole (a passage was cut since); which begin in a row; which are held."""
    docs = rows[f"doc_id_{side}"].combine_chunks().unique()
    code = pc.index_in(rows[f"doc_id_{side}"].combine_chunks(), value_set=docs).to_numpy(zero_copy_only=False).astype(np.int64)
    start, end = rows[f"char_start_{side}"].to_numpy().astype(np.int64), rows[f"char_end_{side}"].to_numpy().astype(np.int64)
    out: list[str] = [""] * len(rows)
    begins, lies = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    for name in ("passages", "removed"):
        for path in part_paths(snapshot, name):
            table = read_file(path, ["doc_id", "char_start", "char_end", "raw", *(["text"] if name == "passages" else [])])
            table = table.filter(pc.is_in(table["doc_id"], value_set=docs)).combine_chunks()
            if len(table):
                _cut(table, docs, ((code << _SHIFT) + start, end - start), out, begins, lies)
    return Texts.of(out), begins, lies


def _cut(table: pa.Table, docs: pa.Array, place: tuple[I64Array, I64Array], out: list[str], begins: BoolArray, lies: BoolArray) -> None:
    """Fill in the spans that rows of `table` hold. place : document and start of each span, and its length, (n,) int64."""
    key, size = place
    known = pc.index_in(table["doc_id"].combine_chunks(), value_set=docs).to_numpy(zero_copy_only=False).astype(np.int64)
    base = (known << _SHIFT) + table["char_start"].to_numpy().astype(np.int64)
    length = (table["char_end"].to_numpy() - table["char_start"].to_numpy()).astype(np.int64)
    order = np.argsort(base, kind="stable")
    at = order[np.maximum(np.searchsorted(base[order], key, side="right") - 1, 0)]
    begins |= (base[at] <= key) & (key < base[at] + length[at])
    inside = (base[at] <= key) & (key + size <= base[at] + length[at]) & (size >= 0)
    raw = pc.coalesce(table["raw"], table["text"]) if "text" in table.column_names else table["raw"]
    found = np.flatnonzero(inside)
    starts = key[found] - base[at[found]]
    texts = raw.take(pa.array(at[found])).to_pylist()
    for row, text, begin, width in zip(found.tolist(), texts, starts.tolist(), size[found].tolist(), strict=True):
        out[row] = text[begin : begin + width]
    lies[found] = True
