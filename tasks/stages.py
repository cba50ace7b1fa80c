"""The stages as functions over files: plain arguments in, small records out. Engines call these; nothing here knows which one.

    discover -> read -> annotate -> match -> model -> decide -> write -> publish

Each looks first whether its files stand already, under a name made of everything that determines them.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.job import Job, code_digest, packages_digest
from tasks.manifest import snapshot_id
from tasks.readers.source import SourceFile
from tasks.stage_settings import digest
from tasks.store import stage
from tasks.version import VERSION

#: Times that a cell is read in which a source changes meanwhile.
_READINGS = 3
#: Cells to a published file: what a change makes anew is a cell, not a file. Below the least size the fixed cost of a cell shows.
CELLS_A_FILE, LEAST_CELL = 16, 1 << 16


@dataclass(frozen=True)
class Plan:
    """What discovery found: sources in published order with their digests, cells as lists of their numbers, and the group that each
    cell is of: the cells of one group make one published file, or several."""

    sources: list[SourceFile]
    digests: list[str]
    cells: list[list[int]]
    groups: list[int]
    snapshot: str

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """(source, digest) of every input."""
        return [(source.source, digest) for source, digest in zip(self.sources, self.digests, strict=True)]

    @property
    def byte_count(self) -> int:
        """Bytes of all inputs."""
        return sum(source.byte_count for source in self.sources)


class _Changed(Exception):  # noqa: N818 (no error: it never leaves this module)
    """A source had other bytes when it was read than when it was found. `digests` : of all sources, as far as they are known now."""

    def __init__(self, source: int, digests: list[str]) -> None:
        super().__init__(source)
        self.source, self.digests = source, digests


@dataclass(frozen=True)
class PartFiles:
    """One part: its documents, and its notes once annotated; its size, and the number of the published file that it goes into."""

    documents: str
    notes: str = ""
    key: str = ""
    byte_count: int = 0
    file: int = 0


def discover(job: Job) -> Plan:
    """Find and digest all sources, and group them into cells."""
    from tasks.ingest import discover as find
    from tasks.ingest import plan_cells

    settings = job.settings
    sources = find([Path(root) for root in job.inputs], settings.input)
    digests = [_digest(source) for source in sources]
    number = {source.source: i for i, source in enumerate(sources)}
    files = plan_cells(sources, settings.publish.part_bytes)
    least = min(settings.publish.part_bytes, max(LEAST_CELL, settings.publish.part_bytes // CELLS_A_FILE))
    found = [(group, [number[s.source] for s in cell]) for group, file in enumerate(files) for cell in plan_cells(file, least)]
    cells, groups = [cell for _, cell in found], [group for group, _ in found]
    return Plan(sources, digests, cells, groups, _identity(job, sources, digests))


def _identity(job: Job, sources: list[SourceFile], digests: list[str]) -> str:
    """The snapshot's id."""
    inputs = zip((source.source for source in sources), digests, strict=True)
    code = f"{VERSION}+{code_digest()}"
    return snapshot_id(inputs, job.settings, job.rules.digest, code, packages_digest(), job.decisions.digest)


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
    return [_read_cell(job, plan, cell) for cell in cells]


def cell_folder(job: Job, plan: Plan, cell: int) -> Path:
    """Where a cell is read to, by this code with these settings."""
    settings = job.settings
    chosen = [(plan.sources[i], plan.digests[i]) for i in plan.cells[cell]]
    names = [f"{s.source}\0{s.collection}\0{s.skip_reason or ''}\0{sha256}" for s, sha256 in chosen]
    own = digest(settings, "read"), str(settings.publish.part_bytes)
    return job.work / "read" / stage.key("read", code_digest(), packages_digest(), *own, *names)


