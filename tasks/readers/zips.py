"""zip: the central directory by the standard library, each member's bytes by us, so that no header decides how much comes out."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from tasks.errors import Quarantine
from tasks.readers.members import Entry, file_name
from tasks.readers.source import Feed
from tasks.readers.unpack import BLOCK, Budget, unpack

#: bytes of the central directory that a member may take on average: 46, its name and a few extra fields.
ENTRY_BYTES = 256
#: zip's number of a compression -> ours. Left out: LZMA, whose header may ask for 4 GB at once, and methods of one program.
METHODS = {0: "", 8: "deflate", 12: "bz2", 93: "zst", 95: "xz"}
_ENCRYPTED, _UTF8 = 0x1, 0x800
_LOCAL = struct.Struct("<4s22xHH")


def entries(feed: Feed) -> Iterator[Entry]:
    """Members in the order of the central directory; raises Quarantine("corrupt_zip"), and from a member's blocks
    "corrupt_member" or what unpacking raises."""
    feed.drain()  # the digest needs the bytes in order, the directory stands at the end
    with feed.file() as file:
        for info in _directory(file, feed.settings.max_members):
            if not info.is_dir():
                yield _entry(file, info, feed.budget)


def _directory(file: BinaryIO, max_members: int) -> list[zipfile.ZipInfo]:
    try:
        found = zipfile.ZipFile(_Bounded(file, ENTRY_BYTES * max(max_members, 256))).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, OverflowError, NotImplementedError, struct.error) as error:
        raise Quarantine("corrupt_zip", type(error).__name__) from None
    if len(found) > max_members:
        raise Quarantine("too_many_members", f"input.max_members allows {max_members}")
    return found


def _entry(file: BinaryIO, info: zipfile.ZipInfo, budget: Budget) -> Entry:
    raw = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437", "surrogatepass")
    name = file_name(raw, "utf-8" if info.flag_bits & _UTF8 else "cp437")
    if stat.S_ISLNK(info.external_attr >> 16):
        return Entry(name, omitted="member (link)")
    if info.flag_bits & _ENCRYPTED:
        return Entry(name, problem="encrypted")
    if info.compress_type not in METHODS:
        return Entry(name, problem=f"compression method {info.compress_type} is not read")
    return Entry(name, _blocks(file, info, budget))


def _blocks(file: BinaryIO, info: zipfile.ZipInfo, budget: Budget) -> Iterator[bytes]:
    """Bytes of a member, unpacked and held against its checksum."""
    file.seek(max(info.header_offset, 0))
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise Quarantine("corrupt_member", "there is no header at its place")
    _, name_bytes, extra_bytes = _LOCAL.unpack(header)
    raw = _slice(file, info.header_offset + _LOCAL.size + name_bytes + extra_bytes, info.compress_size)
    method = METHODS[info.compress_type]
    size = crc = 0
    for block in unpack(raw, method, budget) if method else raw:
        if not method:
            budget.spend(len(block))
        size, crc = size + len(block), zlib.crc32(block, crc)
        yield block
    if (size, crc) != (info.file_size, info.CRC):
        raise Quarantine("corrupt_member", "its size or checksum is not what the directory says")


def _slice(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    while size > 0:
        file.seek(start)
        block = file.read(min(BLOCK, size))
        if not block:
            return
        start, size = start + len(block), size - len(block)
        yield block


class _Bounded:
    """A file of which no more than `limit` bytes are given at a time: zipfile reads the whole directory at once."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file, self._limit = file, limit
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> Any:
        if size > self._limit:
            raise Quarantine("too_many_members", f"a directory of {size} bytes; input.max_members sets the limit")
        return self._file.read(size if size >= 0 else self._limit)
