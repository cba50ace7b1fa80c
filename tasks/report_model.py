"""What the report shows, read from a published snapshot: a bounded choice of families, clusters, removals, rules and sources.

Choices are made over the stream of rows, so memory depends on the limits, not on the snapshot. Every choice keeps its total,
and every text is cut to `Limits.text` characters; the page says both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from tasks.report_texts import PLACE, Best, Copy, Limits, Row, Texts
from tasks.store.schemas import SOURCES, TEMPLATES
from tasks.summary import STATUSES, Tally, grouped, scan, visible_chars

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
LEAST_SIMILAR = [("similarity", "ascending"), ("source", "ascending"), ("record", "ascending"), ("char_start", "ascending")]
LARGEST = [("chars", "descending"), ("content_id", "ascending"), ("source", "ascending"), ("char_start", "ascending")]


@dataclass(frozen=True)
class Repeat:
    """A family or a cluster: the text once (in `first`: the exemplar or the kept passage), then its copies, least similar first."""

    id: str
    first: Copy
    copies: list[Copy]
    total: int
    sources: int
    chars: int
    verdict: str
    kind: str = ""
    category: str = ""
    span: str = ""
    why: str = ""
    scope: str = ""


@dataclass(frozen=True)
class Rule:
    """Everything removed for one reason by one rule, with the largest different examples."""

    reason: str
    category: str
    rule: str
    rows: int
    chars: int
    examples: list[Row]


def families(snapshot: Path, limits: Limits, texts: Texts) -> tuple[list[Row], dict[str, list[Row]], dict[str, list[Row]]]:
    """Families of most characters x documents; their exemplars' places and their occurrences, by family. Texts are asked for."""
    columns = [
        "family_id", "exemplar_text", "kind", "category", "verdict", "scope", "occurrence_count", "document_count", "collection_count", "char_count",
        "first_published_at", "last_published_at",
    ]  # fmt: skip
    best = Best("all", [("weight", "descending"), ("family_id", "ascending")], limits.families)
    for batch in scan(snapshot, "families", columns):
        table = pa.Table.from_batches([batch])
        weight = pc.multiply(table["char_count"].cast(pa.float64()), table["document_count"].cast(pa.float64()))
        best.add(table.append_column("weight", weight).append_column("all", pa.array([""] * len(table), pa.string())))
    chosen = sorted(best.rows(), key=lambda row: (-row["weight"], row["family_id"]))
    ids = [row["family_id"] for row in chosen]
    places = Best("family_id", LEAST_SIMILAR, limits.members + 1)
    for batch in scan(
        snapshot, "occurrences", ["family_id", *PLACE, "similarity", "verdict"], pc.field("family_id").isin(pa.array(ids, pa.string()))
    ):
        places.add(pa.Table.from_batches([batch]))
    exemplars = Best("family_id", [("source_a", "ascending"), ("char_start_a", "ascending")], 1)
    for batch in scan(
        snapshot,
        "blocks",
        ["family_id", *(f"{name}_a" for name in PLACE)],
        pc.field("family_id").isin(pa.array(ids, pa.string())) & (pc.field("kind") == "occurrence"),
    ):
        exemplars.add(pa.Table.from_batches([batch]))
    firsts = {row["family_id"]: [{name: row[f"{name}_a"] for name in PLACE}] for row in exemplars.rows()}
    for rows in (*places.groups().values(), *firsts.values()):
        for row in rows:
            texts.want(row)
    return chosen, firsts, places.groups()


