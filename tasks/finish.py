"""The last stage: the tables over all parts, the proof of conservation, manifest, report, and the snapshot made visible."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks import card, drift, manifest, report, signatures
from tasks.errors import ConservationError, GuardStopped, StorageError
from tasks.guards import COLLECTION, excesses, message
from tasks.index import Part, build
from tasks.job import Job, code_digest, packages_digest
from tasks.publish import hard_link_unchanged, latest
from tasks.publish import publish as make_visible
from tasks.settings import Settings
from tasks.stages import PartFiles, Plan
from tasks.store import stage
from tasks.store.files import storage
from tasks.store.schemas import SOURCES, TABLES
from tasks.store.tables import FileInfo, TableWriter
from tasks.summary import KEPT_KEYS, REMOVED_KEYS, Tally, count_rows, grouped
from tasks.verdict_files import SPANNING
from tasks.version import VERSION


def audit(passages: pa.Table, removed: pa.Table) -> dict[str, dict[str, list[Any]]]:
    """Rows and non-space characters, kept and removed, by source and what the summary groups by: counted in the rows as published.

    Raises ConservationError when two spans of a document overlap: then some character would stand in both tables.
    """
    rows = pa.concat_tables([table.select(["doc_id", "char_start", "char_end"]) for table in (passages, removed)])
    rows = rows.sort_by([("doc_id", "ascending"), ("char_start", "ascending")]).combine_chunks()
    if len(rows) > 1:
        doc = stage.whole(rows["doc_id"])
        same = pc.equal(doc[1:], doc[:-1]).to_numpy(zero_copy_only=False)
        overlap = same & (stage.numbers(rows["char_start"])[1:] < stage.numbers(rows["char_end"])[:-1])
        if overlap.any():
            at = int(np.flatnonzero(overlap)[0])
            raise ConservationError(
                f"two rows of document {doc[at]} overlap at character {rows['char_start'][at + 1]}; nothing was published"
            )
    return {
        "kept": count_rows(passages, pc.coalesce(passages["raw"], passages["text"]), KEPT_KEYS).to_pydict(),
        "removed": count_rows(removed, removed["raw"], REMOVED_KEYS).to_pydict(),
    }


def _tally(audits: list[dict[str, dict[str, list[Any]]]]) -> Tally:
    """The audits of all parts in one."""
    kept, removed = (
        grouped(
            (
                pa.table({**{k: pa.array(a[name][k], pa.string()) for k in keys}, "rows": a[name]["rows"], "chars": a[name]["chars"]})
                for a in audits
            ),
            keys,
        )
        for name, keys in (("kept", KEPT_KEYS), ("removed", REMOVED_KEYS))
    )
    return Tally(kept, removed)


def finish(
    job: Job, plan: Plan, decided: dict[str, Any], staging: Path, written: list[dict[str, Any]], parts: list[PartFiles]
) -> dict[str, Any]:
    """Publish the staged folder. Returns the snapshot's path, whether it is new, and the summary for a person."""
    settings = job.settings
    folder = Path(decided["folder"])
    infos: dict[str, FileInfo] = {}
    audits: list[Any] = [audited for group in written for audited in group["audits"]]
    counts = _tally(audits)
    for group in written:
        infos |= {path: FileInfo(**info) for path, info in group["files"].items()}
    sources = sources_table(decided["sources"], stage.read_json(folder / "review.json"), settings)
    prove(sources, counts)
    for name in SPANNING:
        infos |= _write(staging, name, [stage.read_table(folder / f"{name}.arrow")])
    infos |= _write(staging, "sources", [sources])
    if settings.publish.signatures:
        index = build([Part(Path(part.documents), Path(part.notes)) for part in parts], settings)
        infos |= _write(staging, "signatures", signatures.tables(index, settings.matching), signatures.schema(settings.matching))
    for name in ("passages", "removed", "documents"):
        if not any(path.startswith(f"{name}/") for path in infos):
            infos |= _write(staging, name, [])
    record = manifest.build(
        staging, snapshot=plan.snapshot, settings=settings, inputs=plan.inputs, version=VERSION, infos=infos, matching=decided["matching"]
    )
    record["decisions"] = stage.read_json(folder / "decisions.json")["replayed"]
    record["made_by"] = made_by(job)
    previous = latest(Path(job.output))
    _guard_rules(job, plan, folder)
    _guard_shrink(previous, counts, settings)
    hard_link_unchanged(staging, previous, record)
    (staging / manifest.CARD).write_text(card.render(record), encoding="utf-8")
    (staging / manifest.MANIFEST).write_bytes(manifest.encode(record))
    report.build(staging, staging / "report", counts=counts)
    numbers = stage.read_json(staging / "report" / "summary.json")
    drift.write(Path(job.output), plan.snapshot, drift.compare(previous, staging, job.rules))
    (staging / manifest.MANIFEST).unlink()  # publishing writes it again, last and durable
    done = make_visible(Path(job.output), staging, record)
    return {"snapshot": str(done.snapshot), "new": done.new, "summary": numbers}


