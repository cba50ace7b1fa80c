"""Documentation that is made from the code: README's tables from the schemas, taosha.toml from the settings.

python -m tasks.docs --write README.md taosha.toml
python -m tasks.docs --check README.md taosha.toml
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tasks.errors import TaoshaError, UsageError
from tasks.settings import Settings
from tasks.store.schemas import SIGNALS, SIGNALS_TYPE, TABLES

BEGIN, END = "<!-- tables -->", "<!-- /tables -->"
_WIDTH = 118
_WORDS = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


# --- Tables ---------------------------------------------------------------------------------------------------------------


def type_words(kind: pa.DataType) -> str:
    """An Arrow type as a reader of SQL would say it.

    >>> type_words(pa.list_(pa.struct({"lang": pa.string(), "share": pa.float32()})))
    'list of (lang text, share real)'
    """
    if pa.types.is_list(kind):
        return f"list of {type_words(kind.value_type)}"
    if kind == SIGNALS_TYPE:
        return "struct"
    if pa.types.is_struct(kind):
        return "(" + ", ".join(f"{field.name} {type_words(field.type)}" for field in kind) + ")"
    return _WORDS.get(kind) or str(kind)


def description(field: pa.Field[Any]) -> str:
    """What a column means, from its metadata; empty when nobody wrote it."""
    return (field.metadata or {}).get(b"description", b"").decode()


def tables_markdown() -> str:
    """README's documentation of the published tables: each with its meaning, columns, types and descriptions."""
    parts = []
    for name, (schema, meaning) in TABLES.items():
        columns = [(field.name, type_words(field.type), _short(field)) for field in schema]
        parts.append(_folded(name, meaning, columns))
        if any(field.type == SIGNALS_TYPE for field in schema):
            parts.append(
                _folded(
                    "signals", f"Fields of the column `signals` of `{name}`.", [(n, type_words(kind), text) for n, kind, text in SIGNALS]
                )
            )
    return "\n\n".join(parts)


def _short(field: pa.Field[Any]) -> str:
    """The description of `signals` lists every field; in the README they have a table of their own."""
    text = description(field)
    return text.split(":", 1)[0] + ": see the next table." if field.type == SIGNALS_TYPE else text


def _folded(name: str, meaning: str, columns: list[tuple[str, str, str]]) -> str:
    """One table of columns that unfolds at a click: all of them open would be most of the README."""
    rows = [f"| `{column}` | {kind} | {text.replace('|', chr(92) + '|')} |" for column, kind, text in columns]
    head = f"<details>\n<summary><b>{name}</b>: {_code(meaning)} {len(columns)} columns</summary>\n"
    return "\n".join([head, "| column | type | meaning |", "|---|---|---|", *rows, "\n</details>"])


def _code(text: str) -> str:
    """Markdown is not read inside <summary>: `x` becomes <code>x</code>."""
    pieces = text.split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


# --- Settings -------------------------------------------------------------------------------------------------------------


def settings_toml() -> str:
    """A taosha.toml with every setting explained and commented out, so that it changes nothing and freezes no default."""
    lines = [
        "# Settings of taosha. Every line that sets something is commented out and shows the default: remove the # to change it.",
        "# An unknown key or an impossible value stops the run before any file is read. Written by `taosha init`.",
    ]
    for section, info in Settings.model_fields.items():
        model = info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"settings section {section} is not a class")
        about = (model.__doc__ or "").removeprefix(f"[{section}]").strip()
        lines += ["", "", f"# {about[:1].upper()}{about[1:]}", f"[{section}]"]
        for name, field in model.model_fields.items():
            lines += ["", *_comment(field), f"# {name} = {toml_value(field.get_default(call_default_factory=True))}"]
    return "\n".join(lines) + "\n"


def _comment(field: FieldInfo) -> list[str]:
    text = " ".join(filter(None, (field.description, _allowed(field))))
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def _allowed(field: FieldInfo) -> str:
    """The range or the choices that a value must be in."""
    if get_origin(field.annotation) is Literal:
        choices = get_args(field.annotation)
        return f"One of: {', '.join(map(str, choices))}." if len(choices) > 1 else f"Only {choices[0]} is possible."
    limits = {key: getattr(rule, key) for rule in field.metadata for key in ("ge", "le") if hasattr(rule, key)}
    if len(limits) == 2:
        return f"From {limits['ge']} to {limits['le']}."
    return f"At least {limits['ge']}." if "ge" in limits else ""


def toml_value(value: Any) -> str:
    """A value as TOML writes it.

    >>> toml_value(("zh", "en")), toml_value(True), toml_value({})
    ('["zh", "en"]', 'true', '{}')
    """
    if isinstance(value, dict):
        inner = ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    # DEL is the one character that JSON leaves bare and TOML forbids.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# --- Files ----------------------------------------------------------------------------------------------------------------


def generated(path: Path) -> str:
    """What `path` should hold: a .toml is settings_toml(), in any other file the part between the two markers is replaced."""
    if path.suffix == ".toml":
        return settings_toml()
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UsageError(f"{path}: expected one {BEGIN} and, after it, one {END}; put them where the tables belong")
    return text[: text.index(BEGIN) + len(BEGIN)] + "\n" + tables_markdown() + "\n" + text[text.index(END) :]


def main(arguments: list[str]) -> int:
    """`--write FILE ...` brings the files up to date, `--check FILE ...` says which are not (exit 1)."""
    if len(arguments) < 2 or arguments[0] not in ("--check", "--write"):
        sys.stderr.write("usage: python -m tasks.docs --check|--write FILE ... (README.md, taosha.toml)\n")
        return UsageError.exit_code
    stale = 0
    for path in map(Path, arguments[1:]):
        try:
            text = generated(path)
            fresh = path.exists() and path.read_text(encoding="utf-8") == text
        except (TaoshaError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return UsageError.exit_code
        if not fresh and arguments[0] == "--write":
            path.write_text(text, encoding="utf-8")
        elif not fresh:
            sys.stderr.write(f"{path} is not what the code says: run python -m tasks.docs --write {path}\n")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
