"""Keys of lines for mining: skeletons (numbers, dates, addresses, handles, quoted titles and links as slots), labels, ends of lines."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Code points that stand for slots in a skeleton (private use area). NUMBER also covers dates and times.
NUMBER, URL, TITLE, EMAIL, LINK, HANDLE = 0xE000, 0xE001, 0xE002, 0xE003, 0xE004, 0xE005
_MAX_QUOTE = 60  # characters; a longer quotation is text, not a title
_MAX_LINK = 400  # characters of a Markdown link
_MIN_REST = 4  # letters and Han characters outside slots; fewer say nothing
_LEAD = 4  # units (Han characters, words of an alphabet, slots) of the keys of a line's two ends
_MAX_LABEL = 12  # units before a colon that are a label
_MAX_TAG = 400  # characters of an HTML tag
#: Bits of `line_keys`' flags: a label stands before a colon or bar; the line ends as a sentence does; a quotation mark (>) opens it; it ends
#: with a colon; a digit follows the label; a link or an image stands in it.
LABELLED, FINAL, QUOTED, OPENS, NUMERIC, LINKED = 1, 2, 4, 8, 16, 32


@njit(cache=True, nogil=True)
def _is_digit(c):
    return 48 <= c <= 57


@njit(cache=True, nogil=True)
def _is_letter(c):
    """ASCII letters (the match form has lower case only), alphabets, kana, Han, Hangul: code points that carry words."""
    return (
        (97 <= c <= 122)
        or (65 <= c <= 90)
        or (0xC0 <= c < 0x2000)
        or (0x3041 <= c <= 0x30FF)
        or (0x3400 <= c <= 0xD7A3)
        or 0x20000 <= c < 0x32000
    )


@njit(cache=True, nogil=True)
def _is_unit(c):
    """年 月 日 时 分 秒 点: what stands between the numbers of a date or time."""
    return c == 0x5E74 or c == 0x6708 or c == 0x65E5 or c == 0x65F6 or c == 0x5206 or c == 0x79D2 or c == 0x70B9


@njit(cache=True, nogil=True)
def _is_numeral(c):
    """〇一二三四五六七八九十百千零两."""
    return (
        c == 0x3007 or c == 0x4E00 or c == 0x4E8C or c == 0x4E09 or c == 0x56DB or c == 0x4E94 or c == 0x516D or c == 0x4E03
        or c == 0x516B or c == 0x4E5D or c == 0x5341 or c == 0x767E or c == 0x5343 or c == 0x96F6 or c == 0x4E24
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _is_mail(c):
    return (97 <= c <= 122) or _is_digit(c) or c == 46 or c == 95 or c == 45 or c == 43


@njit(cache=True, nogil=True)
def _is_word(c):
    return (97 <= c <= 122) or _is_digit(c) or c == 95 or c == 45


@njit(cache=True, nogil=True)
def _find(chars, i, end, target, reach):
    """Index of a character within reach, -1 when it is not there."""
    for j in range(i, min(end, i + reach)):
        if chars[j] == target:
            return j
    return -1


@njit(cache=True, nogil=True)
def _number_end(chars, i, end):
    """One past a number, date or time that begins at i: digits joined by single separators and units."""
    while i < end:
        c = chars[i]
        if (
            _is_digit(c)
            or _is_unit(c)
            or (
                i + 1 < end
                and (_is_digit(chars[i + 1]))
                and (c == 46 or c == 44 or c == 58 or c == 47 or c == 45 or c == 32 or c == 126 or c == 43)
            )
        ):
            i += 1
        else:
            break
    return i


@njit(cache=True, nogil=True)
def _address_end(chars, i, end):
    """One past an address that begins at i: http://, https:// or www. up to a space, a bracket or a character that is not ASCII."""
    web = i + 4 < end and chars[i] == 119 and chars[i + 1] == 119 and chars[i + 2] == 119 and chars[i + 3] == 46
    http = i + 7 < end and chars[i] == 104 and chars[i + 1] == 116 and chars[i + 2] == 116 and chars[i + 3] == 112
    if http:
        j = i + 4 + (chars[i + 4] == 115)
        http = j + 2 < end and chars[j] == 58 and chars[j + 1] == 47 and chars[j + 2] == 47
    if not web and not http:
        return i
    while i < end and 33 <= chars[i] <= 126 and chars[i] != 41 and chars[i] != 93 and chars[i] != 62 and chars[i] != 34:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _step(chars, begin, i, end):
    """(one past the piece that begins at i, the code point that stands for it)."""
    c = chars[i]
    if _is_digit(c):
        return _number_end(chars, i, end), NUMBER
    if c == 0x7B2C:  # 第 before a numeral in characters: 第十二期
        j = i + 1
        while j < end and _is_numeral(chars[j]):
            j += 1
        if j > i + 1:
            return j, NUMBER
    if c == 104 or c == 119:
        j = _address_end(chars, i, end)
        if j > i:
            return j, URL
    if _is_mail(c) and (i == begin or not _is_mail(chars[i - 1])):
        j = i
        while j < end and _is_mail(chars[j]):
            j += 1
        if j < end and chars[j] == 64:
            k = j + 1
            while k < end and _is_mail(chars[k]):
                k += 1
            if k > j + 2:
                return k, EMAIL
    if c == 91:  # [text](target)
        j = _find(chars, i + 1, end, 93, _MAX_LINK)
        if j > 0 and j + 1 < end and chars[j + 1] == 40:
            k = _find(chars, j + 2, end, 41, _MAX_LINK)
            if k > 0:
                return k + 1, LINK
    if c == 64 and i + 2 < end and _is_word(chars[i + 1]) and (i == begin or not _is_mail(chars[i - 1])):  # @handle
        j = i + 1
        while j < end and _is_word(chars[j]):
            j += 1
        return j, HANDLE
    close = 0
    if c == 0x300A:
        close = 0x300B
    elif c == 0x300C:
        close = 0x300D
    elif c == 0x300E:
        close = 0x300F
    elif c == 34:
        close = 34
    if close:
        j = _find(chars, i + 1, end, close, _MAX_QUOTE)
        if j > i + 1:
            return j + 1, TITLE
    return i + 1, c


