"""What a reviewer decided, on file: what becomes of a content, templates refused for good, shares of a collection that a rule may remove.

The file (boilerplate.decisions, taosha-decisions.toml beside taosha.toml) is TOML. `taosha rules accept` and `refuse`, `taosha undo` and
`taosha decisions import` write it, the report exports the same [[passage]] tables, and it may be edited by hand:

    [[passage]]                   # a decision on a content, wherever it stands
    content_id = "32 hex digits"  # of a row of `passages` or `removed`
    action = "keep"               # or keep_only, remove, not_boilerplate
    of = "..."                    # optional: passage, family or cluster it was decided in
    note = "..."                  # optional: why; it becomes part of the evidence of a removal
    snapshot = "..."              # optional: snapshot it was decided in

    [[refused]]                   # a mined template that never removes
    [[ceiling]]                   # a share of a collection that a rule may remove

keep: every copy stays, whatever a rule, template, filter or duplicate says. keep_only: one copy stays and stands for its near duplicates,
which go. remove: goes, with the reason `reviewer`. not_boilerplate: no rule and no template takes it; filters and duplicates still may.
Two actions on one content contradict each other, and none of them is applied (but keep and keep_only contain not_boilerplate).
As JSON, `taosha decisions import` takes {"passage": [{"content_id": ..., "action": ...}]}, or the bare list.
Accepted templates do not stand here: they are rules of the reviewer's own file (boilerplate.reviewed).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.errors import SettingsError, StorageError
from tasks.freeze import toml_string

_HEAD = "# Decisions of a reviewer, written by `taosha undo`, `decisions import`, `rules accept` and `rules refuse`.\n"
_KEYS = {
    "passage": {"content_id", "action", "of", "note", "snapshot"},
    "refused": {"template", "skeleton"},
    "ceiling": {"rule", "digest", "ceiling"},
}
KEEP, KEEP_ONLY, REMOVE, NOT_BOILERPLATE = ACTIONS = ("keep", "keep_only", "remove", "not_boilerplate")
_CONTENT = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, order=True)
class Reviewed:
    """One decision on a content; `of`, `note` and `snapshot` are for people and may be empty."""

    content_id: str
    action: str
    of: str = ""
    note: str = ""
    snapshot: str = ""

    def toml(self) -> str:
        """Its table."""
        optional = [f"{name} = {toml_string(value)}\n" for name in ("of", "note", "snapshot") if (value := getattr(self, name))]
        return f"\n[[passage]]\ncontent_id = {toml_string(self.content_id)}\naction = {toml_string(self.action)}\n{''.join(optional)}"


@dataclass(frozen=True)
class Decisions:
    """refused : ids of templates with their skeleton, for people. ceilings : by rule or `collection:NAME`, digest and accepted share.

    passages : decisions on contents as they stand in the file, contradictions and all; `actions` is what counts of them.
    """

    refused: dict[str, str] = field(default_factory=dict)
    ceilings: dict[str, tuple[str, float]] = field(default_factory=dict)
    passages: tuple[Reviewed, ...] = ()

    @property
    def digest(self) -> str:
        """16 hex digits over everything decided; empty when nothing is."""
        if not (self.refused or self.ceilings or self.passages):
            return ""
        values = [sorted(self.refused), sorted((rule, *accepted) for rule, accepted in self.ceilings.items())]
        if self.passages:  # so that a file without any keeps the digest it had
            values.append(self.replayed)
        return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16]

    @property
    def replayed(self) -> list[tuple[str, str, str]]:
        """What a run can notice of the decisions on contents: id, action and note, sorted."""
        return sorted({(one.content_id, one.action, one.note) for one in self.passages})

    @cached_property
    def _by_content(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for one in self.passages:
            found.setdefault(one.content_id, set()).add(one.action)
        return {content: sorted(_settled(actions)) for content, actions in sorted(found.items())}

    @property
    def actions(self) -> dict[str, str]:
        """Action by content, in order of the ids; without those that contradict each other."""
        return {content: actions[0] for content, actions in self._by_content.items() if len(actions) == 1}

    @property
    def contradictions(self) -> dict[str, list[str]]:
        """Contents with actions that contradict each other."""
        return {content: actions for content, actions in self._by_content.items() if len(actions) > 1}

    @property
    def notes(self) -> dict[str, str]:
        """The first note by content."""
        return {one.content_id: one.note for one in sorted(self.passages, reverse=True) if one.note}

    def allows(self, rule: str, digest: str, share: float) -> bool:
        """Whether a reviewer accepted that this very rule removes such a share."""
        accepted, ceiling = self.ceilings.get(rule, ("", 0.0))
        return accepted == digest and share <= ceiling

    def toml(self) -> str:
        """The file's text: sorted, so that equal decisions are equal bytes."""
        lines = [_HEAD, *(one.toml() for one in sorted(set(self.passages)))]
        for name, skeleton in sorted(self.refused.items()):
            lines.append(f"\n[[refused]]\ntemplate = {toml_string(name)}\nskeleton = {toml_string(skeleton)}\n")
        for rule, (digest, ceiling) in sorted(self.ceilings.items()):
            lines.append(f"\n[[ceiling]]\nrule = {toml_string(rule)}\ndigest = {toml_string(digest)}\nceiling = {ceiling!r}\n")
        return "".join(lines)


