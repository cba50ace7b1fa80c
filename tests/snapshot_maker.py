"""Makes a small snapshot in which every promise holds, through the product's own writer and publisher. All texts are ours.

    make(output)                      publish it; `variant` gives another snapshot, `documents` a larger one
    stage(output)                     everything but the last step
    rows(variant)                     the rows by table and part, to be spoiled by a test before they are written
    write_inputs(root)                the sources the snapshot was made from

Three collections: a/ and b/ share a near duplicate, an exact duplicate and a sponsor line (removed by rule, a family);
c/ holds one file that cannot be read.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks import manifest, publish
from tasks.settings import Settings
from tasks.store import ids
from tasks.store.files import FILES, Files, storage, write_file
from tasks.store.schemas import SIGNALS, TABLES
from tasks.store.tables import FileInfo, TableWriter

VERSION = "0.1.0"
SETTINGS = Settings()
#: Characters that are the same in both scripts and in every regional standard.
HAN = "山水田石木竹米白月日星云雨春夏秋冬西南北江河湖海虫草花青天地人口手足耳目心火土金玉衣食住行坐立上下左右大小多少古今早晚明暗"
SPONSOR = "本期由沙洲茶社支持，报上淘沙二字可以少付十元。"
Rows = dict[str, dict[str, list[dict[str, Any]]]]


@dataclass
class Span:
    """A passage of a made document."""

    raw: str
    text: str = ""
    reason: str = ""
    twin: tuple[str, int] | None = None
    row: dict[str, Any] = field(default_factory=dict)


def sentence(seed: str, length: int) -> str:
    """Han text without repetition of three characters in a row being likely, ended by a full stop."""
    rng = random.Random(seed)  # noqa: S311 (seeded on purpose)
    return "".join(rng.choice(HAN) for _ in range(length)) + "。"


def documents(variant: int = 0, extra: int = 0) -> dict[str, list[Span]]:
    """Spans by source."""
    shared, same = sentence("shared", 60), sentence("same", 50)
    near = shared[:30] + "茶" + shared[31:]
    made = {
        "a/first.txt": [Span(shared), Span(SPONSOR, reason="boilerplate"), Span(same)],
        "a/second.txt": [Span(f"ＡＢＣ{sentence('wide', 20)}", f"ABC{sentence('wide', 20)}"), Span(sentence(f"variant {variant}", 30))],
        "b/copy.txt": [
            Span(sentence("own", 40)),
            Span(near, reason="near_duplicate", twin=("a/first.txt", 0)),
            Span(SPONSOR, reason="boilerplate"),
            Span(same, reason="exact_duplicate", twin=("a/first.txt", 2)),
        ],
        "b/gone.txt": [Span(SPONSOR, reason="boilerplate")],
    }
    for number in range(extra):
        made[f"a/x{number:06}.txt"] = [Span(sentence(f"{number}.{i}", 80)) for i in range(4)]
    return dict(sorted(made.items()))


def content(spans: list[Span]) -> str:
    """The document text: passages with a blank line between."""
    return "\n\n".join(span.raw for span in spans) + "\n"


def write_inputs(root: Path, variant: int = 0) -> None:
    """Write the sources below `root`."""
    for source, spans in documents(variant).items():
        path = root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content(spans), encoding="utf-8", newline="")
    (root / "c").mkdir(exist_ok=True)
    (root / "c" / "broken.txt").write_bytes(BROKEN)


BROKEN = b"\x80\x81\xff\xfe\x00\x01"


def grams(text: str) -> set[str]:
    """Shingles of pure Han text: three characters each, punctuation aside (slow twin of the matching fold for such text)."""
    bare = text.replace("。", "")
    return {bare[i : i + 3] for i in range(len(bare) - 2)}


def similarity(one: str, other: str) -> float:
    """Jaccard similarity as published: 4 digits."""
    a, b = grams(one), grams(other)
    return round(len(a & b) / len(a | b), 4)


def rows(variant: int = 0, extra: int = 0) -> Rows:
    """Every row of the snapshot, by table and file name."""
    made = documents(variant, extra)
    parts: Rows = {name: {} for name in TABLES if name != "signatures"}
    for source, spans in made.items():
        _place(source, spans)
    family = ids.digest_of("sponsor")
    for source, spans in made.items():
        _judge(source, spans, made, family)
    for source, spans in made.items():
        part = "part-00000.parquet" if source < "b/" else "part-00001.parquet"
        ordinal = 0
        for span in spans:
            table = "removed" if span.reason else "passages"
            if not span.reason:
                span.row["ordinal"] = ordinal
                ordinal += 1
            parts[table].setdefault(part, []).append(_complete(span.row, table))
        document = _document(source, spans)
        if document:
            parts["documents"].setdefault(part, []).append(document)
    _link(parts, made, family)
    return parts


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _complete(row: Mapping[str, Any], table: str) -> dict[str, Any]:
    return {name: row.get(name) for name in TABLES[table][0].names}


def _place(source: str, spans: list[Span]) -> None:
    """Places and ids."""
    start = 0
    text, doc = content(spans), ids.doc_id(source, 0)
    for number, span in enumerate(spans):
        span.text = span.text or span.raw
        end = start + len(span.raw)
        content_id = _sha(span.text)[:32]
        span.row = {
            "passage_id": _sha(f"{doc}:{start}:{end}:{content_id}")[:32],
            "content_id": content_id,
            "source": source,
            "record": 0,
            "locator": "",
            "doc_id": doc,
            "char_start": start,
            "char_end": end,
            "line_start": 2 * number + 1,
            "line_end": 2 * number + 1,
            "collection": source.split("/")[0],
            "kind": "prose",
            "layout": "paragraphs",
            "source_sha256": _sha(text),
            "encoding": "utf-8",
        }
        start = end + 2


def _copies(made: dict[str, list[Span]]) -> dict[tuple[str, int], list[Span]]:
    """Removed duplicates by the place of their kept twin (the made copies all stand in b/)."""
    found: dict[tuple[str, int], list[Span]] = {}
    for span in made["b/copy.txt"]:
        if span.twin:
            found.setdefault(span.twin, []).append(span)
    return found


def _judge(source: str, spans: list[Span], made: dict[str, list[Span]], family: str) -> None:
    """What was kept and removed, and why."""
    for number, span in enumerate(spans):
        span.row["family_id"] = family if span.raw == SPONSOR else None
        if not span.reason:
            copies = [(s.row, similarity(s.text, span.text)) for s in _copies(made).get((source, number), [])]
            copies.sort(key=lambda item: -item[1])
            span.row |= {
                "text": span.text,
                "raw": None if span.raw == span.text else span.raw,
                "script_source": "hans",
                "script": "hans",
                "script_spans": [{"start": 0, "end": len(span.text), "script": "hans"}],
                "region_hint": [],
                "edits": [{"name": "width", "count": 3}] if span.raw != span.text else [],
                "lang": "zh-Hans",
                "lang_confidence": 1.0,
                "lang_shares": [{"lang": "zh-Hans", "share": 1.0}],
                "lang_spans": [{"start": 0, "end": len(span.text), "lang": "zh-Hans"}],
                "lang_switches": [],
                "is_mixed": False,
                "quality": 0.9,
                "signals": {name: 1 for name, _, _ in SIGNALS},
                "copies": len(copies),
                "also_in": [{**{key: row[key] for key in ("source", "char_start", "char_end")}, "similarity": s} for row, s in copies],
                "cluster_id": ids.digest_of(span.row["passage_id"]) if copies else None,
                "pipeline_version": VERSION,
                "settings_digest": SETTINGS.digest(),
            }
            continue
        span.row |= {
            "raw": span.raw,
            "stage": "dedup" if span.twin else "boilerplate",
            "reason": span.reason,
            "evidence": "made for a test",
        }
        if span.twin:
            kept = made[span.twin[0]][span.twin[1]]
            kept_id = kept.row["passage_id"]
            span.row |= {"kept_passage_id": kept_id, "similarity": similarity(kept.text, span.text), "cluster_id": ids.digest_of(kept_id)}
            if span.reason == "near_duplicate":
                span.row["containment"] = round(len(grams(span.text) & grams(kept.text)) / len(grams(span.text)), 4)
        else:
            span.row |= {"category": "sponsor", "rule": "zh.sponsor.made"}


def _document(source: str, spans: list[Span]) -> dict[str, Any] | None:
    kept = [span for span in spans if not span.reason]
    if not kept:
        return None
    removed: dict[str, int] = {}
    for span in spans:
        if span.reason:
            removed[span.reason] = removed.get(span.reason, 0) + len(span.raw)
    total = sum(len(span.raw) for span in spans)
    row = dict(kept[0].row) | {
        "text": "\n\n".join(span.text for span in kept),
        "char_count": total,
        "passage_count": len(kept),
        "kept_share": round(sum(len(span.raw) for span in kept) / total, 4),
        "removed": [{"reason": reason, "char_count": count} for reason, count in sorted(removed.items())],
    }
    return _complete(row, "documents")


def _sides(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    names = ("source", "record", "doc_id", "char_start", "char_end", "line_start", "line_end")
    return {f"{name}_{letter}": row[name] for letter, row in (("a", a), ("b", b)) for name in names}


def _link(parts: Rows, made: dict[str, list[Span]], family: str) -> None:
    """Tables that name rows of others."""
    spans = [span for own in made.values() for span in own]
    sponsors = [span for span in spans if span.raw == SPONSOR]
    twins = {id(made[source][number]): copies for (source, number), copies in _copies(made).items()}
    pairs, clusters = [], []
    for span in spans:
        copies = twins.get(id(span), [])
        for member in [span, *copies] if copies else []:
            similar = similarity(span.text, member.text)
            kind = None if member is span else "identical" if similar == 1 else "edited"
            row = {"role": "removed" if member.reason else "kept", "similarity": similar, "kind": kind, "neighbour_count": len(copies)}
            clusters.append(_complete(member.row | row | {"cluster_id": ids.digest_of(span.row["passage_id"])}, "clusters"))
            if member is not span:
                inside = round(len(grams(span.text) & grams(member.text)) / len(grams(span.text)), 4)
                shares = {
                    "similarity": similar,
                    "containment_a": inside,
                    "containment_b": inside,
                    "estimate": similar,
                    "kind": kind,
                    "accepted": True,
                }
                pairs.append(
                    {"passage_a": span.row["passage_id"], "passage_b": member.row["passage_id"]} | _sides(span.row, member.row) | shares
                )
    first = sponsors[0].row
    only = "part-00000.parquet"
    parts["pairs"][only], parts["clusters"][only] = pairs, clusters
    parts["families"][only] = [
        {
            "family_id": family, "exemplar_text": SPONSOR, "kind": "passage", "category": "sponsor", "verdict": "removed", "scope": "across",
            "occurrence_count": 3, "document_count": 3, "collection_count": 2, "char_count": 3 * len(SPONSOR), "first_published_at": None, "last_published_at": None,
        }
    ]  # fmt: skip
    places = [_complete(s.row | {"passage_count": 1, "similarity": 1.0, "verdict": "removed"}, "occurrences") for s in sponsors]
    parts["occurrences"][only] = places
    parts["blocks"][only] = [
        {
            "family_id": family,
            "block_id": ids.digest_of(s.row["passage_id"]),
            "char_count": len(SPONSOR),
            "similarity": 1.0,
            "kind": "occurrence",
        }
        | _sides(first, s.row)
        for s in sponsors[1:]
    ]
    parts["templates"][only] = [
        {
            "rule": "zh.sponsor.made", "origin": "pack", "collection": None, "category": "sponsor", "verdict": "removes", "skeleton": "本期由.{1,20}支持",
            "document_count": 3, "char_count": 3 * len(SPONSOR), "only_here_char_count": 3 * len(SPONSOR), "examples": [], "counter_examples": [],
        }
    ]  # fmt: skip
    parts["sources"][only] = [_source(source, own) for source, own in made.items()] + [
        {
            "source": "c/broken.txt", "collection": "c", "byte_count": len(BROKEN), "sha256": hashlib.sha256(BROKEN).hexdigest(), "format": "txt",
            "encoding": None, "encoding_how": None, "record_count": 0, "char_count": 0, "not_carried": [], "status": "quarantined", "error": "undecodable",
        }
    ]  # fmt: skip


def _source(source: str, spans: list[Span]) -> dict[str, Any]:
    text = content(spans)
    return {
        "source": source, "collection": source.split("/")[0], "byte_count": len(text.encode()), "sha256": _sha(text), "format": "txt",
        "encoding": "utf-8", "encoding_how": "utf-8", "record_count": 1, "char_count": sum(len(span.raw) for span in spans), "not_carried": [],
        "status": "ok", "error": None,
    }  # fmt: skip


def write_rows(folder: Path, parts: Rows, files: Files = FILES) -> dict[str, FileInfo]:
    """Write all tables below `folder`; information by relative path."""
    infos = {}
    for name, by_part in parts.items():
        files.mkdir(folder / name)
        schema = TABLES[name][0]
        order = [key for key in ("source", "record", "char_start") if key in schema.names]
        for part, table_rows in sorted(by_part.items()):
            with TableWriter(folder / name / part, schema, order if name in ("passages", "removed") else (), files) as writer:
                writer.write(pa.Table.from_pylist(table_rows, schema=schema))
            infos[f"{name}/{part}"] = writer.close()
    return infos


def stage(
    output: Path, variant: int = 0, parts: Rows | None = None, files: Files = FILES, extra: int = 0
) -> tuple[Path, manifest.Manifest]:
    """A staged snapshot and its manifest, ready for `publish.publish`."""
    parts = parts or rows(variant, extra)
    inputs = [(row["source"], row["sha256"]) for part in parts["sources"].values() for row in part]
    snapshot = manifest.snapshot_id(inputs, SETTINGS, "rules", VERSION, "lock", str(variant))
    folder = publish.staging(output, snapshot, files)
    with storage("staging"):
        infos = write_rows(folder, parts, files)
        made = manifest.build(folder, snapshot=snapshot, settings=SETTINGS, inputs=inputs, version=VERSION, infos=infos, files=files)
        write_file(folder / "run.json", b"{}\n", files)
        files.mkdir(folder / "report")
        write_file(folder / "report" / "index.html", b"<!doctype html><title>taosha</title>\n", files)
    return folder, made


def make(output: Path, variant: int = 0, parts: Rows | None = None, files: Files = FILES, extra: int = 0) -> publish.Published:
    """Publish the snapshot below `output`."""
    folder, made = stage(output, variant, parts, files, extra)
    return publish.publish(output, folder, made, files)
