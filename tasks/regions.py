"""What grows from an accepted match: blocks, regions to the end and to the start, smoothing.

Each function takes the page as judged so far and the lines whose matches open something, gives lines to their rules, and says
which of the openings were accepted. Nothing reaches beyond its document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels import boilerplate as kernel
from tasks.kernels.closing import closing as closing_lines
from tasks.rulepack import Rule, RuleSet, compiled
from tasks.segment import Segments
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, spans_to_arrow

#: Codes of `LineVerdicts.support`.
SUPPORTS = ("pattern", "region", "smoothed", "block")
PATTERN, REGION, SMOOTHED, BLOCK = range(4)
#: Characters of the longest line that smoothing takes; of the longest label above a breadcrumb separator.
SMOOTH_MAX, LABEL_MAX = 25, 16
#: In the first lines of a document only labels of so many characters are smoothed: anything longer may be the title.
SMOOTH_HEAD, SMOOTH_HEAD_MAX = 10, 4
#: Between which lines smoothing works: 2 across blank lines, 1 only inside one block of lines, 0 (the rest) never: a date or an
#: author above a title says nothing of it, nor do links and references of what stands between them; between two lines of
#: a thread's frame stands someone's post, however short.
_SPREAD = {
    **dict.fromkeys(("advertisement", "subscribe", "share", "sponsor", "footer", "copyright", "disclaimer", "greeting"), 2),
    **dict.fromkeys(("submission", "contact"), 2),
    **dict.fromkeys(("navigation", "related", "contents"), 1),
}
#: Categories that say nothing of a line below or above them in the closing of a document: posts, items and fields stand there.
_NO_CLOSING = ("comments", "metadata", "links", "references", "contents")
#: Characters of the longest line that goes with the closing of its document.
CLOSING_MAX = 50
#: Characters of a title below a breadcrumb, and lines between the two (a share bar, a date).
TITLE_MIN, TITLE_MAX, TITLE_REACH = 6, 80, 2
#: Lines below a breadcrumb in which its last item must stand again to be taken.
LEAF_REACH = 5
#: `max_share` is asked of documents with so many lines.
SHARE_FROM = 10
_FEW = 500  # rows; compiling a pattern takes as long as matching so many


@dataclass(frozen=True)
class Lines:
    """Columns of the non-empty lines of a part, sorted by place.

    doc, kind, number, blank_before : (n,) as in Segments.
    length        : (n,) int64, characters of the trimmed line in the source.
    before, after : (n_docs,) int64, lines of the document in earlier and later pieces; None when no document is cut.
    """

    doc: I32Array
    kind: U8Array
    number: I64Array
    blank_before: BoolArray
    length: I64Array
    before: I64Array | None = None
    after: I64Array | None = None

    @staticmethod
    def of(segments: Segments, before: I64Array | None = None, after: I64Array | None = None) -> Lines:
        """Columns of `Segments`."""
        length = segments.line_end - segments.line_start
        return Lines(segments.line_doc, segments.line_kind, segments.line_number, segments.blank_before, length, before, after)


@dataclass(frozen=True)
class Places:
    """Place of each line in its document; front matter does not count."""

    first: I64Array  # (n,) index of the document's first line
    last: I64Array  # (n,) one past its last
    head: I64Array  # (n,) lines above
    tail: I64Array  # (n,) lines below
    total: I64Array  # (n,) lines of the document


@dataclass(frozen=True)
class Page:
    """The lines of a part and what has been decided about them so far; `rule`, `support` and `anchor` are filled in place."""

    folded: Texts
    lines: Lines
    places: Places
    rules: RuleSet

    @cached_property
    def rule(self) -> I32Array:
        """(n,) index of the rule that takes the line, -1 where none does."""
        return np.full(len(self.lines.doc), -1, np.int32)

    @cached_property
    def support(self) -> U8Array:
        """(n,) code in SUPPORTS."""
        return np.zeros(len(self.lines.doc), np.uint8)

    @cached_property
    def anchor(self) -> I32Array:
        """(n,) line whose match takes the line, -1 where none does."""
        return np.full(len(self.lines.doc), -1, np.int32)

    @cached_property
    def shape(self) -> U8Array:
        """(n,) bits of kernel.line_shapes."""
        shapes: U8Array = kernel.line_shapes(self.folded.chars, self.folded.offsets)
        return shapes

    def column(self, rows: I64Array) -> pa.StringArray:
        """Match forms of some lines."""
        return spans_to_arrow(self.folded.chars, self.folded.offsets[rows], self.folded.offsets[rows + 1])

    def take(self, start: int, end: int, index: int, support: int, at: int) -> None:
        """Give the lines from start to end that have no rule yet to rule `index`, because of line `at`."""
        free = np.arange(start, end)[self.rule[start:end] < 0]
        self.rule[free], self.support[free], self.anchor[free] = index, support, at
        if self.rule[at] == index and self.anchor[at] == at:
            self.support[at] = PATTERN


def property_of(rules: RuleSet, what: Callable[[Rule], Any]) -> npt.NDArray[Any]:
    """(n_rules,) array of a property of each rule."""
    return np.array([what(rule) for rule in rules.rules])


def match(column: pa.StringArray, regex: str) -> BoolArray:
    """(n,) bool, rows that an RE2 pattern matches; Arrow compiles it anew for each call, so few rows go one by one."""
    if len(column) <= _FEW:
        search = compiled(regex).search
        return np.array([search(row) is not None for row in column.to_pylist()], bool)
    return np.asarray(pc.match_substring_regex(column, regex).to_numpy(zero_copy_only=False), bool)


def above_titles(page: Page, at: I64Array, hit: I64Array) -> BoolArray:
    """(n,) bool, whether a line has the page's title below it and nothing above it that could be the title.

    A title is a heading, or a line that stands alone between blank lines, of TITLE_MIN to TITLE_MAX characters, that does not
    end as a sentence; lines in between must be matches of rules. hit : (n_hits,) every line that some rule matches, sorted.
    """
    lines, places = page.lines, page.places
    out = np.zeros(len(at), bool)
    for k, row in enumerate(at.tolist()):
        first, last = int(places.first[row]), int(places.last[row])
        above = np.arange(first, row)
        if (lines.length[above] > LABEL_MAX).any():
            continue
        title = row + 1
        while title < min(last, row + TITLE_REACH) and hit[np.searchsorted(hit, title) % len(hit)] == title:
            title += 1
        if title >= last or not TITLE_MIN <= lines.length[title] <= TITLE_MAX or page.shape[title] & kernel.FINAL:
            continue
        alone = bool(lines.blank_before[title]) and (title + 1 == last or bool(lines.blank_before[title + 1]))
        out[k] = lines.kind[title] == kernel.HEADING or (alone and lines.kind[title] == 0)
    return out


def blocks(page: Page, at: I64Array, which: I32Array) -> BoolArray:
    """Take the lines that follow each opening and match its rule's `follows`, when enough of them confirm it."""
    done = np.zeros(len(at), bool)
    for index in np.unique(which):
        rule = page.rules.rules[index]
        mine = np.flatnonzero(which == index)
        anchors = at[mine]
        reach = np.unique((anchors[:, None] + np.arange(1, rule.max_lines + 1)).ravel())
        reach = reach[reach < len(page.rule)]
        slots = np.full(len(page.rule), -1, np.int64)
        slots[reach] = np.arange(len(reach))
        column = page.column(reach)
        follows = match(column, rule.follows_regex) & (page.lines.kind[reach] != kernel.CODE)
        confirms = _confirms(column, rule)
        ends = kernel.blocks(anchors, page.places.last[anchors], rule.max_lines, slots, follows)
        for k, (start, end) in enumerate(zip(anchors.tolist(), ends.tolist(), strict=True)):
            enough = confirms[slots[start + 1 : end]].sum() >= rule.confirm_lines
            total = int(page.places.total[start])
            if enough and (total < SHARE_FROM or end - start <= rule.max_share * total):
                page.take(start, end, int(index), BLOCK, start)
                done[mine[k]] = True
    return done


