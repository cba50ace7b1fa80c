"""Language of passages: spans, shares, primary language and mix, by script first and by statistics where a script leaves a question.

Han, kana, Hangul, Thai, Greek ... decide by themselves; Latin, Cyrillic, Arabic and Devanagari letters are decided among the candidates of
the settings by langdetect's profiles. URLs, addresses, code and numbers carry no language. Nothing is random.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks import dictionaries, profiles, tables, words
from tasks.kernels import language as atoms
from tasks.kernels import language_decide, language_han, language_result, language_sure
from tasks.script import HANT
from tasks.settings import Language
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, to_str

#: Scripts that one language owns (or by far the most text in them): language, first and last code point.
_FIXED = (
    ("el", 0x0370, 0x03FF), ("el", 0x1F00, 0x1FFF), ("hy", 0x0530, 0x058F), ("he", 0x0590, 0x05FF), ("bn", 0x0980, 0x09FF),
    ("pa", 0x0A00, 0x0A7F), ("gu", 0x0A80, 0x0AFF), ("or", 0x0B00, 0x0B7F), ("ta", 0x0B80, 0x0BFF), ("te", 0x0C00, 0x0C7F),
    ("kn", 0x0C80, 0x0CFF), ("ml", 0x0D00, 0x0D7F), ("si", 0x0D80, 0x0DFF), ("th", 0x0E00, 0x0E7F), ("lo", 0x0E80, 0x0EFF),
    ("bo", 0x0F00, 0x0FFF), ("my", 0x1000, 0x109F), ("ka", 0x10A0, 0x10FF), ("am", 0x1200, 0x139F), ("km", 0x1780, 0x17FF),
    ("mn", 0x1800, 0x18AF), ("ko", 0x1100, 0x11FF), ("ko", 0x3130, 0x318F), ("ko", 0xA960, 0xA97F), ("ko", 0xAC00, 0xD7FF),
    ("ii", 0xA000, 0xA4CF),
)  # fmt: skip
_ALPHABETS = (
    (atoms.LATIN, 0x0041, 0x024F), (atoms.LATIN, 0x0250, 0x02AF), (atoms.LATIN, 0x1E00, 0x1EFF), (atoms.LATIN, 0xFF21, 0xFF5A),
    (atoms.CYRILLIC, 0x0400, 0x052F), (atoms.ARABIC, 0x0600, 0x06FF), (atoms.ARABIC, 0x0750, 0x077F), (atoms.ARABIC, 0xFB50, 0xFEFE),
    (atoms.DEVANAGARI, 0x0900, 0x097F),
)  # fmt: skip
_HAN = ((0x3005, 0x3007), (0x3100, 0x312F), (0x31A0, 0x31BF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323FF))
_HIRAGANA = ((0x3041, 0x3096), (0x309D, 0x309F))
_KATAKANA = ((0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
#: Little words of Chinese that Japanese text without kana rarely has.
_WEAK = "是的了我在也就吧"
#: Characters made in Japan.
_KOKUJI = "働込峠畑枠搾匂栃凪辻笹榊畠杣俣"
_STOPS = "。！？!?…｡．؟।۔\u2026"
_NEWLINES = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_LINKS = "'’‘-‐‑_/\\@#`<&=+~$*%^·・"
_SHARES = pa.list_(pa.struct([("lang", pa.string()), ("share", pa.float32())]))


@dataclass(frozen=True)
class Languages:
    """Columns of `schemas.PASSAGES` (lang, lang_confidence, lang_shares, lang_spans, lang_switches, is_mixed), one value a row.

    columns      : those Arrow arrays by name. `lang` is the language of the running text; it is the largest share but where
                   names and terms of another language have more letters than the few Han around them.
    lang_letters : list<struct<lang string, count int64>>, letters by language, largest first: what `combine` sums.
    """

    columns: dict[str, pa.Array[Any]]
    lang_letters: pa.Array[Any]


@cache
def character_classes() -> U8Array:
    """(TABLE_SIZE,) uint8: class of every code point, as `tasks.kernels.language` names them; above, OTHER.

    A Han character is strong evidence of Chinese when a Chinese national set has it and the Japanese one has not, and some
    evidence of Japanese when it is a form that only Japanese has (old Chinese prints share a few).
    """
    stored = tables.cached("language-classes", tables.built_from(__file__, atoms.__file__), lambda: {"classes": _build_classes()})
    return stored["classes"]  # type: ignore[return-value]


def _build_classes() -> U8Array:
    table = np.zeros(dictionaries.TABLE_SIZE, np.uint8)
    fixed = fixed_languages()
    for point in [*range(0x2100), *range(0x3000, 0x3040), *range(0xA960, 0xA980), *range(0xFB00, 0x10000)]:
        table[point] = _common_class(chr(point))
    for lang, begin, end in _FIXED:
        _fill(table, begin, end, atoms.FIXED + fixed.index(lang))
    for kind, begin, end in _ALPHABETS:
        _fill(table, begin, end, kind)
    for kind, ranges in ((atoms.HAN, _HAN), (atoms.HIRAGANA, _HIRAGANA), (atoms.KATAKANA, _KATAKANA)):
        for begin, end in ranges:
            table[begin : end + 1] = kind
    for point in range(0x4E00, 0xA000):
        char = chr(point)
        if not dictionaries.encodes(char, "shift_jis") and (dictionaries.encodes(char, "gb2312") or dictionaries.encodes(char, "big5")):
            table[point] = atoms.HAN_STRONG
    table[[ord(c) for c in sorted(_japanese_forms())]] = atoms.HAN_JAPANESE
    table[[ord(c) for c in _WEAK]] = atoms.HAN_WEAK
    table[ord("の")] = atoms.HIRAGANA_NO
    return table


def _japanese_forms() -> set[str]:
    """Characters that only Japanese has: its new forms and its own characters, where no Chinese set took them in."""
    own = {*dictionaries.entries("JPShinjitaiCharacters.txt"), *_KOKUJI}
    return {c for c in own if len(c) == 1 and not any(dictionaries.encodes(c, name) for name in ("gb2312", "big5", "cp950"))}


def _fill(table: U8Array, begin: int, end: int, kind: int) -> None:
    """Letters of a block get its class (capitals the next one), marks MARK, the rest keep theirs."""
    for point in range(begin, end + 1):
        category = unicodedata.category(chr(point))
        if category[0] == "L":
            upper = kind in (atoms.LATIN, atoms.CYRILLIC) and category in ("Lu", "Lt")
            table[point] = kind + upper
        elif category[0] == "M":
            table[point] = atoms.MARK


def _common_class(char: str) -> int:
    if char in _NEWLINES:
        return atoms.NEWLINE
    if char in _STOPS:
        return atoms.STOP
    if char == ".":
        return atoms.DOT
    if char in _LINKS:
        return atoms.LINK
    category = unicodedata.category(char)
    if char == "|" or category[0] == "P" or char in "><":
        return atoms.CLAUSE
    kinds = {"N": atoms.DIGIT, "M": atoms.MARK, "Z": atoms.SPACE}
    return atoms.SPACE if char == "\t" else kinds.get(category[0], atoms.OTHER)


@cache
def fixed_languages() -> tuple[str, ...]:
    """Languages that their script decides, sorted."""
    return tuple(sorted({lang for lang, _, _ in _FIXED}))


@cache
def language_names(candidates: tuple[str, ...]) -> tuple[str, ...]:
    """Every language that can come out, sorted: the number of a language is its place here."""
    return tuple(sorted({*candidates, *fixed_languages(), "ja", "und", "zh", "zh-Hans", "zh-Hant"}))


def detect(texts: Texts, script_labels: U8Array, skip: BoolArray, settings: Language) -> Languages:
    """Languages of each row.

    script_labels : (n,) uint8 of `tasks.script.label`; Chinese is zh-Hans, zh-Hant, or zh where the label says neither.
    skip          : (n,) bool, rows without language (code): `und`.

    >>> found = detect(Texts.of(["吹尽狂沙始到金", "Gold remains after the sand."]), np.array([1, 0], np.uint8), np.zeros(2, bool), Language())
    >>> found.columns["lang"].to_pylist()
    ['zh-Hans', 'en']
    """
    classes = character_classes()
    names = language_names(settings.candidates)
    number = {name: i for i, name in enumerate(names)}
    capacity = len(texts.chars) // 6 + 2 * len(texts) + 64
    while True:
        n, rows, starts, ends, kinds, breaks, stats = atoms.scan(texts.chars, texts.offsets, skip, classes, capacity)
        if n >= 0:
            break
        capacity *= 2
    rows, starts, ends, kinds, breaks, stats = rows[:n], starts[:n], ends[:n], kinds[:n], breaks[:n], stats[:n]
    first = language_result.row_starts(rows, n, len(texts))
    zh = np.array([number["zh"], number["zh-Hans"], number["zh-Hant"]], np.int32)[np.where(script_labels <= HANT, script_labels, 0)]
    fixed = np.array([number[name] for name in fixed_languages()], np.int32)
    langs = np.full(n, number["und"], np.int32)
    is_fixed = kinds >= atoms.FIXED
    langs[is_fixed] = fixed[kinds[is_fixed] - atoms.FIXED]
    language_han.decide_han(first, kinds, breaks, stats, zh, number["ja"], langs)
    models = profiles.load(settings.candidates)
    numbers = np.array([number[name] for name in models.names], np.int32)
    likelihoods = np.zeros((n, len(models.names)), np.int32)
    if settings.engine == "langdetect":
        _ask_langdetect(texts, rows, starts, ends, kinds, breaks, models, numbers, langs, likelihoods)
    else:
        english = models.names.index("en") if "en" in models.names else -1
        fixed_args = (
            texts.chars,
            models.frames,
            models.grams(),
            words.load(settings.candidates).arrays(),
            models.blocks(),
            english,
            numbers,
            number["und"],
        )
        cut_atom, cut_at = language_decide.decide_alphabets(
            np.ones(len(texts), np.bool_), (first, kinds, breaks, stats, starts, ends), *fixed_args, True, langs, likelihoods
        )
        if len(cut_at):
            order = np.argsort(cut_at)
            rows, starts, ends, kinds, breaks, stats, origin = atoms.cut(
                texts.chars, classes, (rows, starts, ends, kinds, breaks, stats), cut_atom[order], cut_at[order]
            )
            n = len(rows)
            first = language_result.row_starts(rows, n, len(texts))
            langs, likelihoods = langs[origin], likelihoods[origin]
            wanted = np.zeros(len(texts), np.bool_)
            wanted[rows[np.isin(origin, cut_atom)]] = True
            language_decide.decide_alphabets(wanted, (first, kinds, breaks, stats, starts, ends), *fixed_args, False, langs, likelihoods)
    judged = (first, kinds, stats, likelihoods, langs)
    language_sure.doubt(*judged, models.scripts, numbers, number["und"], settings.least_confidence)
    family = np.array([number["zh"] if name.startswith("zh-") else i for i, name in enumerate(names)], np.int32)
    result = language_result.finish(
        texts.chars,
        texts.offsets,
        classes,
        first,
        kinds,
        breaks,
        stats,
        starts,
        ends,
        langs,
        family,
        zh,
        number["ja"],
        len(names),
        settings.mixed_share,
    )
    sure = language_sure.confidence(*judged, result[0], models.scripts, numbers, number["und"])
    return _columns(names, family, sure, *result)


def _columns(
    names: tuple[str, ...],
    family: I32Array,
    sure: npt.NDArray[np.float64],
    primary: I32Array,
    mixed: BoolArray,
    count_offsets: I32Array,
    count_langs: I32Array,
    count_letters: I64Array,
    span_offsets: I32Array,
    span_starts: I32Array,
    span_ends: I32Array,
    span_langs: I32Array,
) -> Languages:
    """Arrow columns of the kernels' arrays; no Python object a row."""
    dictionary = _array(names)
    shares = _shares(count_offsets, count_letters)
    spans = [_array(span_starts), _array(span_ends), dictionary.take(_array(span_langs))]
    counted = dictionary.take(_array(count_langs))
    return Languages(
        {
            "lang": dictionary.take(_array(np.where(primary < 0, names.index("und"), primary))),
            "lang_confidence": _array(np.round(sure, 4).astype(np.float32)),
            "lang_shares": _lists(count_offsets, ["lang", "share"], [counted, _array(shares)]),
            "lang_spans": _lists(span_offsets, ["start", "end", "lang"], spans),
            "lang_switches": _switches(span_offsets, span_starts, family[span_langs]),
            "is_mixed": _array(mixed),
        },
        _lists(count_offsets, ["lang", "count"], [counted, _array(count_letters)]),
    )


