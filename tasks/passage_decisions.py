"""What a reviewer decided about passages, as the report's page exports it: one entry a content, keyed to `content_id`.

The file is TOML, tables [[passage]], and may stand in the file of decisions beside [[refused]] and [[ceiling]]:

    [[passage]]
    content_id = "eaa094aee4122c3ba0c1607dc45273bf"   # 32 hex digits: digest of the normalized text, the same in every snapshot
    action = "keep"
    of = "bd9fb58abfe1ef77b7571c9146f7d5ee"            # id of the family or cluster in which it was decided
    note = "both are wanted"                           # for people
    snapshot = "9f558738f91ab6b0"                      # the snapshot that was looked at

action : "keep" (this content stays, also beside its twin), "keep_only" (this content stays, and the other members of `of` give way to
it), "not_boilerplate" (no rule or template may take it; duplicates of it may still go), "remove" (it goes, wherever it stands).
An entry whose content stands nowhere any more decides nothing. Two entries of one content are a conflict unless they agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import SettingsError
from tasks.freeze import toml_string

ACTIONS = ("keep", "keep_only", "not_boilerplate", "remove")
TABLE = "passage"
_ID = re.compile(r"[0-9a-f]{32}")
_KEYS = ("content_id", "action", "of", "note", "snapshot")


@dataclass(frozen=True, order=True)
class PassageDecision:
    """One decision about one content. Sorts by content."""

    content_id: str
    action: str
    of: str = ""
    note: str = ""
    snapshot: str = ""


def passage_decisions(path: Path, values: dict[str, Any]) -> list[PassageDecision]:
    """The [[passage]] tables of a parsed file, sorted; equal ones once. Raises SettingsError that names file, table, found and expected."""
    tables = values.get(TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: {TABLE} must be tables: [[{TABLE}]]")
    found = {_decision(f"{path}: [[{TABLE}]] number {number}", table) for number, table in enumerate(tables, 1)}
    return sorted(found)


def conflicts(decisions: list[PassageDecision]) -> list[str]:
    """Content ids that are decided in more than one way, sorted: a person must choose."""
    actions: dict[str, set[str]] = {}
    for one in decisions:
        actions.setdefault(one.content_id, set()).add(one.action)
    return sorted(content for content, said in actions.items() if len(said) > 1)


def toml(decisions: list[PassageDecision]) -> str:
    """The tables as text: sorted, so that equal decisions are equal bytes."""
    return "\n".join(
        "\n".join([f"[[{TABLE}]]", *(f"{key} = {toml_string(getattr(one, key))}" for key in _KEYS), ""]) for one in sorted(decisions)
    )


def _decision(where: str, table: dict[str, Any]) -> PassageDecision:
    if extra := sorted(table.keys() - set(_KEYS)):
        raise SettingsError(f"{where}: unknown key {extra[0]!r}; known keys: {', '.join(_KEYS)}")
    for key, value in table.items():
        if not isinstance(value, str):
            raise SettingsError(f"{where}: {key}: found {value!r}; a text is needed")
    if not _ID.fullmatch(table.get("content_id", "")):
        raise SettingsError(f"{where}: content_id: found {table.get('content_id')!r}; 32 hex digits are needed")
    if table.get("action") not in ACTIONS:
        raise SettingsError(f"{where}: action: found {table.get('action')!r}; one of {', '.join(ACTIONS)} is needed")
    return PassageDecision(**table)
