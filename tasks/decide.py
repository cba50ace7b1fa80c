"""One verdict a passage, in a fixed order of precedence:

reviewer > extraction > rule boilerplate > template > spread > language > quality > exact duplicate > near duplicate > duplicate block

Duplicates are decided among what the filters left, so no copy goes in favour of one that is itself gone. Everything here works
on numbers of lines, passages and classes; texts stay on disk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.boilerplate import SUPPORTS, RuleSet
from tasks.families import Families
from tasks.filters import FILTERED, filter_reasons
from tasks.index import Index
from tasks.kernels import decide as kernel
from tasks.kernels.match import stars
from tasks.match import CONTAINED
from tasks.mirrors import retyped
from tasks.perplexity import measured
from tasks.reasons import BLOCK, BOILERPLATE, EXACT, EXTRACTION, KEPT, NEAR, REVIEWER, TEMPLATE
from tasks.reviewed import Held, held
from tasks.settings import Settings
from tasks.store.stage import numbers, read_table, whole
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, U8Array

#: Categories that never spread to a near twin: a breadcrumb repeats the title, a teaser quotes the article.
_NO_SPREAD = ("navigation", "related")
#: Relative positions closer than this are a comparable place.
_NEARBY = 0.15


@dataclass
class Lines:
    """Every line of the run. `reason` is KEPT, EXTRACTION, BOILERPLATE, TEMPLATE or REVIEWER; `rule` indexes rules or templates by reason.

    decided : (lines,) int32, number of the reviewer's decision on a line, -1 for none. actions : by number, into decisions.ACTIONS.
    """

    base: I64Array
    doc: I64Array
    reason: U8Array
    rule: I32Array
    support: U8Array
    anchor: I64Array
    visible: I64Array
    decided: I32Array
    actions: U8Array

    @property
    def by_rule(self) -> BoolArray:
        """(lines,) bool, what rules and templates take: what a guard looks at."""
        return (self.reason == BOILERPLATE) | (self.reason == TEMPLATE)


@dataclass
class Verdicts:
    """Every passage of the run.

    reason     : (passages,) uint8 into REASONS, for passages that fall whole.
    split      : (passages,) bool, some lines fall and some stay: the writer cuts them.
    twin       : (passages,) int64, the kept passage a duplicate names, or the passage whose verdict spread; -1 else.
    similarity : (passages,) float32, with the twin.
    review     : sources whose rules were overruled by the guard.
    held       : passages that a reviewer's decision holds.
    """

    lines: Lines
    reason: U8Array
    rule: I32Array
    split: BoolArray
    twin: I64Array
    similarity: F32Array
    review: dict[str, float]
    held: Held


def gather_lines(index: Index, templates: list[I32Array], between: list[BoolArray]) -> Lines:
    """Line verdicts of extraction, rules and templates, over all parts.

    templates : for each part, (lines,) int32 index of the accepted template of each line, -1 for none.
    between   : for each part, (lines,) bool, lines that go because they stand between lines of a template.
    """
    columns: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in ("doc", "rule", "support", "anchor", "visible", "extraction")}
    base = [0]
    for number, part in enumerate(index.parts):
        table = read_table(part.notes / "lines.arrow")
        for name in columns:
            values = numbers(table[name])
            shift = {"doc": index.doc_base[number], "anchor": base[-1]}.get(name, 0)
            columns[name].append(np.where(values >= 0, values + shift, values) if shift else values)
        base.append(base[-1] + len(table))
    joined = {name: np.concatenate(parts) if parts else np.empty(0, np.int64) for name, parts in columns.items()}
    template = np.concatenate(templates) if templates else np.empty(0, np.int32)
    rule = joined["rule"].astype(np.int32)
    by_template = (rule < 0) & (template >= 0)
    smoothed = by_template & (np.concatenate(between) if between else np.empty(0, np.bool_))
    anchor = np.where(smoothed, np.arange(len(rule)), joined["anchor"])  # its own: it is a row of its own, with its own evidence
    reason = np.zeros(len(rule), np.uint8)
    reason[by_template] = TEMPLATE
    reason[rule >= 0] = BOILERPLATE
    reason[joined["extraction"].astype(np.bool_)] = EXTRACTION
    return Lines(
        np.array(base, np.int64),
        joined["doc"].astype(np.int64),
        reason,
        np.where(by_template, template, rule).astype(np.int32),
        np.where(smoothed, SUPPORTS.index("smoothed"), joined["support"]).astype(np.uint8),
        anchor.astype(np.int64),
        joined["visible"].astype(np.int64),
        np.full(len(rule), -1, np.int32),
        np.empty(0, np.uint8),
    )


def guard(lines: Lines, sources: pa.ChunkedArray | pa.Array | npt.NDArray[np.object_], settings: Settings) -> dict[str, float]:
    """Undo rules and templates in sources that they would empty; returns those sources with the share they would have lost.

    sources : (documents,) string, source of each document row.
    """
    names, of_doc = _numbered(sources)
    of_line = of_doc[lines.doc] if len(lines.doc) else np.empty(0, np.int64)
    total = np.bincount(of_line, lines.visible, minlength=len(names))
    gone = np.bincount(of_line, lines.visible * lines.by_rule, minlength=len(names))
    share = gone / np.maximum(total, 1)
    emptied = (share > settings.guards.max_removed_share) & (total >= settings.guards.min_guarded_chars)
    spared = emptied[of_line] & lines.by_rule
    lines.reason[spared] = KEPT
    lines.rule[spared] = -1
    return {names[i]: round(float(share[i]), 4) for i in np.flatnonzero(emptied).tolist()}


def _numbered(sources: pa.ChunkedArray | pa.Array | npt.NDArray[np.object_]) -> tuple[list[str], I32Array]:
    """Distinct sources, and for each row the number of its own: a million records of one file are not a million strings."""
    column = pa.array(sources, pa.string()) if isinstance(sources, np.ndarray) else whole(sources)
    encoded = column.dictionary_encode()
    return encoded.dictionary.to_pylist(), numbers(encoded.indices)


def decide(
    index: Index, lines: Lines, review: dict[str, float], matched: tuple[I32Array, pa.Table, Families], rules: RuleSet, settings: Settings
) -> Verdicts:
    """Verdicts of all passages. matched : class of each passage, pairs of classes, families."""
    classes, pairs, families = matched
    first, last = line_ranges(index, lines)
    reason, rule, split = kernel.fall(first, last, lines.reason, lines.rule)
    n = len(reason)
    verdicts = Verdicts(
        lines,
        reason,
        rule,
        split,
        np.full(n, -1, np.int64),
        np.zeros(n, np.float32),
        review,
        held(lines.decided, lines.actions, first, last),
    )
    _spread(index, verdicts, (first, last), (classes, pairs, families), rules, settings)
    _filter(index, verdicts, settings)
    _deduplicate(index, verdicts, classes, pairs)
    _editions(index, verdicts, classes, pairs)
    _blocks(index, verdicts, classes)
    _whole_copies(index, verdicts, classes, settings)
    return verdicts


def line_ranges(index: Index, lines: Lines) -> tuple[I64Array, I64Array]:
    """First and last line of each passage, over all parts."""
    first = index.column("passages", "first_line").astype(np.int64)
    last = index.column("passages", "last_line").astype(np.int64)
    shift = np.repeat(lines.base[:-1], np.diff(index.passage_base))
    return first + shift, last + shift


def _spread(
    index: Index,
    verdicts: Verdicts,
    ranges: tuple[I64Array, I64Array],
    matched: tuple[I32Array, pa.Table, Families],
    rules: RuleSet,
    settings: Settings,
) -> None:
    """A verified near duplicate of a boilerplate line is boilerplate too, one hop, at a comparable place or in the same repeated block.

    Only from a passage that fell to a pattern of line scope or to an accepted template; never from a region, from smoothing, from
    navigation or related links, nor from another spread. Sources under guard are left alone.
    ranges : first and last line of each passage.
    """
    first, last = ranges
    classes, pairs, families = matched
    reason = verdicts.reason
    inferred = np.concatenate([[0], np.cumsum(verdicts.lines.support != SUPPORTS.index("pattern"))])
    direct = inferred[last + 1] == inferred[first]
    by_rule = np.flatnonzero((reason == BOILERPLATE) & direct)
    spreading = np.array([r.scope == "line" and r.category not in _NO_SPREAD for r in rules.rules], np.bool_)
    by_rule = by_rule[spreading[verdicts.rule[by_rule]]]
    origins = np.union1d(by_rule, np.flatnonzero((reason == TEMPLATE) & direct))
    long = index.flags("match", "long") & ~index.flags("match", "rigid")
    origins = origins[long[origins] & (classes[origins] >= 0)]
    if not len(origins):
        return
    source_of = np.full(int(classes.max()) + 1, -1, np.int64)
    source_of[classes[origins][::-1]] = origins[::-1]
    open_to = np.flatnonzero((reason == KEPT) & ~verdicts.split & ~verdicts.held.spared & long & (classes >= 0))
    place = relative_position(index)
    a, b, similarity = _near_pairs(pairs, settings.matching.remove_threshold)
    best = np.full(len(source_of), -1, np.int64)
    weight = np.zeros(len(source_of), np.float32)
    left, right, both = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([similarity, similarity])
    has = np.flatnonzero(source_of[left] >= 0)
    order = has[np.lexsort((-left[has], both[has]))]  # the last assignment stands: the most similar, then the best ranked
    best[right[order]] = source_of[left[order]]
    weight[right[order]] = both[order]
    same = source_of >= 0
    best[same], weight[same] = source_of[same], 1.0
    twin = best[classes[open_to]]
    near = (twin >= 0) & (np.abs(place[open_to] - place[np.maximum(twin, 0)]) <= _NEARBY)
    block = _blocks_gone(families, np.isin(reason, (BOILERPLATE, TEMPLATE)), origins)
    near |= (twin >= 0) & (block[open_to] >= 0) & (block[open_to] == block[np.maximum(twin, 0)])
    chosen, twin = open_to[near], twin[near]
    allowed = _unguarded(index, verdicts, chosen, settings)
    chosen, twin = chosen[allowed], twin[allowed]
    verdicts.reason[chosen] = reason[twin]
    verdicts.rule[chosen] = verdicts.rule[twin]
    verdicts.twin[chosen] = twin
    verdicts.similarity[chosen] = weight[classes[chosen]]


def _blocks_gone(families: Families, fell: BoolArray, origins: I64Array) -> I64Array:
    """(passages,) int64, family of each passage in an occurrence of two or more of a family whose exemplar is boilerplate; -1 else.

    The exemplar too is of two passages or more, all of which fell, one of them an origin of spread: what a teaser quotes is one passage.
    """
    out = np.full(len(fell), -1, np.int64)
    gid, run = families.members(np.arange(len(families.first)))
    if not len(gid):
        return out
    size = np.bincount(run, minlength=len(families.first))
    whole = (np.bincount(run, fell[gid], minlength=len(size)) == size) & (size >= 2)
    spreads = np.bincount(run, np.isin(gid, origins), minlength=len(size)) > 0
    gone = (whole & spreads)[families.exemplar] & (size >= 2)
    mine = gone[run]
    out[gid[mine]] = families.family[run[mine]]
    return out


def _unguarded(index: Index, verdicts: Verdicts, chosen: I64Array, settings: Settings) -> BoolArray:
    """(chosen,) bool: passages that may fall to spread, because their source is not under guard nor comes under it by that."""
    if not len(chosen):
        return np.zeros(0, np.bool_)
    lines = verdicts.lines
    names, of_doc = _numbered(index.places(np.arange(index.doc_base[-1]))["source"])
    total = np.bincount(of_doc[lines.doc], lines.visible, minlength=len(names))
    gone = np.bincount(of_doc[lines.doc], lines.visible * lines.by_rule, minlength=len(names))
    visible = index.column("passages", "visible")[chosen]
    share = (gone + np.bincount(of_doc[index.doc[chosen]], visible, minlength=len(names))) / np.maximum(total, 1)
    emptied = (share > settings.guards.max_removed_share) & (total >= settings.guards.min_guarded_chars)
    for number in np.flatnonzero(emptied).tolist():
        verdicts.review.setdefault(names[number], round(float(share[number]), 4))
    guarded = np.array([name in verdicts.review for name in names], np.bool_)
    return ~guarded[of_doc[index.doc[chosen]]]


def relative_position(index: Index) -> npt.NDArray[np.float64]:
    """(passages,) 0 for the first passage of a document row to 1 for its last."""
    starts = np.searchsorted(index.doc, np.arange(index.doc_base[-1]))
    counts = np.bincount(index.doc, minlength=int(index.doc_base[-1]))
    within = np.arange(len(index.doc)) - starts[index.doc]
    return within / np.maximum(counts[index.doc] - 1, 1)


def _near_pairs(pairs: pa.Table, threshold: float) -> tuple[I64Array, I64Array, F32Array]:
    """Classes and similarity of the near pairs at or above a threshold."""
    similarity = numbers(pairs["similarity"])
    chosen = (similarity >= threshold) & (numbers(pairs["kind"]) != CONTAINED)
    return numbers(pairs["a"])[chosen].astype(np.int64), numbers(pairs["b"])[chosen].astype(np.int64), similarity[chosen]


def _filter(index: Index, verdicts: Verdicts, settings: Settings) -> None:
    """Language and quality filters, when they are on. What is left of a cut passage is judged by the writer, which describes it anew."""
    if not index.parts or not (settings.language.keep or settings.quality.minimum > 0):
        return
    tables = [measured(part).select(FILTERED) for part in index.parts]
    reasons = np.concatenate([filter_reasons(table, settings) for table in tables])
    open_to = (verdicts.reason == KEPT) & ~verdicts.split & ~verdicts.held.stays
    verdicts.reason[open_to] = reasons[open_to]


def _deduplicate(index: Index, verdicts: Verdicts, classes: I32Array, pairs: pa.Table) -> None:
    """Star clusters among the whole passages that the filters left."""
    open_to = (verdicts.reason == KEPT) & ~verdicts.split & (classes >= 0)
    rigid = index.flags("match", "rigid")
    able = index.flags("match", "long") & ~rigid
    order = index.order[open_to[index.order] & able[index.order]]
    order = order[np.argsort(~verdicts.held.only[order], kind="stable")]  # what a reviewer chose to stand for its duplicates comes first
    removable = able & ~verdicts.held.keep
    count = int(classes.max()) + 1 if len(classes) else 0
    left, right, similarity = numbers(pairs["a"]), numbers(pairs["b"]), numbers(pairs["similarity"])
    forward, backward = numbers(pairs["b_for_a"]), numbers(pairs["a_for_b"])
    row = np.concatenate([right[forward], left[backward]]).astype(np.int64)
    column = np.concatenate([left[forward], right[backward]]).astype(np.int32)
    weight = np.concatenate([similarity[forward], similarity[backward]]).astype(np.float32)
    by_row = np.lexsort((column, row))
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=count), out=first[1:])
    twin, score = stars(order, classes, first, column[by_row], weight[by_row], removable, removable)
    gone = np.flatnonzero(twin >= 0)
    same_text = _same_text(index, gone, twin[gone])
    verdicts.reason[gone] = np.where(same_text, EXACT, NEAR)
    verdicts.twin[gone] = twin[gone]
    verdicts.similarity[gone] = score[gone]


def _editions(index: Index, verdicts: Verdicts, classes: I32Array, pairs: pa.Table) -> None:
    """What an edition of a document says in other words goes as its copies did."""
    standing = (verdicts.reason == KEPT) & ~verdicts.split
    long = index.flags("match", "long") & ~index.flags("match", "rigid")
    copied = (verdicts.reason == EXACT) | (verdicts.reason == NEAR)
    gone, twin, similarity = retyped(index, np.where(copied, verdicts.twin, -1), standing, long, classes, pairs)
    allowed = verdicts.held.may_go(gone, twin)
    gone, twin, similarity = gone[allowed], twin[allowed], similarity[allowed]
    verdicts.reason[gone] = NEAR
    verdicts.twin[gone] = twin
    verdicts.similarity[gone] = similarity


def _same_text(index: Index, a: I64Array, b: I64Array) -> BoolArray:
    """Row by row: whether two passages have one normalized text."""
    left, right = (index.lookup(gids, ["content_id"])["content_id"] for gids in (a, b))
    return pc.equal(left, right).to_numpy(zero_copy_only=False)


def _blocks(index: Index, verdicts: Verdicts, classes: I32Array) -> None:
    """Short and rigid passages inside a run whose long passages all went as copies of one document go with it."""
    long = index.flags("match", "long") & ~index.flags("match", "rigid")
    duplicate = (verdicts.reason == EXACT) | (verdicts.reason == NEAR)
    standing = (verdicts.reason == KEPT) & ~verdicts.split
    twin = kernel.block_twins(index.doc, long, duplicate, standing, verdicts.reason != KEPT, verdicts.twin, classes.astype(np.int64))
    gone = np.flatnonzero(twin >= 0)
    _follow(verdicts, gone, twin[gone])


def _follow(verdicts: Verdicts, gone: I64Array, twin: I64Array) -> None:
    """Passages that go as part of something copied, unless a reviewer holds them."""
    allowed = verdicts.held.may_go(gone, twin)
    gone, twin = gone[allowed], twin[allowed]
    verdicts.reason[gone] = BLOCK
    verdicts.twin[gone] = twin
    verdicts.similarity[gone] = 1.0


def _whole_copies(index: Index, verdicts: Verdicts, classes: I32Array, settings: Settings) -> None:
    """Documents of short and rigid passages only (verse, a listing, a table) go as copies of one that is the same throughout."""
    long = index.flags("match", "long") & ~index.flags("match", "rigid")
    filtered = (verdicts.reason != KEPT) & ((verdicts.reason < EXACT) | (verdicts.reason == REVIEWER))
    standing = np.flatnonzero((verdicts.reason == KEPT) & ~verdicts.split)
    barred = (long & ~filtered) | ((verdicts.reason >= EXACT) & ~filtered) | verdicts.split
    digest, size, tokens = kernel.document_digests(
        index.doc, int(index.doc_base[-1]), barred, standing, classes, index.column("match", "tokens")
    )
    docs = np.flatnonzero((digest != 0) & (tokens >= settings.matching.min_tokens))
    docs = docs[np.lexsort((index.doc_rank[docs], size[docs], digest[docs]))]
    same = np.zeros(len(docs), np.bool_)
    same[1:] = (digest[docs][1:] == digest[docs][:-1]) & (size[docs][1:] == size[docs][:-1])
    model = docs[np.maximum.accumulate(np.where(same, 0, np.arange(len(docs))))][same]
    copies = docs[same]
    starts = np.searchsorted(index.doc[standing], np.arange(index.doc_base[-1]))
    within = np.arange(int(size[copies].sum())) - np.repeat(np.cumsum(size[copies]) - size[copies], size[copies])
    gone = standing[np.repeat(starts[copies], size[copies]) + within]
    twin = standing[np.repeat(starts[model], size[copies]) + within]
    equal = classes[gone] == classes[twin]
    _follow(verdicts, gone[equal], twin[equal])
