"""What rows say of each other: unique ids, kept twins with exact similarity, clusters, pairs, families."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.settings import Settings
from tasks.store.tables import part_paths, read_file, read_table
from tasks.store.text import BoolArray, F32Array, I32Array, Texts
from tasks.verify_problem import Problem, rows_problem

#: Published similarities are float32 rounded to 4 digits.
SIMILARITY_TOLERANCE = 1.01e-4
#: Parts of `passages` whose texts are kept at hand while twins are looked up.
_PARTS_HELD = 8
NEAR, EXACT = "near_duplicate", "exact_duplicate"


def _saying(say: Callable[..., str], *bound: Any) -> Callable[[int], str]:
    """A sentence about row i, with the values of this turn of the loop."""
    return lambda i: say(i, *bound)


def check_links(snapshot: Path, settings: Settings) -> list[Problem]:
    """All references between tables, and every duplicate removal against its kept twin."""
    kept = _numbered(snapshot)
    removed = read_table(
        snapshot,
        "removed",
        ["passage_id", "content_id", "parent_id", "reason", "kept_passage_id", "similarity", "containment", "cluster_id", "family_id"],
    )
    problems = _unique(kept, removed)
    twins = removed.filter(pc.is_valid(removed["kept_passage_id"]))
    problems += _twins(kept, twins)
    problems += _clusters(snapshot, kept, twins)
    problems += _pairs(snapshot, kept, removed, settings)
    problems += _families(snapshot, kept, removed)
    if not problems:  # texts are looked up by ids that must be sound
        problems += _similarities(snapshot, kept, settings)
    return problems


def _numbered(snapshot: Path) -> pa.Table:
    """Ids of the kept passages, with the number of the file that holds each."""
    columns = ["passage_id", "content_id", "parent_id", "cluster_id", "family_id", "copies"]
    tables = [read_table(snapshot, "passages", columns).slice(0, 0).append_column("part", pa.array([], pa.int32()))]
    for number, path in enumerate(part_paths(snapshot, "passages")):
        table = read_file(path, columns)
        tables.append(table.append_column("part", pa.array(np.full(len(table), number, np.int32))))
    return pa.concat_tables(tables).combine_chunks()


def _in(values: pa.ChunkedArray, known: pa.ChunkedArray) -> BoolArray:
    """Whether each value is null or among `known`."""
    found: BoolArray = pc.or_(pc.is_null(values), pc.is_in(values, value_set=known.combine_chunks())).to_numpy()
    return found


def _lookup(keys: pa.ChunkedArray, table: pa.Table, key: str, column: str) -> pa.Array:
    """Value of `column` where `key` equals each of `keys`; null where there is none."""
    at = pc.index_in(keys, value_set=table[key].combine_chunks())
    return table[column].combine_chunks().take(at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at)


def _unique(kept: pa.Table, removed: pa.Table) -> list[Problem]:
    """No passage_id stands twice in passages and removed."""
    every = pa.chunked_array([*kept["passage_id"].chunks, *removed["passage_id"].chunks], pa.string())
    counts = pc.value_counts(every)
    twice = counts.filter(pc.greater(counts.field("counts"), 1)) if len(counts) else counts
    return [
        Problem("unique", f"passage {row['values']}", "one row in passages or removed", f"{row['counts']} rows")
        for row in twice[:5].to_pylist()
    ]


def _twins(kept: pa.Table, twins: pa.Table) -> list[Problem]:
    """A removed duplicate names a kept passage; `copies` counts who names it; exact ones have the same content."""
    named, ids = twins["kept_passage_id"], twins["passage_id"]
    problems = rows_problem(
        "twin",
        "removed duplicates",
        ~_in(named, kept["passage_id"]),
        "a kept passage",
        lambda i: f"{ids[i]} names {named[i]}, which is not kept",
    )
    counts = pc.value_counts(named) if len(named) else None
    found = np.zeros(len(kept), np.int64)
    if counts is not None:
        at = pc.index_in(counts.field("values"), value_set=kept["passage_id"].combine_chunks())
        there = at.is_valid().to_numpy(zero_copy_only=False)
        found[at.filter(at.is_valid()).to_numpy(zero_copy_only=False)] = counts.field("counts").to_numpy()[there]
    copies = kept["copies"].to_numpy()
    problems += rows_problem(
        "copies",
        "passages",
        copies != found,
        "how many removed rows name the passage",
        lambda i: f"{kept['passage_id'][i]}: {copies[i]}, named by {found[i]}",
    )
    same = pc.equal(_lookup(named, kept, "passage_id", "content_id"), twins["content_id"].combine_chunks()).fill_null(True)
    wrong = pc.and_(pc.equal(twins["reason"].combine_chunks(), EXACT), pc.invert(same))
    return problems + rows_problem(
        "twin", "removed duplicates", wrong, "the content_id of the kept twin (exact_duplicate)", lambda i: f"{ids[i]} has another"
    )


def _clusters(snapshot: Path, kept: pa.Table, twins: pa.Table) -> list[Problem]:
    """Exactly one kept member each; members and rows name each other; the others' twin is that member."""
    members = read_table(snapshot, "clusters", ["cluster_id", "passage_id", "content_id", "role", "similarity", "containment"])
    is_kept = pc.equal(members["role"], "kept").to_numpy()
    grouped = pa.table({"id": members["cluster_id"], "kept": is_kept.astype(np.int64)}).group_by("id").aggregate([("kept", "sum")])
    names, kept_count = grouped["id"], grouped["kept_sum"].to_numpy()
    problems = rows_problem("cluster", "clusters", kept_count != 1, "one kept member", lambda i: f"{names[i]} has {kept_count[i]}")
    centres, others = members.filter(pa.array(is_kept)), members.filter(pa.array(~is_kept))
    for rows, table, name in ((centres, kept, "passages"), (others, twins, "removed")):
        where = f"clusters, members in {name}"
        own = _lookup(rows["passage_id"], table, "passage_id", "cluster_id")
        wrong = pc.not_equal(own, rows["cluster_id"].combine_chunks())
        problems += rows_problem(
            "cluster",
            where,
            wrong,
            f"a row of {name} with the same cluster_id",
            _saying(lambda i, r, o: f"{r['passage_id'][i]} has {o[i]}", rows, own),
        )
        back = pc.and_(
            pc.is_valid(table["cluster_id"]), pc.invert(pc.is_in(table["passage_id"], value_set=rows["passage_id"].combine_chunks()))
        )
        problems += rows_problem("cluster", name, back, "a member row in clusters", lambda i, t=table: f"{t['passage_id'][i]} is in none")  # type: ignore[misc]
    twin = _lookup(others["passage_id"], twins, "passage_id", "kept_passage_id")
    centre = _lookup(others["cluster_id"], centres, "cluster_id", "passage_id")
    problems += rows_problem(
        "cluster",
        "clusters",
        pc.not_equal(twin, centre),
        "the kept member as kept_passage_id",
        lambda i: f"{others['passage_id'][i]} names {twin[i]}",
    )
    for name in ("similarity", "containment"):
        stated = _lookup(others["passage_id"], twins, "passage_id", name)
        differs = pc.not_equal(pc.fill_null(stated, -1), pc.fill_null(others[name].combine_chunks(), -1))
        problems += rows_problem(
            "cluster",
            "clusters",
            differs,
            f"the {name} in removed",
            _saying(lambda i, s, n: f"{others['passage_id'][i]}: {others[n][i]}, {s[i]}", stated, name),
        )
    near = pc.is_in(twins["reason"], value_set=pa.array([NEAR, EXACT]))
    alone = pc.and_(near, pc.is_null(twins["cluster_id"]))
    return problems + rows_problem("cluster", "removed duplicates", alone, "a cluster_id", lambda i: f"{twins['passage_id'][i]} has none")


