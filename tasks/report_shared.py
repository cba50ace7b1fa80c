"""Text that groups of sources share, in both directions, and what changed against the last snapshot: for the report's overview."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from tasks.drift import HISTORY
from tasks.report_texts import Row
from tasks.summary import Tally, scan, visible

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
#: Groups that the heat map shows, and families listed under each kind of change.
GROUPS, LISTED = 12, 6


def shared(snapshot: Path, counts: Tally) -> Row:
    """Which share of each group's text stands in each other group: groups, and cells {row, column, share, chars}.

    Groups are collections, or sources where there is one collection only; those that share most. Text counts as shared when its
    family has an occurrence in the other group; on the diagonal, when it has another one in the same group.
    """
    families = _weights(snapshot)
    collections = _collections(snapshot)
    by = "collection" if len(set(collections.values())) > 1 else "source"
    totals: dict[str, int] = {}
    for row in [*counts.by("kept", "source"), *counts.by("removed", "source")]:
        group = collections.get(row["source"], row["source"]) if by == "collection" else row["source"]
        totals[group] = totals.get(group, 0) + row["chars"]
    parts = []
    for batch in scan(snapshot, "occurrences", ["family_id", "source", "char_start", "char_end"]):
        span = pc.subtract(batch["char_end"], batch["char_start"])
        parts.append(pa.table({"family_id": batch["family_id"], "source": batch["source"], "span": span}))
    if not parts or not families:
        return {"by": by, "groups": [], "rows": []}
    table = pa.concat_tables(parts).combine_chunks()
    if by == "collection":
        known = pa.array(sorted(collections))
        values = pa.array([collections[name] for name in sorted(collections)])
        table = table.append_column("group", values.take(pc.index_in(table["source"], known)))
    else:
        table = table.append_column("group", table["source"])
    return {"by": by, **_matrix(table, families, totals)}


def _weights(snapshot: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in scan(snapshot, "families", ["family_id", "char_count"]):
        found.update(zip(batch["family_id"].to_pylist(), batch["char_count"].to_pylist(), strict=True))
    return found


def _collections(snapshot: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in scan(snapshot, "sources", ["source", "collection"]):
        found.update(zip(batch["source"].to_pylist(), batch["collection"].to_pylist(), strict=True))
    return found


def _matrix(table: Any, families: dict[str, int], totals: dict[str, int]) -> Row:
    ids = table["family_id"].combine_chunks().dictionary_encode()
    groups = table["group"].combine_chunks().dictionary_encode()
    family, group, span = ids.indices.to_numpy(), groups.indices.to_numpy(), table["span"].to_numpy().astype(np.float64)
    names: list[str] = groups.dictionary.to_pylist()
    chars = np.array([families.get(name, 0) for name in ids.dictionary.to_pylist()], np.float64)
    # A family's non-space characters, spread over its occurrences by their length.
    weight = span * (chars / np.maximum(np.bincount(family, span, len(chars)), 1))[family]
    lost = np.bincount(group, weight, len(names))
    order = sorted(range(len(names)), key=lambda i: (-lost[i], names[i]))[:GROUPS]
    size = len(order)
    at = np.full(len(names), -1)
    at[order] = np.arange(size)
    inside = at[group] >= 0
    slot = family[inside].astype(np.int64) * size + at[group[inside]]
    length = len(chars) * size
    text, count = (np.bincount(slot, values, length).reshape(-1, size) for values in (weight[inside], None))
    across = text.T @ (count > 0)
    np.fill_diagonal(across, (text * (count > 1)).sum(axis=0))
    picked = [names[i] for i in order]
    rows = [
        {"name": visible(name), "total": totals.get(name, 0), "cells": [_cell(across[r, c], totals.get(name, 0)) for c in range(size)]}
        for r, name in enumerate(picked)
    ]
    return {"groups": [visible(name) for name in picked], "rows": rows, "all": len(names)}


def _cell(chars: float, total: int) -> Row:
    share = min(chars / total, 1.0) if total else 0.0
    return {"chars": round(chars), "share": round(share, 4), "shade": min(9, int(np.ceil(9 * share**0.5))) if chars else 0}


def changes(snapshot: Path) -> Row | None:
    """What changed against the snapshot before, where history/ names it; None where it does not, as for a snapshot being written.

    born, gone, grown, shrunk : counts of families, with the first LISTED as {id, text, before, after}. rules : yields that changed.
    """
    path = snapshot.parent.parent / HISTORY / f"{snapshot.name}.json"
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
        before = history["previous"]
    except (OSError, ValueError, KeyError):
        return None
    found: Row = {"previous": before, "rules": history.get("changed", [])[:LISTED], "families": None}
    old = snapshot.parent / before if before else None
    if old is None:
        return None
    if (old / "manifest.json").is_file():
        found["families"] = _compared(_standing(old), _standing(snapshot))
    return found


def _standing(snapshot: Path) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for batch in scan(snapshot, "families", ["family_id", "occurrence_count", "exemplar_text"]):
        short = pc.utf8_slice_codeunits(batch["exemplar_text"], 0, 120).to_pylist()
        found.update(zip(batch["family_id"].to_pylist(), zip(batch["occurrence_count"].to_pylist(), short, strict=True), strict=True))
    return found


def _compared(old: dict[str, tuple[int, str]], new: dict[str, tuple[int, str]]) -> Row:
    def row(name: str) -> Row:
        text = (new.get(name) or old[name])[1] or ""
        return {
            "id": name,
            "text": visible(" ".join(text.split())),
            "before": old.get(name, (0, ""))[0],
            "after": new.get(name, (0, ""))[0],
        }

    kinds: dict[str, list[Row]] = {"born": [], "grown": [], "shrunk": [], "gone": []}
    for name in sorted(old.keys() | new.keys()):
        one = row(name)
        if one["before"] != one["after"]:
            kind = "born" if not one["before"] else "gone" if not one["after"] else "grown" if one["after"] > one["before"] else "shrunk"
            kinds[kind].append(one)
    for rows in kinds.values():
        rows.sort(key=lambda one: (-abs(one["after"] - one["before"]), one["id"]))
    return {kind: {"count": len(rows), "rows": rows[:LISTED]} for kind, rows in kinds.items()}