def made_by(job: Job) -> dict[str, str]:
    """Digests of what else than inputs and settings decides the data: the same parts that name a snapshot."""
    return {"rules": job.rules.digest, "decisions": job.decisions.digest, "code": code_digest(), "packages": packages_digest()}


def sources_table(rows: list[dict[str, Any]], review: dict[str, float], settings: Settings) -> pa.Table:
    """Rows of `sources`, with those that the guard spared marked."""
    out = []
    for row in rows:
        if row["source"] in review and row["status"] == "ok":
            share, limit = review[row["source"]], settings.guards.max_removed_share
            why = f"rules would remove {share:.0%} of it (guards.max_removed_share is {limit:.0%}); its text was kept"
            row = {**row, "status": "needs_review", "error": why}
        out.append({name: row[name] for name in SOURCES.names})
    return pa.Table.from_pylist(sorted(out, key=lambda row: row["source"]), schema=SOURCES)


def prove(sources: pa.Table, counts: Tally) -> None:
    """Every non-space character that was read stands in exactly one of `passages` and `removed`. Raises ConservationError."""
    kept = {row["source"]: row["chars"] for row in counts.by("kept", "source")}
    removed = {row["source"]: row["chars"] for row in counts.by("removed", "source")}
    for row in sources.select(["source", "char_count"]).to_pylist():
        stays, goes = kept.get(row["source"], 0), removed.get(row["source"], 0)
        if stays + goes != row["char_count"]:
            raise ConservationError(
                f"{row['source']}: {row['char_count']} characters were read, {stays} kept and {goes} removed; nothing was published"
            )


def _write(staging: Path, name: str, tables: Iterable[pa.Table], schema: pa.Schema | None = None) -> dict[str, FileInfo]:
    """One file of a table; `schema` only where it carries metadata of its own."""
    path = staging / name / "part-00000.parquet"
    path.parent.mkdir(exist_ok=True)
    with TableWriter(path, schema or TABLES[name][0]) as writer:
        for table in tables:
            writer.write(table)
        return {f"{name}/{path.name}": writer.close()}


def _guard_rules(job: Job, plan: Plan, folder: Path) -> None:
    """Stop when rules take more of a collection than is set or accepted. Raises GuardStopped, and leaves a report in history/."""
    found = excesses(stage.read_json(folder / "yields.json"), job.settings.guards, job.rules, job.decisions)
    if not found:
        return
    rows = stage.read_table(folder / "templates.arrow").select(["rule", "collection", "examples"]).to_pylist()
    examples = {one.rule: row["examples"] for one in found for row in rows if one.rule == row["rule"]}
    for one in found:  # all rules together: the places of those that take most, which come first
        if one.rule.startswith(COLLECTION):
            mine = [row["examples"][:1] for row in rows if row["collection"] in (None, one.collection)][:10]
            examples[one.rule] = [example for some in mine for example in some]
    raise GuardStopped(message(found, str(drift.write_stopped(Path(job.output), plan.snapshot, found, examples))))


def _guard_shrink(previous: Path | None, counts: Tally, settings: Settings) -> None:
    """Stop when the kept text shrank beyond the set share against the last snapshot. Raises GuardStopped."""
    if previous is None:
        return
    try:
        before = stage.read_json(previous / "report" / "summary.json")["characters"]["kept"]
    except (OSError, ValueError, KeyError):
        return
    now = counts.total("kept")
    if before and now < before * (1 - settings.guards.max_shrink):
        raise GuardStopped(
            f"the kept text would shrink from {before:,} to {now:,} characters, by more than guards.max_shrink = {settings.guards.max_shrink:.0%} "
            f"allows; the last snapshot {previous.name} stands. If that is meant, raise guards.max_shrink for this run"
        )


def write_run_record(snapshot: Path, engine: str, started: float, stages: list[dict[str, Any]], extra: dict[str, Any]) -> None:
    """run.json: when, where and how long. Outside SHA256SUMS, because two equal runs differ in it."""
    record = {
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "host": os.uname().nodename,
        "engine": engine,
        "stages": stages,
        **extra,
    }
    path = snapshot / "run.json"
    try:
        with storage(f"writing {path}, after the snapshot was published"):
            stage.write_json(path, record)
    except StorageError:
        path.unlink(missing_ok=True)  # none rather than half of one
        raise
