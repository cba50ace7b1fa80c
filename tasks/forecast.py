"""What a run would recompute, and why: the sources and settings that changed since the last snapshot, and the stage files that stand.

It looks where the stages look, under the same names, so it is right as long as nothing changes before the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks import stages
from tasks.errors import StorageError
from tasks.job import Job
from tasks.manifest import load
from tasks.minhash import detection_probability
from tasks.publish import SNAPSHOTS, damages, latest
from tasks.settings import DATA_SECTIONS, NOT_DATA
from tasks.stage_settings import first_stage
from tasks.stages import PartFiles, Plan
from tasks.store import stage
from tasks.store.tables import read_table

#: Names of changed sources that are told of each kind.
_NAMED = 5


@dataclass(frozen=True)
class Changes:
    """Sources by what became of them since the last snapshot (`renamed` as old name, new name), and settings as `section.field: old -> new`."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.deleted or self.renamed or self.settings)


@dataclass(frozen=True)
class Forecast:
    """What a run would do.

    read, annotate : numbers of the cells that are to be read; of those of which a part or more is to be annotated.
    match, model, decide : whether these run.
    changes        : None where there is no snapshot to compare with.
    """

    job: Job
    plan: Plan
    last: Path | None
    standing: bool
    read: list[int]
    annotate: list[int]
    match: bool
    model: bool
    decide: bool
    changes: Changes | None


def forecast(job: Job) -> Forecast:
    """Look at sources, settings and stage files; nothing is written."""
    plan = stages.discover(job)
    output = Path(job.output)
    last = latest(output)
    there = output / SNAPSHOTS / plan.snapshot
    standing = there.is_dir() and not damages(there)
    folders = [stages.cell_folder(job, plan, cell) for cell in range(len(plan.cells))]
    read = [cell for cell, folder in enumerate(folders) if not stage.stands(folder)]
    parts = {cell: stages.cell_parts(folder) for cell, folder in enumerate(folders) if cell not in set(read)}
    annotate = [cell for cell in range(len(folders)) if cell not in parts or not all(_noted(job, part) for part in parts[cell])]
    matched = None if annotate else stages.match_folder(job, [stages.notes_folder(job, p).name for cell in parts.values() for p in cell])
    match = matched is None or not stage.stands(matched)
    model, decide = (
        matched is None or not stage.stands(folder(job, matched.name)) for folder in (stages.model_folder, stages.decide_folder)
    )
    changes = _changes(job, plan, last) if last else None
    return Forecast(job, plan, last, standing, read, annotate, match, match or model, match or model or decide, changes)


def _noted(job: Job, part: PartFiles) -> bool:
    return stage.stands(stages.notes_folder(job, part))


def _changes(job: Job, plan: Plan, last: Path) -> Changes | None:
    """What differs from the last snapshot; None where that cannot be read."""
    try:
        before = {row["source"]: row["sha256"] or "" for row in read_table(last, "sources", ["source", "sha256"]).to_pylist()}
        settings = load(last)["settings"]
    except StorageError:
        return None
    now = dict(plan.inputs)
    gone, came = sorted(before.keys() - now.keys()), sorted(now.keys() - before.keys())
    by_digest: dict[str, list[str]] = {}
    for name in came:
        by_digest.setdefault(now[name], []).append(name)
    renamed = []
    for name in gone:
        if before[name] and by_digest.get(before[name]):
            renamed.append((name, by_digest[before[name]].pop(0)))
    old, new = {pair[0] for pair in renamed}, {pair[1] for pair in renamed}
    return Changes(
        [name for name in came if name not in new],
        sorted(name for name in before.keys() & now.keys() if before[name] != now[name] and now[name]),
        [name for name in gone if name not in old],
        renamed,
        _settings(settings, job.settings.model_dump(mode="json")),
    )


def _settings(before: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Fields that affect data and differ."""
    return {
        f"{section}.{name}": (before.get(section, {}).get(name), value)
        for section in DATA_SECTIONS
        for name, value in now[section].items()
        if (section, name) not in NOT_DATA and before.get(section, {}).get(name) != value
    }


def lines(found: Forecast) -> list[str]:
    """The forecast for a person."""
    plan, job = found.plan, found.job
    skipped = sum(source.skip_reason is not None for source in plan.sources)
    told = [
        f"sources   {len(plan.sources):,} ({skipped:,} to be skipped), {plan.byte_count:,} bytes in {len(plan.cells):,} cells",
        f"snapshot  {plan.snapshot}",
        *_why(found),
    ]
    if found.standing:
        return [*told, "to read   0 cells, 0 sources", "nothing changed: this snapshot stands"]
    return [
        *told,
        f"to read   {len(found.read):,} cells, {sum(len(plan.cells[c]) for c in found.read):,} sources",
        f"annotate  {len(found.annotate):,} cells",
        f"match     {'again' if found.match else 'stands'}",
        f"model     {'again' if found.model else 'stands'}",
        f"decide    {'again' if found.decide else 'stands'}",
        "write     files whose rows change; the others are linked from the last snapshot",
        _matching(job),
    ]


def _why(found: Forecast) -> list[str]:
    """Lines on what changed."""
    changes = found.changes
    if changes is None:
        return ["because   there is no last snapshot"]
    kinds = {
        "new": changes.new,
        "changed": changes.changed,
        "deleted": changes.deleted,
        "renamed": [f"{old} -> {new}" for old, new in changes.renamed],
    }
    told = [
        f"{kind:<8}  {len(names):,}: {', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''}"
        for kind, names in kinds.items()
        if names
    ]
    told += [f"setting   {name} = {new!r}, was {old!r}: touches {first_stage(name)}" for name, (old, new) in changes.settings.items()]
    if not changes and not found.standing:
        told.append("because   code, rules, decisions or packages changed since the last snapshot, or it is damaged")
    return told


def _matching(job: Job) -> str:
    matching = job.settings.matching
    if job.settings.dedup.method == "exact":
        return f"matching  exact join: every pair at {matching.report_threshold} and above is found"
    curve = ", ".join(f"{detection_probability(s, matching):.4f} at {s}" for s in (0.5, 0.6, 0.7, 0.8))
    return f"matching  {matching.bands} bands of {matching.rows} find this share of pairs by similarity: {curve}"
