"""Which candidates are templates, and which of those remove: place, share of documents, variety, what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.store.text import BoolArray, F32Array, I32Array, I64Array
from tasks.template_groups import Groups
from tasks.template_page import Page
from tasks.templates import LEAD

#: Share of a template's occurrences that must stand in head or tail before it may remove; for items of a list, labels and ends of lines.
CONCENTRATED, STRICT = 0.8, 0.95
#: A template of one end has no place at the other, unless this share of its lines stands there: a teaser in every footer is not the
#: opening of the article that it quotes.
BOTH_ENDS = 0.3
#: A template of part of a collection (the footer changed in issue 40): documents, and their share of those from its first to its last.
ERA, DENSE = 8, 0.5
#: Share of a collection of short notes that a template must stand in: below, one of four stock phrases is content.
SHORT_SHARE = 0.5
#: A template of few documents (a sponsor of five issues): share of its occurrences that stand beside other boilerplate.
SUPPORTED = 0.8
#: Share of the letters of two lines of a lead or trail that are the same, from which what differs is a slot: in the tail, and in the
#: head, where titles stand.
COVERED_TAIL, COVERED_HEAD = 0.6, 0.7
#: A label that is no word for a frame needs this support (`SUPPORTED`, of a block of labels).
LABEL_SUPPORT = 0.6
#: A line that ends with a colon introduces what follows: it goes with it only.
FOLLOWED = 0.6
#: Documents shorter than this are no ground for templates of few documents: their middle begins beside the frame.
_ROOMY = 8


@dataclass(frozen=True)
class Scores:
    """What is known of each group by the places as peeled so far; columns as in Templates.

    placed : (m,) bool, rows in head or tail, or below the heading under which they always stand.
    frame  : (g,) bool, recognised; removes : those that may also remove.
    """

    placed: BoolArray
    documents: I64Array
    share: F32Array
    density: F32Array
    concentration: F32Array
    support: F32Array
    at_tail: BoolArray
    within: I32Array
    frame: BoolArray
    removes: BoolArray


def judge(page: Page, groups: Groups, published: bool = False) -> Scores:
    """Scores of all groups by the frame that is recognised so far. published : with what is only published."""
    rows, of_row = groups.rows, groups.of_row
    heads, tails = page.places()
    in_head, in_tail = heads[rows], tails[rows]
    heads_of, tails_of = groups.sums(in_head), groups.sums(in_tail)
    both = np.maximum(heads_of + tails_of, 1)
    at_ends = groups.sums((in_head | in_tail | (groups.below & groups.under[of_row])) & groups.alike)
    in_head &= (heads_of >= BOTH_ENDS * both)[of_row]
    in_tail &= (tails_of >= BOTH_ENDS * both)[of_row]
    placed = (in_head | in_tail | (groups.below & groups.under[of_row])) & groups.alike
    documents, first, last = _standing(page, groups, placed)
    size = np.maximum(groups.occurrences, 1)
    concentration = at_ends / size
    beside, followed = page.supported(rows)
    there = np.maximum(groups.sums(placed), 1)
    support = groups.sums(beside & placed) / there
    introduces = groups.opens & (groups.sums(followed & placed) < FOLLOWED * there)
    density = documents / np.maximum(last - first + 1, 1)
    share = documents / np.maximum(page.witnesses[groups.collection], 1)
    at_tail = tails_of >= heads_of
    wide = (share >= np.where(groups.roomy, page.settings.min_share, SHORT_SHARE)) | ((documents >= ERA) & (density >= DENSE))
    few = (support >= SUPPORTED) & groups.roomy
    often = documents >= page.settings.min_documents
    frame = often & (concentration >= np.where(groups.strict, STRICT, CONCENTRATED)) & (wide | few) & _worded(groups, at_tail, support)
    return Scores(
        placed,
        groups.documents,
        _f32(groups.documents / np.maximum(page.collection_documents[groups.collection], 1)),
        _f32(density),
        _f32(concentration),
        _f32(support),
        at_tail,
        _within(page, groups, placed, at_tail) if published else np.zeros(len(groups.starts), np.int32),
        frame,
        frame & ~groups.rigid & ~groups.refused & ~introduces & (~groups.thin | (share >= page.settings.min_share)),
    )


def _worded(groups: Groups, at_tail: BoolArray, support: npt.NDArray[np.float64]) -> BoolArray:
    """(g,) bool, whether what varies is little beside what does not, and no content."""
    lead_in = groups.coverage >= np.where(at_tail, COVERED_TAIL, COVERED_HEAD)
    label = groups.known_label | ((support >= LABEL_SUPPORT) & ~groups.numeric)
    ends = groups.form >= LEAD
    varied: BoolArray = np.where(ends, np.where(groups.labelled, label, lead_in) & ~(groups.opening & ~groups.known_label), True)
    return varied & groups.able & np.where(groups.labelled & ~ends & (groups.values > 1), label, True)


def _standing(page: Page, groups: Groups, placed: BoolArray) -> tuple[I64Array, I64Array, I64Array]:
    """Witnesses with a placed occurrence, and the least and greatest place of their documents in the collection, by group."""
    if not len(groups.rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    ordinal = page.ordinal[groups.rows]
    there = np.maximum.reduceat(placed, groups.witness_starts)
    documents = groups.witness_sums(there)
    first = np.minimum.reduceat(np.where(placed, ordinal, np.iinfo(np.int64).max), groups.starts)
    last = np.maximum.reduceat(np.where(placed, ordinal, -1), groups.starts)
    return documents, np.where(documents > 0, first, 0), last


def _within(page: Page, groups: Groups, placed: BoolArray, at_tail: BoolArray) -> I32Array:
    """(g,) int32, lines from the document's start or end that hold the placed occurrences."""
    if not len(groups.rows):
        return np.zeros(0, np.int32)
    rows = groups.rows
    distance = np.where(at_tail[groups.of_row], page.last[rows] - rows, rows - page.first[rows] + 1)
    return np.maximum.reduceat(np.where(placed, distance, 1), groups.starts).astype(np.int32)


def _f32(values: npt.NDArray[np.float64]) -> F32Array:
    return values.astype(np.float32)
