"""`taosha rules accept` and `refuse`: a reviewer's decision becomes a rule, a refusal or an accepted ceiling, each on file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from tasks.boilerplate import load_rules
from tasks.decisions import read_decisions, write_whole
from tasks.errors import SettingsError, UsageError
from tasks.freeze import rule_id, rule_of, rule_toml
from tasks.guards import COLLECTION, digest_of_rule
from tasks.rulepack import read_rules
from tasks.settings import Settings
from tasks.store.schemas import TEMPLATES
from tasks.summary import one_line, scan

_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", re.MULTILINE)
_HEAD = "# Rules of a reviewer: templates frozen by `taosha rules accept`. They may be edited like any rule.\n"


def accept(snapshot: Path, template: str, settings: Settings, base: Path) -> str:
    """Freeze a mined template into the reviewer's rule file; says in a line what was done. Doing it again changes nothing."""
    row = _template(snapshot, template)
    path, decisions_path = base / settings.boilerplate.reviewed, base / settings.boilerplate.decisions
    name = rule_id(row["rule"])
    standing = path.read_text(encoding="utf-8") if path.is_file() else _HEAD
    _unrefuse(decisions_path, row["rule"])
    if any(rule.id == name for rule in (read_rules(path) if path.is_file() else [])):
        return f"{row['rule']} is frozen already as {name} in {path}"
    rule = rule_of(row)
    if rule is None:
        raise UsageError(f"{row['rule']} cannot be written as one rule (its lines are too long or too different); write one by hand")
    text = f"{standing.rstrip()}\n\n{rule_toml(rule)}"
    _checked(path, text, name)
    write_whole(path, text)
    return f"{row['rule']} is now rule {name} in {path}: {one_line(row['skeleton'] or '')}"


def refuse(snapshot: Path, template: str, settings: Settings, base: Path) -> str:
    """Refuse a mined template for good, and take the rule back that it was frozen into. Doing it again changes nothing."""
    row = _template(snapshot, template)
    path, rules_path = base / settings.boilerplate.decisions, base / settings.boilerplate.reviewed
    taken_back = _thaw(rules_path, rule_id(row["rule"]))
    decisions = read_decisions(path)
    again = row["rule"] in decisions.refused
    if not again:
        skeleton = one_line(row["skeleton"] or "", 200)
        write_whole(path, replace(decisions, refused={**decisions.refused, row["rule"]: skeleton}).toml())
    back = f"; rule {rule_id(row['rule'])} was taken out of {rules_path}" if taken_back else ""
    return f"{row['rule']} {'was refused already' if again else 'is refused'} in {path}{back}"


def accept_ceiling(rule: str, ceiling: float, settings: Settings, base: Path) -> str:
    """Put on file that a rule, a template or all rules together (`collection:NAME`) may remove this share of a collection."""
    if not 0 < ceiling <= 1:
        raise UsageError(f"--ceiling {ceiling}: a share above 0 and up to 1 is needed")
    rules = load_rules(settings.boilerplate, base)
    known = {one.id for one in rules.rules}
    if not (rule in known or rule.startswith(("mined.", COLLECTION))):
        raise UsageError(f"no rule is called {one_line(rule)}; `taosha rules list` shows them, mined templates begin with mined.")
    path = base / settings.boilerplate.decisions
    decisions = read_decisions(path)
    wanted = (digest_of_rule(rule, rules), ceiling)
    if decisions.ceilings.get(rule) == wanted:
        return f"{rule} may remove {ceiling:.0%} of a collection already, by {path}"
    write_whole(path, replace(decisions, ceilings={**decisions.ceilings, rule: wanted}).toml())
    return f"{rule} may remove up to {ceiling:.0%} of a collection, as long as it stays as it is; kept in {path}"


def _template(snapshot: Path, prefix: str) -> dict[str, Any]:
    """The row of a mined template by its id, or by a beginning that no other has."""
    wanted = prefix if prefix.startswith("mined.") else f"mined.{prefix}"
    rows: dict[str, dict[str, Any]] = {}
    for batch in scan(snapshot, "templates", TEMPLATES.names, pc.field("origin") == "mined"):
        for row in batch.filter(pc.starts_with(batch["rule"], wanted)).to_pylist():
            if row["rule"] not in rows or row["document_count"] > rows[row["rule"]]["document_count"]:
                rows[row["rule"]] = row
    if wanted in rows:
        return rows[wanted]
    if len(rows) != 1:
        some = ", ".join(sorted(rows)[:5])
        hint = f"it begins {len(rows):,} ids: {some}" if rows else "its table `templates` lists them"
        raise UsageError(f"no mined template of the latest snapshot is called {one_line(prefix)}; {hint}")
    return next(iter(rows.values()))


def _unrefuse(path: Path, template: str) -> None:
    decisions = read_decisions(path)
    if template in decisions.refused:
        write_whole(path, replace(decisions, refused={k: v for k, v in decisions.refused.items() if k != template}).toml())


def _thaw(path: Path, name: str) -> bool:
    """Take one rule out of the reviewer's file and leave every other byte; whether it was there."""
    if not path.is_file() or all(rule.id != name for rule in read_rules(path)):
        return False
    text = path.read_text(encoding="utf-8")
    starts = [found.start() for found in _TABLE.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        rest = text[:start] + text[end:]
        try:
            gone = _ids(text) - _ids(rest)
        except tomllib.TOMLDecodeError:
            continue
        if gone == {name}:
            write_whole(path, rest)
            return True
    raise UsageError(f"rule {name} stands in {path} in a form that this command cannot take out; remove it by hand")


def _ids(text: str) -> set[str]:
    return {str(table.get("id")) for table in tomllib.loads(text).get("rule", [])}


def _checked(path: Path, text: str, name: str) -> None:
    """Raise SettingsError when the file that would be written is not one that the next run can read."""
    spare = path.with_name(f".{path.name}.check")
    write_whole(spare, text)
    try:
        read_rules(spare, check=True)
    except SettingsError as error:
        raise UsageError(f"rule {name} would not hold: {str(error).replace(str(spare), str(path))}") from error
    finally:
        spare.unlink(missing_ok=True)