def _confirms(column: pa.StringArray, rule: Rule) -> BoolArray:
    return match(column, rule.confirm_regex) if rule.confirm else np.ones(len(column), bool)


def to_start(page: Page, at: I64Array, which: I32Array) -> BoolArray:
    """Take the labels above each opening and, where the rule says so, the leaf below it; without a label nothing."""
    folded, lines, places = page.folded, page.lines, page.places
    first, last = places.first[at], places.last[at]
    starts = kernel.regions_to_start(at, first, last, lines.length, page.shape, lines.kind, folded.chars, folded.offsets, LABEL_MAX)
    leaf = kernel.leaves(at, last, lines.blank_before, folded.chars, folded.offsets, LEAF_REACH)
    leaf &= property_of(page.rules, lambda r: r.leaf)[which]
    done: BoolArray = starts < at
    for k in np.flatnonzero(done):
        page.take(int(starts[k]), int(at[k]) + 1 + int(leaf[k]), int(which[k]), REGION, int(at[k]))
    return done


def to_end(page: Page, at: I64Array, which: I32Array) -> BoolArray:
    """Take what stands below each opening, when it looks like teasers or comments and enough of it confirms the rule."""
    first, last = page.places.first[at], page.places.last[at]
    upto = np.concatenate(([0], np.cumsum(page.lines.length)))
    above, size = upto[at] - upto[first], upto[last] - upto[first]
    ends = kernel.regions_to_end(at, last, above, size, page.lines.length, page.lines.kind, page.shape, page.rule)
    done: BoolArray = ends >= 0
    for k in np.flatnonzero(done):
        rule, start, end = page.rules.rules[which[k]], int(at[k]), int(ends[k])
        if rule.confirm and _confirms(page.column(np.arange(start + 1, end)), rule).sum() < rule.confirm_lines:
            done[k] = False
            continue
        page.take(start, end, int(which[k]), REGION, start)
    return done


