"""Bytes, manifest, schemas and page checksums of a snapshot."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from tasks.errors import StorageError
from tasks.manifest import FileEntry, Manifest, covered, file_info, load, load_sums, schema_fingerprint, table_entry
from tasks.publish import SNAPSHOTS
from tasks.settings import Settings
from tasks.store.files import sha256_of
from tasks.store.schemas import SCHEMA_VERSION, TABLES
from tasks.store.tables import ROW_GROUP
from tasks.verify_problem import Problem

#: Tables that a setting adds.
OPTIONAL = frozenset({"signatures"})


def check_files(snapshot: Path, read_data: bool) -> list[Problem]:
    """Every file is there, none besides, all with the bytes and schemas that manifest.json and SHA256SUMS state."""
    try:
        sums = load_sums(snapshot)
        manifest = load(snapshot)
    except StorageError as error:
        return [Problem("manifest", str(snapshot), "readable manifest.json and SHA256SUMS", str(error))]
    problems = _sums(snapshot, sums)
    try:
        problems += _manifest(snapshot, manifest, sums)
        for name, (schema, _) in TABLES.items():
            entry = manifest["tables"].get(name)
            for file in entry["files"] if entry else []:
                problems += _file(snapshot, file, schema, read_data)
    except (KeyError, TypeError, AttributeError) as error:
        problems.append(Problem("manifest", "manifest.json", "the fields that taosha writes", f"{type(error).__name__}: {error}"))
    return problems


def _sums(snapshot: Path, sums: dict[str, str]) -> list[Problem]:
    there = set(covered(snapshot))
    problems = [Problem("missing", name, "a file named in SHA256SUMS", "nothing") for name in sorted(sums.keys() - there)]
    problems += [Problem("stray", name, "only files named in SHA256SUMS", "a file besides") for name in sorted(there - sums.keys())]
    for name in sorted(there & sums.keys()):
        try:
            found = sha256_of(snapshot / name)
        except OSError as error:
            found = str(error)
        if found != sums[name]:
            problems.append(Problem("bytes", name, f"sha256 {sums[name]}", found))
    return problems


def _manifest(snapshot: Path, manifest: Manifest, sums: dict[str, str]) -> list[Problem]:
    """The manifest agrees with SHA256SUMS, with itself and with this version's tables."""
    problems = []
    if manifest["schema_version"] != SCHEMA_VERSION:
        problems.append(Problem("schema_version", "manifest.json", str(SCHEMA_VERSION), str(manifest["schema_version"])))
    if snapshot.parent.name == SNAPSHOTS and manifest["snapshot_id"] != snapshot.name:
        problems.append(Problem("snapshot_id", "manifest.json", snapshot.name, str(manifest["snapshot_id"])))
    try:
        digest = Settings.model_validate(manifest["settings"]).digest()
    except ValidationError as error:
        digest = f"settings that this version does not know ({error.error_count()} problems)"
    if digest != manifest["settings_digest"]:
        problems.append(Problem("settings_digest", "manifest.json", manifest["settings_digest"], digest))
    named: set[str] = set()
    for name, (schema, _) in TABLES.items():
        entry = manifest["tables"].get(name)
        if entry is None:
            if name not in OPTIONAL:
                problems.append(Problem("missing", name, "a table", "no entry in manifest.json"))
            continue
        named |= {file["path"] for file in entry["files"]}
        for key, value in table_entry(schema, entry["files"]).items():
            if entry.get(key) != value:
                problems.append(Problem("manifest", f"manifest.json tables.{name}.{key}", str(value), str(entry.get(key))))
        for file in entry["files"]:
            if sums.get(file["path"]) != file["sha256"]:
                problems.append(Problem("manifest", f"manifest.json {file['path']}", f"sha256 {sums.get(file['path'])}", file["sha256"]))
    data = {path for path in sums if path.split("/")[0] in TABLES}
    problems += [Problem("stray", path, "only files named in manifest.json", "a file besides") for path in sorted(data - named)]
    return problems


def _file(snapshot: Path, entry: FileEntry, schema: pa.Schema, read_data: bool) -> list[Problem]:
    """Size, schema with descriptions, row groups, rows; with `read_data` also page checksums and the digest of the rows."""
    path, name = snapshot / entry["path"], entry["path"]
    if not path.is_file():
        return []  # said already
    problems = []
    if path.stat().st_size != entry["bytes"]:
        problems.append(Problem("bytes", name, f"{entry['bytes']} bytes", f"{path.stat().st_size} bytes"))
    try:
        with pq.ParquetFile(path) as file:
            metadata, found = file.metadata, file.schema_arrow
        if not found.equals(schema) or schema_fingerprint(found) != schema_fingerprint(schema):
            problems.append(Problem("schema", name, f"the columns of table {name.split('/')[0]}", _first_difference(found, schema)))
        if metadata.num_rows != entry["rows"]:
            problems.append(Problem("rows", name, f"{entry['rows']} rows", f"{metadata.num_rows} rows"))
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        if any(size != ROW_GROUP for size in sizes[:-1]) or any(size > ROW_GROUP for size in sizes):
            problems.append(Problem("row_groups", name, f"{ROW_GROUP} rows each but the last", str(sizes[:10])))
        if read_data:
            content = file_info(path).content
            if content != entry["content"]:
                problems.append(Problem("content", name, f"rows with digest {entry['content']}", content))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # names and descriptions in a footer are not UTF-8 any more
        problems.append(Problem("page_checksum" if "CRC" in str(error) else "readable", name, "readable Parquet", str(error)[:300]))
    return problems


def _first_difference(found: pa.Schema, expected: pa.Schema) -> str:
    for index, field in enumerate(expected):
        other = found.field(index) if index < len(found) else None
        if other is None or not other.equals(field):
            return f"{other.name} {other.type} where {field.name} {field.type} should be" if other else f"no {field.name}"
        if other.metadata != field.metadata:
            return f"another description of {field.name}"
    return f"{len(found)} columns, expected {len(expected)}"
