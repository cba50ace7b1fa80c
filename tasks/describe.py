"""Spans of document text -> the text-derived columns of a passage: text, edits, script, language, signals, quality.

A pure function of (raw, kind, wrapped, settings): `verify` replays it, and the survivors of a cut passage go through it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels import utf8
from tasks.language import Languages, detect
from tasks.normalize import EDITS, normalize
from tasks.personal import mask
from tasks.quality import score
from tasks.script import SCRIPTS, Conversion, convert_with_map, label, region_evidence, runs
from tasks.segment import KINDS
from tasks.settings import Settings
from tasks.signals import measure
from tasks.store.ids import content_id_column
from tasks.store.text import BoolArray, I64Array, Texts, U8Array, U32Array, spans_to_arrow

CODE = KINDS.index("code")


@dataclass(frozen=True)
class Described:
    """Columns of n passages, and the clean text before script conversion, which matching folds.

    unconverted : string, the clean text where conversion changed it, null elsewhere.
    """

    columns: dict[str, pa.Array]
    letters: pa.Array
    clean: Texts
    unconverted: pa.StringArray


def rewrite(
    chars: U32Array, starts: I64Array, ends: I64Array, wrapped: BoolArray, kinds: U8Array, settings: Settings
) -> tuple[Texts, Conversion, npt.NDArray[Any], U8Array]:
    """Raw spans -> clean text, published text, edit counts (n, edits + 2; the last are script conversion and masks), script of the raw text."""
    normalized = normalize(chars, starts, ends, wrapped, kinds == CODE, settings.normalize)
    labels = label(normalized.texts, settings.script)
    converted = convert_with_map(normalized.texts, labels, settings.script)
    masked = np.zeros(len(converted.texts), np.int32)
    if settings.normalize.mask_personal:  # of the same lengths, so the positions stay
        text, masked = mask(converted.texts)
        converted = replace(converted, texts=text)
    return normalized.texts, converted, np.column_stack([normalized.edits, converted.changed, masked]), labels


def describe(chars: U32Array, starts: I64Array, ends: I64Array, wrapped: BoolArray, kinds: U8Array, settings: Settings) -> Described:
    """All text-derived columns of the spans, named and typed as in `schemas.PASSAGES`; `raw` is null where it equals `text`."""
    clean, converted, edits, labels = rewrite(chars, starts, ends, wrapped, kinds, settings)
    text = converted.texts
    script = _script(text, clean, labels, settings)
    languages: Languages = detect(text, script, kinds == CODE, settings.language)
    signals = measure(text, kinds)
    quality = score(signals, kinds)
    published = text.to_arrow()
    raw = _changed_spans(chars, starts, ends, text)
    names = pa.array(SCRIPTS)
    columns = {
        "text": published,
        "raw": raw,
        "content_id": content_id_column(published),
        "edits": edit_column(edits),
        "script_source": names.take(pa.array(labels)),
        "script": names.take(pa.array(script)),
        "script_spans": _spans(clean, labels, converted),
        "region_hint": _hint(region_evidence(clean, labels)),
        "quality": pa.array(np.round(quality, 4).astype(np.float32)),
        "signals": signals,
        **languages.columns,
    }
    unconverted = _changed_spans(clean.chars, clean.offsets[:-1], clean.offsets[1:], text)
    return Described(columns, languages.lang_letters, clean, unconverted)


def _script(text: Texts, clean: Texts, labels: U8Array, settings: Settings) -> U8Array:
    """Script of the published text: that of the clean text where conversion left the row alone."""
    rows = np.flatnonzero(~utf8.same_spans(clean.chars, clean.offsets[:-1], clean.offsets[1:], text.chars, text.offsets))
    out = labels.copy()
    if len(rows):
        out[rows] = label(text.take_spans(text.offsets[rows], text.offsets[rows + 1]), settings.script)
    return out


def _spans(clean: Texts, labels: U8Array, converted: Conversion) -> pa.Array:
    """list<struct<start, end, script>>: runs of one script, found in the clean text, as code points of the published rows."""
    found = runs(clean, labels)
    rows, text = found[:, 0], converted.texts
    at, forward = clean.offsets[rows, None] + found[:, 1:3], converted.positions.inverse()
    base = text.offsets[rows]
    ends = [pa.array((place - base).astype(np.int32)) for place in (forward.starts(at[:, 0]), forward.ends(at[:, 1]))]
    values = pa.StructArray.from_arrays([*ends, pa.array(SCRIPTS).take(pa.array(found[:, 3]))], names=["start", "end", "script"])
    offsets = np.zeros(len(clean) + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=len(clean)), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _hint(counts: npt.NDArray[np.int32]) -> pa.Array:
    """list<struct<region, evidence>> of the counts (n, 2) for tw and hk, larger first (tw where equal), those without evidence left out."""
    order = np.argsort(-counts, axis=1, kind="stable")
    ordered = np.take_along_axis(counts, order, axis=1)
    there = ordered > 0
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(there.sum(axis=1), out=offsets[1:])
    fields = [pa.array(("tw", "hk")).take(pa.array(order[there])), pa.array(ordered[there])]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(fields, names=["region", "evidence"]))


def _changed_spans(chars: U32Array, starts: I64Array, ends: I64Array, text: Texts) -> pa.StringArray:
    """Spans that differ from their published text, null where they do not: most do not, and are not encoded."""
    starts, ends = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64)
    same = utf8.same_spans(chars, starts, ends, text.chars, text.offsets)
    spans = spans_to_arrow(chars, np.where(same, 0, starts), np.where(same, 0, ends))
    return pc.if_else(pa.array(same), pa.scalar(None, pa.string()), spans)


def edit_column(counts: npt.NDArray[Any]) -> pa.Array:
    """list<struct<name, count>> of the edits that happened, in the order of their names in EDITS, then `script` and `personal`."""
    rows, which = np.nonzero(counts)
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=len(counts)), out=offsets[1:])
    names = pa.array([*EDITS, "script", "personal"]).take(pa.array(which))
    values = pa.StructArray.from_arrays([names, pa.array(counts[rows, which].astype(np.int32))], names=["name", "count"])
    return pa.ListArray.from_arrays(pa.array(offsets), values)
