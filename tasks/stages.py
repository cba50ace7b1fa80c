"""The stages as functions over files: plain arguments in, small records out. Engines call these; nothing here knows which one.

    discover -> read -> annotate -> match -> model -> decide -> write -> publish

Each looks first whether its files stand already, under a name made of everything that determines them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tasks.job import Job, code_digest, packages_digest
from tasks.manifest import snapshot_id
from tasks.readers.source import SourceFile
from tasks.store import stage
from tasks.version import VERSION


@dataclass(frozen=True)
class Plan:
    """What discovery found: sources in published order with their digests, and cells as lists of their numbers."""

    sources: list[SourceFile]
    digests: list[str]
    cells: list[list[int]]
    snapshot: str

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """(source, digest) of every input."""
        return [(source.source, digest) for source, digest in zip(self.sources, self.digests, strict=True)]

    @property
    def byte_count(self) -> int:
        """Bytes of all inputs."""
        return sum(source.byte_count for source in self.sources)


@dataclass(frozen=True)
class PartFiles:
    """One part: its documents, and its notes once annotated."""

    documents: str
    notes: str = ""
    key: str = ""


def discover(job: Job) -> Plan:
    """Find and digest all sources, and group them into cells."""
    from tasks.ingest import discover as find
    from tasks.ingest import plan_cells

    settings = job.settings
    sources = find([Path(root) for root in job.inputs], settings.input)
    digests = [_digest(source) for source in sources]
    number = {source.source: i for i, source in enumerate(sources)}
    cells = [[number[s.source] for s in cell] for cell in plan_cells(sources, settings.publish.part_bytes)]
    identity = snapshot_id(
        zip((s.source for s in sources), digests, strict=True), settings, job.rules.digest, f"{VERSION}+{code_digest()}", packages_digest(),
        job.decisions.digest,
    )  # fmt: skip
    return Plan(sources, digests, cells, identity)


def _digest(source: SourceFile) -> str:
    """SHA-256 of a source's bytes; empty when it is skipped or cannot be read (the reader will say why)."""
    if source.skip_reason is not None:
        return ""
    try:
        with source.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def read(job: Job, plan: Plan, cells: list[int]) -> list[dict[str, Any]]:
    """Read cells into parts. Returns, for each, its stage folder, parts and rows of `sources`."""
    return [_read_cell(job, [plan.sources[i] for i in plan.cells[c]], [plan.digests[i] for i in plan.cells[c]]) for c in cells]


def _cell_key(job: Job, sources: list[SourceFile], digests: list[str]) -> str:
    settings = job.settings
    names = [f"{s.source}\0{s.collection}\0{s.skip_reason or ''}\0{d}" for s, d in zip(sources, digests, strict=True)]
    return stage.key("read", code_digest(), packages_digest(), settings.digest("input"), str(settings.publish.part_bytes), *names)


def cell_stands(job: Job, plan: Plan, cell: int) -> bool:
    """Whether a cell was read before, by the same code with the same settings."""
    numbers = plan.cells[cell]
    key = _cell_key(job, [plan.sources[i] for i in numbers], [plan.digests[i] for i in numbers])
    return (job.work / "read" / key / "cell.json").is_file()


