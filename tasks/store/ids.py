"""Digests that name documents and passages: plain SHA-256, so that any reader can compute them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.store.text import I64Array


def doc_id(source: str, record: int) -> str:
    """First 32 hex digits of SHA-256 over source, NUL, record.

    >>> doc_id("news/a.txt", 0)
    '6a92724c64bfd657f4c40ee54843f507'
    """
    return hashlib.sha256(f"{source}\0{record}".encode()).hexdigest()[:32]


def content_ids(texts: pa.StringArray) -> list[str]:
    """First 32 hex digits of SHA-256 over each text's UTF-8 (in DuckDB: `sha256(text)[1:32]`)."""
    _, offsets_buffer, data = texts.buffers()
    if not len(texts):
        return []
    offsets = memoryview(offsets_buffer).cast("i")[texts.offset : texts.offset + len(texts) + 1].tolist()
    view = memoryview(data if data is not None else b"")
    sha256 = hashlib.sha256
    return [sha256(view[a:b]).hexdigest()[:32] for a, b in pairwise(offsets)]


def passage_ids(docs: Iterable[str], starts: Iterable[int], ends: Iterable[int], contents: Iterable[str]) -> list[str]:
    """First 32 hex digits of SHA-256 over `doc_id:char_start:char_end:content_id`."""
    sha256 = hashlib.sha256
    return [sha256(f"{d}:{a}:{b}:{c}".encode()).hexdigest()[:32] for d, a, b, c in zip(docs, starts, ends, contents, strict=True)]


#: Two hex digits of each byte as one number, so that a column of digests becomes text by one look-up.
_HEX = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)


def _hex_column(data: memoryview, offsets: list[int]) -> pa.StringArray:
    """First 32 hex digits of SHA-256 over each data[offsets[i] : offsets[i + 1]]."""
    sha256 = hashlib.sha256
    digests = b"".join([sha256(data[a:b]).digest() for a, b in pairwise(offsets)])
    text = _HEX[np.frombuffer(digests, np.uint8).reshape(-1, 32)[:, :16]]
    ends = np.arange(len(offsets), dtype=np.int32) * 32
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(ends), pa.py_buffer(text))


def _bytes_of(texts: pa.StringArray) -> tuple[memoryview, list[int]]:
    """UTF-8 of a column without nulls, and where its rows begin and end."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return memoryview(b""), [0]
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data if data is not None else b""), ends.tolist()


def content_id_column(texts: pa.StringArray) -> pa.StringArray:
    """`content_ids` as a column.

    >>> content_id_column(pa.array(["淘沙"])).to_pylist() == content_ids(pa.array(["淘沙"]))
    True
    """
    return _hex_column(*_bytes_of(texts))


def passage_id_column(docs: pa.StringArray, starts: I64Array, ends: I64Array, contents: pa.StringArray) -> pa.StringArray:
    """`passage_ids` as a column."""
    columns = [docs, pa.array(starts).cast(pa.string()), pa.array(ends).cast(pa.string()), contents]
    return _hex_column(*_bytes_of(pc.binary_join_element_wise(*columns, ":")))


def digest_of(*parts: str) -> str:
    """First 32 hex digits of SHA-256 over parts joined by NUL: ids of clusters, families and blocks."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
