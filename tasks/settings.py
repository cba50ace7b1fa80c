"""Settings: one frozen class a stage, read from one TOML file. An unknown key or an impossible value fails before any file is read.

Each field carries its unit, effect and the origin of its default; `taosha init` and the repository's taosha.toml are written
from them. `data_digest` covers what affects published bytes and nothing else.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tasks.errors import SettingsError
from tasks.sections import (
    Boilerplate,
    Dedup,
    Guards,
    Input,
    Language,
    Matching,
    Normalize,
    Perplexity,
    Publish,
    Quality,
    Run,
    Script,
    Section,
)
from tasks.toml_lines import first_line, line_of, syntax

__all__ = [
    "Boilerplate",
    "Dedup",
    "Guards",
    "Input",
    "Language",
    "Matching",
    "Normalize",
    "Perplexity",
    "Publish",
    "Quality",
    "Run",
    "Script",
    "Settings",
    "load",
]

#: Sections whose values change published bytes.
DATA_SECTIONS = (
    "input", "normalize", "script", "language", "boilerplate", "quality",
    "perplexity", "matching", "dedup", "guards", "publish",
)  # fmt: skip
#: Fields of those sections that do not.
NOT_DATA = {
    *(("guards", name) for name in ("max_shrink", "max_rule_share", "max_collection_share", "min_collection_chars")),
    ("publish", "keep_snapshots"),
}


class Settings(Section):
    """All settings. `Settings()` are the defaults; `load(path)` reads a TOML file."""

    input: Input = Input()
    normalize: Normalize = Normalize()
    script: Script = Script()
    language: Language = Language()
    boilerplate: Boilerplate = Boilerplate()
    quality: Quality = Quality()
    perplexity: Perplexity = Perplexity()
    matching: Matching = Matching()
    dedup: Dedup = Dedup()
    guards: Guards = Guards()
    publish: Publish = Publish()
    run: Run = Run()

    def values(self, *sections: str) -> dict[str, Any]:
        """Plain values by section and field of what affects data in the named sections, or in all."""
        values = self.model_dump(mode="json", include=set(sections or DATA_SECTIONS))
        for section, field in NOT_DATA:
            values.get(section, {}).pop(field, None)
        return values

    def digest(self, *sections: str, without: tuple[str, ...] = ()) -> str:
        """Digest (16 hex digits) of the values in the named sections that affect data; of all of them by default.

        without : fields that are left out, as `section.field`.
        """
        if unknown := set(sections) - set(Settings.model_fields):
            raise KeyError(f"no section of settings is called {', '.join(sorted(unknown))}")
        values = self.values(*sections)
        for section, field in (name.split(".") for name in without):
            values.get(section, {}).pop(field, None)
        if "collections" in values.get(
            "input", ()
        ):  # the first glob that matches names the collection, so their order is data; sort_keys would lose it
            values["input"]["collections"] = list(values["input"]["collections"].items())
        return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def load(path: Path | None, overrides: dict[str, dict[str, Any]] | None = None) -> Settings:
    """Settings of a TOML file (defaults when `path` is None), with overrides from flags.

    Raises SettingsError naming file, line, key, what was found and what is allowed.
    """
    text, where = "", "settings"
    if path is not None:
        where = str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{where}: cannot be read ({error})") from error
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(syntax(error, text, where)) from error
    for section, fields in (overrides or {}).items():
        if isinstance(values.setdefault(section, {}), dict):  # anything else is reported below
            values[section].update(fields)
    try:
        # By way of JSON, because there strict means what TOML means: "32" is no number, 1 is no boolean, an array is a tuple.
        settings = Settings.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise SettingsError(_explain(error, text, where)) from error
    matching = settings.matching
    if matching.bands * matching.rows > matching.permutations:
        raise SettingsError(
            f"{where}{first_line(text, 'matching', 'bands', 'rows')}: matching.bands x matching.rows = {matching.bands} x {matching.rows} "
            f"is over matching.permutations = {matching.permutations}; lower one of them"
        )
    if matching.report_threshold > matching.remove_threshold:
        raise SettingsError(
            f"{where}{first_line(text, 'matching', 'report_threshold', 'remove_threshold')}: matching.report_threshold = {matching.report_threshold} "
            f"is over matching.remove_threshold = {matching.remove_threshold}; a removal must be reported too"
        )
    return settings


def _explain(error: ValidationError, text: str, where: str) -> str:
    """One line a problem: file:line: key: what was found, what is allowed."""
    lines = []
    for problem in error.errors():
        keys = tuple(str(key) for key in problem["loc"])
        place = f"{where}{line_of(text, keys)}: {'.'.join(keys)}"
        if problem["type"] == "extra_forbidden":
            known = _known(keys[:-1])
            near = difflib.get_close_matches(keys[-1], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            lines.append(f"{place}: unknown setting; {hint}")
        else:
            lines.append(f"{place}: found {problem['input']!r}; {problem['msg']}")
    return "\n".join(lines)


def _known(keys: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for key in keys:
        kind = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return sorted(model.model_fields)
