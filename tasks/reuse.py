"""Published files that a change did not touch: linked from the last snapshot, each read and compared first, instead of written anew.

A file of `passages`, `removed` and `documents` is determined by the parts in it, by what `decide` says of them and by the settings. A
small record under the digest of all that, in `work/write/`, says what the file was when it was last written.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.decide import TEMPLATE
from tasks.errors import StorageError
from tasks.finish import audit
from tasks.job import Job, code_digest, packages_digest
from tasks.manifest import load
from tasks.publish import latest
from tasks.stages import PartFiles
from tasks.store import stage
from tasks.store.files import FILES, sha256_of
from tasks.store.schemas import TABLES
from tasks.store.tables import FileInfo, TableWriter
from tasks.verdict_files import NAMED, part_verdicts
from tasks.write import PartVerdicts, part_tables

#: Tables that have a file for each group of parts.
DIVIDED = ("passages", "removed", "documents")


@dataclass(frozen=True)
class Last:
    """Files of the last snapshot by digest."""

    paths: dict[str, Path]

    @staticmethod
    def of(output: Path) -> Last:
        """Of the snapshot that `latest` points to; of none where that cannot be read."""
        snapshot = latest(output)
        try:
            tables = load(snapshot)["tables"] if snapshot else {}
        except StorageError:
            tables = {}
        return Last({entry["sha256"]: snapshot / entry["path"] for table in tables.values() for entry in table["files"] if snapshot})

    def link(self, digest: str, target: Path) -> bool:
        """Whether `target` is now a name of a file with this digest: it was read from disk, and it is what it was."""
        source = self.paths.get(digest)
        try:
            if source is None or sha256_of(source) != digest:
                return False
            FILES.link(source, target)
        except OSError:
            return False
        return True


def write_file(job: Job, parts: list[PartFiles], decided: Path, staging: Path, number: int, last: Last) -> dict[str, Any]:
    """Make the published file `number` of each table in DIVIDED. Returns `files`, their information by path, and `audits` of the parts."""
    mine = [i for i, part in enumerate(parts) if part.file == number]
    verdicts = {i: part_verdicts(decided, i) for i in mine}
    key = _key(job, [parts[i].key for i in mine], decided, verdicts)
    folder = job.work / "write" / key
    record = _linked(folder, staging, number, last)
    if record is None:
        record = _written(job, [(parts[i], verdicts[i]) for i in mine], staging, number)
        stage.ensure(folder, lambda hidden: stage.write_json(hidden / "done.json", record))
    return {"files": {f"{table}/{_name(number)}": info for table, info in record["files"].items()}, "audits": record["audits"]}


def _name(number: int) -> str:
    return f"part-{number:05d}.parquet"


def _key(job: Job, keys: list[str], decided: Path, verdicts: dict[int, PartVerdicts]) -> str:
    """Digest of all that determines a file."""
    said = [_digest(decided, number, one) for number, one in verdicts.items()]
    return stage.key("write", code_digest(), packages_digest(), job.settings.digest(), *keys, *said)


def _digest(decided: Path, number: int, verdicts: PartVerdicts) -> str:
    """Digest of what is said of a part. Templates by what they say, not by number: one that is new elsewhere shifts the numbers."""
    total = hashlib.sha256()
    line, passage = verdicts.line_reason == TEMPLATE, verdicts.reason == TEMPLATE
    used = np.unique(np.concatenate([verdicts.line_rule[line], verdicts.rule[passage]]))
    for rule, chosen in ((verdicts.line_rule, line), (verdicts.rule, passage)):
        renumbered = rule.astype(np.int64)
        renumbered[chosen] = np.searchsorted(used, rule[chosen])
        total.update(renumbered.tobytes())
    for array in (
        verdicts.reason,
        verdicts.split,
        verdicts.line_reason,
        verdicts.line_anchor,
        verdicts.line_support,
        verdicts.ordinal_base,
    ):
        total.update(np.ascontiguousarray(array).tobytes())
    for i in used.tolist():
        total.update(repr((verdicts.template_names[i], verdicts.template_categories[i], verdicts.template_evidence[i])).encode())
    for name in NAMED:
        total.update((decided / f"part-{number:05d}.{name}.arrow").read_bytes())
    return total.hexdigest()


def _linked(folder: Path, staging: Path, number: int, last: Last) -> dict[str, Any] | None:
    """The record of a file whose tables could all be linked."""
    if not stage.stands(folder):
        return None
    record: dict[str, Any] = stage.read_json(stage.ensure(folder, _never) / "done.json")
    made: list[Path] = []
    for table, info in record["files"].items():
        path = staging / table / _name(number)
        path.parent.mkdir(exist_ok=True)
        if not last.link(info["sha256"], path):
            for other in made:
                other.unlink()
            return None
        made.append(path)
    return record


def _never(_: Path) -> None:
    raise StorageError("a stage folder vanished while it was read; run again")


def _written(job: Job, parts: list[tuple[PartFiles, PartVerdicts]], staging: Path, number: int) -> dict[str, Any]:
    """Write the tables of a file, part by part; the record of it."""
    writers: dict[str, TableWriter] = {}
    audits, infos = [], dict[str, FileInfo]()
    for part, verdicts in parts:
        batch = stage.read_table(Path(part.documents))
        tables = part_tables(batch, Path(part.notes), verdicts, job.rules, job.settings)
        audits.append(audit(tables[0], tables[1]))
        for name, table in zip(DIVIDED, tables, strict=True):
            if not len(table):
                continue  # Hugging Face `datasets` raises on a file of no rows
            if name not in writers:
                path = staging / name / _name(number)
                path.parent.mkdir(exist_ok=True)
                order = ("source", "record") if name == "documents" else ("source", "record", "char_start")
                writers[name] = TableWriter(path, TABLES[name][0], order)
            writers[name].write(table)
    for name, writer in writers.items():
        infos[name] = writer.close()
    return {"files": {name: asdict(info) for name, info in infos.items()}, "audits": audits}
