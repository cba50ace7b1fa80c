"""Whole documents for the report: every span in its place, kept or removed, and why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from tasks.report_texts import Limits, Row
from tasks.summary import scan, source_text, visible

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
WHY = ["reason", "rule", "category", "kept_passage_id", "similarity", "evidence"]


def documents(snapshot: Path, wanted: Iterable[str], limits: Limits) -> list[Row]:
    """The first of the wanted documents that fit: {id, name, spans}, a span [start, text, why] where why is "" or what took it.

    A document longer than a fifth of `limits.documents_chars` ends there, with `cut` true.
    """
    ids = list(dict.fromkeys(wanted))[: limits.documents]
    spans: dict[str, list[tuple[int, str, Row | None]]] = {one: [] for one in ids}
    names: dict[str, str] = {}
    among = pc.field("doc_id").isin(pa.array(sorted(ids), pa.string()))
    for table, columns in (("passages", ["text"]), ("removed", WHY)):
        for batch in scan(snapshot, table, ["doc_id", "source", "record", "char_start", "raw", *columns], among) if ids else ():
            texts = (source_text(batch) if table == "passages" else batch["raw"]).to_pylist()
            whys = batch.select(WHY).to_pylist() if table == "removed" else [None] * len(texts)
            places = zip(*(batch[name].to_pylist() for name in ("doc_id", "source", "record", "char_start")), strict=True)
            for (doc, source, record, start), text, why in zip(places, texts, whys, strict=True):
                names[doc] = f"{source}#{record}" if record else source
                spans[doc].append((start, text or "", why))
    twins = _twins(snapshot, (why["kept_passage_id"] for group in spans.values() for _, _, why in group if why))
    left, found = limits.documents_chars, []
    for one in ids:
        if left > 0 and spans[one]:
            document = _document(one, names[one], sorted(spans[one], key=lambda span: span[0]), twins, limits.documents_chars // 5)
            left -= document.pop("size")
            found.append(document)
    return found


def _document(one: str, name: str, spans: list[tuple[int, str, Row | None]], twins: dict[str, str], limit: int) -> Row:
    shown: list[Any] = []
    size = 0
    for start, text, why in spans:
        if size > limit:
            break
        size += len(text) + 8
        shown.append([start, visible(text), _why(why, twins)])
    return {"id": one, "name": visible(name), "spans": shown, "cut": len(shown) < len(spans), "size": size}


def _why(row: Row | None, twins: dict[str, str]) -> Any:
    """[reason, rule or category, kept twin's place and similarity, evidence], or 0 for what stays."""
    if row is None:
        return 0
    twin = twins.get(row["kept_passage_id"] or "", "")
    alike = f"{twin} ({row['similarity']:.3f})" if twin and row["similarity"] is not None else twin
    return [
        visible(row["reason"] or ""),
        visible(row["rule"] or row["category"] or ""),
        visible(alike),
        visible((row["evidence"] or "")[:200]),
    ]


def _twins(snapshot: Path, ids: Iterable[str | None]) -> dict[str, str]:
    wanted = pa.array(sorted({one for one in ids if one}), pa.string())
    found: dict[str, str] = {}
    for batch in (
        scan(snapshot, "passages", ["passage_id", "source", "line_start"], pc.field("passage_id").isin(wanted)) if len(wanted) else ()
    ):
        for one, source, line in zip(*(batch[name].to_pylist() for name in ("passage_id", "source", "line_start")), strict=True):
            found[one] = f"{source}:{line}"
    return found
