"""Sources to parts: find the input files, group them into cells, read each cell into batches of documents.

A *part* (an Arrow IPC file of documents) is the unit of work of every later stage. Where parts and cells begin depends only
on names and content, never on workers, so the same input gives the same files anywhere.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.decode import resolve
from tasks.errors import Quarantine, StorageError, UsageError
from tasks.readers import READERS, RECORDS
from tasks.readers.kinds import SUFFIXES, kind_of
from tasks.readers.parts import DOCUMENT_BATCH, PartWriter, Stamp, WrittenPart
from tasks.readers.source import Feed, SourceFile
from tasks.settings import Input

__all__ = ["DOCUMENT_BATCH", "SUFFIXES", "CellResult", "SourceFile", "WrittenPart", "discover", "plan_cells", "read_cell"]

#: bytes that a source counts for in planning beside its content, so that a million empty files do not become one cell.
SOURCE_OVERHEAD = 256
#: Expansion assumed of a compressed source in planning only.
TYPICAL_EXPANSION = 4


@dataclass(frozen=True)
class CellResult:
    """What reading one cell gave: part files in order, and one row of schemas.SOURCES a source, in the cell's order."""

    parts: list[WrittenPart]
    sources: list[dict[str, Any]]


# ---- discover ----------------------------------------------------------------------------------------------------------


def discover(roots: list[Path], settings: Input) -> list[SourceFile]:
    """All input files under the roots, sorted by name, the unreadable ones with a reason.

    A name is the path relative to its root with `/`; bytes that are not UTF-8 are shown as \\xNN. Hidden files and folders
    are left out. Links are never followed and special files never opened: both are listed as skipped. Names that two roots
    share get the root's name in front. A root that is a file is a source of its own. Raises UsageError for a missing root.
    """
    tops = _tops(roots)
    labels = _labels(tops)
    seen: dict[str, list[tuple[Path, SourceFile]]] = {}
    for top in tops:
        for found in [_look(top, top.name, ".", settings)] if top.is_file() else _walk(top, settings):
            seen.setdefault(found.source, []).append((top, found))
    sources = []
    for name, group in seen.items():
        if len(group) == 1:
            sources.append(group[0][1])
            continue
        for top, found in group:
            prefixed = f"{labels[top]}/{name}"
            if any(other is not found and other_top == top for other_top, other in group) or prefixed in seen:
                prefixed += "~" + hashlib.sha256(os.fsencode(found.path)).hexdigest()[:8]
            sources.append(replace(found, source=prefixed, collection=_collection(prefixed, settings)))
    return sorted(sources, key=lambda s: s.source)


def _tops(roots: Iterable[Path]) -> list[Path]:
    """Roots as real paths, without those that lie inside another."""
    real = set()
    for root in roots:
        try:
            real.add(Path(root).resolve(strict=True))
        except (OSError, RuntimeError) as error:
            raise UsageError(f"{root}: no such file or folder; name an existing one with --input") from error
    return sorted(top for top in real if not any(parent in real for parent in top.parents))


def _labels(tops: list[Path]) -> dict[Path, str]:
    """Shortest trailing part of each root's path that no other root shares."""
    for size in range(1, max((len(top.parts) for top in tops), default=1) + 1):
        labels = {top: _shown("/".join(top.parts[-size:]).lstrip("/")) for top in tops}
        if len(set(labels.values())) == len(tops):
            break
    return labels


