"""Garbage: old snapshots, and stage files that the last run did not use.

Never removed: the snapshot that `latest` points to, one that was the latest within the grace period (its folder's time says when that
ended, so a reader who resolved `latest` has that long to finish), and the newest others as far as asked. The clock decides about
removal only, never about data. A snapshot first gets a hidden name, by one rename, and is then removed: whoever dies in between leaves
no half snapshot, and the next run or collection removes the rest. The caller holds the lock.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tasks.publish import GONE, LATEST, SNAPSHOTS, latest, leftovers, sweep
from tasks.store.files import FILES, Files, is_folder, remove_tree, storage


@dataclass(frozen=True)
class Garbage:
    """What is (to be) removed, and the bytes that no other name holds."""

    snapshots: list[Path]
    work: list[Path]
    leftovers: list[Path]
    byte_count: int


def collect(output: Path, *, keep: int, grace_hours: float, dry_run: bool = False, files: Files = FILES) -> Garbage:
    """Find garbage and, unless `dry_run`, remove it.

    keep        : snapshots kept beside the latest, the newest first.
    grace_hours : a snapshot or stage folder that was in use so recently stays.
    """
    oldest = time.time() - 3600 * grace_hours
    snapshots, work, rest = _snapshots(output, keep, oldest), _work(output, oldest), leftovers(output)
    found = Garbage(snapshots, work, rest, _size([*snapshots, *work, *rest]))
    if dry_run:
        return found
    with storage(f"collecting garbage in {output}"):
        for snapshot in snapshots:
            files.rename(snapshot, output / f"{GONE}{snapshot.name}")
        if snapshots:
            files.fsync(output / SNAPSHOTS)
        sweep(output, files)
        for folder in work:  # one that is half removed does not pass as whole (see stage.stands)
            remove_tree(folder, files)
    return found


def _snapshots(output: Path, keep: int, oldest: float) -> list[Path]:
    """Snapshots to remove. None where `latest` leads nowhere: which one is needed cannot be told then."""
    current = latest(output)
    folder = output / SNAPSHOTS
    if current is None or not folder.is_dir():
        return []
    others = [path for path in folder.iterdir() if is_folder(path) and path.name != current.name]
    others.sort(key=lambda path: (-path.stat().st_mtime, path.name))
    return sorted(path for path in others[keep:] if path.stat().st_mtime < oldest)


def _work(output: Path, oldest: float) -> list[Path]:
    """Stage folders that neither the run of the latest snapshot nor a later one used, and what dead runs left half made."""
    stages = [path for path in sorted((output / "work").glob("*")) if is_folder(path)]
    folders = [path for stage in stages for path in sorted(stage.iterdir()) if is_folder(path)]
    begun = _begun(output)
    return [
        path
        for path in folders
        if (path.name.startswith(".") and path.parent.name != "lookup")  # a lookup works without the lock
        or (begun is not None and path.stat().st_mtime < min(begun, oldest))
    ]


def _begun(output: Path) -> float | None:
    """When the run that made the latest snapshot began; None where nothing says so."""
    try:
        record = json.loads((output / LATEST / "run.json").read_bytes())
        return datetime.fromisoformat(record["started_at"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size(folders: list[Path]) -> int:
    """Bytes that removal sets free: a file that another name holds, in a snapshot that stays, is not counted."""
    names: dict[tuple[int, int], list[int]] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            about = path.lstat()
            if not path.is_dir():
                names.setdefault((about.st_dev, about.st_ino), [about.st_nlink, about.st_size]).append(1)
    return sum(about[1] for about in names.values() if len(about) - 2 >= about[0])
