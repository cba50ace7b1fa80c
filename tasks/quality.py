"""Quality score of a passage, 0 (noise) to 1 (clean running text), from its signals.

The score is a product of a few readable checks. Each check looks at one number and answers with a factor: 1 up to a `good`
value, `least` from a `bad` value on, a straight line between. So a defect lowers the score in proportion, no single mild one
sinks a passage, and `explain_score` can say which factor did what. Thresholds come from the published English ones (Gopher: Rae
et al. 2021; C4: Raffel et al. 2020; FineWeb: Penedo et al. 2024; FineWeb-2: Penedo et al. 2025, which adapts them by language),
turned from words into characters: a Chinese word has about 1.6 characters, and Chinese has no stop-word spaces to count.

Headings, tables, code and metadata are no running text: they are short, full of marks, or repeat themselves by design. For them
only `empty`, `replacements` and `mojibake` speak, so a sound one scores 1 and a filter on quality never takes a chapter's title or listing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.segment import KINDS
from tasks.store.text import F32Array, U8Array

F64Array = npt.NDArray[np.float64]
Columns = Mapping[str, F64Array]

EVERY = frozenset(KINDS)
RUNNING = frozenset({"prose", "list", "caption", "turn"})
SENTENCES = frozenset({"prose", "turn"})  # where sentences are expected to end with a mark


@dataclass(frozen=True)
class Check:
    """One soft threshold.

    name  : as `explain_score` and the report show it.
    good  : value up to which the factor is 1; bad: value from which it is `least`. good > bad where more is better.
    least : smallest factor: how much this defect alone can say.
    kinds : kinds of passage it speaks for; 1 for all others.
    why   : meaning and origin.
    """

    name: str
    good: float
    bad: float
    least: float
    kinds: frozenset[str]
    why: str


CHECKS = (
    Check("empty", 1, 0, 0.0, EVERY, "No text at all."),
    Check("replacements", 0, 3, 0.1, EVERY, "Broken characters a hundred: text that was decoded wrongly (FineWeb drops such pages whole)."),
    Check("mojibake", 0, 0.3, 0.1, EVERY, "Share of text read in the wrong charset; as much says that the rest beside it is in doubt too."),
    Check(
        "length",
        12,
        1,
        0.7,
        RUNNING,
        "Characters. A fragment says little; mild, since an answer in a dialogue may be 对 (Gopher asks for 50 words of a document).",
    ),
    Check(
        "letters",
        0.6,
        0.3,
        0.1,
        RUNNING,
        "Share of letters of any script (Gopher: 80 % of words hold a letter; Chinese prose has 0.83 to 0.92).",
    ),
    Check("symbols", 0.05, 0.3, 0.2, RUNNING, "Share of symbols (Gopher: 0.1 symbols a word)."),
    Check(
        "digits",
        0.2,
        0.6,
        0.3,
        RUNNING,
        "Share of digits: tables of numbers, phone lists, serial numbers. Dates and quantities in prose stay under 0.1.",
    ),
    Check(
        "urls",
        0.3,
        0.85,
        0.2,
        RUNNING,
        "Share of characters in URLs: lists of links. An item that ends with one link has a third to a half.",
    ),
    Check(
        "punctuation",
        0.25,
        0.5,
        0.4,
        RUNNING,
        "Share of punctuation, as if 10 letters more stood there: rules, dot leaders. Chinese dialogue reaches 0.2.",
    ),
    Check(
        "sentence_length",
        120,
        400,
        0.4,
        SENTENCES,
        "Mean characters a sentence: titles or keywords run together (FineWeb-2 filters lists by line endings).",
    ),
    Check(
        "unfinished_lines",
        0.3,
        1,
        0.8,
        SENTENCES,
        "Share of lines without final punctuation (C4 keeps only finished lines). Mild: a title-like sentence is no defect.",
    ),
    Check(
        "variety",
        1,
        0.3,
        0.1,
        RUNNING,
        "Distinct characters of the head over what the script leads to expect: 哈哈哈哈 (replaces Gopher's stop-word check).",
    ),
    Check(
        "top_bigram", 0.25, 0.7, 0.4, RUNNING, "Share of the commonest bigram, as if 10 letters more stood there (Gopher: 0.2 for words)."
    ),
    Check(
        "repetition",
        0.15,
        0.7,
        0.2,
        RUNNING,
        "Share of characters in 8-grams seen before (Gopher: 0.15 for 5-grams of words, about 8 characters).",
    ),
    Check("fillers", 0.06, 0.4, 0.5, RUNNING, "Share of spoken fillers. Half at most: the content is there, the style is raw speech."),
    Check(
        "unpaired",
        1,
        6,
        0.8,
        RUNNING,
        "Unpaired brackets and quotation marks a hundred characters: text cut in the middle. One a hundred is a quotation that goes on.",
    ),
)

#: What the language model adds; the only checks that know the corpus, see tasks/perplexity.py.
SURPRISE = Check(
    "surprise",
    0,
    6,
    0.1,
    RUNNING,
    "Standard deviations by which a passage is more surprising than others of its kind, language and length (Wenzek et al. 2020 cut thirds).",
)
SHOCKS = Check(
    "shocks",
    0,
    0.08,
    0.1,
    RUNNING,
    "Share of characters that nobody would have expected there. Measured: 0.4 % in sound text, 4 % where a twentieth is noise.",
)

# Distinct characters among the first 256 that sound text has at least: Chinese prose 0.45 to 0.7, of which two thirds are asked;
# an alphabet has 26 letters and some marks, 0.1, and other scripts are asked no more than that.
_VARIETY_LETTERS, _VARIETY_HAN = 0.08, 0.22
_SHORT = 10  # characters, see `settled`


def _values(s: Columns) -> dict[str, F64Array]:
    """What each check looks at, from the signals."""
    per_hundred = 100 / np.maximum(s["char_count"], 100)  # so that one defect in a short passage is one, not ten
    settled = s["char_count"] / (s["char_count"] + _SHORT)  # in 对，是这样。 two marks are a third of the text and no defect
    visible = s["han_share"] + s["latin_share"] + s["digit_share"] + s["punctuation_share"] + s["symbol_share"] > 0
    return {
        "empty": np.where(s["char_count"] > 0, 1.0, 0.0),
        "replacements": s["replacement_count"] * per_hundred,
        "mojibake": s["mojibake_share"],
        "length": s["char_count"],
        "letters": np.round(1 - s["digit_share"] - s["punctuation_share"] - s["symbol_share"], 4),
        "symbols": s["symbol_share"],
        "digits": s["digit_share"],
        "urls": s["url_share"],
        "punctuation": s["punctuation_share"] * settled,
        "sentence_length": s["mean_sentence_chars"],
        "unfinished_lines": s["unfinished_line_share"],
        "variety": np.where(visible, s["distinct_char_share"] / (_VARIETY_LETTERS + _VARIETY_HAN * s["han_share"]), 1.0),
        "top_bigram": s["top_bigram_share"] * settled,
        "repetition": s["duplicate_ngram_share"],
        "fillers": s["filler_share"],
        "unpaired": s["unpaired_count"] * per_hundred,
    }


def _factor(check: Check, value: F64Array) -> F64Array:
    """1 at `good` or better, `least` at `bad` or worse, straight between."""
    goodness = np.clip((value - check.bad) / (check.good - check.bad), 0.0, 1.0)
    return check.least + (1 - check.least) * goodness


def score(signals: pa.StructArray, kinds: U8Array) -> F32Array:
    """Quality of each passage.

    signals : (n,) structs of schemas.SIGNALS_TYPE (tasks.signals.measure).
    kinds   : (n,) uint8, index into segment.KINDS.
    returns : (n,) float32 in 0..1, four digits; an empty passage has 0.
    """
    names = [field.name for field in signals.type]
    columns = {name: signals.field(i).to_numpy(zero_copy_only=False).astype(np.float64) for i, name in enumerate(names)}
    values = _values(columns)
    total = np.ones(len(signals), np.float64)
    for check in CHECKS:
        speaks = np.isin(np.asarray(kinds), [i for i, kind in enumerate(KINDS) if kind in check.kinds])
        total *= np.where(speaks, _factor(check, values[check.name]), 1.0)
    return np.round(total, 4).astype(np.float32)


def tempered(form: F32Array, surprise: F32Array, shocks: F64Array, kinds: U8Array) -> F32Array:
    """Quality with what the language model says.

    form             : (n,) what `score` gave.
    surprise, shocks : (n,) `perplexity_z` and `shock_share`, NaN where no model speaks: the form stands alone.
    returns          : (n,) float32 in 0..1, four digits; NaN where form is.
    """
    speaks = np.isin(kinds, [KINDS.index(kind) for kind in sorted(RUNNING)]) & ~np.isnan(surprise)
    factor = np.ones(len(form))
    for check, value in ((SURPRISE, surprise), (SHOCKS, shocks)):
        factor *= np.where(speaks, _factor(check, np.where(speaks, value, 0).astype(np.float64)), 1.0)
    return np.round(form * factor, 4).astype(np.float32)


def explain_score(row: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Why one passage has its score: (check, value it looked at, factor), the most damaging first.

    row : a row of `passages`, as a mapping with `kind`, `signals` and, where a model spoke, `perplexity_z` and `shock_share`. The product of the factors is the score, before rounding.

    >>> from tasks.signals import measure
    >>> from tasks.store.text import Texts
    >>> signals = measure(Texts.of(["哈" * 500]), np.zeros(1, np.uint8)).to_pylist()[0]
    >>> [name for name, _, _ in explain_score({"kind": "prose", "signals": signals})[:2]]
    ['variety', 'repetition']
    """
    columns = {name: np.array([float(value)]) for name, value in row["signals"].items()}
    values = _values(columns)
    effects = []
    for check in CHECKS:
        if row["kind"] in check.kinds:
            value = values[check.name]
            effects.append((check.name, round(float(value[0]), 4), round(float(_factor(check, value)[0]), 4)))
    for check, name in ((SURPRISE, "perplexity_z"), (SHOCKS, "shock_share")):
        found = row.get(name)
        if found is not None and row["kind"] in check.kinds:
            effects.append((check.name, round(float(found), 4), round(float(_factor(check, np.array([found]))[0]), 4)))
    return sorted(effects, key=lambda effect: effect[2])
