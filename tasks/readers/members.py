"""Files inside archives: what they are called, and each as a `Feed` over bytes held aside. Nothing is ever written under its name."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Any, BinaryIO

from tasks.decode import han_plausibility
from tasks.errors import StorageError
from tasks.readers.records import Notes
from tasks.readers.source import Feed
from tasks.readers.unpack import BLOCK, Budget

#: bytes of a member that are held in memory; more goes to a file without a name beside the parts.
HELD = 8 << 20
#: code points of a name that are shown; a hostile one has megabytes and would stand in every row.
MAX_NAME = 512
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Entry:
    """One file of an archive. `omitted` names what it is when it is no text, `problem` why it cannot be read; `sequential` says
    that damage to its bytes is damage to all that follow."""

    name: str
    blocks: Iterator[bytes] = field(default_factory=lambda: iter(()))
    omitted: str = ""
    problem: str = ""
    sequential: bool = False


def file_name(raw: bytes, fallback: str = "utf-8") -> str:
    r"""A member's name from its bytes: UTF-8, else Chinese in GB18030 or Big5 where it reads like it (archives made on Windows
    do not say), else `fallback` with \xNN for what it cannot say.

    >>> file_name("我们的文章.txt".encode("gb18030")), file_name(b"\xff\xfe.txt")
    ('我们的文章.txt', '\\xff\\xfe.txt')
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    found = []
    for codec in ("gb18030", "big5hkscs"):
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        found.append((han_plausibility(text), text))
    score, text = max(found, default=(0.0, ""))
    return text if score else raw.decode(fallback, "backslashreplace")


def shown(name: str) -> str:
    r"""A name that can stand in a locator: one line, nothing that turns the writing direction, of bounded length.

    >>> shown("../a\nb\u202e.txt")
    '../a\\x0ab\\u202e.txt'
    """
    name = name if len(name) <= MAX_NAME else "…" + name[-MAX_NAME:]
    return _UNSHOWN.sub(lambda m: f"\\x{ord(m[0]):02x}" if m[0] < "\u0100" else f"\\u{ord(m[0]):04x}", name)


def is_hidden(name: str) -> bool:
    """Whether a member is what a file manager leaves behind, as hidden files are left out on a disk."""
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in name.split("/"))


def hold(blocks: Iterator[bytes], feed: Feed) -> IO[bytes]:
    """A member's bytes in a file that has no name; raises StorageError when the disk is full, Quarantine as `blocks` does."""
    file = tempfile.SpooledTemporaryFile(HELD, dir=str(feed.scratch) if feed.scratch else None)  # noqa: SIM115 (the caller closes it)
    try:
        for block in blocks:
            _write(file, block)
    except BaseException:
        file.close()
        raise
    return file


def _write(file: Any, block: bytes) -> None:
    try:
        file.write(block)
    except OSError as error:
        raise StorageError(f"a member of an archive cannot be held in the work folder ({error.strerror or error})") from error


class Member(Feed):
    """One reading of a member of an archive whose bytes are held in `file`; several may go on at a time."""

    def __init__(self, parent: Feed, file: IO[bytes], kind: str, compression: str | None, budget: Budget) -> None:
        self.source = replace(parent.source, format=kind, compression=compression)
        self.settings, self.notes, self.encoding = parent.settings, Notes(), None
        self.depth, self.scratch = parent.depth + 1, parent.scratch
        self.budget, self.byte_count, self.descriptor = budget, 0, -1
        self._parent, self._file = parent, file

    def again(self) -> Iterator[bytes]:
        """Unpacked blocks of a second reading, which spends nothing of the source's budget."""
        kind, compression = self.source.format or "", self.source.compression
        yield from Member(self._parent, self._file, kind, compression, replace(self.budget)).blocks()

    def file(self) -> BinaryIO:
        """The bytes as a file that can be sought in."""
        return io.BufferedReader(_Window(self._file), BLOCK)

    def drain(self) -> None:
        """Nothing: the archive around it is hashed."""

    def _raw(self) -> Iterator[bytes]:
        at = 0
        while True:
            self._file.seek(at)
            block = self._file.read(BLOCK)
            if not block:
                return
            at += len(block)
            yield block


class _Window(io.RawIOBase):
    """A reader of a file that others read too: it keeps a place of its own, and closing it closes nothing."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(offset if whence != io.SEEK_CUR else self._at + offset, io.SEEK_END if whence == io.SEEK_END else io.SEEK_SET)
        self._at = self._file.tell()
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
