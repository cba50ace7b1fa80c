"""Text made worse by a known amount: what a quality score must notice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_NOISE = list("#$%^&*~|<>{}[]\\/@=+_") + list("qzxjkvwQZXJKVW") + list("囧槑烎嫑巭嘦勥兲氼忈怹恏炛玊畐皕")


def shuffled_characters(text: str, share: float, rng: np.random.Generator) -> str:
    """A share of the characters change places among themselves."""
    return "".join(_shuffled(list(text), share, rng))


def shuffled_words(text: str, share: float, rng: np.random.Generator) -> str:
    """A share of the words change places: words between spaces, and pairs of characters where there are none."""
    words = []
    for piece in text.split(" "):
        words += [piece] if piece.isascii() else [piece[i : i + 2] for i in range(0, len(piece), 2)]
        words.append(" ")
    return "".join(_shuffled(words[:-1], share, rng))


def swapped_encoding(text: str, share: float, rng: np.random.Generator) -> str:
    """Stretches of the text, a share of it in all, as UTF-8 looks when it is read as GBK or Latin-1."""
    codec = ("gbk", "latin-1")[int(rng.integers(2))]
    return _stretches(text, share, rng, lambda piece: piece.encode().decode(codec, errors="replace"))


def repeated(text: str, share: float, rng: np.random.Generator) -> str:
    """Stretches of the text, a share of it in all, three times over instead of once."""
    return _stretches(text, share, rng, lambda piece: piece * 3)


def noisy(text: str, share: float, rng: np.random.Generator) -> str:
    """A share of the characters replaced by symbols, rare letters and rare characters."""
    chars = np.array(list(text), dtype=object)
    chosen = rng.random(len(chars)) < share
    chars[chosen] = rng.choice(np.array(_NOISE, dtype=object), int(chosen.sum()))
    return "".join(chars.tolist())


CORRUPTIONS: dict[str, Callable[[str, float, np.random.Generator], str]] = {
    "shuffled characters": shuffled_characters,
    "shuffled words": shuffled_words,
    "swapped encoding": swapped_encoding,
    "repeated": repeated,
    "noise": noisy,
}


def _shuffled(items: list[str], share: float, rng: np.random.Generator) -> list[str]:
    chosen = np.flatnonzero(rng.random(len(items)) < share)
    moved = rng.permutation(chosen)
    out = list(items)
    for to, source in zip(chosen.tolist(), moved.tolist(), strict=True):
        out[to] = items[source]
    return out


def _stretches(text: str, share: float, rng: np.random.Generator, change: Callable[[str], str]) -> str:
    """Stretches of 10 characters changed, each with probability `share`."""
    pieces = [text[i : i + 10] for i in range(0, len(text), 10)]
    return "".join(change(piece) if rng.random() < share else piece for piece in pieces)


def area(good: np.ndarray, bad: np.ndarray) -> float:
    """Area under the curve: probability that a good one scores above a bad one, ties half (Mann and Whitney 1947)."""
    both = np.concatenate([good, bad])
    _, which, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]
    return float((ranks[: len(good)].sum() - len(good) * (len(good) + 1) / 2) / (len(good) * len(bad)))
