"""Slow twin of matching for plain Han text: fold and Jaccard similarity, one character at a time, by the library for strings."""

from __future__ import annotations

import unicodedata
from functools import cache

from opencc import OpenCC

SHINGLE = 3


@cache
def converter() -> OpenCC:
    return OpenCC("t2s")


@cache
def simplified(char: str) -> str:
    return converter().convert(char)


def fold(text: str) -> str:
    """Letters and digits only: compatibility forms undone, small letters, simplified characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(simplified(char) for char in plain if char.isalnum())


def is_plain_han(text: str) -> bool:
    """Whether folding leaves no choice: Han only, no letters or numbers, and simplified already (variants fold in more than one way)."""
    return all("\u4e00" <= char <= "\u9fff" and simplified(char) == char for char in text if char.isalnum())


def shingles(text: str) -> set[str]:
    folded = fold(text)
    return {folded[i : i + SHINGLE] for i in range(len(folded) - SHINGLE + 1)}


def similarity(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b) if a | b else 1.0
