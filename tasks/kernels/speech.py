"""What short lines say about captions: words of running speech, time codes, figures. Numba kernels. Dimension: n_lines."""

from __future__ import annotations

import numpy as np
from numba import njit

# Bits of `flags`, above those of lines.py.
SPOKEN = 1 << 16  # holds a word without which nobody speaks: 的, 了, 我, the, you; or letters whose words are not known here
NUMERIC = 1 << 17  # a log, a chat's header, an entry of contents: many digits, or text that ends in one
TIMED = 1 << 18  # nothing but a time code
WIDEST = 100  # columns: longer lines are no captions

#: Characters of modern speech in both scripts. Names, titles, lists and classical verse do without them; 不, 有, 之 they do not.
_HAN = "的了我你他她它们們这這那就是吗嗎呢吧啊么麼很都也还還没沒说說什甚怎让讓给給跟想个個着著过過到得把被来來咱啦嘛哦嗯"
#: Words of at most three letters that make up a third of spoken English, and of its neighbours; packed, five bits a letter.
_WORDS = (
    "a an the and to of in is it you we so i was are for on my me he she do if but not at be as or can all how why who had has did get got its our us no up"
    " que de la el le et les des un une je ne pas il on der die und ich ist das ein mit es en lo los por con di che non per da do um não eu"
)


def _bitmap(numbers: list[int], words: int) -> np.ndarray:
    out = np.zeros(words, np.uint64)
    for number in numbers:
        out[number >> 6] |= np.uint64(1) << np.uint64(number & 63)
    return out


def _packed(word: str) -> int:
    number = 0
    for char in word:
        number = number * 32 + (ord(char) & 31)
    return number


_SPEECH = _bitmap([ord(char) for char in _HAN], 1024)
_SHORT = _bitmap([_packed(word) for word in _WORDS.split() if word.isascii()], 512)


@njit(cache=True, nogil=True)
def _has(bitmap, number):
    return (bitmap[number >> 6] >> np.uint64(number & 63)) & np.uint64(1) != 0


@njit(cache=True, nogil=True)
def _time_code(chars, start, end):
    """End of the time code (0:05, [00:05], 00:00:05,000 --> ...) that the line begins with, or start."""
    i = start
    while i < end and (chars[i] == 0x5B or chars[i] == 0x28 or chars[i] == 0xFF08 or chars[i] == 0x3010):
        i += 1
    groups = digits = 0
    at = i
    while i < end and i - start < 34:
        c = chars[i]
        if 48 <= c <= 57:
            digits += 1
            if digits > 3:
                return start
        elif (c == 0x3A or c == 0xFF1A) and digits:
            groups += 1
            digits = 0
        elif groups and (c in (0x2C, 0x2E, 0x5D, 0x29, 0xFF09, 0x3011, 0x2D, 0x3E, 0x7E, 0x20)):
            digits = 0
        else:
            break
        i += 1
    return i if groups and i > at else start


@njit(cache=True, nogil=True)
def _speaks(chars, start, end):
    """Whether a line holds a word of running speech; a word counts in one case only (`The River` is a title)."""
    word = np.int64(0)
    n = upper = lower = 0
    for i in range(start, end + 1):
        c = chars[i] if i < end else np.uint32(32)
        small = 97 <= c <= 122
        if small or 65 <= c <= 90:
            n += 1
            if n < 4:
                word = word * 32 + np.int64(c & 31)
            lower += small
            upper += not small
            continue
        if 0xC0 <= c < 0x250:
            n = 9
            continue
        if 0 < n < 4 and (upper == 0 or (lower == 0 and (n > 1 or word == 9))) and _has(_SHORT, word):
            return True
        word = np.int64(0)
        n = upper = lower = 0
        if c >= 0x370 and (c < 0x2000 or 0x3041 <= c < 0x30FF or 0xAC00 <= c < 0xD7A4):
            return True
        if 0x4E00 <= c < 0xA000 and _has(_SPEECH, np.int64(c)):
            return True
    return False


@njit(cache=True, nogil=True)
def _flags(chars, start, end):
    at = _time_code(chars, start, end)
    if at >= end:
        return TIMED
    digits = 0
    for i in range(at, end):
        digits += 48 <= chars[i] <= 57
    numeric = digits >= 5 or (48 <= chars[end - 1] <= 57 and digits < end - at)
    return (SPOKEN if _speaks(chars, at, end) else 0) | (NUMERIC if numeric else 0)


@njit(cache=True, nogil=True)
def listen(chars, line, firsts, wanted):
    """Set SPOKEN, NUMERIC and TIMED in the flags of lines of at most WIDEST columns, in the documents wanted.

    line : (n_lines,) LINE, as scan leaves it; firsts : (n_docs + 1,) int64; wanted : (n_docs,) bool.
    """
    for doc in range(len(wanted)):
        if wanted[doc]:
            for row in range(firsts[doc], firsts[doc + 1]):
                if line[row].width <= WIDEST:
                    line[row].flags |= _flags(chars, line[row].start, line[row].end)
