"""Passages that a filter of the settings takes: in no language to keep, or below the least quality."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.reasons import LANGUAGE, QUALITY
from tasks.settings import Settings
from tasks.store.stage import whole
from tasks.store.text import BoolArray, U8Array

#: Columns that the filters look at.
FILTERED = ["lang", "lang_confidence", "lang_shares", "is_mixed", "quality"]
#: Confidence from which a language is sure.
SURE_LANGUAGE = 0.75


def filter_reasons(rows: pa.Table, settings: Settings) -> U8Array:
    """(n,) uint8: KEPT, or LANGUAGE or QUALITY where a filter that is on takes the row. rows : with the columns FILTERED."""
    reasons = np.zeros(len(rows), np.uint8)
    reasons[poor(rows, settings)] = QUALITY
    reasons[foreign(rows, settings)] = LANGUAGE
    return reasons


def poor(rows: pa.Table, settings: Settings) -> BoolArray:
    """(n,) bool: rows whose score is below `quality.minimum`; a row without a score stays."""
    if settings.quality.minimum <= 0:
        return np.zeros(len(rows), np.bool_)
    below: BoolArray = pc.fill_null(pc.less(whole(rows["quality"]), settings.quality.minimum), False).to_numpy(zero_copy_only=False)
    return below


def foreign(rows: pa.Table, settings: Settings) -> BoolArray:
    """(n,) bool: rows in no language of `language.keep`, where it is not empty; a row without a language stays.

    Only what is sure goes: the best guess for a lone word removes nothing, and a mixed row stays when one of its languages is to be kept.
    """
    if not settings.language.keep:
        return np.zeros(len(rows), np.bool_)
    other = ~_kept_languages(whole(rows["lang"]), settings.language.keep)
    sure = pc.fill_null(pc.greater_equal(whole(rows["lang_confidence"]), SURE_LANGUAGE), True).to_numpy(zero_copy_only=False)
    gone: BoolArray = other & sure & ~_partly_kept(rows, settings)
    return gone


def _kept_languages(langs: pa.Array, keep: tuple[str, ...]) -> BoolArray:
    """Which languages are null, `und`, among those to keep, or a script of one."""
    wanted = pc.or_(pc.is_null(langs), pc.is_in(langs, value_set=pa.array(["und", *keep])))
    for name in keep:
        wanted = pc.or_(wanted, pc.fill_null(pc.starts_with(langs, name + "-"), False))
    return wanted.to_numpy(zero_copy_only=False)


def _partly_kept(rows: pa.Table, settings: Settings) -> BoolArray:
    """Which rows are mixed, with at least `language.mixed_share` of the letters in a language to keep."""
    shares = whole(rows["lang_shares"])
    flat = shares.flatten()
    enough = pc.greater_equal(pc.struct_field(flat, "share"), settings.language.mixed_share).to_numpy(zero_copy_only=False)
    enough &= _kept_languages(pc.struct_field(flat, "lang"), settings.language.keep)
    out = np.zeros(len(rows), np.bool_)
    out[pc.list_parent_indices(shares).to_numpy()[enough]] = True
    mixed: BoolArray = out & pc.fill_null(whole(rows["is_mixed"]), False).to_numpy(zero_copy_only=False)
    return mixed
