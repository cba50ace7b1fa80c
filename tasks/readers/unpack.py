"""Compressed streams to bytes, block by block, within limits that no header can talk its way around."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tasks.errors import Quarantine
from tasks.settings import Input

BLOCK = 1 << 20
#: bytes. A stream may ask for a dictionary of gigabytes; `xz -9` needs 65 MB. Zstandard streams are held to 128 MB by Arrow.
XZ_MEMORY = 128 << 20

#: Ending of a file's name -> compression.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zst"}


@dataclass
class Budget:
    """What one source may still unpack to, over all its streams, members and archives inside archives.

    packed : bytes read from the disk so far. unpacked : bytes that came out. members : files seen inside archives.
    """

    settings: Input
    packed: int = 0
    unpacked: int = 0
    members: int = 0

    def spend(self, count: int) -> None:
        """Count bytes that came out; raises Quarantine("bomb") when they are too many for what went in."""
        self.unpacked += count
        if self.unpacked > max(BLOCK, self.packed * self.settings.max_expansion) or self.unpacked > self.settings.max_source_bytes:
            raise Quarantine("bomb", f"{self.packed} bytes unpack to over {self.unpacked}")

    def member(self) -> None:
        """Count a file of an archive; raises Quarantine("too_many_members")."""
        self.members += 1
        if self.members > self.settings.max_members:
            raise Quarantine("too_many_members", f"input.max_members allows {self.settings.max_members}")


def unpack(blocks: Iterator[bytes], compression: str, budget: Budget) -> Iterator[bytes]:
    """Bytes of a compressed file (gzip, bz2, xz, zst; one stream or several in a row) or of a zip member (deflate, bz2, xz, zst).

    Raises Quarantine: `corrupt_...` when the stream is damaged or ends in the middle, `bomb` when it expands too much.
    """
    if compression in ("gzip", "deflate"):
        return _inflate(blocks, compression, budget)
    if compression == "zst":
        return _zstandard(blocks, budget)
    new = bz2.BZ2Decompressor if compression == "bz2" else lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    return _streams(blocks, compression, new, budget)


def _inflate(blocks: Iterator[bytes], compression: str, budget: Budget) -> Iterator[bytes]:
    bits = 31 if compression == "gzip" else -15
    unpacker, begun = zlib.decompressobj(bits), False
    for block in blocks:
        while block:
            try:
                data = unpacker.decompress(block, BLOCK)
            except zlib.error:
                raise Quarantine(f"corrupt_{compression}", f"near byte {budget.packed}") from None
            begun, block = True, unpacker.unconsumed_tail
            budget.spend(len(data))
            if data:
                yield data
            if unpacker.eof:
                block, unpacker, begun = unpacker.unused_data, zlib.decompressobj(bits), False
    if begun:
        raise Quarantine(f"corrupt_{compression}", "ends in the middle")


def _streams(blocks: Iterator[bytes], compression: str, new: Callable[[], Any], budget: Budget) -> Iterator[bytes]:
    unpacker, begun, ended = new(), False, False
    for block in blocks:
        while block or (begun and not unpacker.needs_input):
            if ended and not begun and compression == "xz" and not (block := block.lstrip(b"\0")):
                break  # streams are padded with zeros
            try:
                data = unpacker.decompress(block, BLOCK)
            except (OSError, lzma.LZMAError, ValueError, MemoryError) as error:
                raise Quarantine(f"corrupt_{compression}", f"near byte {budget.packed}: {error}") from None
            begun, block = True, b""
            budget.spend(len(data))
            if data:
                yield data
            if unpacker.eof:
                block, unpacker, begun, ended = unpacker.unused_data, new(), False, True
    if begun or not ended:
        raise Quarantine(f"corrupt_{compression}", "ends in the middle")


class _Blocks:
    """Blocks as Arrow reads a Python file."""

    closed = False

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._held = blocks, b""

    def read(self, size: int) -> bytes:
        data = self._held or next(self._blocks, b"")
        self._held = data[size:]
        return data[:size]

    def close(self) -> None:
        """Nothing is open here."""


def _zstandard(blocks: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    source = pa.PythonFile(_Blocks(blocks), mode="r")
    try:
        stream = pa.CompressedInputStream(source, "zstd")
        while data := stream.read(BLOCK):
            budget.spend(len(data))
            yield data
    except (pa.ArrowException, OSError) as error:
        raise Quarantine("corrupt_zst", f"near byte {budget.packed}: {type(error).__name__}") from None
