"""The report page: one self-contained HTML file made from a published snapshot, readable from disk without a network.

Nothing from the data is ever markup: the template escapes, the script only sets text, and a content security policy by
hash lets nothing else run. The page has no clock: what it says of the run stands in run.json, where there is one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks import report_model as model
from tasks.differences import differences
from tasks.report_model import Repeat, Rule
from tasks.report_texts import PLACE, Copy, Limits, Row, Texts, lang_of
from tasks.summary import REASONS, Tally, manifest_of, one_line, overflow, summarize, tally, visible, write_summary

if TYPE_CHECKING:
    from markupsafe import Markup

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
#: Characters of one example in the section on removals, and of a text compared character by character.
EXAMPLE, COMPARED = 600, 2000
#: Share of an exemplar's span that repeats, from which what lies between is shown with it.
SMALL_GAPS = 0.5


def build(snapshot: Path, out: Path, limits: Limits | None = None, counts: Tally | None = None) -> Path:
    """Write out/index.html and out/summary.json from the snapshot on disk; the page's path.

    counts : what a run counted already; counted from the tables when None.
    Raises UsageError when `snapshot` is no snapshot, StorageError when its files cannot be read.
    """
    limits, snapshot = limits or Limits(), snapshot.resolve()
    manifest, counts = manifest_of(snapshot), counts or tally(snapshot)
    summary = summarize(snapshot, counts)
    texts = Texts(limits)
    families, exemplars, occurrences = model.families(snapshot, limits, texts)
    clusters, members = model.clusters(snapshot, limits, texts)
    rules = model.removals(snapshot, counts, limits, texts)
    texts.load(snapshot)
    half = limits.characters // 2
    repeats = {
        "families": _families(snapshot, families, exemplars, occurrences, texts, limits),
        "clusters": _clusters(snapshot, clusters, members, texts, manifest),
    }
    data = {name: Budget(half).repeats(rows) for name, rows in repeats.items()}
    page = _render(
        manifest=manifest,
        run=_run(snapshot),
        summary=summary,
        overflow=overflow(summary),
        waterfall=_waterfall(summary),
        histogram=_histogram(model.similarity_bins(snapshot), summary["thresholds"]),
        removed=_removed(snapshot, rules, texts, Budget(half), summary["thresholds"]["remove"] or 0.0),
        templates=model.templates(snapshot, limits),
        sources=[_source(row) for row in model.sources(snapshot, counts, limits)],
        data=data,
        limits=limits,
    )
    out.mkdir(parents=True, exist_ok=True)
    write_summary(summary, out)
    path = out / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


class Budget:
    """Characters of text that a page may still take."""

    def __init__(self, characters: int) -> None:
        self.left = characters

    def spend(self, text: str) -> str:
        """`text`, made safe to show and counted."""
        shown = visible(text)
        self.left = max(self.left - len(shown), 0)
        return shown

    def around(self, context: str) -> str:
        """Context on one line, with its line ends as marks."""
        return self.spend(" ↵ ".join(line.strip() for line in context.splitlines() if line.strip()))

    def repeats(self, repeats: list[Repeat]) -> list[Row]:
        """Families or clusters as the page's script reads them, as many as fit."""
        return [self._repeat(repeat) for repeat in repeats if self.left]

    def _repeat(self, repeat: Repeat) -> Row:
        text = self.spend(repeat.first.text)
        return {
            "id": repeat.id,
            "text": text,
            "lang": repeat.first.lang,
            "first": self._copy(repeat.first, text, same=True),
            "copies": [self._copy(copy, text) for copy in repeat.copies if self.left],
            "total": repeat.total,
            "sources": repeat.sources,
            "chars": repeat.chars,
            **{name: visible(getattr(repeat, name)) for name in ("kind", "category", "verdict", "span", "why", "scope")},
        }

    def _copy(self, copy: Copy, first: str, *, same: bool = False) -> Row:
        place, text = copy.place, visible(copy.text)
        changes = [] if same else differences(first[:COMPARED], text[:COMPARED])
        cut = max(len(first), len(text)) >= COMPARED
        if cut and changes and isinstance(changes[-1], list):
            changes.pop()  # where both are cut, they end differently for no other reason
        self.left = max(self.left - sum(len(change[2]) for change in changes if isinstance(change, list)), 0)
        return {
            "place": label(place),
            "cut": cut,
            "before": self.around(copy.before),
            "after": self.around(copy.after),
            "lang": copy.lang,
            "similarity": None if copy.similarity is None else round(copy.similarity, 3),
            "estimate": None if copy.estimate is None else round(copy.estimate, 3),
            "verdict": visible(copy.verdict),
            "kind": visible(copy.kind),
            "date": copy.date,
            "ask": command(place, copy.passage_id),
            "changes": changes,
        }


