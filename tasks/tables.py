"""Compiled tables on disk: built once from an installed package's data, then loaded in milliseconds.

A table is a set of numpy arrays in one .npz, named by a digest of everything it was made of, so that a new version of
the package or of our format never meets an old file. Nothing here changes a published byte: a table that cannot be
written or read is built again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.generic]]


def digest(parts: Iterable[bytes]) -> str:
    """Digest (32 hex digits) of byte strings, each counted with its length, so that shifting a border changes it."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()[:32]


def built_from(*files: str, data: str = "") -> str:
    """Key of a table that the code in `files` makes of Unicode's character data, and of what `data` names."""
    return digest([unicodedata.unidata_version.encode(), data.encode(), *(Path(file).read_bytes() for file in files)])


def folder() -> Path:
    """Where compiled tables are kept: $TAOSHA_CACHE, $XDG_CACHE_HOME/taosha or ~/.cache/taosha, else a temporary folder.

    The first that can be created and written is taken.
    """
    named = [os.environ.get("TAOSHA_CACHE"), _under(os.environ.get("XDG_CACHE_HOME")), _under(str(Path("~/.cache").expanduser()))]
    for place in filter(None, named):
        path = Path(place)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(path, os.W_OK):
            return path
    path = Path(tempfile.gettempdir()) / f"taosha-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _under(base: str | None) -> str | None:
    return str(Path(base) / "taosha") if base and not base.startswith("~") else None


def cached(name: str, key: str, build: Callable[[], Arrays]) -> Arrays:
    """Arrays of the table `name` with digest `key`, from disk when they are there, else built and written.

    The file is written under a temporary name and renamed, so that processes that start together never read half a table.
    """
    path = None
    try:
        path = folder() / f"{name}-{key}.npz"
        # Opened here: np.load forgets to close a file that turns out to be broken.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {field: stored[field] for field in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        arrays = build()
        if path is not None:
            _write(path, arrays)
        return arrays


def _write(path: Path, arrays: Arrays) -> None:
    """Write for the next process; a full or read-only disk only means that it builds again."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        Path(temporary).replace(path)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
