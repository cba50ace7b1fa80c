"""md: as txt, and YAML front matter becomes metadata (it stays in the text under a mark, so that nothing is lost)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tasks.readers.records import FIELDS, Mark, Metadata, Notes, Piece, metadata, pieces
from tasks.readers.source import Feed

#: bytes within which front matter must end.
MAX_FRONT_MATTER = 1 << 16
_ENTRY = re.compile(r"([^\s:#\-][^:\n]{0,99}?)\s*:(?:\s+(.*))?")
_CONTINUATION = re.compile(r"\s|#|-(\s|$)")
_END = re.compile(rb"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)


def front_matter(head: bytes, notes: Notes) -> tuple[Metadata, tuple[Mark, ...]]:
    """Metadata and mark of `key: value` lines between `---` lines at the very beginning; nothing when it is anything else.

    No YAML: values are strings as written, without quotes; a list over several lines is joined as it stands.
    """
    opening = re.match(rb"---[ \t]*\n", head)
    closing = _END.search(head, opening.end()) if opening else None
    if not opening or not closing:
        return Metadata(), ()
    values: dict[str, str] = {}
    key = ""
    for line in head[opening.end() : closing.start()].decode().split("\n"):
        if entry := _ENTRY.fullmatch(line):
            key = entry[1].strip("\"'").casefold()
            values[key] = _unquote(entry[2] or "")
        elif not line.strip() or _CONTINUATION.match(line):
            if key and line.strip() and not line.lstrip().startswith("#"):
                values[key] = f"{values[key]} {_unquote(line.strip())}".strip()
        else:
            return Metadata(), ()
    if not values:
        return Metadata(), ()
    roles = {role: next((values[n] for n in names if values.get(n)), None) for role, names in FIELDS.items()}
    end = len(head[: closing.end()].decode())
    return metadata(roles, notes), (Mark(0, end, "front_matter"),)


def read(feed: Feed) -> Iterator[Piece]:
    """One document, streamed."""
    blocks = feed.text()
    head = b""
    for block in blocks:
        head += block
        if len(head) >= MAX_FRONT_MATTER or not head.startswith(b"---"[: len(head)]):
            break
    stated, marks = front_matter(_whole_lines(head[:MAX_FRONT_MATTER]), feed.notes)
    yield from pieces(Piece(0, "", b"", stated, marks), itertools.chain([head], blocks))


def _whole_lines(head: bytes) -> bytes:
    return head if len(head) < MAX_FRONT_MATTER else head[: head.rfind(b"\n") + 1]


def _unquote(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
