"""Slow twins of the language kernels: langdetect's own n-grams and profiles, word lists, and a chain with every change tried."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources

from langdetect.utils.lang_profile import LangProfile
from langdetect.utils.ngram import NGram

from tasks import words
from tasks.kernels.language_decide import WORD_WEIGHT


@cache
def profile(name: str) -> LangProfile:
    return LangProfile(**json.loads(resources.files("langdetect").joinpath("profiles", name).read_text("utf-8")))


@cache
def frequencies(name: str) -> dict[str, float]:
    return words.listed(name)


def word_evidence(word: str, name: str) -> float:
    """Nats by which a language's list has a word likelier than a word that it does not have."""
    frequency = frequencies(name).get(word.lower(), 0.0)
    return WORD_WEIGHT * max(0.0, math.log(frequency) - words.FLOOR) if frequency else 0.0


def best_chain(scores: list[list[int]], prices: list[int]) -> int:
    """Score of the best choice of a language for each link, where each change before link i costs prices[i]."""
    best = list(scores[0])
    for own, price in zip(scores[1:], prices[1:], strict=True):
        best = [max(before - price * (k != j) for j, before in enumerate(best)) + own[k] for k in range(len(own))]
    return max(best)


def log_likelihoods(text: str, names: tuple[str, ...]) -> dict[str, float]:
    """Log-likelihood of a text of letters and spaces under each language; n-grams that no language knows do not count."""
    gram = NGram()
    grams = []
    for char in f"{text} ":
        gram.add_char(char)
        grams += [gram.grams[-n:] for n in (1, 2, 3) if len(gram.grams) >= n and gram.grams[-n:] != " " and not gram.capitalword]
    known = [g for g in grams if any(g in profile(name).freq for name in names)]
    return {
        name: sum(math.log(profile(name).freq.get(g, 0) / profile(name).n_words[len(g) - 1] + 0.5 / 10_000) for g in known)
        for name in names
    }
