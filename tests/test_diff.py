"""Two snapshots compared: every changed passage is told once, with the cause that really changed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matching_world import paragraph, reworded
from test_decisions import Place, one
from typer.testing import CliRunner
from whole import Run

from flows.cli import app
from tasks.diff import compare
from tasks.diff_text import as_page, as_text, model, snapshots
from tasks.errors import UsageError

_RNG = np.random.default_rng(23)
FIRST, SECOND, THIRD, FOURTH = (paragraph(_RNG, 120) for _ in range(4))
NEAR = reworded(_RNG, FIRST, 0.04)
NOTE = "这是小刊的尾巴写在这里"
Changes = list[dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.sources({"a.txt": f"{FIRST}\n\n{SECOND}\n", "b.txt": f"{THIRD}\n\n{NEAR}\n\n{NOTE}\n"})
    return made


def told(before: Run, after: Run) -> Changes:
    """The changes, after every changed outcome was found again by looking at all rows of both snapshots."""
    found = model(compare(before.snapshot, after.snapshot), before.snapshot, after.snapshot, 0)
    outcome = [
        {row["passage_id"]: tuple(row.get(name) for name in ("reason", "rule", "kept_passage_id", "reviewed")) for table in ("passages", "removed") for row in run.rows(table)}
        for run in (before, after)
    ]  # fmt: skip
    ids = {one for one in outcome[0].keys() | outcome[1].keys() if outcome[0].get(one) != outcome[1].get(one)}
    seen = [side["passage_id"] for row in found["changes"] for side in (row["before"], row["after"]) if side]
    assert ids <= set(seen)
    assert found["total"] == len(found["changes"]) == sum(n for kinds in found["counts"].values() for n in kinds.values())
    changes: Changes = found["changes"]
    return changes


def said(changes: Changes) -> list[tuple[str, str, str]]:
    return sorted((row["kind"], row["cause"], (row["after"] or row["before"])["source"]) for row in changes)


def test_the_same_state_has_no_changes(place: Place) -> None:
    before = place.run()
    assert told(before, before) == []


def test_a_decision_is_the_cause_of_what_it_changes(place: Place) -> None:
    before = place.run()
    place.decide((one(before, SECOND)[1]["content_id"], "remove"), (one(before, NEAR)[1]["content_id"], "keep"))
    changes = told(before, place.run())
    assert {row[1] for row in said(changes)} == {"decision"}
    assert ("removed now", "decision", "a.txt") in said(changes)
    assert [row["text"][:8] for row in changes if row["kind"] == "removed now"] == [SECOND[:8]]


def test_a_source_that_leaves_gives_its_suppressed_copy_back(place: Place) -> None:
    before = place.run()
    suppressed = one(before, NEAR if one(before, NEAR)[0] == "removed" else FIRST)[1]["source"]
    other = {"a.txt": "b.txt", "b.txt": "a.txt"}[suppressed]
    (place.folder / "in" / other).unlink()
    changes = told(before, place.run())
    assert ("kept again", "input deleted", suppressed) in said(changes)
    assert {row for row in said(changes) if row[2] == other} == {("gone", "input deleted", other)}


def test_an_insertion_moves_what_comes_after_and_adds_only_itself(place: Place) -> None:
    before = place.run()
    place.sources({"a.txt": f"{FOURTH}\n\n{FIRST}\n\n{SECOND}\n"})
    changes = [row for row in told(before, place.run()) if (row["after"] or row["before"])["source"] == "a.txt"]
    assert ("added", "input edited", "a.txt") in said(changes)
    assert ("moved", "input edited", "a.txt") in said(changes)
    assert [row["text"][:8] for row in changes if row["kind"] == "added"] == [FOURTH[:8]]


def test_a_new_source_is_the_cause_of_its_passages(place: Place) -> None:
    before = place.run()
    place.sources({"c.txt": paragraph(np.random.default_rng(1), 160)})
    assert said(told(before, place.run())) == [("added", "input added", "c.txt")]


def test_a_setting_is_named_with_its_values(place: Place) -> None:
    before = place.run()
    place.config.write_text(f"{place.config.read_text(encoding='utf-8')}[matching]\nremove_threshold = 0.99\n", encoding="utf-8")
    after = place.run()
    diff = compare(before.snapshot, after.snapshot)
    assert diff.factors == {"setting": ["matching.remove_threshold: 0.7 -> 0.99"]}
    changes = told(before, after)
    assert {row["cause"] for row in changes} == {"setting"}
    assert [row["kind"] for row in changes].count("kept again") == 1


def test_a_rule_is_the_cause_of_what_it_takes(place: Place) -> None:
    before = place.run()
    (place.folder / "more.toml").write_text(
        f'[[rule]]\nid = "mine.one"\ncategory = "footer"\nscope = "line"\npattern = "小刊的尾巴"\nanchor = "search"\nexamples = ["{NOTE}", "小刊的尾巴"]\ncounter_examples = ["别的", "{FIRST[:20]}"]\n', encoding="utf-8"
    )  # fmt: skip
    place.config.write_text(f'{place.config.read_text(encoding="utf-8")}[boilerplate]\nfiles = ["more.toml"]\n', encoding="utf-8")
    changes = told(before, place.run())
    assert {(row["kind"], row["cause"]) for row in changes} == {("removed now", "rule")}


def test_the_last_two_snapshots_are_compared_and_others_by_their_ids(place: Place) -> None:
    first = place.run()
    output = place.folder / "out"
    with pytest.raises(UsageError, match="one snapshot only"):
        snapshots(output, [])
    place.sources({"c.txt": paragraph(np.random.default_rng(1), 160)})
    second = place.run()
    assert [path.name for path in snapshots(output, [])] == [first.snapshot.name, second.snapshot.name]
    assert [path.name for path in snapshots(output, [second.snapshot.name[:8], str(first.snapshot)])] == [
        second.snapshot.name,
        first.snapshot.name,
    ]
    for names, words in ((["zz", "yy"], "0 snapshots"), (["a"], "name two snapshots")):
        with pytest.raises(UsageError, match=words):
            snapshots(output, names)


def test_hostile_text_is_text_in_every_form(place: Place) -> None:
    before = place.run()
    bad = "<script>alert(1)</script>\"'{{7*7}}\x1b[31m\u202e&amp; " + FOURTH
    place.sources({"c.txt": bad, "d<img src=x onerror=alert(1)>.txt": FOURTH + SECOND})
    after = place.run()
    found = model(compare(before.snapshot, after.snapshot), before.snapshot, after.snapshot, 0)
    page, text = as_page(found), as_text(found)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in page
    for shown in (page, text):
        assert not set("\x1b\u202e") & set(shown)
    result = CliRunner().invoke(app, ["diff", "--json", "--limit", "1", "--output", str(place.folder / "out")])
    answer = json.loads(result.output)
    assert (len(answer["changes"]), answer["total"]) == (1, found["total"])
    written = place.folder / "diff.html"
    CliRunner().invoke(app, ["diff", "--page", str(written), "--limit", "0", "--output", str(place.folder / "out")])
    assert written.read_text(encoding="utf-8") == page