def _walk(top: Path, settings: Input) -> Iterable[SourceFile]:
    folders = [(os.fspath(top), "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda e: os.fsencode(e.name))
        except OSError as error:
            yield SourceFile(
                _shown(prefix.rstrip("/")) or ".", Path(folder), 0, ".", skip_reason=f"folder cannot be read: {error.strerror}"
            )
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append((entry.path, name + "/"))
            else:
                yield _look(Path(entry.path), _shown(name), os.fspath(top), settings)


def _look(path: Path, name: str, top: str, settings: Input) -> SourceFile:
    """The source that a directory entry is, by its name and kind alone; nothing is opened."""
    name = _shown(name)
    collection = _collection(name, settings)
    try:
        about = path.lstat()
    except OSError as error:
        return SourceFile(name, path, 0, collection, skip_reason=f"cannot be read: {error.strerror}")
    if stat.S_ISLNK(about.st_mode):
        inside = os.path.realpath(path).startswith(os.path.join(os.path.realpath(top), ""))  # noqa: PTH118 (a prefix, not a path)
        return SourceFile(name, path, 0, collection, skip_reason=f"symbolic link{'' if inside else ' out of the input folder'}")
    if not stat.S_ISREG(about.st_mode):
        return SourceFile(name, path, 0, collection, skip_reason="not a regular file")
    kind, compression, unknown = kind_of(name)
    reason = f"no reader for {unknown}" if unknown else None
    return SourceFile(name, path, about.st_size, collection, kind, compression, reason)


def _collection(name: str, settings: Input) -> str:
    named = next((c for pattern, c in settings.collections.items() if fnmatch.fnmatchcase(name, pattern)), None)
    return named or (name.split("/", 1)[0] if "/" in name else ".")


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


# ---- plan --------------------------------------------------------------------------------------------------------------


def plan_cells(sources: list[SourceFile], part_bytes: int) -> list[list[SourceFile]]:
    """Sorted sources grouped into cells of about `part_bytes`, cut where the sources themselves say so.

    After a source a cell may end with a probability of size / part_bytes, decided by the digest of the source's name, but
    not before part_bytes / 4 and at the latest past 4 * part_bytes. Why not simply every part_bytes? Because then a source
    added at the front would move every later boundary, and each later part, output file and cached result would be new. Here
    boundaries are properties of single sources, as in content-defined chunking (Muthitacharoen et al. 2001): after an
    insertion the cells are the same again from the next boundary on that both lists respect, mostly the very next one.
    Workers and shard settings have no say.
    """
    cells: list[list[SourceFile]] = []
    cell: list[SourceFile] = []
    held = 0
    for source in sources:
        size = SOURCE_OVERHEAD + source.byte_count * (TYPICAL_EXPANSION if source.compression or source.format == "zip" else 1) * (
            source.skip_reason is None
        )
        cell.append(source)
        held += size
        lot = int.from_bytes(hashlib.sha256(source.source.encode()).digest()[:8], "big") / 2**64
        if held >= 4 * part_bytes or (4 * held >= part_bytes and lot * part_bytes < size):
            cells.append(cell)
            cell, held = [], 0
    return [*cells, cell] if cell else cells


# ---- read --------------------------------------------------------------------------------------------------------------


def read_cell(cell: list[SourceFile], settings: Input, folder: Path, part_bytes: int) -> CellResult:
    """Read the sources of a cell into `folder/part-000.arrow`, ... and say what became of each.

    Memory is bounded by the parts, whatever the size of a source. A source that turns out bad in the middle leaves no row
    behind (the parts it reached into are taken back). No input raises: it is quarantined, skipped or marked needs_review
    with a reason. Writing that fails raises StorageError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = PartWriter(folder, part_bytes)
    rows = [_read(source, settings, writer) for source in cell]
    return CellResult(writer.close(), rows)


def _read(source: SourceFile, settings: Input, writer: PartWriter) -> dict[str, Any]:
    """Row of the sources table for one source; its documents go to the writer."""
    row: dict[str, Any] = {
        "source": source.source, "collection": source.collection, "byte_count": source.byte_count, "sha256": None,
        "format": source.format, "encoding": None, "encoding_how": None, "record_count": 0, "char_count": 0,
        "not_carried": [], "status": "skipped", "error": source.skip_reason,
    }  # fmt: skip
    if source.skip_reason is not None:
        return row
    if source.byte_count > settings.max_source_bytes:
        detail = f"{source.byte_count} bytes, input.max_source_bytes allows {settings.max_source_bytes}"
        return {**row, "status": "quarantined", "error": f"too_large: {detail}"}
    try:
        try:
            return row | _attempt(Feed(source, settings), writer)
        except UnicodeError:  # the head looked like UTF-8, the rest is not
            with Feed(source, settings) as opened:
                encoding = resolve(opened.again, source.format == "html")
            return row | _attempt(Feed(source, settings, encoding), writer)
    except StorageError:
        raise
    except Quarantine as problem:
        error = str(problem)
    except Exception as problem:  # whatever an input does to a reader, the run goes on and the input is named
        error = f"reader_failed: {type(problem).__name__}"
    return row | {"status": "quarantined", "error": error, **_digest(source, settings)}


def _attempt(feed: Feed, writer: PartWriter) -> dict[str, Any]:
    """Read one source with the encoding that `feed` has or finds; what changes in its row. Leaves no row behind when it raises."""
    source, notes = feed.source, feed.notes
    kind = source.format or ""
    stamp = Stamp(source.source, source.collection, kind)
    feed.scratch = writer.folder
    with feed:
        writer.begin(stamp, lambda: feed.digest())
        try:
            for piece in READERS[kind](feed):
                stamp.encoding = feed.encoding.name if feed.encoding else None
                writer.add(piece)
            error = notes.judge(*RECORDS[kind]) if kind in RECORDS else None
            sha256 = feed.finish()
            if stamp.sha256 not in (None, sha256):
                raise Quarantine("changed_while_reading", "the bytes differ between two readings")
            documents, visible = writer.commit(sha256)
        except BaseException:
            writer.rollback()
            raise
        status = "needs_review" if error else "ok"
        if not visible and not error:
            writer.rollback()
            documents, status, error = 0, "skipped", "empty"
    return {
        "byte_count": feed.byte_count, "sha256": sha256, "record_count": documents, "char_count": visible, "status": status, "error": error,
        "encoding": feed.encoding.name if feed.encoding else None, "encoding_how": feed.encoding.how if feed.encoding else None,
        "not_carried": [{"what": what, "count": count} for what, count in sorted(notes.not_carried.items())],
    }  # fmt: skip


def _digest(source: SourceFile, settings: Input) -> dict[str, Any]:
    """Digest and size of a source that could not be used; nothing when it cannot even be read through."""
    try:
        with Feed(source, settings) as feed:
            return {"sha256": feed.finish(), "byte_count": feed.byte_count}
    except Quarantine:
        return {}