def label(place: Row) -> str:
    """Where a person finds a span: source, record when not the first, and line.

    >>> label({"source": "news/a.txt", "record": 0, "line_start": 12, "line_end": 12})
    'news/a.txt:12'
    """
    record = f"#{place['record']}" if place["record"] else ""
    lines = f"{place['line_start']}" if place["line_start"] == place["line_end"] else f"{place['line_start']}-{place['line_end']}"
    return visible(f"{place['source']}{record}:{lines}")


def command(place: Row, passage_id: str = "") -> str:
    """The command that tells the whole story of a passage: by its id, else by its place.

    >>> command({"source": "新闻/a b.txt", "record": 2, "char_start": 7})
    "taosha explain '新闻/a b.txt#2:7'"
    """
    record = f"#{place['record']}" if place["record"] else ""
    at = f"{place['source']}{record}:{place['char_start']}"
    return visible(f"taosha explain {passage_id[:12] or shlex.quote(at)}")


def _families(snapshot: Path, rows: list[Row], exemplars: dict[str, list[Row]], occurrences: dict[str, list[Row]], texts: Texts, limits: Limits) -> list[Repeat]:  # fmt: skip
    dates = model.lookup(
        snapshot, "documents", "doc_id", (place["doc_id"] for group in occurrences.values() for place in group), ["published_at"]
    )
    found = []
    for row in rows:
        places = occurrences.get(row["family_id"], [])
        first = next(iter(exemplars.get(row["family_id"], [])), None) or (
            max(places, key=lambda p: p["similarity"] or 0) if places else None
        )
        if first is None:
            continue
        others = [place for place in places if (place["doc_id"], place["char_start"]) != (first["doc_id"], first["char_start"])]
        whole = texts.copy(first, date=_day(dates.get(first["doc_id"])), similarity=1.0)
        # A small gap (a line too short or too much reworded to match) is shown and compared; where gaps are most of it, they are left out.
        words = (row["exemplar_text"] or "")[: limits.text]
        gaps = bool(words) and len(words) < SMALL_GAPS * len(whole.text)
        own = row["family_id"] if gaps else ""
        exemplar = replace(whole, text=words) if gaps else whole
        copies = [
            texts.copy(p, own, similarity=p["similarity"], verdict=p["verdict"] or "", date=_day(dates.get(p["doc_id"])))
            for p in others[: limits.members]
        ]
        found.append(Repeat(
            row["family_id"], exemplar, copies, row["occurrence_count"], row["document_count"], row["char_count"], row["verdict"] or "",
            row["kind"] or "", row["category"] or "", _span(row["first_published_at"], row["last_published_at"]),
            why="Only the passages that repeat are shown; more than half of the span lies between them." if gaps else "",
            scope=row["scope"] or "",
        ))  # fmt: skip
    return found


