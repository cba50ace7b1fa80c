"""The sources themselves, read again, against what a snapshot says of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.ingest import SourceFile, discover, read_cell
from tasks.manifest import load
from tasks.settings import Settings
from tasks.store.tables import part_paths, read_file, read_table
from tasks.store.text import BoolArray, Texts, spans_to_arrow
from tasks.verify_problem import Problem, rows_problem

_ROWS = ["source", "doc_id", "char_start", "char_end", "raw"]
#: Sources without rows (quarantined, empty) that are read together.
_BATCH = 256
#: A document's number stands above its offsets in one sort key; no document has 2^40 characters.
_SHIFT = 40


def check_inputs(snapshot: Path, input_dirs: list[Path]) -> list[Problem]:
    """Sources are there, have the digests stated, and hold each row's raw text at its place.

    A source whose bytes have changed since is named and not looked into: its slices mean nothing.
    """
    settings = Settings.model_validate(load(snapshot)["settings"])
    files = {file.source: file for file in discover(input_dirs, settings.input)}
    stated = {row["source"]: row for row in read_table(snapshot, "sources", ["source", "sha256", "char_count"]).to_pylist()}
    problems = [Problem("input", source, "the file below an input folder", "none") for source in sorted(stated.keys() - files.keys())]
    problems += [Problem("input", source, "a row in sources", "a file that came later") for source in sorted(files.keys() - stated.keys())]
    both = stated.keys() & files.keys()
    left = set(both)
    for part, rows in _parts(snapshot):
        names = sorted(set(rows["source"].unique().to_pylist()) & both)
        left -= set(names)
        problems += _compare(part, rows, [files[name] for name in names], stated, settings)
    rest = sorted(left)
    nothing = pa.schema([(name, pa.string() if name in ("source", "doc_id", "raw") else pa.int64()) for name in _ROWS]).empty_table()
    for first in range(0, len(rest), _BATCH):
        problems += _compare("sources", nothing, [files[name] for name in rest[first : first + _BATCH]], stated, settings)
    return problems


def _parts(snapshot: Path) -> Iterator[tuple[str, pa.Table]]:
    """Rows of passages and removed by part; a source that reaches over parts is read for each of them."""
    paths = {name: {path.name: path for path in part_paths(snapshot, name)} for name in ("passages", "removed")}
    for part in sorted(set().union(*paths.values())):
        tables = []
        for name, by_part in paths.items():
            if part in by_part:
                table = read_file(by_part[part], [*_ROWS, "text"] if name == "passages" else _ROWS)
                if name == "passages":
                    table = table.set_column(table.schema.get_field_index("raw"), "raw", pc.coalesce(table["raw"], table["text"]))
                tables.append(pa.table({column: table[column] for column in _ROWS}))
        yield part, pa.concat_tables(tables).combine_chunks()


def _compare(part: str, rows: pa.Table, sources: list[SourceFile], stated: dict[str, dict[str, Any]], settings: Settings) -> list[Problem]:
    """Read `sources` again and compare digests, visible characters and slices."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="taosha-verify-") as folder:
        read = read_cell(sources, settings.input, Path(folder), settings.publish.part_bytes)
        changed = set()
        for row in read.sources:
            name, before = row["source"], stated[row["source"]]
            if row["sha256"] != before["sha256"]:
                problems.append(Problem("input", name, f"sha256 {before['sha256']}", str(row["sha256"])))
                changed.add(name)
            elif row["char_count"] != before["char_count"]:
                problems.append(Problem("input", name, f"{before['char_count']} visible characters", str(row["char_count"])))
        known = pc.is_in(rows["source"], value_set=pa.array(sorted({s.source for s in sources} - changed), pa.string()))
        rows = rows.filter(known).combine_chunks()
        found, same = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
        for written in read.parts:
            with pa.memory_map(str(written.path)) as mapped:
                _look_up(rows, pa.ipc.open_file(mapped).read_all(), found, same)
    where = f"passages+removed/{part}"
    return problems + rows_problem(
        "slice", where, ~same, "raw as the source has it at char_start..char_end",
        lambda i: f"{rows['source'][i]} {rows['char_start'][i]}: {'other characters' if found[i] else 'no such place'}",
    )  # fmt: skip


def _look_up(rows: pa.Table, batch: pa.Table, found: BoolArray, same: BoolArray) -> None:
    """Mark the rows whose place lies in `batch` (pieces of documents, sorted), and those whose raw text stands there."""
    if not len(batch):
        return
    texts = Texts.from_arrow(batch["text"])
    names = batch["doc_id"].combine_chunks().unique()
    piece_code = pc.index_in(batch["doc_id"], value_set=names).to_numpy().astype(np.int64)
    row_code = pc.fill_null(pc.index_in(rows["doc_id"], value_set=names), -1).to_numpy().astype(np.int64)
    base, start, end = batch["char_base"].to_numpy(), rows["char_start"].to_numpy(), rows["char_end"].to_numpy()
    key = (piece_code << _SHIFT) + base
    piece = np.searchsorted(key, (row_code << _SHIFT) + start, side="right") - 1
    inside = (row_code >= 0) & (piece >= 0)
    inside &= piece_code[piece] == row_code
    inside &= (start >= base[piece]) & (end <= base[piece] + texts.lengths[piece]) & (start <= end)
    at = np.flatnonzero(inside)
    shift = texts.offsets[piece[at]] - base[piece[at]]
    slices = spans_to_arrow(texts.chars, start[at] + shift, end[at] + shift)
    found[at] = True
    same[at] = pc.equal(slices, rows["raw"].combine_chunks().take(pa.array(at))).fill_null(False).to_numpy(zero_copy_only=False)
