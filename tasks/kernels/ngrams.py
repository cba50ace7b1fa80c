"""Counting, estimating and looking up character n-grams; the slow twin is tests/naive_language_model.py.

A row is read as BEGIN, its characters, END. The *n-gram at i* ends at position i. Grams of order n are numbered from 0; the pair
(number of the (n-1)-gram at i-1, number of the one at i) names the n-gram at i exactly, so nothing is lost to hashing while counting.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BEGIN, END = 0x110000, 0x110001  # two symbols above Unicode
SYMBOLS = 0x110002
UNKNOWN = -1
#: Steps of the stored logarithms to base 2: 24 bits of probability, 16 of backoff, in 255 steps.
PROBABILITY_STEP, BACKOFF_STEP = 24 / 255, 16 / 255
TOUCHED = 128  # look-ups whose memory is asked for before the first is read
SPARE = 4096  # slots behind the last one that a hash can name, for runs that begin near it
SHOCK = 16.0  # bits. Measured: 4 characters in a thousand of sound text cost more, 40 where a twentieth is noise
BLOCK = 1024  # characters looked up together

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)
_MARK, _BYTE = np.uint64(16), np.uint64(255)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def symbols(chars, offsets, rows):
    """(n,) uint32, BEGIN, characters and END of the chosen rows one after the other; decimal digits are all `0`."""
    total = 0
    for r in rows:
        total += offsets[r + 1] - offsets[r] + 2
    out = np.empty(total, np.uint32)
    at = 0
    for r in rows:
        out[at] = BEGIN
        at += 1
        for i in range(offsets[r], offsets[r + 1]):
            c = chars[i]
            out[at] = np.uint32(48) if np.uint32(48) <= c <= np.uint32(57) else c
            at += 1
        out[at] = END
        at += 1
    return out


@njit(cache=True, nogil=True)
def first_order(text):
    """Symbols as numbers in order of first sight.

    returns : ids (n,) int32; codes (distinct,) uint32; counts (distinct,) int32.
    """
    number = np.full(SYMBOLS, -1, np.int32)
    ids = np.empty(len(text), np.int32)
    codes = np.empty(SYMBOLS, np.uint32)
    counts = np.zeros(SYMBOLS, np.int32)
    n = 0
    for i in range(len(text)):
        c = text[i]
        if number[c] < 0:
            number[c] = n
            codes[n] = c
            n += 1
        ids[i] = number[c]
        counts[number[c]] += 1
    return ids, codes[:n].copy(), counts[:n].copy()


@njit(cache=True, nogil=True)
def next_order(ids, text):
    """Grams one longer than those in `ids`.

    ids, text : (n,) int32, number of the gram at each position, -1 for none; (n,) uint32 symbols: no gram holds one that ends a row
                before one that begins the next.
    returns   : ids (n,) int32; context, suffix (grams,) int32, numbers of the shorter grams; counts (grams,) int32.

    Pairs are dealt to partitions that fit the cache by the high bits of their hash, then numbered in a small table each: two passes
    over memory whatever the number of grams (Balkesen et al. 2013, on joins).
    """
    n = len(ids)
    bits = 1
    while bits < 11 and (n >> bits) > 8192:
        bits += 1
    shift = np.uint64(64 - bits)
    starts = np.zeros((1 << bits) + 1, np.int64)
    for i in range(1, n):
        if ids[i - 1] >= 0 and ids[i] >= 0 and text[i] != BEGIN:
            key = (np.uint64(ids[i - 1]) << _HALF) | np.uint64(ids[i])
            starts[(key * _MIX >> shift) + _ONE] += 1
    largest = 0
    for p in range(1 << bits):
        largest = max(largest, starts[p + 1])
        starts[p + 1] += starts[p]
    total = starts[1 << bits]
    keys = np.empty(total, np.uint64)
    places = np.empty(total, np.int32)
    at = starts[:-1].copy()
    for i in range(1, n):
        if ids[i - 1] >= 0 and ids[i] >= 0 and text[i] != BEGIN:
            key = (np.uint64(ids[i - 1]) << _HALF) | np.uint64(ids[i])
            p = key * _MIX >> shift
            keys[at[p]] = key
            places[at[p]] = i
            at[p] += 1
    return _number(keys, places, starts, largest, n)


@njit(cache=True, nogil=True)
def _number(keys, places, starts, largest, n):
    """Numbers of equal keys, partition by partition; see `next_order`."""
    size = 16
    while size < 2 * largest:
        size *= 2
    slots = np.empty(size, np.int32)
    out = np.full(n, -1, np.int32)
    grams = np.empty(len(keys), np.uint64)
    counts = np.zeros(len(keys), np.int32)
    found = 0
    for p in range(len(starts) - 1):
        bits = 4
        while (1 << bits) < 2 * (starts[p + 1] - starts[p]):
            bits += 1
        mask = np.uint64((1 << bits) - 1)
        slots[: 1 << bits] = -1
        for k in range(starts[p], starts[p + 1]):
            key = keys[k]
            at = (key * _MIX >> np.uint64(20)) & mask
            while slots[at] >= 0 and grams[slots[at]] != key:
                at = (at + _ONE) & mask
            if slots[at] < 0:
                slots[at] = found
                grams[found] = key
                found += 1
            counts[slots[at]] += 1
            out[places[k]] = slots[at]
    context = np.empty(found, np.int32)
    suffix = np.empty(found, np.int32)
    for g in range(found):
        context[g] = np.int32(grams[g] >> _HALF)
        suffix[g] = np.int32(grams[g] & _LOW)
    return out, context, suffix, counts[:found].copy()


@njit(cache=True, nogil=True)
def adjusted(counts, begins, longer_suffix):
    """(grams,) int32, in how many grams one longer each is the suffix; grams that begin a row keep their count.

    begins : (grams,) bool; longer_suffix : (longer grams,) int32.
    """
    out = np.zeros(len(counts), np.int32)
    for g in longer_suffix:
        out[g] += 1
    for g in range(len(counts)):
        if begins[g]:
            out[g] = counts[g]
    return out


@njit(cache=True, nogil=True)
def estimate(context, suffix, counts, keep, discounts, shorter, contexts):
    """Interpolated probabilities with modified Kneser-Ney discounts (Chen and Goodman 1998; pruning as in Heafield et al. 2013).

    counts    : (grams,) int32, adjusted; keep : (grams,) bool, grams that stay: the mass of the others goes to the backoff.
    discounts : (4,) float64 for counts 0, 1, 2, 3 and more.
    shorter   : (grams of the order below,) float32, their probabilities. contexts : how many there are.
    returns   : (grams,) float32 probability, 0 where not kept; (contexts,) float32 backoff, 1 where nothing followed.
    """
    total = np.zeros(contexts, np.float64)
    left = np.zeros(contexts, np.float64)
    for g in range(len(counts)):
        c = context[g]
        total[c] += counts[g]
        left[c] += discounts[min(counts[g], 3)] if keep[g] else counts[g]
    out = np.zeros(len(counts), np.float32)
    for g in range(len(counts)):
        if keep[g]:
            c = context[g]
            out[g] = (counts[g] - discounts[min(counts[g], 3)] + left[c] * shorter[suffix[g]]) / total[c]
    backoff = np.ones(contexts, np.float32)
    for c in range(contexts):
        if total[c] > 0:
            backoff[c] = left[c] / total[c]
    return out, backoff


@njit(cache=True, nogil=True)
def _symbol_hash(code):
    x = (np.uint64(code) + _ONE) * _MIX
    return (x ^ (x >> _HALF)) * _BASE


@njit(cache=True, nogil=True)
def _slot_hash(gram, order):
    x = (gram ^ (gram >> _HALF)) * _MIX + np.uint64(order) * _BASE
    return (x ^ (x >> np.uint64(29))) * _BASE


@njit(cache=True, nogil=True)
def _place(hashed, size):
    """Slot of a hash: the high half, scaled (Lemire 2019); and its fingerprint, 1 to 65535, of the low half."""
    mark = hashed & np.uint64(0xFFFF)
    return ((hashed >> _HALF) * np.uint64(size)) >> _HALF, mark if mark != 0 else _ONE


@njit(cache=True, nogil=True)
def _find(table, at, mark):
    """The slot with a fingerprint, or 0 when an empty one comes first."""
    slot = np.uint64(table[at])
    while slot != 0 and slot >> _MARK != mark:
        at += _ONE
        slot = np.uint64(table[at])
    return slot


@njit(cache=True, nogil=True)
def symbol_hashes(codes):
    """(n,) uint64, the hash of each symbol as a gram of order 1."""
    out = np.empty(len(codes), np.uint64)
    for i in range(len(codes)):
        out[i] = _symbol_hash(codes[i])
    return out


@njit(cache=True, nogil=True)
def hashes(context, last, shorter, symbol):
    """(grams,) uint64: hash of the context, moved by one, and of the last symbol. last : its number; symbol : hashes by number."""
    out = np.empty(len(context), np.uint64)
    for g in range(len(context)):
        out[g] = shorter[context[g]] * _BASE + symbol[last[g]]
    return out


@njit(cache=True, nogil=True)
def store(table, order, gram, keep, probability, backoff):
    """Enter the kept grams of an order into the table.

    table   : (slots + SPARE,) uint32. A slot holds a fingerprint of 16 bits, probability and backoff in 8 bits each: four bytes. A
              gram whose fingerprint stands in its run already (1 in 40,000) shares that slot, and one that finds the spare slots
              at the end used up is left out.
    backoff : (grams,) float32, or none for the last order.
    """
    size = len(table) - SPARE
    for g in range(len(gram)):
        if not keep[g]:
            continue
        at, mark = _place(_slot_hash(gram[g], order), size)
        if _find(table, at, mark) != 0:
            continue
        while table[at] != 0:
            at += _ONE
        if at + _ONE >= np.uint64(len(table)):  # the last slot stays empty: every search ends there
            continue
        p = min(255, int(-np.log2(np.float64(probability[g])) / PROBABILITY_STEP + 0.5))
        b = 0
        if len(backoff):
            b = min(255, int(-np.log2(max(np.float64(backoff[g]), 1e-9)) / BACKOFF_STEP + 0.5))
        table[at] = (np.uint32(mark) << np.uint32(16)) | (np.uint32(p) << np.uint32(8)) | np.uint32(b)


@njit(cache=True, nogil=True)
def _look_up(table, k, alive, symbol, gram, power, match, value, backs):
    """Extend the grams at the `alive` places to length k; returns the places where that was found, in `alive`, and their number.

    Memory is asked for in batches before it is read: look-ups that wait for each other cost ten times as much.
    """
    size = len(table) - SPARE
    where, marks = np.empty(TOUCHED, np.uint64), np.empty(TOUCHED, np.uint64)
    touched = np.uint32(0)
    found = 0
    for first in range(0, len(alive), TOUCHED):
        last = min(first + TOUCHED, len(alive))
        for w in range(first, last):
            i = alive[w]
            gram[i] += symbol[i - k + 1] * power
            at, marks[w - first] = _place(_slot_hash(gram[i], k), size)
            where[w - first] = at
            touched ^= table[at]
        for w in range(first, last):
            slot = _find(table, where[w - first], marks[w - first])
            i = alive[w]
            hit = slot != 0
            match[i] += np.int8(hit)
            # Where nothing is found, what stands there stays: a sum instead of a branch.
            value[i] = value[i] * np.float32(not hit) - np.float32(PROBABILITY_STEP) * np.float32((slot >> np.uint64(8)) & _BYTE)
            backs[i, k - 1] = -np.float32(BACKOFF_STEP) * np.float32(slot & _BYTE)
            alive[found] = i
            found += hit
    return found, touched


@njit(cache=True, nogil=True)
def _fill(chars, start, end, at, code, alive, n_alive, model, symbol, gram, match, value, backs):
    """Put BEGIN, a row and END at `at`, each with what the model says of it alone."""
    first_p, first_b, unknown = model
    for i in range(start - 1, end + 1):
        c = np.uint32(BEGIN)
        if i == end:
            c = np.uint32(END)
        elif i >= start:
            c = np.uint32(48) if np.uint32(48) <= chars[i] <= np.uint32(57) else chars[i]
        code[at] = c
        symbol[at] = gram[at] = _symbol_hash(c)
        seen = first_p[c] <= 0
        match[at] = seen
        value[at] = first_p[c] if seen else unknown
        backs[at, 0] = first_b[c]
        if seen and i >= start and match[at - 1] == 1:
            alive[n_alive] = at
            n_alive += 1
        at += 1
    return at, n_alive


@njit(cache=True, nogil=True)
def score(chars, offsets, order, table, first_p, first_b, unknown):
    """Surprise of each row.

    table            : (slots,) uint32 of `store`.
    first_p, first_b : (SYMBOLS,) float32, log2 of probability and backoff of single symbols; 1 and 0 where never seen.
    unknown          : log2 of the probability of a symbol never seen.
    returns          : bits (n,) float64, the sum of -log2 p over the characters and END; shocks (n,) int64, characters that cost more
                       than SHOCK bits.
    """
    n_rows = len(offsets) - 1
    bits, shocks = np.zeros(n_rows, np.float64), np.zeros(n_rows, np.int64)
    longest = 0
    for r in range(n_rows):
        longest = max(longest, offsets[r + 1] - offsets[r])
    m = longest + 2 + BLOCK
    code, symbol, gram = np.empty(m, np.uint32), np.empty(m, np.uint64), np.empty(m, np.uint64)
    match, value, alive = np.empty(m, np.int8), np.empty(m, np.float32), np.empty(m, np.int64)
    backs = np.empty((m, order), np.float32)  # backs[i, k - 1]: backoff of the k-gram at i
    touched = np.uint32(0)
    row = 0
    while row < n_rows:
        begin = row
        n = n_alive = 0
        while row < n_rows and n < BLOCK:  # several short rows, or one long one
            n, n_alive = _fill(
                chars,
                offsets[row],
                offsets[row + 1],
                n,
                code,
                alive,
                n_alive,
                (first_p, first_b, unknown),
                symbol,
                gram,
                match,
                value,
                backs,
            )
            row += 1
        power = _BASE
        for k in range(2, order + 1):
            found, seen = _look_up(table, k, alive[:n_alive], symbol, gram, power, match, value, backs)
            touched ^= seen
            power *= _BASE
            n_alive = 0
            for w in range(found):  # a gram of k + 1 has one of k at both its ends
                i = alive[w]
                alive[n_alive] = i
                n_alive += match[i - 1] >= k
        r = begin - 1
        for i in range(n):
            if code[i] == BEGIN:
                r += 1
                continue
            total = -np.float64(value[i])
            for k in range(max(match[i], 1), min(match[i - 1], order - 1) + 1):
                total -= backs[i - 1, k - 1]
            bits[r] += total
            shocks[r] += code[i] != END and total > SHOCK
    return bits, shocks, touched