def _pairs(snapshot: Path, kept: pa.Table, removed: pa.Table, settings: Settings) -> list[Problem]:
    """a before b in reading order, both known (a passage that was cut lives on as a parent), each at or over a threshold."""
    columns = ["passage_a", "passage_b", "source_a", "source_b", "record_a", "record_b", "char_start_a", "char_start_b"]
    known = pa.chunked_array([c for t in (kept, removed) for name in ("passage_id", "parent_id") for c in t[name].chunks], pa.string())
    problems: list[Problem] = []
    for path in part_paths(snapshot, "pairs"):
        table = read_file(path, [*columns, "similarity", "containment_a", "containment_b"])
        where = f"pairs/{path.name}"
        before = pc.less(table["char_start_a"], table["char_start_b"])
        for key in ("record", "source"):
            one, other = table[f"{key}_a"], table[f"{key}_b"]
            before = pc.or_(pc.less(one, other), pc.and_(pc.equal(one, other), before))
        problems += rows_problem("pair", where, pc.invert(before), "a before b by (source, record, char_start)", lambda _: "b first")
        for side in ("passage_a", "passage_b"):
            ids = table[side]
            problems += rows_problem("pair", f"{where} {side}", ~_in(ids, known), "a passage of the snapshot", lambda i, c=ids: f"{c[i]}")  # type: ignore[misc]
        best = np.maximum(table["containment_a"].to_numpy(), table["containment_b"].to_numpy())
        similarity = table["similarity"].to_numpy()
        matching = settings.matching
        low = (similarity < matching.report_threshold - SIMILARITY_TOLERANCE) & (
            best < matching.containment_threshold - SIMILARITY_TOLERANCE
        )
        bad = low | ~((similarity >= 0) & (similarity <= 1) & (best <= 1))
        ends = list(zip(similarity.tolist(), best.tolist(), strict=True))
        problems += rows_problem("pair", where, bad, "similarity or containment from its threshold to 1", lambda i, e=ends: f"{e[i]}")  # type: ignore[misc]
    return problems