def _read_cell(job: Job, plan: Plan, cell: int) -> dict[str, Any]:
    """Read a cell, anew when a source turned out to have other bytes than when it was found; one that never rests is left out."""
    for _ in range(_READINGS):
        try:
            folder = stage.ensure(cell_folder(job, plan, cell), lambda hidden, plan=plan: _read_into(hidden, job, plan, cell))  # type: ignore[misc]
            break
        except _Changed as found:
            plan = replace(plan, digests=found.digests)
            restless = found.source
    else:
        source = replace(plan.sources[restless], skip_reason="changed while it was read")
        sources, digests = list(plan.sources), list(plan.digests)
        sources[restless], digests[restless] = source, ""
        return _read_cell(job, replace(plan, sources=sources, digests=digests), cell)
    found_out = {i: (plan.sources[i], plan.digests[i]) for i in plan.cells[cell]}
    rows = stage.read_json(folder / "cell.json")["sources"]
    return {"parts": cell_parts(folder), "sources": rows, "group": plan.groups[cell], "inputs": found_out}


def _read_into(hidden: Path, job: Job, plan: Plan, cell: int) -> None:
    from tasks.ingest import read_cell

    numbers, settings = plan.cells[cell], job.settings
    result = read_cell([plan.sources[i] for i in numbers], settings.input, hidden, settings.publish.part_bytes)
    for i, row in zip(numbers, result.sources, strict=True):
        now = (row["sha256"] or _digest(plan.sources[i])) if plan.digests[i] else ""
        if now != plan.digests[i]:
            raise _Changed(i, [*plan.digests[:i], now, *plan.digests[i + 1 :]])
    parts = [[part.path.name, part.text_bytes] for part in result.parts]
    stage.write_json(hidden / "cell.json", {"parts": parts, "sources": result.sources})


def settled(job: Job, plan: Plan, cells: list[dict[str, Any]]) -> Plan:
    """The plan with what was read in the place of what was found: a snapshot is named by the bytes that are in it."""
    read = {i: found for cell in cells for i, found in cell["inputs"].items()}
    sources, digests = ([read[i][side] for i in range(len(plan.sources))] for side in (0, 1))
    if digests == plan.digests:
        return plan
    return replace(plan, sources=sources, digests=digests, snapshot=_identity(job, sources, digests))


def cell_parts(folder: Path) -> list[PartFiles]:
    """Parts of a cell that was read."""
    parts = stage.read_json(folder / "cell.json")["parts"]
    return [PartFiles(str(folder / name), key=stage.key(folder.name, name), byte_count=size) for name, size in parts]


def in_files(job: Job, cells: list[dict[str, Any]]) -> list[PartFiles]:
    """Parts of all cells, in order, each with the number of the published file that it goes into."""
    parts: list[PartFiles] = []
    number, group, held = -1, -1, 0
    for cell in cells:
        for part in cell["parts"]:
            if cell["group"] != group or held >= job.settings.publish.part_bytes:
                number, group, held = number + 1, cell["group"], 0
            held += part.byte_count
            parts.append(replace(part, file=number))
    return parts


def file_count(parts: list[PartFiles]) -> int:
    """Published files of a table that has a file a part."""
    return parts[-1].file + 1 if parts else 0


def annotate(job: Job, parts: list[PartFiles]) -> list[PartFiles]:
    """Annotate parts; see `tasks.annotate`."""
    return [_annotate_part(job, part) for part in parts]


def notes_folder(job: Job, part: PartFiles) -> Path:
    """Where the notes of a part are, by this code with these settings and rules."""
    own = digest(job.settings, "annotate"), job.rules.digest
    return job.work / "annotate" / stage.key("annotate", code_digest(), packages_digest(), *own, part.key)


def _annotate_part(job: Job, part: PartFiles) -> PartFiles:
    from tasks.annotate import annotate as annotate_part

    def build(hidden: Path) -> None:
        annotate_part(stage.read_table(Path(part.documents)), hidden, job.settings, job.rules)

    folder = stage.ensure(notes_folder(job, part), build)
    return replace(part, notes=str(folder), key=folder.name)


