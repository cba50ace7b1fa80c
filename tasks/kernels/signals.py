"""Quality signals counted in one pass over the characters of each row; the slow twin is tests/naive_signals.py."""

from __future__ import annotations

import numpy as np
from numba import njit

# Classes of characters, in the low bits of the class table (tasks/signals.py builds it).
OTHER, SPACE, HAN, LATIN, DIGIT, PUNCTUATION, SYMBOL = range(7)
CLASS = 0x07
# Flags: the character may start a filler, may start mojibake, is a bracket or quotation mark, closes one.
FILLER_START, SUSPECT, BRACKET, CLOSER = 0x08, 0x10, 0x20, 0x40
# The character has a part in none of the rare branches below when no flag and no line end is set.
LINE_END = 0x80

# Bits of the table of second characters: a filler has the character there; the character alone is a filler.
SECOND, ALONE = 1, 2
FINAL = (0x3002, 0x21, 0x3F, 0xFF01, 0xFF1F, 0x2026, 0xFF61, 0xFF0E)  # 。!?！？…｡．

# Columns of the result of `count`.
VISIBLE, HANS, LATINS, DIGITS, PUNCTUATIONS, SYMBOLS, URL_CHARS = range(7)
SENTENCES, LINES, UNFINISHED, HEAD, HEAD_DISTINCT, FILLER_CHARS, REPLACEMENTS, UNPAIRED, TOP_BIGRAM, REPEATED = range(7, 17)
LONGEST_SENTENCE = 17
COLUMNS = 18

HEAD_CHARS = 256  # characters that `distinct_char_share` looks at
GRAM = 8  # characters a gram of `duplicate_ngram_share`
BRACKET_KINDS = 12  # a row of the bracket table for each kind; opener = 2 * kind, closer = 2 * kind + 1
SINGLE_QUOTE, DOUBLE_ASCII = 10, 11  # ’ is an apostrophe too; " opens and closes

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def _class_of(table, c):
    """Class byte; planes 2 and 3 are Han, everything above is `other`."""
    if c < np.uint32(0x20000):
        return table[c]
    return np.uint8(HAN) if c < np.uint32(0x40000) else np.uint8(OTHER)


@njit(cache=True, nogil=True)
def _lower(c):
    return c + np.uint32(32) if np.uint32(65) <= c <= np.uint32(90) else c


@njit(cache=True, nogil=True)
def _is_final_stop(chars, table, i, end):
    """Whether the full stop at i ends a sentence: it stands before a space, a closing mark or the end."""
    if i + 1 == end:
        return True
    after = _class_of(table, chars[i + 1])
    return (after & CLASS) == SPACE or (after & CLOSER) != 0


@njit(cache=True, nogil=True)
def _starts_with(chars, i, end, word):
    """Whether the lower-cased text at i begins with `word`."""
    if end - i < len(word):
        return False
    k = 0
    while k < len(word) and _lower(chars[i + k]) == word[k]:
        k += 1
    return k == len(word)


@njit(cache=True, nogil=True)
def _url_end(chars, table, i, row_start, end, http, https, www):
    """End of the URL that starts at i, or i when none does."""
    if _starts_with(chars, i, end, https):
        start = i + len(https)
    elif _starts_with(chars, i, end, http):
        start = i + len(http)
    elif _starts_with(chars, i, end, www):
        if i > row_start:
            before = _class_of(table, chars[i - 1]) & CLASS
            if before in (LATIN, DIGIT):
                return i
        start = i + len(www)
    else:
        return i
    j = start
    round_open = 0
    square_open = 0
    while j < end:
        c = chars[j]
        if c <= 0x20 or c >= 0x7F or c in (0x22, 0x3C, 0x3E, 0x60):
            break
        if (c == 0x29 and round_open == 0) or (c == 0x5D and square_open == 0):  # the bracket around the URL
            break
        round_open += int(c == 0x28) - int(c == 0x29)
        square_open += int(c == 0x5B) - int(c == 0x5D)
        j += 1
    while j > start and chars[j - 1] in (0x2E, 0x2C, 0x3B, 0x3A, 0x21, 0x3F, 0x27, 0x2A):  # .,;:!?'* after a URL is not part of it
        j -= 1
    return j if j > start else i


