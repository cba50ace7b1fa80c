"""Lines of a column of documents, and what each looks like.

Numba kernels. Dimensions: n_chars (the buffer), n_docs, n_lines (lines with a visible character).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.utf8 import is_space

# Bits of `flags`.
FINAL = 1  # ends in sentence punctuation (closing quotes and brackets after it allowed)
LIST = 2  # begins with a list marker: -, *, + or 1. or 1) before a space
BULLET = 4  # begins with a typographic bullet
PIPE = 8  # has a |
PIPE_EDGE = 16  # begins with a |
DELIMITER = 32  # Markdown table delimiter row: | --- | :---: |
EQUALS = 64  # nothing but =
DASHES = 128  # nothing but -
BREAK = 256  # thematic break: ---, ***, ___
QUOTE = 512  # begins with >
TAG = 1024  # begins with an HTML table tag
TABLE_OPEN = 2048  # begins with <table
TABLE_CLOSE = 4096  # holds </table
HARD_BREAK = 8192  # Markdown line break: two spaces or a backslash at the end
LINK = 16384  # holds ](
WIDE = 32768  # at least half of it is wide characters

# Formats as the kernels know them; layouts in the order of tasks.segment.LAYOUTS.
TEXT, MARKDOWN_FORMAT, CUES, HTML = 0, 1, 2, 3
CAPTIONS, DIALOGUE, PARAGRAPHS, LINES, MARKDOWN = 0, 1, 2, 3, 4
FRONT = 2  # front matter, as `mark` holds it


#: One line with a visible character; offsets count in the buffer, columns count Han and the like as two.
LINE = np.dtype(
    [
        ("start", np.int64),  # trimmed of white space
        ("end", np.int64),
        ("number", np.int64),  # 1-based in the document, blank lines counted
        ("label_end", np.int64),  # end of a speaker label, before its colon; -1 for none
        ("label", np.uint64),  # hash of the label, 0 for none
        ("hash", np.uint64),  # hash of the visible characters
        ("block", np.int64),  # innermost structural mark of the reader that covers the line, -1 for none
        ("doc", np.int32),
        ("flags", np.uint32),
        ("width", np.int32),  # columns
        ("indent", np.int32),  # columns before it
        ("lead", np.int32),  # columns of its first word, or up to its first Han
        ("level", np.uint8),  # of an ATX heading, 0 for none
        ("fence", np.uint8),  # length up to 10, + 16 for ~, + 32 when nothing follows; 0 for none
        ("mark", np.uint8),  # kind of that structural mark + 1, 0 for none
        ("mark_level", np.uint8),  # of a heading mark
        ("aside", np.bool_),  # marked as not the page's main content
        ("blank_before", np.bool_),
    ],
    align=True,
)


@njit(cache=True, nogil=True)
def _wide(c):
    """Two columns wide: Han, kana, Hangul, full-width forms (East Asian Width W and F, by block)."""
    return (
        (0x1100 <= c < 0x1160)
        or (0x2E80 <= c < 0xA4D0)
        or (0xAC00 <= c < 0xD7A4)
        or (0xF900 <= c < 0xFB00)
        or (0xFE30 <= c < 0xFE70)
        or (0xFF00 <= c < 0xFF61)
        or (0x1F300 <= c < 0x40000)
    )


@njit(cache=True, nogil=True)
def closes(c):
    """Closing quotes and brackets that belong to the sentence before them."""
    return c in (0x22, 0x27, 0x29, 0x5D, 0x2019, 0x201D, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0xFF09, 0xFF3D)


@njit(cache=True, nogil=True)
def _alnum(c):
    return (48 <= c <= 57) or (65 <= c <= 90) or (97 <= c <= 122)


@njit(cache=True, nogil=True)
def _is_final(chars, start, end):
    i = end - 1
    while i > start and closes(chars[i]):
        i -= 1
    c = chars[i]
    return c in (0x21, 0x2E, 0x3F, 0x2026, 0x3002, 0xFF01, 0xFF0E, 0xFF1B, 0xFF1F, 0xFF61)


#: ! " , / ; < > ? as bits: what no speaker's name holds.
_NO_LABEL = np.uint64(sum(1 << ord(char) for char in '!",/;<>?'))


@njit(cache=True, nogil=True)
def _label_end(chars, start, end):
    """End of a speaker label `Name:` of 1 to 20 characters, or -1. Times (12:30), URLs and sentences are none."""
    letters = 0
    for i in range(start, min(end, start + 21)):
        c = chars[i]
        if c == 0x3A or c == 0xFF1A:
            follows_url = i + 2 < end and chars[i + 1] == 0x2F and chars[i + 2] == 0x2F
            return i if letters > 0 and not follows_url else -1
        if (c < 64 and (_NO_LABEL >> np.uint64(c)) & np.uint64(1)) or c == 0x7C or c == 0x60:
            return -1
        if c >= 0x2010 and (c < 0x2027 or (0x3001 <= c < 0x3010) or c == 0xFF01 or c == 0xFF0C or c == 0xFF1B or c == 0xFF1F):
            return -1
        if i == start and 48 <= c <= 57:
            return -1
        letters += (65 <= c <= 90) or (97 <= c <= 122) or c >= 0xC0
    return -1


@njit(cache=True, nogil=True)
def _same(chars, start, end, c):
    """Whether a span is nothing but c."""
    for i in range(start, end):  # noqa: SIM110 (numba compiles no all())
        if chars[i] != c:
            return False
    return True


@njit(cache=True, nogil=True)
def _tag(chars, i, end):
    """1 when an HTML table tag's name begins at i, 2 when it is `table` itself, 0 otherwise. Names are packed, a byte a letter."""
    name = np.int64(0)
    n = 0
    while i + n < end and n < 9 and _alnum(chars[i + n]):
        name = name * 256 + np.int64(chars[i + n] | 32)
        n += 1
    if name == 0x7461626C65:  # table
        return 2
    # tr td th thead tbody tfoot colgroup
    return 1 if name in (0x7472, 0x7464, 0x7468, 0x7468656164, 0x74626F6479, 0x74666F6F74, 0x636F6C67726F7570) else 0


