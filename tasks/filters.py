"""The filters of language and quality, when they are on: which described rows they take."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.reasons import LANGUAGE, QUALITY
from tasks.settings import Settings
from tasks.store.stage import whole
from tasks.store.text import BoolArray, U8Array

#: Columns that the filters look at, and the confidence from which a language is sure.
FILTERED = ["lang", "lang_confidence", "lang_shares", "is_mixed", "quality"]
SURE_LANGUAGE = 0.75


def filter_reasons(rows: pa.Table, settings: Settings) -> U8Array:
    """(n,) uint8: KEPT, or LANGUAGE or QUALITY where a filter that is on takes the row. Without a language, or without a score, it stays.

    rows : with the columns FILTERED. A row is in no language to keep only when that is sure: the best guess for a lone word
           removes nothing, and a mixed row stays when one of its languages is to be kept.
    """
    quality = whole(rows["quality"])
    reasons = np.zeros(len(rows), np.uint8)
    if settings.quality.minimum > 0:
        reasons[pc.fill_null(pc.less(quality, settings.quality.minimum), False).to_numpy(zero_copy_only=False)] = QUALITY
    if settings.language.keep:
        foreign = ~_kept_languages(whole(rows["lang"]), settings.language.keep)
        sure = pc.fill_null(pc.greater_equal(whole(rows["lang_confidence"]), SURE_LANGUAGE), True).to_numpy(zero_copy_only=False)
        reasons[foreign & sure & ~_partly_kept(rows, settings)] = LANGUAGE
    return reasons


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