def part_of(parts: list[PartFiles], number: int, model: str = "") -> Any:
    """Where the files of a part are, with what the models in a folder say of it."""
    from tasks.index import Part
    from tasks.perplexity import part_file

    measured = part_file(Path(model), number) if model else None
    return Part(Path(parts[number].documents), Path(parts[number].notes), measured)


def _index(job: Job, parts: list[PartFiles], model: str = "") -> Any:
    from tasks.index import build

    return build([part_of(parts, number, model) for number in range(len(parts))], job.settings)


def match_folder(job: Job, keys: list[str]) -> Path:
    """Where `match` puts what it finds among parts of these keys."""
    return job.work / "match" / stage.key("match", code_digest(), digest(job.settings, "match"), *keys)


def decide_folder(job: Job, matched: str) -> Path:
    """Where `decide` puts its verdicts, after what `match` named so."""
    return job.work / "decide" / stage.key("decide", code_digest(), digest(job.settings, "decide"), matched, job.decisions.digest)


def match(job: Job, parts: list[PartFiles]) -> dict[str, Any]:
    """Fold classes and verified pairs over all parts. Returns the stage folder and counters."""
    from tasks.match import match as match_all
    from tasks.memory import Memory

    settings, threads = job.settings, job.settings.run.workers or os.cpu_count() or 1

    def build(hidden: Path) -> None:
        index = _index(job, parts)
        same = stage.key(code_digest(), digest(settings, "match"))
        memory = Memory.of(job.work / "match", same, [part.key for part in parts], index.passage_base)
        match_all(index, hidden, settings.matching, settings.dedup.method, threads, memory)

    folder = stage.ensure(match_folder(job, [part.key for part in parts]), build)
    return {"folder": str(folder), "key": folder.name, **stage.read_json(folder / "done.json")}


def model_folder(job: Job, matched: str) -> Path:
    """Where `model` puts its language models, after what `match` named so."""
    return job.work / "model" / stage.key("model", code_digest(), digest(job.settings, "model"), matched)


def model(job: Job, parts: list[PartFiles], matched: dict[str, Any]) -> dict[str, Any]:
    """Language models of the corpus, and what they say of every passage. Returns what `match` did, with the folder of the models."""
    from tasks.perplexity import fit

    threads = job.settings.run.workers or os.cpu_count() or 1
    folder = stage.ensure(
        model_folder(job, matched["key"]),
        lambda hidden: fit(_index(job, parts), Path(matched["folder"]), hidden, job.settings.perplexity, threads),
    )
    return {**matched, "model": str(folder)}


def decide(job: Job, parts: list[PartFiles], matched: dict[str, Any], sources: list[dict[str, Any]]) -> dict[str, Any]:
    """Templates, verdicts, families and all tables that are not per part. Returns the stage folder and counters."""
    from tasks.verdict_files import decide_all

    folder = stage.ensure(
        decide_folder(job, matched["key"]),
        lambda hidden: decide_all(_index(job, parts, matched["model"]), Path(matched["folder"]), hidden, job),
    )
    counted = {name: n for name, n in matched.items() if isinstance(n, int)}
    return {
        "folder": str(folder),
        "key": folder.name,
        "model": matched["model"],
        "sources": sources,
        "matching": counted,
        **stage.read_json(folder / "done.json"),
    }


def write(job: Job, parts: list[PartFiles], decided: dict[str, Any], staging: str, chosen: list[int]) -> dict[str, Any]:
    """Write `passages`, `removed` and `documents` of the chosen files, or link those of the last snapshot where they would be the same.

    Returns file information by relative path, and the audit of each part.
    """
    from tasks.reuse import Last, write_file

    last = Last.of(Path(job.output))
    written = [write_file(job, parts, decided, Path(staging), number, last) for number in chosen]
    return {
        "files": {path: info for one in written for path, info in one["files"].items()},
        "audits": [a for one in written for a in one["audits"]],
    }


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