def clusters(snapshot: Path, limits: Limits, texts: Texts) -> tuple[list[Row], dict[str, list[Row]]]:
    """Clusters of most removed characters x sources, and their members (the kept one first) by cluster. Texts are asked for."""
    spans = scan(snapshot, "clusters", ["cluster_id", "char_start", "char_end"], pc.field("role") == "removed")
    totals = grouped((_spans(batch) for batch in spans), ("cluster_id",))
    weight = pc.multiply(totals["rows"].cast(pa.float64()), totals["chars"].cast(pa.float64()))
    ranked = totals.append_column("weight", weight).sort_by([("weight", "descending"), ("cluster_id", "ascending")])
    likely = ranked.slice(0, 4 * limits.clusters)
    # Sources are counted for these only: a set of sources for each of millions of clusters would not be bounded.
    ids = likely["cluster_id"].to_pylist()
    seen: dict[str, set[str]] = defaultdict(set)
    members = Best("cluster_id", [("role", "ascending"), *LEAST_SIMILAR], limits.members + 1)
    columns = ["cluster_id", "passage_id", *PLACE, "role", "similarity", "kind"]
    for batch in scan(snapshot, "clusters", columns, pc.field("cluster_id").isin(pa.array(ids, pa.string()))):
        table = pa.Table.from_batches([batch])
        members.add(table)
        for row in table.group_by(["cluster_id", "source"], use_threads=False).aggregate([]).to_pylist():
            seen[row["cluster_id"]].add(row["source"])
    chosen = [{**row, "sources": len(seen[row["cluster_id"]])} for row in likely.to_pylist()]
    chosen = sorted(chosen, key=lambda row: (-row["chars"] * row["sources"], row["cluster_id"]))[: limits.clusters]
    groups = members.groups()
    rows = {row["cluster_id"]: groups[row["cluster_id"]] for row in chosen}
    for group in rows.values():
        for row in group:
            texts.want(row)
    return chosen, rows


def _spans(batch: pa.RecordBatch) -> pa.Table:
    chars = pc.subtract(batch["char_end"], batch["char_start"])
    return pa.table({"cluster_id": batch["cluster_id"], "rows": np.ones(batch.num_rows, np.int64), "chars": chars})


def removals(snapshot: Path, counts: Tally, limits: Limits, texts: Texts) -> list[Rule]:
    """What was removed, by reason and rule, most characters first, each with its largest different examples. Texts are asked for."""
    columns = ["reason", "rule", "content_id", "passage_id", *PLACE, "raw", "evidence", "kept_passage_id", "similarity", "containment"]
    best = Best("group", LARGEST, limits.examples, distinct="content_id")
    for batch in scan(snapshot, "removed", columns):
        table = pa.Table.from_batches([batch]).append_column("chars", pa.array(visible_chars(batch["raw"])))
        group = pc.binary_join_element_wise(pc.fill_null(batch["reason"], ""), pc.fill_null(batch["rule"], ""), "\n")
        best.add(table.append_column("group", group).drop_columns(["raw"]))
    examples = best.groups()
    rules = []
    for row in counts.by("removed", "reason", "category", "rule")[: limits.rules]:
        reason, category, rule = (row[key] or "" for key in ("reason", "category", "rule"))
        rows = examples.get(f"{reason}\n{rule}", [])
        for example in rows:
            texts.want(example)
        rules.append(Rule(reason, category, rule, row["rows"], row["chars"], rows))
    return rules


def lookup(snapshot: Path, table: str, key: str, ids: Iterable[str], columns: list[str]) -> dict[str, Row]:
    """Rows of a table by a key column that is unique, for the ids given."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = {}
    for batch in scan(snapshot, table, list(dict.fromkeys([key, *columns])), pc.field(key).isin(pa.array(wanted, pa.string()))):
        found.update({row[key]: row for row in batch.to_pylist()})
    return found


def estimates(snapshot: Path, members: dict[str, list[Row]]) -> dict[tuple[str, str], Row]:
    """Pair rows between a cluster's kept passage and its members, by (kept, member)."""
    wanted = {}
    for rows in members.values():
        for row in rows[1:]:
            wanted[frozenset((rows[0]["passage_id"], row["passage_id"]))] = (rows[0]["passage_id"], row["passage_id"])
    ids = sorted({one for pair in wanted for one in pair})
    found = {}
    where = pc.field("passage_a").isin(pa.array(ids, pa.string())) & pc.field("passage_b").isin(pa.array(ids, pa.string()))
    for batch in (
        scan(snapshot, "pairs", ["passage_a", "passage_b", "estimate", "kind", "similarity", "containment_a", "containment_b"], where)
        if ids
        else ()
    ):
        for row in batch.to_pylist():
            pair = wanted.get(frozenset((row["passage_a"], row["passage_b"])))
            if pair:
                found[pair] = row
    return found


def sides(pair: Row, other: str, similarity: float | None) -> tuple[float, float] | None:
    """Containment of the other passage in the kept one, and of the kept one in it; None where no pair says."""
    if pair.get("containment_a") is None:
        return (1.0, 1.0) if similarity == 1 else None
    a, b = pair["containment_a"], pair["containment_b"]
    return (a, b) if pair["passage_a"] == other else (b, a)


