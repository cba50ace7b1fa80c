"""Published files that a change did not touch: linked from the last snapshot, each read and compared first, instead of written anew.

A file of `passages`, `removed` and `documents` is determined by the parts in it, by what `decide` says of them and by the settings. A
small record under the digest of all that, in `work/write/`, says what the file was when it was last written.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tasks.errors import StorageError
from tasks.finish import audit
from tasks.index import Part
from tasks.job import Job, code_digest, packages_digest
from tasks.manifest import load
from tasks.perplexity import part_file
from tasks.publish import latest
from tasks.reasons import TEMPLATE
from tasks.stages import PartFiles, part_of
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


def write_file(job: Job, parts: list[PartFiles], decided: dict[str, Any], staging: Path, number: int, last: Last) -> dict[str, Any]:
    """Make the published file `number` of each table in DIVIDED. Returns `files`, their information by path, and `audits` of the parts."""
    folder = Path(decided["folder"])
    mine = {i: part_verdicts(folder, i) for i, part in enumerate(parts) if part.file == number}
    said = [_digest(folder, i, verdicts) for i, verdicts in mine.items()]
    measured = [_measured(Path(decided["model"]), i, verdicts) for i, verdicts in mine.items()]
    keys = [parts[i].key for i in mine]
    made = job.work / "write" / stage.key("write", code_digest(), packages_digest(), job.settings.digest(), *keys, *said, *measured)
    record = _linked(made, staging, number, last)
    if record is None:
        record = _written(job, [(part_of(parts, i, decided["model"]), verdicts) for i, verdicts in mine.items()], staging, number)
        stage.ensure(made, lambda hidden: stage.write_json(hidden / "done.json", record))
    return {"files": {f"{table}/{_name(number)}": info for table, info in record["files"].items()}, "audits": record["audits"]}


def _name(number: int) -> str:
    return f"part-{number:05d}.parquet"


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
        verdicts.line_decided,
        verdicts.ordinal_base,
    ):
        total.update(np.ascontiguousarray(array).tobytes())
    if (verdicts.line_decided >= 0).any():  # numbers of decisions mean what they say, all together
        total.update(repr((verdicts.actions, verdicts.notes)).encode())
    for i in used.tolist():
        total.update(repr((verdicts.template_names[i], verdicts.template_categories[i], verdicts.template_evidence[i])).encode())
    for name in NAMED:
        total.update((decided / f"part-{number:05d}.{name}.arrow").read_bytes())
    return total.hexdigest()


def _measured(model: Path, number: int, verdicts: PartVerdicts) -> str:
    """Digest of what the language models say of a part; of the models too, where pieces of it are still to be measured."""
    total = hashlib.sha256(part_file(model, number).read_bytes())
    if verdicts.split.any():
        total.update(_models(str(model)).encode())
    return total.hexdigest()


@lru_cache(maxsize=2)
def _models(model: str) -> str:
    total = hashlib.sha256()
    for path in sorted(path for path in Path(model).rglob("*") if path.is_file()):
        if path.name != stage.SEAL and not path.name.startswith("part-"):
            total.update(f"{path.relative_to(model)}\0{sha256_of(path)}\0".encode())
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


def _written(job: Job, parts: list[tuple[Part, PartVerdicts]], staging: Path, number: int) -> dict[str, Any]:
    """Write the tables of a file, part by part; the record of it."""
    writers: dict[str, TableWriter] = {}
    audits, infos = [], dict[str, FileInfo]()
    for part, verdicts in parts:
        tables = part_tables(stage.read_table(part.documents), part, verdicts, job.rules, job.settings)
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
