"""Rule packs: what a rule is, reading them from TOML, and refusing a bad one before any source is read.

A pattern is RE2 and is matched against the match form of a line (tasks.foldline). The pattern itself is folded the same way
when it is loaded, so it may be written in traditional or full-width form too. `{name}` in it stands for the words of that name
in the file's `[words]` table, so a rule is composed of lists that several rules share. By default it must account for the whole line
but for list marks, brackets and other decoration around it: a rule that matches somewhere inside a line must say so.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import re2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import SettingsError
from tasks.foldline import fold_texts
from tasks.literals import LiteralIndex
from tasks.openings import opening_table
from tasks.settings import Boilerplate
from tasks.store.text import U8Array

CATEGORIES = (
    *("navigation", "share", "subscribe", "advertisement", "sponsor", "related", "contents", "links", "references"),
    *("disclaimer", "copyright", "attribution", "greeting", "comments", "footer", "metadata", "submission", "contact"),
)
KINDS = ("prose", "heading", "list", "table", "code", "caption", "turn", "metadata")
SCOPES = ("line", "region_to_end", "region_to_start", "block")
NEEDS = ("none", "neighbour", "position", "head", "tail", "repeat", "title")
PACKS = Path(__file__).parent / "rules"

#: What may stand around a whole-line pattern: marks, brackets, emoji, a list number before it; a Markdown link target after it.
#: Marks are given as ranges, punctuation and symbols of ASCII and of the blocks that have most: \p{P}\p{S} compiles ten times slower.
_MARKS = r"[ -/:-@\[-`{-~\x{80}-\x{bf}\x{2000}-\x{2bff}\x{3000}-\x{303f}\x{1f000}-\x{1faff}]*"
BEFORE = rf"^{_MARKS}(?:(?:\d{{1,2}}|[一二三四五六七八九十]{{1,3}})[.、)\]:] ?)?{_MARKS}"
AFTER = rf"(?:\]\([^()]*\))?{_MARKS}$"
#: What may stand before a match of anchor = "search", by `lead`: nothing long; or the beginning of a notice.
LEADS = {
    "any": "",
    "short": r"^.{0,40}?",
    "notice": r"^(?:.{0,40}?|.{0,12}(?:声明|免责|凡|本网|本站|本文|本报|本刊|版权|转载|来源|以上|文中|文章|内容|如|若|特别|平台|所有|图片|©).{0,400}?)",
}
#: A name of `[words]` in a pattern; \\p{han} and {2,3} are RE2's own.
_WORD = re.compile(r"(?<!\\)(?<!\\[pPx])\{([a-z][a-z_]+)\}")
_MAX_PATTERN = 8000  # characters; a longer one is a list that belongs in several rules
_MAX_PROGRAM = 1 << 20  # bytes of compiled RE2; ours stay under a tenth of it
Limit = int | float | None


class Rule(BaseModel):
    """One rule of a pack; the fields are the keys of its TOML table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(
        pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$", description="Name, such as zh.share.buttons; stands in every row that the rule removes."
    )
    category: Literal[CATEGORIES] = Field(description="What the rule removes.")  # type: ignore[valid-type]
    pattern: str | tuple[str, ...] = Field(description="RE2, or several of which one must match.")
    anchor: Literal["whole", "start", "end", "search"] = Field("whole", description="Which part of the line the pattern must account for.")
    lead: Literal["any", "short", "notice"] = Field(
        "any", description="anchor = search: what may stand before the match; a paragraph that quotes it has more."
    )
    scope: Literal[SCOPES] = Field("line", description="What is taken: the line; it and the lines that follow; all to the end; all above.")  # type: ignore[valid-type]
    min_chars: int = Field(1, ge=1, description="characters. Shorter lines are not looked at.")
    max_chars: int = Field(120, ge=1, le=2000, description="characters. Longer lines are not looked at.")
    within_first: Limit = Field(None, description="The line must stand in the first N lines of the document, or share of its lines.")
    within_last: Limit = Field(None, description="The same from the end; with both, either will do.")
    needs: Literal[NEEDS] = Field(  # type: ignore[valid-type]
        "none",
        description="Support without which a match removes nothing: other boilerplate beside it; its place (head or tail, or one of "
        "the two), or that; three matches in the document; or the page's title below it and nothing above it that could be the title.",
    )
    unless: str | None = Field(None, description="RE2: a line that contains it is no match, such as one that talks about the words.")
    weight: Literal["strong", "weak", "none"] = Field(
        "strong", description="How such a line supports its neighbours: alone, together with another one, or not at all unless accepted."
    )
    kinds: tuple[Literal[KINDS], ...] = Field(("prose", "heading", "list", "caption", "turn"), description="Kinds of line it may hit.")  # type: ignore[valid-type]
    max_share: float = Field(
        0.5, gt=0, le=1, description="Above this share of a document's lines it is the document's form, not boilerplate."
    )
    title_of: tuple[Literal[CATEGORIES], ...] = Field(  # type: ignore[valid-type]
        (), description="A document that begins with such a line is that page itself: rules of these categories take nothing from it."
    )
    follows: str | None = Field(None, description="block: what the lines taken after the first match.")
    confirm: str | None = Field(
        None, description="block, region_to_end: what `confirm_lines` of the lines taken must contain, or nothing is taken."
    )
    confirm_lines: int = Field(1, ge=1, description="lines. See `confirm`.")
    max_lines: int = Field(40, ge=1, description="block: lines after the first.")
    leaf: bool = Field(
        False,
        description="region_to_start: the next line goes too when the same words stand again just below it (a title after a breadcrumb).",
    )
    examples: tuple[str, ...] = Field(min_length=2, description="Lines that must match.")
    counter_examples: tuple[str, ...] = Field(min_length=1, description="Lines that must not.")

    @cached_property
    def body(self) -> str:
        """The pattern in match form, without what its anchor adds."""
        parts = [self.pattern] if isinstance(self.pattern, str) else list(self.pattern)
        return "|".join(fold_pattern(part) for part in parts)

    @cached_property
    def regex(self) -> str:
        """The complete RE2 pattern for one line."""
        before = BEFORE if self.anchor in ("whole", "start") else LEADS[self.lead]
        after = AFTER if self.anchor in ("whole", "end") else ""
        return f"{before}(?:{self.body}){after}"

    @cached_property
    def follows_regex(self) -> str:
        """Complete RE2 for a line of a block after its first; empty without `follows`."""
        return f"^(?:{fold_pattern(self.follows)})$" if self.follows else ""

    @cached_property
    def confirm_regex(self) -> str:
        """RE2 that confirms a block or region; empty without `confirm`."""
        return fold_pattern(self.confirm) if self.confirm else ""

    @cached_property
    def unless_regex(self) -> str:
        """RE2 that a match must not contain; empty without `unless`."""
        return fold_pattern(self.unless) if self.unless else ""

    def matches(self, folded: str) -> bool:
        """Whether a line in match form fits by pattern and length, its place and neighbours aside."""
        fits = self.min_chars <= len(folded) <= self.max_chars and compiled(self.regex).search(folded) is not None
        return fits and not (self.unless and compiled(self.unless_regex).search(folded))

    @property
    def points(self) -> tuple[int, int]:
        """Support given to a neighbour, which needs 2: by an accepted match and by one that still waits."""
        return {"strong": (2, 1), "weak": (1, 1), "none": (1, 0)}[self.weight]


