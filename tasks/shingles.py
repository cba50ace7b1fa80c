"""Text -> fold -> shingles: what matching compares. Nothing folded is published.

The fold is NFKC, casefold and one-to-one traditional -> simplified, so that a traditional, re-punctuated, full-width,
re-spaced or re-wrapped copy gives the same sequence of elements (see `tasks.kernels.fold`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import dictionaries, tables
from tasks.kernels import fold as fold_kernel
from tasks.kernels import shingle as kernel
from tasks.kernels import utf8
from tasks.settings import Matching
from tasks.store.text import I32Array, I64Array, Texts, U64Array

#: Characters with a class of their own: blocks whose letters stand for themselves, without spaces between words.
_TOKEN_BLOCKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul jamo
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # 々〆〇
    (0x3040, 0x31FF),  # kana, bopomofo, Hangul compatibility jamo
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),
    (0x20000, 0x2FFFF),
)
_NUMERALS = "一二三四五六七八九十百千万亿零〇两"
#: Length of an anchor in tokens and the window it is winnowed from: shared text of 8 + 16 - 1 tokens always shares an anchor.
ANCHOR_TOKENS, ANCHOR_WINDOW = 8, 16
_TABLE_SIZE = 0x30000


@dataclass(frozen=True)
class Folded:
    """What matching keeps of n passages; lists are (values, offsets (n + 1,)).

    fold     : (n,) uint64, digest of the whole fold: equal for copies that differ in script, width, case, punctuation, space.
               A text without a letter or digit: digest of its characters. 0 when there are none.
    plain    : (n,) uint64, digest without slots (numbers, dates, URLs, identifiers): equal for copies that differ in those only.
    tokens   : (n,) int32, length; a Han character is one token, a letter three fifths of one.
    shingles : sorted distinct uint64 of each passage.
    anchors  : winnowed long shingles, for finding a passage inside a longer one.
    slots    : sorted distinct digests of what a copy must not lose: slot tokens, numerals, alphabetic words inside Han text.
    """

    fold: U64Array
    plain: U64Array
    tokens: I32Array
    shingles: tuple[U64Array, I64Array]
    anchors: tuple[U64Array, I64Array]
    slots: tuple[U64Array, I64Array]


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[Any], ...]:
    """base, kind, numeral, expand, expansions: see `kernels.fold`. A quarter of a second to build, so they are kept on disk."""
    key = tables.built_from(__file__, fold_kernel.__file__, dictionaries.__file__, data=dictionaries.data_digest())
    stored = tables.cached("shingle-fold", key, _build_tables)
    return tuple(stored[name] for name in ("base", "kind", "numeral", "expand", "expansions"))


def _build_tables() -> tables.Arrays:
    from tasks.script import fold_table  # the dictionaries are loaded on first use only

    simplified = fold_table()
    base = np.arange(_TABLE_SIZE, dtype=np.uint32)
    kind = np.zeros(_TABLE_SIZE, np.uint8)
    several: dict[int, str] = {}
    for first, last in _PLAIN:
        kind[first : last + 1] = fold_kernel.TOKEN if (first, last) in _PLAIN_TOKENS else fold_kernel.DROP
    for code in _folding_codes():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", chr(code)).casefold())
        classes = {_class(c) for c in folded} or {fold_kernel.JOIN}
        if len(folded) == 1:
            base[code], kind[code] = ord(folded), classes.pop()
        elif classes <= {fold_kernel.DROP, fold_kernel.JOIN}:  # … is three full stops, and falls away like them
            kind[code] = max(classes) if len(classes) == 1 else fold_kernel.DROP
        else:
            several[code] = folded
    size = min(len(simplified), _TABLE_SIZE)
    base = np.where(base < size, simplified[np.minimum(base, size - 1)], base).astype(np.uint32)
    expand = np.full(_TABLE_SIZE, -1, np.int32)
    expansions = np.zeros((len(several) + 1, 1 + max(map(len, several.values()), default=1)), np.uint32)
    for row, (code, folded) in enumerate(several.items()):
        expand[code] = row
        expansions[row, : 1 + len(folded)] = [len(folded), *map(ord, folded)]
    numeral = np.zeros(_TABLE_SIZE, np.bool_)
    numeral[[ord(c) for c in _NUMERALS]] = True
    return {"base": base, "kind": kind, "numeral": numeral, "expand": expand, "expansions": expansions}


#: Plain Han, Hangul and private use: they fold to themselves, and 80,000 look-ups are saved.
_PLAIN_TOKENS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7FF), (0x20000, 0x2F7FF), (0x2FA20, 0x2FFFF))
_PLAIN = (*_PLAIN_TOKENS, (0xD800, 0xF8FF))


def _folding_codes() -> list[int]:
    """Code points that may fold to something else, or whose class must be looked up."""
    return [c for c in range(_TABLE_SIZE) if not any(a <= c <= b for a, b in _PLAIN)]


def _class(char: str) -> int:
    """Class of a folded character for `kernels.fold.tokenize`."""
    code = ord(char)
    category = unicodedata.category(char)
    if char in "'’" or category == "Cf" or _is_mark(code, category):
        return fold_kernel.JOIN
    if char == "_":
        return fold_kernel.UNDERSCORE
    if any(a <= code <= b for a, b in _TOKEN_BLOCKS):
        return fold_kernel.TOKEN if category[0] in "LMN" or category in ("So", "Cn") else fold_kernel.DROP
    if category == "Nd" or (category == "No" and char.isdigit()):
        return fold_kernel.DIGIT
    if category[0] in "LM" or category == "Nl":  # vowel signs of Indic scripts carry meaning
        return fold_kernel.LETTERS
    return fold_kernel.DROP


def _is_mark(code: int, category: str) -> bool:
    """Accents that NFC could not compose, variation selectors, and the frames that make a digit an emoji: no text of their own."""
    return category[0] == "M" and (code < 0x0483 or 0x20D0 <= code <= 0x20FF or 0xFE00 <= code <= 0xFE2F)


def weights(settings: Matching) -> tuple[int, int, int]:
    """Weight of a token, of a letter, and the weight at which a shingle is full."""
    return settings.letter_shingle, settings.han_shingle, settings.han_shingle * settings.letter_shingle


def tokenize(texts: Texts) -> tuple[U64Array, npt.NDArray[np.uint8], I64Array]:
    """Elements, their flags and offsets by row."""
    base, kind, numeral, expand, expansions = _tables()
    chars, offsets = texts.chars, texts.offsets
    more = fold_kernel.spelled_length(chars, expand, expansions)
    if more >= 0:
        chars, offsets = fold_kernel.spell_out(chars, offsets, more, expand, expansions)
    elements, flags, offsets = fold_kernel.tokenize(chars, offsets, base, kind, numeral)
    return elements, flags, offsets


def fold(texts: Texts, settings: Matching) -> Folded:
    """Fold a column of passages (their clean text before script conversion, so that the target script changes nothing here)."""
    elements, flags, offsets = tokenize(texts)
    token, letter, full = weights(settings)
    digest, plain, tokens = kernel.summarize(elements, flags, offsets, token, letter)
    # A separator or a row of emoji has no element; it is compared by its characters, lest *** equal 🎉.
    bare = np.flatnonzero((tokens == 0) & (texts.lengths > 0))
    digest[bare] = utf8.visible_digest(texts.chars, texts.offsets[bare], texts.offsets[bare + 1])
    return Folded(
        digest,
        plain,
        tokens,
        kernel.shingle(elements, flags, offsets, token, letter, full),
        kernel.anchors(elements, flags, offsets, token, letter, token * ANCHOR_TOKENS, ANCHOR_WINDOW),
        kernel.slots(elements, flags, offsets),
    )


def shingle_sets(texts: Texts, settings: Matching) -> tuple[U64Array, I64Array]:
    """Sorted distinct shingles of each row and their offsets."""
    elements, flags, offsets = tokenize(texts)
    shingles, shingle_offsets = kernel.shingle(elements, flags, offsets, *weights(settings))
    return shingles, shingle_offsets