def _switches(offsets: I32Array, starts: I32Array, langs: I32Array) -> Any:
    """list<int64>: where a span begins in another language than the span before it in its row."""
    first = np.zeros(len(starts) + 1, np.bool_)
    first[offsets[:-1]] = True
    here = ~first[:-1] & np.concatenate([[False], langs[1:] != langs[:-1]])[: len(langs)]
    before = np.concatenate([[0], np.cumsum(here)]).astype(np.int32)
    return pa.ListArray.from_arrays(_array(before[offsets]), _array(starts[here].astype(np.int64)))


def _array(values: Any) -> Any:
    """Arrow array; the stubs take numpy arrays of any type for Boolean ones."""
    return pa.array(values)


def _lists(offsets: I32Array, names: list[str], columns: list[Any]) -> Any:
    """List array of records; offsets count records."""
    return pa.ListArray.from_arrays(_array(offsets), pa.StructArray.from_arrays(columns, names))


def _shares(offsets: npt.NDArray[np.integer], letters: I64Array) -> npt.NDArray[np.float32]:
    """Share of each count in its row, float32 rounded to 4 places."""
    totals = np.add.reduceat(np.append(letters, 0), offsets[:-1]) if len(offsets) > 1 else np.empty(0, np.int64)
    per_row = np.repeat(totals, np.diff(offsets))
    rounded: npt.NDArray[np.float32] = np.round(letters / np.maximum(per_row, 1), 4).astype(np.float32)
    return rounded


