"""A reviewer's decisions replayed: laid over the verdicts of the lines before anything else is decided.

A decision names a content, so it holds for every copy, and for a passage as a whole before its parts: what rules would cut out of a
passage is published as a row of its own, with a content of its own, and can be decided on like any other row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.decisions import ACTIONS, KEEP, KEEP_ONLY, NOT_BOILERPLATE, REMOVE, Decisions
from tasks.describe import rewrite
from tasks.index import Index, Part
from tasks.kernels import decide as kernel
from tasks.reasons import EXTRACTION, KEPT, REVIEWER
from tasks.settings import Settings
from tasks.store.ids import content_id_column
from tasks.store.stage import numbers, read_table, whole
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array

_KEEP, _ONLY, _REMOVE, _NOT = (ACTIONS.index(action) for action in (KEEP, KEEP_ONLY, REMOVE, NOT_BOILERPLATE))


@dataclass(frozen=True)
class Held:
    """Passages that a decision holds, each (passages,) bool: keep whatever happens, keep one copy, and not boilerplate (or one of both)."""

    keep: BoolArray
    only: BoolArray
    spared: BoolArray

    @property
    def stays(self) -> BoolArray:
        """Kept against every filter."""
        return self.keep | self.only

    def may_go(self, gone: I64Array, twin: I64Array) -> BoolArray:
        """(gone,) bool: which may go as a copy of their twin; one of which one copy is to stay goes only where that one is another copy."""
        allowed: BoolArray = ~self.keep[gone] & (~self.only[gone] | self.only[twin])
        return allowed


def held(decided: I32Array, actions: U8Array, first: I64Array, last: I64Array) -> Held:
    """What is held of passages: those of which some line was decided on. first, last : (passages,), their lines."""

    def touched(*wanted: int) -> BoolArray:
        lines = np.isin(np.append(actions, len(ACTIONS))[decided], wanted)
        before = np.concatenate([[0], np.cumsum(lines)])
        some: BoolArray = before[last + 1] > before[first]
        return some

    if not len(actions):
        nothing = np.zeros(len(first), np.bool_)
        return Held(nothing, nothing, nothing)
    return Held(touched(_KEEP), touched(_ONLY), touched(_KEEP, _ONLY, _NOT))


def last_decided(decided: I32Array, first: I64Array, last: I64Array) -> I32Array:
    """(spans,) the decision that holds some line of each span of lines, -1 for none; the last of the file where several do."""
    if not len(first):
        return np.empty(0, np.int32)
    bounds = np.stack([first, last + 1], axis=1).ravel()
    found: I32Array = np.maximum.reduceat(np.append(decided, np.int32(-1)), bounds)[::2]
    return found


def replay(
    index: Index,
    lines: Any,
    ranges: tuple[I64Array, I64Array],
    decisions: Decisions,
    matched: tuple[I32Array, pa.Table],
    settings: Settings,
) -> dict[str, Any]:
    """Lay decisions over lines (`decide.Lines`, changed in place). Returns what was applied, matched nothing, or contradicts itself.

    ranges : first and last line of each passage. matched : class of each passage, and pairs of classes.
    The answer is empty where nothing was decided; its lists are sorted by content.
    """
    if not decisions.passages:
        return {}
    contents = list(decisions.actions)
    lines.actions = np.array([ACTIONS.index(action) for action in decisions.actions.values()], np.uint8)
    whole_ones = _numbered(index, contents)
    rivals = _rivals(whole_ones, lines.actions, *matched)
    active = np.ones(len(contents) + 1, np.bool_)
    active[[*rivals, -1]] = False
    hit = np.flatnonzero(active[whole_ones])
    used = np.zeros(len(contents), np.bool_)
    used[whole_ones[hit]] = True
    _lay(lines, ranges[0][hit], ranges[1][hit], whole_ones[hit])
    for number, part in enumerate(index.parts):
        _lay_fragments(part, number, index, lines, ranges, (contents, active, used), settings)
    names = np.array(contents, dtype=object)
    unmatched = ~used
    unmatched[list(rivals)] = False
    return {
        "applied": dict(sorted(Counter(ACTIONS[a] for a in lines.actions[used].tolist()).items())),
        "unmatched": names[unmatched].tolist(),
        "contradicting": [
            *({"content_id": content, "actions": actions} for content, actions in decisions.contradictions.items()),
            *(
                {"content_id": contents[i], "actions": [KEEP_ONLY], "rivals": sorted(contents[j] for j in rivals[i])}
                for i in sorted(rivals)
            ),
        ],
    }


def _numbered(index: Index, contents: list[str]) -> I32Array:
    """(passages,) int32 number of the content of each passage, -1 for one of which nothing was decided."""
    tables = (read_table(part.notes / "passages.arrow") for part in index.parts)
    found = [_number_of(whole(table["content_id"]), contents) for table in tables]
    return np.concatenate(found) if found else np.empty(0, np.int32)


def _number_of(ids: pa.Array, contents: list[str]) -> I32Array:
    found: I32Array = pc.fill_null(pc.index_in(ids, value_set=pa.array(contents, pa.string())), -1).to_numpy(zero_copy_only=False)
    return found.astype(np.int32)


def _rivals(number: I32Array, actions: U8Array, classes: I32Array, pairs: pa.Table) -> dict[int, set[int]]:
    """Contents of which only one copy is to stay, though each is a duplicate of the other: by number, with their rivals."""
    chosen = np.flatnonzero((number >= 0) & (classes >= 0))
    chosen = chosen[actions[number[chosen]] == _ONLY]
    contents: dict[int, set[int]] = {}
    for kind, content in np.unique(np.stack([classes[chosen], number[chosen]], axis=1), axis=0).tolist():
        contents.setdefault(kind, set()).add(content)
    a, b = numbers(pairs["a"]), numbers(pairs["b"])
    involved = np.fromiter(contents, np.int64, len(contents))
    near = np.flatnonzero(np.isin(a, involved) & np.isin(b, involved) & (numbers(pairs["b_for_a"]) | numbers(pairs["a_for_b"])))
    groups = [*contents.values(), *(contents[x] | contents[y] for x, y in zip(a[near].tolist(), b[near].tolist(), strict=True))]
    rivals: dict[int, set[int]] = {}
    for group in groups:
        for one in group if len(group) > 1 else ():
            rivals.setdefault(one, set()).update(group - {one})
    return rivals


def _lay(lines: Any, first: I64Array, last: I64Array, number: I32Array) -> None:
    """Give the lines of spans the verdict of their decision."""
    length = last - first + 1
    at = np.repeat(first - (np.cumsum(length) - length), length) + np.arange(int(length.sum()))
    decided = np.repeat(number, length)
    action = lines.actions[decided]
    lines.decided[at] = decided
    removed = action == _REMOVE
    stays = ~removed & ~((action == _NOT) & (lines.reason[at] == EXTRACTION))
    lines.reason[at[removed]] = REVIEWER
    lines.reason[at[stays]] = KEPT
    changed = at[removed | stays]
    lines.rule[changed] = -1
    lines.anchor[changed] = -1


def _lay_fragments(
    part: Part,
    number: int,
    index: Index,
    lines: Any,
    ranges: tuple[I64Array, I64Array],
    found: tuple[list[str], BoolArray, BoolArray],
    settings: Settings,
) -> None:
    """The same for what rules cut out of passages of a part, or leave of them. found : contents, which are active, which were used."""
    contents, active, used = found
    first, last = (side[index.passage_base[number] : index.passage_base[number + 1]] for side in ranges)
    split = np.flatnonzero(kernel.fall(first, last, lines.reason, lines.rule)[2])
    split = split[last_decided(lines.decided, first[split], last[split]) < 0]
    if not len(split):
        return
    owner, begin, end = kernel.fragments(split, first, last, lines.reason, lines.rule, lines.anchor)
    which = _number_of(_contents(part, owner, begin - lines.base[number], end - lines.base[number], settings), contents)
    hit = np.flatnonzero(active[which])
    used[which[hit]] = True
    _lay(lines, begin[hit], end[hit], which[hit])


def _contents(part: Part, owner: I64Array, begin: I64Array, end: I64Array, settings: Settings) -> pa.Array:
    """Content id of runs of lines of passages: what the writer will publish of them."""
    texts = Texts.from_arrow(read_table(part.documents)["text"])
    notes = read_table(part.notes / "lines.arrow")
    annotated = read_table(part.notes / "passages.arrow").select(["wrapped", "kind"]).take(pa.array(owner))
    starts, ends = numbers(notes["start"])[begin], numbers(notes["end"])[end]
    _, converted, _, _ = rewrite(texts.chars, starts, ends, numbers(annotated["wrapped"]), numbers(annotated["kind"]), settings)
    return content_id_column(converted.texts.to_arrow())
