"""Verdicts -> the rows of one part: `passages`, `removed` and `documents`, in published order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.boilerplate import SUPPORTS, LineVerdicts, RuleSet, evidence
from tasks.decisions import KEEP, KEEP_ONLY
from tasks.describe import describe
from tasks.documents import documents
from tasks.filters import FILTERED, filter_reasons
from tasks.index import Part
from tasks.kernels import decide as kernel
from tasks.kernels import utf8
from tasks.perplexity import Judge, measured, replaced
from tasks.provenance import with_provenance
from tasks.reasons import BLOCK, BOILERPLATE, EXACT, EXTRACTION, KEPT, LANGUAGE, NEAR, QUALITY, REASONS, REVIEWER, STAGES, TEMPLATE
from tasks.reviewed import last_decided
from tasks.segment import KINDS, LAYOUTS
from tasks.settings import Settings
from tasks.store.ids import passage_ids
from tasks.store.schemas import PASSAGES, REMOVED
from tasks.store.stage import numbers, read_table, whole
from tasks.store.text import I32Array, I64Array, Texts, U8Array
from tasks.summary import one_line
from tasks.version import VERSION


@dataclass(frozen=True)
class PartVerdicts:
    """What `decide` says of one part, with the ids that rows name. Lines and passages are numbered within the part.

    named : ids by passage of the part, as tables with a column `row`: removed, spread, kept, family (see `links.Links`).
    rules, templates : category and name by number, for the reasons boilerplate and template.
    actions, notes   : of the reviewer's decisions by number; line_decided says which line fell under which.
    """

    reason: U8Array
    split: npt.NDArray[np.bool_]
    rule: I32Array
    line_reason: U8Array
    line_rule: I32Array
    line_anchor: I64Array
    line_support: U8Array
    line_decided: I32Array
    ordinal_base: I64Array
    named: dict[str, pa.Table]
    template_names: list[str]
    template_categories: list[str]
    template_evidence: list[str]
    actions: list[str]
    notes: list[str]


def part_tables(
    batch: pa.Table, part: Part, verdicts: PartVerdicts, rules: RuleSet, settings: Settings
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Tables `passages`, `removed` and `documents` of one part."""
    batch = with_provenance(batch, part.notes)
    annotated, lines = measured(part), read_table(part.notes / "lines.arrow")
    texts = Texts.from_arrow(batch["text"])
    whole_rows = _whole(annotated, verdicts.line_decided)
    cut = _filtered(_measured(_fragments(batch, texts, annotated, lines, verdicts, settings), batch, part), verdicts.actions, settings)
    kept = _sorted([whole_rows.filter(pa.array((verdicts.reason == KEPT) & ~verdicts.split)), cut.filter(pc.equal(cut["reason"], KEPT))])
    whole_gone = _with_verdicts(whole_rows, verdicts).filter(pa.array((verdicts.reason != KEPT) & ~verdicts.split))
    gone = _sorted([whole_gone, cut.filter(pc.not_equal(cut["reason"], KEPT)).select(whole_gone.column_names)])
    passages = _passages(kept.drop_columns(["reason", "rule", "line"]), batch, verdicts, settings)
    return passages, _removed(gone, lines, batch, verdicts, rules), documents(passages, kept, gone, batch, texts, settings)


def _whole(annotated: pa.Table, line_decided: I32Array) -> pa.Table:
    """Annotated passages as rows: all text-derived columns, with the number of the passage, its first line and the decision on it."""
    n = len(annotated)
    first, last = (numbers(annotated[name]).astype(np.int64) for name in ("first_line", "last_line"))
    return (
        annotated.append_column("row", pa.array(np.arange(n, dtype=np.int64)))
        .append_column("parent_id", pa.nulls(n, pa.string()))
        .append_column("reason", pa.array(np.zeros(n, np.uint8)))
        .append_column("rule", pa.array(np.full(n, -1, np.int32)))
        .append_column("line", pa.array(first))
        .append_column("decided", pa.array(last_decided(line_decided, first, last)))
    )