@njit(cache=True, nogil=True)
def _filler_length(chars, table, i, row_start, end, words, word_offsets, first, first_count):
    """Length of the longest filler at i, 0 when none; words of letters must stand alone.

    words, word_offsets : fillers sorted by first character, longest first.
    first, first_count  : (0x20000,) index of the first filler with that first character, and their number.
    """
    head = _lower(chars[i])
    latin = (_class_of(table, head) & CLASS) == LATIN
    if latin and i > row_start and (_class_of(table, chars[i - 1]) & CLASS) == LATIN:
        return 0
    for w in range(first[head], first[head] + first_count[head]):
        word = words[word_offsets[w] : word_offsets[w + 1]]
        if _starts_with(chars, i, end, word):
            j = i + len(word)
            if not (latin and j < end and (_class_of(table, chars[j]) & CLASS) == LATIN):
                return len(word)
    return 0


@njit(cache=True, nogil=True)
def _is_view(c, views):
    """Whether c is how cp1252 or Latin-1 shows a UTF-8 continuation byte."""
    if c < 0x100:
        return 0x80 <= c <= 0xBF
    k = 0
    while k < len(views) and views[k] != c:
        k += 1
    return k < len(views)


@njit(cache=True, nogil=True)
def _mojibake_length(chars, i, end, views):
    """Length of the broken sequence at i, 0 when there is none.

    U+FFFD; 锟斤拷 (U+FFFD's bytes read as GBK); 烫烫烫 and 屯屯屯 (uninitialised memory read as GBK); UTF-8 read as Latin-1 or
    cp1252: Â or Ã and a continuation byte, or a lead byte E2..EF and two of them.
    """
    c = chars[i]
    if c == 0xFFFD:
        return 1
    if i + 1 >= end:
        return 0
    d = chars[i + 1]
    if c == 0xC2 or c == 0xC3:
        return 2 if 0x80 <= d <= 0xBF else 0
    if c == 0xE2 and d == 0x20AC:  # â€
        return 2
    if i + 2 >= end:
        return 0
    e = chars[i + 2]
    if c == 0x951F:  # 锟
        return 3 if d == 0x65A4 and e == 0x62F7 else 0
    if c == 0x70EB or c == 0x5C6F:  # 烫 屯
        return 3 if d == c and e == c else 0
    # Two typographic marks after an accented letter are French («café…”»), so one of the two must be a Latin-1 one.
    if 0xE2 <= c <= 0xEF and _is_view(d, views) and _is_view(e, views) and (d < 0xC0 or e < 0xC0):
        return 3
    return 0