def templates(snapshot: Path, limits: Limits) -> list[Row]:
    """Rules and templates that fired, most characters first."""
    best = Best("all", [("char_count", "descending"), ("rule", "ascending"), ("collection", "ascending")], limits.rules)
    for batch in scan(snapshot, "templates", TEMPLATES.names):
        best.add(pa.Table.from_batches([batch]).append_column("all", pa.array([""] * batch.num_rows, pa.string())))
    return best.rows()


def sources(snapshot: Path, counts: Tally, limits: Limits) -> list[Row]:
    """Sources: those in trouble first, then those of most removed characters; each with `kept` and `removed` by reason."""
    removed = counts.removed.group_by("source", use_threads=False).aggregate([("chars", "sum")])
    best = Best("all", [("rank", "ascending"), ("lost", "descending"), ("source", "ascending")], limits.sources)
    rank = pa.array(["quarantined", "needs_review"])
    for batch in scan(snapshot, "sources", SOURCES.names):
        table = pa.Table.from_batches([batch])
        lost = pc.fill_null(removed["chars_sum"].combine_chunks().take(pc.index_in(batch["source"], removed["source"])), 0)
        table = table.append_column("rank", pc.fill_null(pc.index_in(batch["status"], rank), len(STATUSES))).append_column("lost", lost)
        best.add(table.append_column("all", pa.array([""] * batch.num_rows, pa.string())))
    rows = best.rows()
    names = pa.array([row["source"] for row in rows], pa.string())
    kept: Counter[str] = Counter()
    for row in counts.kept.filter(pc.is_in(counts.kept["source"], names)).to_pylist():
        kept[row["source"]] += row["chars"]
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for row in counts.removed.filter(pc.is_in(counts.removed["source"], names)).to_pylist():
        reasons[row["source"]][row["reason"] or ""] += row["chars"]
    return [{**row, "kept": kept[row["source"]], "removed": dict(reasons[row["source"]])} for row in rows]


def similarity_bins(snapshot: Path, bins: int = 25) -> list[tuple[float, int, int]]:
    """(lower edge, accepted pairs, other pairs) for `bins` bins from 0.5 to 1, and one more for exactly 1; without contained pairs."""
    counts = np.zeros((2, bins + 1), np.int64)
    for batch in scan(snapshot, "pairs", ["similarity", "accepted"], pc.field("kind") != "contained"):
        values = pc.fill_null(batch["similarity"], 0).to_numpy(zero_copy_only=False).astype(np.float64)
        at = np.clip(np.floor((values - 0.5) * 2 * bins + 1e-6), 0, bins - 1).astype(np.int64)
        at[values >= 1] = bins
        accepted = pc.fill_null(batch["accepted"], False).to_numpy(zero_copy_only=False)
        counts[0] += np.bincount(at[accepted], minlength=bins + 1)
        counts[1] += np.bincount(at[~accepted], minlength=bins + 1)
    return [(round(0.5 + i / (2 * bins), 4), int(counts[0, i]), int(counts[1, i])) for i in range(bins + 1)]


def why_kept(kept: Row, others: list[Row], priority: list[str]) -> str:
    """Why a passage represents its cluster: the first key of the order of documents that puts it before each copy.

    Rows have doc_id, collection, source, and published_at and char_count of their document (None where unknown).

    >>> why_kept({"doc_id": "1", "collection": "a", "source": "a/1"}, [{"doc_id": "1", "collection": "a", "source": "a/1"}], [])
    'it stands first in its document (1 copy)'
    """
    reasons = Counter(_comes_first(kept, other, priority) for other in others)
    words = [
        f"{reason} ({count:,} {'copy' if count == 1 else 'copies'})"
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "; ".join(words)


def _comes_first(kept: Row, other: Row, priority: list[str]) -> str:
    if kept["doc_id"] == other["doc_id"]:
        return "it stands first in its document"
    if kept["collection"] != other["collection"]:
        named = kept["collection"] in priority
        return "its collection comes first in input.priority" if named else "its collection comes first by name"
    dates = kept.get("published_at"), other.get("published_at")
    if other.get("char_count") is None:
        return "its document comes first by date, length or name"
    if dates[0] != dates[1]:
        return "its document is dated earlier" if None not in dates else "its document has a date"
    if kept.get("char_count") != other["char_count"]:
        return "its document is longer"
    return "its source comes first by name"