@njit(cache=True, nogil=True)
def _marker(chars, start, end):
    """Flags of the line's first characters: list marker, bullet, quote, rule, table edge, HTML table tag."""
    c = chars[start]
    flags = 0
    if c in (0x2022, 0x2023, 0x25CF, 0x25E6, 0x25AA, 0x2043) and end - start > 1:
        flags |= BULLET
    elif c == 0x2D or c == 0x2A or c == 0x2B:
        if start + 1 < end and is_space(chars[start + 1]):
            flags |= LIST
    elif 48 <= c <= 57:
        i = start
        while i < end and i - start < 9 and 48 <= chars[i] <= 57:
            i += 1
        if i + 1 < end and (chars[i] == 0x2E or chars[i] == 0x29) and is_space(chars[i + 1]):
            flags |= LIST
    elif c == 0x3E:
        flags |= QUOTE
    elif c == 0x7C:
        flags |= PIPE_EDGE
    elif c == 0x3C and end - start > 3:
        at = start + 1 + (chars[start + 1] == 0x2F)
        tag = _tag(chars, at, end)
        if tag:
            flags |= TAG
            if at == start + 1 and tag == 2:
                flags |= TABLE_OPEN
    if c in (0x2D, 0x2A, 0x5F, 0x3D):
        if c == 0x3D and _same(chars, start, end, c):
            flags |= EQUALS
        if c == 0x2D and _same(chars, start, end, c):
            flags |= DASHES
        n = 0
        for i in range(start, end):
            if chars[i] == c:
                n += 1
            elif not is_space(chars[i]):
                n = -1
                break
        if n >= 3 and c != 0x3D:
            flags = (flags | BREAK) & ~LIST
    return flags


@njit(cache=True, nogil=True)
def _level(chars, start, end):
    """Level of an ATX heading, 0 for none. `##标题` without the space is common in Chinese Markdown; `#话题` is a hashtag."""
    n = 0
    while start + n < end and n < 7 and chars[start + n] == 0x23:
        n += 1
    if n == 0 or n > 6 or start + n == end:
        return 0
    after = chars[start + n]
    return n if is_space(after) or (n >= 2 and after >= 0x2E80) else 0