@njit(cache=True, nogil=True)
def _count_row(chars, start, end, is_code, table, brackets, fillers, url_words, views, depth, out):
    """Fill `out` with everything that needs no memory of earlier grams."""
    words, word_offsets, first, first_count, second = fillers
    http, https, www = url_words
    depth[:] = 0
    has_word = False  # the sentence holds something beside punctuation
    line_visible = 0  # visible characters of the line so far
    line_plain = True  # all of them letters or digits
    line_final = False  # the line ends with final punctuation, closing marks aside
    url_until = start
    filler_until = start
    broken_until = start
    n_han = n_latin = n_digit = n_punctuation = n_symbol = n_visible = 0
    longest = sentence_start = 0  # in visible characters
    for i in range(start, end):
        c = chars[i]
        byte = _class_of(table, c)
        if byte == HAN:  # four of five characters of Chinese text, without a part in anything below
            n_han += 1
            n_visible += 1
            line_visible += 1
            has_word = True
            line_plain = False
            line_final = False
            continue
        kind = byte & CLASS
        if kind == SPACE:
            if (byte & LINE_END) != 0 and line_visible:
                out[SENTENCES] += has_word
                longest = max(longest, n_visible - sentence_start) if has_word else longest
                sentence_start = n_visible
                out[LINES] += 1
                out[UNFINISHED] += not line_final
                has_word = False
                line_visible = 0
                line_plain = True
                line_final = False
            continue
        n_visible += 1
        line_visible += 1
        # What follows is asked first: the calls below pass so many arrays that they cost more than a hundred characters do.
        follower = _lower(chars[i + 1]) if i + 1 < end else np.uint32(0)
        # ht, ww: `http` and `www`
        if kind == LATIN and i >= url_until and ((follower == 0x74 and c | 0x20 == 0x68) or (follower == 0x77 and c | 0x20 == 0x77)):
            url_until = _url_end(chars, table, i, start, end, http, https, www)
            out[URL_CHARS] += max(url_until - i, 0)
        after = second[follower] if follower < 0x20000 else np.uint8(0)
        if (byte & FILLER_START) != 0 and i >= filler_until and ((after & SECOND) != 0 or (second[c] & ALONE) != 0):
            length = _filler_length(chars, table, i, start, end, words, word_offsets, first, first_count)
            filler_until = i + length
            for k in range(i, filler_until):
                out[FILLER_CHARS] += (_class_of(table, chars[k]) & CLASS) != SPACE
        if (byte & SUSPECT) != 0 and i >= broken_until:
            length = _mojibake_length(chars, i, end, views)
            broken_until = i + length
            out[REPLACEMENTS] += length > 0
        if kind in (PUNCTUATION, SYMBOL):
            n_punctuation += kind == PUNCTUATION
            n_symbol += kind == SYMBOL
            has_word |= kind == SYMBOL
            if kind == PUNCTUATION and (c in FINAL or (c == 0x2E and _is_final_stop(chars, table, i, end))):
                line_final = True
                if not is_code:
                    out[SENTENCES] += has_word
                    longest = max(longest, n_visible - sentence_start) if has_word else longest
                    sentence_start = n_visible
                    has_word = False
            elif (byte & CLOSER) == 0:
                line_final = False
            if (byte & BRACKET) != 0:
                slot = brackets[c & np.uint32(0xFFFF)]
                pair = slot >> 1
                if pair == DOUBLE_ASCII:
                    depth[pair] ^= 1
                elif (slot & 1) == 0:
                    depth[pair] += 1
                elif depth[pair] > 0:
                    depth[pair] -= 1
                # `1)` and `a）` number a paragraph, an unpaired ’ is an apostrophe
                elif pair != SINGLE_QUOTE and not (line_plain and 2 <= line_visible <= 4):
                    out[UNPAIRED] += 1
            line_plain = False
        else:
            has_word = True
            line_final = False
            line_plain &= kind != HAN
            n_han += kind == HAN
            n_latin += kind == LATIN
            n_digit += kind == DIGIT
    if line_visible:
        out[SENTENCES] += has_word
        longest = max(longest, n_visible - sentence_start) if has_word else longest
        out[LINES] += 1
        out[UNFINISHED] += not line_final
    out[LONGEST_SENTENCE] = longest
    for pair in range(BRACKET_KINDS):
        out[UNPAIRED] += depth[pair]
    out[VISIBLE] = n_visible
    out[HANS] = n_han
    out[LATINS] = n_latin
    out[DIGITS] = n_digit
    out[PUNCTUATIONS] = n_punctuation
    out[SYMBOLS] = n_symbol


