"""One short row for every family and cluster: what the report's list shows, sorts and searches, in columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset as ds

from tasks.report_texts import Best, Limits, Row, lang_of
from tasks.summary import scan, visible

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
#: Code points of a text in the list, and sources named for a search by source.
SNIPPET, NAMED = 110, 6
COLUMNS = ("id", "list", "text", "lang", "places", "sources", "chars", "sim", "verdict", "category", "kind", "reason", "names")


def listing(snapshot: Path, limits: Limits) -> list[Row]:
    """Rows (keys: COLUMNS) of up to `limits.listed` families and as many clusters, most characters x sources first.

    list : "f" or "c". sim : the least similarity of a copy. names : some of its sources. reason, kind : joined by a space.
    """
    found = [*_families(snapshot, limits.listed), *_clusters(snapshot, limits.listed)]
    return sorted(found, key=lambda row: (-row["chars"] * row["sources"], row["list"], row["id"]))


def _families(snapshot: Path, limit: int) -> list[Row]:
    columns = ["family_id", "exemplar_text", "category", "verdict", "scope", "occurrence_count", "document_count", "char_count"]
    best = Best("all", [("weight", "descending"), ("family_id", "ascending")], limit)
    for batch in scan(snapshot, "families", columns):
        table = pa.Table.from_batches([batch])
        weight = pc.multiply(table["char_count"].cast(pa.float64()), table["document_count"].cast(pa.float64()))
        short = pc.utf8_slice_codeunits(table["exemplar_text"], 0, 2 * SNIPPET)
        table = table.set_column(1, "exemplar_text", short).append_column("weight", weight)
        best.add(table.append_column("all", pa.array([""] * len(table), pa.string())))
    rows = best.rows()
    ids = [row["family_id"] for row in rows]
    names, reasons = (
        _distinct(snapshot, "occurrences", "family_id", "source", ids),
        _distinct(snapshot, "removed", "family_id", "reason", ids),
    )
    least = _least(snapshot, "occurrences", "family_id", ids)
    return [
        _row("f", row["family_id"], row["exemplar_text"], row["occurrence_count"], row["char_count"], names.get(row["family_id"], []),
             sim=least.get(row["family_id"], 1.0), verdict=row["verdict"] or "", category=row["category"] or "",
             kind=row["scope"] or "", reason=" ".join(reasons.get(row["family_id"], [])), sources=row["document_count"])
        for row in rows
    ]  # fmt: skip


def _clusters(snapshot: Path, limit: int) -> list[Row]:
    best = Best("all", [("chars", "descending"), ("cluster_id", "ascending")], limit)
    parts = []
    for batch in scan(snapshot, "clusters", ["cluster_id", "char_start", "char_end"], pc.field("role") == "removed"):
        parts.append(pa.table({"cluster_id": batch["cluster_id"], "chars": pc.subtract(batch["char_end"], batch["char_start"])}))
    if not parts:
        return []
    grouped = pa.concat_tables(parts).group_by("cluster_id", use_threads=False).aggregate([("chars", "sum"), ("chars", "count")])
    grouped = grouped.rename_columns(["cluster_id", "chars", "copies"])
    best.add(grouped.append_column("all", pa.array([""] * len(grouped), pa.string())))
    rows = best.rows()
    ids = [row["cluster_id"] for row in rows]
    names, kinds = (_distinct(snapshot, "clusters", "cluster_id", what, ids) for what in ("source", "kind"))
    reasons, least = _distinct(snapshot, "removed", "cluster_id", "reason", ids), _least(snapshot, "clusters", "cluster_id", ids)
    texts = _kept_texts(snapshot, ids)
    return [
        _row("c", row["cluster_id"], texts.get(row["cluster_id"], ""), row["copies"], row["chars"], names.get(row["cluster_id"], []),
             sim=least.get(row["cluster_id"], 1.0), verdict="deduplicated", category="", kind=" ".join(kinds.get(row["cluster_id"], [])),
             reason=" ".join(reasons.get(row["cluster_id"], [])), sources=len(names.get(row["cluster_id"], [])))
        for row in rows
    ]  # fmt: skip


def _row(which: str, name: str, text: str, places: int, chars: int, names: list[str], **more: Any) -> Row:
    shown = visible(" ".join((text or "").split())[:SNIPPET])
    facts = {key: visible(value) if isinstance(value, str) else value for key, value in more.items()}
    return {
        "id": name, "list": which, "text": shown, "lang": lang_of(shown), "places": places, "chars": chars,
        "names": [visible(one) for one in names[:NAMED]], **facts, "sim": round(more["sim"], 3),
    }  # fmt: skip


def _among(column: str, ids: list[str]) -> ds.Expression:
    return pc.field(column).isin(pa.array(ids, pa.string()))


def _distinct(snapshot: Path, table: str, key: str, value: str, ids: list[str]) -> dict[str, list[str]]:
    """Distinct values by key, sorted; nulls are left out."""
    parts = [pa.Table.from_batches([batch]).group_by([key, value], use_threads=False).aggregate([]) for batch in scan(snapshot, table, [key, value], _among(key, ids))]  # fmt: skip
    found: dict[str, list[str]] = {}
    if not parts:
        return found
    pairs = (
        pa.concat_tables(parts).group_by([key, value], use_threads=False).aggregate([]).sort_by([(key, "ascending"), (value, "ascending")])
    )
    for one, what in zip(pairs[key].to_pylist(), pairs[value].to_pylist(), strict=True):
        if what is not None:
            found.setdefault(one, []).append(what)
    return found


def _least(snapshot: Path, table: str, key: str, ids: list[str]) -> dict[str, float]:
    parts = [pa.Table.from_batches([batch]) for batch in scan(snapshot, table, [key, "similarity"], _among(key, ids))]
    if not parts:
        return {}
    least = pa.concat_tables(parts).group_by(key, use_threads=False).aggregate([("similarity", "min")])
    return {
        one: 1.0 if value is None else value for one, value in zip(least[key].to_pylist(), least["similarity_min"].to_pylist(), strict=True)
    }


def _kept_texts(snapshot: Path, ids: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in scan(snapshot, "passages", ["cluster_id", "text"], _among("cluster_id", ids)):
        short = pc.utf8_slice_codeunits(batch["text"], 0, 2 * SNIPPET).to_pylist()
        for one, text in zip(batch["cluster_id"].to_pylist(), short, strict=True):
            found.setdefault(one, text)
    return found


def columns(rows: list[Row], chunks: dict[str, int]) -> Row:
    """The rows as columns, sources as numbers into `named`, and the island that holds each one's details (-1: none)."""
    named = sorted({name for row in rows for name in row["names"]})
    number = {name: i for i, name in enumerate(named)}
    found: Row = {name: [row[name] for row in rows] for name in COLUMNS if name != "names"}
    found["names"] = [[number[name] for name in row["names"]] for row in rows]
    return {**found, "named": named, "chunk": [chunks.get(row["list"] + row["id"], -1) for row in rows]}
