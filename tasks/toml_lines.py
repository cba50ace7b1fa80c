"""Where a key stands in the text of a TOML file, for messages that name the line."""

from __future__ import annotations

import re
import tomllib


def syntax(error: tomllib.TOMLDecodeError, text: str, where: str) -> str:
    """file:line: what is wrong with the TOML, and the line, which names the key."""
    found = re.search(r"^(.*) \(at line (\d+), column \d+\)$", str(error))
    if not found:
        return f"{where}: not valid TOML: {error}"
    line = text.split("\n")[int(found[2]) - 1].strip()
    return f"{where}:{found[2]}: not valid TOML: {found[1]}, in `{line[:80]}`"


def first_line(text: str, section: str, *fields: str) -> str:
    """`:12` for the first of the fields that the file sets."""
    return next(filter(None, (line_of(text, (section, field), depth=2) for field in fields)), "")


def line_of(text: str, keys: tuple[str, ...], depth: int = 1) -> str:
    """`:12` for the line that sets section.key, or else (depth 1) the line of its section; empty when the file says neither."""
    section: tuple[str, ...] = ()
    best, at = depth - 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(rf"\s*\[\[?\s*({_KEY})\s*\]\]?\s*(#.*)?$", line)
        key = re.match(rf"\s*({_KEY})\s*=", line)
        if header:
            section = path = _parts(header[1])
        elif key:
            path = (*section, *_parts(key[1]))
        else:
            continue
        if path == keys[: len(path)] and len(path) > best:
            best, at = len(path), f":{number}"
    return at


_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))