@njit(cache=True, nogil=True)
def _count_repeats(chars, start, end, row_mark, table, seen, plain, place, keys, counts, often, out):
    """Distinct characters of the head, the most frequent bigram, and characters inside grams seen before.

    Grams and the head run over visible characters. Bigrams hold no punctuation and no space, so that `，“` is none.
    seen         : (0x110000,) int64, row_mark where the character was seen in this row.
    plain        : scratch for the visible characters of the row, bit 31 set where a bigram may not reach back.
    place        : scratch, slot of the pair that ends at each visible character.
    keys, counts, often : scratch hash tables, at least four times the length of the row rounded up to a power of two.
    """
    n = 0
    gap = np.uint32(0x80000000)
    barrier = gap
    distinct = 0
    for i in range(start, end):
        c = chars[i]
        kind = _class_of(table, c) & CLASS
        if kind == SPACE:
            barrier = gap
            continue
        if n < HEAD_CHARS and seen[c] != row_mark:
            seen[c] = row_mark
            distinct += 1
        if kind == PUNCTUATION:
            plain[n] = c | gap
            barrier = gap
        else:
            plain[n] = c | barrier
            barrier = np.uint32(0)
        n += 1
    out[HEAD] = min(n, HEAD_CHARS)
    out[HEAD_DISTINCT] = distinct
    if n < 3:
        return
    bits = 4
    while (1 << bits) < 4 * n:
        bits += 1
    size = 1 << bits
    shift = np.uint64(64 - bits)
    mask = np.uint64(size - 1)
    letters = np.uint32(0x1FFFFF)
    # Pairs of neighbours; bigrams are those without punctuation and space. A key is never 0: the characters are visible.
    keys[:size] = 0
    best = 1
    again = False
    for i in range(1, n):
        key = (np.uint64(plain[i - 1] & letters) << np.uint64(21)) | np.uint64(plain[i] & letters)
        at = (key * _MIX) >> shift
        while keys[at] != key and keys[at] != 0:
            at = (at + _ONE) & mask
        if keys[at] == 0:
            keys[at] = key
            counts[at] = 0
            often[at] = 0
        else:
            again = True
        often[at] += 1
        place[i] = at
        if plain[i] & gap == 0:
            counts[at] += 1
            best = max(best, counts[at])
    if best > 1:
        out[TOP_BIGRAM] = best
    if n <= GRAM or not again:
        return
    # A gram that comes twice is made of pairs that come twice: in prose few are, and only their grams are looked up.
    # Two different grams of one row share a hash with probability about n^2 / 2^65.
    keys[:size] = 0
    repeated = 0
    covered = 0  # visible characters before this index are counted
    run = 0  # pairs that come twice, one after the other, up to here
    for i in range(1, n):
        if often[place[i]] < 2:
            run = 0
            continue
        run += 1
        if run < GRAM - 1:
            continue
        key = np.uint64(0)
        for k in range(i + 1 - GRAM, i + 1):
            key = key * _BASE + np.uint64(plain[k] & letters)
        key = key if key != 0 else _ONE
        at = (key * _MIX) >> shift
        while keys[at] != key and keys[at] != 0:
            at = (at + _ONE) & mask
        if keys[at] == 0:
            keys[at] = key
        else:
            repeated += i + 1 - max(covered, i + 1 - GRAM)
            covered = i + 1
    out[REPEATED] = repeated


@njit(cache=True, nogil=True)
def count(chars, offsets, is_code, table, brackets, fillers, url_words, views):
    """Counts behind the signals of each row.

    chars     : (n_chars,) uint32; offsets : (n + 1,) int64; is_code : (n,) bool.
    table     : (0x20000,) uint8, class and flags of each character.
    brackets  : (0x10000,) uint8, 2 * pair for an opening mark, 2 * pair + 1 for a closing one.
    fillers   : words (n,) uint32, word_offsets int64, first and first_count (0x20000,) int32, second (0x20000,) uint8.
    url_words : three uint32 arrays: http://, https://, www.
    views     : (n,) uint32, cp1252's characters for the bytes 80 to 9F.
    returns   : (n, COLUMNS) int64.
    """
    n_rows = len(offsets) - 1
    out = np.zeros((n_rows, COLUMNS), np.int64)
    longest = 0
    for row in range(n_rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = 16
    while size < 4 * longest:
        size *= 2
    depth = np.zeros(BRACKET_KINDS, np.int64)
    seen = np.full(0x110000, -1, np.int32)
    plain = np.empty(longest + 1, np.uint32)
    place = np.empty(longest + 1, np.uint32)
    keys = np.empty(size, np.uint64)
    counts = np.empty(size, np.int32)
    often = np.empty(size, np.int32)
    for row in range(n_rows):
        _count_row(chars, offsets[row], offsets[row + 1], is_code[row], table, brackets, fillers, url_words, views, depth, out[row])
        _count_repeats(chars, offsets[row], offsets[row + 1], row, table, seen, plain, place, keys, counts, often, out[row])
    return out
