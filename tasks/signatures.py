"""The table `signatures`: MinHash signatures that other programs can load, with their passport.

The passport says what two signatures must share to be compared. It stands in the metadata of each Parquet file under
`taosha.minhash` (JSON), and in run.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.index import Index
from tasks.minhash import passport
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.store import stage
from tasks.store.schemas import SIGNATURES
from tasks.store.tables import part_paths

#: Key of the passport in the metadata of the Parquet files.
PASSPORT_KEY = b"taosha.minhash"
_OF_DOCUMENT = ("source", "record", "locator", "doc_id")
_OF_PASSAGE = ("passage_id", "char_start", "char_end", "line_start", "line_end")


def schema(settings: Matching) -> pa.Schema:
    """Schema of `signatures` with the passport in its metadata, from where Parquet takes it."""
    return SIGNATURES.with_metadata({PASSPORT_KEY: json.dumps(passport(settings), sort_keys=True).encode()})


def passport_of(snapshot: Path) -> dict[str, Any] | None:
    """Passport of the signatures of a snapshot; None when it has none."""
    paths = part_paths(snapshot, "signatures")
    metadata = pq.read_schema(paths[0]).metadata or {} if paths else {}
    stated: dict[str, Any] | None = json.loads(metadata[PASSPORT_KEY]) if PASSPORT_KEY in metadata else None
    return stated


def tables(index: Index, settings: Matching) -> Iterator[pa.Table]:
    """Rows of `signatures`, a table a part, in published order.

    A row is a passage that is long enough and of a kind compared by similarity, as it was before `decide` cut lines out of it:
    the spans of a cut one name it as their `parent_id`.
    """
    for part, base in zip(index.parts, index.passage_base.tolist(), strict=False):
        match, passages = stage.read_table(part.notes / "match.arrow"), stage.read_table(part.notes / "passages.arrow")
        documents = stage.read_table(part.documents)
        signed = np.flatnonzero(stage.numbers(match["long"]) & ~stage.numbers(match["rigid"]))
        rows = pa.array(signed)
        doc = stage.whole(passages["doc"]).take(rows)
        values = np.load(part.notes / "signatures.npy").astype(np.int64)
        offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
        _, ends = shingle_sets(index.texts(base + signed), settings)
        columns: dict[str, pa.Array] = {
            **{name: stage.whole(documents[name]).take(doc) for name in _OF_DOCUMENT},
            **{name: stage.whole(passages[name]).take(rows) for name in _OF_PASSAGE},
            "shingle_count": pa.array(np.diff(ends)),
            "signature": pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.reshape(-1))),
        }
        yield pa.table([columns[field.name].cast(field.type) for field in SIGNATURES], schema=SIGNATURES)
