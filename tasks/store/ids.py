"""Digests that name documents and passages: plain SHA-256, so that any reader can compute them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import pairwise

import pyarrow as pa


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


def digest_of(*parts: str) -> str:
    """First 32 hex digits of SHA-256 over parts joined by NUL: ids of clusters, families and blocks."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
