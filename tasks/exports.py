"""Published tables for other programs and people: CSV that no spreadsheet runs, JSON lines that lose nothing, Markdown for a pull request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from tasks.errors import StorageError
from tasks.store.schemas import TABLES
from tasks.summary import manifest_of, one_line, scan, visible

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly

EXPORTED = ("families", "clusters", "pairs", "removed")
#: A cell that a spreadsheet may take for a formula (OWASP ASVS 5 1.2.10, with the full-width signs that some take for the same), also
#: after what it trims.
_FORMULA = "^(?:[\\t\\r\\n\\x00]|[ \\x{3000}\\x{FEFF}\\x{200B}]*[=+\\-@＝＋－＠])"
#: Characters that a terminal or a reader's eye could be deceived by.
_HIDDEN = "[\\x00-\\x08\\x0B-\\x1F\\x7F-\\x9F\\x{AD}\\x{61C}\\x{200B}-\\x{200F}\\x{2028}-\\x{202E}\\x{2060}-\\x{206F}\\x{FEFF}]"
#: Columns of the Markdown summary, and the one it is sorted by.
_SHOWN: dict[str, tuple[list[str], str]] = {
    "families": (["char_count", "occurrence_count", "document_count", "verdict", "category", "exemplar_text"], "char_count"),
    "clusters": (["neighbour_count", "role", "kind", "similarity", "source", "line_start"], "neighbour_count"),
    "pairs": (["similarity", "kind", "source_a", "line_start_a", "source_b", "line_start_b"], "similarity"),
    "removed": (["reason", "category", "rule", "source", "line_start", "raw"], ""),
}
_TOP = 20


def export(snapshot: Path, table: str, form: str, out: BinaryIO) -> int:
    """Write a table as csv, jsonl or md; returns its rows. Batch by batch, so that memory does not grow with the table.

    csv : for people and spreadsheets. Text that could be taken for a formula begins with ', and invisible characters are shown.
    jsonl : every value as it stands, times as ISO 8601. md : the total, and the first 20 rows.
    """
    writers: dict[str, Callable[[Path, str, BinaryIO], int]] = {"csv": _csv, "jsonl": _jsonl, "md": _markdown}
    return writers[form](snapshot, table, out)


def export_file(snapshot: Path, table: str, form: str, path: Path) -> int:
    """The same into a file, in one step: after a failure what stood there stands. Raises StorageError."""
    spare = path.with_name(f".{path.name}.part")
    try:
        with spare.open("wb") as out:
            rows = export(snapshot, table, form, out)
        spare.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error})") from error
    finally:
        spare.unlink(missing_ok=True)
    return rows


def _csv(snapshot: Path, table: str, out: BinaryIO) -> int:
    schema = pa.schema([pa.field(f.name, pa.string() if pa.types.is_timestamp(f.type) else f.type) for f in TABLES[table][0]])
    rows = 0
    with pyarrow.csv.CSVWriter(out, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed")) as writer:
        for batch in scan(snapshot, table, schema.names):
            rows += batch.num_rows
            columns = [safe_cells(batch[f.name].cast(f.type)) if pa.types.is_string(f.type) else batch[f.name] for f in schema]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    return rows


def safe_cells(texts: pa.Array) -> pa.Array:
    """Texts as cells: what could be a formula begins with an apostrophe, and what cannot be seen is shown as in the report.

    >>> safe_cells(pa.array(["=1+1", "＝cmd", "千淘", "金\\u202e沙", None])).to_pylist()
    ["'=1+1", "'＝cmd", '千淘', '金⟨RLO⟩沙', None]
    """
    formula = pc.fill_null(pc.match_substring_regex(texts, _FORMULA), False)
    hidden = pc.fill_null(pc.match_substring_regex(texts, _HIDDEN), False)
    shown = pa.array([visible(text) for text in texts.filter(hidden).to_pylist()], pa.string())  # few rows have any
    texts = pc.replace_with_mask(texts, hidden, shown)
    return pc.if_else(formula, pc.binary_join_element_wise("'", texts, ""), texts)


def _lines(snapshot: Path, table: str) -> Iterator[bytes]:
    for batch in scan(snapshot, table, TABLES[table][0].names):
        for row in batch.to_pylist():
            yield json.dumps(row, ensure_ascii=False, default=lambda value: value.isoformat()).encode() + b"\n"


def _jsonl(snapshot: Path, table: str, out: BinaryIO) -> int:
    rows = 0
    for line in _lines(snapshot, table):
        out.write(line)
        rows += 1
    return rows


def _markdown(snapshot: Path, table: str, out: BinaryIO) -> int:
    columns, key = _SHOWN[table]
    total, best = 0, TABLES[table][0].empty_table().select(columns)
    for batch in scan(snapshot, table, columns):
        total += batch.num_rows
        if key or len(best) < _TOP:
            best = pa.concat_tables([best, pa.Table.from_batches([batch]).cast(best.schema)])
            best = (best.take(pc.sort_indices(best, [(key, "descending")])) if key else best).slice(0, _TOP).combine_chunks()
    head = f"### {table}: {total:,} rows (snapshot {manifest_of(snapshot)['snapshot_id']})\n\n"
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(markdown_cell(row[name]) for name in columns) for row in best.to_pylist()]
    more = f"\n{len(best):,} of {total:,} shown.\n" if total > len(best) else ""
    out.write((head + "".join(f"| {line} |\n" for line in lines) + more).encode())
    return total


def markdown_cell(value: object) -> str:
    r"""A value as text of a table cell: one line, with everything escaped that Markdown or HTML would take for its own.

    >>> print(markdown_cell("a|b <b>`x`"))
    a\|b \<b\>\`x\`
    """
    text = (
        ""
        if value is None
        else f"{value:.3f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else one_line(str(value), 100)
    )
    return re.sub(r"([\\`*_{}\[\]<>()#+!|&~@:-])", r"\\\1", text) if isinstance(value, str) else text
