"""Endless prose that nobody wrote: a Markov walk over the two prose files beside this one (which we did write).

Words of a made-up lexicon go on top, else 100 MB would hold a few thousand distinct shingles. Simplified and traditional
forms are walked together, so that a traditional copy has OpenCC's phrase context at no cost.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
BATCH_CHARS = 2_000_000

Ints = npt.NDArray[np.int64]


def _groups(keys: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Positions sorted by key, start of each key's group among them, the group of each position, and the groups' sizes."""
    _, group, count = np.unique(keys, return_inverse=True, return_counts=True)
    return np.argsort(keys, kind="stable"), np.cumsum(count) - count, group, count


def walk(symbols: Ints, starts: Ints, chains: int, steps: int, backoff: float, rng: np.random.Generator) -> Ints:
    """(chains, steps) positions in `symbols`: each next one follows some place with the same two symbols before it.

    With probability `backoff` only one symbol is looked at, so that chains leave the sentences they came from.
    """
    n = len(symbols)
    order2, start2, group2, count2 = _groups(np.roll(symbols, 1) * (int(symbols.max()) + 1) + symbols)
    order1, start1, group1, count1 = _groups(symbols)
    order = np.concatenate([order2, order1])
    start, count = np.concatenate([start2, start1 + n]), np.concatenate([count2, count1])
    out = np.empty((steps, chains), np.int64)
    at = rng.choice(starts, chains)
    for step in range(steps):
        out[step] = at
        group = np.where(rng.random(chains) < backoff, group1[at] + len(start2), group2[at])
        at = order[start[group] + (rng.random(chains) * count[group]).astype(np.int64)] + 1
        at[at == n] = 0
    return np.ascontiguousarray(out.T)


def _whole_sentences(positions: Ints, is_end: npt.NDArray[np.bool_]) -> Ints:
    """Chains in a row, each cut after its last sentence end."""
    last = positions.shape[1] - np.argmax(is_end[positions][:, ::-1], axis=1)
    last[~is_end[positions].any(axis=1)] = 0
    return positions[np.arange(positions.shape[1]) < last[:, None]]


def _text(codes: Ints) -> str:
    return codes.astype("<u2").tobytes().decode("utf-16-le")


class Prose:
    """Endless Chinese paragraphs, each as (simplified, traditional), and English sentences."""

    def __init__(self, seed: int) -> None:
        from opencc import OpenCC

        to_traditional = OpenCC("s2t").convert
        self._rng = np.random.default_rng(seed)
        hans = (HERE / "prose_zh.txt").read_text(encoding="utf-8").replace("\n", "")
        hant = to_traditional(hans)
        common = b"".join(bytes((h, lo)) for h in range(0xB0, 0xD7) for lo in range(0xA1, 0xFF)).decode("gb2312")
        common_hant = to_traditional("\n".join(common)).split("\n")
        if len(hant) != len(hans) or any(len(c) != 1 for c in common_hant):
            raise ValueError("OpenCC changed a length: the two scripts can no longer be walked together")
        self._hans, self._hant = (np.array([ord(c) for c in t], np.int64) for t in (hans, hant))
        self._end = np.isin(self._hans, [ord(c) for c in "。？！"])
        lexicon = self._rng.integers(0, len(common), (30_000, 2))
        self._words, self._words_hant = (np.array([ord(c) for c in t], np.int64)[lexicon] for t in (common, common_hant))
        self._paragraphs: list[tuple[str, str]] = []
        english = (HERE / "prose_en.txt").read_text(encoding="utf-8").split()
        self._english, ids = np.unique(english, return_inverse=True)
        self._english_ids = ids.astype(np.int64)
        self._english_end = np.array([w.endswith(".") for w in english])
        self._sentences: list[str] = []

    def paragraph(self) -> tuple[str, str]:
        """One paragraph of 20 to 900 characters, median about 110, that ends with a sentence."""
        if not self._paragraphs:
            self._refill()
        return self._paragraphs.pop()

    def _refill(self) -> None:
        rng, hans = self._rng, self._hans
        first = np.flatnonzero(np.roll(self._end, 1))
        positions = _whole_sentences(walk(hans, first, BATCH_CHARS // 400, 400, 0.2, rng), self._end)
        a, b = hans[positions], self._hant[positions]
        # A made-up word about every 18 characters, its frequency by rank as in real text (Zipf).
        spot = np.arange(4, len(a) - 20, 18) + rng.integers(0, 14, len(range(4, len(a) - 20, 18)))
        spot = spot[(a[spot] >= 0x4E00) & (a[spot + 1] >= 0x4E00) & (a[spot] < 0xA000) & (a[spot + 1] < 0xA000)]
        rank = (len(self._words) ** rng.random(len(spot))).astype(np.int64) - 1
        for column in (0, 1):
            a[spot + column], b[spot + column] = self._words[rank, column], self._words_hant[rank, column]
        ends = np.flatnonzero(np.isin(a, [ord(c) for c in "。？！"])) + 1
        targets = np.cumsum(np.clip(rng.lognormal(math.log(110), 0.7, len(a) // 60), 20, 900))
        cuts = np.unique(ends[np.searchsorted(ends, targets[targets < ends[-1]])])
        left, right = _text(a), _text(b)
        spans = list(zip([0, *cuts.tolist()], cuts.tolist(), strict=False))
        self._paragraphs = [(left[i:j], right[i:j]) for i, j in reversed(spans)]

    def english(self) -> str:
        """One English sentence."""
        if not self._sentences:
            first = np.flatnonzero(np.roll(self._english_end, 1))
            positions = _whole_sentences(walk(self._english_ids, first, 4000, 100, 0.5, self._rng), self._english_end)
            words = self._english[self._english_ids[positions]]
            cuts = np.flatnonzero(self._english_end[positions]) + 1
            self._sentences = [" ".join(words[i:j]) for i, j in zip([0, *cuts[:-1]], cuts, strict=True)]
        return self._sentences.pop()
