"""What changed in the yields of rules and templates against the last snapshot: a file of history/, and a line or two for a person.

history/ stands outside the snapshots: it says how one came after another, which no data file may.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from tasks.decisions import write_whole
from tasks.guards import Excess
from tasks.rulepack import RuleSet
from tasks.summary import one_line, scan

HISTORY = "history"
#: A yield that changed by less than this share is not spoken of.
_NOTED = 0.2
_SHOWN = 3


def compare(previous: Path | None, snapshot: Path, rules: RuleSet) -> dict[str, Any]:
    """Yields that differ, by rule and collection, most characters first; what is new or gone; rules that are on and removed nothing."""
    now = _yields(snapshot)
    before = _yields(previous) if previous is not None else {}
    changed: list[dict[str, Any]] = [
        {"rule": rule, "collection": collection, "before": before.get((rule, collection), 0), "after": now.get((rule, collection), 0)}
        for rule, collection in sorted(before.keys() | now.keys(), key=lambda one: (one[0], one[1] or ""))
        if before.get((rule, collection), 0) != now.get((rule, collection), 0)
    ]
    changed.sort(key=lambda row: (-abs(row["after"] - row["before"]), row["rule"], row["collection"] or ""))
    names, old = {rule for rule, _ in now}, {rule for rule, _ in before}
    return {
        "previous": previous.name if previous is not None else None,
        "changed": changed if previous is not None else [],
        "new": sorted(names - old) if previous is not None else [],
        "gone": sorted(old - names),
        "dead": sorted(rule.id for rule in rules.rules if rule.id not in names),
        "rules": len(rules.rules),
    }


def _yields(snapshot: Path) -> dict[tuple[str, str | None], int]:
    """Characters that each rule removed, by collection."""
    found: dict[tuple[str, str | None], int] = {}
    for batch in scan(snapshot, "templates", ["rule", "collection", "char_count"], pc.field("verdict") == "removes"):
        for row in batch.to_pylist():
            found[row["rule"], row["collection"]] = row["char_count"]
    return found


def write(output: Path, name: str, found: dict[str, Any]) -> Path:
    """Put the comparison into history/NAME.json: equal findings are equal bytes."""
    path = output / HISTORY / f"{name}.json"
    write_whole(path, json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    return path


def write_stopped(output: Path, name: str, found: list[Excess], examples: dict[str, list[dict[str, Any]]]) -> Path:
    """Put what a guard stopped into history/stopped-NAME.json, with places to look at."""
    rows = [{**vars(one), "examples": examples.get(one.rule, [])} for one in found]
    return write(output, f"stopped-{name}", {"snapshot": name, "excesses": rows})


def describe(output: Path, snapshot: str) -> list[str]:
    """A line or two about a snapshot's drift; empty where history has nothing of it."""
    try:
        found = json.loads((output / HISTORY / f"{snapshot}.json").read_text(encoding="utf-8"))
        lines = [f"rules     {found['rules'] - len(found['dead']):,} of {found['rules']:,} rules removed something"]
        if found["previous"]:
            noted = [row for row in found["changed"] if abs(row["after"] - row["before"]) > _NOTED * max(row["before"], 1)]
            some = ", ".join(f"{one_line(row['rule'])} {row['before']:,} -> {row['after']:,}" for row in noted[:_SHOWN])
            counts = f"{len(found['new']):,} new, {len(found['gone']):,} gone, {len(found['changed']):,} changed"
            lines.append(f"drift     against {found['previous']}: {counts}{'; characters: ' + some if some else ''}")
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return lines
