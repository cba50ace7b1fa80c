"""Rows of passages, removed and documents, one part at a time: ids, order, ranges, slices, replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.utf8 import count_visible
from tasks.manifest import load
from tasks.settings import Settings
from tasks.store import ids
from tasks.store.schemas import TABLES
from tasks.store.tables import part_paths, read_file
from tasks.store.text import BoolArray, I64Array, Texts
from tasks.verify_problem import Problem, rows_problem
from tasks.verify_sums import Sums

#: Reasons that need a kept twin.
DUPLICATES = ("exact_duplicate", "near_duplicate", "duplicate_block")
REASONS = ("extraction", "boilerplate", "template", "language", "quality", *DUPLICATES, "reviewer")
ORDER = ("source", "record", "char_start")


def check_rows(snapshot: Path, settings: Settings) -> tuple[list[Problem], Sums]:
    """Problems of single rows and neighbours, and the sums that conservation and documents are checked against."""
    problems: list[Problem] = []
    sums = Sums()
    last: dict[str, pa.Table] = {}
    tables = {name: {path.name: path for path in part_paths(snapshot, name)} for name in ("passages", "removed", "documents")}
    tail = _Tail()
    for part in sorted(set().union(*tables.values())):
        loaded: dict[str, pa.Table] = {}
        for name, paths in tables.items():
            table = read_file(paths[part]) if part in paths else TABLES[name][0].empty_table()
            where = f"{name}/{part}"
            problems += _order(table, last.get(name), where)
            last[name] = table.slice(max(0, len(table) - 1)) if len(table) else last.get(name, table)
            loaded[name] = table
        problems += _part(loaded, part, sums, tail, settings)
    version, digest = load(snapshot)["pipeline_version"], settings.digest()
    return problems + sums.stamps(version, digest), sums


class _Tail:
    """What the last part leaves for the next one, because a giant document may go on there."""

    def __init__(self) -> None:
        self.doc, self.end = "", 0
        self.ordinal_doc, self.ordinal = "", -1


def _part(loaded: dict[str, pa.Table], part: str, sums: Sums, tail: _Tail, settings: Settings) -> list[Problem]:
    passages, removed = loaded["passages"], loaded["removed"]
    problems: list[Problem] = []
    raws = {"passages": pc.coalesce(passages["raw"], passages["text"]), "removed": removed["raw"]}
    visible: dict[str, I64Array] = {}
    for name in ("passages", "removed"):
        table, where = loaded[name], f"{name}/{part}"
        texts = Texts.from_arrow(raws[name])
        visible[name] = count_visible(texts.chars, texts.offsets[:-1], texts.offsets[1:])
        problems += _places(table, where)
        problems += _identities(table, where)
        problems += _slices(table, texts, raws[name], where)
        problems += _replayed(table, raws[name], where, settings)
    problems += _kept(passages, f"passages/{part}")
    problems += _removed(removed, f"removed/{part}")
    problems += _disjoint(passages, removed, part, tail)
    problems += _ordinals(passages, f"passages/{part}", tail)
    sums.add(loaded, visible)
    return problems


def column(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """A number column without nulls, as numpy."""
    return table[name].to_numpy()


def _order(table: pa.Table, before: pa.Table | None, where: str) -> list[Problem]:
    """Rows ascend by (source, record, char_start), over the files too; no place stands twice."""
    keys = [key for key in ORDER if key in table.column_names]
    both = pa.concat_tables([t.select(keys) for t in (before, table) if t is not None])
    if len(both) < 2:
        return []
    one, other = both.slice(0, len(both) - 1), both.slice(1)
    strict = keys[-1] == "char_start"
    # Documents have no char_start: pieces of a giant one share (source, record).
    ok = pc.less(one[keys[-1]], other[keys[-1]]) if strict else pc.less_equal(one[keys[-1]], other[keys[-1]])
    for key in reversed(keys[:-1]):
        ok = pc.or_(pc.less(one[key], other[key]), pc.and_(pc.equal(one[key], other[key]), ok))
    shift = 1 if before is None or not len(before) else 0
    return rows_problem(
        "order",
        where,
        np.r_[[False] * shift, ~ok.to_numpy()],
        f"rows ascending by {', '.join(keys)}",
        lambda i: f"not after the row before ({table['source'][i]})",
    )


def _places(table: pa.Table, where: str) -> list[Problem]:
    """Spans and lines are well-formed, and doc_id is the digest of source and record."""
    start, end = column(table, "char_start"), column(table, "char_end")
    first, last = column(table, "line_start"), column(table, "line_end")
    problems = rows_problem("span", where, (start < 0) | (start >= end), "0 <= char_start < char_end", lambda i: f"{start[i]}..{end[i]}")
    problems += rows_problem(
        "lines", where, (first < 1) | (first > last), "1 <= line_start <= line_end", lambda i: f"{first[i]}..{last[i]}"
    )
    docs = table.select(["source", "record", "doc_id"]).group_by(["source", "record", "doc_id"]).aggregate([])
    for source, record, doc in zip(*(docs[name].to_pylist() for name in ("source", "record", "doc_id")), strict=True):
        if ids.doc_id(source, record) != doc:
            problems.append(Problem("doc_id", f"{where} {source} record {record}", ids.doc_id(source, record), doc))
    return problems


def _identities(table: pa.Table, where: str) -> list[Problem]:
    """content_id is the digest of the text (where published), passage_id that of document, span and content."""
    contents = table["content_id"].to_pylist()
    problems: list[Problem] = []
    if "text" in table.column_names:
        made = ids.content_ids(table["text"].combine_chunks())
        problems += rows_problem(
            "content_id", where, _unequal(made, contents), "the digest of text", lambda i: f"{contents[i]}, digest {made[i]}"
        )
    given = table["passage_id"].to_pylist()
    again = ids.passage_ids(table["doc_id"].to_pylist(), column(table, "char_start").tolist(), column(table, "char_end").tolist(), contents)
    return problems + rows_problem(
        "passage_id",
        where,
        _unequal(again, given),
        "the digest of doc_id:char_start:char_end:content_id",
        lambda i: f"{given[i]}, digest {again[i]}",
    )


def _unequal(one: list[str], other: list[str]) -> BoolArray:
    return np.fromiter((a != b for a, b in zip(one, other, strict=True)), np.bool_, len(one))


def _slices(table: pa.Table, texts: Texts, raw: pa.ChunkedArray, where: str) -> list[Problem]:
    """The raw text is as long as its span; it is null in passages where it equals the text."""
    span = column(table, "char_end") - column(table, "char_start")
    lengths = texts.lengths
    problems = rows_problem("raw", where, pc.is_null(raw).to_numpy(), "the text as it stands in the source", lambda _: "null")
    problems += rows_problem(
        "raw_length",
        where,
        span != lengths,
        "as many characters as char_end - char_start",
        lambda i: f"{lengths[i]} characters over {span[i]}",
    )
    if "text" in table.column_names:
        same = pc.equal(table["raw"], table["text"]).fill_null(False)
        problems += rows_problem("raw", where, same, "null where raw equals text", lambda _: "raw equal to text")
    return problems


def _replayed(table: pa.Table, raw: pa.ChunkedArray, where: str, settings: Settings) -> list[Problem]:
    """Normalizing raw again gives the published text, and for removed rows the text that content_id names."""
    if not len(table):
        return []
    from tasks.replay import replay

    table = table.set_column(table.schema.get_field_index("raw"), table.schema.field("raw"), raw)
    again, given = ids.content_ids(replay(table, settings)), table["content_id"].to_pylist()
    bad = _unequal(again, given)
    if bad.any() and "edits" not in table.column_names:
        # `removed` does not say whether line breaks were joined, so either form will do.
        rows = np.flatnonzero(bad)
        unwrapped = ids.content_ids(replay(table.take(pa.array(rows)).append_column("edits", _unwrap(len(rows))), settings))
        bad[rows] = [one != given[row] for one, row in zip(unwrapped, rows.tolist(), strict=True)]
    return rows_problem(
        "replay", where, bad, "the text that normalizing raw gives", lambda i: f"content_id {given[i]}, replayed {again[i]}"
    )


def _unwrap(count: int) -> pa.Array:
    kind = TABLES["passages"][0].field("edits").type
    return pa.array([[{"name": "unwrap", "count": 1}]] * count, kind)


def _kept(table: pa.Table, where: str) -> list[Problem]:
    """Fields of kept rows that bound each other."""
    problems = []
    copies, named = column(table, "copies"), pc.list_value_length(table["also_in"]).fill_null(0).to_numpy()
    problems += rows_problem(
        "also_in", where, named != np.minimum(copies, 8), "min(copies, 8) places", lambda i: f"{named[i]} places, {copies[i]} copies"
    )
    length = pc.utf8_length(table["text"]).to_numpy()
    for name in ("lang_spans", "script_spans"):
        spans = table[name].combine_chunks()
        owner = pc.list_parent_indices(spans).to_numpy()
        flat = spans.flatten()
        start, end = flat.field("start").to_numpy(), flat.field("end").to_numpy()
        bad = np.zeros(len(table), np.bool_)
        bad[owner[(start < 0) | (start >= end) | (end > length[owner])]] = True
        problems += rows_problem(name, where, bad, "spans inside text", lambda i: f"spans beyond {length[i]} characters or empty")
    switches = table["lang_switches"].combine_chunks()
    at = switches.flatten().to_numpy()
    owner = pc.list_parent_indices(switches).to_numpy()
    bad = np.zeros(len(table), np.bool_)
    bad[owner[(at <= 0) | (at >= length[owner])]] = True
    problems += rows_problem("lang_switches", where, bad, "places inside text", lambda i: f"a place beyond {length[i]} characters")
    for name in ("quality", "lang_confidence"):
        value = column(table, name)
        problems += rows_problem("range", f"{where} {name}", ~((value >= 0) & (value <= 1)), "0 to 1", lambda i, v=value: f"{v[i]}")  # type: ignore[misc]
    return problems


def _removed(table: pa.Table, where: str) -> list[Problem]:
    """Reason, twin and similarity of removed rows go together."""
    reason = table["reason"]
    known = pc.is_in(reason, pa.array(REASONS)).to_numpy()
    duplicate = pc.is_in(reason, pa.array(DUPLICATES)).to_numpy()
    problems = rows_problem("reason", where, ~known, "a known reason", lambda i: f"{reason[i]}")
    for name in ("kept_passage_id", "similarity"):
        there = pc.is_valid(table[name]).to_numpy()
        problems += rows_problem(
            "twin", f"{where} {name}", there != duplicate, "a value where the reason is a duplicate, else null", lambda i: f"{reason[i]}"
        )
    ruled = pc.is_in(reason, pa.array(("boilerplate", "template"))).to_numpy()
    problems += rows_problem(
        "rule", where, ruled & pc.is_null(table["evidence"]).to_numpy(), "evidence of the rule", lambda i: f"{reason[i]} without"
    )
    return problems


def _disjoint(passages: pa.Table, removed: pa.Table, part: str, tail: _Tail) -> list[Problem]:
    """No character of a document stands in two rows."""
    keys = ["doc_id", "char_start", "char_end"]
    both = pa.concat_tables([passages.select(keys), removed.select(keys)])
    if not len(both):
        return []
    docs = pc.dictionary_encode(both["doc_id"].combine_chunks())
    code, names = docs.indices.to_numpy(), docs.dictionary
    start, end = column(both, "char_start"), column(both, "char_end")
    order = np.lexsort((start, code))
    code, start, end = code[order], start[order], end[order]
    bad = np.r_[False, (code[1:] == code[:-1]) & (start[1:] < end[:-1])]
    if tail.doc in names.to_pylist():
        here = np.flatnonzero(code == names.index(tail.doc).as_py())
        bad[here[0]] |= start[here[0]] < tail.end
    problems = rows_problem(
        "disjoint",
        f"passages+removed/{part}",
        bad,
        "each character in one row",
        lambda i: f"document {names[int(code[i])]} {start[i]}..{end[i]} overlaps the span before",
    )
    last = _last_doc(passages, removed)
    tail.doc, tail.end = last, int(end[code == names.index(last).as_py()].max())
    return problems


def _last_doc(passages: pa.Table, removed: pa.Table) -> str:
    """Document that the part ends with."""
    ends = [(t["source"][-1].as_py(), t["record"][-1].as_py(), t["doc_id"][-1].as_py()) for t in (passages, removed) if len(t)]
    return str(max(ends)[2])


def _ordinals(table: pa.Table, where: str, tail: _Tail) -> list[Problem]:
    """Kept passages of a document are numbered from 0 without gaps."""
    if not len(table):
        return []
    ordinal = column(table, "ordinal").astype(np.int64)
    docs = table["doc_id"].combine_chunks()
    same = np.r_[False, pc.equal(docs[1:], docs[:-1]).to_numpy(zero_copy_only=False)]
    expected = np.where(same, np.r_[np.int64(0), ordinal[:-1] + 1], 0)
    if docs[0].as_py() == tail.ordinal_doc:
        expected[0] = tail.ordinal + 1
    tail.ordinal_doc, tail.ordinal = docs[-1].as_py(), int(ordinal[-1])
    return rows_problem(
        "ordinal", where, ordinal != expected, "numbers from 0 within the document", lambda i: f"{ordinal[i]}, expected {expected[i]}"
    )
