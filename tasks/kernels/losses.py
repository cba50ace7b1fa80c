"""Kernels of what a removal would lose: two folds side by side, and what the one that goes says beyond the one that stays."""

from __future__ import annotations

import numpy as np
from numba import njit

# Element flags, as in `tasks.kernels.fold`.
SLOT, NUMERAL, LETTER = 1, 2, 4
#: Roles of a character, bits of the table: says nothing by itself; says no; common; makes a lone 一 after it a number; begins many names; has an
#: opposite or its like (left, woman, red).
FUNCTION, NEGATION, COMMON, ORDINAL, SURNAME, TELLING = 1, 2, 4, 8, 16, 32
#: What a text says beyond another: nothing; what is another word for the same, if one is an edition of the other; something.
NOTHING, REWORDED, MORE = 0, 1, 2
#: Fifths of a token, as everywhere: what a token and a letter weigh.
_TOKEN, _LETTER = 5, 3
#: Elements of either side that a gap may have: of what goes a clause at most, of what stays, which may say more, a sentence or two.
GAP, WIDE = 24, 64
#: Weights of the equal run that closes a gap, and of one that may stand elsewhere in the other text: a clause.
CLOSING, MOVED = 15, 30
#: Elements that the text that stays may have more in one place before a "no" among them is the "no" of another clause.
SHORT = 6
#: Equal text, in fifths of a token, from which single odd characters are slips of the pen, and so much of it for each.
CONTEXT, EACH = 300, 165
#: Equal text, in fifths of a token, that a character of another word needs, and characters of other words in one place at most.
AROUND, WORDS = 40, 6
#: Elements that are read in search of what was moved, for a pair; when that is not enough, the two are not told to be alike.
READ = 1 << 24

_SPACE = np.uint64(32)
_ONE = np.uint64(0x4E00)
#: Words that say no, each packed into 64 bits, letter by letter from the lowest.
_NO = tuple(
    np.uint64(sum(ord(c) << (8 * i) for i, c in enumerate(word)))
    for word in ("no", "not", "nor", "non", "never", "none", "cannot", "without", "neither", "nobody", "nothing", "hardly", "except")
)


@njit(cache=True, nogil=True, inline="always")
def _weight(flag):
    return _LETTER if flag & LETTER else _TOKEN


@njit(cache=True, nogil=True, inline="always")
def _role(roles, e):
    return roles[e] if e < np.uint64(len(roles)) else np.uint8(0)


@njit(cache=True, nogil=True)
def _closes(x, flags, i, ce, q, ke):
    """Whether an equal run that ends a gap begins at i and q: heavy enough, or to the end of both."""
    weight = 0
    while i < ce and q < ke and x[i] == x[q]:
        weight += _weight(flags[i])
        if weight >= CLOSING:
            return True
        i += 1
        q += 1
    return i == ce and q == ke


@njit(cache=True, nogil=True)
def _resume(x, flags, i, ce, q, ke):
    """The least (di, dq) after which both go on alike; (-1, -1) for none within the bounds of a gap."""
    for d in range(1, GAP + WIDE + 1):
        for di in range(max(0, d - WIDE), min(d, GAP, ce - i) + 1):
            dq = d - di
            if q + dq > ke:
                continue
            a, b = i + di, q + dq
            if a == ce and b == ke:
                return di, dq
            if a < ce and b < ke and x[a] == x[b] and _closes(x, flags, a, ce, b, ke):
                return di, dq
    return -1, -1


@njit(cache=True, nogil=True)
def _elsewhere(x, flags, i, row, farthest):
    """(di, at): the next element of what goes from which a clause stands at `at` of the other text, the longest there; (-1, -1) for none.

    row[4] : how much may still be read; periodic text would be read with the square of its length.
    """
    ce, ks, ke = row[1], row[2], row[3]
    for di in range(min(farthest, ce - i - 1) + 1):
        row[4] -= ke - ks
        if row[4] < 0:
            break
        best = -1
        most = MOVED - 1
        for p in range(ks, ke):
            if x[p] != x[i + di]:
                continue
            weight = 0
            a, b = i + di, p
            while a < ce and b < ke and x[a] == x[b]:
                weight += _weight(flags[a])
                a += 1
                b += 1
            row[4] -= a - i
            if row[4] < 0:
                break
            if weight > most:
                best, most = p, weight
        if best >= 0:
            return di, best
    return -1, -1


