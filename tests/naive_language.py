"""Slow twins of the language kernels: langdetect's own n-grams and profiles, word lists, and a chain with every change tried."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources

from langdetect.utils.lang_profile import LangProfile
from langdetect.utils.ngram import NGram

from tasks import words
from tasks.kernels.language import BREAK_MASK, KIND_CJK, NO_BREAK, SENTENCE_BREAK, SPLIT
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


def _says(total: list[int]) -> tuple[str, bool, bool]:
    """What a clause says ("zh", "ja" or nothing), whether Han and kana go apart, whether it may follow its neighbours."""
    _, han, hiragana, katakana, weak, strong, forms = total
    if hiragana + katakana:
        if (hiragana, katakana) == (1, 0) and han > 1:
            return ("zh", False, False) if weak + strong else ("ja", False, True)
        apart = strong > 0 and (hiragana == 0 or (strong > 1 and hiragana * 4 < han))
        return "zh" if apart else "ja", apart, False
    if weak + strong:
        return "zh", False, False
    if forms * 3 >= han:
        return "ja", False, False
    return "zh" if han >= 8 and not forms else "", False, han < 8 or forms > 0


def han(kinds: list[int], breaks: list[int], stats: list[list[int]]) -> list[int]:
    """0 (Chinese), 1 (Japanese) or SPLIT for the Han and kana atoms of a row, -1 for the others."""
    clauses: list[list[int]] = []
    for a in range(len(kinds)):
        if a and breaks[a] & BREAK_MASK == NO_BREAK:
            clauses[-1].append(a)
        else:
            clauses.append([a])
    out, sentence, facts = [-1] * len(kinds), 0, []
    for clause in clauses:
        sentence += breaks[clause[0]] & BREAK_MASK == SENTENCE_BREAK
        cjk = [a for a in clause if kinds[a] == KIND_CJK]
        if cjk:
            total = [sum(stats[a][m] for a in cjk) for m in range(7)]
            facts.append((sentence, cjk, total, *_says(total)))
    weight = {"zh": lambda total: total[1], "ja": lambda total: total[0], "": lambda total: 0}

    def letters(wanted: str, where: int | None) -> int:
        return sum(
            weight[wanted](t) for s, _, t, says, _, unsure in facts if says == wanted and (where is None or (s == where and not unsure))
        )

    for where, cjk, _, says, apart, unsure in facts:
        beside = (letters("zh", where), letters("ja", where))
        if beside[0] == beside[1]:
            beside = (letters("zh", None), letters("ja", None))
        follows = unsure and beside[0] != beside[1] and letters("ja", None) > 0
        lang = SPLIT if apart else int(beside[1] > beside[0]) if follows else int(says == "ja")
        for a in cjk:
            out[a] = lang
    return out
