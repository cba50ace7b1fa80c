"""The lines of a run in order, and what mining has recognised of each document so far: its head, its tail, what stands beside boilerplate."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from tasks.kernels import mining as kernels
from tasks.kernels.templates import FINAL, LABELLED, LINKED
from tasks.rulepack import KINDS
from tasks.settings import Boilerplate
from tasks.store.text import BoolArray, I32Array, I64Array, U8Array, U64Array
from tasks.templates import LineTable

if TYPE_CHECKING:
    from tasks.template_groups import Groups
    from tasks.template_scores import Scores

#: Lines that count as head and as tail: where pages and newsletters carry their frame. What is recognised is peeled off first.
HEAD, TAIL = 6, 12
#: Last lines of a short document that are tail when all below them is recognised.
_LAST = 3
#: From so many lines on, the tail may reach up to the middle of the document's characters; else, as the head, a third of them.
_LONG = 12
#: From this share of labelled lines on, a document is a card (a recipe, an entry): its labels are its content.
CARD = 0.34
#: Documents of which less is their own are copies of one another: together they are one witness.
OWN = 0.2
#: Kinds that are never removed for recurring: structure, code, tables, captions, and what was metadata already. What a speaker opens
#: with a label is not either.
PROTECTED = tuple(KINDS.index(kind) for kind in ("heading", "table", "code", "caption", "metadata"))
HEADING, LIST, METADATA, TURN = (KINDS.index(kind) for kind in ("heading", "list", "metadata", "turn"))
#: Lines between two lines of templates that are taken with them, and letters of one.
_GAP, _SHORT = 3, 40


@dataclass(frozen=True)
class Page:
    """All lines, by document and place, with what peeling has recognised so far (`frame` and `spared` are filled in place).

    sorted : (n,) int64, row of the line table. first, last : (n,) int64, first line of the line's document and one past its last.
    before, after : (n,) int64, nearest line above and below that has words, -1 where there is none.
    common  : (n,) bool, lines that stand as they are in `min_documents` documents of the collection.
    neutral : (n,) bool, lines without a letter, and markup that is common: they have no weight in distances.
    witness : (n,) int64, document, or one number for all documents that are copies. witnesses : (n_collections,) int64.
    ordinal : (n,) int64, place of the document among those of its collection. protected : (n,) bool.
    upper, lower : (n,) bool, in the first third and in the last half (third, of few lines) of the document's characters.
    spared : (n,) bool, lines of a template that a reviewer refused.
    """

    sorted: I64Array
    lines: LineTable
    settings: Boilerplate
    collection_documents: I64Array
    first: I64Array
    last: I64Array
    before: I64Array
    after: I64Array
    common: BoolArray
    neutral: BoolArray
    witness: I64Array
    witnesses: I64Array
    ordinal: I64Array
    upper: BoolArray
    lower: BoolArray
    protected: BoolArray
    frame: BoolArray
    spared: BoolArray

    @staticmethod
    def of(lines: LineTable, collection_documents: I64Array, settings: Boilerplate) -> Page:
        """The lines of a table in order, with the columns that do not change while peeling."""
        n = len(lines.doc)
        by_place = np.arange(n)
        if not _in_order(lines.doc, lines.order):
            by_place = np.lexsort((lines.order, lines.doc))
            lines = LineTable(**{f.name: getattr(lines, f.name)[by_place] for f in fields(LineTable)})
        starts = np.flatnonzero(changes(lines.doc))
        size = np.diff(np.append(starts, n))
        number, first = np.repeat(np.arange(len(starts)), size), np.repeat(starts, size)
        last = first + np.repeat(size, size)
        common = document_counts(lines.exact, lines.collection, lines.doc, settings.min_documents) >= settings.min_documents
        neutral = ((lines.words == 0) | ((lines.rest + lines.inner == 0) & common)) & ~lines.ruled
        before, after = _beside(~neutral, first, last)
        witness, witnesses = _witnesses(lines, common, number, starts, collection_documents)
        of_collection = np.bincount(lines.collection[starts], minlength=len(collection_documents))
        order = np.argsort(lines.collection[starts], kind="stable")
        ordinal = np.empty(len(starts), np.int64)
        ordinal[order] = np.arange(len(starts)) - np.repeat(np.cumsum(of_collection) - of_collection, of_collection)
        return Page(
            by_place, lines, settings, collection_documents, first, last, before, after, common,
            neutral, witness, witnesses, ordinal[number], *_ends(lines.chars, first, last), np.isin(lines.kind, PROTECTED) | ((lines.kind == TURN) & ((lines.flags & LABELLED) > 0)), np.zeros(n, np.bool_), np.zeros(n, np.bool_),
        )  # fmt: skip

    def cards(self, known: I64Array) -> BoolArray:
        """(n,) bool, lines of cards: documents of which a good part of the lines are labelled. known : lines whose label makes none."""
        labelled = ((self.lines.flags & LABELLED) > 0) & (self.lines.kind != TURN)
        labelled[known] = False
        upto, written = (np.concatenate([[0], np.cumsum(column)]) for column in (labelled, ~self.neutral))
        card: BoolArray = upto[self.last] - upto[self.first] >= CARD * np.maximum(written[self.last] - written[self.first], 1)
        return card

    def places(self) -> tuple[BoolArray, BoolArray]:
        """(n,) bool each: in the head, in the tail, when what is recognised is peeled off."""
        kept = ~(self.frame | self.lines.ruled | self.neutral | (self.lines.kind == METADATA))  # front matter is no head
        starts = np.flatnonzero(self.first == np.arange(len(kept)))
        heads, tails = kernels.places(starts, self.last[starts], kept, self.upper, self.lower, HEAD, TAIL, _LAST)
        return heads, tails

    def supported(self, rows: I64Array) -> tuple[BoolArray, BoolArray]:
        """(m,) bool each, of the rows named: with boilerplate above or below, and with boilerplate below."""
        solid = np.append((self.frame & ~self.protected) | self.lines.ruled, False)  # the last one is for no neighbour, -1
        below: BoolArray = solid[self.after[rows]]
        return solid[self.before[rows]] | below, below

    def grow(self, groups: Groups, scores: Scores) -> None:
        """Add what was recognised to the frame; lines of protected kinds too, which are peeled and never removed."""
        self.frame[groups.rows[scores.placed & scores.frame[groups.of_row]]] = True

    def between(self, taken: BoolArray, of_line: I32Array) -> BoolArray:
        """Take what stands between lines that are taken; fills `taken` and `of_line`, returns (n,) bool, the lines added.

        Lines without a word, markup that recurs, and in the tail the short lines that nearly always stand between two templates, however
        they are worded: the sponsor of the week between two lines that never change.
        """
        lines, gone = self.lines, taken | self.lines.ruled
        above, below = _nearest(gone, self.first, self.last)
        inside = ~gone & ~self.spared & (above >= 0) & (below >= 0) & (below - above <= _GAP + 1)
        inside &= taken[above] | taken[below]
        markup = self.neutral & ~self.protected & ((lines.flags & LINKED) == 0)
        short = (lines.rest + lines.inner <= _SHORT) & ((lines.flags & FINAL) == 0) & (lines.kind != LIST) & ~self.protected
        short &= self.places()[1]
        pair = np.full(len(taken), -1, np.int64)
        known = np.flatnonzero(inside & taken[above] & taken[below])
        pair[known] = (of_line[above[known]].astype(np.int64) << 32) | of_line[below[known]]
        added = _whole_gaps(inside & (markup | (_slot_pairs(pair, above, short, self.settings.min_documents) & short)), inside, above)
        of_line[added] = np.where(taken[above[added]], of_line[above[added]], of_line[below[added]])
        taken |= added
        return added


def _in_order(doc: I64Array, order: I32Array) -> bool:
    """Whether lines are sorted by document and place."""
    return bool(((doc[1:] > doc[:-1]) | ((doc[1:] == doc[:-1]) & (order[1:] > order[:-1]))).all())


def _ends(chars: I32Array, first: I64Array, last: I64Array) -> tuple[BoolArray, BoolArray]:
    """upper and lower of each line: peeling never reaches a document's middle. Characters, because frames are short lines and texts long."""
    upto = np.concatenate([[0], np.cumsum(chars, dtype=np.int64)])
    above, below, total = upto[:-1] - upto[first], upto[last] - upto[1:], upto[last] - upto[first]
    index = np.arange(len(chars))
    lower = np.where(last - first >= _LONG, 2 * below < total, 3 * below < total) | (index + 1 == last)
    lower &= below < above
    return ((3 * above < total) | (index == first)) & ~lower, lower


