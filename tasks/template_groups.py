"""Candidates: lines of one key in one collection, with what does not change while peeling."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tasks.kernels import mining as kernels
from tasks.kernels import templates as kernel
from tasks.kernels.templates import FINAL, LABELLED, NUMERIC, OPENS, QUOTED
from tasks.rulepack import KINDS
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, Texts, U8Array, U64Array
from tasks.template_page import HEADING, LIST, TURN, Page, changes, collected
from tasks.templates import FORMS, LEAD, LINE, SKELETON, TRAIL, TextOf, template_name

#: Words of labels that belong to the frame of a text and not to what it says (match form). A label of none of them needs support.
FRAME_LABEL = re.compile(
    "作者|编辑|编译|翻译|译者|校对|责编|撰文|记者|来源|出处|原文|链接|网址|官网|主页|邮箱|微信|公众号|订阅号|微博|电话|热线|传真|投稿|联系|合作|赞助"
    "|广告|推广|排版|设计|策划|监制|制作|出品|摄影|图片|配图|音乐|剪辑|后期|主播|嘉宾|版权|许可|协议|声明|转载|日期|时间|发布|更新|首发|改进|期数|刊号"
    "|上一?[篇期]|下一?[篇期]|往期|标签|分类|栏目|专栏|阅读|浏览|订阅|关注|扫码|交流群|社区|编号|字数"
    r"|\b(?:author|by|editor|edited|translat\w+|source|via|link|url|website|e-?mail|contact|phone|tel|fax|sponsor\w*|ads?|advert\w*|photo|credit"
    r"|copyright|licen[cs]e|date|posted|published|updated|tags?|category|issue|vol|follow|subscribe|twitter|wechat|discord|slack|telegram)\b"
)
#: Documents that decide under which heading a line always stands; letters of such a line.
_UNDER_SHARE, _UNDER_LINES, _UNDER_LETTERS = 0.5, 3, 8
#: Kinds of which a share of occurrences protects the whole template.
_SOME = 0.05
#: Letters of a labelled line, and of a line with a lead or trail, on average, at most; share of lines that end as a sentence; letters
#: outside slots at least, where no label stands.
_VALUE, _LONGEST, _SENTENCES, _LETTERS = 30, 60, 0.2, 3
#: Letters outside slots from which a labelled line says too much of its own to be a field of a card.
_FIELD = 12
#: Lines of a lead or trail that are compared with each other.
_SAMPLE = 48


@dataclass(frozen=True)
class Groups:
    """Candidates, by form, then first appearance. g groups, m rows.

    rows : (m,) int64 lines, by group, witness, place. of_row : (m,) int64 group. starts : (g,) int64. witness_starts : (w,) int64, where a
    group's rows of one witness begin; witness_group : (w,) int64.
    bare : no skeleton. thin : items of lists, addresses and images, for which a part of the collection is never enough. opens : a colon ends
    it. rigid : of kinds that are never removed. strict : must stand in place nearly always. labelled, numeric, known_label :
    a label before a colon, a number after it, a word for a frame in it. able : nothing that never changes speaks against it.
    coverage : (g,) share of letters that two of its lines have in common. opening : some open their document. roomy : documents are long.
    alike : (m,) bool, rows of a lead or trail that are no longer than such lines are. below : (m,) bool, line right below a heading; under : (g,) bool, nearly always below the same one. refused : by a reviewer.
    """

    rows: I64Array
    of_row: I64Array
    starts: I64Array
    witness_starts: I64Array
    witness_group: I64Array
    key: U64Array
    form: U8Array
    collection: I32Array
    occurrences: I64Array
    documents: I64Array
    values: I64Array
    chars: I64Array
    bare: BoolArray
    thin: BoolArray
    opens: BoolArray
    rigid: BoolArray
    strict: BoolArray
    labelled: BoolArray
    numeric: BoolArray
    known_label: BoolArray
    able: BoolArray
    coverage: F32Array
    opening: BoolArray
    roomy: BoolArray
    alike: BoolArray
    below: BoolArray
    under: BoolArray
    refused: BoolArray

    def sums(self, values: BoolArray | I32Array | I64Array) -> I64Array:
        """(g,) int64, sum of a column of rows over each group."""
        return sums(values, self.starts)

    def witness_sums(self, values: BoolArray) -> I64Array:
        """(g,) int64, sum of a column over the witnesses of each group."""
        return np.bincount(self.witness_group, values, minlength=len(self.starts)).astype(np.int64)


def sums(values: BoolArray | I32Array | I64Array, starts: I64Array) -> I64Array:
    """(n_groups,) int64, sum over each group of rows that begins at a start."""
    return np.add.reduceat(values.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)


def candidates(page: Page, text_of: TextOf, refused: Collection[str]) -> Groups:
    """All groups of `min_documents` lines or more; see `Groups`."""
    least = page.settings.min_documents
    rows, form, number = _rows(page, least)
    lines = page.lines
    order = np.argsort((number << 32) | page.witness[rows], kind="stable")
    rows, form, number = rows[order], form[order], number[order]
    key = np.select([form == f for f in range(len(FORMS))], [_key(page, f)[rows] for f in range(len(FORMS))])
    start = changes(number)
    starts = np.flatnonzero(start)
    of_row = np.cumsum(start) - 1
    new_witness = start | changes(page.witness[rows])
    size = np.diff(np.append(starts, len(rows)))
    documents = sums(start | changes(lines.doc[rows]), starts)
    flags, kind, written = lines.flags[rows], lines.kind[rows], lines.rest[rows] + lines.inner[rows]
    some = np.maximum(_SOME * size, 0)
    values = sums(_first_values(of_row, lines.exact[rows]), starts)
    listed, labelled = sums(kind == LIST, starts) > some, 2 * sums((flags & LABELLED) > 0, starts) > size
    forms = form[starts]
    ends = forms >= LEAD
    known = _known_labels(page, text_of, rows, starts, labelled & (documents >= least))
    card = sums(page.cards(rows[known[of_row] & (form == LEAD)])[rows], starts) > 0.3 * size
    able = _able(page, rows, starts, forms, (size, documents, values, labelled, card))
    coverage = _coverage(page, text_of, rows, starts, np.flatnonzero(able & ends & ~labelled & (documents >= least)))
    collection = lines.collection[rows][starts]
    below, under = _headings(page, rows, starts, forms, documents)
    return Groups(
        rows, of_row, starts, np.flatnonzero(new_witness), of_row[new_witness],
        key[starts], forms, collection, size.astype(np.int64), documents, values, sums(lines.chars[rows], starts),
        bare=lines.skeleton[rows][starts] == 0,
        thin=listed | (sums(lines.rest[rows] + lines.inner[rows], starts) < size) | (sums(kind == TURN, starts) > some),
        opens=2 * sums((flags & OPENS) > 0, starts) > size,
        rigid=sums(page.protected[rows], starts) > some,
        strict=listed | ends | (sums(kind == TURN, starts) > some),
        labelled=labelled,
        numeric=2 * sums((flags & NUMERIC) > 0, starts) > size,
        known_label=known,
        able=able,
        coverage=coverage,
        opening=sums(_opens(page)[rows], starts) > 0.1 * size,
        roomy=sums(page.last[rows] - page.first[rows] >= 8, starts) >= 0.8 * size,
        alike=(form < LEAD) | (written <= 4 + 1.5 * (sums(written, starts) / np.maximum(size, 1))[of_row]),
        below=below,
        under=under,
        refused=_refused(page, rows, starts, forms, key[starts], refused),
    )  # fmt: skip


def _refused(page: Page, rows: I64Array, starts: I64Array, forms: U8Array, keys: U64Array, refused: Collection[str]) -> BoolArray:
    """(g,) bool, groups that a reviewer refused, and those of which half the lines are theirs; fills page.spared."""
    out = np.zeros(len(starts), np.bool_)
    if not refused:
        return out
    out[:] = [template_name(int(key), int(form)) in refused for key, form in zip(keys, forms, strict=True)]
    group = np.cumsum(np.isin(np.arange(len(rows)), starts)) - 1
    page.spared[rows[out[group]]] = True
    halves: BoolArray = 2 * sums(page.spared[rows], starts) >= np.maximum(sums(np.ones(len(rows), np.bool_), starts), 1)
    return out | halves


def _key(page: Page, form: int) -> U64Array:
    """(n,) uint64 key of every line in one form; 0 where it has none."""
    lines = page.lines
    if form == LINE:
        return np.where(lines.words >= 4, lines.exact, np.uint64(0))
    keys: U64Array = (lines.skeleton, lines.exact, lines.lead, lines.trail)[form]
    return keys


def _rows(page: Page, least: int) -> tuple[I64Array, U8Array, I64Array]:
    """Lines whose key stands in `least` lines of the collection, the form of the key, and a number for each (form, key, collection).

    Leads and trails are looked for near the ends. A key that says of a line no more than a simpler one does is left out.
    """
    lines, index = page.lines, np.arange(len(page.sorted))
    near = (page.upper & (index - page.first < 20)) | (page.lower & (page.last - index < 60)) | (page.last - index <= 3)
    near &= ~page.protected & (lines.kind != LIST)
    found, forms, numbers = [], [], []
    skeletons = np.zeros(len(index), np.int64)  # lines with the same skeleton
    base = 0
    for form in range(len(FORMS)):
        key = _key(page, form)
        rows = np.flatnonzero((key != 0) & (near | (form < LEAD)))
        number, count = kernels.grouped(collected(key[rows], lines.collection[rows]))
        often = count[number]
        if form == SKELETON:
            skeletons[rows] = often
        chosen = (often >= least) & ((often != skeletons[rows]) | (form == SKELETON))
        found.append(rows[chosen])
        forms.append(np.full(len(found[-1]), form, np.uint8))
        numbers.append(number[chosen] + base)
        base += len(count)
    return np.concatenate(found), np.concatenate(forms), np.concatenate(numbers)


def _first_values(group: I64Array, value: U64Array) -> BoolArray:
    """(m,) bool, one row of each distinct value of a group."""
    number, _ = kernels.grouped(collected(value, group.astype(np.int32)))
    first: BoolArray = np.diff(np.maximum.accumulate(number), prepend=-1) > 0
    return first


def _able(
    page: Page, rows: I64Array, starts: I64Array, forms: U8Array, counts: tuple[I64Array, I64Array, I64Array, BoolArray, BoolArray]
) -> BoolArray:
    """(g,) bool, groups against which nothing speaks that never changes.

    A line with words stands twice a document at most (else it is a refrain), a lead or trail once, in lines that are short. In cards a labelled line is a
    field, unless the label nearly always says the same or the line is long beside its slots.
    """
    size, documents, values, labelled, card = counts
    lines, ends = page.lines, forms >= LEAD
    flags = lines.flags[rows]
    label, label_size = kernels.grouped(collected(lines.lead, lines.collection))
    same = (values == 1) & (size >= 0.8 * label_size[label[rows[starts]]])
    sentences = sums((flags & FINAL) > 0, starts) > _SENTENCES * size
    longest = np.where(labelled, _VALUE, _LONGEST)
    written = lines.rest[rows] + lines.inner[rows]
    short = (sums(written, starts) <= longest * size) & (sums(lines.rest[rows], starts) >= np.where(labelled, 2, _LETTERS) * size)
    quoted = 2 * sums((flags & QUOTED) > 0, starts) > size
    at_ends = (
        (values > 1) & (size <= 1.3 * documents) & short & ~card & ~(labelled & (sentences | (forms == TRAIL))) & ~(quoted & ~labelled)
    )
    markup = sums(lines.rest[rows] + lines.inner[rows], starts) < size
    field = labelled & card & ~same & (sums(lines.rest[rows], starts) < _FIELD * size)
    in_whole = (markup | (size <= 2 * documents)) & ~field
    able: BoolArray = np.where(ends, at_ends, in_whole)
    return able


def _known_labels(page: Page, text_of: TextOf, rows: I64Array, starts: I64Array, labelled: BoolArray) -> BoolArray:
    """(g,) bool, groups whose label has a word for a frame."""
    known = np.zeros(len(starts), np.bool_)
    asked = np.flatnonzero(labelled)
    texts = text_of(page.sorted[rows[starts[asked]]]) if len(asked) else Texts.of([])
    known[asked] = [FRAME_LABEL.search(re.split("[:|]", texts[i])[0]) is not None for i in range(len(asked))]
    return known


def _coverage(page: Page, text_of: TextOf, rows: I64Array, starts: I64Array, probed: I64Array) -> F32Array:
    """(g,) float32, share of units that lines of the groups named have in common; 0 for the others."""
    coverage = np.zeros(len(starts), np.float32)
    if not len(probed):
        return coverage
    size = np.diff(np.append(starts, len(rows)))[probed]
    count = np.minimum(size, _SAMPLE)
    base = np.cumsum(count) - count
    within = np.arange(int(count.sum())) - np.repeat(base, count)
    picked = rows[np.repeat(starts[probed], count) + within * np.repeat(size, count) // np.repeat(count, count)]
    texts = text_of(page.sorted[picked])
    for group, first, n in zip(probed.tolist(), base.tolist(), count.tolist(), strict=True):
        coverage[group] = kernel.common_shares(texts.chars, texts.offsets[first : first + n + 1]).mean()
    return coverage


def _headings(page: Page, rows: I64Array, starts: I64Array, forms: U8Array, documents: I64Array) -> tuple[BoolArray, BoolArray]:
    """below and under; see `Groups`."""
    lines = page.lines
    index = np.arange(len(page.sorted))
    heading = np.maximum.accumulate(np.where(lines.kind == HEADING, index, -1)) if len(index) else index
    heading = np.where(heading >= page.first, heading, -1)
    close = (heading >= 0) & (index - heading <= _UNDER_LINES) & (lines.kind != HEADING)
    above = np.where(close, lines.exact[heading], np.uint64(0))[rows] if len(index) else np.zeros(0, np.uint64)
    if not len(rows):
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    size = np.diff(np.append(starts, len(rows)))
    middle = np.repeat(above[starts + size // 2], size)
    below = (above == middle) & (above != 0)
    prose = (lines.kind[rows] == 0) & ((lines.flags[rows] & QUOTED) == 0) & (lines.rest[rows] >= _UNDER_LETTERS)
    under = (forms < LEAD) & (sums(below & prose, starts) >= 0.9 * size) & (size <= 1.1 * documents)
    under &= documents >= _UNDER_SHARE * page.collection_documents[lines.collection[rows][starts]]
    return below, under


def _opens(page: Page) -> BoolArray:
    """(n,) bool, the first line of a document that has words and no rule takes: where a title stands."""
    kept = ~(page.lines.ruled | page.neutral | (page.lines.kind == KINDS.index("metadata")))
    upto = np.concatenate([[0], np.cumsum(kept)])
    first: BoolArray = kept & (upto[1:] - upto[page.first] == 1)
    return first
