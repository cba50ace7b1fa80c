"""jsonl, ndjson: a JSON object a line. A bad line is counted and named; the good ones are read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from tasks import decode
from tasks.errors import Quarantine
from tasks.readers.records import NOTHING, Notes, Piece, in_pieces, map_fields, metadata, utf8
from tasks.readers.source import MAX_LINE, Feed, lines

#: Levels of nesting that a record may have. The parser's own limit depends on the stack, this one does not.
MAX_DEPTH = 64


class _BadLineError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _BadLineError("duplicate key")
    return found


def _no_constant(name: str) -> Any:
    raise _BadLineError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def parse(line: str) -> dict[str, Any]:
    """The object of a line; raises ValueError with the cause, never with text of the line."""
    try:
        value = _DECODER.decode(line)
    except _BadLineError:
        raise
    except json.JSONDecodeError as error:
        raise _BadLineError(f"not JSON at column {error.colno}") from None
    except RecursionError:
        raise _BadLineError(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError:
        raise _BadLineError("a number of over 4300 digits") from None
    if not isinstance(value, dict):
        raise _BadLineError("not an object")
    if line.count("[") + line.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _BadLineError(f"nested deeper than {MAX_DEPTH}")
    return value


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [x for v in level for x in (v.values() if isinstance(v, dict) else v) if isinstance(x, dict | list)]
    return depth


def read(feed: Feed) -> Iterator[Piece]:
    """One document a line that holds text; `record` is the line's number less one, so that ids survive edits of other lines."""
    notes, roles = feed.notes, _Roles(feed.settings.text_fields)
    texts = 0
    for number, line in enumerate(_lines(feed)):
        if line is not None and not line.strip():
            continue
        notes.records += 1
        try:
            if line is None:
                raise _BadLineError(f"longer than {MAX_LINE} bytes")
            record = parse(_decode(line, feed))
            document = _document(number, record, roles, notes)
        except ValueError as error:
            notes.complain(f"line {number + 1}", "not in the file's encoding" if isinstance(error, UnicodeError) else str(error))
            continue
        if document is not None:
            texts += 1
            yield from in_pieces(document)
    if notes.records and not texts and not notes.bad and "record_without_text" in notes.not_carried:
        raise Quarantine("no_text_field", f"no line has a string in {', '.join(feed.settings.text_fields)}")


class _Roles:
    """Role of each field, remembered by the records' set of fields (nearly always one)."""

    def __init__(self, text_fields: tuple[str, ...]) -> None:
        self.text_fields = text_fields
        self._known: dict[tuple[str, ...], tuple[dict[str, str], tuple[str, ...]]] = {}

    def of(self, names: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Role -> field, and the fields without a role."""
        if names not in self._known:
            if len(self._known) > 1000:
                self._known.clear()
            roles = map_fields(names, self.text_fields)
            self._known[names] = roles, tuple(f"field {n[:64]}" for n in names if n not in roles.values())
        return self._known[names]


def _document(number: int, record: dict[str, Any], roles: _Roles, notes: Notes) -> Piece | None:
    role, others = roles.of(tuple(record))
    text = record.get(role["text"]) if "text" in role else None
    if text is not None and not isinstance(text, str):
        raise _BadLineError("the text is no string")
    for other in others:
        notes.omit(utf8(other, Notes()).decode())
    if text is None or not text or text.isspace():
        notes.omit("record_without_text" if text is None else "empty_record")
        return None
    stated = NOTHING
    if len(role) > 1:
        values: dict[str, str | None] = {}
        for key, name in role.items():
            value = record[name]
            if key == "text" or value is None:
                continue
            if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
                value = ", ".join(value)
            if isinstance(value, dict | list):
                notes.omit(f"field {name[:64]}")
                continue
            values[key] = value if isinstance(value, str) else str(value)
        stated = metadata(values, notes)
    return Piece(number, f"line {number + 1}", utf8(text, notes), stated)


def _lines(feed: Feed) -> Iterator[bytes | None]:
    """Lines as bytes of an encoding in which a line feed is one byte. UTF-16 and 32 go through UTF-8 first."""
    blocks = feed.blocks()
    if feed.encoding is None:
        head = next(blocks, b"")
        feed.encoding = _guess(head)
        blocks = itertools.chain([head], blocks)
    if feed.encoding.name.startswith(("utf-16", "utf-32")):
        if feed.encoding.bom:
            feed.notes.omit("bom")
        return lines(decode.to_utf8(blocks, feed.encoding))
    if feed.encoding.bom:
        feed.notes.omit("bom")
        head = next(blocks)[feed.encoding.bom :]
        blocks = itertools.chain([head], blocks)
    return lines(blocks)


def _guess(head: bytes) -> decode.Encoding:
    """Encoding of a file of lines: of UTF-8 one bad line says nothing against the others, so the majority decides."""
    guess = decode.first_guess(head)
    if guess is not None:
        return guess
    sample = [line for line in head[: decode.SAMPLE].split(b"\n")[:-1] or [head[: decode.SAMPLE]] if not line.isascii()]
    if sample and 2 * sum(map(decode.is_utf8, sample)) >= len(sample):
        return decode.UTF8
    spot = b"\n".join(line for line in sample if not decode.is_utf8(line)) or head[: decode.SAMPLE]
    found = decode.candidates(head[: decode.SAMPLE], spot)
    return decode.Encoding(found[0], "detected") if found else decode.UTF8


def _decode(line: bytes, feed: Feed) -> str:
    assert feed.encoding is not None  # noqa: S101 (settled before the first line)
    if feed.encoding.name.startswith("utf"):
        return line.decode()
    return decode.strict(line, feed.encoding.name)
