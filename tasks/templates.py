"""Templates: lines that recur in many documents of a collection at the same place, found without anyone writing a rule.

Each line has up to four keys (tasks.kernels.templates): the line itself; its *skeleton*, with numbers and dates, addresses, handles,
links and quoted titles as slots; its *lead* (the label before a colon, or the first letters) and its *trail* (the last letters).
Lines of one key are a candidate. `tasks.template_scores` says which candidates are templates and which of those remove; here they are
peeled: what is recognised no longer counts when the distance of the other lines from head and tail is taken, until nothing is added.

Removing content is worse than leaving boilerplate: what is in doubt stays, and is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from tasks.foldline import fold_codes
from tasks.kernels import templates as kernel
from tasks.settings import Boilerplate
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, Texts, U8Array, U64Array, from_str, to_str

if TYPE_CHECKING:
    from tasks.template_groups import Groups
    from tasks.template_page import Page
    from tasks.template_scores import Scores

#: Rounds of peeling: closing blocks of some 200 lines.
_ROUNDS = 24
_SLOTS = {
    kernel.NUMBER: "{number}", kernel.URL: "{url}", kernel.TITLE: "{title}", kernel.EMAIL: "{email}", kernel.LINK: "{link}",
    kernel.HANDLE: "{handle}",
}  # fmt: skip
#: How a template recognises its lines, in the order in which a line is given to one of those that fit.
FORMS = ("skeleton", "line", "lead", "trail")
SKELETON, LINE, LEAD, TRAIL = range(len(FORMS))


@dataclass(frozen=True)
class LineTable:
    """The lines of all parts, one row a line, in any order.

    exact, skeleton, lead, trail : (n,) uint64, rest, inner, words : (n,) int32, flags : (n,) uint8, from `line_keys`; key 0 says nothing.
    doc        : (n,) int64, rank of the document, unique over all parts. order : (n,) int32, place of the line in it.
    collection : (n,) int32. chars : (n,) int32, non-space characters of the line. kind : (n,) uint8, index into KINDS.
    ruled      : (n,) bool, lines that a rule takes: they are peeled too, and support what stands beside them.
    """

    exact: U64Array
    skeleton: U64Array
    lead: U64Array
    trail: U64Array
    rest: I32Array
    inner: I32Array
    words: I32Array
    flags: U8Array
    doc: I64Array
    order: I32Array
    collection: I32Array
    chars: I32Array
    kind: U8Array
    ruled: BoolArray


@dataclass(frozen=True)
class Templates:
    """Mined templates, one row each, sorted by (form, collection, key).

    key, form, collection : what makes a template. documents, occurrences, values, chars : (n,) int64: documents it stands in, lines,
                            distinct lines, non-space characters.
    share, density        : (n,) float32, documents over those of the collection, and over those between its first and its last.
    concentration         : (n,) float32, share of occurrences in head or tail.
    support               : (n,) float32, share of occurrences beside other boilerplate.
    at_tail               : (n,) bool, whether more of them stand in the tail than in the head.
    within                : (n,) int32, lines of the document from its start (its end, at_tail) that hold nine tenths of the occurrences.
    removes               : (n,) bool, whether the template removes; the others are reported.
    """

    key: U64Array
    form: U8Array
    collection: I32Array
    documents: I64Array
    occurrences: I64Array
    values: I64Array
    chars: I64Array
    share: F32Array
    density: F32Array
    concentration: F32Array
    support: F32Array
    at_tail: BoolArray
    within: I32Array
    removes: BoolArray

    def __len__(self) -> int:
        return len(self.key)

    def name(self, index: int) -> str:
        """Id of a template, as it stands in `removed.rule`: the same for the same lines in every collection and run."""
        return template_name(int(self.key[index]), int(self.form[index]))

    def evidence(self, index: int) -> str:
        """One sentence for a person: how often, where and how varied it stands."""
        where = "tail" if self.at_tail[index] else "head"
        said = [
            f"in {int(self.documents[index])} documents ({self.share[index]:.0%} of the collection)",
            f"{self.concentration[index]:.0%} in head or tail, mostly {where}",
        ]
        if self.density[index] > self.share[index] + 0.05:
            said.insert(1, f"{self.density[index]:.0%} of those from its first to its last")
        if self.values[index] > 1:
            said.append(f"{int(self.values[index])} wordings")
        if self.support[index] >= 0.5:
            said.append(f"{self.support[index]:.0%} beside other boilerplate")
        return f"template {self.name(index)}: {', '.join(said)}"


def template_name(key: int, form: int) -> str:
    """Id of the template of a key.

    >>> template_name(0xAB, SKELETON), template_name(0xAB, LEAD)
    ('mined.00000000000000ab', 'mined.lead.00000000000000ab')
    """
    return f"mined.{'' if form == SKELETON else FORMS[form] + '.'}{key:016x}"


@dataclass(frozen=True)
class Mining:
    """found : all templates. of_line : (n,) int32, the template of each line, -1 for none. taken : (n,) bool, lines that are removed.
    between : (n,) bool, those of them that no template fits: short lines between lines of one."""

    found: Templates
    of_line: I32Array
    taken: BoolArray
    between: BoolArray


#: Folded texts of the named lines of a LineTable, in their order.
TextOf = Callable[[I64Array], Texts]


def line_keys(folded: Texts, listed: BoolArray) -> dict[str, U64Array | I32Array | U8Array]:
    """Columns exact, skeleton, lead, trail, rest, inner, words, flags of folded lines; see kernel.line_keys."""
    names = ("exact", "skeleton", "lead", "trail", "rest", "inner", "words", "flags")
    return dict(zip(names, kernel.line_keys(folded.chars, folded.offsets, listed), strict=True))


def skeletons(folded: Texts) -> U64Array:
    """(n,) uint64 hash of each folded line's skeleton, 0 where too little stands outside its slots.

    >>> a, b, c = skeletons(Texts.of(["共3条评论 2024-01-02", "共12条评论 2023-11-30", "2024-01-02"]))
    >>> bool(a == b), int(c)
    (True, 0)
    """
    keys: U64Array = line_keys(folded, np.zeros(len(folded), np.bool_))["skeleton"]  # type: ignore[assignment]
    return keys


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


def mine(lines: LineTable, collection_documents: I64Array, settings: Boilerplate, text_of: TextOf, refused: Collection[str] = ()) -> Mining:
    """Templates of each collection, and the lines that they take.

    collection_documents : (n_collections,) int64, documents of each collection, those without a line too.
    refused              : ids of templates that a reviewer refused: they are reported and never remove.
    """
    from tasks.template_groups import candidates
    from tasks.template_page import Page
    from tasks.template_scores import judge

    page = Page.of(lines, collection_documents, settings)
    groups = candidates(page, text_of, refused)
    for _ in range(_ROUNDS):
        before = int(page.frame.sum())
        scores = judge(page, groups)
        page.grow(groups, scores)
        if int(page.frame.sum()) == before:
            break
    scores = judge(page, groups, published=True)
    found, number = _report(page, groups, scores)
    of_line, taken = _given(page, groups, scores, number)
    between = page.between(taken, of_line)
    back = np.empty(len(page.sorted), np.int64)
    back[page.sorted] = np.arange(len(page.sorted))
    return Mining(found, of_line[back], taken[back], between[back])


def _report(page: Page, groups: Groups, scores: Scores) -> tuple[Templates, I32Array]:
    """Templates that are published, and the number among them of each group (-1 for none).

    Leads and trails only where they remove; a line of its own only where it removes or has no skeleton. A collection of too few
    documents reports what recurs inside them.
    """
    often = scores.documents >= page.settings.min_documents
    inside = (page.collection_documents[groups.collection] < page.settings.min_documents) & ~groups.rigid
    plain = (groups.form == SKELETON) | ((groups.form == LINE) & groups.bare)
    chosen = np.flatnonzero(scores.removes | (plain & (often | inside)))
    chosen = chosen[np.lexsort((groups.key[chosen], groups.collection[chosen], groups.form[chosen]))]
    number = np.full(len(groups.form) + 1, -1, np.int32)
    number[chosen] = np.arange(len(chosen))
    named = {f.name: getattr(scores if hasattr(scores, f.name) else groups, f.name)[chosen] for f in fields(Templates)}
    return Templates(**named), number


def _given(page: Page, groups: Groups, scores: Scores, number: I32Array) -> tuple[I32Array, BoolArray]:
    """of_line and taken, by sorted line: a template that removes it comes before one that reports it, then the order of FORMS."""
    n = len(page.sorted)
    group = groups.of_row
    removes = scores.removes[group] & scores.placed & ~page.protected[groups.rows] & ~page.spared[groups.rows]
    of_line, taken = np.full(n, -1, np.int32), np.zeros(n, np.bool_)
    for rank in (False, True):
        for form in reversed(range(len(FORMS))):
            mine = np.flatnonzero((removes == rank) & (groups.form[group] == form) & (number[group] >= 0))
            of_line[groups.rows[mine]] = number[group[mine]]
            taken[groups.rows[mine]] |= rank
    return of_line, taken
