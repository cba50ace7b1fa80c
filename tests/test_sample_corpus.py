"""The sample corpus and tests/sample.toml fit each other: what can be said without running the pipeline."""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import make_binary_samples
import pytest

from tasks.store.schemas import REMOVED, SOURCES

CORPUS = make_binary_samples.CORPUS
EXPECTED: dict[str, list[dict[str, Any]]] = tomllib.loads((Path(__file__).parent / "sample.toml").read_text(encoding="utf-8"))
SOURCE = {source["file"]: source for source in EXPECTED["source"]}
FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*") if path.is_file())
READ = [name for name in FILES if "format" in SOURCE.get(name, {})]
CATEGORIES, REASONS = (
    set(re.findall(r"[a-z_]+", REMOVED.field(name).metadata[b"description"].decode())) for name in ("category", "reason")
)


@cache
def decoded(name: str) -> str:
    data = (CORPUS / name).read_bytes()
    return (gzip.decompress(data) if name.endswith(".gz") else data).decode(SOURCE[name]["encoding"])


@cache
def document(name: str, record: int = 0) -> tuple[str, ...] | None:
    """Lines of a document text; None where only the reader can make it (html)."""
    text, kind = decoded(name), SOURCE[name]["format"]
    if kind == "jsonl":
        return tuple(json.loads(text.splitlines()[record])["text"].split("\n"))
    if kind == "csv":
        return tuple(list(csv.DictReader(text.splitlines(keepends=True)))[record]["content"].split("\n"))
    if kind in ("srt", "vtt"):
        return cue_lines(text)
    return tuple(text.split("\n")) if kind in ("txt", "md") else None


def cue_lines(text: str) -> tuple[str, ...]:
    """Caption lines without cue numbers, time codes, notes and tags; a cue's first line that ended the last cue is rolling."""
    lines: list[str] = []
    for block in re.split(r"\n{2,}", text.strip()):
        rows = block.split("\n")
        timed = next((i for i, row in enumerate(rows) if "-->" in row), None)
        if timed is not None:
            cue = [re.sub(r"<[^>]+>", "", row) for row in rows[timed + 1 :]]
            lines += cue[1:] if lines and cue[0] == lines[-1] else cue
    return tuple(lines)


def visible_text(name: str) -> str:
    """Text of a page without tags, cells and white space as one space."""
    cells = re.sub(r"</t[dh]>", "\t", decoded(name))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", cells)).split())


def spans() -> list[tuple[str, str, dict[str, Any]]]:
    return [(name, verb, span) for name in READ for verb in ("remove", "keep", "either") for span in SOURCE[name][verb]]


def places() -> list[dict[str, Any]]:
    two_sided = [side for group in ("pair", "apart") for entry in EXPECTED[group] for side in (entry["a"], entry["b"])]
    return two_sided + [place for entry in EXPECTED["repeat"] for place in entry["places"]]


def check_lines(name: str, record: int, lines: list[int]) -> None:
    text, (first, last) = document(name, record), lines
    assert text is not None, f"{name}: name html lines by text"
    assert 1 <= first <= last <= len(text), f"{name}: {lines} of {len(text)} lines"
    assert text[first - 1].strip(), f"{name}: line {first} is blank"
    assert text[last - 1].strip(), f"{name}: line {last} is blank"


def test_every_file_is_described_and_every_description_has_its_file() -> None:
    assert sorted(SOURCE) == FILES
    assert 12 <= len(FILES) <= 32
    assert 60_000 <= sum((CORPUS / name).stat().st_size for name in FILES) <= 120_000


@pytest.mark.parametrize("name", READ)
def test_file_decodes_as_declared_and_ends_with_a_line_end(name: str) -> None:
    text = decoded(name)
    assert "\ufffd" not in text
    assert text.endswith("\n")
    assert "\r" not in text


@pytest.mark.parametrize("name", [n for n in READ if SOURCE[n]["encoding"] != "utf-8"])
def test_file_in_another_encoding_is_not_utf8(name: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        (CORPUS / name).read_bytes().decode()


def test_gb18030_sample_needs_four_byte_characters() -> None:
    with pytest.raises(UnicodeEncodeError):
        decoded("news/tide-station.txt").encode("gbk")


def test_quarantined_sample_decodes_in_no_chinese_encoding() -> None:
    for encoding in ("utf-8", "gb18030", "big5", "big5hkscs", "cp950", "cp1252"):
        with pytest.raises(UnicodeDecodeError):
            (CORPUS / "broken/torn-scan.txt").read_bytes().decode(encoding)


@pytest.mark.parametrize("name", sorted(make_binary_samples.files()))
def test_binary_sample_is_what_its_script_writes(name: str) -> None:
    made, found = make_binary_samples.files()[name], (CORPUS / name).read_bytes()
    if name.endswith(".gz"):
        made, found = gzip.decompress(made), gzip.decompress(found)
    assert found == made


@pytest.mark.parametrize("name", READ)
def test_addresses_are_reserved_for_examples(name: str) -> None:
    for host in re.findall(r"(?:https?://|@)([A-Za-z0-9.-]+)", decoded(name)):
        assert re.fullmatch(r"(?:[a-z0-9-]+\.)*example\.(?:com|org|net)", host), f"{name}: {host}"


def test_ranges_stand_in_the_text_and_do_not_overlap() -> None:
    taken: dict[tuple[str, int], dict[int, str]] = {}
    for name, verb, span in spans():
        if "text" in span:
            assert " ".join(span["text"].split()) in visible_text(name), name
            continue
        check_lines(name, span.get("record", 0), span["lines"])
        lines = taken.setdefault((name, span.get("record", 0)), {})
        for line in range(span["lines"][0], span["lines"][1] + 1):
            assert lines.setdefault(line, verb) == verb, f"{name}: line {line} is to {lines[line]} and to {verb}"


def test_reasons_and_categories_are_those_of_the_design() -> None:
    for name, verb, span in spans():
        assert set(span) <= {"lines", "text", "record", "category", "reason"}, name
        assert verb == "remove" or not {"category", "reason"} & set(span), name
        assert set(span.get("category", [])) <= CATEGORIES, name
        assert set(span.get("reason", [])) <= REASONS, name
    for source in SOURCE.values():
        assert set(source.get("status", ["ok"])) <= {"ok", "needs_review", "quarantined", "skipped"}
        assert source.get("format") is None or source["format"] in SOURCES.field("format").metadata[b"description"].decode()


def test_pairs_repeats_and_records_stand_in_the_text() -> None:
    for place in places():
        check_lines(place["file"], place.get("record", 0), place["lines"])
    for record in EXPECTED["record"]:
        assert document(record["file"], record["record"])
        assert record["verdict"] in ("kept", "removed")


@pytest.mark.parametrize("name", [name for name in READ if "repaired" in SOURCE[name]])
def test_damage_that_normalization_mends_is_there(name: str) -> None:
    text = document(name)
    assert text is not None
    for repair in SOURCE[name]["repaired"]:
        assert repair["raw"] in text[repair["line"] - 1]
        assert repair["text"] not in text[repair["line"] - 1]


def test_copies_are_copies() -> None:
    """The exact copy is exact, the contained one is inside, the repeated code is the same."""
    jsonl = "reposts/records.jsonl"
    assert document(jsonl, 0) == document(jsonl, 6)
    assert "".join(document(jsonl, 1) or ()) in "".join(document(jsonl, 7) or ())
    assert (document("newsletter/issue-31.md") or ())[17:26] == (document("newsletter/issue-34.md") or ())[17:26]
