"""`taosha undo` and `taosha decisions`: what a reviewer says of passages, put on file for the next run."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.decisions import ACTIONS, KEEP, NOT_BOILERPLATE, REMOVE, Decisions, Reviewed, decisions_of, read_decisions, write_whole
from tasks.errors import SettingsError, UsageError
from tasks.explain import find, where
from tasks.summary import manifest_of, one_line

#: A decisions file beyond this is none.
_LARGEST = 1 << 26


@dataclass(frozen=True)
class Imported:
    """What an import did: contents that were new or changed, that stood already, and conflicts, each a sentence, which were left out."""

    added: int
    standing: int
    conflicts: list[str]
    path: Path

    def __str__(self) -> str:
        """The lines for a person."""
        stood = f", {self.standing:,} stood there already" if self.standing else ""
        lines = [f"{self.added:,} decisions written into {self.path}{stood}", *self.conflicts]
        return "\n".join(lines)


def undo(snapshot: Path, ref: str, path: Path) -> str:
    """Put on file that a passage stays: says in lines what was done and what the next run will do. Doing it again changes nothing.

    ref : as `explain` takes it. Raises UsageError where it names no passage.
    """
    table, row, _ = find(snapshot, ref)
    decisions, content = read_decisions(path), row["content_id"]
    place = f"{one_line(where(row), 80)}: {one_line(row['raw'] or row.get('text') or '')}"
    mine = [one for one in decisions.passages if one.content_id == content]
    if {one.action for one in mine} - {NOT_BOILERPLATE} == {KEEP}:
        return f"it is to be kept already, by {path}: {place}\n{_next(table, row)}"
    if table == "passages" and not any(one.action == REMOVE for one in mine):
        return f"it was not removed, so there is nothing to undo: {place}"
    decided = Reviewed(content, KEEP, row["passage_id"], f"undo of {row['reason']}" if table == "removed" else "", _snapshot_id(snapshot))
    rest = tuple(one for one in decisions.passages if one.content_id != content)
    write_whole(path, replace(decisions, passages=(*rest, decided)).toml())
    instead = f", instead of {', '.join(sorted({one.action for one in mine}))}" if mine else ""
    return f"decided: keep {content[:12]}{instead}, in {path}: {place}\n{_next(table, row)}"


def _next(table: str, row: dict[str, Any]) -> str:
    """What the next run will do with a passage that is to be kept."""
    if table == "passages":
        return "the next run keeps it as this one did, whatever a rule, template, filter or duplicate says"
    because = row["rule"] or (f"of {row['kept_passage_id'][:12]}" if row["kept_passage_id"] else "")
    return f"the next run keeps it wherever this content stands, though it is {row['reason'].replace('_', ' ')} {because}".rstrip()


def _snapshot_id(snapshot: Path) -> str:
    return str(manifest_of(snapshot)["snapshot_id"])


def import_file(source: Path, path: Path, instead: bool = False) -> Imported:
    """Merge decisions on contents of an exported file (TOML or JSON) into the decisions file, in one step.

    What contradicts a decision on file, or itself, is left out and listed; with `instead` the new decision takes the old one's place.
    """
    news, standing = read_export(source), read_decisions(path)
    old, new = standing.actions, news.actions
    conflicts = [f"conflict: {content} is to be {' and '.join(both)} in {source}" for content, both in news.contradictions.items()]
    held = {**{content: "/".join(both) for content, both in standing.contradictions.items()}, **old}
    added = {content for content, action in new.items() if held.get(content) != action}
    against = {content for content in added if content in held and not instead}
    conflicts += [
        f"conflict: {content} is {held[content]} on file, {new[content]} in {source}; it was left as it is" for content in sorted(against)
    ]
    added -= against
    if added:
        rest = tuple(one for one in standing.passages if one.content_id not in added)
        chosen = {
            one.content_id: one
            for one in sorted(news.passages, reverse=True)
            if one.content_id in added and one.action == new[one.content_id]
        }
        write_whole(path, replace(standing, passages=(*rest, *chosen.values())).toml())
    return Imported(len(added), len(new) - len(added) - len(against), conflicts, path)


def read_export(source: Path) -> Decisions:
    """Decisions of an exported file, TOML or JSON. Raises UsageError or SettingsError naming what is wrong where."""
    try:
        if source.stat().st_size > _LARGEST:
            raise UsageError(f"{source}: is over {_LARGEST >> 20} MB, which no decisions file is")
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source}: cannot be read ({error})") from error
    values = _values(source, text)
    if extra := sorted(values.keys() - {"passage"}):
        raise SettingsError(
            f"{source}: found {one_line(extra[0])!r}; only [[passage]] is imported, what is said of rules goes through `taosha rules`"
        )
    return decisions_of(source, values)


def _values(source: Path, text: str) -> dict[str, Any]:
    """The tables of an exported file."""
    try:
        values = json.loads(text) if text.lstrip()[:1] in ("{", "[") and not text.lstrip().startswith("[[p") else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise SettingsError(f"{source}: is neither TOML nor JSON ({error})") from error
    return {"passage": values} if isinstance(values, list) else dict(values)


def forget(prefix: str, path: Path) -> str:
    """Take the decisions on a content back, by its id or a beginning of six digits or more that no other has."""
    decisions = read_decisions(path)
    found = sorted({one.content_id for one in decisions.passages if len(prefix) >= 6 and one.content_id.startswith(prefix.lower())})
    if len(found) != 1:
        hint = f"it begins {len(found):,} ids" if found else "`taosha decisions list` shows them"
        raise UsageError(f"no decision on {one_line(prefix)} stands in {path}; {hint}")
    write_whole(path, replace(decisions, passages=tuple(one for one in decisions.passages if one.content_id != found[0])).toml())
    return f"nothing is decided on {found[0]} any more, in {path}"


def listed(decisions: Decisions) -> list[str]:
    """A line for each decision on a content: id, action, note; contradictions are marked."""
    order = sorted(decisions.passages, key=lambda one: (ACTIONS.index(one.action), one))
    marks = decisions.contradictions
    return [
        "\t".join((one.content_id, one.action + (" (contradicted)" if one.content_id in marks else ""), one_line(one.note)))
        for one in order
    ]
