"""Removals and charts of the report, as the page's template reads them."""

from __future__ import annotations

from pathlib import Path

from tasks import report_model as model
from tasks.report_model import Rule
from tasks.report_repeats import Budget, command, label
from tasks.report_texts import PLACE, Row, Texts
from tasks.summary import REASONS, Tally

#: What a reason means, for a reader who meets it first here.
MEANING = {
    "extraction": "page furniture around the main text of an HTML page",
    "boilerplate": "a rule of a rule pack matched",
    "template": "a line or block that recurs at the same place in many documents",
    "language": "a language that the settings do not keep",
    "quality": "a quality score under the settings' minimum",
    "exact_duplicate": "the same text is kept elsewhere",
    "near_duplicate": "nearly the same text, or a longer text that contains it, is kept elsewhere; similarity computed exactly",
    "duplicate_block": "a short part of a block whose long parts are all kept elsewhere",
    "reviewer": "a reviewer's decision on file",
}
#: Characters of one example in the section on removals.
EXAMPLE = 600
#: Rules in the chart of yields.
YIELDS = 12


def removed(snapshot: Path, rules: list[Rule], texts: Texts, budget: Budget, threshold: float) -> list[Row]:
    """Reasons, each with its rules, each with examples: what the section "Removed" shows."""
    twins = (example["kept_passage_id"] for rule in rules for example in rule.examples if example["kept_passage_id"])
    kept = model.lookup(snapshot, "passages", "passage_id", twins, [*PLACE, "text", "lang"])
    found: dict[str, Row] = {}
    for rule in rules:
        group = found.setdefault(
            rule.reason, {"reason": rule.reason, "meaning": MEANING.get(rule.reason, ""), "chars": 0, "rows": 0, "rules": []}
        )
        group["chars"] += rule.chars
        group["rows"] += rule.rows
        examples = [
            _example(example, texts, kept.get(example["kept_passage_id"]), budget, threshold) for example in rule.examples if budget.left
        ]
        group["rules"].append({"rule": rule.rule, "category": rule.category, "chars": rule.chars, "rows": rule.rows, "examples": examples})
    return sorted(found.values(), key=lambda group: (-group["chars"], group["reason"]))


def _example(row: Row, texts: Texts, twin: Row | None, budget: Budget, threshold: float) -> Row:
    copy = texts.copy(row)
    text = budget.spend(copy.text[:EXAMPLE])
    shown = {"place": label(row), "text": text, "lang": copy.lang, "cut": max(row["char_end"] - row["char_start"] - EXAMPLE, 0)}
    around: Row = {
        "twin": None,
        "before": budget.spend(copy.before),
        "after": budget.spend(copy.after),
        "evidence": budget.spend(row["evidence"] or ""),
    }
    if twin:
        words = budget.spend(twin["text"][:EXAMPLE])
        inside = row["containment"] == 1 and row["similarity"] < threshold  # nothing else removes below it
        around["twin"] = {"place": label(twin), "text": words, "lang": twin["lang"], "similarity": row["similarity"], "inside": inside}
    return {**shown, **around, "ask": command(row, row["passage_id"])}


def waterfall(summary: Row) -> list[Row]:
    """Bars from characters read, down by reason, to characters kept; x and width in thousandths."""
    characters = summary["characters"]
    read = characters["read"] or 1
    order = {reason: i for i, reason in enumerate(REASONS)}
    steps = sorted(characters["removed_by_reason"].items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    rows, left = [_bar("read", characters["read"], 0, read)], characters["read"]
    for reason, count in steps:
        left -= count
        rows.append(_bar(reason, -count, left, read))
    return [*rows, _bar("kept", characters["kept"], 0, read)]


def _bar(name: str, count: int, start: int, read: int) -> Row:
    width = 1000 * abs(count) / read
    return {
        "name": name,
        "count": count,
        "share": abs(count) / read,
        "x": round(1000 * start / read, 2),
        "width": round(max(width, 1.5 if count else 0), 2),
    }


def source(row: Row) -> Row:
    """A source with its bar: kept first, then what was removed by reason, in thousandths of its characters."""
    total, at, bars = row["char_count"] or 0, 0.0, []
    order = {reason: i for i, reason in enumerate(REASONS)}
    parts = [("kept", row["kept"]), *sorted(row["removed"].items(), key=lambda item: (order.get(item[0], len(order)), item[0]))]
    for name, count in parts if total else ():
        bars.append({"name": name, "count": count, "x": round(at, 2), "width": round(1000 * count / total, 2)})
        at += 1000 * count / total
    return {**row, "bars": bars, "kept_share": row["kept"] / total if total else None}


def histogram(bins: list[tuple[float, int, int]], thresholds: Row) -> Row:
    """Heights of the bars in 0..160 on a square-root scale, so that a few pairs beside thousands can still be seen."""
    top = max((accepted + other for _, accepted, other in bins), default=0) ** 0.5 or 1.0
    step, bars = 30, []
    for i, (edge, accepted, other) in enumerate(bins):
        height = 160 * (accepted + other) ** 0.5 / top
        low = height * accepted / (accepted + other) if accepted + other else 0.0
        x = i * step + (14 if i == len(bins) - 1 else 0)
        bars.append({"x": x, "edge": edge, "accepted": accepted, "other": other, "height": round(height, 1), "low": round(low, 1)})
    marks = [
        {"name": name, "value": value, "x": round((value - 0.5) * 2 * (len(bins) - 1) * step, 1)}
        for name, value in thresholds.items()
        if value
    ]
    return {
        "bars": bars,
        "marks": marks,
        "step": step,
        "width": len(bins) * step + 20,
        "total": sum(b["accepted"] + b["other"] for b in bars),
    }


def yields(counts: Tally) -> list[Row]:
    """Characters removed by reason and rule, most first: {name, reason, chars, rows, width}; what no rule names goes by its reason."""
    rows = counts.by("removed", "reason", "rule")[:YIELDS]
    top = max((row["chars"] for row in rows), default=0) or 1
    return [
        {
            "name": row["rule"] or "",
            "reason": row["reason"] or "",
            "chars": row["chars"],
            "rows": row["rows"],
            "width": round(1000 * row["chars"] / top, 1),
        }
        for row in rows
    ]
