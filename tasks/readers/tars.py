"""tar: headers by the standard library over a stream that only goes forward and never gives more than a header may need."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Any

from tasks.errors import Quarantine
from tasks.readers.members import Entry, file_name
from tasks.readers.source import Feed

#: bytes. Long names and PAX headers are read in one piece by the library.
MAX_HEADER = 1 << 20
RECORD = 512


def entries(feed: Feed) -> Iterator[Entry]:
    """Members in the order of the archive; each one's blocks must be read before the next is asked for, or are passed over.

    Raises Quarantine("corrupt_tar"), also where the end mark is missing: the library would take a cut for the end.
    """
    blocks = feed.blocks()
    stream = _Forward(blocks)
    archive = _guarded(lambda: tarfile.TarFile(fileobj=stream, mode="r", encoding="utf-8", errors="surrogateescape"))  # type: ignore[arg-type]
    while (info := _guarded(archive.next)) is not None:
        archive.members.clear()  # the library would keep them all
        if info.size < 0:
            raise Quarantine("corrupt_tar", f"a member of {info.size} bytes")
        if not info.isdir():
            yield _entry(stream, info)
    if stream.last != bytes(RECORD):
        raise Quarantine("corrupt_tar", f"no end mark at byte {stream.tell()}")
    feed.notes.omit("byte_after_end", sum(len(rest.strip(b"\0")) for rest in stream.rest()))


def _guarded(step: Any) -> Any:
    try:
        return step()
    except (tarfile.TarError, ValueError, OverflowError, EOFError, KeyError, IndexError, RecursionError) as error:
        raise Quarantine("corrupt_tar", type(error).__name__) from None


def _entry(stream: _Forward, info: tarfile.TarInfo) -> Entry:
    name = file_name(info.name.encode("utf-8", "surrogateescape"))
    if not info.isreg():
        return Entry(name, omitted="member (link)" if info.issym() or info.islnk() else "member (special file)")
    if info.issparse():
        return Entry(name, problem="sparse files are not read")
    return Entry(name, stream.data(info.offset_data, info.size), sequential=True)


class _Forward:
    """Blocks as a file that can be sought in forward, and back by a record (the library looks at one byte twice)."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._held, self._start, self._at = blocks, b"", 0, 0
        self.last = b""

    def tell(self) -> int:
        return self._at

    def seek(self, to: int) -> None:
        if to < self._start:
            raise Quarantine("corrupt_tar", "a header points backwards")
        while to > self._start + len(self._held):
            self._at = self._start + len(self._held)
            if not self._more():
                return
        self._at = to

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise Quarantine("corrupt_tar", f"a header of {size} bytes")
        while self._at + size > self._start + len(self._held) and self._more():
            pass
        first = self._at - self._start
        self.last = self._held[first : first + size]
        self._at += len(self.last)
        return self.last

    def data(self, start: int, size: int) -> Iterator[bytes]:
        """Bytes of a member."""
        self.seek(start)
        while size:
            block = self.read(min(size, MAX_HEADER))
            if not block:
                raise Quarantine("corrupt_tar", "ends in the middle of a member")
            size -= len(block)
            yield block

    def rest(self) -> Iterator[bytes]:
        """All that has not been read."""
        yield self._held[self._at - self._start :]
        yield from self._blocks

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        passed = max(self._at - RECORD - self._start, 0)
        self._held, self._start = self._held[passed:] + block, self._start + passed
        return bool(block)
