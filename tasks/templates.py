"""Templates: lines that recur in many documents of a collection at the same place, found without anyone writing a rule.

A line's *skeleton* is its match form with numbers and dates, addresses, e-mails, links and quoted titles as slots. A skeleton
that stands in enough documents is a template; it removes only when it stands in a large share of them, nearly always in the
head or tail, and is neither heading nor code nor table. All others are reported. Removing content is worse than leaving
boilerplate: what is in doubt stays.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from tasks.foldline import fold_codes
from tasks.kernels import templates as kernel
from tasks.rulepack import KINDS
from tasks.settings import Boilerplate
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, Texts, U8Array, U64Array, from_str, to_str

#: Lines that count as head and as tail (at most a third of the document each): where pages and newsletters carry their frame.
HEAD, TAIL = 6, 12
#: Share of a template's occurrences that must stand in head or tail before it may remove. Items of a list, which content
#: shares more often, must stand there nearly always.
CONCENTRATED, LIST_CONCENTRATED = 0.8, 0.95
#: Share of occurrences with a kind that is never removed for recurring alone.
_PROTECTED_SHARE = 0.05
#: Rounds of peeling: frames of up to about sixty lines.
_ROUNDS = 5
_PROTECTED = tuple(KINDS.index(kind) for kind in ("heading", "table", "code", "caption", "turn", "metadata"))
_METADATA = KINDS.index("metadata")
_LIST = KINDS.index("list")
_SLOTS = {kernel.NUMBER: "{number}", kernel.URL: "{url}", kernel.TITLE: "{title}", kernel.EMAIL: "{email}", kernel.LINK: "{link}"}


@dataclass(frozen=True)
class LineTable:
    """The lines of all parts, one row a line, in any order.

    skeleton   : (n,) uint64 from `skeletons`; 0 rows are ignored.
    doc        : (n,) int64, rank of the document, unique over all parts.
    collection : (n,) int32.
    head, tail : (n,) int32, lines of the document above and below this one.
    chars      : (n,) int32, non-space characters of the line.
    kind       : (n,) uint8, index into KINDS.
    """

    skeleton: U64Array
    doc: I64Array
    collection: I32Array
    head: I32Array
    tail: I32Array
    chars: I32Array
    kind: U8Array


@dataclass(frozen=True)
class Templates:
    """Mined templates, one row each, sorted by (collection, skeleton).

    skeleton, collection : the key. documents, occurrences, chars : (n,) int64 counts.
    share         : (n,) float32, documents over those of the collection.
    concentration : (n,) float32, share of occurrences in head or tail.
    at_tail       : (n,) bool, whether more of them stand in the tail than in the head.
    removes       : (n,) bool, whether the template removes; the others are reported.
    """

    skeleton: U64Array
    collection: I32Array
    documents: I64Array
    occurrences: I64Array
    chars: I64Array
    share: F32Array
    concentration: F32Array
    at_tail: BoolArray
    removes: BoolArray

    def __len__(self) -> int:
        return len(self.skeleton)

    def name(self, index: int) -> str:
        """Id of a template, as it stands in `removed.rule`: the same for the same skeleton in every collection and run."""
        return f"mined.{int(self.skeleton[index]):016x}"

    def category(self, index: int) -> str:
        """Category by place: footer in the tail, metadata in the head."""
        return "footer" if self.at_tail[index] else "metadata"

    def evidence(self, index: int) -> str:
        """One sentence for a person: how often and where it stands."""
        where = "tail" if self.at_tail[index] else "head"
        return (
            f"template {self.name(index)}: in {int(self.documents[index])} documents ({self.share[index]:.0%} of the collection), "
            f"{self.concentration[index]:.0%} in head or tail, mostly {where}"
        )

    def apply(self, skeleton: U64Array, collection: I32Array) -> I32Array:
        """(n,) int32, index of the template of each line, -1 where there is none."""
        found = np.full(len(skeleton), -1, np.int32)
        for group in np.unique(self.collection):
            first, last = np.searchsorted(self.collection, [group, group + 1])
            mine = np.flatnonzero((collection == group) & (skeleton != 0))
            place = np.searchsorted(self.skeleton[first:last], skeleton[mine])
            inside = place < last - first
            inside[inside] &= self.skeleton[first + place[inside]] == skeleton[mine[inside]]
            found[mine[inside]] = first + place[inside]
        return found


def skeletons(folded: Texts) -> U64Array:
    """(n,) uint64 hash of each folded line's skeleton, 0 where too little stands outside its slots.

    >>> a, b, c = skeletons(Texts.of(["共3条评论 2024-01-02", "共12条评论 2023-11-30", "2024-01-02"]))
    >>> bool(a == b), int(c)
    (True, 0)
    """
    hashes: U64Array = kernel.skeleton_hashes(folded.chars, folded.offsets)
    return hashes


def skeleton_text(line: str) -> str:
    """A line with its slots named and its other characters as they stand: what the table `templates` shows.

    Slots are those of the line's match form, so that full-width digits and curled quotation marks make slots too.

    >>> skeleton_text('工具箱第１２期：“标题” https://example.org/12')
    '工具箱第{number}期：{title} {url}'
    """
    chars = from_str(line)
    folded = fold_codes()[chars]
    at = np.flatnonzero(folded)
    space = folded[at] == 32
    at = at[~(space & np.append(True, space[:-1]))]  # a run of white space is one, none at either end
    if len(at) and folded[at[-1]] == 32:
        at = at[:-1]
    codes, starts = kernel.skeleton_chars(folded[at])
    own = np.where(folded[at] == 32, np.uint32(32), chars[at])[starts]
    return "".join(_SLOTS.get(int(code)) or to_str(own[i : i + 1]) for i, code in enumerate(codes))


def mine(lines: LineTable, collection_documents: I64Array, settings: Boilerplate) -> Templates:
    """Templates of each collection.

    A frame of many lines is peeled from the outside: lines of templates that remove are not counted when, in the next round,
    the distance of the others from head and tail is taken.
    collection_documents : (n_collections,) int64, documents of each collection, those without a skeleton too.
    """
    rows = np.flatnonzero(lines.skeleton != 0)
    rows = rows[np.lexsort((lines.doc[rows], lines.skeleton[rows], lines.collection[rows]))]
    starts = np.flatnonzero(_changes(lines.collection[rows], lines.skeleton[rows]))
    head, tail = lines.head.astype(np.int64), lines.tail.astype(np.int64)
    found = _judge(lines, rows, starts, head, tail, collection_documents, settings)
    order = np.lexsort((lines.head, lines.doc))
    for _ in range(_ROUNDS):
        removed = lines.kind == _METADATA  # front matter is no head
        removed[rows] |= np.repeat(found.removes, np.diff(np.append(starts, len(rows))))
        grown = _judge(lines, rows, starts, *_peeled(lines, order, removed), collection_documents, settings)
        done = not (grown.removes & ~found.removes).any()
        found = grown
        if done:
            break
    often = found.documents >= settings.min_documents
    return Templates(**{field.name: getattr(found, field.name)[often] for field in fields(Templates)})


def _judge(
    lines: LineTable,
    rows: I64Array,
    starts: I64Array,
    head: I64Array,
    tail: I64Array,
    collection_documents: I64Array,
    settings: Boilerplate,
) -> Templates:
    """One row a distinct (collection, skeleton), whether often or not, by the distances given."""
    collection, doc, kind = lines.collection[rows], lines.doc[rows], lines.kind[rows]
    new_group = np.zeros(len(rows), bool)
    new_group[starts] = True
    documents = _sums(new_group | _changes(doc), starts)
    size = np.diff(np.append(starts, len(rows)))
    above, below = lines.head[rows].astype(np.int64), lines.tail[rows].astype(np.int64)
    third = np.maximum(1, (above + below + 1) // 3)  # of the document as it is: peeling never reaches its middle
    in_tail = (tail[rows] < TAIL) & (below < third) & (below < above)
    in_head = (head[rows] < HEAD) & (above < third) & ~in_tail
    heads, tails = _sums(in_head, starts), _sums(in_tail, starts)
    concentration = (heads + tails) / np.maximum(size, 1)
    listed = _sums(kind == _LIST, starts) > _PROTECTED_SHARE * size
    protected = _sums(np.isin(kind, _PROTECTED), starts) > _PROTECTED_SHARE * size
    share = documents / np.maximum(collection_documents[collection[starts]], 1)
    placed = concentration >= np.where(listed, LIST_CONCENTRATED, CONCENTRATED)
    return Templates(
        skeleton=lines.skeleton[rows][starts],
        collection=collection[starts],
        documents=documents,
        occurrences=size.astype(np.int64),
        chars=_sums(lines.chars[rows], starts),
        share=share.astype(np.float32),
        concentration=concentration.astype(np.float32),
        at_tail=tails >= heads,
        removes=(documents >= settings.min_documents) & (share >= settings.min_share) & placed & ~protected,
    )


def _peeled(lines: LineTable, order: I64Array, removed: BoolArray) -> tuple[I64Array, I64Array]:
    """Lines above and below each line that no template removes. order sorts the lines by document and place."""
    kept = (~removed[order]).astype(np.int64)
    upto = np.cumsum(kept)
    starts = np.flatnonzero(_changes(lines.doc[order]))
    size = np.diff(np.append(starts, len(order)))
    before = np.repeat((upto - kept)[starts], size) if len(starts) else upto
    total = np.repeat(_sums(kept, starts), size) if len(starts) else upto
    head, tail = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    head[order] = upto - kept - before
    tail[order] = total - (upto - before)
    return head, tail


def _changes(*columns: U64Array | I32Array | I64Array) -> BoolArray:
    """(n,) bool, rows that differ from the one before in some column; the first row does."""
    changed = np.zeros(len(columns[0]), bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


def _sums(values: BoolArray | I32Array | I64Array, starts: I64Array) -> I64Array:
    """(n_groups,) int64, sum over each group of rows that begins at a start."""
    return np.add.reduceat(values.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)