@dataclass(frozen=True)
class RuleSet:
    """The rules that are on, in order of precedence, and whether smoothing is on."""

    rules: tuple[Rule, ...]
    smoothing: bool = True

    @cached_property
    def digest(self) -> str:
        """16 hex digits over everything that decides what is removed: cited by acceptances on file."""
        values = [rule.model_dump(mode="json", exclude={"examples", "counter_examples"}) for rule in self.rules]
        return hashlib.sha256(json.dumps([values, self.smoothing], sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]

    @cached_property
    def index(self) -> LiteralIndex:
        """The literals that the patterns need, for the kernel that finds candidate lines."""
        return LiteralIndex.of([rule.body for rule in self.rules])

    @cached_property
    def opens(self) -> U8Array:
        """(n, 256) uint8, with which characters a line may begin for each rule: see tasks.openings."""
        return opening_table([rule.body if rule.anchor in ("whole", "start") else None for rule in self.rules])

    def describe(self) -> list[dict[str, str]]:
        """One record a rule, in the columns that table `templates` takes from a pack: rule, origin, category, verdict, skeleton."""
        return [
            {"rule": rule.id, "origin": "pack", "category": rule.category, "verdict": "removes", "skeleton": rule.regex}
            for rule in self.rules
        ]


def load_rules(settings: Boilerplate, base: Path | None = None) -> RuleSet:
    """Rules of the packs and files that are on.

    base : folder that `settings.files` are relative to (that of taosha.toml); the working folder by default.
    Raises SettingsError naming file, rule and reason: unknown key, bad or too large pattern, an example that does not hold.
    """
    available = sorted(path.stem for path in PACKS.glob("*.toml"))
    rules: list[Rule] = []
    for pack in settings.packs:
        if pack not in available:
            raise SettingsError(f"boilerplate.packs: there is no pack {pack!r}; packs are {', '.join(available)}")
        rules += read_rules(PACKS / f"{pack}.toml")
    for name in settings.files:
        rules += read_rules((base or Path()) / name, check=True)
    reviewed = (base or Path()) / settings.reviewed
    if settings.reviewed not in settings.files and reviewed.is_file():
        rules += read_rules(reviewed, check=True)
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise SettingsError(f"rule {rule.id} is defined twice among the packs and files that are on; rename one")
        seen.add(rule.id)
    unknown = sorted(set(settings.off) - seen - set(CATEGORIES))
    if unknown:
        raise SettingsError(f"boilerplate.off: no rule or category is called {', '.join(unknown)}; `taosha rules` lists them")
    off = set(settings.off)
    return RuleSet(tuple(rule for rule in rules if not off & {rule.id, rule.category}), settings.smoothing)


def read_rules(path: Path, check: bool = False) -> list[Rule]:
    """Rules of one TOML file of `[[rule]]` tables; with `check`, their examples and counter-examples are tried too."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    extra = sorted(set(values) - {"rule", "words"})
    if extra:
        raise SettingsError(f"{path}: unknown key {extra[0]!r}; a rule file holds [[rule]] tables and a [words] table only")
    words = _words(values.get("words", {}), path)
    rules = [_rule(_composed(table, words, path), path, number) for number, table in enumerate(values.get("rule", []), 1)]
    problems = failing_examples(rules) if check else []
    if problems:
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in problems))
    return rules


def _words(table: dict[str, Any], path: Path) -> dict[str, str]:
    """Name -> RE2 group of a `[words]` table; a list of words may use those above it."""
    words: dict[str, str] = {}
    for name, value in table.items():
        parts = [value] if isinstance(value, str) else value
        if not _WORD.fullmatch(f"{{{name}}}") or not parts or not all(isinstance(part, str) for part in parts):
            raise SettingsError(f"{path}: words.{name}: a name in lower case and a word or a list of words are wanted")
        words[name] = "(?:" + _spelled("|".join(parts), words, f"{path}: words.{name}") + ")"
    return words


def _spelled(pattern: str, words: dict[str, str], where: str) -> str:
    """A pattern with the names of words replaced."""
    for name in _WORD.findall(pattern):
        if name not in words:
            raise SettingsError(f"{where}: there are no words {name!r} in [words]; it has {', '.join(words) or 'none'}")
    return _WORD.sub(lambda found: words[found[1]], pattern)


def _composed(table: dict[str, Any], words: dict[str, str], path: Path) -> dict[str, Any]:
    """A rule's table with the words of its patterns spelled out."""
    out = dict(table)
    for key in ("pattern", "follows", "confirm", "unless"):
        value = table.get(key)
        where = f"{path}: rule {table.get('id')}: {key}"
        if isinstance(value, str):
            out[key] = _spelled(value, words, where)
        elif isinstance(value, list):
            out[key] = [_spelled(part, words, where) if isinstance(part, str) else part for part in value]
    return out


def failing_examples(rules: list[Rule]) -> list[str]:
    """One line for each example that its rule does not match and each counter-example that it does."""
    problems = []
    for rule in rules:
        for wanted, rows in ((True, rule.examples), (False, rule.counter_examples)):
            for row, folded in zip(rows, fold_texts(list(rows)), strict=True):
                if rule.matches(folded) != wanted:
                    problems.append(f"rule {rule.id}: {'example does not match' if wanted else 'counter-example matches'}: {row}")
    return problems


def fold_pattern(pattern: str) -> str:
    """A pattern with its literal characters in match form; escapes, classes and groups stay.

    >>> fold_pattern(r"訂閱（我們）\\S+")
    '订阅\\\\(我们\\\\)\\\\S+'
    """
    out: list[str] = []
    folded = dict(zip(sorted(set(pattern)), fold_texts([f"x{char}x" for char in sorted(set(pattern))]), strict=True))
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("(?", at):  # flags and group names are syntax
            close = min((i for i in (pattern.find(mark, at) for mark in ":)>") if i > 0), default=at)
            out.append(pattern[at : close + 1])
            at = close + 1
            continue
        if char == "\\":
            close = pattern.find("}", at) if pattern[at + 1 : at + 3] in ("p{", "P{", "x{") else at + 1
            out.append(pattern[at : close + 1])
            at = close + 1
            continue
        form = folded[char][1:-1] or char
        out.append(f"\\{form}" if form != char and not form.isalnum() and form.isascii() and form != " " else form)
        at += 1
    return "".join(out)


def _rule(table: dict[str, Any], path: Path, number: int) -> Rule:
    name = f"{path}: rule {table.get('id') or f'number {number}'}"
    try:
        rule = Rule.model_validate(table)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{name}: {_problem(problem)}" for problem in error.errors())) from error
    if (rule.scope == "block") != (rule.follows is not None):
        raise SettingsError(f"{name}: `follows` and scope = 'block' need each other")
    if len(rule.body) > _MAX_PATTERN:
        raise SettingsError(f"{name}: pattern of {len(rule.body)} characters; at most {_MAX_PATTERN}: split it into several rules")
    for key, pattern in (
        ("pattern", rule.regex),
        ("follows", rule.follows_regex),
        ("confirm", rule.confirm_regex),
        ("unless", rule.unless_regex),
    ):
        if not pattern:
            continue
        try:
            matches_nothing = compiled(pattern).search("") is not None
        except re2.error as error:
            reason = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
            raise SettingsError(f"{name}: {key} is not RE2 (no look-around, no back-references, bounded size): {reason}") from error
        if matches_nothing:
            raise SettingsError(f"{name}: {key} matches an empty line, so it would match every line; ask for at least one word")
    return rule


def _problem(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}; known keys: {', '.join(Rule.model_fields)}"
    return f"{key}: {problem['msg']}" if problem["type"] == "missing" else f"{key}: found {problem['input']!r}; {problem['msg']}"


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> Any:
    """RE2 of a pattern, quiet and bounded; raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # whether, not where
    options.max_mem = _MAX_PROGRAM
    return re2.compile(pattern, options=options)
