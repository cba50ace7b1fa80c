"""Guards over a whole collection: what rules and templates take of it, and when that is too much to publish unseen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.decide import Verdicts
from tasks.decisions import Decisions
from tasks.index import Index
from tasks.reasons import BOILERPLATE, TEMPLATE
from tasks.rulepack import RuleSet
from tasks.settings import Guards
from tasks.store.text import I64Array

#: Prefix of the name under which all rules together are accepted for a collection.
COLLECTION = "collection:"
#: Excesses named in a message.
_NAMED = 5


@dataclass(frozen=True)
class Excess:
    """One share of a collection that is over its limit; `rule` is the name to accept it by."""

    collection: str
    rule: str
    share: float
    limit: float
    chars: int

    def __str__(self) -> str:
        what = "rules and templates together" if self.rule.startswith(COLLECTION) else self.rule
        ceiling = min(1.0, np.ceil(self.share * 20 + 1e-9) / 20)
        return (
            f"{what} would remove {self.share:.0%} of collection {self.collection!r} ({self.chars:,} characters; the limit is {self.limit:.0%}). "
            f"If that is right: taosha rules accept {self.rule!r} --ceiling {ceiling:g}"
        )


def yields(index: Index, verdicts: Verdicts, rule_names: list[str], template_names: list[str]) -> dict[str, Any]:
    """Characters of each collection, and what each rule and template takes of it: {collection: {chars, removed, rules: {id: chars}}}."""
    lines = verdicts.lines
    of_line = index.collection[lines.doc] if len(lines.doc) else np.zeros(0, np.int32)
    spread = np.flatnonzero((verdicts.twin >= 0) & np.isin(verdicts.reason, (BOILERPLATE, TEMPLATE)))
    chosen = np.flatnonzero(np.isin(lines.reason, (BOILERPLATE, TEMPLATE)))
    visible = index.column("passages", "visible")[spread] if len(spread) else np.zeros(0, np.int64)
    collection = np.concatenate([of_line[chosen], index.collection[index.doc[spread]]])
    reason = np.concatenate([lines.reason[chosen], verdicts.reason[spread]])
    rule = np.concatenate([lines.rule[chosen], verdicts.rule[spread]]) + np.where(reason == TEMPLATE, len(rule_names), 0)
    chars = np.concatenate([lines.visible[chosen], visible])
    names = [*rule_names, *template_names]
    total = np.bincount(of_line, lines.visible, minlength=len(index.collections))
    return {
        name: {"chars": int(total[number]), **_of_rules(rule[collection == number], chars[collection == number], names)}
        for number, name in enumerate(index.collections)
    }


def _of_rules(rule: I64Array, chars: I64Array, names: list[str]) -> dict[str, Any]:
    taken = np.bincount(rule, chars, minlength=len(names)).astype(np.int64) if len(rule) else np.zeros(len(names), np.int64)
    by_name: dict[str, int] = {}
    for number in np.flatnonzero(taken).tolist():
        by_name[names[number]] = by_name.get(names[number], 0) + int(taken[number])
    return {"removed": int(taken.sum()), "rules": dict(sorted(by_name.items()))}


def excesses(found: dict[str, Any], settings: Guards, rules: RuleSet, decisions: Decisions) -> list[Excess]:
    """Shares over the limits that no reviewer accepted, greatest first. Small collections are not guarded."""
    out = []
    for name, row in found.items():
        chars = row["chars"]
        if chars < settings.min_collection_chars:
            continue
        shares = [(f"{COLLECTION}{name}", row["removed"], settings.max_collection_share)]
        shares += [(rule, taken, settings.max_rule_share) for rule, taken in row["rules"].items()]
        for rule, taken, limit in shares:
            share = taken / chars
            if share > limit and not decisions.allows(rule, digest_of_rule(rule, rules), share):
                out.append(Excess(name, rule, round(share, 4), limit, taken))
    return sorted(out, key=lambda one: (-one.share, one.collection, one.rule))


def digest_of_rule(name: str, rules: RuleSet) -> str:
    """16 hex digits over what decides that a rule matches: all rules for a collection, the name (a digest itself) of a mined template."""
    rule = next((one for one in rules.rules if one.id == name), None)
    if rule is None:
        return rules.digest if name.startswith(COLLECTION) else hashlib.sha256(name.encode()).hexdigest()[:16]
    values = rule.model_dump(mode="json", exclude={"examples", "counter_examples"})
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def message(found: list[Excess], report: str) -> str:
    """What stopped the run and what to look at."""
    more = f"\n  and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    lines = "".join(f"\n  {one}" for one in found[:_NAMED])
    return f"rules would remove more than guards allow; nothing was published and the last snapshot stands:{lines}{more}\n  places to look at: {report}"
