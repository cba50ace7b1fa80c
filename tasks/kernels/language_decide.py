"""Language of text, second step for alphabets: which language each atom is in (see `tasks.kernels.language` for atoms).

Naive Bayes over langdetect's n-gram profiles and the frequencies of whole words, smoothed over the words of a row so that a
change of language needs evidence (Viterbi over a chain in which staying is free).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.language import BREAK_MASK, KIND_CJK, SENTENCE_BREAK, WORD_BREAK

SCALE = 1024  # fixed-point steps a nat: sums are exact and the same on every machine
#: Letters of a word, and words of an atom, that are scored: longer ones are no words, and by then the decision is past any
#: doubt. With these bounds the likelihoods of an atom are within int32.
MAX_WORD, MAX_WORDS = 48, 256
#: A letter counts in about three n-grams of langdetect and in one word, so the evidence of words counts three times.
WORD_WEIGHT = 3
#: Evidence (nats) that a change of language needs between words, clauses and sentences. Set once, before any mixed passage was
#: measured; `tests/bench/language.py` says what they give.
SWITCH_WORD, SWITCH_CLAUSE, SWITCH_SENTENCE = 40 * SCALE, 24 * SCALE, 16 * SCALE
#: Lead of English for a short name or term in Chinese prose: 6 nats. The n-grams of a name say where it comes from, not in
#: which language it stands, so they count a quarter, and those of an acronym nothing.
FAVOUR, NAME_DIVISOR = 6 * SCALE, 4
#: Lead of English at the start of any row: the language of names, headings and technical terms.
PRIOR = 4 * SCALE
#: Bits of the place of a word's scores, enough for the lists of all languages.
WORD_BITS = 25
#: Steps a nat of the scores of words (uint8).
WORD_SCALE = 16
#: Numbers of the models' alphabet that are no letters.
NONE, SPACE, UNKNOWN = 0, 1, 1023


@njit(cache=True, nogil=True)
def _gram_slot(slots, key):
    """Place of an n-gram, or of the empty place where it would stand."""
    mask = np.uint32(len(slots) - 1)
    at = ((key * np.uint32(0x9E3779B1)) >> np.uint32(8)) & mask
    while slots[at] != 0 and slots[at] >> np.uint64(32) != key:
        at = (at + np.uint32(1)) & mask
    return at


@njit(cache=True, nogil=True)
def _word_slot(slots, key):
    """Place of a word's key, or of the empty place where it would stand."""
    mask = np.uint64(len(slots) - 1)
    at = (key >> np.uint64(40)) & mask
    while slots[at] != 0 and (slots[at] ^ key) >> np.uint64(WORD_BITS) != 0:
        at = (at + np.uint64(1)) & mask
    return at


@njit(cache=True, nogil=True)
def _word_key(chars, start, end, folded):
    """Key (uint64) of a word in lower case: FNV-1a over its code points, the lowest WORD_BITS bits free."""
    key = np.uint64(0xCBF29CE484222325)
    for i in range(start, end):
        key = (key ^ np.uint64(folded[chars[i]])) * np.uint64(0x100000001B3)
    return (key ^ key << np.uint64(29)) & ~np.uint64((1 << WORD_BITS) - 1) | np.uint64(1) << np.uint64(63)


@njit(cache=True, nogil=True)
def file_grams(keys, places, slots):
    """Files n-grams (keys, uint32) and where their scores stand into empty slots (2^k,) uint64: key above, place below."""
    for n in range(len(keys)):
        slots[_gram_slot(slots, keys[n])] = np.uint64(keys[n]) << np.uint64(32) | np.uint64(places[n])


@njit(cache=True, nogil=True)
def file_words(chars, offsets, places, folded, slots):
    """Files words chars[offsets[i] : offsets[i + 1]] and where their scores stand into empty slots (2^k,) uint64: key above, place below."""
    for n in range(len(offsets) - 1):
        key = _word_key(chars, offsets[n], offsets[n + 1], folded)
        at = _word_slot(slots, key)
        if slots[at] == 0:
            slots[at] = key | np.uint64(places[n])


@njit(cache=True, nogil=True)
def _note(slots, two, one, code, found, n):
    """Append the place of the longest n-gram that ends in `code` and that the models know; it holds the shorter ones too."""
    if two != NONE:
        key = two << np.uint32(20) | one << np.uint32(10) | code
        at = _gram_slot(slots, key)
        if slots[at] != 0:
            found[n] = slots[at] & np.uint64(0xFFFFFFFF)
            return n + 1
    at = _gram_slot(slots, one << np.uint32(10) | code)
    if slots[at] == 0 and code != SPACE:
        at = _gram_slot(slots, code)
    if slots[at] != 0:
        found[n] = slots[at] & np.uint64(0xFFFFFFFF)
        n += 1
    return n


