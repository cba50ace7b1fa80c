"""Language of text, second step for Han and kana: Chinese or Japanese (see `tasks.kernels.language` for atoms)."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.language import BREAK_MASK, KIND_CJK, NO_BREAK, SENTENCE_BREAK, SPLIT

#: A clause of Han alone is Japanese where one in so many characters is one that only Japanese has; classical Chinese text in old
#: prints has one in five or fewer.
JAPANESE_FORM = 3
#: From so many Han on a clause without kana speaks for Chinese.
LONG_HAN = 8
#: What a clause says by itself.
NOTHING, CHINESE, JAPANESE = range(3)


@njit(cache=True, nogil=True)
def _clause(last, kinds, breaks, stats, a, total):
    """End of the clause that starts at atom a; its sums of the CJK numbers go to `total`."""
    b = a
    total[:] = 0
    while b < last and (b == a or breaks[b] & BREAK_MASK == NO_BREAK):
        if kinds[b] == KIND_CJK:
            for m in range(7):
                total[m] += stats[b, m]
        b += 1
    return b


@njit(cache=True, nogil=True)
def _evidence(total):
    """What the numbers of a clause say, whether it is to be split, and whether its neighbours may know better."""
    han = total[1]
    kana = total[2] + total[3]
    lone_no = kana == 1 and total[2] == 1 and han > 1
    if kana > 0 and not (lone_no and total[5] + total[4] > 0):
        if total[5] > 0 and (total[2] == 0 or (total[5] > 1 and total[2] * 4 < han)):
            return CHINESE, True, False
        return JAPANESE, False, lone_no
    if total[4] + total[5] > 0:
        return CHINESE, False, False
    if total[6] > 0 and total[6] * JAPANESE_FORM >= han:
        return JAPANESE, False, False
    return (CHINESE if han >= LONG_HAN and total[6] == 0 else NOTHING), False, han < LONG_HAN or total[6] > 0


@njit(cache=True, nogil=True)
def decide_han(first, kinds, breaks, stats, zh, ja, langs):
    """Chinese or Japanese for each Han and kana atom, by clause; writes into langs (int32).

    Kana make a clause Japanese, but for a lone の between Han, and unless characters that only Chinese has stand beside
    little kana: then the atom is SPLIT, Han and kana apart. Characters that only Japanese has make Han alone Japanese. A
    short clause of Han alone without any sign, and one with a single hiragana, follow the rest of their sentence, else of
    their row, where that says more of one language; else Han are Chinese.
    zh : (n_rows,) int32, the language number of Chinese in each row.
    """
    total = np.zeros(7, np.int64)
    of_row = np.zeros(3, np.int64)
    of_sentence = np.zeros(3, np.int64)
    for row in range(len(first) - 1):
        last = first[row + 1]
        a = first[row]
        of_row[:] = 0
        unsure = False
        while a < last:
            if kinds[a] != KIND_CJK:
                a += 1
                continue
            b = _clause(last, kinds, breaks, stats, a, total)
            says, split, doubtful = _evidence(total)
            unsure |= doubtful
            of_row[says] += total[1] if says == CHINESE else total[0]
            for m in range(a, b):
                if kinds[m] == KIND_CJK:
                    langs[m] = SPLIT if split else ja if says == JAPANESE else zh[row]
            a = b
        if not unsure or of_row[JAPANESE] == 0:
            continue
        # Second look: what stands beside a clause that says little decides it.
        begin = first[row]
        while begin < last:
            end = begin + 1
            while end < last and breaks[end] & BREAK_MASK != SENTENCE_BREAK:
                end += 1
            _sum_clauses(begin, end, kinds, breaks, stats, total, of_sentence)
            beside = of_sentence if of_sentence[CHINESE] != of_sentence[JAPANESE] else of_row
            if beside[CHINESE] != beside[JAPANESE]:
                _follow(begin, end, kinds, breaks, stats, total, ja if beside[JAPANESE] > beside[CHINESE] else zh[row], langs)
            begin = end


@njit(cache=True, nogil=True)
def _sum_clauses(begin, end, kinds, breaks, stats, total, sums):
    """Letters of the clauses of atoms begin to end - 1 by what they say and have no doubt of."""
    sums[:] = 0
    a = begin
    while a < end:
        if kinds[a] != KIND_CJK:
            a += 1
            continue
        a = _clause(end, kinds, breaks, stats, a, total)
        says, _, doubtful = _evidence(total)
        if not doubtful:
            sums[says] += total[1] if says == CHINESE else total[0]


@njit(cache=True, nogil=True)
def _follow(begin, end, kinds, breaks, stats, total, lang, langs):
    """Gives the doubtful clauses of atoms begin to end - 1 the language beside them."""
    a = begin
    while a < end:
        if kinds[a] != KIND_CJK:
            a += 1
            continue
        b = _clause(end, kinds, breaks, stats, a, total)
        if _evidence(total)[2]:
            for m in range(a, b):
                if kinds[m] == KIND_CJK:
                    langs[m] = lang
        a = b