def read_decisions(path: Path) -> Decisions:
    """Decisions of a file, none when there is no such file. Raises SettingsError naming file, table and reason."""
    if not path.exists():
        return Decisions()
    try:
        return decisions_of(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error


def decisions_of(path: Path, values: dict[str, Any]) -> Decisions:
    """Decisions of the tables of a file. Raises SettingsError naming file, table and reason."""
    if extra := sorted(values.keys() - _KEYS.keys()):
        raise SettingsError(f"{path}: unknown key {extra[0]!r}; decisions are tables {', '.join(f'[[{name}]]' for name in _KEYS)}")
    refused, ceilings = {}, {}
    passages = tuple(_reviewed(path, number, table) for number, table in enumerate(_tables(path, values, "passage"), 1))
    for number, table in enumerate(_tables(path, values, "refused"), 1):
        refused[_text(path, "refused", number, table, "template")] = str(table.get("skeleton", ""))
    for number, table in enumerate(_tables(path, values, "ceiling"), 1):
        ceiling = table.get("ceiling")
        if isinstance(ceiling, bool) or not isinstance(ceiling, (int, float)) or not 0 <= ceiling <= 1:
            raise SettingsError(f"{path}: [[ceiling]] number {number}: ceiling: found {ceiling!r}; a share from 0 to 1 is needed")
        ceilings[_text(path, "ceiling", number, table, "rule")] = (_text(path, "ceiling", number, table, "digest"), float(ceiling))
    return Decisions(refused, ceilings, passages)


def _settled(actions: set[str]) -> set[str]:
    """The same actions without what another of them contains."""
    return actions - {NOT_BOILERPLATE} if actions & {KEEP, KEEP_ONLY} else actions


def _reviewed(path: Path, number: int, table: dict[str, Any]) -> Reviewed:
    where = f"{path}: [[passage]] number {number}"
    content, action = (_text(path, "passage", number, table, key) for key in ("content_id", "action"))
    if not _CONTENT.match(content):
        raise SettingsError(
            f"{where}: content_id: found {content[:40]!r}; the 32 hex digits of a row of `passages` or `removed` are needed"
        )
    if action not in ACTIONS:
        raise SettingsError(f"{where}: action: found {action[:40]!r}; known actions: {', '.join(ACTIONS)}")
    rest = {key: table.get(key, "") for key in ("of", "note", "snapshot")}
    if wrong := [key for key, value in rest.items() if not isinstance(value, str)]:
        raise SettingsError(f"{where}: {wrong[0]}: found {rest[wrong[0]]!r}; a text is needed")
    return Reviewed(content, action, **rest)


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