@njit(cache=True, nogil=True)
def next_word(chars, start, end, codes):
    """(begin, stop) of the next run of letters in chars[start:end]; begin == stop when there is none."""
    i = start
    while i < end and (chars[i] >= len(codes) or codes[chars[i]] == NONE):
        i += 1
    begin = i
    while i < end and chars[i] < len(codes) and codes[chars[i]] != NONE:
        i += 1
    return begin, i


@njit(cache=True, nogil=True)
def score_word(chars, start, end, lowered, grams, words, low, high, found, scores):
    """Log-likelihoods (SCALE steps a nat) of a word of letters under the languages low to high - 1, into `scores` (int32).

    By langdetect's n-grams of 1 to 3 letters, spaces around the word among them; as there, nothing counts from the second
    capital of a row of capitals on. And WORD_WEIGHT times what the whole word is likelier than the least of the word lists.

    lowered : read the word as if it were in lower case.
    grams   : codes (n,) uint16, letter to number in the models' alphabet; lower (1024,) uint16, number of its lower case;
              slots (2^k,) uint64, see `file_grams`; table int16, scores of the languages low to high - 1 side by side, each
              the sum of the n-gram and of the shorter ones that end where it ends.
    words   : folded (n,) uint16, code point to its lower case; slots (2^k,) uint64, see `file_words`; table uint8, as above.
    found   : room for MAX_WORD + 1 places (uint32).
    """
    codes, lower, slots, table = grams
    end = min(end, start + MAX_WORD)
    two = np.uint32(NONE)
    one = np.uint32(SPACE)
    n = 0
    capitals = False
    was_upper = False
    for i in range(start, end):
        code = np.uint32(codes[chars[i]])
        small = np.uint32(lower[code])
        upper = small != code and not lowered
        if lowered:
            code = small
        capitals = upper and (was_upper or capitals)
        was_upper = upper
        if not capitals:
            n = _note(slots, two, one, code, found, n)
        two = one
        one = code
    n = _note(slots, two, one, np.uint32(SPACE), found, n)
    folded, word_slots, word_table = words
    word = word_slots[_word_slot(word_slots, _word_key(chars, start, end, folded))]
    if word != 0:
        at = np.int64(word & np.uint64((1 << WORD_BITS) - 1)) - low
        for k in range(low, high):
            scores[k] = np.int32(WORD_WEIGHT * SCALE // WORD_SCALE) * np.int32(word_table[at + k])
    else:
        for k in range(low, high):
            scores[k] = np.int32(0)
    for m in range(n):
        at = np.int64(found[m]) - low
        for k in range(low, high):
            scores[k] += np.int32(table[at + k])


@njit(cache=True, nogil=True)
def step(best, back, scores, price, low, high):
    """One link of the chain: staying is free, a change costs `price`; writes the language before into `back`."""
    lead = low
    for k in range(low + 1, high):
        if best[k] > best[lead]:
            lead = k
    change = best[lead] - price
    for k in range(low, high):
        back[k] = k
        if best[k] < change:
            best[k] = change
            back[k] = lead
        best[k] += scores[k]


@njit(cache=True, nogil=True)
def _score_atom(chars, start, end, loud, grams, words, low, high, found, spans, scores, total):
    """Words of an atom: their number, places (into `spans`), scores (a row each) and the sum of the scores (into `total`).

    returns also whether its language may change inside: whether the best language of each word is together likelier than
    the best of the whole by what a change costs.
    """
    total[:] = 0
    each = np.int64(0)
    n = 0
    stop = start
    while n < len(spans):
        begin, stop = next_word(chars, stop, end, grams[0])
        if begin == stop:
            break
        score_word(chars, begin, stop, loud, grams, words, low, high, found, scores[n])
        top = scores[n, low]
        for k in range(low, high):
            top = max(top, scores[n, k])
            total[k] += scores[n, k]
        each += top
        spans[n] = begin
        n += 1
    top_total = total[low]
    for k in range(low, high):
        top_total = max(top_total, total[k])
    return n, each - top_total > SWITCH_WORD


@njit(cache=True, nogil=True)
def decide_alphabets(wanted, atoms, chars, grams, words, blocks, english, numbers, und, may_cut, langs, likelihoods):
    """Language of each atom in an alphabet; writes into langs (int32), and into likelihoods (n_atoms, n_langs) int32.

    wanted  : (n_rows,) bool, rows to decide.  atoms : first, kinds, breaks, stats, starts, ends.
    blocks  : (5,) int64, the languages of alphabet `kind` are blocks[kind] to blocks[kind + 1] - 1.
    english : index of English among the languages, -1 when it is no candidate.
    numbers : (n_langs,) int32, language number of each.  und : the number of none, for alphabets without a candidate.
    returns : where an atom must be cut because its language changes inside: atoms, buffer offsets (int64), unless it may not.
              Such rows are to be cut and decided once more.
    """
    first, kinds, breaks, stats, starts, ends = atoms
    n_langs = len(numbers)
    found = np.empty(MAX_WORD + 1, np.uint32)
    spans = np.empty(MAX_WORDS, np.int64)
    scores = np.empty((MAX_WORDS, n_langs), np.int32)
    total = np.empty(n_langs, np.int32)
    best = np.empty(n_langs, np.int64)
    back = np.empty((256, n_langs), np.int8)
    link_atom = np.empty(256, np.int64)
    link_start = np.empty(256, np.int64)
    cut_atom = np.empty(16, np.int64)
    cut_at = np.empty(16, np.int64)
    n_cuts = 0
    for row in range(len(first) - 1):
        if not wanted[row]:
            continue
        han = False
        some = np.uint32(0)
        for a in range(first[row], first[row + 1]):
            han |= kinds[a] == KIND_CJK
            if kinds[a] < KIND_CJK:
                some |= np.uint32(1) << np.uint32(kinds[a])
        for kind in range(KIND_CJK):
            if some >> np.uint32(kind) & np.uint32(1) == 0:
                continue
            low = blocks[kind]
            high = blocks[kind + 1]
            n = 0
            price = np.int64(0)
            for a in range(first[row], first[row + 1]):
                pause = breaks[a] & BREAK_MASK
                if pause == SENTENCE_BREAK or price == SWITCH_SENTENCE:
                    price = np.int64(SWITCH_SENTENCE)
                else:
                    price = np.int64(SWITCH_WORD) if pause == WORD_BREAK else np.int64(SWITCH_CLAUSE)
                if kinds[a] != kind:
                    continue
                if low == high:
                    langs[a] = und
                    continue
                loud = stats[a, 4] == 0
                n_words, uneven = _score_atom(chars, starts[a], ends[a], loud, grams, words, low, high, found, spans, scores, total)
                if han and (stats[a, 1] < 3 or stats[a, 0] < 12):
                    for k in range(low, high):
                        total[k] = np.int32((0 if loud else total[k] // NAME_DIVISOR) - (0 if k == english else FAVOUR))
                    uneven = False
                for k in range(low, high):
                    likelihoods[a, k] = total[k]
                links = n_words if uneven and may_cut else 1
                while n + links > len(link_atom):
                    back, link_atom, link_start = _longer(back, link_atom, link_start)
                for w in range(links):
                    link_atom[n] = a
                    link_start[n] = spans[w]
                    own = scores[w] if links > 1 else total
                    if n == 0:
                        for k in range(low, high):
                            best[k] = own[k] + (PRIOR if k == english else 0)
                    else:
                        step(best, back[n], own, price if w == 0 else SWITCH_WORD, low, high)
                    n += 1
                price = np.int64(0)
            if n == 0:
                continue
            lead = low + best[low:high].argmax()
            for m in range(n - 1, -1, -1):
                a = link_atom[m]
                if m == n - 1 or link_atom[m + 1] != a:
                    langs[a] = numbers[lead]
                before = np.int64(back[m, lead]) if m > 0 else lead
                if before != lead and link_atom[m - 1] == a:
                    if n_cuts == len(cut_atom):
                        cut_atom, cut_at = _twice(cut_atom), _twice(cut_at)
                    cut_atom[n_cuts] = a
                    cut_at[n_cuts] = link_start[m]
                    n_cuts += 1
                lead = before
    return cut_atom[:n_cuts].copy(), cut_at[:n_cuts].copy()


@njit(cache=True, nogil=True)
def _twice(array):
    """The array with twice the room."""
    out = np.empty(2 * len(array), array.dtype)
    out[: len(array)] = array
    return out


@njit(cache=True, nogil=True)
def _longer(back, link_atom, link_start):
    longer = np.empty((2 * len(back), back.shape[1]), back.dtype)
    longer[: len(back)] = back
    return longer, _twice(link_atom), _twice(link_start)