def smooth(page: Page) -> None:
    """Take short lines between lines that are taken; see kernel.smooth for what never goes."""
    spread = property_of(page.rules, lambda r: _SPREAD.get(r.category, 0))
    reach = spread[np.maximum(page.rule, 0)] * (page.rule >= 0)
    lines = page.lines
    limits = (SMOOTH_MAX, SMOOTH_HEAD, SMOOTH_HEAD_MAX)
    source = kernel.smooth(lines.doc, page.places.head, lines.length, lines.kind, page.shape, lines.blank_before, page.rule, reach, *limits)
    taken = np.flatnonzero(source >= 0)
    page.rule[taken], page.support[taken], page.anchor[taken] = page.rule[source[taken]], SMOOTHED, source[taken]


def close(page: Page) -> None:
    """Take short lines among the lines that are taken at the end of a document; see kernels.closing."""
    lines, places = page.lines, page.places
    closes = property_of(page.rules, lambda r: 1 if r.category in _NO_CLOSING else 2)
    spreads = np.where(page.rule >= 0, closes[np.maximum(page.rule, 0)], 0).astype(np.int8)
    plain = (lines.kind == 0) | (lines.kind == kernel.CAPTION)
    soft = plain & (lines.length <= CLOSING_MAX) & (page.shape & (kernel.FINAL | kernel.BULLET) == 0)
    first = np.unique(places.first)
    source = closing_lines(first, places.last[first], spreads, soft)
    taken = np.flatnonzero(source >= 0)
    page.rule[taken], page.support[taken], page.anchor[taken] = page.rule[source[taken]], SMOOTHED, page.anchor[source[taken]]


#: What opens more than its line, in the order in which it grows: a region to the end counts what blocks and breadcrumbs took.
SCOPES = (("block", blocks), ("region_to_start", to_start), ("region_to_end", to_end))
