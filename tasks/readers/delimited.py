"""csv, tsv: a header, then a record a row. CSV quotes as RFC 4180 says; TSV has no quoting (IANA text/tab-separated-values)."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from tasks.errors import Quarantine
from tasks.readers.records import Piece, in_pieces, map_fields, metadata, utf8
from tasks.readers.source import MAX_LINE, Feed, lines


def read(feed: Feed) -> Iterator[Piece]:
    """One document a row that holds text. A row with too many or too few fields is bad and counted; broken quoting
    quarantines the source, because nobody can say where the next row begins."""
    notes = feed.notes
    csv.field_size_limit(MAX_LINE)
    if feed.source.format == "tsv":
        rows = csv.reader(_strings(feed), delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(_strings(feed), strict=True)
    try:
        header = next(rows, None)
        if header is None:
            return
        role = map_fields(header, feed.settings.text_fields)
        if "text" not in role:
            raise Quarantine("no_text_field", f"the header has none of {', '.join(feed.settings.text_fields)}")
        where = {key: header.index(name) for key, name in role.items()}
        others = [(i, f"field {utf8(n, notes).decode()[:64]}") for i, n in enumerate(header) if i not in where.values()]
        at = where.pop("text")
        for number, row in enumerate(rows):
            if not row:
                continue
            notes.records += 1
            if len(row) != len(header):
                notes.complain(f"row {number + 1}", f"{len(row)} fields, the header has {len(header)}")
                continue
            for i, what in others:
                notes.omit(what, 1 if row[i] else 0)
            text = row[at]
            if not text or text.isspace():
                notes.omit("empty_record")
                continue
            stated = metadata({key: row[i] for key, i in where.items()}, notes)
            document = Piece(number, f"row {number + 1}", utf8(text, notes), stated)
            yield from in_pieces(document)
    except csv.Error as error:
        raise Quarantine(f"bad_{feed.source.format}", f"line {rows.line_num}: {error}") from None


def _strings(feed: Feed) -> Iterator[str]:
    for line in lines(feed.text()):
        if line is None:
            raise Quarantine("too_large", f"a line is longer than {MAX_LINE} bytes")
        yield line.decode() + "\n"