def _ask_langdetect(
    texts: Texts,
    rows: I32Array,
    starts: I64Array,
    ends: I64Array,
    kinds: U8Array,
    breaks: U8Array,
    models: profiles.Profiles,
    numbers: I32Array,
    langs: I32Array,
    likelihoods: I32Array,
) -> None:
    """Language of each sentence's alphabet atoms by the library, seeded, with the candidates of the script as the prior."""
    from langdetect import detector_factory
    from langdetect.lang_detect_exception import LangDetectException

    detector_factory.init_factory()
    factory = detector_factory._factory
    factory.seed = 0
    temper = language_decide.SCALE * language_sure.TEMPER
    alphabet = kinds < atoms.KIND_CJK
    sentence = np.cumsum((breaks & atoms.BREAK_MASK) == atoms.SENTENCE_BREAK)
    joined = np.flatnonzero(alphabet)
    apart = np.flatnonzero((np.diff(sentence[joined]) != 0) | (np.diff(kinds[joined]) != 0) | (np.diff(rows[joined]) != 0)) + 1
    for group in np.split(joined, apart) if len(joined) else []:
        prior = {name: 1.0 for name, script in zip(models.names, models.scripts, strict=True) if script == kinds[group[0]]}
        text = " ".join(to_str(texts.chars[starts[a] : ends[a]]) for a in group)
        if not prior:
            continue
        detector = factory.create()
        detector.set_prior_map(prior)
        detector.append(text)
        try:
            found = {answer.lang: answer.prob for answer in detector.get_probabilities()}
        except LangDetectException:
            continue
        if found:
            best = max(sorted(found), key=lambda name: found[name])
            langs[group] = numbers[models.names.index(best)]
            likelihoods[group[0]] = [round(math.log(max(found.get(name, 0.0), 1e-6)) * temper) for name in models.names]


