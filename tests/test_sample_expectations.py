"""The pipeline on the sample corpus does what a careful reader wrote down in sample.toml (its header says how to read it)."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import test_sample_corpus as corpus
import whole

Place = dict[str, Any]
#: Known failures: what the pipeline does otherwise than a careful reader wants, by file. The tests hold it to exactly these,
#: so that a mended one is struck out here and a new one is noticed.
KNOWN: dict[str, list[str]] = {
    "reposts/digest.txt.gz": [
        "remove lines [11, 11]: not so on lines [11]",
    ],
}
TAKEN = ("extraction", "boilerplate", "template")


@cache
def starts(name: str, record: int) -> tuple[str, tuple[int, ...]]:
    """Document text and the offset of each line."""
    lines = corpus.document(name, record)
    assert lines is not None
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    return "\n".join(lines), tuple(offsets)


def characters(name: str, record: int, first: int, last: int) -> set[int]:
    """Offsets of the visible characters on lines first..last."""
    text, offsets = starts(name, record)
    return {at for at in range(offsets[first - 1], min(offsets[last], len(text))) if not text[at].isspace()}


def rows_on(run: whole.Run, place: Place, table: str) -> list[whole.Row]:
    """Rows of `passages` or `removed` that touch the lines of a place."""
    wanted = characters(place["file"], place.get("record", 0), *place["lines"])
    rows = run.spans(place["file"], place.get("record", 0))["kept" if table == "passages" else "removed"]
    return [row for row in rows if not wanted.isdisjoint(range(row["char_start"], row["char_end"]))]


def covered(rows: list[whole.Row]) -> set[int]:
    return {at for row in rows for at in range(row["char_start"], row["char_end"])}


def page_rows(run: whole.Run, name: str, text: str) -> dict[str, list[whole.Row]]:
    """Rows of a page that hold a line with `text` in it; white space runs count as one space."""
    plain = " ".join(text.split())
    return {
        verdict: [row for row in rows if any(plain in " ".join(line.split()) for line in (row["raw"] or row["text"]).split("\n"))]
        for verdict, rows in run.spans(name).items()
    }


def against(run: whole.Run, name: str, verb: str, span: dict[str, Any]) -> list[str]:
    """What the run did otherwise on one range; empty when it did as expected."""
    if "text" in span:
        found = page_rows(run, name, span["text"])
        other = found["removed" if verb == "keep" else "kept"]
        assert found["kept"] or found["removed"], f"{name}: no row holds {span['text']}"
        rows, where = found["removed"], span["text"]
        wrong = [f"{verb} {where}: {row['char_start']} is not"] if (row := next(iter(other), None)) else []
    else:
        place = {"file": name, "record": span.get("record", 0), "lines": span["lines"]}
        wanted = characters(name, place["record"], *span["lines"])
        rows, where = rows_on(run, place, "removed"), f"lines {span['lines']}"
        kept = wanted - covered(rows)
        amiss = kept if verb == "remove" else wanted - kept
        lines = sorted({starts(name, place["record"])[0].count("\n", 0, at) + 1 for at in amiss})
        wrong = [f"{verb} {where}: not so on lines {lines}"] if amiss else []
    if verb == "remove":
        for row in rows:
            if row["reason"] not in span.get("reason", TAKEN):
                wrong.append(f"{where}: reason {row['reason']} at line {row['line_start']}")
            elif row["reason"] in ("boilerplate", "template") and "category" in span and row["category"] not in span["category"]:
                wrong.append(
                    f"{where}: category {row['category']} ({row['rule']}) at line {row['line_start']}, expected {span['category']}"
                )
    return wrong


@pytest.mark.parametrize("name", corpus.READ)
def test_ranges_are_removed_and_kept_as_expected(name: str, sample_run: whole.Run) -> None:
    source = corpus.SOURCE[name]
    wrong = [line for verb in ("remove", "keep") for span in source[verb] for line in against(sample_run, name, verb, span)]
    assert wrong == KNOWN.get(name, []), "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name in corpus.READ if corpus.SOURCE[name]["format"] != "html"])
def test_what_is_named_nowhere_is_content_and_is_kept(name: str, sample_run: whole.Run) -> None:
    records = {entry["record"] for entry in corpus.EXPECTED["record"] if entry["file"] == name and entry["verdict"] == "removed"}
    for record in {row["record"] for row in sample_run.rows("documents") if row["source"] == name} - records:
        text, _ = starts(name, record)
        named = {
            at
            for verb in ("remove", "either")
            for span in corpus.SOURCE[name][verb]
            if span.get("record", 0) == record
            for at in characters(name, record, *span["lines"])
        }
        gone = covered(sample_run.spans(name, record)["removed"]) - named
        lines = sorted({text.count("\n", 0, at) + 1 for at in gone if not text[at].isspace()})
        assert not lines, f"record {record}: lines {lines} were removed"


@pytest.mark.parametrize("name", corpus.FILES)
def test_sources_are_read_as_expected(name: str, sample_run: whole.Run) -> None:
    expected = corpus.SOURCE[name]
    row = next(row for row in sample_run.rows("sources") if row["source"] == name)
    assert row["status"] in expected.get("status", ["ok"])
    if "format" in expected:
        assert row["format"] == expected["format"]
        assert row["encoding"].lower().replace("_", "-") == expected["encoding"]
    rows = [row for rows in sample_run.spans(name).values() for row in rows]
    if "layout" in expected:
        assert {row["layout"] for row in rows} <= set(expected["layout"])
    if "script" in expected:
        scripts = {row["script_source"] for row in sample_run.spans(name)["kept"]} - {"neutral"}
        assert scripts == {expected["script"]} - {"neutral"}
    for column, value in expected.get("metadata", {}).items():
        found = next(row for row in sample_run.rows("documents") if row["source"] == name)[column]
        assert (found.date().isoformat() if column == "published_at" else found) == value, column


@pytest.mark.parametrize("name", [name for name in corpus.READ if "repaired" in corpus.SOURCE[name]])
def test_damage_is_mended(name: str, sample_run: whole.Run) -> None:
    for repair in corpus.SOURCE[name]["repaired"]:
        rows = rows_on(sample_run, {"file": name, "lines": [repair["line"], repair["line"]]}, "passages")
        assert any(repair["text"] in row["text"] and repair["raw"] in row["raw"] for row in rows), repair["text"]


@pytest.mark.parametrize("expected", corpus.EXPECTED["record"], ids=lambda e: f"{e['file']}#{e['record']}")
def test_records_have_the_expected_language_and_verdict(expected: dict[str, Any], sample_run: whole.Run) -> None:
    spans = sample_run.spans(expected["file"], expected["record"])
    if expected["verdict"] == "removed":
        assert not spans["kept"]
        assert {row["reason"] for row in spans["removed"]} <= set(expected["reasons"])
        return
    assert spans["kept"]
    assert not spans["removed"]
    for row in spans["kept"]:
        assert (row["lang"], row["is_mixed"], row["script_source"]) == (expected["lang"], expected["is_mixed"], expected["script"])


def test_only_the_record_that_is_mixed_is_called_mixed(sample_run: whole.Run) -> None:
    mixed = {(row["source"], row["record"]) for row in sample_run.rows("passages") if row["is_mixed"]}
    assert mixed == {(entry["file"], entry["record"]) for entry in corpus.EXPECTED["record"] if entry["is_mixed"]}


def known(group: str, failing: dict[str, str]) -> list[Any]:
    """Entries of a group, those whose text holds a key of `failing` as strict expected failures."""
    marked = []
    for entry in corpus.EXPECTED[group]:
        reason = next((why for key, why in failing.items() if key in str(entry)), None)
        marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
        name = entry.get("what") or f"{entry['a']['file']}~{entry['b']['file']}-{entry['kind'][0]}"
        marked.append(pytest.param(entry, id=name.split(":")[0], marks=marks))
    return marked


@pytest.mark.parametrize(
    "expected", known("pair", {"digest.txt.gz": "the copy begins with 五、, which counts as a number that would be lost"})
)
def test_pairs_are_found(expected: dict[str, Any], sample_run: whole.Run) -> None:
    sides = {side: characters(expected[side]["file"], expected[side]["record"], *expected[side]["lines"]) for side in "ab"}

    def touches(pair: whole.Row, side: str, place: str) -> bool:
        named = (pair[f"source_{side}"], pair[f"record_{side}"]) == (expected[place]["file"], expected[place]["record"])
        return named and not sides[place].isdisjoint(range(pair[f"char_start_{side}"], pair[f"char_end_{side}"]))

    found = [pair for pair in sample_run.rows("pairs") if any(touches(pair, "a", x) and touches(pair, "b", y) for x, y in ("ab", "ba"))]
    assert found, "no such pair"
    assert {pair["kind"] for pair in found} & set(expected["kind"])
    for side in "ab":
        removed = rows_on(sample_run, expected[side], "removed")
        if expected["removed"] == side:
            assert removed
            assert {row["reason"] for row in removed} <= {"exact_duplicate", "near_duplicate", "duplicate_block"}
        else:
            assert not removed


@pytest.mark.parametrize("expected", known("repeat", {}))
def test_repeats_are_one_family_of_blocks(expected: dict[str, Any], sample_run: whole.Run) -> None:
    """At least `minimum` of the places are occurrences of one family, each covered to nine tenths."""

    def share(occurrence: whole.Row, place: Place) -> float:
        wanted = characters(place["file"], place.get("record", 0), *place["lines"])
        if (occurrence["source"], occurrence["record"]) != (place["file"], place.get("record", 0)):
            return 0.0
        return len(wanted & set(range(occurrence["char_start"], occurrence["char_end"]))) / len(wanted)

    best = 0
    for family in {row["family_id"] for row in sample_run.rows("occurrences")}:
        occurrences = [row for row in sample_run.rows("occurrences") if row["family_id"] == family]
        best = max(best, sum(any(share(row, place) >= 0.9 for row in occurrences) for place in expected["places"]))
    assert best >= expected["minimum"]


@pytest.mark.parametrize("expected", corpus.EXPECTED["apart"], ids=lambda e: e["what"])
def test_what_only_looks_alike_stays(expected: dict[str, Any], sample_run: whole.Run) -> None:
    kept = {row["passage_id"]: row for row in sample_run.rows("passages")}
    for here, there in (("a", "b"), ("b", "a")):
        ids = {row["passage_id"] for row in rows_on(sample_run, expected[there], "passages")}
        for row in rows_on(sample_run, expected[here], "removed"):
            assert row["kept_passage_id"] not in ids & kept.keys()
