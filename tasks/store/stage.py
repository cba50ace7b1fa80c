"""Stage files: what one stage leaves for the next under `work/`, named by the digest of what made it.

A stage writes into a hidden folder, seals it and renames it. Stage files hold no promise (they may be deleted at any time), so they
are not fsynced: after a power cut, or on a bad disk, a folder may not be what was written. So whoever finds one standing compares it
with its seal first. Each table is one uncompressed Arrow IPC file that later stages map.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.store.text import I64Array, U64Array

#: Bytes a write call.
_BLOCK = 1 << 18
#: Size and CRC-32 of every other file of a stage folder.
SEAL = "seal.json"


def key(*parts: str) -> str:
    """Name of a stage folder: 24 hex digits of SHA-256 over everything that determines its content."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A hidden folder that becomes `folder` when the block ends well; a rival that finished first wins."""
    hidden = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    try:
        yield hidden
        sealed(hidden)
        try:
            hidden.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def sealed(folder: Path) -> None:
    """Write the seal of a folder that is complete."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    write_json(folder / SEAL, {path.relative_to(folder).as_posix(): [path.stat().st_size, _crc(path)] for path in files})


def stands(folder: Path, *, read: bool = True) -> bool:
    """Whether a stage folder is there and whole: sizes as sealed, and checksums too where they are to be read (3 GB/s)."""
    try:
        seal: dict[str, list[int]] = read_json(folder / SEAL)
        return all(
            (folder / name).stat().st_size == size and (not read or _crc(folder / name) == crc) for name, (size, crc) in seal.items()
        )
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def ensure(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, made by `build` unless it stands whole. Its time says when it was last of use, which `tasks.gc` asks."""
    if stands(folder):
        os.utime(folder)
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    with building(folder) as hidden:
        build(hidden)
    return folder


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


class _Blocks:
    """A file object that writes in blocks: at 32 MB a call the kernel gives 0.5 GB/s, at 256 KB 4 GB/s (ext4, Linux 6)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            at += self._file.write(view[at : at + _BLOCK])
        return len(view)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
        self._file.close()


def write_table(path: Path, table: pa.Table) -> None:
    """One uncompressed Arrow IPC file."""
    with closing(_Blocks(path)) as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, len(table)))


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """One .npy file."""
    array = np.ascontiguousarray(array)
    with closing(_Blocks(path)) as sink:
        np.lib.format.write_array_header_1_0(sink, np.lib.format.header_data_from_array_1_0(array))
        sink.write(array.reshape(-1).view(np.uint8) if array.size else b"")


def read_table(path: Path) -> pa.Table:
    """The table, mapped from disk: columns cost memory only where they are touched."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def write_json(path: Path, value: Any) -> None:
    """Small records, keys sorted."""
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True), encoding="utf-8")


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def numbers(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[Any]:
    """Fixed-width column without nulls as numpy, without a copy where it is one chunk."""
    chunk = whole(column)
    if pa.types.is_boolean(chunk.type):
        return chunk.to_numpy(zero_copy_only=False)
    return chunk.to_numpy(zero_copy_only=True) if len(chunk) else np.empty(0, chunk.type.to_pandas_dtype())


def whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One array of a column."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def hash_lists(values: U64Array, offsets: I64Array) -> pa.Array:
    """large_list<uint64> of (values, offsets)."""
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))


def lists(column: pa.ChunkedArray | pa.Array) -> tuple[U64Array, I64Array]:
    """(values, offsets) of a large_list<uint64> column."""
    chunk = whole(column)
    return numbers(chunk.values), numbers(chunk.offsets)