def _clusters(snapshot: Path, rows: list[Row], members: dict[str, list[Row]], texts: Texts, manifest: Row) -> list[Repeat]:
    everyone = [row for group in members.values() for row in group]
    documents = model.lookup(
        snapshot, "documents", "doc_id", (row["doc_id"] for row in everyone), ["collection", "published_at", "char_count"]
    )
    removed = model.lookup(snapshot, "removed", "passage_id", (row["passage_id"] for row in everyone), ["reason", "collection"])
    pairs = model.estimates(snapshot, members)
    priority = list(((manifest.get("settings") or {}).get("input") or {}).get("priority") or ())
    found = []
    for row in rows:
        kept, *others = members[row["cluster_id"]]
        copies = []
        for other in others:
            pair = pairs.get((kept["passage_id"], other["passage_id"]), {})
            verdict = removed.get(other["passage_id"], {}).get("reason") or other["role"]
            copies.append(texts.copy(
                other, similarity=other["similarity"], kind=other["kind"] or "", verdict=verdict, estimate=pair.get("estimate"),
                date=_day(documents.get(other["doc_id"])), passage_id=other["passage_id"],
            ))  # fmt: skip
        standing = [
            {**removed.get(m["passage_id"], {}), **documents.get(m["doc_id"], {}), "doc_id": m["doc_id"], "source": m["source"]}
            for m in (kept, *others)
        ]
        first = texts.copy(kept, similarity=1.0, verdict="kept", passage_id=kept["passage_id"], date=_day(documents.get(kept["doc_id"])))
        why = f"Kept because {model.why_kept(standing[0], standing[1:], priority)}."
        found.append(Repeat(row["cluster_id"], first, copies, row["rows"], row["sources"], row["chars"], "kept", why=why))
    return found


def _removed(snapshot: Path, rules: list[Rule], texts: Texts, budget: Budget, threshold: float) -> list[Row]:
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


def _day(row: Row | None) -> str:
    date = (row or {}).get("published_at")
    return f"{date:%Y-%m-%d}" if date else ""


def _span(first: Any, last: Any) -> str:
    days = list(dict.fromkeys(f"{date:%Y-%m-%d}" for date in (first, last) if date))
    return " to ".join(days)


def _run(snapshot: Path) -> Row:
    """run.json beside the manifest, when there is one."""
    try:
        run = json.loads((snapshot / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in run.items() if isinstance(value, str | int | float)} if isinstance(run, dict) else {}


def _waterfall(summary: Row) -> list[Row]:
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


def _source(row: Row) -> Row:
    """A source with its bar: kept first, then what was removed by reason, in thousandths of its characters."""
    total, at, bars = row["char_count"] or 0, 0.0, []
    order = {reason: i for i, reason in enumerate(REASONS)}
    parts = [("kept", row["kept"]), *sorted(row["removed"].items(), key=lambda item: (order.get(item[0], len(order)), item[0]))]
    for name, count in parts if total else ():
        bars.append({"name": name, "count": count, "x": round(at, 2), "width": round(1000 * count / total, 2)})
        at += 1000 * count / total
    return {**row, "bars": bars, "kept_share": row["kept"] / total if total else None}


def _histogram(bins: list[tuple[float, int, int]], thresholds: Row) -> Row:
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


def island(data: Any) -> str:
    """JSON that is inert inside a `script` element: no character of it can end the element or start markup.

    >>> island("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _asset(name: str) -> Markup:
    from markupsafe import Markup

    text = (files("tasks") / "assets" / name).read_text(encoding="utf-8")
    if "</s" in text.lower():
        raise ValueError(f"tasks/assets/{name} must not hold a closing tag: it is put inline")
    return Markup(text)  # noqa: S704 (our own file)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _render(data: Row, **context: Any) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "visible": lambda value: visible(str(value)),
        "line": one_line,
        "number": lambda value: f"{value:,}",
        "percent": lambda value: f"{100 * value:.1f} %",
        "label": lambda value: visible(str(value)).replace("_", " "),
        "lang": lang_of,
    }
    script, style = _asset("report.js"), _asset("report.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    template = environment.from_string((files("tasks") / "assets" / "page.html.j2").read_text(encoding="utf-8"))
    safe = Markup(island(data))  # noqa: S704 (escaped by `island`)
    return template.render(script=script, style=style, policy=policy, island=safe, data=data, **context)