@njit(cache=True, nogil=True)
def _is_han(c):
    """Kana, Han, Hangul: characters that are words by themselves."""
    return (0x3041 <= c <= 0x30FF) or (0x3400 <= c <= 0xD7A3) or 0x20000 <= c < 0x32000


@njit(cache=True, nogil=True)
def _mix(h, c):
    h = (h ^ np.uint64(c)) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(29))


@njit(cache=True, nogil=True)
def _ends_sentence(c):
    """. ! ? ; and their full-width forms that folding leaves."""
    return c == 0x3002 or c == 33 or c == 63 or c == 46 or c == 59 or c == 0xFF61


_SEED = np.uint64(0x2545F4914F6CDD1D)


@njit(cache=True, nogil=True)
def line_keys(chars, offsets, listed):
    """Keys of folded lines.

    listed  : (n,) bool, items of lists: their links and addresses are content and no slots.
    returns : exact, skeleton, lead, trail (n,) uint64, 0 where too little stands in the line to say anything; rest, inner, words
              (n,) int32 letters outside slots, in links and titles, and in all (addresses and HTML tags apart); flags (n,) uint8.

    exact is of the whole line. skeleton has slots; the text of links is one unless it is more than twice what stands outside.
    lead is of the label before a colon or bar, or else of the first letters outside slots; trail of the last ones.
    """
    n = len(offsets) - 1
    exact, skeleton = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    lead, trail = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    rest, inner, words = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
    flags = np.zeros(n, np.uint8)
    ring = np.zeros(_LEAD, np.uint64)
    for row in range(n):
        begin, end = offsets[row], offsets[row + 1]
        whole, loose, close, first = _SEED, _SEED, _SEED, _SEED
        outside, inside, titles, letters, units = 0, 0, 0, 0, 0
        found = np.uint64(0)
        apart, linked = False, False  # until a slot, all hashes are one; until a link, two are
        flag = 0
        i = begin
        while i < end:
            c = chars[i]
            if 0x4E00 <= c <= 0x9FFF and c != 0x7B2C:  # Han but 第: begins no slot
                loose = _mix(loose, c)
                if apart:
                    whole = _mix(whole, c)
                if linked:
                    close = _mix(close, c)
                if units < _LEAD:
                    first = _mix(first, c)
                ring[units % _LEAD] = c
                units += 1
                outside += 1
                letters += 1
                i += 1
                continue
            if c == 32:  # whether a space stands beside a number or a word is chance
                i += 1
                continue
            if c == 60 and i + 1 < end and (chars[i + 1] == 47 or 97 <= chars[i + 1] <= 122):
                j = _find(chars, i + 1, end, 62, _MAX_TAG)
                if j > 0:  # an HTML tag: hashed, its letters say nothing
                    while i <= j:
                        k, piece = _step(chars, begin, i, end)
                        if NUMBER <= piece <= HANDLE and not apart:
                            apart, whole = True, loose
                        loose = _mix(loose, piece)
                        if linked:
                            close = _mix(close, piece)
                        while i < k:
                            if apart:
                                whole = _mix(whole, chars[i])
                            letters += _is_letter(chars[i])
                            i += 1
                    continue
            if (
                (c == 58 or c == 124)
                and found == 0
                and outside >= 2
                and units <= _MAX_LABEL
                and not linked
                and not (i + 1 < end and chars[i + 1] == 47)
            ):
                found = _mix(loose, c)
                flag |= LABELLED
                j = i + 1
                while j < end and (chars[j] == 32 or chars[j] == 42):
                    j += 1
                if j < end and _is_digit(chars[j]):
                    flag |= NUMERIC
            k, piece = _step(chars, begin, i, end)
            if NUMBER <= piece <= HANDLE and not apart:
                apart, whole = True, loose
            if not linked and (piece == LINK or (listed[row] and piece in (URL, TITLE))):
                linked, close = True, loose
            loose = _mix(loose, piece)
            if piece == LINK or (listed[row] and piece in (URL, TITLE)):
                flag |= LINKED
                text = True
                for j in range(i, k):
                    if piece == LINK and not listed[row] and chars[j] == 93:
                        text = False
                    if text:
                        close = _mix(close, chars[j])
                        inside += _is_letter(chars[j])
            else:
                if linked:
                    close = _mix(close, piece)
                if piece == TITLE:
                    for j in range(i, k):
                        titles += _is_letter(chars[j])
                if NUMBER <= piece <= HANDLE:
                    if units < _LEAD:
                        first = _mix(first, piece)
                    ring[units % _LEAD] = piece
                    units += 1
                elif _is_letter(piece):
                    outside += 1
                    if i == begin or _is_han(piece) or not _is_letter(chars[i - 1]) or _is_han(chars[i - 1]):
                        units += 1
                        ring[(units - 1) % _LEAD] = 0
                    if units <= _LEAD:
                        first = _mix(first, piece)
                    ring[(units - 1) % _LEAD] = _mix(ring[(units - 1) % _LEAD], piece)
            while i < k:
                if apart:
                    whole = _mix(whole, chars[i])
                letters += _is_letter(chars[i])
                i += 1
        if not apart:
            whole = loose
        if not linked:
            close = loose
        if begin < end:
            final = chars[end - 1]
            flag |= FINAL * _ends_sentence(final) | OPENS * (final == 58) | QUOTED * (chars[begin] == 62)
        if letters:
            exact[row] = max(whole, np.uint64(1))
        form = close if listed[row] or inside > 2 * outside else loose
        if (outside >= _MIN_REST or (form == close and outside + inside >= _MIN_REST)) and titles <= 2 * outside:
            skeleton[row] = max(form, np.uint64(1))
        if found != 0:
            lead[row] = found
        elif units > _LEAD:
            lead[row] = max(first, np.uint64(1))
        if units > _LEAD:
            h = _SEED + np.uint64(1)
            for j in range(_LEAD):
                h = _mix(h, ring[(units + j) % _LEAD])
            trail[row] = max(h, np.uint64(1))
        rest[row], inner[row], words[row], flags[row] = outside, inside + titles, letters, flag
    return exact, skeleton, lead, trail, rest, inner, words, flags


