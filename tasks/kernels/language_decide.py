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
#: Numbers of the models' letters that are none: no letter, a space, a letter that no model has. Capitals have CAPITAL added.
NONE, SPACE, UNKNOWN = 0, 1, 2
CAPITAL = 1 << 15
#: Letters of the models' alphabets stand below this code point (Latin Extended Additional is the last block).
ALPHABETS_END = 0x1F00
#: Languages that are summed at once; tables end with so many zeros.
LANES = 8


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
    return _finish_key(key)


@njit(cache=True, nogil=True)
def _finish_key(key):
    """The hash of a word as a key: the highest bit set, the lowest WORD_BITS free."""
    return (key ^ key << np.uint64(29)) & ~np.uint64((1 << WORD_BITS) - 1) | np.uint64(1) << np.uint64(63)


@njit(cache=True, nogil=True)
def file_words(chars, offsets, places, folded, slots):
    """Files words chars[offsets[i] : offsets[i + 1]] and where their scores stand into empty slots (2^k,) uint64: key above, place below."""
    for n in range(len(offsets) - 1):
        key = _word_key(chars, offsets[n], offsets[n + 1], folded)
        at = _word_slot(slots, key)
        if slots[at] == 0:
            slots[at] = key | np.uint64(places[n])


@njit(cache=True, nogil=True, inline="always")
def _add(total, table, at, factor, lanes):
    """Adds a row of a table to `total` (int32). Unsigned numbers and no constant length: so it compiles to vector instructions."""
    first = np.uint64(at)
    for k in range(np.uint64(lanes)):
        total[k] += factor * np.int32(table[first + k])


@njit(cache=True, nogil=True)
def _find_words(chars, i, end, shift, letters, folded, slots, spans, keys):
    """Number of words of letters in chars[i:end]; writes where each begins and stops (its scored part), its key, and its first
    guess in the word table."""
    n = 0
    while n < MAX_WORDS:
        while i < end and (chars[i] >= ALPHABETS_END or letters[chars[i] + shift] == NONE):
            i += 1
        if i == end:
            break
        spans[n, 0] = i
        key = np.uint64(0xCBF29CE484222325)
        stop = min(end, i + MAX_WORD)
        while i < stop and chars[i] < ALPHABETS_END and letters[chars[i] + shift] != NONE:
            key = (key ^ np.uint64(folded[chars[i]])) * np.uint64(0x100000001B3)
            i += 1
        spans[n, 1] = i
        keys[n, 0] = _finish_key(key)
        keys[n, 1] = slots[(keys[n, 0] >> np.uint64(40)) & np.uint64(len(slots) - 1)]
        while i < end and chars[i] < ALPHABETS_END and letters[chars[i] + shift] != NONE:
            i += 1
        n += 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _add_grams(chars, start, stop, shift, frame, grams, lanes, scores):
    """Adds the n-grams of a word to `scores`."""
    letters, pairs, follow, table = grams
    pair_at, width, follow_at, table_at, n_langs = frame
    two, one = np.int64(NONE), np.int64(SPACE)
    capitals = was_upper = False
    for i in range(start, stop):
        code = np.int64(letters[np.int64(chars[i]) + shift])
        upper = code >= CAPITAL
        code &= CAPITAL - 1
        capitals = upper and (was_upper or capitals)
        was_upper = upper
        gram = np.int64(follow[follow_at + np.int64(pairs[pair_at + two * width + one]) * width + code])
        _add(scores, table, table_at + (0 if capitals else gram * n_langs), np.int32(1), lanes)
        two, one = one, code
    gram = np.int64(follow[follow_at + np.int64(pairs[pair_at + two * width + one]) * width + SPACE])
    _add(scores, table, table_at + gram * n_langs, np.int32(1), lanes)


