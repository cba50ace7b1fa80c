"""What a reviewer decided, on file: templates refused for good, and shares of a collection that a rule may remove.

The file (boilerplate.decisions, beside taosha.toml) is TOML, written by `taosha rules accept` and `refuse`, and may be edited by hand.
Accepted templates do not stand here: they are rules of the reviewer's own file (boilerplate.reviewed).
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.errors import SettingsError, StorageError
from tasks.freeze import toml_string

_HEAD = "# Decisions of a reviewer, written by `taosha rules accept` and `taosha rules refuse`.\n"
_KEYS = {"refused": {"template", "skeleton"}, "ceiling": {"rule", "digest", "ceiling"}}


@dataclass(frozen=True)
class Decisions:
    """refused : ids of templates with their skeleton, for people. ceilings : by rule or `collection:NAME`, digest and accepted share."""

    refused: dict[str, str] = field(default_factory=dict)
    ceilings: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """16 hex digits over everything decided; empty when nothing is."""
        values = [sorted(self.refused), sorted((rule, *accepted) for rule, accepted in self.ceilings.items())]
        return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16] if self.refused or self.ceilings else ""

    def allows(self, rule: str, digest: str, share: float) -> bool:
        """Whether a reviewer accepted that this very rule removes such a share."""
        accepted, ceiling = self.ceilings.get(rule, ("", 0.0))
        return accepted == digest and share <= ceiling

    def toml(self) -> str:
        """The file's text: sorted, so that equal decisions are equal bytes."""
        lines = [_HEAD]
        for name, skeleton in sorted(self.refused.items()):
            lines.append(f"\n[[refused]]\ntemplate = {toml_string(name)}\nskeleton = {toml_string(skeleton)}\n")
        for rule, (digest, ceiling) in sorted(self.ceilings.items()):
            lines.append(f"\n[[ceiling]]\nrule = {toml_string(rule)}\ndigest = {toml_string(digest)}\nceiling = {ceiling!r}\n")
        return "".join(lines)


def read_decisions(path: Path) -> Decisions:
    """Decisions of a file, none when there is no such file. Raises SettingsError naming file, table and reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Decisions()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    if extra := sorted(values.keys() - _KEYS.keys()):
        raise SettingsError(f"{path}: unknown key {extra[0]!r}; decisions are tables [[refused]] and [[ceiling]]")
    refused, ceilings = {}, {}
    for number, table in enumerate(_tables(path, values, "refused"), 1):
        refused[_text(path, "refused", number, table, "template")] = str(table.get("skeleton", ""))
    for number, table in enumerate(_tables(path, values, "ceiling"), 1):
        ceiling = table.get("ceiling")
        if isinstance(ceiling, bool) or not isinstance(ceiling, (int, float)) or not 0 <= ceiling <= 1:
            raise SettingsError(f"{path}: [[ceiling]] number {number}: ceiling: found {ceiling!r}; a share from 0 to 1 is needed")
        ceilings[_text(path, "ceiling", number, table, "rule")] = (_text(path, "ceiling", number, table, "digest"), float(ceiling))
    return Decisions(refused, ceilings)


def _tables(path: Path, values: dict[str, Any], name: str) -> list[dict[str, Any]]:
    tables = values.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: {name} must be tables: [[{name}]]")
    for number, table in enumerate(tables, 1):
        if extra := sorted(table.keys() - _KEYS[name]):
            raise SettingsError(
                f"{path}: [[{name}]] number {number}: unknown key {extra[0]!r}; known keys: {', '.join(sorted(_KEYS[name]))}"
            )
    return tables


def _text(path: Path, name: str, number: int, table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{path}: [[{name}]] number {number}: {key}: found {value!r}; a text is needed")
    return value


def write_whole(path: Path, text: str) -> None:
    """Replace a file by a new text in one step: after a crash it is the old one or the new one. Raises StorageError."""
    spare = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with spare.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        spare.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        spare.unlink(missing_ok=True)
        raise StorageError(f"{path}: cannot be written ({error}); nothing was changed") from error