def _families(snapshot: Path, kept: pa.Table, removed: pa.Table) -> list[Problem]:
    """Occurrences, blocks, passages and removed rows name families that exist; the counts are those of the occurrences."""
    families = read_table(snapshot, "families", ["family_id", "occurrence_count", "document_count"])
    occurrences = read_table(snapshot, "occurrences", ["family_id", "doc_id"])
    blocks = read_table(snapshot, "blocks", ["family_id"])
    problems = []
    for name, table in (("occurrences", occurrences), ("blocks", blocks), ("passages", kept), ("removed", removed)):
        ids = table["family_id"]
        bad = ~_in(ids, families["family_id"])
        problems += rows_problem("family", name, bad, "a row in families", lambda i, c=ids: f"{c[i]} is in none")  # type: ignore[misc]
    counted = occurrences.group_by("family_id").aggregate([("doc_id", "count"), ("doc_id", "count_distinct")])
    for stated, found in (("occurrence_count", "doc_id_count"), ("document_count", "doc_id_count_distinct")):
        number = _lookup(families["family_id"], counted, "family_id", found)
        wrong = pc.not_equal(number, families[stated].combine_chunks())
        problems += rows_problem(
            "family",
            f"families {stated}",
            wrong,
            "the number in occurrences",
            _saying(lambda i, n, s: f"{families[s][i]}, counted {n[i]}", number, stated),
        )
    return problems


def _similarities(snapshot: Path, kept: pa.Table, settings: Settings) -> list[Problem]:
    """What each removed duplicate states of its twin is exact, and a near one is at the remove threshold or stands whole in its twin."""
    from tasks.replay import clean

    fetch = _Twins(snapshot, kept)
    problems: list[Problem] = []
    for where, rows in _duplicates(snapshot):
        twins = fetch.of(rows["kept_passage_id"])
        problems += _compare(where, rows, clean(rows, settings), clean(twins, settings), settings)
    return problems