def _with_verdicts(rows: pa.Table, verdicts: PartVerdicts) -> pa.Table:
    """Rows with reason and rule of each whole passage."""
    rows = rows.set_column(rows.schema.get_field_index("reason"), "reason", pa.array(verdicts.reason))
    return rows.set_column(rows.schema.get_field_index("rule"), "rule", pa.array(verdicts.rule))


def _fragments(batch: pa.Table, texts: Texts, annotated: pa.Table, lines: pa.Table, verdicts: PartVerdicts, settings: Settings) -> pa.Table:
    """Rows for the pieces of split passages: described anew, with their own ids and the parent's."""
    owner, first, last = kernel.fragments(
        np.flatnonzero(verdicts.split),
        numbers(annotated["first_line"]).astype(np.int64),
        numbers(annotated["last_line"]).astype(np.int64),
        verdicts.line_reason,
        verdicts.line_rule,
        verdicts.line_anchor,
    )
    start, end = numbers(lines["start"])[first], numbers(lines["end"])[last]
    reason = verdicts.line_reason[first]
    decided = last_decided(verdicts.line_decided, first, last)
    inherited = annotated.take(pa.array(owner))
    kind = numbers(inherited["kind"])
    described = describe(texts.chars, start, end, numbers(inherited["wrapped"]), kind, settings)
    doc = numbers(inherited["doc"])
    base = numbers(batch["char_base"])[doc] - texts.offsets[doc]
    line_base = numbers(batch["line_base"])[doc]
    ids = passage_ids(
        whole(batch["doc_id"]).take(pa.array(doc)).to_pylist(),
        (start + base).tolist(),
        (end + base).tolist(),
        described.columns["content_id"].to_pylist(),
    )
    fresh: dict[str, Any] = {
        **described.columns,
        "lang_letters": described.letters,
        "char_start": start + base,
        "char_end": end + base,
        "line_start": numbers(lines["number"])[first] + line_base,
        "line_end": numbers(lines["number"])[last] + line_base,
        "passage_id": pa.array(ids, pa.string()),
        "visible": utf8.count_visible(texts.chars, start, end),
        "row": owner,
        "parent_id": inherited["passage_id"],
        "reason": reason,
        "rule": verdicts.line_rule[first],
        "line": first,
        "decided": decided,
    }
    names = _whole(annotated.slice(0, 0), verdicts.line_decided[:0]).schema
    return pa.table([fresh[f.name] if f.name in fresh else inherited[f.name] for f in names], schema=names)


def _measured(cut: pa.Table, batch: pa.Table, part: Part) -> pa.Table:
    """Pieces with what the language model says of them, where there is one."""
    if part.measured is None or not len(cut):
        return cut
    docs = whole(batch["doc_id"]).take(whole(cut["doc"]))
    return replaced(cut, Judge.load(part.measured.parent).measure(cut, docs)).select(cut.column_names)


def _filtered(cut: pa.Table, actions: list[str], settings: Settings) -> pa.Table:
    """Pieces that nothing took so far, with the verdict of the filters. actions : of a reviewer's decisions, by number."""
    reason = numbers(cut["reason"])
    held = np.isin(numbers(cut["decided"]), [i for i, action in enumerate(actions) if action in (KEEP, KEEP_ONLY)])
    found = np.where((reason == KEPT) & ~held, filter_reasons(cut.select(FILTERED), settings), reason)
    return cut.set_column(cut.schema.get_field_index("reason"), "reason", pa.array(found.astype(np.uint8)))


def _sorted(tables: list[pa.Table]) -> pa.Table:
    """Rows by document and position. Each table is in that order already, so there is nothing to do where only one has rows."""
    filled = [table for table in tables if len(table)] or tables[:1]
    rows = pa.concat_tables(filled)
    if len(filled) > 1:
        rows = rows.take(pc.sort_indices(rows.select(["doc", "char_start"]), [("doc", "ascending"), ("char_start", "ascending")]))
    return rows.combine_chunks()


def _joined(rows: pa.Table, table: pa.Table, names: list[str]) -> dict[str, pa.Array]:
    """Columns of `table` (unique `row`) for each row, null where it has none."""
    where = pc.index_in(whole(rows["row"]), value_set=whole(table["row"]))
    return {name: whole(table[name]).take(where) for name in names}


