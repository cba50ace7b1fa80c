"""txt: the file is the document, unless it holds subtitles under another name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tasks.readers import subtitles
from tasks.readers.records import Piece, pieces
from tasks.readers.source import Feed

_HEAD = 2000  # bytes: room for a header, its comments and a time code


def read(feed: Feed) -> Iterator[Piece]:
    """One document, streamed."""
    blocks = feed.text()
    held: list[bytes] = []
    while sum(map(len, held)) < _HEAD and (block := next(blocks, b"")):
        held.append(block)
    if subtitles.looks_like(b"".join(held)[:_HEAD].decode(errors="ignore")):
        while sum(map(len, held)) <= subtitles.MAX_FILE and (block := next(blocks, b"")):
            held.append(block)
        if sum(map(len, held)) <= subtitles.MAX_FILE:
            yield from subtitles.document(b"".join(held), feed)
            return
    yield from pieces(Piece(0, "", b""), chain(held, blocks))
