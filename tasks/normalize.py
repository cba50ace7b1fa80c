"""Form of the published text: mojibake, Unicode composition, controls, width, spaces, line breaks, Chinese punctuation.

`normalize` is a pure function of each row and the settings, and final: applied to its own output it changes nothing. Rows that a
kernel flags (combining marks, signs of mojibake) pass through Python; all others never leave the kernel. CJK compatibility
ideographs (U+F900..FAFF, U+2F800..2FA1F) stay as they are, though NFC would unify them: nothing is unified silently.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tasks import mojibake
from tasks.kernels import normalize as kernels
from tasks.settings import Normalize
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, U32Array, spans_to_arrow

#: Names of the columns of `Normalized.edits`. mojibake: broken characters replaced; nfc: composed sequences;
#: control: control characters out; zero_width: zero-width and direction characters out; width: full-width ASCII and half-width
#: kana; space: white space out or made a plain space; punctuation: ASCII marks made Chinese; unwrap: line breaks of hard-wrapped
#: text; marks_capped: combining marks beyond `max_marks` out.
EDITS = ("mojibake", "nfc", "control", "zero_width", "width", "space", "punctuation", "unwrap", "marks_capped")
_MOJIBAKE, _NFC, _MARKS = (EDITS.index(name) for name in ("mojibake", "nfc", "marks_capped"))
_CONTROL, _ZERO_WIDTH = EDITS.index("control"), EDITS.index("zero_width")

_ROUNDS = 8  # flagged rows are repeated until nothing changes; real text needs two, the bound is for hostile text
_COMPATIBILITY = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")

#: Where characters with a canonical decomposition or a combining class can stand in planes 0 to 2 (a test asks all of Unicode).
_COMPOSING_BLOCKS = (
    (0x80, 0x3400), (0xA000, 0xAC00), (0xD7B0, 0xD800), (0xF900, 0x10000), (0x10000, 0x12000), (0x16100, 0x16200), (0x16A00, 0x17000),
    (0x1BC00, 0x1BD00), (0x1CF00, 0x1D300), (0x1DA00, 0x1DB00), (0x1E000, 0x1E960), (0x2F800, 0x2FA20),
)  # fmt: skip
_HAN = ((0x2E80, 0x2FE0), (0x3005, 0x3008), (0x3021, 0x302A), (0x3038, 0x303C), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x323B0))  # fmt: skip
_KANA = ((0x3041, 0x3097), (0x309B, 0x3100), (0x31F0, 0x3200), (0xFF66, 0xFFA0))
_CJK_MARKS = (
    (0x2014, 0x2015), (0x2018, 0x201A), (0x201C, 0x201E), (0x2026, 0x2027), (0x3001, 0x3004), (0x3008, 0x3021), (0x3030, 0x3031),
    (0x303D, 0x303E), (0xFE10, 0xFE20), (0xFE30, 0xFE50), (0xFF01, 0xFF66), (0xFFE0, 0xFFE7),
)  # fmt: skip
_EMOJI = (
    (0xA9, 0xAA), (0xAE, 0xAF), (0x203C, 0x203D), (0x2049, 0x204A), (0x2122, 0x2123), (0x2139, 0x213A), (0x2190, 0x2200), (0x2300, 0x2400),
    (0x24C2, 0x24C3), (0x25A0, 0x27C0), (0x2900, 0x2980), (0x2B00, 0x2C00), (0x3030, 0x3031), (0x303D, 0x303E), (0x3297, 0x329A), (0x1F000, 0x1FB00),
)  # fmt: skip
#: Arabic, Syriac, Thaana, NKo, Indic scripts, Tibetan, Myanmar, Khmer, Mongolian and their later blocks.
_JOINING = (
    (0x620, 0x660), (0x66E, 0x6D4), (0x6D5, 0x6F0), (0x6FA, 0x8E2), (0x8E3, 0xDF0), (0xF00, 0xFD0), (0x1000, 0x10A0), (0x1780, 0x17E0),
    (0x1807, 0x18B0), (0xA8E0, 0xA900), (0xAA60, 0xAA80), (0xFB50, 0xFE00), (0xFE70, 0xFEFF), (0x10A00, 0x10A60), (0x11000, 0x11A00),
)  # fmt: skip
_INVISIBLE = (
    (0xAD, 0xAE), (0x61C, 0x61D), (0x180E, 0x180F), (0x200B, 0x200C), (0x200E, 0x2010), (0x202A, 0x202F), (0x2060, 0x2070), (0xFEFF, 0xFF00), (0xFFF9, 0xFFFC), (0xE0001, 0xE0002),
)  # fmt: skip
_SPACES = (0x09, 0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_CONTROL_SPACES = (0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x85)
_KANA_FORMS = (
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜"
)


@dataclass(frozen=True)
class Normalized:
    """texts : n rows, clean, script not yet converted. edits : (n, len(EDITS)) int32, how often each edit was made."""

    texts: Texts
    edits: I32Array


def _paint(table: U8Array, ranges: Iterable[tuple[int, int]], value: int) -> None:
    for start, end in ranges:
        table[start:end] |= value


@lru_cache(maxsize=1)
def _composing() -> list[int]:
    """Code points that NFC changes, that combine, or that compose with what stands before them. About 30 ms."""
    found = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))  # Hangul vowels and finals compose by rule, not by table
    for start, end in _COMPOSING_BLOCKS:
        for point in range(start, end):
            char = chr(point)
            pair = unicodedata.decomposition(char)
            if pair and pair[0] != "<":
                if not unicodedata.is_normalized("NFC", char) and not _COMPATIBILITY.match(char):
                    found.add(point)
                _, _, second = pair.partition(" ")
                if second:
                    found.add(int(second, 16))
            elif unicodedata.combining(char):
                found.add(point)
    return sorted(found)


@lru_cache(maxsize=1)
def props() -> U8Array:
    """(0x110000,) uint8, what each code point is: bits HAN, KANA ... of tasks.kernels.normalize."""
    table = np.zeros(sys.maxunicode + 1, np.uint8)
    groups = (
        (_HAN, kernels.HAN),
        (_KANA, kernels.KANA),
        (_CJK_MARKS, kernels.CJK_MARK),
        (_EMOJI, kernels.EMOJI),
        (_JOINING, kernels.JOINING),
    )
    for ranges, bit in groups:
        _paint(table, ranges, bit)
    table[_composing()] |= kernels.COMPOSES
    table[0xC2:0xF5] |= kernels.LEAD
    table[[ord(char) for char in mojibake.TAILS]] |= kernels.TAIL
    return table


@lru_cache(maxsize=8)
def classes(settings: Normalize) -> U8Array:
    """(0x110000,) uint8, what becomes of each code point under these settings: COPY, CONTROL ... of tasks.kernels.normalize."""
    table = np.zeros(sys.maxunicode + 1, np.uint8)
    if settings.strip_controls:
        table[0:0x20] = table[0x7F:0xA0] = kernels.CONTROL
        table[[*_CONTROL_SPACES]] = kernels.CONTROL_SPACE
        _paint(table, _INVISIBLE, kernels.INVISIBLE)
        table[0x200C:0x200E] = kernels.JOINER
        table[0xFE00:0xFE10] = table[0xE0100:0xE01F0] = kernels.SELECTOR
        table[0xE0020:0xE0080] = kernels.TAGGED
        table[0x09] = kernels.COPY
    if settings.spaces:
        table[[*_SPACES]] = kernels.SPACE
    table[0x0A] = kernels.NEWLINE
    if settings.width:
        for start, end in ((0xFF10, 0xFF1A), (0xFF21, 0xFF3B), (0xFF41, 0xFF5B)):
            table[start:end] = kernels.FULL_WIDTH
        table[0xFF61:0xFFA0] = kernels.HALF_KANA
    return table


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Runs of combining marks, and sequences that NFC may change."""
    points = _composing()
    marks = "".join(re.escape(chr(point)) for point in points if unicodedata.combining(chr(point)))
    every = "".join(re.escape(chr(point)) for point in points)
    return re.compile(f"[{marks}]+"), re.compile(f"[^{every}]?[{every}]+")


