"""What changed between two snapshots, passage by passage, each with its cause: from the published tables and manifests alone.

Data files that are the same in both are not read, so the work is in proportion to the change; what is read are columns of ids, places
and verdicts, never texts. A passage is the same one when its id is (document, span and text), else where its content stood before and
stands no more, in order. The cause is sought from the nearest to the farthest: a decision on the passage, its own source, the rule or
template that took it or let it go, the source or decision behind its twin, and then what else differs between the two runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset as ds

from tasks.store.schemas import PASSAGES, REMOVED, SOURCES, TABLES
from tasks.store.text import BoolArray
from tasks.summary import manifest_of

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly

CAUSES = ("decision", "input added", "input edited", "input deleted", "rule", "template", "setting", "code", "packages", "input", "unknown")
KINDS = ("added", "gone", "kept again", "removed now", "reason", "twin", "moved")
_PLACE = ["passage_id", "content_id", "source", "record", "char_start", "char_end", "line_start", "line_end"]
_SAID = ["verdict", "reason", "rule", "kept_passage_id", "reviewed"]
_COLUMNS = [*_PLACE, *_SAID]
#: Factors of a run, as causes of last resort, from the likeliest to change a verdict everywhere.
_FARTHEST = ("setting", "code", "packages", "rule", "decision", "input")


@dataclass(frozen=True)
class Diff:
    """before, after : snapshot ids. factors : what differs between the runs, by cause, a line each for a person.

    sources : names by state (added, edited, deleted). changes : a row a passage, by source and place, with `kind` and `cause`, and
    each column of its row before (`_a`) and after (`_b`).
    """

    before: str
    after: str
    factors: dict[str, list[str]]
    sources: dict[str, pa.Array]
    changes: pa.Table

    def counts(self) -> dict[str, dict[str, int]]:
        """Changed passages by cause and kind."""
        found: dict[str, dict[str, int]] = {}
        grouped = self.changes.group_by(["cause", "kind"], use_threads=False).aggregate([([], "count_all")])
        for row in sorted(grouped.to_pylist(), key=lambda row: (CAUSES.index(row["cause"]), KINDS.index(row["kind"]))):
            found.setdefault(row["cause"], {})[row["kind"]] = row["count_all"]
        return found


def compare(before: Path, after: Path) -> Diff:
    """What changed from one snapshot to another. Raises UsageError where a folder is no snapshot, StorageError where one cannot be read."""
    old, new = manifest_of(before), manifest_of(after)
    sources = _source_states(before, after)
    factors = factors_of(old, new, sources)
    a, b = (_verdicts(snapshot, _differing(mine, other)) for snapshot, mine, other in ((before, old, new), (after, new, old)))
    joined = _joined(a, b)
    joined = joined.append_column("kind", pa.array(KINDS).take(pa.array(_kinds(joined))))
    changes = joined.filter(pa.array(_changed(joined)))
    causes = _causes(changes, sources, set(factors), {"a": a, "b": b})
    changes = changes.append_column("cause", pa.array(CAUSES).take(pa.array(causes)))
    return Diff(str(old["snapshot_id"]), str(new["snapshot_id"]), factors, sources, _in_order(changes))


def factors_of(old: dict[str, Any], new: dict[str, Any], sources: dict[str, pa.Array]) -> dict[str, list[str]]:
    """What differs between two runs, by cause, a line each."""
    found: dict[str, list[str]] = {}
    one, other = (dict(_flat(manifest.get("settings") or {})) for manifest in (old, new))
    settings = [
        f"{key}: {one.get(key)!r} -> {other.get(key)!r}" for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)
    ]
    found["setting"] = settings
    inputs = [f"{len(names):,} sources {state}" for state, names in sources.items() if len(names)]
    found["input"] = inputs
    mine, theirs = old.get("made_by") or {}, new.get("made_by") or {}
    for cause, key in (("rule", "rules"), ("decision", "decisions"), ("code", "code"), ("packages", "packages")):
        if mine.get(key) != theirs.get(key):
            found[cause] = [f"{key}: {str(mine.get(key) or 'none')[:12]} -> {str(theirs.get(key) or 'none')[:12]}"]
    if old.get("pipeline_version") != new.get("pipeline_version"):
        found["code"] = [f"version: {old.get('pipeline_version')} -> {new.get('pipeline_version')}"]
    return {cause: lines for cause, lines in found.items() if lines}


def _flat(values: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for key, value in values.items():
        out += _flat(value, f"{above}{key}.") if isinstance(value, dict) else [(above + key, value)]
    return out


def _source_states(before: Path, after: Path) -> dict[str, pa.Array]:
    """Names of sources that are new, changed or gone."""
    columns = ["source", "sha256", "status"]
    old, new = (_read(sorted((snapshot / "sources").glob("*.parquet")), SOURCES, columns) for snapshot in (before, after))
    both = old.join(new, "source", join_type="full outer", left_suffix="_a", right_suffix="_b", use_threads=False)
    one, other = both["sha256_a"].fill_null(""), both["sha256_b"].fill_null("")
    here, there = pc.is_valid(both["status_a"]), pc.is_valid(both["status_b"])
    states = {
        "added": pc.and_(pc.invert(here), there),
        "edited": pc.and_(pc.and_(here, there), pc.not_equal(one, other)),
        "deleted": pc.and_(here, pc.invert(there)),
    }
    return {state: both["source"].filter(mask).combine_chunks().sort() for state, mask in states.items()}


def _differing(manifest: dict[str, Any], other: dict[str, Any]) -> dict[str, list[str]]:
    """Files of `passages` and `removed` that the other snapshot does not hold byte for byte."""
    standing = {entry["sha256"] for table in other["tables"].values() for entry in table["files"]}
    return {
        name: [entry["path"] for entry in manifest["tables"].get(name, {"files": []})["files"] if entry["sha256"] not in standing]
        for name in ("passages", "removed")
    }


def _read(files: list[Path], schema: pa.Schema, columns: list[str]) -> pa.Table:
    """Columns of data files; those that an older snapshot lacks are null."""
    if not files:
        return schema.empty_table().select(columns)
    return ds.dataset([str(path) for path in files], schema=schema, format="parquet").to_table(columns=columns, use_threads=False)


def _verdicts(snapshot: Path, files: dict[str, list[str]]) -> pa.Table:
    """A row a span: id, place and what was decided."""
    tables = []
    for name, verdict in (("passages", "kept"), ("removed", "removed")):
        schema = TABLES[name][0]
        table = _read([snapshot / path for path in files[name]], schema, [column for column in _COLUMNS if column in schema.names])
        table = table.append_column("verdict", pa.repeat(pa.scalar(verdict), len(table)))
        missing = [column for column in _COLUMNS if column not in table.column_names]
        for column in missing:
            table = table.append_column(
                column, pa.nulls(len(table), (PASSAGES if column in PASSAGES.names else REMOVED).field(column).type)
            )
        tables.append(table.select(_COLUMNS))
    return pa.concat_tables([table.replace_schema_metadata(None) for table in tables], promote_options="permissive").combine_chunks()


def _joined(a: pa.Table, b: pa.Table) -> pa.Table:
    """A row a passage, its columns before with `_a` and after with `_b`: joined by id, then what is left by content, in order."""
    same = pc.is_in(a["passage_id"], value_set=b["passage_id"])
    a_left, b_left = a.filter(pc.invert(same)), b.filter(pc.invert(pc.is_in(b["passage_id"], value_set=a["passage_id"])))
    pieces = [_outer(a.filter(same), b, "passage_id", "left outer")]
    pieces.append(_outer(_ranked(a_left), _ranked(b_left), "key", "full outer"))
    return pa.concat_tables(pieces).combine_chunks()


def _ranked(rows: pa.Table) -> pa.Table:
    """Rows with a key of their content and how many of it came before."""
    rows = rows.sort_by(
        [("content_id", "ascending"), ("source", "ascending"), ("record", "ascending"), ("char_start", "ascending")]
    ).combine_chunks()
    content = rows["content_id"].combine_chunks()
    new = np.ones(len(rows), np.bool_)
    if len(rows) > 1:
        new[1:] = pc.not_equal(content[1:], content[:-1]).to_numpy(zero_copy_only=False)
    at = np.arange(len(rows))
    rank = at - np.maximum.accumulate(np.where(new, at, 0)) if len(rows) else at
    return rows.append_column("key", pc.binary_join_element_wise(content, pa.array(rank).cast(pa.string()), "-"))


def _outer(a: pa.Table, b: pa.Table, key: str, how: str) -> pa.Table:
    left = a.rename_columns([f"{name}_a" for name in a.column_names])
    right = b.rename_columns([f"{name}_b" for name in b.column_names])
    if key == "passage_id":  # the join keeps one of the keys only
        right = right.append_column("match", right["passage_id_b"])
        left = left.append_column("match", left["passage_id_a"])
    else:
        left, right = (
            t.rename_columns(["match" if name in ("key_a", "key_b") else name for name in t.column_names]) for t in (left, right)
        )
    joined = left.join(right, "match", join_type=how, use_threads=False)
    return joined.select([f"{name}_{side}" for side in "ab" for name in _COLUMNS])


def _unequal(rows: pa.Table, name: str) -> BoolArray:
    one, other = (rows[f"{name}_{side}"] for side in "ab")
    if pa.types.is_string(one.type):
        one, other = one.fill_null(""), other.fill_null("")
    else:
        one, other = one.fill_null(-1), other.fill_null(-1)
    return pc.not_equal(one, other).to_numpy()


def _is(rows: pa.Table, column: str, *values: str) -> BoolArray:
    return pc.fill_null(pc.is_in(rows[column], value_set=pa.array(values)), False).to_numpy()


def _kinds(rows: pa.Table) -> npt.NDArray[np.int8]:
    """Kind of each row, into KINDS; `moved` for whatever else (rows where nothing changed among them)."""
    here, there = pc.is_valid(rows["passage_id_a"]).to_numpy(), pc.is_valid(rows["passage_id_b"]).to_numpy()
    kept_a, kept_b = _is(rows, "verdict_a", "kept"), _is(rows, "verdict_b", "kept")
    tests = [
        ~here, ~there, ~kept_a & kept_b, kept_a & ~kept_b, _unequal(rows, "reason") | _unequal(rows, "rule") | _unequal(rows, "reviewed"),
        _unequal(rows, "kept_passage_id"),
    ]  # fmt: skip
    return np.select(tests, list(range(len(tests))), KINDS.index("moved")).astype(np.int8)


def _changed(rows: pa.Table) -> BoolArray:
    return _unequal(rows, "passage_id") | ~_is(rows, "kind", "moved")


def _causes(rows: pa.Table, sources: dict[str, pa.Array], factors: set[str], sides: dict[str, pa.Table]) -> npt.NDArray[np.int8]:
    """Cause of each row, into CAUSES; see the head of this module for the order."""
    found = np.full(len(rows), -1, np.int8)

    def assign(mask: BoolArray, cause: str) -> None:
        found[(found < 0) & mask] = CAUSES.index(cause)

    if "decision" in factors:
        assign(
            _unequal(rows, "reviewed")
            | (_unequal(rows, "reason") & (_is(rows, "reason_a", "reviewer") | _is(rows, "reason_b", "reviewer"))),
            "decision",
        )
    for side, state in (("b", "added"), ("a", "deleted"), ("b", "edited"), ("a", "edited")):
        lone = ~_is(rows, "kind", "reason", "twin", "kept again", "removed now")
        assign(lone & pc.fill_null(pc.is_in(rows[f"source_{side}"], value_set=sources[state]), False).to_numpy(), f"input {state}")
    if len(factors) == 1:
        (only,) = factors
        if only != "input":
            assign(np.ones(len(rows), np.bool_), only)
    ruled = _unequal(rows, "rule")
    for reason, cause in (("boilerplate", "rule"), ("template", "template")):
        if cause == "template" or "rule" in factors:
            assign(ruled & (_is(rows, "reason_a", reason) | _is(rows, "reason_b", reason)), cause)
    if "setting" in factors:
        assign(
            _unequal(rows, "reason") & (_is(rows, "reason_a", "language", "quality") | _is(rows, "reason_b", "language", "quality")),
            "setting",
        )
    _by_twin(rows, sources, sides, assign)
    for cause in _FARTHEST:
        if cause in factors:
            assign(np.ones(len(rows), np.bool_), cause)
    assign(np.ones(len(rows), np.bool_), "unknown")
    return found


def _by_twin(rows: pa.Table, sources: dict[str, pa.Array], sides: dict[str, pa.Table], assign: Any) -> None:
    """Causes that lie with the kept twin, before or after: its source came, went or was edited, or a decision holds it."""
    for side, states in (("b", ("added", "edited")), ("a", ("deleted", "edited"))):
        wanted = rows[f"kept_passage_id_{side}"]
        at = pc.index_in(wanted, value_set=sides[side]["passage_id"])
        source, decided = (
            sides[side][name].take(at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at) for name in ("source", "reviewed")
        )
        if side == "b":
            assign(pc.is_valid(decided).to_numpy(zero_copy_only=False), "decision")
        for state in states:
            assign(pc.fill_null(pc.is_in(source, value_set=sources[state]), False).to_numpy(), f"input {state}")


def _in_order(rows: pa.Table) -> pa.Table:
    """By source and place, after where there is one, else before."""
    keys = ("source", "record", "char_start")
    order = pa.table(
        {name: pc.coalesce(rows[f"{name}_b"], rows[f"{name}_a"]) for name in keys}
        | {"id": pc.coalesce(rows["passage_id_b"], rows["passage_id_a"])}
    )
    return rows.take(pc.sort_indices(order, [(name, "ascending") for name in (*keys, "id")])).combine_chunks()
