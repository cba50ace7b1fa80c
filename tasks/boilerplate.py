"""Which lines are boilerplate by rule, and why.

Rules see the match form of lines. A kernel finds the few lines that hold a word without which a rule cannot match; the rule's
pattern then runs on those only. A match counts when its line is of the right kind, length and place and has the support its rule
asks for; regions, blocks and smoothing grow from accepted matches. Everything is decided inside one document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks import regions
from tasks.kernels import boilerplate as kernel
from tasks.linematch import match
from tasks.regions import BLOCK, REGION, SHARE_FROM, SMOOTHED, SUPPORTS, Lines, Page, Places, property_of
from tasks.rulepack import KINDS, Rule, RuleSet, load_rules
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, spans_to_arrow

__all__ = ["SUPPORTS", "LineVerdicts", "Lines", "RuleSet", "evidence", "judge", "load_rules"]

#: `needs = "position"` without limits of its own: these many lines of the head or tail, at most a third and a half of the document.
HEAD, TAIL = 8, 15
#: `needs = "repeat"`: matches of the rule in one document.
REPEATS = 3


@dataclass(frozen=True)
class LineVerdicts:
    """What the rules say about each line.

    rule     : (n,) int32, index into rules.rules of the rule that takes the line, -1 where none does.
    support  : (n,) uint8, code in SUPPORTS; 0 where rule is -1.
    anchor   : (n,) int32, line whose match takes the line (itself for a pattern), -1 where rule is -1.
    hits     : (n,) int32, a rule that matched the line and was not accepted, -1 where there is none.
    hit_line, hit_rule : (n_hits,) every match, accepted or not, sorted by line, then rule.
    accepted : (n_hits,) bool.
    """

    rules: RuleSet
    number: I64Array
    rule: I32Array
    support: U8Array
    anchor: I32Array
    hits: I32Array
    hit_line: I64Array
    hit_rule: I32Array
    accepted: BoolArray


def judge(folded: Texts, lines: Lines, rules: RuleSet) -> LineVerdicts:
    """Verdict of the rules on each line.

    folded : match form of the same lines (tasks.foldline.fold_lines).
    """
    n = len(lines.doc)
    places = _places(lines)
    none = np.zeros(0, np.int64), np.zeros(0, np.int32)
    hit_line, hit_rule = _matches(folded, lines, places, rules) if rules.rules and n else none
    page = Page(folded, lines, places, rules)
    accepted = _supported(hit_line, hit_rule, page)
    if len(hit_line):
        scopes = property_of(rules, lambda r: r.scope)[hit_rule]
        lined = accepted & (scopes == "line")
        _first_hit(page.rule, page.anchor, hit_line[lined], hit_rule[lined])
        for scope, grow in regions.SCOPES:
            opened = np.flatnonzero(accepted & (scopes == scope))
            if len(opened):
                accepted[opened] = grow(page, hit_line[opened], hit_rule[opened])
        if rules.smoothing:
            regions.smooth(page)
            regions.close(page)
    hits = np.full(n, -1, np.int32)
    refused = ~accepted & (page.rule[hit_line] < 0)
    _first_hit(hits, hits.copy(), hit_line[refused], hit_rule[refused])
    return LineVerdicts(rules, lines.number, page.rule, page.support, page.anchor, hits, hit_line, hit_rule, accepted)


def evidence(verdicts: LineVerdicts, line: int) -> str:
    """One sentence for a person: what matched and what supported it; empty for a line that no rule takes."""
    index = int(verdicts.rule[line])
    if index < 0:
        return ""
    rule = verdicts.rules.rules[index]
    at = int(verdicts.number[verdicts.anchor[line]])
    support = int(verdicts.support[line])
    if support == REGION:
        where = "to the end of its text" if rule.scope == "region_to_end" else "of labels beside it"
        return f"in the region {where} that line {at} opens by rule {rule.id}"
    if support == BLOCK:
        return f"in the block that line {at} opens by rule {rule.id}"
    if support == SMOOTHED:
        return f"short line among boilerplate; rule {rule.id} at line {at}"
    needs = {"none": "", "neighbour": ", beside other boilerplate", "position": ", at its place or beside other boilerplate"}
    needs.update(dict.fromkeys(("head", "tail"), needs["position"]), title=", above the title")
    return f"matches rule {rule.id}{needs.get(rule.needs, ', repeated in the document')}"


def _places(lines: Lines) -> Places:
    n = len(lines.doc)
    index = np.arange(n, dtype=np.int64)
    starts = np.flatnonzero(np.diff(lines.doc, prepend=-1))
    run = np.cumsum(np.diff(lines.doc, prepend=-1) != 0) - 1
    first = starts[run] if n else index
    last = np.append(starts[1:], n)[run] if n else index
    counted = np.concatenate(([0], np.cumsum(lines.kind != KINDS.index("metadata"))))
    nothing = np.zeros(n, np.int64)
    before = lines.before[lines.doc] if lines.before is not None else nothing
    after = lines.after[lines.doc] if lines.after is not None else nothing
    head = counted[index] - counted[first] + before
    total = counted[last] - counted[first] + before + after
    return Places(first, last, head, total - head - 1, total)


def _matches(folded: Texts, lines: Lines, places: Places, rules: RuleSet) -> tuple[I64Array, I32Array]:
    """Every (line, rule) whose pattern, length, kind and place limits fit, sorted by line, then rule."""
    index = rules.index
    kinds = property_of(rules, _may_hit).reshape(-1, len(KINDS))
    shortest, longest = property_of(rules, lambda r: r.min_chars), property_of(rules, lambda r: r.max_chars)
    maybe_line, maybe_rule = kernel.candidates(
        *(folded.chars, folded.offsets, lines.kind, index.pool, index.offsets, index.rule_of, index.heads, index.bits, index.slots),
        *(index.always, shortest, longest, kinds, rules.opens),
    )
    inside, _ = _limits(rules, places, maybe_line, maybe_rule)
    maybe_line, maybe_rule = maybe_line[inside], maybe_rule[inside]
    rows, place = np.unique(maybe_line, return_inverse=True)
    column = spans_to_arrow(folded.chars, folded.offsets[rows], folded.offsets[rows + 1])
    matched = np.zeros(len(maybe_line), bool)
    by_rule = np.argsort(maybe_rule, kind="stable")
    bounds = np.searchsorted(maybe_rule[by_rule], np.arange(len(rules.rules) + 1))
    for number in np.flatnonzero(np.diff(bounds)).tolist():
        rule = rules.rules[number]
        mine = by_rule[bounds[number] : bounds[number + 1]]
        rows_of = column.take(pa.array(place[mine]))
        found = match(rows_of, rule.regex)
        if rule.unless and found.any():
            found &= ~match(rows_of, rule.unless_regex)
        matched[mine] = found
    return maybe_line[matched], maybe_rule[matched]


def _may_hit(rule: Rule) -> list[bool]:
    """Whether the rule looks at each of KINDS; many short lines of an article may pass for captions, so prose means these too."""
    return [kind in rule.kinds or (kind == "caption" and "prose" in rule.kinds) for kind in KINDS]


def _limits(rules: RuleSet, places: Places, rows: I64Array, which: I32Array) -> tuple[BoolArray, I64Array]:
    """Of each (line, rule): whether it stands inside the rule's own place limits, and how many lines of the document do."""
    total = places.total[rows]
    inside: BoolArray = np.zeros(len(rows), bool)
    count = np.zeros(len(rows), np.float64)
    for limits, distance in (
        (property_of(rules, lambda r: (r.within_first or 0, isinstance(r.within_first, float))), places.head),
        (property_of(rules, lambda r: (r.within_last or 0, isinstance(r.within_last, float))), places.tail),
    ):
        limit, is_share = limits[which, 0], limits[which, 1] > 0
        reach = np.where(is_share, np.ceil(limit * total), limit)
        inside |= distance[rows] < reach
        count += reach
    free = ~property_of(rules, _is_limited)[which]
    return inside | free, np.where(free, total, np.minimum(count, total)).astype(np.int64)


