"""The match form of lines: what rules and templates see, so that one pattern serves simplified, traditional and full width.

Half width, case folded, traditional characters to simplified, controls and zero-width characters out, white space to one space.
Punctuation stays, in its ASCII form where it has one (，：（！ become ,:(!), while 。 and 、 have none and stay. One character
gives at most one: ligatures, ㎏ and … stay as they are. Nothing folded is published.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache

import numpy as np

from tasks import dictionaries, tables
from tasks.kernels import foldline as kernel
from tasks.store.text import I64Array, Texts, U32Array

#: Punctuation that NFKC leaves and people use for an ASCII character.
_PUNCTUATION = {
    **dict.fromkeys("“”„‟〝〞", '"'),
    **dict.fromkeys("‘’‚‛", "'"),
    **dict.fromkeys("【〔〖〘", "["),
    **dict.fromkeys("】〕〗〙", "]"),
    **dict.fromkeys("‐‑‒–—―−─━", "-"),
    **dict.fromkeys("∼〜", "~"),
    **dict.fromkeys("│┃丨", "|"),
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "›": ">",
}
#: Planes beyond the first hold few characters with a compatibility form: these blocks have all that matter here.
_FOLDED_BLOCKS = ((0, 0x10000), (0x1D400, 0x1D800), (0x1F100, 0x1F200), (0x2F800, 0x2FA20))
#: Variation selectors and tag characters: they change a glyph, never a word.
_INVISIBLE_BLOCKS = ((0xFE00, 0xFE10), (0xE0000, 0xE01F0))


def fold_lines(chars: U32Array, starts: I64Array, ends: I64Array) -> Texts:
    """Match form of the lines chars[starts[i] : ends[i]].

    >>> import numpy as np
    >>> text = Texts.of(["　歡迎訂閱：ＡＢＣ　 頻道！"])
    >>> fold_lines(text.chars, text.offsets[:-1], text.offsets[1:])[0]
    '欢迎订阅:abc 频道!'
    """
    return Texts(*kernel.fold_spans(chars, np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64), fold_codes()))


def fold_texts(rows: list[str]) -> list[str]:
    """Match forms of Python strings: for rules, examples and tests, not for the hot path."""
    texts = Texts.of(rows)
    folded = fold_lines(texts.chars, texts.offsets[:-1], texts.offsets[1:])
    return [folded[i] for i in range(len(folded))]


@lru_cache(maxsize=1)
def fold_codes() -> U32Array:
    """(0x110000,) uint32, the character that each code point folds to: 0 drops it, 32 is white space."""
    key = tables.built_from(__file__, dictionaries.__file__, data=dictionaries.data_digest())
    table: U32Array = tables.cached("line-fold", key, lambda: {"table": _build_codes()})["table"]  # type: ignore[assignment]  # the cache gives arrays of any type
    table.flags.writeable = False
    return table


def _build_codes() -> U32Array:
    from tasks.script import fold_table

    table = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    for first, last in _FOLDED_BLOCKS:
        for code in range(first, last):
            table[code] = _fold_code(chr(code))
    for first, last in _INVISIBLE_BLOCKS:
        table[first:last] = 0
    simplified = fold_table()
    inside = table < len(simplified)
    table[inside] = simplified[table[inside]]
    return table


def _fold_code(char: str) -> int:
    if char.isspace():
        return 32
    if unicodedata.category(char) in ("Cc", "Cf"):
        return 0
    folded = unicodedata.normalize("NFKC", char)
    char = folded if len(folded) == 1 else char
    lower = char.casefold()
    char = lower if len(lower) == 1 else char
    char = _PUNCTUATION.get(char, char)
    return 32 if char.isspace() else ord(char)
