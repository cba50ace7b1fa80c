"""Slow twin of the first pass: what is kept of a passage, from the elements that `naive_matching` finds, in plain integers and lists.

The digests of runs are computed here again, because shingles, signatures and anchors are made of them; the digests of whole rows
and of bands are not: of those only equality is promised.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass

import naive_matching as naive
from datasketch import MinHash

from tasks.settings import Matching
from tasks.shingles import ANCHOR_TOKENS, ANCHOR_WINDOW

MASK = 2**64 - 1
TOP = 2**63
BASE = 0xD6E8FEB86659FD93


def mix(h: int) -> int:
    """MurmurHash3's 64-bit finalizer."""
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & MASK
    h ^= h >> 33
    h = h * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ (h >> 33)


def value(element: naive.Element) -> int:
    """The number that stands for an element: its character, or for a slot a digest of its characters, which no character reaches."""
    kind, what = element
    if kind != "slot":
        return ord(what)
    h = 0
    for char in what:
        h = (mix((h + 0x9E3779B97F4A7C15 & MASK) ^ ord(char)) + (h << 1)) & MASK
    return mix(h) | TOP


def run_digest(values: list[int]) -> int:
    """Polynomial of a run (Karp and Rabin 1987), mixed."""
    h = 0
    for v in values:
        h = (h * BASE + v) & MASK
    return mix(h)


def runs(row: list[tuple[int, int]], least: int) -> list[int]:
    """Digest of the shortest run from each element that weighs enough. row : (value, weight) of each element."""
    out = []
    for i in range(len(row)):
        weights = list(itertools.accumulate(w for _, w in row[i : i + least]))
        enough = [k for k, total in enumerate(weights) if total >= least]
        if enough:
            out.append(run_digest([v for v, _ in row[i : i + enough[0] + 1]]))
    return out


def winnow(values: list[int], window: int) -> list[int]:
    """The least of every window in order of place, the same as before left out; a row shorter than a window has one (Schleimer 2003)."""
    windows = [values[i : i + window] for i in range(max(1, len(values) - window + 1))] if values else []
    return [least for least, _ in itertools.groupby(map(min, windows))]


@dataclass(frozen=True)
class Sketch:
    """What is kept of one passage; shingles and anchors in order of place, shingles with repeats."""

    fold: tuple[naive.Element, ...]
    plain: tuple[naive.Element, ...]
    tokens: int
    shingles: list[int]
    anchors: list[int]

    def long(self, settings: Matching) -> bool:
        return self.tokens >= settings.min_tokens and len(set(self.shingles)) >= settings.min_shingles


def anchors(row: list[int]) -> list[int]:
    """Of a short row an eighth of the window."""
    return winnow(row, ANCHOR_WINDOW if len(row) > 64 else -(-ANCHOR_WINDOW // 8))


def sketch(text: str, settings: Matching) -> Sketch:
    """fold : its elements; the visible characters of a text that has none, and nothing for an empty one."""
    token, letter = settings.letter_shingle, settings.han_shingle
    elements = naive.elements(text)
    row = [(value(e), letter if e[0] == "letter" else token) for e in elements]
    return Sketch(
        tuple(elements) or (("visible", "".join(text.split())),) * bool(text),
        tuple(naive.without_numbers(text)),
        -(-sum(weight for _, weight in row) // token),
        runs(row, token * letter),
        anchors(runs(row, token * ANCHOR_TOKENS)),
    )


def signature(shingles: list[int], settings: Matching) -> list[int]:
    """By the library: the top 32 bits of a shingle are its hash."""
    theirs = MinHash(
        num_perm=settings.permutations, seed=settings.seed, scheme="affine32", hashfunc=lambda s: int.from_bytes(s, "big") >> 32
    )
    theirs.update_batch([shingle.to_bytes(8, "big") for shingle in shingles])
    return theirs.hashvalues.tolist()  # type: ignore[no-any-return]


def characters(text: str) -> list[str]:
    """The form that other tools compare: every character after NFKC and casefold, white space left out."""
    return [c for char in text for c in folded(char) if not c.isspace()]


def folded(char: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())


def grams(text: str, size: int) -> set[tuple[str, ...]]:
    chars = characters(text)
    return {tuple(chars[i : i + size]) for i in range(len(chars) - size + 1)}