def _is_limited(rule: Rule) -> bool:
    return rule.within_first is not None or rule.within_last is not None


def _supported(hit_line: I64Array, hit_rule: I32Array, page: Page) -> BoolArray:
    """(n_hits,) bool, matches that have what their rule needs."""
    lines, places, rules = page.lines, page.places, page.rules
    if not len(hit_line):
        return np.zeros(0, bool)
    n_rules = len(rules.rules)
    _, group, count = np.unique(lines.doc[hit_line].astype(np.int64) * n_rules + hit_rule, return_inverse=True, return_counts=True)
    often = count[group]
    total = places.total[hit_line]
    possible = np.maximum(_limits(rules, places, hit_line, hit_rule)[1], SHARE_FROM)
    form = (total >= SHARE_FROM) & (often > property_of(rules, lambda r: r.max_share)[hit_rule] * possible)
    out = form | _own_page(hit_line, hit_rule, page)
    third = np.maximum(1, total // 3)
    limited = property_of(rules, _is_limited)[hit_rule]
    half = np.maximum(1, total // 2)  # frames below a short text may be longer than it
    in_head, in_tail = places.head[hit_line] < np.minimum(HEAD, third), places.tail[hit_line] < np.minimum(TAIL, half)
    needs = property_of(rules, lambda r: r.needs)[hit_rule]
    placed = ((needs == "position") & (limited | in_head | in_tail)) | ((needs == "head") & in_head) | ((needs == "tail") & in_tail)
    accepted: BoolArray = ~out & ((needs == "none") | placed | ((needs == "repeat") & (often >= REPEATS)))
    above_title: BoolArray = needs == "title"  # the only support it takes: beside a by-line it may be the title itself
    accepted[above_title] = ~out[above_title] & regions.above_titles(page, hit_line[above_title], hit_line)
    points = property_of(rules, lambda r: r.points)[hit_rule]
    scored = np.where(accepted, points[:, 0], points[:, 1]) * ~out
    weight = np.zeros(len(lines.doc) + 4, np.int64)  # two lines of margin on either side
    for _ in range(3):
        np.maximum.at(weight, hit_line + 2, scored)
        around = np.zeros(len(hit_line), np.int64)
        for step in (-2, -1, 1, 2):
            other = np.clip(hit_line + step, 0, len(lines.doc) - 1)
            around += weight[hit_line + 2 + step] * (lines.doc[other] == lines.doc[hit_line])
        grown = accepted | (~out & ~above_title & (around >= 2))
        if (grown == accepted).all():
            break
        accepted = grown
        scored = np.where(accepted, points[:, 0], scored)
    return accepted


def _own_page(hit_line: I64Array, hit_rule: I32Array, page: Page) -> BoolArray:
    """(n_hits,) bool, matches of a category whose name is the document's title (联系我们, Privacy Policy): it is that page itself.

    A first line that more such words follow is a menu, not a title.
    """
    rules = page.rules.rules
    names = sorted({category for rule in rules for category in rule.title_of})
    titles: BoolArray = np.array([[name in rule.title_of for name in names] for rule in rules], bool).reshape(len(rules), len(names))
    owned: BoolArray = np.array([[name == rule.category for name in names] for rule in rules], bool).reshape(len(rules), len(names))
    titled: BoolArray = np.asarray(titles.any(axis=1), bool)[hit_rule]
    first = titled & (page.places.head[hit_line] == 0) & (page.lines.kind[hit_line] != KINDS.index("metadata"))
    menu = np.isin(hit_line + 1, hit_line[titled])
    kinds_of: dict[int, BoolArray] = {}
    for at in np.flatnonzero(first & ~menu).tolist():
        doc = int(page.lines.doc[hit_line[at]])
        kinds_of[doc] = kinds_of.get(doc, np.zeros(len(names), bool)) | titles[hit_rule[at]]
    out = np.zeros(len(hit_line), bool)
    for doc, kinds in kinds_of.items():
        first_hit, end = np.searchsorted(page.lines.doc[hit_line], [doc, doc + 1])
        out[first_hit:end] = (owned[hit_rule[first_hit:end]] & kinds).any(axis=1)
    return out


def _first_hit(rule: I32Array, anchor: I32Array, hit_line: I64Array, hit_rule: I32Array) -> None:
    """Set each line that has no rule yet to the first of its matches (they are sorted by line, then rule)."""
    rows, first = np.unique(hit_line, return_index=True)
    free = rule[rows] < 0
    rule[rows[free]] = hit_rule[first[free]]
    anchor[rows[free]] = rows[free]