def _cap(text: str, most: int) -> str:
    """Text with runs of combining marks cut to `most`: NFC is quadratic in their length."""
    return _patterns()[0].sub(lambda run: run[0][:most], text)


def _compose(text: str) -> tuple[str, int]:
    """NFC of a text, CJK compatibility ideographs left alone, and how many sequences changed."""
    pieces = _COMPATIBILITY.split(text)
    composed = "".join(piece if i % 2 else unicodedata.normalize("NFC", piece) for i, piece in enumerate(pieces))
    if composed == text:
        return text, 0
    found = sum(not unicodedata.is_normalized("NFC", match[0]) for piece in pieces[::2] for match in _patterns()[1].finditer(piece))
    return composed, max(found, 1)


def _prepare(text: str, settings: Normalize) -> tuple[str, tuple[int, int, int]]:
    """A flagged row before the kernel: mojibake, marks, NFC. Returns it with the counts of these three."""
    mended = composed = capped = 0
    if settings.mojibake:
        fixed = mojibake.mend(text)
        mended = mojibake.replaced(text, fixed)
        text = fixed
    if settings.nfc:
        short = _cap(text, settings.max_marks)
        whole, composed = _compose(short)
        last = _cap(whole, settings.max_marks)  # a character may decompose into two marks that do not compose again
        capped = len(text) - len(short) + len(whole) - len(last)
        text = last
    return text, (mended, composed, capped)


_UNTRACED = np.empty(0, np.int64)


def clean_by_kernel(
    chars: U32Array,
    starts: I64Array,
    ends: I64Array,
    wrapped: BoolArray,
    verbatim: BoolArray,
    settings: Normalize,
    origins: I64Array = _UNTRACED,
) -> Normalized:
    """`normalize` without mojibake and composition; `origins` may take where each character comes from (room for all of the spans)."""
    kana = np.array([ord(char) for char in _KANA_FORMS], np.uint32)
    out, offsets, edits = kernels.clean(
        chars, starts, ends, wrapped, verbatim, classes(settings), props(), kana, settings.spaces, settings.punctuation, origins
    )
    return Normalized(Texts(out, offsets), edits)