def combine(lang_letters: Any, langs: Any, groups: I64Array, n_groups: int) -> tuple[Any, Any]:
    """Primary language and shares of documents, from their passages.

    lang_letters : list<struct<lang, count>> of the passages.  langs : their primary languages.
    groups       : (n,) int64, document of each passage, 0 to n_groups - 1, in any order.
    returns      : `lang` (of the passages that have most letters) and `lang_shares`. Chinese that says nothing of its script
                   counts with the document's other Chinese.
    """
    flat = lang_letters.flatten()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lang_letters), 0))
    counts = np.asarray(pc.struct_field(flat, "count")).astype(np.int64)
    groups = np.asarray(groups, np.int64)
    names = sorted(
        {*pc.unique(pc.struct_field(flat, "lang")).to_pylist(), *pc.unique(langs).to_pylist(), "und", "zh", "zh-Hans", "zh-Hant"}
    )
    dictionary = _array(names)
    of_count = np.asarray(pc.index_in(pc.struct_field(flat, "lang"), dictionary)).astype(np.int64)
    letters = _gather_zh(_sum(np.repeat(groups, lengths), of_count, counts, n_groups, len(names)), names)
    of_passage = np.asarray(pc.index_in(langs, dictionary)).astype(np.int64)
    totals = (
        np.add.reduceat(np.append(counts, 0), np.concatenate([[0], np.cumsum(lengths)[:-1]])) * (lengths > 0) if len(lengths) else counts
    )
    led = _gather_zh(_sum(groups, of_passage, totals, n_groups, len(names)), names)
    primary = np.where(led.max(axis=1, initial=0) > 0, led.argmax(axis=1), names.index("und"))
    order = np.argsort(-letters, axis=1, kind="stable")
    sorted_letters = np.take_along_axis(letters, order, axis=1)
    present = sorted_letters > 0
    offsets = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
    shares = _shares(offsets, sorted_letters[present])
    columns = [dictionary.take(_array(order[present])), _array(shares)]
    return dictionary.take(_array(primary)), _lists(offsets, ["lang", "share"], columns).cast(_SHARES)


def _sum(groups: I64Array, columns: I64Array, values: I64Array, n_groups: int, n_columns: int) -> I64Array:
    """(n_groups, n_columns) int64 sums."""
    out = np.zeros(n_groups * n_columns, np.int64)
    np.add.at(out, groups * n_columns + columns, values)
    return out.reshape(n_groups, n_columns)


def _gather_zh(letters: I64Array, names: list[str]) -> I64Array:
    """Letters of bare zh moved to the row's larger of zh-Hans and zh-Hant, where there is one."""
    bare, hans, hant = (names.index(name) for name in ("zh", "zh-Hans", "zh-Hant"))
    known = letters[:, hans] + letters[:, hant] > 0
    target = np.where(letters[:, hant] > letters[:, hans], hant, hans)[known]
    moved = letters.copy()
    moved[known, target] += moved[known, bare]
    moved[known, bare] = 0
    return moved