@njit(cache=True, nogil=True)
def skeleton_chars(chars):
    """Skeleton of one folded line as code points, slots in the private use area, and where in the line each begins (int64)."""
    out = np.empty(len(chars), np.uint32)
    starts = np.empty(len(chars), np.int64)
    at = 0
    i = 0
    while i < len(chars):
        starts[at] = i
        i, c = _step(chars, 0, i, len(chars))
        out[at] = c
        at += 1
    return out[:at], starts[:at]


_LONGEST = 160  # units of a line that are compared


@njit(cache=True, nogil=True)
def _units(chars, begin, end, out):
    """Write the units (Han characters, words of an alphabet, slots by their kind) as hashes; returns how many."""
    size = 0
    i = begin
    while i < end and size < _LONGEST:
        before = chars[i - 1] if i > begin else 32
        i, c = _step(chars, begin, i, end)
        slot = NUMBER <= c <= HANDLE
        if not slot and not _is_letter(c):
            continue
        if slot or _is_han(c) or not _is_letter(before) or _is_han(before):
            out[size] = _SEED
            size += 1
        out[size - 1] = _mix(out[size - 1], c)
    return size


@njit(cache=True, nogil=True)
def common_shares(chars, offsets):
    """(n,) float64, share of each line's units that it has in order in the next line; the last with the one before.

    The longest common subsequence: names and words that differ are what is left of 1.
    """
    n = len(offsets) - 1
    out = np.zeros(n)
    rows = np.zeros((2, _LONGEST), np.uint64)
    table = np.zeros((2, _LONGEST + 1), np.int32)
    sizes = np.zeros(2, np.int64)
    for row in range(n):
        side, other = row & 1, 1 - (row & 1)
        size = _units(chars, offsets[row], offsets[row + 1], rows[side])
        sizes[side] = size
        if row == 0:
            continue
        table[:] = 0
        for x in range(size):
            now, before = x & 1, 1 - (x & 1)
            for y in range(sizes[other]):
                if rows[side, x] == rows[other, y]:
                    table[now, y + 1] = table[before, y] + 1
                else:
                    table[now, y + 1] = max(table[before, y + 1], table[now, y])
        common = table[(size - 1) & 1, sizes[other]] if size else 0
        out[row - 1] = common / max(sizes[other], 1)
        if row == n - 1:
            out[row] = common / max(size, 1)
    return out
