"""The table `blocks`: stretches of text that stand in two places, aligned: occurrences of families, passages that lie inside longer
ones, and what passages share that are cut differently."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.columns import side, table_of
from tasks.families import Families
from tasks.index import Index
from tasks.settings import Matching
from tasks.store.ids import digest_of
from tasks.store.schemas import BLOCKS
from tasks.store.stage import numbers
from tasks.store.text import BoolArray, F32Array, I64Array


def occurrence_blocks(
    index: Index,
    families: Families,
    first: I64Array,
    last: I64Array,
    exemplar: I64Array,
    similarity: F32Array,
    char_count: I64Array,
    run_ids: list[str],
    other: I64Array,
) -> pa.Table:
    """Each occurrence (numbers `other`) with its family's exemplar, as rows of `blocks`."""
    model = exemplar[other]
    columns: dict[str, Any] = {}
    for letter, begin, end in (("a", families.first[model], families.last[model]), ("b", first[other], last[other])):
        opening, closing = side(index, begin, letter), side(index, end, letter)
        columns.update(opening)
        columns[f"char_end_{letter}"], columns[f"line_end_{letter}"] = closing[f"char_end_{letter}"], closing[f"line_end_{letter}"]
    keys = zip(*(columns[name].to_pylist() for name in ("doc_id_a", "char_start_a", "doc_id_b", "char_start_b")), strict=True)
    return table_of(
        BLOCKS,
        {
            **columns,
            "family_id": [run_ids[i] for i in other.tolist()],
            "kind": pa.repeat(pa.scalar("occurrence"), len(other)),
            "block_id": [digest_of("block", *(str(part) for part in key)) for key in keys],
            "char_count": char_count[other],
            "similarity": similarity[other],
        },
    )


def overlap_blocks(index: Index, overlaps: pa.Table, families: Families, ids: list[str], settings: Matching) -> pa.Table:
    """What the match stage aligned (see `tasks.overlaps`), as rows of `blocks`, in the order of their passages.

    ids : id by occurrence number, for exemplars.
    """
    tokens = np.maximum(index.column("match", "tokens").astype(np.float64), 1)
    a, b = numbers(overlaps["passage_a"]), numbers(overlaps["passage_b"])
    share_a, share_b = numbers(overlaps["tokens_a"]) / tokens[a], numbers(overlaps["tokens_b"]) / tokens[b]
    contained = np.maximum(share_a, share_b) >= settings.containment_threshold
    swap = contained & (share_a > share_b)
    left, right = np.where(swap, b, a), np.where(swap, a, b)
    columns = _places(index, left, overlaps, swap, "a", "b") | _places(index, right, overlaps, swap, "b", "a")
    spans = (f"{name}_{letter}" for letter in "ab" for name in ("doc_id", "char_start", "char_end"))
    keys = zip(*(pa.array(columns[name]).to_pylist() for name in spans), strict=True)
    return table_of(
        BLOCKS,
        {
            **columns,
            "family_id": _family_of(right, contained, families, ids),
            "kind": pa.array(["overlap", "contained"]).take(pa.array(contained.astype(np.int64))),
            "block_id": [digest_of("block", *(str(part) for part in key)) for key in keys],
            "char_count": _choose(overlaps, swap, "visible_b", "visible_a"),
            "similarity": overlaps["similarity"],
        },
    )


def _choose(overlaps: pa.Table, swap: BoolArray, name: str, other: str) -> npt.NDArray[Any]:
    """A column, or where the sides change places the other side's."""
    return np.where(swap, numbers(overlaps[other]), numbers(overlaps[name]))


def _places(index: Index, gids: I64Array, overlaps: pa.Table, swap: BoolArray, letter: str, other: str) -> dict[str, Any]:
    """Place of a span inside each passage."""
    columns = side(index, gids, letter)
    start, end, before, inside = (
        _choose(overlaps, swap, f"{name}_{letter}", f"{name}_{other}") for name in ("start", "end", "lines_before", "lines_inside")
    )
    base, line = numbers(columns[f"char_start_{letter}"]), numbers(columns[f"line_start_{letter}"]) + before
    places = {"char_start": base + start, "char_end": base + end, "line_start": line, "line_end": line + inside}
    return columns | {f"{name}_{letter}": values for name, values in places.items()}


def _family_of(gids: I64Array, contained: BoolArray, families: Families, ids: list[str]) -> pa.Array:
    """Family of each passage, null where it has none or is not contained."""
    inside, run = families.members(np.arange(len(families.first)))
    order = np.argsort(inside, kind="stable")
    inside, run = inside[order], run[order]
    at = np.minimum(np.searchsorted(inside, gids), max(len(inside) - 1, 0))
    known = contained & (inside[at] == gids) if len(inside) else np.zeros(len(gids), np.bool_)
    exemplar = families.exemplar[run[at]] if len(inside) else at
    return pa.array(ids, pa.string()).take(pa.array(np.where(known, exemplar, 0), mask=~known))