@njit(cache=True, nogil=True)
def _fence(chars, start, end):
    c = chars[start]
    if c != 0x60 and c != 0x7E:
        return 0
    n = 0
    while start + n < end and chars[start + n] == c:
        n += 1
    if n < 3:
        return 0
    for i in range(start + n, end):
        if chars[i] == 0x60 and c == 0x60:
            return 0
    return min(n, 10) + (16 if c == 0x7E else 0) + (32 if start + n == end else 0)


@njit(cache=True, nogil=True)
def _describe(chars, row, begin, line):
    """Fill width, hash, flags and the rest of one line; begin is where the untrimmed line begins."""
    start, end = line[row].start, line[row].end
    indent = 0
    for i in range(begin, start):
        indent += 4 if chars[i] == 9 else 2 if chars[i] == 0x3000 else 1
    h = np.uint64(0xCBF29CE484222325)
    width = 0
    wide = 0
    lead = 0
    flags = 0
    delimiter = True
    for i in range(start, end):
        c = chars[i]
        if c > 0x3000:
            two = _wide(c)
            width += 1 + two
            wide += two
            delimiter = False
        elif (c <= 32 or c >= 0x80) and is_space(c):
            width += 1
            if lead == 0:
                lead = width
            continue
        else:
            width += 1
            if c == 0x7C:
                flags |= PIPE
            elif c != 0x2D and c != 0x3A:
                delimiter = False
                if c == 0x3C and i + 2 < end and chars[i + 1] == 0x2F and _tag(chars, i + 2, end) == 2:
                    flags |= TABLE_CLOSE
                elif c == 0x28 and i > start and chars[i - 1] == 0x5D:
                    flags |= LINK
        if lead == 0 and wide:
            lead = width
        h = (h ^ np.uint64(c)) * np.uint64(0x100000001B3)
    if delimiter and flags & PIPE:
        for i in range(start, end):
            if chars[i] == 0x2D:
                flags |= DELIMITER
                break
    flags |= _marker(chars, start, end)
    if _is_final(chars, start, end):
        flags |= FINAL
    if wide * 4 >= width:
        flags |= WIDE
    after = end + 1 < len(chars) and chars[end] == 0x20 and chars[end + 1] == 0x20
    if after or chars[end - 1] == 0x5C:
        flags |= HARD_BREAK
    line[row].flags = flags
    line[row].width = width
    line[row].indent = indent
    line[row].lead = lead if lead else width
    line[row].level = _level(chars, start, end)
    line[row].fence = _fence(chars, start, end)
    h ^= h >> np.uint64(32)
    h *= np.uint64(0xD6E8FEB86659FD93)
    line[row].hash = h ^ (h >> np.uint64(32))
    label = _label_end(chars, start, end)
    line[row].label_end = label
    h = np.uint64(0)
    if label >= 0:
        h = np.uint64(0xCBF29CE484222325)
        for i in range(start, label):
            if not is_space(chars[i]):
                h = (h ^ np.uint64(chars[i])) * np.uint64(0x100000001B3)
    line[row].label = h


@njit(cache=True, nogil=True)
def scan(chars, offsets, line):
    """Find and describe every line with a visible character.

    chars   : (n_chars,) uint32; offsets : (n_docs + 1,) int64.
    line    : (room,) LINE, with room for every line, blank ones included; filled from the front.
    returns : (n_docs + 1,) int64, rows of document d are firsts[d] to firsts[d + 1].
    """
    firsts = np.empty(len(offsets), np.int64)
    row = np.int64(0)
    for doc in range(len(offsets) - 1):
        firsts[doc] = row
        number = 0
        blank = True
        begin = np.int64(offsets[doc])
        while begin < offsets[doc + 1]:
            stop = begin
            while stop < offsets[doc + 1] and chars[stop] != 10:
                stop += 1
            number += 1
            start, end = begin, stop
            while start < end and is_space(chars[start]):
                start += 1
            while end > start and is_space(chars[end - 1]):
                end -= 1
            if start == end:
                blank = True
            else:
                line[row].doc = doc
                line[row].start = start
                line[row].end = end
                line[row].number = number
                line[row].blank_before = blank
                _describe(chars, row, begin, line)
                blank = False
                row += 1
            begin = stop + 1
    firsts[len(offsets) - 1] = row
    return firsts
