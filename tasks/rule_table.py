"""Rules and mined templates that fired, with their evidence: the table `templates`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.boilerplate import RuleSet
from tasks.decide import Lines
from tasks.foldline import fold_lines, fold_texts
from tasks.freeze import PREFIX, category_of, pattern_of, shown_form
from tasks.index import Index
from tasks.reasons import BOILERPLATE, KEPT, TEMPLATE
from tasks.settings import Settings
from tasks.store.schemas import TEMPLATES
from tasks.store.stage import numbers, read_table
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, spans_to_arrow
from tasks.store.unique import unique
from tasks.templates import LineTable, Templates, mine

#: Examples and counter-examples shown for each.
SHOWN = 5
#: Characters of an example.
EXAMPLE_CHARS = 200
_WHOLE_CHARS = 2000  # of a line, from which a template's pattern is made
#: Columns of the stage table `lines` that mining reads as they are.
KEYS = ("exact", "skeleton", "lead", "trail", "rest", "inner", "words", "flags")


@dataclass(frozen=True)
class Mined:
    """Templates of a run.

    found       : all templates, those that remove and those that are only reported.
    of_line     : for each part, (lines,) int32, the template of each line that is removed by one, -1 for none.
    any_of_line : the same with those that stay.
    between     : for each part, (lines,) bool, lines that go because they stand between lines of a template.
    refusals    : ids that a reviewer refused.
    """

    found: Templates
    of_line: list[I32Array]
    any_of_line: list[I32Array]
    between: list[BoolArray]
    refusals: Collection[str] = ()

    @property
    def names(self) -> list[str]:
        """Id by number."""
        return [self.found.name(i) for i in range(len(self.found))]

    def refused(self, number: int) -> bool:
        """Whether a reviewer refused a template."""
        return self.found.name(number) in self.refusals

    @property
    def evidence(self) -> list[str]:
        """Sentence for a person by number."""
        return [self.found.evidence(i) for i in range(len(self.found))]


def mine_templates(index: Index, settings: Settings, refused: Collection[str] = ()) -> Mined:
    """Lines that recur at the same place in many documents of a collection. refused : ids of templates that never remove."""
    owner = _owners(index)
    parts = [_columns(index, number, owner) for number in range(len(index.parts))]
    names = [f.name for f in fields(LineTable)]
    if not parts:
        return Mined(_NONE, [], [], [])
    lines = LineTable(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    first = np.unique(owner, return_index=True)[1]
    documents = np.bincount(index.collection[first], minlength=len(index.collections)).astype(np.int64)
    base = np.cumsum([0, *(len(part.doc) for part in parts)])
    mining = mine(lines, documents, settings.boilerplate, lambda rows: _folded(index, base, rows), refused)
    of_line, cuts = np.where(mining.taken, mining.of_line, -1).astype(np.int32), base[1:-1]
    return Mined(mining.found, np.split(of_line, cuts), np.split(mining.of_line, cuts), np.split(mining.between, cuts), refused)


def template_categories(index: Index, mined: Mined, table: pa.Table) -> list[str]:
    """Category of each template by its number, as the table `templates` has it; those that stand nowhere have the one of their place."""
    chosen = table.filter(pc.equal(table["origin"], "mined"))
    keys = zip(chosen["rule"].to_pylist(), chosen["collection"].to_pylist(), strict=True)
    known = dict(zip(keys, chosen["category"].to_pylist(), strict=True))
    own = (index.collections[number] for number in mined.found.collection.tolist())
    return [known.get(key, "metadata") for key in zip(mined.names, own, strict=True)]


_NONE = Templates(*(np.empty(0, kind) for kind in ("u8", "u1", "i4", *["i8"] * 4, *["f4"] * 4, "?", "i4", "?")))


def _owners(index: Index) -> I64Array:
    """(document rows,) int64, first row of the document that each row is all or a piece of."""
    piece = index.document_column("piece")
    return np.maximum.accumulate(np.where(piece == 0, np.arange(len(piece)), 0)) if len(piece) else np.empty(0, np.int64)


def _columns(index: Index, number: int, owner: I64Array) -> LineTable:
    """What `templates.mine` needs of the lines of one part."""
    table = read_table(index.parts[number].notes / "lines.arrow")
    rows = numbers(table["doc"]).astype(np.int64) + index.doc_base[number]
    keys = {name: numbers(table[name]) for name in KEYS}
    return LineTable(
        **keys,
        doc=owner[rows],
        order=np.arange(len(rows), dtype=np.int32),
        collection=index.collection[rows],
        chars=numbers(table["visible"]).astype(np.int32),
        kind=numbers(table["kind"]),
        ruled=(numbers(table["rule"]) >= 0) | numbers(table["extraction"]).astype(np.bool_),
    )


def _folded(index: Index, base: I64Array, rows: I64Array) -> Texts:
    """Match form of lines, numbered over all parts, in the order asked for."""
    part = np.searchsorted(base, rows, side="right") - 1
    texts: list[pa.Array] = []
    for number in np.unique(part).tolist():
        table = read_table(index.parts[number].notes / "lines.arrow").select(["doc", "start", "end"])
        mine = rows[part == number] - base[number]
        doc, start, end = (numbers(table[name])[mine].astype(np.int64) for name in ("doc", "start", "end"))
        docs, which = np.unique(doc, return_inverse=True)
        column = read_table(index.parts[number].documents)["text"]
        lengths = np.cumsum(np.append(0, numbers(pc.utf8_length(column).cast(pa.int64()))))  # lines are placed in the part's one buffer
        begin = Texts.from_arrow(column.take(pa.array(docs)))
        shift = (begin.offsets[:-1] - lengths[docs])[which]
        texts.append(fold_lines(begin.chars, start + shift, end + shift).to_arrow())
    order = np.argsort(np.argsort(part, kind="stable"), kind="stable")
    return Texts.from_arrow(pa.concat_arrays(texts).take(pa.array(order))) if texts else Texts.of([])


def templates_table(index: Index, lines: Lines, mined: Mined, rules: RuleSet) -> pa.Table:
    """Every rule and template that fired; those that remove first, most characters first."""
    template = _joined(mined.any_of_line)
    weak, ruled = _line_column(index, "weak"), _line_column(index, "rule")
    by_rule = np.where(lines.reason == BOILERPLATE, lines.rule, -1)
    removing = np.append(mined.found.removes, False)[template]
    stands = np.where(removing & (lines.reason != TEMPLATE), -1, template)
    kept = lines.reason == KEPT
    pack = _Group(lines, by_rule, len(rules.rules), template < 0, np.where(kept, weak, -1))
    found = _Group(lines, stands, len(mined.found), ruled < 0, np.where(kept & removing, template, -1))
    text_of = _texts(index, lines, [*pack.shown(), *found.shown()])
    rows = [
        pack.row(number, text_of, rule=rule.id, origin=_origin(rule.id), collection=None, category=rule.category, verdict="removes", skeleton=rule.regex)
        for number, rule in enumerate(rules.rules)
        if pack.count[number]
    ]  # fmt: skip
    for number in np.flatnonzero(found.count).tolist():
        texts = [text_of[line]["text"] for line in found.examples(number).tolist()]
        collection = index.collections[int(mined.found.collection[number])]
        rows.append(found.row(number, text_of, origin="mined", collection=collection, **_described(mined, number, texts)))
    for row in rows:
        row["examples"], row["counter_examples"] = ([_shown(one) for one in row[name]] for name in ("examples", "counter_examples"))
    rows.sort(key=lambda row: (row["verdict"] != "removes", -row["char_count"], row["rule"], row["collection"] or ""))
    return pa.Table.from_pylist(rows, schema=TEMPLATES)


def _origin(rule: str) -> str:
    return "reviewer" if rule.startswith(PREFIX) else "pack"


def _shown(example: dict[str, Any]) -> dict[str, Any]:
    return {**example, "text": example["text"][:EXAMPLE_CHARS]}


def _described(mined: Mined, number: int, texts: list[str]) -> dict[str, Any]:
    """Columns of a mined template that say what it is."""
    found = mined.found
    return {
        "rule": found.name(number),
        "category": category_of(fold_texts(texts[:1])[0], bool(found.at_tail[number])),
        "verdict": "removes" if found.removes[number] else "refused" if mined.refused(number) else "reported",
        "skeleton": shown_form(int(found.form[number]), texts),
        "evidence": found.evidence(number),
        "pattern": pattern_of(int(found.form[number]), texts) or None,
        "place": "tail" if found.at_tail[number] else "head",
        "within": int(found.within[number]),
    }


def _joined(parts: list[I32Array]) -> I32Array:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def _line_column(index: Index, name: str) -> I32Array:
    """A column of the lines of all parts."""
    return _joined([numbers(read_table(part.notes / "lines.arrow")[name]) for part in index.parts])


class _Group:
    """Lines grouped by a number (a rule's or a template's): counts, and places to show."""

    def __init__(self, lines: Lines, of_line: I32Array, size: int, alone: BoolArray, spared: I32Array) -> None:
        self._order, self._bounds = _ordered(of_line, size)
        self._spared, self._spared_bounds = _ordered(spared, size)
        number = of_line[self._order]
        self.count = np.diff(self._bounds)
        self._chars = np.bincount(number, lines.visible[self._order], minlength=size).astype(np.int64)
        self._alone = np.bincount(number, lines.visible[self._order] * alone[self._order], minlength=size).astype(np.int64)
        pairs = unique((number.astype(np.int64) << 32) | lines.doc[self._order])
        self._documents = np.bincount(pairs >> 32, minlength=size)

    def examples(self, number: int) -> I64Array:
        """Lines to show: spread over all places."""
        mine = self._order[self._bounds[number] : self._bounds[number + 1]]
        return mine[:: max(1, len(mine) // SHOWN)][:SHOWN]

    def counter_examples(self, number: int) -> I64Array:
        """Lines that matched and stay."""
        return self._spared[self._spared_bounds[number] : self._spared_bounds[number + 1]][:SHOWN]

    def shown(self) -> list[int]:
        """All lines that are shown anywhere."""
        fired = np.flatnonzero(self.count).tolist()
        return [line for number in fired for line in (*self.examples(number).tolist(), *self.counter_examples(number).tolist())]

    def row(self, number: int, text_of: dict[int, dict[str, Any]], **names: Any) -> dict[str, Any]:
        """Row of the table."""
        return {
            **names,
            "document_count": int(self._documents[number]),
            "char_count": int(self._chars[number]),
            "only_here_char_count": int(self._alone[number]),
            "examples": [text_of[line] for line in self.examples(number).tolist()],
            "counter_examples": [text_of[line] for line in self.counter_examples(number).tolist()],
        }


def _ordered(of_line: I32Array, size: int) -> tuple[I64Array, I64Array]:
    """Lines with a number, by number then place, and where each number begins."""
    chosen = np.flatnonzero(of_line >= 0)
    order = chosen[np.argsort(of_line[chosen], kind="stable")]
    return order, np.searchsorted(of_line[order], np.arange(size + 1))


def _texts(index: Index, lines: Lines, chosen: list[int]) -> dict[int, dict[str, Any]]:
    """Source, offset and text of the chosen lines."""
    wanted = np.unique(np.array(chosen, np.int64))
    part = np.searchsorted(lines.base, wanted, side="right") - 1
    out: dict[int, dict[str, Any]] = {}
    for number in np.unique(part).tolist():
        mine = wanted[part == number]
        rows = (
            read_table(index.parts[number].notes / "lines.arrow").select(["doc", "start", "end"]).take(pa.array(mine - lines.base[number]))
        )
        documents = read_table(index.parts[number].documents)
        texts = Texts.from_arrow(documents["text"])
        doc, start = numbers(rows["doc"]).astype(np.int64), numbers(rows["start"])
        end = np.minimum(numbers(rows["end"]), start + _WHOLE_CHARS)
        offset = start - texts.offsets[doc] + numbers(documents["char_base"])[doc]
        sources = documents["source"].take(pa.array(doc)).to_pylist()
        shown = spans_to_arrow(texts.chars, start, end).to_pylist()
        for line, source, at, text in zip(mine.tolist(), sources, offset.tolist(), shown, strict=True):
            out[line] = {"source": source, "char_start": at, "text": text}
    return out
