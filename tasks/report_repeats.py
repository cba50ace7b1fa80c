"""Families and clusters as the report's page reads them: the text once, each copy with what it has different."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks import report_model as model
from tasks.differences import differences
from tasks.report_model import Repeat
from tasks.report_texts import Copy, Limits, Row, Texts
from tasks.summary import visible

#: Characters of a text compared character by character.
COMPARED = 2000
#: Share of an exemplar's span that repeats, from which what lies between is shown with it.
SMALL_GAPS = 0.5


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
            "span": [place["char_start"], place["char_end"]],
            "document": place["doc_id"],
            "time": copy.time_ms,
            "inside": None if copy.containment is None else [round(share, 3) for share in copy.containment],
            "contents": list(copy.contents),
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


def family_repeats(snapshot: Path, rows: list[Row], exemplars: dict[str, list[Row]], occurrences: dict[str, list[Row]], texts: Texts, limits: Limits) -> list[Repeat]:  # fmt: skip
    """Families with the texts of their places: the exemplar, then the others, least similar first."""
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


def cluster_repeats(snapshot: Path, rows: list[Row], members: dict[str, list[Row]], texts: Texts, manifest: Row) -> list[Repeat]:
    """Clusters with the texts of their members: the kept one and why it was kept, then the others, least similar first."""
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
            sides = model.sides(pair, other["passage_id"], other["similarity"])
            copies.append(texts.copy(
                other, similarity=other["similarity"], kind=other["kind"] or "", verdict=verdict, estimate=pair.get("estimate"),
                date=_day(documents.get(other["doc_id"])), passage_id=other["passage_id"], containment=sides,
            ))  # fmt: skip
        standing = [
            {**removed.get(m["passage_id"], {}), **documents.get(m["doc_id"], {}), "doc_id": m["doc_id"], "source": m["source"]}
            for m in (kept, *others)
        ]
        first = texts.copy(kept, similarity=1.0, verdict="kept", passage_id=kept["passage_id"], date=_day(documents.get(kept["doc_id"])))
        why = f"Kept because {model.why_kept(standing[0], standing[1:], priority)}."
        found.append(Repeat(row["cluster_id"], first, copies, row["rows"], row["sources"], row["chars"], "kept", why=why))
    return found


def _day(row: Row | None) -> str:
    date = (row or {}).get("published_at")
    return f"{date:%Y-%m-%d}" if date else ""


def _span(first: Any, last: Any) -> str:
    days = list(dict.fromkeys(f"{date:%Y-%m-%d}" for date in (first, last) if date))
    return " to ".join(days)