def _compare(where: str, rows: pa.Table, own: Texts, twins: Texts, settings: Settings) -> list[Problem]:
    from tasks.exact import common_shingles

    ids = rows["passage_id"]
    left, right, common = common_shingles(own, twins, settings.matching)
    exact = _share(common, left + right - common)
    near = pc.equal(rows["reason"], NEAR).to_numpy()
    problems: list[Problem] = []
    for name, found, must in (("similarity", exact, np.ones(len(rows), np.bool_)), ("containment", _share(common, left), near)):
        stated = pc.fill_null(rows[name], -1).to_numpy()
        wrong = np.where(must, np.abs(found - stated) > SIMILARITY_TOLERANCE, stated >= 0)
        expected = f"the exact {name} with the kept twin" + ("" if name == "similarity" else ", for near duplicates only")
        problems += rows_problem(
            "similarity", where, wrong, expected, _saying(lambda i, s, e: f"{ids[i]}: {s[i]}, exact {e[i]}", stated, found)
        )
    threshold = settings.matching.remove_threshold
    low = np.flatnonzero(near & (exact < threshold - SIMILARITY_TOLERANCE))
    outside = np.zeros(len(rows), np.bool_)
    outside[low[~_stands_in(own, twins, low, settings)]] = True
    return problems + rows_problem(
        "similarity", where, outside, f"at least {threshold}, or the whole fold inside the twin's", lambda i: f"{ids[i]}: exact {exact[i]}"
    )


def _share(part: I32Array, whole: I32Array) -> F32Array:
    """Part over whole, rounded as published; 1 of nothing."""
    return np.round(np.where(whole > 0, part / np.maximum(whole, 1), 1.0), 4).astype(np.float32)


def _stands_in(own: Texts, twins: Texts, rows: npt.NDArray[np.int64], settings: Settings) -> BoolArray:
    """(rows,) bool: these passages stand whole and unchanged inside their twins."""
    from tasks.align import whole_in

    a, b = (texts.take_spans(texts.offsets[rows], texts.offsets[rows + 1]) for texts in (own, twins))
    return whole_in(a, b, settings.matching)


def _duplicates(snapshot: Path) -> Iterator[tuple[str, pa.Table]]:
    for path in part_paths(snapshot, "removed"):
        rows = read_file(path)
        rows = rows.filter(pc.is_valid(rows["kept_passage_id"]))
        if len(rows):
            yield f"removed/{path.name}", rows.combine_chunks()


class _Twins:
    """Kept passages by id; a few files' worth are held at a time."""

    def __init__(self, snapshot: Path, kept: pa.Table) -> None:
        self.paths = part_paths(snapshot, "passages")
        self.kept = kept
        self.held: OrderedDict[int, pa.Table] = OrderedDict()

    def of(self, ids: pa.ChunkedArray) -> pa.Table:
        """What replaying needs of each id, in order; every id must exist."""
        parts = _lookup(ids, self.kept, "passage_id", "part").to_numpy()
        pieces, rows = [], []
        for number in np.unique(parts):
            at = np.flatnonzero(parts == number)
            table = self._part(int(number))
            where = pc.index_in(ids.take(pa.array(at)), value_set=table["passage_id"].combine_chunks())
            pieces.append(table.take(where))
            rows.append(at)
        order = np.argsort(np.concatenate(rows), kind="stable")
        return pa.concat_tables(pieces).take(pa.array(order)).combine_chunks()

    def _part(self, number: int) -> pa.Table:
        if number not in self.held:
            self.held[number] = read_file(self.paths[number], ["passage_id", "text", "raw", "kind", "edits"])
            if len(self.held) > _PARTS_HELD:
                self.held.popitem(last=False)
        self.held.move_to_end(number)
        return self.held[number]
