"""Text -> fold -> shingles: what matching compares. Nothing folded is published.

The fold is NFKC, casefold and one-to-one traditional -> simplified, so that a traditional, re-punctuated, full-width,
re-spaced or re-wrapped copy gives the same sequence of elements (see `tasks.kernels.fold`).
"""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks import dictionaries, tables
from tasks.kernels import fold as fold_kernel
from tasks.kernels import shingle as kernel
from tasks.settings import Matching
from tasks.store.text import BoolArray, I64Array, Texts, U64Array

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
#: Length of an anchor in tokens and the window it is winnowed from: shared text of 8 + 16 - 1 tokens always shares an anchor,
#: and of 8 + 2 - 1 where both are short (see `kernels.sketch`).
ANCHOR_TOKENS, ANCHOR_WINDOW = 8, 16
_TABLE_SIZE = 0x30000


class FoldTables(NamedTuple):
    """How characters fold, by code point: see `tasks.kernels.fold`."""

    base: npt.NDArray[np.uint32]
    kind: npt.NDArray[np.uint8]
    table: npt.NDArray[np.uint32]
    expand: npt.NDArray[np.int32]
    expansions: npt.NDArray[np.uint32]


@lru_cache(maxsize=2)
def tables_of(form: str) -> FoldTables:
    """Tables of a form: `fold`, which matching compares, or `characters`, which other tools do: NFKC and casefold, no white space.

    A quarter of a second to build, so they are kept on disk.
    """
    key = tables.built_from(__file__, fold_kernel.__file__, dictionaries.__file__, data=f"{form} {dictionaries.data_digest()}")
    stored = tables.cached(f"shingle-{form}", key, lambda: _build_tables(form == "fold"))
    return FoldTables(*(stored[name] for name in FoldTables._fields))  # type: ignore[arg-type]  # the cache gives arrays of any type


def _build_tables(folding: bool) -> tables.Arrays:
    from tasks.script import fold_table  # the dictionaries are loaded on first use only

    simplified = fold_table() if folding else np.arange(_TABLE_SIZE, dtype=np.uint32)
    class_of = _class if folding else _character_class
    base = np.arange(_TABLE_SIZE, dtype=np.uint32)
    kind = np.zeros(_TABLE_SIZE, np.uint8)
    several: dict[int, str] = {}
    for first, last in _PLAIN:
        kind[first : last + 1] = fold_kernel.TOKEN if not folding or (first, last) in _PLAIN_TOKENS else fold_kernel.DROP
    for code in _folding_codes():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", chr(code)).casefold())
        classes = {class_of(c) for c in folded} or {fold_kernel.JOIN}
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
    if not folding:  # here the rare planes count too
        rest = np.arange(_TABLE_SIZE, sys.maxunicode + 1, dtype=np.uint32)
        base, kind = np.concatenate([base, rest]), np.concatenate([kind, np.full(len(rest), fold_kernel.TOKEN, np.uint8)])
        expand = np.concatenate([expand, np.full(len(rest), -1, np.int32)])
    table = _marked(base, kind, numeral, expand >= 0)
    return {"base": base, "kind": kind, "table": table, "expand": expand, "expansions": expansions}


def _marked(base: npt.NDArray[np.uint32], kind: npt.NDArray[np.uint8], numeral: BoolArray, several: BoolArray) -> npt.NDArray[np.uint32]:
    """Folded characters with the marks that `kernels.fold.tokenize` reads beside them."""
    of = fold_kernel
    word = np.isin(kind, (of.LETTERS, of.DIGIT, of.UNDERSCORE))
    glue = np.isin(kind, (of.DIGIT, of.UNDERSCORE)) | np.isin(base, [ord(c) for c in ".@,:/-+#"])
    word[ord("<")] = kind[ord("<")] != of.TOKEN
    inside = np.minimum(base, _TABLE_SIZE - 1)  # some simplified forms lie beyond the table
    table = base.copy()
    for mark, where in (
        (of.IS_TOKEN, kind == of.TOKEN),
        (of.IS_DROP, kind == of.DROP),
        (of.IS_WORD, word | several),
        (of.IS_LETTER, kind == of.LETTERS),
        (of.IS_NUMERAL, numeral[inside] & (inside == base) & (kind == of.TOKEN)),
        (of.IS_GLUE, glue),
        (of.IS_SEVERAL, several),
    ):
        table[where] |= mark
    return table


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


def _character_class(char: str) -> int:
    """Class of a character where all but white space counts, each for itself."""
    return fold_kernel.JOIN if char.isspace() else fold_kernel.TOKEN


