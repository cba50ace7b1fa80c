"""Columns that the published tables share: the places of passages, and tables of a schema from columns by name."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tasks.index import Index
from tasks.store.stage import whole
from tasks.store.text import I64Array


def table_of(schema: pa.Schema, columns: dict[str, Any]) -> pa.Table:
    """Table of a published schema from columns by name, cast to its types."""
    arrays = []
    for f in schema:
        column = columns[f.name]
        array = whole(column) if isinstance(column, (pa.Array, pa.ChunkedArray)) else pa.array(column)
        arrays.append(array if array.type == f.type else array.cast(f.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def side(index: Index, gids: I64Array, letter: str) -> dict[str, Any]:
    """Place of passages as one side of a pair: source_a, record_a..."""
    rows = index.lookup(gids, ["char_start", "char_end", "line_start", "line_end"])
    places = index.places(index.doc[gids])
    return {
        **{f"{name}_{letter}": places[name] for name in ("source", "record", "doc_id")},
        **{f"{name}_{letter}": rows[name] for name in ("char_start", "char_end", "line_start", "line_end")},
    }


def place(index: Index, gids: I64Array) -> dict[str, Any]:
    """Place of passages."""
    rows = index.lookup(gids, ["char_start", "char_end", "line_start", "line_end"])
    places = index.places(index.doc[gids])
    return {
        **{name: places[name] for name in ("source", "record", "locator", "doc_id")},
        **{name: rows[name] for name in ("char_start", "char_end", "line_start", "line_end")},
    }
