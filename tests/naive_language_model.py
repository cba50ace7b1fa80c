"""Slow twin of tasks/language_model.py: dictionaries of strings, the formulae of Chen and Goodman 1998 as they stand."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

BEGIN, END = "\U0010fffe", "\U0010ffff"


class NaiveModel:
    """Interpolated Kneser-Ney with modified discounts; grams under their order's least count are left out of the model."""

    def __init__(self, rows: list[str], order: int, min_counts: tuple[int, ...]) -> None:
        self.order = order
        texts = [BEGIN + digits(row) + END for row in rows]
        raw = [Counter(t[i - n + 1 : i + 1] for t in texts for i in range(n - 1, len(t)) if n == 1 or i) for n in range(1, order + 1)]
        self.symbols = len(raw[0])
        floors = [1] + [min_counts[min(i, len(min_counts) - 1)] for i in range(order - 1)]
        self.p: dict[str, float] = {}
        self.backoff: dict[str, float] = defaultdict(lambda: 1.0)
        self.kept: set[str] = set()
        for n in range(1, order + 1):
            floor = max(floors[:n])
            self.add(n, raw[n - 1], adjusted(raw, n), floor)

    def add(self, n: int, raw: Counter[str], counts: Counter[str], floor: int) -> None:
        taken = discounts([counts[g] for g in raw])
        if n == 1:
            total = sum(counts.values()) or 1
            spread = sum(taken[min(counts[g], 3)] for g in raw) / total / self.symbols
            self.unknown = max(spread, 1e-9)
            self.p = {g: (counts[g] - taken[min(counts[g], 3)]) / total + spread for g in raw if g != BEGIN}
            self.kept = set(raw)
            return
        by_context = defaultdict(list)
        for gram in raw:
            by_context[gram[:-1]].append(gram)
        for context, grams in by_context.items():
            total = sum(counts[g] for g in grams)
            left = sum(taken[min(counts[g], 3)] if raw[g] >= floor else counts[g] for g in grams)
            self.backoff[context] = left / total
            for g in grams:
                if raw[g] >= floor:
                    self.p[g] = (counts[g] - taken[min(counts[g], 3)] + left * self.p[g[1:]]) / total
                    self.kept.add(g)

    def log2(self, before: str, char: str) -> tuple[float, int]:
        """log2 p(char | before), and the length of the gram that it rests on."""
        context = before[-(self.order - 1) :]
        bits = 0.0
        while context + char not in self.kept or char == BEGIN:
            if not context:
                return bits + math.log2(self.unknown), 0
            if context in self.kept:
                bits += math.log2(max(self.backoff[context], 1e-9))
            context = context[1:]
        return bits + math.log2(self.p[context + char]), len(context) + 1

    def costs(self, row: str) -> list[float]:
        """Bits of each character and of the end."""
        text = BEGIN + digits(row) + END
        return [-self.log2(text[:i], text[i])[0] for i in range(1, len(text))]


def digits(row: str) -> str:
    return "".join("0" if c in "0123456789" else c for c in row)


def adjusted(raw: list[Counter[str]], n: int) -> Counter[str]:
    """Counts of the highest order; for a shorter gram in how many longer ones it is the suffix, but its count where it begins a row."""
    if n == len(raw):
        return raw[n - 1]
    different = Counter(gram[1:] for gram in raw[n])
    return Counter({g: raw[n - 1][g] if n > 1 and g[0] == BEGIN else different[g] for g in raw[n - 1]})


def discounts(counts: list[int]) -> list[float]:
    t = [sum(c == k for c in counts) for k in range(5)]
    if 0 in t[1:]:
        return [0, 0.5, 1.0, 1.5]
    y = t[1] / (t[1] + 2 * t[2])
    found = [0.0] + [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
    return found if all(0 <= d <= k for k, d in enumerate(found)) else [0, 0.5, 1.0, 1.5]