def _nearest(gone: BoolArray, first: I64Array, last: I64Array) -> tuple[I64Array, I64Array]:
    """Nearest chosen line above and below each line in its document, -1 where there is none; of a chosen line, itself."""
    n = len(gone)
    index = np.arange(n)
    above = np.maximum.accumulate(np.where(gone, index, -1)) if n else index
    below = np.minimum.accumulate(np.where(gone, index, n)[::-1])[::-1] if n else index
    return np.where(above >= first, above, -1), np.where(below < last, below, -1)


def _beside(chosen: BoolArray, first: I64Array, last: I64Array) -> tuple[I64Array, I64Array]:
    """Nearest chosen line strictly above and strictly below each line in its document, -1 where there is none."""
    n = len(chosen)
    index = np.arange(n)
    above = np.maximum.accumulate(np.append(-1, np.where(chosen, index, -1)))[:n]
    below = np.minimum.accumulate(np.append(np.where(chosen, index, n), n)[::-1])[::-1][1:]
    return np.where(above >= first, above, -1), np.where(below < last, below, -1)


def changes(*columns: U64Array | I32Array | I64Array | U8Array) -> BoolArray:
    """(n,) bool, rows that differ from the one before in some column; the first row does."""
    changed = np.zeros(len(columns[0]), np.bool_)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