@njit(cache=True, nogil=True)
def _common(x, a, n, b, m, kept, table):
    """Longest common subsequence of x[a:a + n] and x[b:b + m]: sets kept[0, :n] and kept[1, :m]. table : (GAP + 1, WIDE + 1) room."""
    kept[:] = False
    for i in range(n + 1):
        table[i, m] = 0
    for j in range(m + 1):
        table[n, j] = 0
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            table[i, j] = table[i + 1, j + 1] + 1 if x[a + i] == x[b + j] else max(table[i + 1, j], table[i, j + 1])
    i = j = 0
    while i < n and j < m:
        if x[a + i] == x[b + j] and table[i, j] == table[i + 1, j + 1] + 1:
            kept[0, i] = kept[1, j] = True
            i += 1
            j += 1
        elif table[i + 1, j] >= table[i, j + 1]:
            i += 1
        else:
            j += 1


@njit(cache=True, nogil=True)
def _word_of_no(x, flags, b, m, ks, ke, kept):
    """Whether a word of x[b:b + m], all of which is new in part, says no."""
    j = b
    while j < b + m:
        if not flags[j] & LETTER or x[j] == _SPACE or kept[j - b]:
            j += 1
            continue
        start = j
        while start > ks and flags[start - 1] & LETTER and x[start - 1] != _SPACE:
            start -= 1
        word = np.uint64(0)
        k = start
        plain = True
        while k < ke and flags[k] & LETTER and x[k] != _SPACE:
            plain &= x[k] < 128
            if k - start < 8:
                word |= (x[k] & np.uint64(0xFF)) << np.uint64(8 * (k - start))
            k += 1
        if plain and k - start < 8:
            for no in _NO:
                if word == no:
                    return True
        j = k
    return False


@njit(cache=True, nogil=True)
def _confused(pairs, a, b):
    """Whether two characters are written for one another. pairs : sorted uint64, lesser << 32 | greater."""
    key = min(a, b) << np.uint64(32) | max(a, b)
    at = np.searchsorted(pairs, key)
    return at < len(pairs) and pairs[at] == key


@njit(cache=True, nogil=True)
def _named(x, roles, i, cs):
    """Whether one of the two elements before i begins names."""
    return (i > cs and _role(roles, x[i - 1]) & SURNAME != 0) or (i > cs + 1 and _role(roles, x[i - 2]) & SURNAME != 0)


@njit(cache=True, nogil=True)
def _gap(x, flags, roles, pairs, row, i, n, q, m, kept, table):
    """What x[i:i + n] says beyond x[q:q + m]: 0 nothing, 1 one odd character, n + 1 n characters of another word, -1 something.

    row : (5,), where the two texts begin and end."""
    cs, ce, ks, ke = row[0], row[1], row[2], row[3]
    if n == 2 and m == 2 and x[i] == x[q + 1] and x[i + 1] == x[q] and not (flags[i] | flags[i + 1]):
        return 0
    _common(x, i, n, q, m, kept, table)
    no_lost = no_new = content = new = 0
    odd = other = np.int64(-1)
    named = telling = telling_new = False
    for t in range(n):
        if kept[0, t]:
            continue
        e = x[i + t]
        flag = flags[i + t]
        if flag & SLOT or (flag & LETTER and e != _SPACE):
            return -1
        if flag & LETTER:
            continue
        role = _role(roles, e)
        if flag & NUMERAL:
            after = i + t + 1 < ce and flags[i + t + 1] & (SLOT | NUMERAL)
            before = i + t > cs and (flags[i + t - 1] & (SLOT | NUMERAL) or _role(roles, x[i + t - 1]) & ORDINAL)
            if e != _ONE or after or before:
                return -1
        elif role & NEGATION:
            no_lost += 1
        elif not role & FUNCTION:
            stutter = (t > 0 and x[i + t - 1] == e) or (t == 0 and i > cs and x[i - 1] == e) or (i + t + 1 < ce and x[i + t + 1] == e)
            if not stutter:
                content += 1
                odd = i + t
                named |= role & SURNAME != 0 or _named(x, roles, odd, cs)
                telling |= role & TELLING != 0
    for t in range(m):
        if not kept[1, t] and not flags[q + t] & (SLOT | NUMERAL | LETTER):
            role = _role(roles, x[q + t])
            no_new += role & NEGATION != 0
            if not role & (FUNCTION | NEGATION):
                new += 1
                other = q + t
                telling_new |= role & TELLING != 0
    aside = n == 0 and m > SHORT  # a clause more
    if no_lost != no_new and not (aside and no_lost == 0):
        return -1
    if (n > 0 or m <= 4 * SHORT) and _word_of_no(x, flags, q, m, ks, ke, kept[1]):
        return -1
    if content == 0:
        return 0
    rare = not _role(roles, x[odd]) & COMMON or (new == 1 and not _role(roles, x[other]) & COMMON)
    if content == 1 and new == 1 and _confused(pairs, x[odd], x[other]):
        return 0
    if content == 1 and new <= 1 and rare and not named:
        return 1
    if named or content > WORDS or (telling and (telling_new or (new == 0 and content == 1))):
        return -1
    return 1 + content


