"""An input file as readers see it: opened safely, hashed while it is read, unpacked within limits, decoded strictly."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tasks import decode
from tasks.errors import Quarantine
from tasks.readers.records import Notes, unify_lines
from tasks.readers.unpack import Budget, unpack
from tasks.settings import Input

BLOCK = 1 << 20
#: bytes. A longer line of JSONL or CSV cannot be held; it is a bad record.
MAX_LINE = 64 << 20


@dataclass(frozen=True)
class SourceFile:
    """One input file as discovery found it. `skip_reason` says why it is not read; `source` names it everywhere."""

    source: str
    path: Path
    byte_count: int
    collection: str
    format: str | None = None
    compression: str | None = None
    skip_reason: str | None = None


class Feed:
    """One reading of one source. Bytes are hashed as they pass; `finish()` gives the digest and checks that the file held still.

    Opened without following links and without waiting (a FIFO that took a file's place is refused, not read).
    """

    def __init__(self, source: SourceFile, settings: Input, encoding: decode.Encoding | None = None) -> None:
        self.source, self.settings, self.notes = source, settings, Notes()
        self.encoding = encoding
        self.byte_count = 0
        self._read_through = False
        self.budget = Budget(settings)
        self.depth = 0  # archives around it
        self.scratch: Path | None = None  # where members of archives may be held
        self._hash = hashlib.sha256()
        try:
            self.descriptor = os.open(source.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Quarantine("unreadable", error.strerror or type(error).__name__) from error
        self._before = os.fstat(self.descriptor)
        if not stat.S_ISREG(self._before.st_mode):
            self.close()
            raise Quarantine("unreadable", "no longer a regular file")

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; harmless when closed."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def again(self) -> Iterator[bytes]:
        """Unpacked blocks of a second, independent reading (for detection); neither hashed nor counted."""
        with contextlib.closing(Feed(self.source, self.settings)) as feed:
            yield from feed.blocks()

    def _raw(self) -> Iterator[bytes]:
        while not self._read_through:  # a duplicate of the descriptor moves its place, so the end is remembered
            try:
                block = os.read(self.descriptor, BLOCK)
            except OSError as error:
                raise Quarantine("unreadable", error.strerror or type(error).__name__) from error
            if not block:
                self._read_through = True
                return
            self._hash.update(block)
            self.byte_count += len(block)
            self.budget.packed += len(block)
            yield block

    def blocks(self) -> Iterator[bytes]:
        """Bytes of the source, unpacked; raises Quarantine for a damaged or exploding stream."""
        compression = self.source.compression
        return self._raw() if compression is None else unpack(self._raw(), compression, self.budget)

    def file(self) -> BinaryIO:
        """The bytes as a file of its own that can be sought in, at its beginning; the caller closes it."""
        file = os.fdopen(os.dup(self.descriptor), "rb")
        file.seek(0)
        return file

    def text(self) -> Iterator[bytes]:
        r"""UTF-8 in blocks of whole characters: mark stripped, line ends \n. Raises UnicodeError when the encoding guessed
        from the head does not hold (the caller reads again with the one that `decode.resolve` proves)."""
        blocks = self.blocks()
        blocks = self.decide(blocks)
        assert self.encoding is not None  # noqa: S101 (decide sets it)
        if self.encoding.bom:
            self.notes.omit("bom")
        held = b""
        for block in decode.to_utf8(blocks, self.encoding):
            data = held + block if held else block
            held = b"\r" if data.endswith(b"\r") else b""  # it may be half of \r\n
            data = unify_lines(data[:-1] if held else data, self.notes)
            if data:
                yield data
        if held:
            yield unify_lines(held, self.notes)

    def decide(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Settle `self.encoding` by the head when it is open; returns the same blocks."""
        if self.encoding is not None:
            return blocks
        head = next(blocks, b"")
        self.encoding = decode.first_guess(head) or decode.resolve(self.again, self.source.format == "html")
        return itertools.chain([head], blocks)

    def whole(self, limit: int) -> bytes:
        """The whole text, for formats that need it in one piece; raises Quarantine("too_large") over `limit` bytes of UTF-8."""
        held, total = [], 0
        for block in self.text():
            held.append(block)
            total += len(block)
            if total > limit:
                raise Quarantine("too_large", f"over {limit} bytes, which is as much as is held of a {self.source.format} file")
        return b"".join(held)

    def digest(self) -> str:
        """SHA-256 by a second, independent reading."""
        with Feed(self.source, self.settings) as feed:
            return feed.finish()

    def drain(self) -> None:
        """Hash what was not read."""
        for _ in self._raw():
            pass

    def finish(self) -> str:
        """SHA-256 of the bytes; raises Quarantine("changed_while_reading") when the file did not hold still."""
        self.drain()
        after = os.fstat(self.descriptor)
        same = (after.st_size, after.st_mtime_ns) == (self._before.st_size, self._before.st_mtime_ns)
        if not same or self.byte_count != after.st_size:
            raise Quarantine("changed_while_reading", "size or time of change differ before and after")
        return self._hash.hexdigest()


def lines(blocks: Iterable[bytes], limit: int = MAX_LINE) -> Iterator[bytes | None]:
    r"""Lines without their \n; None in place of one that is longer than `limit`, which is read past and not held."""
    held: list[bytes] = []
    total = 0
    for block in blocks:
        first, *rest = block.split(b"\n")
        if total <= limit:
            held.append(first)
        else:
            held.clear()
        total += len(first)
        if not rest:
            continue
        yield b"".join(held) if total <= limit else None
        last = rest.pop()
        yield from rest
        held, total = [last], len(last)
    if total:
        yield b"".join(held) if total <= limit else None