def _is_mark(code: int, category: str) -> bool:
    """Accents that NFC could not compose, variation selectors, and the frames that make a digit an emoji: no text of their own."""
    return category[0] == "M" and (code < 0x0483 or 0x20D0 <= code <= 0x20FF or 0xFE00 <= code <= 0xFE2F)


def weights(settings: Matching) -> tuple[int, int, int]:
    """Weight of a token, of a letter, and the weight at which a shingle is full."""
    return settings.letter_shingle, settings.han_shingle, settings.han_shingle * settings.letter_shingle


def tokenize(texts: Texts, form: str = "fold") -> tuple[U64Array, npt.NDArray[np.uint8], I64Array]:
    """Elements, their flags and offsets by row."""
    room = len(texts.chars) + 1
    elements, flags, offsets = np.empty(room, np.uint64), np.empty(room, np.uint8), np.empty_like(texts.offsets)
    return tokenize_into(texts.chars, texts.offsets, tables_of(form), (elements, flags, offsets))


def tokenize_into(
    chars: npt.NDArray[np.uint32], offsets: I64Array, fold: FoldTables, room: tuple[U64Array, npt.NDArray[np.uint8], I64Array]
) -> tuple[U64Array, npt.NDArray[np.uint8], I64Array]:
    """The same in buffers of (characters + 1), (characters + 1) and (rows + 1); in others where characters fold to several."""
    m = fold_kernel.tokenize(chars, offsets, fold.base, fold.kind, fold.table, *room, None)
    if m < 0:
        chars, offsets, _ = _spelled(chars, offsets, fold, None)
        room = np.empty(len(chars) + 1, np.uint64), np.empty(len(chars) + 1, np.uint8), room[2]
        m = fold_kernel.tokenize(chars, offsets, fold.base, fold.kind, fold.table, *room, None)
    return room[0][:m], room[1][:m], room[2]


def tokenize_placed(texts: Texts) -> tuple[U64Array, npt.NDArray[np.uint8], I64Array, I64Array, I64Array]:
    """Elements, flags and offsets, and where each element starts and ends in its row: (elements,) int64 each, in code points.

    The space between two words is where the second begins, and has no length.
    """
    fold = tables_of("fold")
    origin = np.arange(len(texts.chars), dtype=np.int64)
    chars, offsets, origin = _spelled(texts.chars, texts.offsets, fold, origin)
    elements, flags, element_offsets = np.empty(len(chars) + 1, np.uint64), np.empty(len(chars) + 1, np.uint8), np.empty_like(offsets)
    places = np.empty((2, len(chars) + 1), np.int64)
    m = fold_kernel.tokenize(chars, offsets, fold.base, fold.kind, fold.table, elements, flags, element_offsets, places)
    starts, ends = places[:, :m]
    row = np.repeat(np.arange(len(texts)), np.diff(element_offsets))
    empty = ends == starts
    first = texts.offsets[row]
    starts = origin[offsets[row] + starts] - first
    ends = np.where(empty, starts, origin[offsets[row] + np.maximum(ends - 1, 0)] + 1 - first)
    return elements[:m], flags[:m], element_offsets, starts, ends


def _spelled(
    chars: npt.NDArray[np.uint32], offsets: I64Array, fold: FoldTables, origin: I64Array | None
) -> tuple[npt.NDArray[np.uint32], I64Array, I64Array]:
    """Characters with those that fold to several spelled out, offsets, and where each stood before (when `origin`, asks for it)."""
    more = fold_kernel.spelled_length(chars, fold.expand, fold.expansions)
    if more < 0:
        return chars, offsets, origin if origin is not None else np.empty(0, np.int64)
    places = np.empty(len(chars) + more if origin is not None else 0, np.int64)
    chars, offsets = fold_kernel.spell_out(chars, offsets, more, fold.expand, fold.expansions, places)
    return chars, offsets, places


def shingle_sets(texts: Texts, settings: Matching, form: str = "fold") -> tuple[U64Array, I64Array]:
    """Sorted distinct shingles of each row and their offsets."""
    shingles, shingle_offsets = kernel.shingle(*tokenize(texts, form), *weights(settings))
    return shingles, shingle_offsets


def slot_sets(texts: Texts) -> tuple[U64Array, I64Array]:
    """Sorted distinct digests of what a copy must not lose: slot tokens, numerals, alphabetic words, each as often as it comes; and offsets."""
    slots, slot_offsets = kernel.slots(*tokenize(texts))
    return slots, slot_offsets