def collected(key: U64Array, collection: I32Array) -> U64Array:
    """(n,) uint64, a key for each (key, collection); 0 stays 0."""
    mixed = (key ^ (collection.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xFF51AFD7ED558CCD)
    return np.where(key == 0, np.uint64(0), np.maximum(mixed, np.uint64(1)))


def document_counts(key: U64Array, collection: I32Array, doc: I64Array, least: int) -> I64Array:
    """(n,) int64, documents of the collection that have a line's key; 0 where no more than `least` - 1 lines have it, or it is 0.

    doc : (n,) int64, ascending.
    """
    number, count = kernels.grouped(collected(key, collection))
    counts: I64Array = kernels.document_counts(number, doc, len(count))[number]
    return np.where((key != 0) & (count[number] >= least), counts, 0)


def _witnesses(
    lines: LineTable, shared: BoolArray, number: I64Array, starts: I64Array, collection_documents: I64Array
) -> tuple[I64Array, I64Array]:
    """Witness of each line, and the number of witnesses of each collection.

    A document is its own witness, unless nearly all of it is shared with `min_documents` or more: then it is known by the longest line that
    it shares. What ten mirrors of one article have in common is the article, not a template.
    """
    n_docs = len(starts)
    total = np.bincount(number, lines.chars, minlength=n_docs)
    own = np.bincount(number, lines.chars * ~shared, minlength=n_docs)
    copies = (own < OWN * total)[number] & shared
    rows = np.flatnonzero(copies)
    rows = rows[np.lexsort((lines.exact[rows], -lines.chars[rows], number[rows]))]
    rows = rows[changes(number[rows])]
    witness = np.arange(n_docs)
    _, first, which = np.unique(collected(lines.exact[rows], lines.collection[rows]), return_index=True, return_inverse=True)
    witness[number[rows]] = number[rows][first][which]
    own_witness = witness == np.arange(n_docs)
    lost = np.bincount(lines.collection[starts], ~own_witness, minlength=len(collection_documents)).astype(np.int64)
    return witness[number], collection_documents - lost


def _slot_pairs(pair: I64Array, above: I64Array, fits: BoolArray, least: int) -> BoolArray:
    """(n,) bool, lines between two templates that in nearly all places have only fitting lines between them, in at least `least`."""
    out = np.zeros(len(pair), np.bool_)
    rows = np.flatnonzero(pair >= 0)
    if not len(rows):
        return out
    gaps, gap = np.unique(above[rows], return_inverse=True)
    good = np.ones(len(gaps), np.bool_)
    np.logical_and.at(good, gap, fits[rows])
    of_gap = np.empty(len(gaps), np.int64)
    of_gap[gap] = pair[rows]
    _, which, count = np.unique(of_gap, return_inverse=True, return_counts=True)
    fit = np.bincount(which, good, minlength=len(count))
    out[rows] = ((count >= least) & (fit >= 0.9 * count))[which][gap] & good[gap]
    return out


def _whole_gaps(added: BoolArray, inside: BoolArray, above: I64Array) -> BoolArray:
    """What is added, but for gaps that would be taken in part: a line must not stay alone between what is taken."""
    rows = np.flatnonzero(inside)
    if len(rows):
        gaps, gap = np.unique(above[rows], return_inverse=True)
        whole = np.ones(len(gaps), np.bool_)
        np.logical_and.at(whole, gap, added[rows])
        added[rows] &= whole[gap]
    return added
