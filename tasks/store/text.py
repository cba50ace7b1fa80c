"""Columns of text as one buffer of code points, and their way from and to Arrow.

Every stage between decode and publish works on `Texts`: offsets are code points (the unit of every published offset),
kernels index characters directly, and no Python object exists per row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.kernels import utf8

U8Array = npt.NDArray[np.uint8]
U32Array = npt.NDArray[np.uint32]
U64Array = npt.NDArray[np.uint64]
I32Array = npt.NDArray[np.int32]
I64Array = npt.NDArray[np.int64]
F32Array = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """A column of n texts.

    chars   : (n_chars,) uint32, code points of all rows one after the other.
    offsets : (n + 1,) int64, row i is chars[offsets[i] : offsets[i + 1]].
    """

    chars: U32Array
    offsets: I64Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        """Row as a Python string (for messages and tests, not for loops)."""
        return to_str(self.chars[self.offsets[row] : self.offsets[row + 1]])

    @property
    def lengths(self) -> I64Array:
        """(n,) int64, code points of each row."""
        return np.diff(self.offsets)

    @staticmethod
    def of(rows: list[str]) -> Texts:
        """Column of Python strings.

        >>> Texts.of(["淘沙", ""])[0]
        '淘沙'
        """
        return Texts.from_arrow(pa.array(rows, pa.string()))

    @staticmethod
    def from_arrow(column: pa.Array | pa.ChunkedArray) -> Texts:
        """Column of an Arrow `string` or `large_string` array; nulls become empty rows."""
        data, byte_offsets = utf8_of(column)
        chars, offsets = utf8.decode_rows(data, byte_offsets[:-1], byte_offsets[1:])
        return Texts(chars, offsets)

    @staticmethod
    def picked(data: U8Array, byte_offsets: I64Array, rows: I64Array) -> Texts:
        """Some rows of a column of UTF-8 (see `utf8_of`). Arrow's own `take` costs a twentieth of a second before its first row."""
        return Texts(*utf8.decode_rows(data, byte_offsets[rows], byte_offsets[rows + 1]))

    @staticmethod
    def joined(parts: list[Texts]) -> Texts:
        """Columns one after the other."""
        if len(parts) == 1:
            return parts[0]
        bases = np.cumsum([0, *(len(part.chars) for part in parts)])
        offsets = [part.offsets[1:] + base for part, base in zip(parts, bases, strict=False)]
        return Texts(
            np.concatenate([np.empty(0, np.uint32), *(part.chars for part in parts)]), np.concatenate([np.zeros(1, np.int64), *offsets])
        )

    def to_arrow(self) -> pa.StringArray:
        """Arrow `string` array; raises OverflowError beyond 2 GiB of UTF-8 (parts are far smaller)."""
        return spans_to_arrow(self.chars, self.offsets[:-1], self.offsets[1:])

    def take_spans(self, starts: I64Array, ends: I64Array) -> Texts:
        """New column of the spans chars[starts[i] : ends[i]] of this buffer."""
        return Texts(*utf8.gather(self.chars, starts, ends))


def utf8_of(column: pa.Array | pa.ChunkedArray) -> tuple[U8Array, I64Array]:
    """Bytes of a column of strings and where each row begins and the last ends, (n + 1,) int64; nulls become empty rows."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if column.null_count:
        column = column.fill_null("")
    if column.type not in (pa.string(), pa.large_string()):
        column = column.cast(pa.large_string())
    width = np.int32 if column.type == pa.string() else np.int64
    _, offsets, data = column.buffers()
    # An array without rows may have no offsets.
    rows = np.frombuffer(offsets, width)[column.offset : column.offset + len(column) + 1] if len(column) else np.zeros(1)
    return np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8), rows.astype(np.int64)


def to_str(chars: U32Array) -> str:
    """Python string of code points; lone surrogates become U+FFFD."""
    return np.ascontiguousarray(chars, "<u4").tobytes().decode("utf-32-le", errors="replace")


def from_str(text: str) -> U32Array:
    """Code points of a Python string; lone surrogates become U+FFFD."""
    clean = text.encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace") if _has_surrogate(text) else text
    return np.frombuffer(clean.encode("utf-32-le"), "<u4").astype(np.uint32)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def spans_to_arrow(chars: U32Array, starts: I64Array, ends: I64Array) -> pa.StringArray:
    """Arrow `string` array of the spans chars[starts[i] : ends[i]]."""
    data, offsets = utf8.encode_spans(chars, np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64))
    if offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError(f"a string column of {offsets[-1]} bytes is over the 2 GiB that Arrow's string type holds")
    return pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data), None, 0, 0)