def _constant(value: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), n)


def from_documents(rows: pa.Table, batch: pa.Table, names: list[str]) -> dict[str, pa.Array]:
    """Columns of the document batch for each row, by its number `doc`."""
    doc = whole(rows["doc"])
    return {name: whole(batch[name]).take(doc) for name in names}


def assemble(schema: pa.Schema, columns: dict[str, Any]) -> pa.Table:
    """Table of a published schema from columns by name, cast to its types."""
    arrays = [columns[f.name] if columns[f.name].type == f.type else columns[f.name].cast(f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


#: Columns that rows take over from the document batch as they are.
_CARRIED = ["source", "record", "locator", "doc_id", "collection"]
_META = ["source_sha256", "encoding", "title", "author", "publisher", "url", "published_at", "license"]


def _passages(rows: pa.Table, batch: pa.Table, verdicts: PartVerdicts, settings: Settings) -> pa.Table:
    """Rows of `passages`."""
    n = len(rows)
    doc = numbers(rows["doc"])
    starts = np.searchsorted(doc, doc, side="left")
    columns: dict[str, Any] = {
        **{name: whole(rows[name]) for name in rows.column_names},
        **from_documents(rows, batch, _CARRIED + _META),
        **_joined(rows, verdicts.named["kept"], ["cluster_id", "copies", "also_in"]),
        **_joined(rows, verdicts.named["family"], ["family_id"]),
        "ordinal": pa.array((np.arange(n) - starts + verdicts.ordinal_base[doc]).astype(np.int32)),
        "kind": pa.array(KINDS).take(whole(rows["kind"])),
        "layout": pa.array(LAYOUTS).take(whole(rows["layout"])),
        "reviewed": _by_number(verdicts.actions, numbers(rows["decided"])),
        "pipeline_version": _constant(VERSION, n),
        "settings_digest": _constant(settings.digest(), n),
    }
    columns["copies"] = columns["copies"].fill_null(0)
    columns["also_in"] = _empty_lists(columns["also_in"])
    return assemble(PASSAGES, columns)


def _by_number(values: list[str], number: I32Array) -> pa.Array:
    """Value by number for each row, null for -1."""
    return pa.array(values, pa.string()).take(pa.array(number, mask=number < 0))


def _empty_lists(lists: pa.ListArray) -> pa.ListArray:
    """The same lists with empty ones for null."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), lists.flatten())


def _removed(rows: pa.Table, lines: pa.Table, batch: pa.Table, verdicts: PartVerdicts, rules: RuleSet) -> pa.Table:
    """Rows of `removed`."""
    reason = numbers(rows["reason"])
    columns: dict[str, Any] = {
        **{name: whole(rows[name]) for name in rows.column_names},
        **from_documents(rows, batch, _CARRIED),
        "raw": pc.coalesce(whole(rows["raw"]), whole(rows["text"])),
        **_joined(rows, verdicts.named["removed"], ["kept_passage_id", "cluster_id", "similarity", "containment"]),
        **_joined(rows, verdicts.named["family"], ["family_id"]),
        "kind": pa.array(KINDS).take(whole(rows["kind"])),
        "layout": pa.array(LAYOUTS).take(whole(rows["layout"])),
        "stage": pa.array(STAGES).take(pa.array(reason)),
        "reason": pa.array(REASONS).take(pa.array(reason)),
        **_explained(rows, lines, verdicts, rules),
    }
    return assemble(REMOVED, columns)


#: Category, rule and evidence where every row of a reason says the same.
_SAME: dict[int, tuple[str | None, str | None, str]] = {
    EXTRACTION: (None, "main-content", "outside the main content of the page"),
    EXACT: (None, None, "equal normalized text"),
    BLOCK: (None, None, "inside a copied block or document; the kept twin stands at its place in the original"),
}


def _explained(rows: pa.Table, lines: pa.Table, verdicts: PartVerdicts, rules: RuleSet) -> dict[str, pa.Array]:
    """Columns category, rule and evidence. A sentence is made once where many rows say the same."""
    spread = _joined(rows, verdicts.named["spread"], ["twin_id", "similarity"])
    reason, rule = numbers(rows["reason"]), numbers(rows["rule"]).astype(np.int64)
    between = verdicts.line_support[numbers(rows["line"])] == SUPPORTS.index("smoothed")
    by_template = (reason == TEMPLATE) & spread["twin_id"].is_null().to_numpy(zero_copy_only=False) & ~between
    templates = zip(verdicts.template_categories, verdicts.template_names, verdicts.template_evidence, strict=True)
    sentences = [*(_SAME.get(number, (None, None, "")) for number in range(len(REASONS))), *templates]
    which = np.where(by_template, len(REASONS) + rule, reason.astype(np.int64))
    own = np.flatnonzero(~by_template & ~np.isin(reason, list(_SAME)))
    which[own] = len(sentences) + np.arange(len(own))
    sentences += _own_sentences(rows, spread, own, _judged(lines, verdicts, rules), verdicts)
    return {
        name: pa.array([sentence[i] for sentence in sentences], pa.string()).take(pa.array(which))
        for i, name in enumerate(("category", "rule", "evidence"))
    }


def _own_sentences(
    rows: pa.Table, spread: dict[str, pa.Array], own: I64Array, judged: LineVerdicts, verdicts: PartVerdicts
) -> list[tuple[str | None, str | None, str]]:
    """Category, rule and evidence of the rows that say something of their own."""
    say: dict[int, Callable[[dict[str, Any]], tuple[str | None, str | None, str]]] = {
        BOILERPLATE: lambda r: _by_rule(r, judged),
        TEMPLATE: lambda r: _by_template(r, verdicts),
        LANGUAGE: lambda r: (None, "language.keep", f"language {r['lang']} is not among language.keep"),
        QUALITY: lambda r: (None, "quality.minimum", f"quality {r['quality']:.2f} is below quality.minimum"),
        NEAR: lambda r: (None, None, _near(r)),
        REVIEWER: lambda r: (None, None, f"by a reviewer's decision on file{': ' + one_line(r['note'], 200) if r['note'] else ''}"),
    }
    near = _joined(rows, verdicts.named["removed"], ["similarity", "inside"])
    needed = pa.table(
        {
            **{name: rows[name] for name in ("reason", "rule", "line", "lang", "quality")},
            "note": _by_number(verdicts.notes, numbers(rows["decided"])),
            "twin": spread["twin_id"],
            "twin_similarity": spread["similarity"],
            "near": near["similarity"],
            "inside": near["inside"],
        }
    )
    return [say[r["reason"]](r) for r in needed.take(pa.array(own)).to_pylist()]


def _near(row: dict[str, Any]) -> str:
    if row["inside"]:
        return f"contained in the kept passage, whole and unchanged (exact Jaccard similarity {row['near']:.4f})"
    return f"exact Jaccard similarity {row['near']:.4f} with the kept passage"


def _judged(lines: pa.Table, verdicts: PartVerdicts, rules: RuleSet) -> LineVerdicts:
    """The verdicts of the rules again, as `judge` gave them, for their sentences."""
    none = np.empty(0, np.int64)
    return LineVerdicts(
        rules,
        numbers(lines["number"]),
        verdicts.line_rule,
        verdicts.line_support,
        verdicts.line_anchor.astype(np.int32),
        none.astype(np.int32),
        none,
        none.astype(np.int32),
        none.astype(np.bool_),
    )


def _by_rule(row: dict[str, Any], judged: LineVerdicts) -> tuple[str | None, str | None, str]:
    rule = judged.rules.rules[row["rule"]]
    if row["twin"] is not None:
        return rule.category, rule.id, f"near duplicate ({row['twin_similarity']:.2f}) of {row['twin']}, which the rule removed"
    return rule.category, rule.id, evidence(judged, row["line"])


def _by_template(row: dict[str, Any], verdicts: PartVerdicts) -> tuple[str | None, str | None, str]:
    category, name = verdicts.template_categories[row["rule"]], verdicts.template_names[row["rule"]]
    if row["twin"] is not None:
        return category, name, f"near duplicate ({row['twin_similarity']:.2f}) of {row['twin']}, which the template removed"
    return category, name, f"short line between lines that are boilerplate; beside it {verdicts.template_evidence[row['rule']]}"