@njit(cache=True, nogil=True)
def _says_more(x, flags, roles, pairs, row, kept, table):
    """What the text row[0]:row[1] says beyond row[2]:row[3]."""
    cs, ce, ks, ke = row[0], row[1], row[2], row[3]
    i, q = cs, ks
    equal = odd = words = 0
    while True:
        while i < ce and q < ke and x[i] == x[q]:
            equal += _weight(flags[i])
            i += 1
            q += 1
        if i == ce and (q == ke or ke - q > WIDE):
            break
        di, to = _elsewhere(x, flags, i, row, 0)  # what goes has nothing of its own here
        dq = to - q if q <= to <= q + WIDE else 0
        if di < 0:
            di, dq = _resume(x, flags, i, ce, q, ke)
            to = q + dq
        if di < 0:
            di, to = _elsewhere(x, flags, i, row, GAP)
            dq = 0
        if di < 0:
            if ce - i > GAP or row[4] < 0:
                return MORE
            di, to, dq = ce - i, ke, 0
        found = _gap(x, flags, roles, pairs, row, i, di, q, dq, kept, table)
        if found < 0:
            return MORE
        odd += found == 1
        words += max(0, found - 1)
        i += di
        q = to
        if i == ce:
            break
    if words == 0 and (odd == 0 or (equal >= CONTEXT and odd * EACH <= equal)):
        return NOTHING
    return REWORDED if (odd + words) * AROUND <= equal else MORE


@njit(cache=True, nogil=True)
def says_more(x, flags, offsets, roles, pairs, goes, stays):
    """(n,) uint8: what the text of row goes[i] says beyond the text of row stays[i]: NOTHING, REWORDED or MORE.

    The two are read side by side. Where they part, a clause that stands elsewhere in the other text is taken, or the next place from which
    both go on alike, or a clause further on; between lies a gap. Of a gap the longest common subsequence (Wagner and Fischer 1974) is set aside; what is left
    of the text that goes may be function characters, a stutter, two characters that changed places or are written for one another.
    A number, a word of letters, a negation on one side, or other characters say something. A single odd character (rare, or for a
    rare one) is a slip in long equal text, but not where a name may stand. A few other characters are another word for the same, where a
    document is known to be an edition of the other: not where a name may stand, nor one thing for its opposite.

    x, flags, offsets : elements (uint64) and flags of all rows; roles : (size,) uint8 by character; pairs : characters written for one
                        another, sorted uint64, lesser << 32 | greater.
    """
    out = np.zeros(len(goes), np.uint8)
    kept = np.zeros((2, WIDE), np.bool_)
    table = np.zeros((GAP + 1, WIDE + 1), np.int16)
    row = np.empty(5, np.int64)
    for r in range(len(goes)):
        row[0], row[1] = offsets[goes[r]], offsets[goes[r] + 1]
        row[2], row[3] = offsets[stays[r]], offsets[stays[r] + 1]
        row[4] = READ
        out[r] = _says_more(x, flags, roles, pairs, row, kept, table)
    return out


@njit(cache=True, nogil=True)
def within(values, offsets, goes, stays):
    """(n,) bool: each value of list goes[i] stands in list stays[i] as often. Lists of a few values, not sorted."""
    out = np.ones(len(goes), np.bool_)
    for r in range(len(goes)):
        for i in range(offsets[goes[r]], offsets[goes[r] + 1]):
            balance = 0
            for k in range(offsets[stays[r]], offsets[stays[r] + 1]):
                balance += values[k] == values[i]
            for k in range(offsets[goes[r]], i + 1):
                balance -= values[k] == values[i]
            if balance < 0:
                out[r] = False
                break
    return out
