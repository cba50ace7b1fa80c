"""Signs: what gives a number its meaning and falls away in the fold. Two texts that differ in one are not copies of each other.

-5 and 5, 5 % and 5, $5 and €5, 3 > 5 and 3 < 5, 10⁵ and 105 fold alike. A bullet (space after it), a dash between words, a range (3月-5月,
whatever its dash), a quotation mark at the start of a line and an arrow are no signs; nor is a plus.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np

from tasks.kernels import signs as kernel
from tasks.shingles import tables_of
from tasks.store.text import I64Array, Texts, U8Array, U64Array

_CLASSES = {
    kernel.DASH: "-−–－﹣",
    kernel.LONG_DASH: "—―",
    kernel.TILDE: "~～〜",
    kernel.ORDER: "<>＜＞≤≥≦≧≠≮≯⩽⩾!！",
    kernel.AFTER: "%％﹪‰‱°",
    kernel.BESIDE: "×÷±∓↑↓▲▼△▽⬆⬇",
    kernel.POWER: "²³¹⁰⁴⁵⁶⁷⁸⁹",
    kernel.NO: "❌✗✘✖☒❎",
    # What ends a date or a quantity, before the dash of a range.
    kernel.UNIT: "年月日号號时時点點分秒周週度元章页頁层層期天岁歲米人个個集回届级",
}


@cache
def _table() -> U8Array:
    """(65536,) uint8, class of each character."""
    table = np.zeros(1 << 16, np.uint8)
    for code in range(1 << 16):
        if unicodedata.category(chr(code)) == "Sc":
            table[code] = kernel.MONEY
    base = tables_of("fold").base[: len(table)]
    table[(base >= ord("0")) & (base <= ord("9"))] = kernel.DIGIT
    for number, chars in _CLASSES.items():
        table[[ord(char) for char in chars]] = number
    return table


def signs(texts: Texts) -> tuple[U64Array, tuple[U64Array, I64Array]]:
    """(n,) uint64 digest of each row's signs, 0 for none, and the signs themselves: digests with their numbers, and offsets (n + 1,).

    >>> digest = signs(Texts.of(["零下-5度", "零下5度", "- 5度", "3月-5月", "3月～5月"]))[0]
    >>> (digest != 0).tolist(), bool(digest[3] == digest[4])
    ([True, False, False, True, True], True)
    """
    n = len(texts)
    digests, values, ends = np.zeros(n, np.uint64), np.empty(len(texts.chars) + 1, np.uint64), np.zeros(n + 1, np.int64)
    kernel.signs(texts.chars, texts.offsets, tables_of("fold").base, _table(), digests, values, ends[1:])
    return digests, (values[: ends[-1]].copy(), ends)
