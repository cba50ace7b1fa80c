"""txt: the file is the document."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.readers.records import Piece, pieces
from tasks.readers.source import Feed


def read(feed: Feed) -> Iterator[Piece]:
    """One document, streamed."""
    yield from pieces(Piece(0, "", b""), feed.text())