@njit(cache=True, nogil=True)
def score_atom(chars, start, end, loud, frame, grams, words, spans, keys, scores, total):
    """Log-likelihoods (SCALE steps a nat) of the words of an atom under the languages of its script.

    By langdetect's n-grams of 1 to 3 letters, spaces around the word among them; as there, nothing counts from the second
    capital of a row of capitals on. And WORD_WEIGHT times what the whole word is likelier than the least of the word lists.

    loud    : read the words as if they were in lower case.
    frame   : of the script, grams : of all scripts (see `tasks.profiles.Profiles`).
    words   : folded (n,) uint16, code point to its lower case; slots (2^k,) uint64, see `file_words`; table uint8.
    spans   : room for where each word begins; keys : for two numbers a word (uint64).
    scores  : (MAX_WORDS, lanes) int32, gets a row a word; total : (lanes,) int32, gets their sum. What stands in lanes beyond
              the languages of the script means nothing.
    returns : number of words, and whether the language may change inside: whether the best language of each word is
              together likelier than the best of the whole by what a change costs.
    """
    n_langs = frame[4]
    lanes = (n_langs + LANES - 1) // LANES * LANES
    shift = ALPHABETS_END if loud else 0
    folded, slots, word_table = words
    # All words before any list is asked: the far look-ups then run side by side.
    n = _find_words(chars, start, end, shift, grams[0], folded, slots, spans, keys)
    for k in range(lanes):
        total[k] = np.int32(0)
    each = np.int64(0)
    for m in range(n):
        entry = keys[m, 1]
        if entry != 0 and (entry ^ keys[m, 0]) >> np.uint64(WORD_BITS) != 0:
            entry = slots[_word_slot(slots, keys[m, 0])]
        at = np.int64(entry & np.uint64((1 << WORD_BITS) - 1))
        own = scores[m]
        for k in range(lanes):
            own[k] = np.int32(0)
        _add(own, word_table, at, np.int32(WORD_WEIGHT * SCALE // WORD_SCALE), lanes)
        _add_grams(chars, spans[m, 0], spans[m, 1], shift, frame, grams, lanes, own)
        _add(total, own, 0, np.int32(1), lanes)
        top = own[0]
        for k in range(1, n_langs):
            top = max(top, own[k])
        each += top
    top = total[0]
    for k in range(1, n_langs):
        top = max(top, total[k])
    return n, each - top > SWITCH_WORD


@njit(cache=True, nogil=True)
def step(best, back, scores, price, n_langs):
    """One link of the chain: staying is free, a change costs `price`; writes the language before into `back`."""
    lead = 0
    for k in range(1, n_langs):
        if best[k] > best[lead]:
            lead = k
    change = best[lead] - price
    for k in range(n_langs):
        back[k] = k
        if best[k] < change:
            best[k] = change
            back[k] = lead
        best[k] += scores[k]


@njit(cache=True, nogil=True)
def decide_alphabets(wanted, atoms, chars, frames, grams, words, blocks, english, numbers, und, may_cut, langs, likelihoods):
    """Language of each atom in an alphabet; writes into langs (int32), and into likelihoods (n_atoms, n_langs) int32.

    wanted  : (n_rows,) bool, rows to decide.  atoms : first, kinds, breaks, stats, starts, ends.
    frames, grams, words : see `score_atom`; a frame a script.
    blocks  : (5,) int64, the languages of alphabet `kind` are blocks[kind] to blocks[kind + 1] - 1.
    english : index of English among the languages, -1 when it is no candidate.
    numbers : (n_langs,) int32, language number of each.  und : the number of none, for alphabets without a candidate.
    returns : where an atom must be cut because its language changes inside: atoms, buffer offsets (int64), unless it may not.
              Such rows are to be cut and decided once more.
    """
    first, kinds, breaks, stats, starts, ends = atoms
    n_langs = len(numbers)
    spans = np.empty((MAX_WORDS, 2), np.int64)
    keys = np.empty((MAX_WORDS, 2), np.uint64)
    scores = np.empty((MAX_WORDS, n_langs + LANES), np.int32)
    total = np.empty(n_langs + LANES, np.int32)
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
            own_langs = blocks[kind + 1] - low
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
                if own_langs == 0:
                    langs[a] = und
                    continue
                loud = stats[a, 4] == 0
                n_words, uneven = score_atom(chars, starts[a], ends[a], loud, frames[kind], grams, words, spans, keys, scores, total)
                if han and (stats[a, 1] < 3 or stats[a, 0] < 12):
                    for k in range(own_langs):
                        total[k] = np.int32((0 if loud else total[k] // NAME_DIVISOR) - (0 if low + k == english else FAVOUR))
                    uneven = False
                for k in range(own_langs):
                    likelihoods[a, low + k] = total[k]
                links = n_words if uneven and may_cut else 1
                while n + links > len(link_atom):
                    back, link_atom, link_start = _longer(back, link_atom, link_start)
                for w in range(links):
                    link_atom[n] = a
                    link_start[n] = spans[w, 0]
                    own = scores[w] if links > 1 else total
                    if n == 0:
                        for k in range(own_langs):
                            best[k] = own[k] + (PRIOR if low + k == english else 0)
                    else:
                        step(best, back[n], own, price if w == 0 else SWITCH_WORD, own_langs)
                    n += 1
                price = np.int64(0)
            if n == 0:
                continue
            lead = best[:own_langs].argmax()
            for m in range(n - 1, -1, -1):
                a = link_atom[m]
                if m == n - 1 or link_atom[m + 1] != a:
                    langs[a] = numbers[low + lead]
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
