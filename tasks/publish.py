"""A snapshot becomes visible in one step, and only after its bytes have been read back from the disk.

    staging()                 .staging-<id>/ beside snapshots/, empty; leftovers of dead runs are swept
    (stages write tables, report/ and run.json into it, nothing else)
    hard_link_unchanged()     files equal to the last snapshot's become links to them
    publish()                 dataset card, manifest, SHA256SUMS > fsync files > read every file back > fsync folders
                              > rename to snapshots/<id> > fsync > swap `latest` by rename > fsync

Until the rename a reader sees the old snapshot, from the swap of `latest` on the new one. When the very last fsync fails,
the new snapshot is visible and the run still ends with 74: the next run finds the snapshot intact and says so.
Only the holder of the lock (tasks/lock.py) may call these.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.card import render
from tasks.errors import StorageError
from tasks.manifest import CARD, MANIFEST, OUTSIDE, SUMS, Manifest, covered, encode, encode_sums, load, load_sums
from tasks.store.files import FILES, Files, is_folder, remove_tree, sha256_of, storage, walk, write_file

SNAPSHOTS, LATEST = "snapshots", "latest"
_STAGING, _ASIDE, _LINK, GONE = ".staging-", ".damaged-", ".latest-", ".gone-"


@dataclass(frozen=True)
class Published:
    """Where the snapshot stands. `new` is False when an intact one of the same id stood there already."""

    snapshot: Path
    new: bool
    repaired: bool = False


def staging(output: Path, snapshot: str, files: Files = FILES) -> Path:
    """New empty folder to build a snapshot in; what dead runs left behind is removed first."""
    with storage(f"preparing {output}"):
        files.mkdir(output / SNAPSHOTS)
        sweep(output, files)
        folder = output / f"{_STAGING}{snapshot}"
        files.mkdir(folder)
    return folder


def leftovers(output: Path) -> list[Path]:
    """What dead runs left: staging folders, snapshots set aside or half removed, unfinished links."""
    there = sorted(output.iterdir()) if output.is_dir() else []
    return [path for path in there if path.name.startswith((_STAGING, _ASIDE, _LINK, GONE))]


def sweep(output: Path, files: Files = FILES) -> None:
    """Remove the leftovers. The caller holds the lock, so none is in use."""
    for path in leftovers(output):
        if is_folder(path):
            remove_tree(path, files)
        else:
            files.unlink(path)


def latest(output: Path) -> Path | None:
    """Folder that `latest` points to, resolved once; None when there is none or it points nowhere."""
    link = output / LATEST
    return link.resolve() if link.is_symlink() and (link / MANIFEST).is_file() else None


def damages(snapshot: Path, files: Files = FILES) -> list[str]:
    """What is wrong with the bytes of a snapshot folder: files missing, stray or different from SHA256SUMS. Empty = intact."""
    try:
        expected = load_sums(snapshot)
        load(snapshot)
    except StorageError as error:
        return [str(error)]
    there = set(covered(snapshot))
    found = [f"{name}: missing" for name in sorted(expected.keys() - there)]
    found += [f"{name}: not in {SUMS}" for name in sorted(there - expected.keys())]
    for name in sorted(there & expected.keys()):
        try:
            digest = sha256_of(snapshot / name, files)
        except OSError as error:
            found.append(f"{name}: {error}")
            continue
        if digest != expected[name]:
            found.append(f"{name}: sha256 {digest[:16]}..., expected {expected[name][:16]}...")
    return found


def existing(output: Path, snapshot: str, files: Files = FILES) -> Published | None:
    """The snapshot of this id if it stands intact on disk; `latest` then points to it. None when it must be built.

    A run asks this before it does any work: the same inputs, settings and version need no second run.
    """
    target = output / SNAPSHOTS / snapshot
    if not is_folder(target) or damages(target, files):
        return None
    with storage(f"publishing {target.name}"):
        # A run that died between rename and fsync is finished here, so that exit 0 always means durable.
        files.fsync(target.parent)
        _point(output, snapshot, files)
    return Published(target, new=False)


def hard_link_unchanged(folder: Path, previous: Path | None, manifest: Manifest, files: Files = FILES) -> list[str]:
    """Replace table files in `folder` by links to equal ones of the last snapshot; returns their paths.

    The old file is read first: a damaged one is never linked. Where the system cannot link (other device, too many
    links), the own file stays.
    """
    if previous is None:
        return []
    try:
        old = load(previous)
    except StorageError:
        return []
    wanted = {entry["path"]: entry["sha256"] for table in manifest["tables"].values() for entry in table["files"]}
    known = {entry["sha256"]: entry["path"] for table in old["tables"].values() for entry in table["files"]}
    linked = []
    spare = folder / ".link"
    for path, digest in sorted(wanted.items()):
        source = previous / known.get(digest, "")
        if digest not in known:
            continue
        try:
            if (folder / path).samefile(source):  # linked, and read, when the tables were written
                linked.append(path)
                continue
            if sha256_of(source, files) != digest:
                continue
            files.link(source, spare)
        except OSError:
            continue
        with storage(f"linking {path}"):
            files.rename(spare, folder / path)
        linked.append(path)
    return linked


def publish(output: Path, folder: Path, manifest: Manifest, files: Files = FILES) -> Published:
    """Make the staged `folder` the snapshot manifest["snapshot_id"] and point `latest` to it.

    Raises StorageError when the disk fails, is full, or gives back other bytes than were written; the last snapshot then
    stands as it did and the staging folder is removed.
    """
    try:
        with storage(f"publishing {manifest['snapshot_id']}"):
            return _publish(output, folder, manifest, files)
    except StorageError:
        with contextlib.suppress(OSError):
            remove_tree(folder, files)
        raise


def _publish(output: Path, folder: Path, manifest: Manifest, files: Files) -> Published:
    snapshot = manifest["snapshot_id"]
    target = output / SNAPSHOTS / snapshot
    standing = existing(output, snapshot, files)
    if standing is not None:
        remove_tree(folder, files)
        return standing
    digests = _seal(folder, manifest, files)
    _read_back(folder, digests, files)
    for path in walk(folder)[1]:
        files.fsync(path)
    repaired = is_folder(target)
    if repaired:
        _replace_damaged(output, folder, target, files)
    else:
        files.rename(folder, target)
    files.fsync(target.parent)
    _point(output, snapshot, files)
    if repaired:
        sweep(output, files)
    return Published(target, new=True, repaired=repaired)


def _seal(folder: Path, manifest: Manifest, files: Files) -> dict[str, str]:
    """Write card, manifest and sums, make every file durable; the digest that each file must have on disk.

    No digest is taken from the disk: each is of the bytes that were meant to be written.
    """
    digests = {entry["path"]: entry["sha256"] for table in manifest["tables"].values() for entry in table["files"]}
    there = {name for name in walk(folder)[0] if not name.startswith(OUTSIDE)} - {CARD, MANIFEST, SUMS}
    for name in sorted(there ^ digests.keys()):
        found = (
            "stands in the staging folder but not in the manifest" if name in there else "is in the manifest but not in the staging folder"
        )
        raise StorageError(f"{name}: {found}; nothing is published")
    for name in (CARD, MANIFEST, SUMS):
        files.unlink(folder / name)  # a draft that the report was made from
    digests[CARD] = write_file(folder / CARD, render(manifest).encode(), files)
    digests[MANIFEST] = write_file(folder / MANIFEST, encode(manifest), files)
    sums = write_file(folder / SUMS, encode_sums(digests), files)
    for name in walk(folder)[0]:
        files.fsync(folder / name)
    return {**digests, SUMS: sums}


def _read_back(folder: Path, digests: Mapping[str, str], files: Files) -> None:
    """Only this notices a disk that reports success and stores something else (measured: a write that lies goes through fsync)."""
    for name, digest in sorted(digests.items()):
        found = sha256_of(folder / name, files)
        if found != digest:
            raise StorageError(
                f"{name}: the disk gave back other bytes than were written (sha256 {found[:16]}..., expected {digest[:16]}...)"
            )


def _replace_damaged(output: Path, folder: Path, target: Path, files: Files) -> None:
    """Put `folder` where a damaged snapshot stands, which goes aside and is swept later."""
    aside = output / f"{_ASIDE}{target.name}"
    if files.exchange(folder, target):
        files.rename(folder, aside)
        return
    files.rename(target, aside)
    files.rename(folder, target)


def _point(output: Path, snapshot: str, files: Files) -> None:
    """Let `latest` point to the snapshot, by a rename over the old link."""
    link, goal = output / LATEST, f"{SNAPSHOTS}/{snapshot}"
    if not (link.is_symlink() and os.readlink(link) == goal):  # noqa: PTH115 (Path.readlink would normalize the text compared)
        if (old := latest(output)) is not None:
            files.touch(old)  # it was the latest until now: `tasks.gc` counts its grace period from here
        spare = output / f"{_LINK}{snapshot}"
        files.unlink(spare)
        files.symlink(goal, spare)
        files.rename(spare, link)
    files.fsync(output)
