"""Author, publisher, address, date and title of a document from the lines that rules took off it.

A byline, a source line or a date line leaves the text; what it says is read here into the columns of provenance. Only what is
certain is taken: two lines that disagree, a date that could be read in two ways, an author who is nobody (佚名, 编辑部) give
nothing. What the reader stated already stands. A line whose address would be lost with it stays in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.boilerplate import LineVerdicts
from tasks.rulepack import KINDS
from tasks.segment import Segments
from tasks.statements import AUTHORS, DATES, OWN_LINKS, PUBLISHERS, SOURCE_LINKS, TITLES, Statement
from tasks.store.schemas import TIME
from tasks.store.stage import numbers, read_table
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, spans_to_arrow

#: Columns that lines can fill, in the order of the table `provenance`.
COLUMNS = {"title": pa.string(), "author": pa.string(), "publisher": pa.string(), "url": pa.string(), "published_at": TIME}
#: Bytes of a document: a longer one is no article with one byline, and may be cut into pieces.
LONGEST = 1_000_000
#: Lines from the head and from the tail of a document in which it speaks of itself.
HEAD, TAIL = 30, 40
_SPOKEN = ("metadata", "attribution", "copyright")
#: The line above a post says when that post was written, not the page.
_NOT_OF_THE_PAGE = frozenset({"zh.metadata.post_header", "zh.comments.forum"})


@dataclass(frozen=True)
class Read:
    """Values read off lines: document row, line and value of each, in order of the lines."""

    doc: list[int]
    line: list[int]
    value: list[object]


def read_lines(
    batch: pa.Table, texts: Texts, segments: Segments, folded: Texts, verdicts: LineVerdicts
) -> tuple[dict[str, pa.Array], LineVerdicts]:
    """The columns of COLUMNS for each document row, and the verdicts with lines given back whose address is in none of them.

    folded : match form of the lines. The reader's own values win.
    """
    rows = _speaking(batch, segments, verdicts)
    raw = spans_to_arrow(texts.chars, segments.line_start[rows], segments.line_end[rows])
    form = spans_to_arrow(folded.chars, folded.offsets[rows], folded.offsets[rows + 1])
    doc = segments.line_doc[rows]

    def found(statements: tuple[Statement, ...]) -> dict[int, object]:
        return _first_certain([_values(raw, form, doc, rows, statement) for statement in statements])

    links = [_values(raw, form, doc, rows, statement) for statement in (*OWN_LINKS, *SOURCE_LINKS)]
    read: dict[str, dict[int, object]] = {
        "title": found(TITLES),
        "author": found(AUTHORS),
        "publisher": found(PUBLISHERS),
        "url": _first_certain(links),
        "published_at": found(DATES),
    }
    columns = {name: _filled(batch[name], read[name], kind) for name, kind in COLUMNS.items()}
    return columns, _given_back(verdicts, links, columns["url"])


def with_provenance(batch: pa.Table, notes: Path) -> pa.Table:
    """Documents of a part with the columns that `read_lines` filled, from the part's stage folder."""
    read = read_table(notes / "provenance.arrow")
    for name in COLUMNS:
        batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), read[name])
    return batch


def _speaking(batch: pa.Table, segments: Segments, verdicts: LineVerdicts) -> I64Array:
    """Lines that their own pattern takes, of the categories that say whose a text is, at the head or tail of a whole document."""
    rules = verdicts.rules.rules
    speaks = np.array([r.category in _SPOKEN and r.id not in _NOT_OF_THE_PAGE for r in rules] + [False], bool)
    lines = np.arange(len(verdicts.rule), dtype=np.int64)
    doc = segments.line_doc
    first, last = np.searchsorted(doc, doc, side="left"), np.searchsorted(doc, doc, side="right")
    small = pc.less(pc.binary_length(batch["text"]), LONGEST).to_numpy(zero_copy_only=False)
    whole: BoolArray = (numbers(batch["piece"]) == 0) & small
    own = speaks[verdicts.rule] & (verdicts.anchor == lines) & (segments.line_kind != KINDS.index("metadata"))
    chosen: I64Array = np.flatnonzero(own & whole[doc] & ((lines - first < HEAD) | (last - lines <= TAIL)))
    return chosen


def _values(raw: pa.Array, form: pa.Array, doc: I32Array, rows: I64Array, statement: Statement) -> Read:
    """What one kind of statement says, where it says it and its value is certain."""
    groups = pc.extract_regex(form if statement.folded else raw, statement.pattern)
    hit = np.flatnonzero(groups.is_valid().to_numpy(zero_copy_only=False))
    said = [statement.value(row) for row in groups.take(pa.array(hit)).to_pylist()]
    kept = [(int(doc[at]), int(rows[at]), value) for at, value in zip(hit.tolist(), said, strict=True) if value is not None]
    return Read(*(list(column) for column in zip(*kept, strict=True))) if kept else Read([], [], [])


def _first_certain(kinds: list[Read]) -> dict[int, object]:
    """Value by document: of the first kind of statement that the document makes, when it says one thing only."""
    out: dict[int, object] = {}
    settled: set[int] = set()
    for read in kinds:
        values: dict[int, set[object]] = {}
        for doc, value in zip(read.doc, read.value, strict=True):
            values.setdefault(doc, set()).add(value)
        for doc, said in values.items():
            if doc not in settled and len(said) == 1:
                out[doc] = next(iter(said))
        settled |= set(values)
    return out


def _filled(stated: pa.ChunkedArray, read: dict[int, object], kind: pa.DataType) -> pa.Array:
    """The reader's column with what lines say where it is null."""
    column = stated.combine_chunks() if isinstance(stated, pa.ChunkedArray) else stated
    if isinstance(column, pa.ChunkedArray):  # an empty table combines to no chunk
        return pa.array([], kind)
    if not read:
        return column
    return pc.coalesce(column, pa.array([read.get(row) for row in range(len(column))], kind))


def _given_back(verdicts: LineVerdicts, links: list[Read], url: pa.Array) -> LineVerdicts:
    """Verdicts without those of lines that name an address which is not the document's."""
    urls = url.to_pylist()
    lost = sorted({line for read in links for doc, line, value in zip(read.doc, read.line, read.value, strict=True) if urls[doc] != value})
    if not lost:
        return verdicts
    rule, support = verdicts.rule.copy(), verdicts.support.copy()
    anchor, hits = verdicts.anchor.copy(), verdicts.hits.copy()
    hits[lost] = rule[lost]
    rule[lost], support[lost], anchor[lost] = -1, 0, -1
    accepted = verdicts.accepted & ~np.isin(verdicts.hit_line, lost)
    return replace(verdicts, rule=rule, support=support, anchor=anchor, hits=hits, accepted=accepted)
