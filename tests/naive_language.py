"""Slow twin of the naive Bayes kernel: langdetect's own n-grams and profiles, summed word by word in Python."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources

from langdetect.utils.lang_profile import LangProfile
from langdetect.utils.ngram import NGram


@cache
def profile(name: str) -> LangProfile:
    return LangProfile(**json.loads(resources.files("langdetect").joinpath("profiles", name).read_text("utf-8")))


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
