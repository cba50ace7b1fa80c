"""Language of text, third step: how sure the languages of the alphabets' atoms are, and what is too doubtful to name."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.language import KIND_CJK, SPLIT
from tasks.kernels.language_decide import SCALE

#: Overlapping n-grams count each letter three times and words three times more; likelihoods are divided by this for a confidence. Of words
#: and pairs of words in nine languages, as many per cent were then right as the confidence says, in each tenth.
TEMPER = 5.0
#: Rows of fewer letters may be doubtful.
SHORT_ROW = 16
#: Confidence that a short row in capital initials needs (a name says where it comes from, not in what language it stands), and
#: one in capitals alone, whose words have at least so many letters: shorter ones are acronyms.
SURE_NAME, SURE_CAPITALS, ACRONYM = 0.75, 0.95, 5
#: A lone word needs so many times the least confidence: most are names and labels, and below a half guesses are mostly wrong.
LONE_WORD = 2.0


@njit(cache=True, nogil=True)
def _posterior(likelihoods, atoms_from, atoms_to, langs, wanted, kinds, kind, scripts, numbers, sums):
    """Probability of language number `wanted` over the atoms it was given (any atom of the kind when wanted < 0), and the likeliest."""
    n_langs = len(scripts)
    sums[:] = 0
    for a in range(atoms_from, atoms_to):
        if kinds[a] == kind and (wanted < 0 or langs[a] == wanted):
            for k in range(n_langs):
                sums[k] += likelihoods[a, k]
    own = -1
    for k in range(n_langs):
        if scripts[k] == kind and (numbers[k] == wanted or (wanted < 0 and (own < 0 or sums[k] > sums[own]))):
            own = k
    if own < 0:
        return 0.0, -1
    total = 0.0
    for k in range(n_langs):
        if scripts[k] == kind:
            total += np.exp(min(50.0, (sums[k] - sums[own]) / (SCALE * TEMPER)))
    return 1.0 / total, own


@njit(cache=True, nogil=True)
def doubt(first, kinds, stats, likelihoods, langs, scripts, numbers, und, least_confidence):
    """Short rows of one alphabet without a sure answer become `und`; names and acronyms ("OK", "PDF") need a surer one."""
    sums = np.empty(len(scripts), np.int64)
    for row in range(len(first) - 1):
        begin = first[row]
        last = first[row + 1]
        letters = 0
        words = 0
        small_words = 0
        small = 0
        for a in range(begin, last):
            letters += stats[a, 0] if kinds[a] == kinds[begin] else SHORT_ROW
            words += stats[a, 1]
            small_words += stats[a, 2]
            small += stats[a, 4]
        if begin == last or kinds[begin] >= KIND_CJK or letters >= SHORT_ROW:
            continue
        sure, _ = _posterior(likelihoods, begin, last, langs, -1, kinds, kinds[begin], scripts, numbers, sums)
        needed = least_confidence
        if small == 0:
            needed = max(needed, SURE_CAPITALS if letters >= ACRONYM * words else 2.0)
        elif small_words == 0:
            needed = max(needed, SURE_NAME)
        elif words == 1:
            needed = LONE_WORD * least_confidence
        if sure < needed:
            for a in range(begin, last):
                langs[a] = und


@njit(cache=True, nogil=True)
def confidence(first, kinds, stats, likelihoods, langs, primary, scripts, numbers, und):
    """(n,) float64 in 0..1: how sure the primary language of each row is.

    Alphabets: its posterior over its own atoms, tempered, since overlapping n-grams count the same letters three times.
    Scripts of one language: n / (n + 1/2) for n letters, as one letter may be a slip and a hundred are none.
    """
    n = len(primary)
    out = np.zeros(n, np.float64)
    sums = np.empty(len(scripts), np.int64)
    for row in range(n):
        wanted = primary[row]
        if wanted < 0 or wanted == und:
            continue
        letters = 0.0
        kind = -1
        for a in range(first[row], first[row + 1]):
            if langs[a] == wanted or langs[a] == SPLIT:
                letters += stats[a, 0]
                kind = kinds[a]
        if kind >= KIND_CJK:
            out[row] = letters / (letters + 0.5)
        elif kind >= 0:
            out[row], _ = _posterior(likelihoods, first[row], first[row + 1], langs, wanted, kinds, kind, scripts, numbers, sums)
    return out
