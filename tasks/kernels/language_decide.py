"""Language of text, second step: what language each atom is (see `tasks.kernels.language` for atoms).

Han and kana are decided by clause; alphabets by naive Bayes over langdetect's n-gram profiles, smoothed over the atoms of
a row so that a change of language needs evidence (Viterbi over a chain in which staying is free).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.language import BREAK_MASK, KIND_CJK, NO_BREAK, SENTENCE_BREAK, SPLIT

SCALE = 2048  # fixed-point steps a nat: sums are exact and the same on every machine
#: Letters of an atom that are scored: by then the decision is past any doubt.
MAX_SCORED = 240
#: Evidence (nats) that a change of language needs between clauses and between sentences. Of 20 sentences in ten languages, cut at
#: 40 letters, each leads over English by 27 to 187 (median 74); short English sentences of Latin words lose by up to 16.
#: Chosen while reading real Chinese and English text; not measured on a set held out.
SWITCH_CLAUSE, SWITCH_SENTENCE = 22 * SCALE, 16 * SCALE
#: Lead of English for a short name or term in Chinese prose: 6 nats. The n-grams of a name say where it comes from, not in
#: which language it stands, so they count a quarter, and those of an acronym nothing.
FAVOUR, NAME_DIVISOR = 6 * SCALE, 4
#: Overlapping n-grams count each letter up to six times; likelihoods are divided by this for a confidence. A choice, not a calibration.
TEMPER = 2.5
#: Lead of English at the start of any row: the language of names, headings and technical terms.
PRIOR = 4 * SCALE
#: Numbers of the models' alphabet that are no letters.
NONE, SPACE, UNKNOWN = 0, 1, 1023
#: Far below every likelihood, far above the least int64.
NEVER = -(1 << 60)


@njit(cache=True, nogil=True)
def _clause(last, kinds, breaks, stats, a, total):
    """End of the clause that starts at atom a; its sums of the CJK numbers go to `total`."""
    b = a
    total[:] = 0
    while b < last and (b == a or breaks[b] & BREAK_MASK == NO_BREAK):
        if kinds[b] == KIND_CJK:
            for m in range(6):
                total[m] += stats[b, m]
        b += 1
    return b


@njit(cache=True, nogil=True)
def decide_han(first, kinds, breaks, stats, zh, ja, langs):
    """Chinese or Japanese for each Han and kana atom, by clause; writes into langs (int32).

    Kana make a clause Japanese, but for a lone の between Han, and unless characters that only Chinese has stand beside
    little kana: then the atom is SPLIT, Han and kana apart. A short clause of Han alone without any sign of Chinese follows
    the rest of its row when that is mostly Japanese, and one with a single hiragana when it is mostly Chinese.
    zh : (n_rows,) int32, the language number of Chinese in each row.
    """
    total = np.zeros(6, np.int64)
    for row in range(len(first) - 1):
        begin = first[row]
        last = first[row + 1]
        japanese = 0
        chinese = 0
        a = begin
        while a < last:
            if kinds[a] != KIND_CJK:
                a += 1
                continue
            b = _clause(last, kinds, breaks, stats, a, total)
            han = total[1]
            kana = total[2] + total[3]
            lang = np.int64(zh[row])
            if kana > 0 and not (kana == 1 and total[2] == 1 and han > 1 and total[5] + total[4] > 0):
                if total[5] > 0 and (total[2] == 0 or (total[5] > 1 and total[2] * 4 < han)):
                    lang = np.int64(SPLIT)
                    chinese += han
                else:
                    lang = np.int64(ja)
                    japanese += total[0]
            elif total[4] + total[5] > 0 or han > 7:
                chinese += han
            for m in range(a, b):
                if kinds[m] == KIND_CJK:
                    langs[m] = lang
            a = b
        # Second look, in the light of the whole row.
        a = begin
        while a < last:
            if kinds[a] != KIND_CJK:
                a += 1
                continue
            b = _clause(last, kinds, breaks, stats, a, total)
            follows = np.int64(SPLIT)
            if japanese > chinese and total[2] + total[3] == 0 and total[4] + total[5] == 0 and total[1] <= 7:
                follows = np.int64(ja)
            elif chinese > japanese and total[2] == 1 and total[3] == 0 and total[1] > 1:
                follows = np.int64(zh[row])
            if follows != SPLIT:
                for m in range(a, b):
                    if kinds[m] == KIND_CJK:
                        langs[m] = follows
            a = b


@njit(cache=True, nogil=True)
def gram_slot(keys, key):
    """Slot of an n-gram, or of the empty place where it would stand."""
    mask = np.uint32(len(keys) - 1)
    slot = ((key * np.uint32(0x9E3779B1)) >> np.uint32(8)) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint32(1)) & mask
    return slot


@njit(cache=True, nogil=True)
def _note(keys, index, key, found, n):
    """Append the row of an n-gram that the models know."""
    slot = gram_slot(keys, key)
    if keys[slot] != 0:
        found[n] = index[slot]
        n += 1
    return n


@njit(cache=True, nogil=True)
def score(chars, start, end, lowered, codes, lower, keys, index, table, kind, scripts, found, scores):
    """Log-likelihoods (SCALE steps a nat) of text under each language, by langdetect's n-grams of 1 to 3 letters in words.

    As in langdetect, a word begins and ends with a space, and nothing counts from the second capital of a row of capitals on.
    lowered : the run has no lower-case letter: read it as if it were lower case.
    codes   : (n,) uint16, letter to number in the models' alphabet.  lower : (1024,) uint16, number of its lower case.
    keys    : (2^k,) uint32, three numbers of 10 bits, 0 empty.  index : (2^k,) uint32 into table (n_grams, n_langs) int16.
    kind, scripts : only languages with scripts[k] == kind are scored.
    found   : room for 5 * MAX_SCORED + 8 rows (uint32).  scores : (n_langs,) int64, overwritten.
    """
    two = np.uint32(NONE)
    one = np.uint32(SPACE)
    n = 0
    letters = 0
    capitals = False
    was_upper = False
    i = start
    while i <= end and letters < MAX_SCORED:
        code = np.uint32(NONE)
        if i < end and chars[i] < len(codes):
            code = np.uint32(codes[chars[i]])
        i += 1
        if code == NONE:
            if one != SPACE:
                n = _note(keys, index, one << np.uint32(10) | np.uint32(SPACE), found, n)
                n = _note(keys, index, two << np.uint32(20) | one << np.uint32(10) | np.uint32(SPACE), found, n)
            two = np.uint32(NONE)
            one = np.uint32(SPACE)
            capitals = False
            was_upper = False
            continue
        letters += 1
        small = np.uint32(lower[code])
        upper = small != code and not lowered
        if lowered:
            code = small
        capitals = upper and (was_upper or capitals)
        was_upper = upper
        if not capitals:
            n = _note(keys, index, code, found, n)
            n = _note(keys, index, one << np.uint32(10) | code, found, n)
            if two != NONE:
                n = _note(keys, index, two << np.uint32(20) | one << np.uint32(10) | code, found, n)
        two = one
        one = code
    # A row of the table lies together in memory, so all languages are summed and those of other scripts dropped.
    scores[:] = 0
    for m in range(n):
        of_gram = table[found[m]]
        for k in range(len(of_gram)):
            scores[k] += of_gram[k]
    for k in range(len(scripts)):
        if scripts[k] != kind:
            scores[k] = 0


@njit(cache=True, nogil=True)
def decide_alphabets(
    first, kinds, breaks, stats, chars, starts, ends, codes, lower, keys, index, table, scripts, english, numbers, und, langs, likelihoods
):
    """Language of each atom in an alphabet; writes into langs (int32), and into likelihoods (n_atoms, n_langs) int32.

    scripts : (n_langs,) uint8, the kind of atom that a language is written in.
    english : index of English among the languages, -1 when it is no candidate.
    numbers : (n_langs,) int32, language number of each.  und : the number of none, for alphabets without a candidate.
    """
    n_langs = len(scripts)
    found = np.empty(5 * MAX_SCORED + 8, np.uint32)
    scores = np.empty(n_langs, np.int64)
    best = np.empty(n_langs, np.int64)
    back = np.empty((64, n_langs), np.int8)
    chain = np.empty(64, np.int64)
    for row in range(len(first) - 1):
        begin = first[row]
        last = first[row + 1]
        han = False
        some = np.uint32(0)
        for a in range(begin, last):
            han |= kinds[a] == KIND_CJK
            if kinds[a] < KIND_CJK:
                some |= np.uint32(1) << np.uint32(kinds[a])
        if some == 0:
            continue
        if last - begin > len(chain):
            chain = np.empty((last - begin) * 2, np.int64)
            back = np.empty(((last - begin) * 2, n_langs), np.int8)
        for kind in range(KIND_CJK):
            if some >> np.uint32(kind) & np.uint32(1) == 0:
                continue
            n = 0
            sentence_between = False
            for a in range(begin, last):
                sentence_between |= breaks[a] & BREAK_MASK == SENTENCE_BREAK
                if kinds[a] != kind:
                    continue
                short = han and (stats[a, 1] < 3 or stats[a, 0] < 12)
                loud = stats[a, 4] == 0
                if short and loud:
                    scores[:] = 0
                else:
                    score(chars, starts[a], ends[a], loud, codes, lower, keys, index, table, kind, scripts, found, scores)
                top = np.int64(NEVER)
                for k in range(n_langs):
                    if short:
                        scores[k] //= NAME_DIVISOR
                    if short and k != english:
                        scores[k] -= FAVOUR
                    likelihoods[a, k] = scores[k]
                    if scripts[k] != kind:
                        scores[k] = NEVER
                    top = max(top, scores[k])
                if n == 0:
                    for k in range(n_langs):
                        best[k] = scores[k] + (PRIOR if k == english else 0)
                else:
                    price = SWITCH_SENTENCE if sentence_between else SWITCH_CLAUSE
                    lead = 0
                    for k in range(1, n_langs):
                        if best[k] > best[lead]:
                            lead = k
                    change = best[lead] - price
                    for k in range(n_langs):
                        back[n, k] = k
                        if best[k] < change:
                            best[k] = change
                            back[n, k] = lead
                        best[k] = max(best[k] + scores[k], NEVER)
                chain[n] = a
                n += 1
                sentence_between = False
            lead = 0
            for k in range(1, n_langs):
                if best[k] > best[lead]:
                    lead = k
            known = best[lead] > NEVER
            for m in range(n - 1, -1, -1):
                langs[chain[m]] = numbers[lead] if known else und
                if m > 0:
                    lead = np.int64(back[m, lead])


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
def doubt(first, kinds, stats, likelihoods, langs, scripts, numbers, und, least_letters, least_confidence, least_word):
    """Rows of one alphabet with fewer than least_letters letters and no sure answer become `und` ("OK", "PDF"); a lone word needs least_word."""
    sums = np.empty(len(scripts), np.int64)
    for row in range(len(first) - 1):
        begin = first[row]
        last = first[row + 1]
        letters = 0
        words = 0
        for a in range(begin, last):
            letters += stats[a, 0]
            words += stats[a, 1]
            if kinds[a] != kinds[begin]:
                letters += least_letters
        if begin == last or kinds[begin] >= KIND_CJK or letters >= least_letters:
            continue
        sure, _ = _posterior(likelihoods, begin, last, langs, -1, kinds, kinds[begin], scripts, numbers, sums)
        if sure < (least_confidence if words > 1 else least_word):
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
