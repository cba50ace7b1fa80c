"""Check a snapshot's promises from the disk alone: bytes, schemas, ids, provenance, conservation, every removal.

    verify_files   bytes, manifest, schemas, page checksums          verify_rows     one part at a time: ids, order, ranges, replay
    verify_sums    conservation, documents                           verify_links    clusters, pairs, families, exact similarity
    verify_blocks  similarity and size of aligned blocks
    verify_inputs  the sources themselves, when they are at hand

Parts are read one by one; over all parts only ids and sums are held, about 200 bytes a passage.
"""

from __future__ import annotations

from pathlib import Path

from tasks.errors import StorageError
from tasks.manifest import MANIFEST, load
from tasks.publish import LATEST, SNAPSHOTS
from tasks.settings import Settings
from tasks.verify_blocks import check_blocks
from tasks.verify_files import check_files
from tasks.verify_inputs import check_inputs
from tasks.verify_links import check_links
from tasks.verify_problem import Problem
from tasks.verify_rows import check_rows
from tasks.verify_sums import check_sums

__all__ = ["Problem", "render", "verify"]


def verify(root: Path, read_data: bool = True, input_dirs: list[Path] | None = None) -> list[Problem]:
    """Everything found wrong with a snapshot; an empty list when all promises hold.

    root       : an output folder (its `latest` is checked, and the link itself), `latest`, or a snapshot folder.
    read_data  : False stops after bytes, manifest and schemas; True also reads every row.
    input_dirs : input roots; sources found there are compared with the slices that the snapshot names.
    """
    snapshot, problems = _resolve(root)
    if snapshot is None:
        return problems
    problems += check_files(snapshot, read_data)
    if not read_data:
        return problems
    if problems:
        return [*problems, Problem("contents", str(snapshot), "every row checked", "not read, because the files are damaged or incomplete")]
    settings = Settings.model_validate(load(snapshot)["settings"])
    try:
        found, sums = check_rows(snapshot, settings)
        problems += found
        problems += check_sums(snapshot, sums)
        problems += check_links(snapshot, settings)
        problems += check_blocks(snapshot, settings)
        if input_dirs:
            problems += check_inputs(snapshot, input_dirs)
    except StorageError as error:
        problems.append(Problem("readable", str(snapshot), "pages whose checksums hold", str(error)))
    return problems


def render(problems: list[Problem]) -> str:
    """Problems for a person, one a line; a sentence when there are none.

    >>> render([])
    'Every promise holds.'
    """
    if not problems:
        return "Every promise holds."
    lines = [f"{p.check}: {p.where}: expected {p.expected}, found {p.found}" for p in problems]
    return "\n".join([*lines, f"{len(problems)} problem{'s' if len(problems) > 1 else ''} found."])


def _resolve(root: Path) -> tuple[Path | None, list[Problem]]:
    """The snapshot folder that `root` means, resolved once."""
    link = root / LATEST if (root / SNAPSHOTS).is_dir() or (root / LATEST).is_symlink() else root
    if link.is_symlink():
        target = link.resolve()
        if not target.is_dir():
            return None, [Problem("latest", str(link), "a link to a snapshot", f"a dangling link to {link.readlink()}")]
        if target.parent != link.parent.resolve() / SNAPSHOTS:
            return target, [Problem("latest", str(link), f"a link into {SNAPSHOTS}/", f"a link to {link.readlink()}")]
        return target, []
    if (link / MANIFEST).exists() or (link / "SHA256SUMS").exists():
        return link.resolve(), []
    if link.name == LATEST:
        return None, [Problem("latest", str(link), "a link to a snapshot", "a folder or file" if link.exists() else "nothing")]
    return None, [
        Problem("snapshot", str(link), f"an output or snapshot folder with {MANIFEST}", "none" if link.exists() else "nothing there")
    ]