def _settle(rows: list[str], wrapped: BoolArray, settings: Normalize) -> tuple[list[str], I32Array]:
    """Flagged rows, with all steps repeated until nothing changes: a step may bring together what an earlier one asks about."""
    edits = np.zeros((len(rows), len(EDITS)), np.int32)
    active = np.arange(len(rows))
    for _ in range(_ROUNDS):
        for i in active.tolist():
            prepared, counts = _prepare(rows[i], settings)
            edits[i, [_MOJIBAKE, _NFC, _MARKS]] += np.array(counts, np.int32)
            rows[i] = prepared
        texts = Texts.of([rows[i] for i in active.tolist()])
        result = clean_by_kernel(
            texts.chars, texts.offsets[:-1], texts.offsets[1:], wrapped[active], np.zeros(len(active), np.bool_), settings
        )
        edits[active] += result.edits
        changed = result.edits.any(axis=1)
        for row, i in enumerate(active.tolist()):
            rows[i] = result.texts[row]
        active = active[changed]
        if not len(active):
            break
    return rows, edits


def _flagged(chars: U32Array, starts: I64Array, ends: I64Array, settings: Normalize) -> BoolArray:
    asked = (1 if settings.nfc else 0) | (2 if settings.mojibake else 0)
    return np.asarray(kernels.flag(chars, starts, ends, props()) & asked != 0, np.bool_)


def _mendable(chars: U32Array, starts: I64Array, ends: I64Array, rows: I64Array, result: Normalized) -> I64Array:
    """Those of the rows that were read in another CJK charset, as they stand or as they were cleaned. Hardly any sign is one."""
    rows = rows[mojibake.of_spans(chars, starts[rows], ends[rows])]
    raw: list[Any] = spans_to_arrow(chars, starts[rows], ends[rows]).to_pylist()
    changed = np.asarray(result.edits[rows].any(axis=1), np.bool_).tolist()
    found = [
        mojibake.mend(text) != text or (edited and mojibake.mend(result.texts[row]) != result.texts[row])
        for row, text, edited in zip(rows.tolist(), raw, changed, strict=True)
    ]
    return rows[np.array(found, np.bool_)]


def _replace(texts: Texts, rows: I64Array, new: Texts) -> Texts:
    """Column with the chosen rows (ascending) replaced."""
    pieces = []
    at = 0
    for place, row in enumerate(rows.tolist()):
        pieces += [texts.chars[at : texts.offsets[row]], new.chars[new.offsets[place] : new.offsets[place + 1]]]
        at = int(texts.offsets[row + 1])
    lengths = texts.lengths
    lengths[rows] = new.lengths
    return Texts(np.concatenate([*pieces, texts.chars[at:]]), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def normalize(
    chars: U32Array, starts: I64Array, ends: I64Array, wrapped: BoolArray, verbatim: BoolArray, settings: Normalize
) -> Normalized:
    """Clean text of the spans chars[starts[i] : ends[i]], one row each.

    wrapped  : (n,) bool, rows whose line breaks mean nothing: they become a space, or nothing between Han.
    verbatim : (n,) bool, rows (code) that lose controls and zero-width characters only.
    returns  : Normalized. Each row depends on itself, its two flags and the settings alone; a second pass changes nothing.

    >>> from tasks.store.text import from_str
    >>> row = from_str("ＧＰＴ－４很强,对吗?")
    >>> no = np.zeros(1, np.bool_)
    >>> normalize(row, np.array([0]), np.array([len(row)]), no, no, Normalize()).texts[0]
    'GPT－4很强，对吗？'
    """
    starts, ends = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64)
    wrapped, verbatim = np.ascontiguousarray(wrapped, np.bool_), np.ascontiguousarray(verbatim, np.bool_)
    result = clean_by_kernel(chars, starts, ends, wrapped, verbatim, settings)
    special = _flagged(chars, starts, ends, settings)
    # What was taken out may have kept a letter and its accent apart; asking those rows again is cheaper than asking all twice.
    parted = np.flatnonzero(result.edits[:, [_CONTROL, _ZERO_WIDTH]].any(axis=1) & ~special)
    if len(parted):
        texts = result.texts
        special[parted] = _flagged(texts.chars, texts.offsets[parted], texts.offsets[parted + 1], settings)
    if settings.mojibake:
        special[_mendable(chars, starts, ends, np.flatnonzero(~special & ~verbatim), result)] = True
    rows = np.flatnonzero(special & ~verbatim)
    if not len(rows):
        return result
    originals: list[Any] = spans_to_arrow(chars, starts[rows], ends[rows]).to_pylist()
    settled, edits = _settle(originals, wrapped[rows], settings)
    result.edits[rows] = edits
    return Normalized(_replace(result.texts, rows, Texts.of(settled)), result.edits)
