"""What a snapshot is made of: its id, `manifest.json` and `SHA256SUMS`. No clock, no host, no history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import StorageError
from tasks.settings import Settings
from tasks.store.content import ContentDigest
from tasks.store.files import FILES, Files, sha256_of, storage, walk
from tasks.store.schemas import SCHEMA_VERSION, TABLES
from tasks.store.tables import ROW_GROUP, FileInfo

MANIFEST, SUMS, CARD = "manifest.json", "SHA256SUMS", "README.md"
#: In the snapshot folder, but about the run and not the data: may differ between equal snapshots.
OUTSIDE = ("run.json", "report/")


class FileEntry(TypedDict):
    """One data file in the manifest."""

    path: str
    rows: int
    bytes: int
    sha256: str
    content: str


class TableEntry(TypedDict):
    """One table in the manifest. `content_digest` is independent of encoder and compression."""

    rows: int
    bytes: int
    schema: str
    content_digest: str
    files: list[FileEntry]


class Manifest(TypedDict):
    """manifest.json. `decisions`: what a reviewer's decisions did (`reviewed.replay`); `made_by`: digests of rules, decisions, code and packages."""

    schema_version: int
    pipeline_version: str
    snapshot_id: str
    settings: dict[str, Any]
    settings_digest: str
    inputs_digest: str
    input_count: int
    tables: dict[str, TableEntry]
    matching: dict[str, int]
    decisions: dict[str, Any]
    made_by: dict[str, str]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def inputs_digest(inputs: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over the sorted (source, sha256 of its bytes); the order given does not matter."""
    return _digest(sorted(inputs))


def snapshot_id(
    inputs: Iterable[tuple[str, str]], settings: Settings, rules_digest: str, version: str, lock_digest: str, decisions_digest: str = ""
) -> str:
    """16 hex digits that name everything which decides the published bytes; run settings (workers) are not among it.

    inputs : (source, sha256 of its bytes) of every input, in any order; an unreadable one with an empty digest.
    """
    parts = {
        "schema_version": SCHEMA_VERSION,
        "inputs": inputs_digest(inputs),
        "settings": settings.digest(),
        "rules": rules_digest,
        "decisions": decisions_digest,
        "version": version,
        "lock": lock_digest,
    }
    return _digest(parts)[:16]


def schema_fingerprint(schema: pa.Schema) -> str:
    """SHA-256 over names, types and descriptions: changes whenever a reader could notice."""
    # Parquet calls a list's child `element`, Arrow `item`; both mean the same.
    fields = [
        (f.name, str(f.type).replace("list<element:", "list<item:"), (f.metadata or {}).get(b"description", b"").decode()) for f in schema
    ]
    return _digest(fields)


def file_info(path: Path, files: Files = FILES) -> FileInfo:
    """Information on a table file that is on disk already (a linked or cached one)."""
    content = ContentDigest()
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        rows = file.metadata.num_rows
        for group in range(file.num_row_groups):
            content.update(file.read_row_group(group))
        if not file.num_row_groups:  # as a writer digests an empty table
            content.update(file.schema_arrow.empty_table())
    return FileInfo(rows, path.stat().st_size, sha256_of(path, files), content.hexdigest())


def build(
    staging: Path,
    *,
    snapshot: str,
    settings: Settings,
    inputs: Iterable[tuple[str, str]],
    version: str,
    infos: Mapping[str, FileInfo],
    matching: Mapping[str, int] | None = None,
    files: Files = FILES,
) -> Manifest:
    """Manifest of the table files in `staging`.


    infos : what each TableWriter returned, by path relative to `staging` (`passages/part-00000.parquet`). A file without
            one is read and digested, which is slower and takes the disk at its word.
    matching : what the search for duplicates counted (see `match.COUNTERS`).
    """
    inputs = list(inputs)
    tables: dict[str, TableEntry] = {}
    for name, (schema, _) in TABLES.items():
        folder = staging / name
        entries: list[FileEntry] = []
        for path in sorted(folder.glob("*.parquet")):
            relative = f"{name}/{path.name}"
            with storage(f"reading {relative}"):
                info = infos.get(relative) or file_info(path, files)
            entries.append(FileEntry(path=relative, rows=info.rows, bytes=info.bytes, sha256=info.sha256, content=info.content))
        if entries:
            tables[name] = table_entry(schema, entries)
    return Manifest(
        schema_version=SCHEMA_VERSION,
        pipeline_version=version,
        snapshot_id=snapshot,
        settings=settings.values(),
        settings_digest=settings.digest(),
        inputs_digest=inputs_digest(inputs),
        input_count=len(inputs),
        tables=tables,
        matching=dict(sorted((matching or {}).items())),
        decisions={},
        made_by={},
    )


def table_entry(schema: pa.Schema, entries: list[FileEntry]) -> TableEntry:
    """Sums over a table's files, which are in name order.

    `content_digest` is SHA-256 over the digests of the files' rows, each over row groups of ROW_GROUP rows.
    """
    return TableEntry(
        rows=sum(entry["rows"] for entry in entries),
        bytes=sum(entry["bytes"] for entry in entries),
        schema=schema_fingerprint(schema),
        content_digest=_digest([ROW_GROUP, *(entry["content"] for entry in entries)]),
        files=entries,
    )


def encode(manifest: Manifest) -> bytes:
    """Bytes of manifest.json: sorted keys, two spaces, a final line break."""
    return (json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def load(snapshot: Path) -> Manifest:
    """Manifest of a snapshot folder. Raises StorageError when it is missing or is not one."""
    path = snapshot / MANIFEST
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from error
    if not isinstance(value, dict) or not isinstance(value.get("tables"), dict) or "snapshot_id" not in value:
        raise StorageError(f"{path}: is not a taosha manifest (expected an object with `snapshot_id` and `tables`)")
    manifest: Manifest = value  # type: ignore[assignment]
    return manifest


def covered(folder: Path) -> list[str]:
    """Relative paths that SHA256SUMS must name: every file but itself, run.json and report/."""
    return [name for name in walk(folder)[0] if name != SUMS and not name.startswith(OUTSIDE)]


def encode_sums(digests: Mapping[str, str]) -> bytes:
    """SHA256SUMS as `sha256sum -c` reads it, sorted by path."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def load_sums(snapshot: Path) -> dict[str, str]:
    """Digest by relative path. Raises StorageError when the file is missing or a line is not `<64 hex>  <path>`."""
    path = snapshot / SUMS
    digests: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, 1):
        digest, gap, name = line.partition("  ")
        if not gap or len(digest) != 64 or not name:
            raise StorageError(f"{path}:{number}: expected `<64 hex digits>  <path>`, found {line[:100]!r}")
        digests[name] = digest
    return digests
