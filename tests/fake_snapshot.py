"""A small hand-made snapshot in the published schemas, for tests of what reads one. All texts are ours.

`write(folder)` makes five sources in three collections: two podcast notes that share a sponsor block (a family; removed by
rule), an article, its traditional mirror with one edited sentence (clusters) and one new sentence, a page that needs review,
and one quarantined file. `write(folder, hostile=TEXT)` puts TEXT into every text column. Sums add up either way.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.store import ids
from tasks.store.schemas import SCHEMA_VERSION, SIGNALS, TABLES

MANIFEST = {
    "schema_version": SCHEMA_VERSION,
    "pipeline_version": "0.1.0",
    "snapshot_id": "5a0dfeed" * 4,
    "settings_digest": "0123456789abcdef",
    "settings": {"matching": {"report_threshold": 0.5, "remove_threshold": 0.7}, "input": {"priority": ["article"]}},
}
TIME = datetime(2024, 3, 1, tzinfo=UTC)


class Span(NamedTuple):
    """A passage of a document: kept when `reason` is empty. `twin` and `family` name other spans by their key."""

    key: str
    raw: str
    text: str = ""
    reason: str = ""
    category: str = ""
    rule: str = ""
    evidence: str = ""
    twin: str = ""
    similarity: float | None = None
    family: str = ""
    kind: str = "prose"
    lang: str = "zh-Hans"


SPONSOR = "本期节目由沙洲咖啡赞助，在结账时输入淘沙二字可以立减十元。"
TIDE = "潮水退去以后，滩上留下细细的金色纹路，老人说那是河流写的信。"
GATE = "城门外的集市每逢初七开张，卖糖人的师傅总是第一个到，最后一个走。"
LAMP = "夜里点灯的人沿着河堤慢慢走，数到第三十六盏，天就亮了。"
DOCUMENTS: dict[str, list[Span]] = {
    "article/river.txt": [
        Span("title", "河流的信", kind="heading"),
        Span("tide", TIDE.replace("，", ","), TIDE),
        Span("gate", GATE),
        Span("lamp", LAMP),
    ],
    "mirror/river-hant.txt": [
        Span("tide2", "潮水退去以後，灘上留下細細的金色紋路，老人說那是河流寫的信。", TIDE, "near_duplicate", twin="tide", similarity=1.0,
             evidence="same words in traditional script", lang="zh-Hant"),
        Span("gate2", "城門外的集市每逢初八開張，賣糖人的師傅總是第一個到，最後一個走。", GATE, "near_duplicate", twin="gate", similarity=0.824),
        Span("extra", "轉載時我們加了這一句，原文沒有。", "转载时我们加了这一句，原文没有。", lang="zh-Hant"),
    ],
    "podcast/ep1.txt": [
        Span("talk1", "欢迎回来，今天我们聊一聊淘金人怎样看水。"),
        Span("ad1", SPONSOR, "", "boilerplate", "sponsor", "zh.sponsor.by", "matches 本期节目由…赞助", family="ad"),
        Span("notes1", "00:00 开场 03:20 看水", "", "boilerplate", "contents", "zh.contents.timed", "a list of times", family="ad"),
    ],
    "podcast/ep2.txt": [
        Span("talk2", "The river writes letters, 老人总是这样说，我们就当它是真的。"),
        Span("ad2", SPONSOR.replace("十元", "二十元"), "", "boilerplate", "sponsor", "zh.sponsor.by", "matches 本期节目由…赞助", family="ad"),
        Span("notes2", "00:00 开场 02:10 写信", "", "boilerplate", "contents", "zh.contents.timed", "a list of times", family="ad"),
    ],
    "page/menu.html": [Span("menu", "首页 | 订阅 | 联系我们")],
}  # fmt: skip


def visible_count(text: str) -> int:
    """Non-space characters, the slow way."""
    return sum(not c.isspace() for c in text)


class _Fake:
    """Lays the spans out, two line ends apart, and makes the rows of each table from them."""

    def __init__(self, hostile: str) -> None:
        self.hostile = hostile
        self.at: dict[str, dict[str, Any]] = {}
        for source, spans in DOCUMENTS.items():
            self._lay_out(source, spans)

    def _lay_out(self, source: str, spans: list[Span]) -> None:
        start, line, doc = 0, 1, ids.doc_id(source, 0)
        for span in spans:
            raw = span.raw + self.hostile
            text = (span.text or span.raw) + self.hostile
            content = ids.content_ids(pa.array([text]))[0]
            place = {
                "source": source, "record": 0, "locator": self.hostile, "doc_id": doc, "char_start": start, "char_end": start + len(raw),
                "line_start": line, "line_end": line + raw.count("\n"),
            }  # fmt: skip
            passage = ids.passage_ids([doc], [start], [start + len(raw)], [content])[0]
            self.at[span.key] = {**place, "passage_id": passage, "content_id": content, "span": span, "raw": raw, "text": text}
            start, line = start + len(raw) + 2, line + raw.count("\n") + 2

    def rows(self, reason: bool) -> list[dict[str, Any]]:
        rows = [row for row in self.at.values() if bool(row["span"].reason) == reason]
        return sorted(rows, key=lambda row: (row["source"], row["char_start"]))

    def place(self, row: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        fields = ("source", "record", "locator", "doc_id", "char_start", "char_end", "line_start", "line_end")
        return {name + suffix: row[name] for name in fields if not (suffix and name == "locator")}

    def common(self, row: dict[str, Any]) -> dict[str, Any]:
        span = row["span"]
        return {
            **{name: row[name] for name in ("passage_id", "content_id")}, **self.place(row), "collection": row["source"].split("/")[0],
            "kind": span.kind, "layout": "paragraphs", "family_id": self.family_id() if span.family else None,
        }  # fmt: skip

    def cluster_id(self, key: str) -> str:
        return ids.digest_of(self.at[key]["passage_id"])

    def family_id(self) -> str:
        return ids.digest_of("ad", self.at["ad1"]["passage_id"])

    def twins(self, key: str) -> list[dict[str, Any]]:
        return [row for row in self.at.values() if row["span"].twin == key]

    def passages(self) -> list[dict[str, Any]]:
        return [self._passage(row, ordinal) for ordinal, row in enumerate(self.rows(reason=False))]

    def _passage(self, row: dict[str, Any], ordinal: int) -> dict[str, Any]:
        span, twins = row["span"], self.twins(row["span"].key)
        return {
            **self.common(row), "ordinal": ordinal, "text": row["text"], "raw": None if row["raw"] == row["text"] else row["raw"],
            "section": self.hostile or None, "script_source": "hant" if span.lang == "zh-Hant" else "hans", "script": "hans",
            "script_spans": [{"start": 0, "end": len(row["text"]), "script": "hant" if span.lang == "zh-Hant" else "hans"}], "region_hint": [],
            "edits": [] if row["raw"] == row["text"] else [{"name": "punctuation", "count": 2}], "lang": span.lang, "lang_confidence": 0.99,
            "lang_shares": [{"lang": span.lang, "share": 1.0}], "lang_spans": [{"start": 0, "end": len(row["text"]), "lang": span.lang}],
            "lang_switches": [], "is_mixed": span.key == "talk2", "quality": 0.91, "signals": {name: 1 for name, _, _ in SIGNALS},
            "cluster_id": self.cluster_id(span.key) if twins else None, "copies": len(twins),
            "also_in": [{"source": t["source"], "char_start": t["char_start"], "char_end": t["char_end"], "similarity": t["span"].similarity} for t in twins],
            "source_sha256": "ab" * 32, "encoding": "utf-8", "title": self.hostile or "河流的信", "author": self.hostile or None,
            "published_at": TIME if row["source"].startswith("article") else None,
            "pipeline_version": "0.1.0", "settings_digest": MANIFEST["settings_digest"],
        }  # fmt: skip

    def removed(self) -> list[dict[str, Any]]:
        rows = []
        for row in self.rows(reason=True):
            span = row["span"]
            if span.twin:
                kept = self.at[span.twin]["passage_id"]
                why = {"stage": "dedup", "kept_passage_id": kept, "similarity": span.similarity, "cluster_id": self.cluster_id(span.twin)}
            else:
                why = {"stage": "boilerplate", "category": span.category + self.hostile, "rule": span.rule + self.hostile}
            evidence = span.evidence + self.hostile or None
            rows.append({**self.common(row), "raw": row["raw"], "reason": span.reason, "evidence": evidence, **why})
        return rows

    def documents(self) -> list[dict[str, Any]]:
        rows = []
        for source in sorted(DOCUMENTS):
            kept = [row for row in self.rows(reason=False) if row["source"] == source]
            if not kept:
                continue
            chars = sum(visible_count(row["raw"]) for row in self.at.values() if row["source"] == source)
            rows.append({
                "doc_id": kept[0]["doc_id"], "source": source, "record": 0, "locator": "", "collection": source.split("/")[0],
                "text": "\n\n".join(row["text"] for row in kept), "lang": "zh-Hans", "script": "hans", "quality": 0.9, "char_count": chars,
                "passage_count": len(kept), "kept_share": sum(visible_count(row["raw"]) for row in kept) / chars, "title": self.hostile or None,
                "published_at": TIME if source.startswith("article") else None,
            })  # fmt: skip
        return rows

    def pairs(self) -> list[dict[str, Any]]:
        rows = []
        for b in self.at.values():
            if b["span"].twin:
                a = self.at[b["span"].twin]
                rows.append({
                    "passage_a": a["passage_id"], "passage_b": b["passage_id"], **self.place(a, "_a"), **self.place(b, "_b"),
                    "similarity": b["span"].similarity, "containment_a": 0.9, "containment_b": 0.9, "estimate": 0.8125,
                    "kind": "script" if b["span"].similarity == 1 else "edited", "accepted": True,
                })  # fmt: skip
        a, b = self.at["ad1"], self.at["ad2"]
        rows.append({
            "passage_a": a["passage_id"], "passage_b": b["passage_id"], **self.place(a, "_a"), **self.place(b, "_b"), "similarity": 0.9,
            "containment_a": 0.95, "containment_b": 0.94, "estimate": None, "kind": "number_slot", "accepted": False,
        })  # fmt: skip
        return rows

    def clusters(self) -> list[dict[str, Any]]:
        rows = []
        for key in ("tide", "gate"):
            for row in (self.at[key], *self.twins(key)):
                kept = row["span"].key == key
                rows.append({
                    "cluster_id": self.cluster_id(key), "passage_id": row["passage_id"], "content_id": row["content_id"], **self.place(row),
                    "role": "kept" if kept else "removed", "similarity": 1.0 if kept else row["span"].similarity,
                    "kind": None if kept else ("script" if row["span"].similarity == 1 else "edited"), "neighbour_count": 1,
                })  # fmt: skip
        return rows

    def _runs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [(self.at[f"ad{n}"], self.at[f"notes{n}"]) for n in (1, 2)]

    def families(self) -> list[dict[str, Any]]:
        first, last = self._runs()[0]
        return [{
            "family_id": self.family_id(), "exemplar_text": first["raw"] + "\n" + last["raw"], "kind": "block",
            "category": "sponsor" + self.hostile, "verdict": "removed", "scope": "within", "occurrence_count": 2, "document_count": 2,
            "collection_count": 1, "char_count": sum(visible_count(row["raw"]) for run in self._runs() for row in run),
            "first_published_at": TIME, "last_published_at": None,
        }]  # fmt: skip

    def occurrences(self) -> list[dict[str, Any]]:
        return [{
            "family_id": self.family_id(), **self.place(first), "char_end": last["char_end"], "line_end": last["line_end"], "passage_count": 2,
            "similarity": 1.0 if n == 0 else 0.871, "verdict": "removed",
        } for n, (first, last) in enumerate(self._runs())]  # fmt: skip

    def blocks(self) -> list[dict[str, Any]]:
        a, b = ({**first, "char_end": last["char_end"], "line_end": last["line_end"]} for first, last in self._runs())
        return [{
            "family_id": self.family_id(), "block_id": ids.digest_of("block"), **self.place(a, "_a"), **self.place(b, "_b"),
            "char_count": 60, "similarity": 0.871, "kind": "occurrence",
        }]  # fmt: skip

    def sources(self) -> list[dict[str, Any]]:
        rows = []
        for source in sorted(DOCUMENTS):
            chars = sum(visible_count(row["raw"]) for row in self.at.values() if row["source"] == source)
            review = source.startswith("page")
            rows.append({
                "source": source, "collection": source.split("/")[0], "byte_count": 3 * chars, "sha256": "ab" * 32, "format": "txt",
                "encoding": "utf-8", "encoding_how": "utf-8", "record_count": 1, "char_count": chars,
                "not_carried": [{"what": "markup" + self.hostile, "count": 3}], "status": "needs_review" if review else "ok",
                "error": ("rules would remove 91 % of it" if review else "") + self.hostile or None,
            })  # fmt: skip
        broken = {
            "source": "zz/broken.txt" + self.hostile,
            "collection": "zz",
            "byte_count": 12,
            "status": "quarantined",
            "error": "undecodable: byte 3" + self.hostile,
        }
        return [*rows, {**broken, "record_count": 0, "char_count": 0}]

    def templates(self) -> list[dict[str, Any]]:
        rows = []
        for rule in ("zh.contents.timed", "zh.sponsor.by"):
            hits = [row for row in self.rows(reason=True) if row["span"].rule == rule]
            chars = sum(visible_count(row["raw"]) for row in hits)
            example = [{"source": row["source"], "char_start": row["char_start"], "text": row["raw"]} for row in hits]
            rows.append({
                "rule": rule + self.hostile, "origin": "pack", "collection": None, "category": hits[0]["span"].category, "verdict": "removes",
                "skeleton": "本期.{0,8}由.{1,20}赞助" + self.hostile, "document_count": 2, "char_count": chars, "only_here_char_count": chars,
                "examples": example, "counter_examples": [{"source": "podcast/ep1.txt", "char_start": 0, "text": "赞助商的故事" + self.hostile}],
            })  # fmt: skip
        return rows


def write(folder: Path, hostile: str = "") -> Path:
    """Write the snapshot into `folder` and return it."""
    fake = _Fake(hostile)
    for name, (schema, _) in TABLES.items():
        if name == "signatures":
            continue
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(getattr(fake, name)(), schema=schema), folder / name / "part-00000.parquet")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    return folder


def passage_id(key: str, hostile: str = "") -> str:
    """Id of a span of DOCUMENTS by its key."""
    return str(_Fake(hostile).at[key]["passage_id"])
