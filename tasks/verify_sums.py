"""Conservation and documents: what the rows add up to, against what `sources` and `documents` state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels import audit
from tasks.store.tables import read_table
from tasks.store.text import I64Array, Texts
from tasks.verify_problem import Problem

#: Shares are published as float32 rounded to 4 digits.
SHARE_TOLERANCE = 1.01e-4


class Sums:
    """Sums by source and by document, collected part by part: small tables, joined at the end."""

    def __init__(self) -> None:
        self.sources: list[pa.Table] = []
        self.kept: list[pa.Table] = []
        self.removed: list[pa.Table] = []
        self.documents: list[pa.Table] = []
        self._stamps: set[tuple[str, str, str]] = set()

    def add(self, loaded: dict[str, pa.Table], visible: dict[str, I64Array]) -> None:
        """Add one part. visible : non-space characters of the raw text of each row of passages and removed."""
        passages, removed, documents = loaded["passages"], loaded["removed"], loaded["documents"]
        for name in ("passages", "removed"):
            rows = pa.table({"source": loaded[name]["source"], "visible": visible[name]})
            self.sources.append(rows.group_by("source").aggregate([("visible", "sum")]))
        self.kept.append(_digested(passages, visible["passages"]))
        rows = pa.table({"doc_id": removed["doc_id"], "reason": removed["reason"], "visible": visible["removed"]})
        self.removed.append(rows.group_by(["doc_id", "reason"]).aggregate([("visible", "sum")]))
        stated = documents.select(["doc_id", "piece", "char_count", "passage_count", "kept_share", "removed"])
        self.documents.append(_digested(documents, None).append_column("stated", pa.array(stated.to_pylist(), _STATED)))
        for name in ("passages", "documents"):
            stamps = loaded[name].select(["pipeline_version", "settings_digest"])
            stamps = stamps.group_by(stamps.column_names).aggregate([])
            self._stamps |= {(name, str(row["pipeline_version"]), str(row["settings_digest"])) for row in stamps.to_pylist()}

    def stamps(self, version: str, digest: str) -> list[Problem]:
        """Every row was written by this version with these settings."""
        return [
            Problem("stamp", name, f"pipeline_version {version}, settings_digest {digest}", f"{v}, {d}")
            for name, v, d in sorted(self._stamps)
            if (v, d) != (version, digest)
        ]


_STATED = pa.struct(
    [
        ("doc_id", pa.string()),
        ("piece", pa.int32()),
        ("char_count", pa.int64()),
        ("passage_count", pa.int32()),
        ("kept_share", pa.float32()),
        ("removed", pa.list_(pa.struct([("reason", pa.string()), ("char_count", pa.int64())]))),
    ]
)


def _digested(table: pa.Table, visible: I64Array | None) -> pa.Table:
    """One row a document of the part, in order: rows, digest and number of the visible characters of `text`, sum of `visible`."""
    docs = pc.dictionary_encode(table["doc_id"].combine_chunks())
    code = docs.indices.to_numpy().astype(np.int64)
    texts = Texts.from_arrow(table["text"])
    digest, count = audit.visible_digest(texts.chars, texts.offsets, code, len(docs.dictionary))
    raw = np.zeros(len(docs.dictionary), np.int64)
    if visible is not None:
        np.add.at(raw, code, visible)
    rows = np.bincount(code, minlength=len(docs.dictionary)).astype(np.int64)
    columns = {"doc_id": docs.dictionary, "rows": rows, "digest": digest, "count": count, "visible": raw}
    if visible is None and len(docs.dictionary) != len(table):
        columns = {"doc_id": table["doc_id"].combine_chunks(), **_row_digests(texts)}
    return pa.table(columns)


def _row_digests(texts: Texts) -> dict[str, Any]:
    """The same per row, for a document table that holds a document twice."""
    n = len(texts)
    digest, count = audit.visible_digest(texts.chars, texts.offsets, np.arange(n), n)
    return {"rows": np.ones(n, np.int64), "digest": digest, "count": count, "visible": np.zeros(n, np.int64)}


def check_sums(snapshot: Path, sums: Sums) -> list[Problem]:
    """Conservation by source, and each document against its passages."""
    return _conservation(snapshot, sums) + _documents(sums)


def _conservation(snapshot: Path, sums: Sums) -> list[Problem]:
    """Per source: visible characters of passages and removed together are sources.char_count."""
    stated = read_table(snapshot, "sources", ["source", "char_count", "status"])
    problems = []
    names = stated["source"].to_pylist()
    if names != sorted(set(names)):
        problems.append(Problem("order", "sources", "each source once, in order", "sources out of order or repeated"))
    counted = pa.concat_tables(sums.sources).group_by("source").aggregate([("visible_sum", "sum")]) if sums.sources else None
    found = dict(zip(counted["source"].to_pylist(), counted["visible_sum_sum"].to_pylist(), strict=True)) if counted else {}
    for source, count in zip(names, stated["char_count"].to_pylist(), strict=True):
        there = found.pop(source, 0)
        if there != (count or 0):
            problems.append(Problem("conservation", f"source {source}", f"{count} visible characters in passages and removed", str(there)))
    problems += [Problem("conservation", f"source {source}", "a row in sources", "none") for source in sorted(found)]
    return problems


def _documents(sums: Sums) -> list[Problem]:
    """Every document with kept passages has one row, whose text, counts, share and removals are those of its rows."""
    kept = _combine(pa.concat_tables(sums.kept)) if sums.kept else {}
    removed: dict[str, dict[str, int]] = {}
    for table in sums.removed:
        for row in table.to_pylist():
            reasons = removed.setdefault(row["doc_id"], {})
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["visible_sum"]
    problems = []
    documents: dict[str, dict[str, Any]] = {}
    for table in sums.documents:
        for row in table.to_pylist():
            before = documents.get(row["doc_id"])
            if before and (row["stated"]["piece"] or 0) <= (before["stated"]["piece"] or 0):
                problems.append(Problem("document", row["doc_id"], "one row a document, or one a piece", "a second row"))
            documents[row["doc_id"]] = _continued(before, row) if before else row
    for doc in sorted(kept.keys() | documents.keys()):
        if doc not in documents or doc not in kept:
            problems.append(
                Problem(
                    "document", doc, "a row in documents just when passages are kept", "only passages" if doc in kept else "only a document"
                )
            )
            continue
        problems += _document(doc, documents[doc], kept[doc], removed.get(doc, {}))
    return problems


def _document(doc: str, row: dict[str, Any], kept: tuple[int, int, int, int], removed: dict[str, int]) -> list[Problem]:
    rows, digest, count, visible = kept
    stated = row["stated"]
    total = visible + sum(removed.values())
    reasons = {item["reason"]: item["char_count"] for item in stated["removed"] or [] if item["char_count"]}
    share = round(visible / total, 4) if total else 1.0
    if stated["piece"]:  # several rows, each of which speaks of its piece alone; a piece of which nothing is kept has none
        total, removed, share = stated["char_count"], reasons, stated["kept_share"]
    checks = [
        (
            "text",
            "the visible characters of its passages in order",
            (count, digest) == (row["count"], row["digest"]),
            f"{row['count']} over {count}",
        ),
        ("passage_count", str(rows), stated["passage_count"] == rows, str(stated["passage_count"])),
        ("char_count", str(total), stated["char_count"] == total, str(stated["char_count"])),
        ("kept_share", str(share), abs((stated["kept_share"] or 0) - share) <= SHARE_TOLERANCE, str(stated["kept_share"])),
        (
            "removed",
            str(dict(sorted(removed.items()))),
            reasons == {k: v for k, v in removed.items() if v},
            str(dict(sorted(reasons.items()))),
        ),
    ]
    return [Problem("document", f"{doc} {name}", expected, found) for name, expected, ok, found in checks if not ok]


def _continued(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Two rows of a document that was cut into pieces, as one."""
    digest = (before["digest"] * pow(audit.BASE, row["count"], audit.MODULUS) + row["digest"]) % audit.MODULUS
    stated = row["stated"] | {"passage_count": before["stated"]["passage_count"] + row["stated"]["passage_count"]}
    return row | {"digest": digest, "count": before["count"] + row["count"], "stated": stated}


def _combine(table: pa.Table) -> dict[str, tuple[int, int, int, int]]:
    """Rows, digest, visible characters of text and of raw by document; pieces of a document in different parts are joined."""
    out: dict[str, tuple[int, int, int, int]] = {}
    for doc, rows, digest, count, visible in zip(
        *(table[name].to_pylist() for name in ("doc_id", "rows", "digest", "count", "visible")), strict=True
    ):
        before = out.get(doc)
        if before:
            digest = (before[1] * pow(audit.BASE, count, audit.MODULUS) + digest) % audit.MODULUS
            rows, count, visible = rows + before[0], count + before[2], visible + before[3]
        out[doc] = (rows, digest, count, visible)
    return out