def _read_cell(job: Job, sources: list[SourceFile], digests: list[str]) -> dict[str, Any]:
    from tasks.ingest import read_cell

    settings = job.settings
    key = _cell_key(job, sources, digests)
    folder = job.work / "read" / key
    if not (folder / "cell.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        with stage.building(folder) as hidden:
            result = read_cell(sources, settings.input, hidden, settings.publish.part_bytes)
            stage.write_json(hidden / "cell.json", {"parts": [part.path.name for part in result.parts], "sources": result.sources})
    cell: dict[str, Any] = stage.read_json(folder / "cell.json")
    return {
        "parts": [PartFiles(str(folder / name), key=stage.key(key, name)) for name in cell["parts"]],
        "sources": cell["sources"],
    }


def annotate(job: Job, parts: list[PartFiles]) -> list[PartFiles]:
    """Annotate parts; see `tasks.annotate`."""
    return [_annotate_part(job, part) for part in parts]


def _annotate_part(job: Job, part: PartFiles) -> PartFiles:
    from tasks.annotate import annotate as annotate_part

    settings = job.settings
    sections = settings.digest("normalize", "script", "language", "boilerplate", "matching")
    key = stage.key("annotate", code_digest(), packages_digest(), sections, job.rules.digest, part.key)
    folder = job.work / "annotate" / key
    if not (folder / "done.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        with stage.building(folder) as hidden:
            annotate_part(stage.read_table(Path(part.documents)), hidden, settings, job.rules)
    return replace(part, notes=str(folder), key=key)


def _part(parts: list[PartFiles], number: int, model: str = "") -> Any:
    from tasks.index import Part
    from tasks.perplexity import part_file

    measured = part_file(Path(model), number) if model else None
    return Part(Path(parts[number].documents), Path(parts[number].notes), measured)


def _index(job: Job, parts: list[PartFiles], model: str = "") -> Any:
    from tasks.index import build

    return build([_part(parts, number, model) for number in range(len(parts))], job.settings)


def match(job: Job, parts: list[PartFiles]) -> dict[str, Any]:
    """Fold classes and verified pairs over all parts. Returns the stage folder and counters."""
    from tasks.match import match as match_all

    key = stage.key("match", code_digest(), job.settings.digest("matching", "dedup", "input"), *(part.key for part in parts))
    folder = job.work / "match" / key
    if not (folder / "done.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        with stage.building(folder) as hidden:
            settings, threads = job.settings, job.settings.run.workers or os.cpu_count() or 1
            match_all(_index(job, parts), hidden, settings.matching, settings.dedup.method, threads)
    return {"folder": str(folder), "key": key, **stage.read_json(folder / "done.json")}


def model(job: Job, parts: list[PartFiles], matched: dict[str, Any]) -> dict[str, Any]:
    """Language models of the corpus, and what they say of every passage. Returns what `match` did, with the folder of the models."""
    from tasks.perplexity import fit

    key = stage.key("model", code_digest(), job.settings.digest("perplexity"), matched["key"])
    folder = job.work / "model" / key
    if not (folder / "done.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        with stage.building(folder) as hidden:
            threads = job.settings.run.workers or os.cpu_count() or 1
            fit(_index(job, parts), Path(matched["folder"]), hidden, job.settings.perplexity, threads)
    return {**matched, "model": str(folder)}


def decide(job: Job, parts: list[PartFiles], matched: dict[str, Any], sources: list[dict[str, Any]]) -> dict[str, Any]:
    """Templates, verdicts, families and all tables that are not per part. Returns the stage folder and counters."""
    from tasks.verdict_files import decide_all

    key = stage.key("decide", code_digest(), job.settings.digest(), matched["key"], job.decisions.digest)
    folder = job.work / "decide" / key
    if not (folder / "done.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        with stage.building(folder) as hidden:
            decide_all(_index(job, parts, matched["model"]), Path(matched["folder"]), hidden, job)
    counted = {name: n for name, n in matched.items() if isinstance(n, int)}
    return {
        "folder": str(folder),
        "key": key,
        "model": matched["model"],
        "sources": sources,
        "matching": counted,
        **stage.read_json(folder / "done.json"),
    }


def write(job: Job, parts: list[PartFiles], decided: dict[str, Any], staging: str, chosen: list[int]) -> dict[str, Any]:
    """Write `passages`, `removed` and `documents` of the chosen parts. Returns file information by relative path, and the
    audit of each part."""
    from tasks.finish import audit
    from tasks.store.schemas import TABLES
    from tasks.store.tables import TableWriter
    from tasks.verdict_files import part_verdicts
    from tasks.write import part_tables

    files: dict[str, dict[str, Any]] = {}
    audits = []
    for number in chosen:
        batch = stage.read_table(Path(parts[number].documents))
        verdicts = part_verdicts(Path(decided["folder"]), number)
        tables = part_tables(batch, _part(parts, number, decided["model"]), verdicts, job.rules, job.settings)
        audits.append(audit(tables[0], tables[1]))
        for name, table in zip(("passages", "removed", "documents"), tables, strict=True):
            if not len(table):
                continue  # Hugging Face `datasets` raises on a file of no rows
            path = Path(staging) / name / f"part-{number:05d}.parquet"
            path.parent.mkdir(exist_ok=True)
            order = ("source", "record") if name == "documents" else ("source", "record", "char_start")
            with TableWriter(path, TABLES[name][0], order) as writer:
                writer.write(table)
                files[f"{name}/{path.name}"] = asdict(writer.close())
    return {"files": files, "audits": audits}


def publish(
    job: Job, plan: Plan, decided: dict[str, Any], staging: str, written: list[dict[str, Any]], parts: list[PartFiles]
) -> dict[str, Any]:
    """Write the tables over all parts, prove conservation, build the report, and make the staged folder the snapshot."""
    from tasks.finish import finish

    return finish(job, plan, decided, Path(staging), written, parts)


def groups(count: int, size: int) -> list[list[int]]:
    """Numbers 0..count-1 in groups, for one task each.

    >>> groups(5, 2)
    [[0, 1], [2, 3], [4]]
    """
    return [list(range(start, min(start + size, count))) for start in range(0, count, size)]


def group_size(job: Job, count: int) -> int:
    """Parts a task: as set, or so many that every worker gets about four groups of a stage, and no stage more than 30.

    A Prefect task costs about 60 ms; groups, not parts, are what it records.
    """
    workers = job.settings.run.workers or os.cpu_count() or 1
    return job.settings.run.shard_parts or max(1, -(-count // min(30, max(8, 4 * workers))))
