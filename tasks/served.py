"""Questions to a published snapshot for `taosha report --serve`: a page of rows of a table that answer a query, and the story of one.

The query language: `source:mlst sim:>0.9 size:>=5 kind:script reason:template text:赞助`, words between quotes as one, `-` before a term
for its opposite, bare words are looked for in the text. Everything is read from the Parquet files by column and in batches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.dataset as ds

from tasks.errors import UsageError
from tasks.store.schemas import TABLES
from tasks.summary import one_line, scan

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly

PAGE_ROWS = 50
_LONGEST = 1000
_TERM = re.compile(r'(?P<no>-?)(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')
_NUMBER = re.compile(r"(?P<sign>>=|<=|>|<|=)?(?P<number>\d{1,12}(?:\.\d{1,9})?)\Z")
#: Columns by name of a term; text terms match a part of the value, number terms compare.
_FIELDS: dict[str, dict[str, str]] = {
    "families": {"size": "occurrence_count", "kind": "kind", "reason": "category", "verdict": "verdict", "text": "exemplar_text"},
    "clusters": {"source": "source", "sim": "similarity", "size": "neighbour_count", "kind": "kind", "role": "role"},
    "removed": {
        "source": "source",
        "sim": "similarity",
        "kind": "kind",
        "reason": "reason",
        "rule": "rule",
        "category": "category",
        "text": "raw",
    },
    "passages": {"source": "source", "size": "copies", "kind": "kind", "lang": "lang", "reviewed": "reviewed", "text": "text"},
}
#: Columns of a list.
SHOWN: dict[str, list[str]] = {
    "families": ["family_id", "exemplar_text", "kind", "category", "verdict", "occurrence_count", "document_count", "char_count"],
    "clusters": ["cluster_id", "passage_id", "source", "record", "line_start", "role", "kind", "similarity", "neighbour_count"],
    "removed": ["passage_id", "source", "record", "line_start", "reason", "category", "rule", "similarity", "raw"],
    "passages": ["passage_id", "source", "record", "line_start", "kind", "lang", "copies", "reviewed", "text"],
}
_NUMBERS = ("sim", "size")


@dataclass(frozen=True)
class Answer:
    """Rows of one page (from 1) of a table, and how many answer the query."""

    rows: list[dict[str, Any]]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_ROWS))


def ask(snapshot: Path, table: str, query: str, page: int = 1) -> Answer:
    """The rows of a page that answer a query, in published order. Raises UsageError where the query cannot be understood."""
    where = parse(snapshot, table, query)
    total = 0
    rows: list[dict[str, Any]] = []
    first = (page - 1) * PAGE_ROWS
    needed = SHOWN[table]
    for batch in scan(snapshot, table, needed[:1], where):
        total += batch.num_rows
    seen = 0
    for batch in scan(snapshot, table, needed, where) if first < total else ():
        start = max(first - seen, 0)
        rows += batch.slice(start, max(PAGE_ROWS - len(rows), 0)).to_pylist() if start < batch.num_rows else []
        seen += batch.num_rows
        if len(rows) >= PAGE_ROWS:
            break
    return Answer(rows, total, page)


def parse(snapshot: Path, table: str, query: str) -> ds.Expression | None:
    """The condition that a query means; None for an empty one."""
    if len(query) > _LONGEST:
        raise UsageError(f"a query holds at most {_LONGEST:,} characters")
    condition: ds.Expression | None = None
    for term in _TERM.finditer(query):
        value = term["quoted"] if term["quoted"] is not None else term["word"]
        one = _condition(snapshot, table, term["name"] or "text", value)
        one = ~one if term["no"] else one
        condition = one if condition is None else condition & one
    return condition


def _condition(snapshot: Path, table: str, name: str, value: str) -> ds.Expression:
    fields = _FIELDS[table]
    if name in fields:
        return _compared(name, fields[name], value) if name in _NUMBERS else _part(fields[name], value)
    if table == "families" and name in ("source", "sim"):  # a family is where its occurrences are
        column = "similarity" if name == "sim" else "source"
        inner = _compared(name, column, value) if name == "sim" else _part(column, value)
        return pc.field("family_id").isin(_ids(snapshot, "occurrences", "family_id", inner))
    if table == "clusters" and name == "text":
        ids = [
            *_ids(snapshot, "passages", "passage_id", _part("text", value)),
            *_ids(snapshot, "removed", "passage_id", _part("raw", value)),
        ]
        return pc.field("passage_id").isin(ids)
    known = sorted({*fields, *({"source", "sim"} if table == "families" else {"text"} if table == "clusters" else set())})
    raise UsageError(f"{table} have no {one_line(name)}: ; ask by {', '.join(known)}")


def _part(column: str, value: str) -> ds.Expression:
    """A term holds where its value is a part of the column's, whatever the case; never where there is none."""
    found: ds.Expression = pc.coalesce(pc.match_substring(pc.field(column), value, ignore_case=True), False)
    return found


def _compared(name: str, column: str, value: str) -> ds.Expression:
    asked = _NUMBER.match(value)
    if not asked:
        raise UsageError(f"{name}: takes a number, with >, >=, < or <= before it; found {one_line(value)}")
    number, field = float(asked["number"]), pc.field(column).cast("float64")
    found = {">": field > number, ">=": field >= number, "<": field < number, "<=": field <= number, "=": field == number}[
        asked["sign"] or "="
    ]
    condition: ds.Expression = pc.coalesce(found, False)
    return condition


def _ids(snapshot: Path, table: str, column: str, where: ds.Expression) -> list[str]:
    """Distinct ids of the rows that hold."""
    return sorted({name for batch in scan(snapshot, table, [column], where) for name in pc.unique(batch[column]).to_pylist()})


def members(snapshot: Path, table: str, column: str, value: str, page: int) -> Answer:
    """Rows of a table of one family or cluster, a page of them."""
    names = TABLES[table][0].names
    total, first = 0, (page - 1) * PAGE_ROWS
    rows: list[dict[str, Any]] = []
    for batch in scan(snapshot, table, names, pc.field(column) == value):
        start = max(first - total, 0)
        if start < batch.num_rows:
            rows += batch.slice(start, max(PAGE_ROWS - len(rows), 0)).to_pylist()
        total += batch.num_rows
    return Answer(rows, total, page)
