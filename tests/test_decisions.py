"""A reviewer's decisions from file to tables: what is kept, what goes, what is told of it, and what a bad file says."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_world import paragraph, reworded
from newsletters import FRAME, write_issues
from typer.testing import CliRunner
from whole import Run, run, unproved

from flows.cli import app
from tasks.decisions import ACTIONS, Decisions, Reviewed, read_decisions, write_whole
from tasks.errors import SettingsError, UsageError
from tasks.explain import explain
from tasks.reviewing import import_file, listed, read_export
from tasks.verify import verify

Row = dict[str, Any]
_RNG = np.random.default_rng(11)
SHARED, OTHER, ALONE = (paragraph(_RNG, 120) for _ in range(3))
EDITED = reworded(_RNG, SHARED, 0.04)


class Place:
    """A folder with settings, sources and an output, and the decisions that stand there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config, self.decisions = folder, folder / "taosha.toml", folder / "taosha-decisions.toml"
        self.config.write_text("[guards]\nmin_guarded_chars = 100000\nmax_shrink = 1.0\n", encoding="utf-8")
        (folder / "in").mkdir()

    def sources(self, texts: dict[str, str]) -> None:
        for name, text in texts.items():
            (self.folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "in" / name).write_text(text, encoding="utf-8")

    def run(self) -> Run:
        """A run whose snapshot proves itself, whatever was decided."""
        done = run([self.folder / "in"], self.folder / "out", self.config)
        assert verify(done.snapshot, True, [self.folder / "in"]) == []
        for path in sorted((self.folder / "in").rglob("*.*")):
            spans = done.spans(path.relative_to(self.folder / "in").as_posix())
            assert unproved(path.read_text(encoding="utf-8"), spans["kept"], spans["removed"]) is None
        return done

    def decide(self, *decided: tuple[str, str]) -> None:
        write_whole(self.decisions, Decisions(passages=tuple(Reviewed(*one) for one in decided)).toml())

    def say(self, *args: str | Path, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*map(str, args), "--config", str(self.config)], catch_exceptions=False)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def one(done: Run, text: str, source: str = "") -> tuple[str, Row]:
    """Table and row of the only span that holds a text (in a source)."""
    found = [
        (table, row)
        for table in ("passages", "removed")
        for row in done.rows(table)
        if text in (row["raw"] or row.get("text") or "") and source in row["source"]
    ]
    assert len(found) == 1, [(table, row["source"]) for table, row in found]
    return found[0]


@pytest.fixture
def copies(place: Place) -> Place:
    """One paragraph in three places, one of them edited; a is the original."""
    place.sources({"a.txt": f"{SHARED}\n\n{OTHER}\n", "b.txt": f"{ALONE}\n\n{SHARED}\n", "c.txt": f"{EDITED}\n\n{FRAME[0]}\n"})
    return place


def test_a_copy_that_is_to_be_kept_stays_in_every_place(copies: Place) -> None:
    before = copies.run()
    assert one(before, SHARED, "b.txt")[1]["reason"] == "exact_duplicate"
    copies.decide((one(before, SHARED, "b.txt")[1]["content_id"], "keep"))
    after = copies.run()
    assert after.snapshot != before.snapshot
    kept = [one(after, SHARED, name) for name in ("a.txt", "b.txt")]
    assert [(table, row["reviewed"]) for table, row in kept] == [("passages", "keep")] * 2
    assert one(after, EDITED)[1]["reason"] == "near_duplicate"
    assert "reviewer's decision (keep)" in explain(after.snapshot, kept[1][1]["passage_id"]).why
    assert after.answer["summary"]["decisions"] == {"applied": {"keep": 1}, "contradicting": [], "unmatched": []}
    copies.decisions.unlink()
    assert copies.run().snapshot == before.snapshot


def test_only_the_one_that_was_chosen_stays_and_stands_for_the_others(copies: Place) -> None:
    before = copies.run()
    table, edited = one(before, EDITED)
    assert table == "removed"
    copies.decide((edited["content_id"], "keep_only"))
    after = copies.run()
    table, chosen = one(after, EDITED)
    assert (table, chosen["reviewed"], chosen["copies"]) == ("passages", "keep_only", 2)
    for name in ("a.txt", "b.txt"):
        table, row = one(after, SHARED, name)
        assert (table, row["reason"], row["kept_passage_id"]) == ("removed", "near_duplicate", chosen["passage_id"])
    assert "it stands for its 3 copies" in explain(after.snapshot, chosen["passage_id"]).why


def test_a_removal_by_a_reviewer_names_no_twin_and_carries_the_note(copies: Place) -> None:
    before = copies.run()
    copies.decide((one(before, ALONE)[1]["content_id"], "remove", "p", "不是正文"))
    after = copies.run()
    table, row = one(after, ALONE)
    assert table == "removed"
    assert (row["stage"], row["reason"], row["kept_passage_id"], row["similarity"]) == ("review", "reviewer", None, None)
    assert row["evidence"] == "by a reviewer's decision on file: 不是正文"
    assert explain(after.snapshot, row["passage_id"]).why == "Removed by a reviewer's decision on file: 不是正文"
    assert after.answer["summary"]["characters"]["removed_by_reason"]["reviewer"] == len(ALONE)


def test_a_removed_original_gives_its_place_to_another_wording_not_to_its_copies(copies: Place) -> None:
    copies.decide((one(copies.run(), SHARED, "a.txt")[1]["content_id"], "remove"))
    after = copies.run()
    assert [one(after, SHARED, name)[1]["reason"] for name in ("a.txt", "b.txt")] == ["reviewer"] * 2
    assert one(after, EDITED)[0] == "passages"


def test_two_that_are_each_to_be_the_only_one_contradict_and_neither_is_applied(copies: Place) -> None:
    before = copies.run()
    ids = sorted(one(before, text, source)[1]["content_id"] for text, source in ((SHARED, "a.txt"), (EDITED, "c.txt")))
    copies.decide(*((content, "keep_only") for content in ids))
    after = copies.run()
    told = [
        [(row["passage_id"], row.get("reviewed"), row.get("reason")) for table in ("passages", "removed") for row in done.rows(table)]
        for done in (before, after)
    ]
    assert told[0] == told[1]
    found = after.answer["summary"]["decisions"]
    assert [(row["content_id"], row["rivals"]) for row in found["contradicting"]] == [(ids[0], [ids[1]]), (ids[1], [ids[0]])]
    assert (found["applied"], found["unmatched"]) == ({}, [])


def test_a_decision_that_matches_nothing_any_more_is_told(copies: Place) -> None:
    copies.decide(("0" * 32, "keep"), ("f" * 32, "remove"), ("f" * 32, "keep"))
    done = run([copies.folder / "in"], copies.folder / "out", copies.config)
    found = done.answer["summary"]["decisions"]
    assert found == {"applied": {}, "contradicting": [{"actions": ["keep", "remove"], "content_id": "f" * 32}], "unmatched": ["0" * 32]}
    assert json.loads((done.snapshot / "manifest.json").read_text(encoding="utf-8"))["decisions"] == found
    from rich.console import Console

    from tasks.summary_text import render_text

    console = Console(width=200, record=True, file=io.StringIO())
    render_text(done.answer["summary"], console)
    said = console.export_text()
    assert "1 decisions match no content any more: 000000000000" in said
    assert "1 contents have decisions that contradict each other; none of them was applied: ffffffffffff" in said


@pytest.mark.parametrize("action", ["keep", "keep_only", "not_boilerplate"])
def test_what_a_template_takes_stays_when_a_reviewer_says_so(place: Place, action: str) -> None:
    write_issues(place.folder / "in" / "news", 8)
    before = place.run()
    mined = [row for row in before.rows("removed") if FRAME[0] in row["raw"]]
    assert {row["reason"] for row in mined} == {"template"}
    contents = sorted({row["content_id"] for row in mined})
    place.decide(*((content, action) for content in contents))
    after = place.run()
    assert not [row for row in after.rows("removed") if FRAME[0] in row["raw"] and row["reason"] == "template"]
    kept = [row for row in after.rows("passages") if FRAME[0] in row["text"]]
    assert {row["reviewed"] for row in kept} == {action}
    assert after.answer["summary"]["decisions"]["applied"] == {action: len(contents)}
    others = [
        sorted(row["raw"] for row in done.rows("removed") if FRAME[0] not in row["raw"] and FRAME[2] in row["raw"])
        for done in (before, after)
    ]
    assert others[0] == others[1] != []


def test_decisions_recompute_verdicts_and_nothing_before_them(copies: Place) -> None:
    content = one(copies.run(), ALONE)[1]["content_id"]
    work = copies.folder / "out" / "work"
    stood = {name: sorted(path.name for path in (work / name).iterdir()) for name in ("read", "annotate", "match", "decide")}
    copies.decide((content, "remove"))
    copies.run()
    now = {name: sorted(path.name for path in (work / name).iterdir()) for name in stood}
    assert {name for name in stood if stood[name] != now[name]} == {"decide"}


def test_undo_brings_back_what_was_removed_and_says_so(copies: Place) -> None:
    gone = one(copies.run(), EDITED)[1]
    output = ("--output", copies.folder / "out")
    said = copies.say("undo", gone["passage_id"][:12], *output)
    assert f"decided: keep {gone['content_id'][:12]}" in said
    assert "the next run keeps it wherever this content stands, though it is near duplicate of" in said
    written = copies.decisions.read_bytes()
    assert "to be kept already" in copies.say("undo", f"{gone['source']}:L1", *output)
    assert copies.decisions.read_bytes() == written
    after = copies.run()
    assert one(after, EDITED)[0] == "passages"
    assert "to be kept already" in copies.say("undo", one(after, EDITED)[1]["passage_id"], *output)
    assert "nothing to undo" in copies.say("undo", one(after, ALONE)[1]["passage_id"], *output)
    assert copies.decisions.read_bytes() == written


def test_undo_of_a_reviewers_removal_takes_its_place(copies: Place) -> None:
    content = one(copies.run(), ALONE)[1]["content_id"]
    copies.decide((content, "remove"))
    gone = one(copies.run(), ALONE)[1]
    assert "instead of remove" in copies.say("undo", gone["passage_id"], "--output", copies.folder / "out")
    assert read_decisions(copies.decisions).actions == {content: "keep"}
    assert one(copies.run(), ALONE)[0] == "passages"


def test_exported_decisions_are_merged_once_and_contradictions_are_left_out(place: Place, tmp_path: Path) -> None:
    a, b, c = ("a" * 32, "b" * 32, "c" * 32)
    write_whole(place.decisions, Decisions({"mined.1": "x"}, {"r": ("d", 0.5)}, (Reviewed(a, "keep", note="旧"),)).toml())
    news = tmp_path / "export.json"
    news.write_text(json.dumps({"passage": [{"content_id": b, "action": "remove", "note": "广告"}, {"content_id": a, "action": "remove"}]}))
    said = place.say("decisions", "import", news, code=3)
    assert "1 decisions written into" in said
    assert f"conflict: {a} is keep on file, remove in {news}; it was left as it is" in said
    written = place.decisions.read_bytes()
    assert "0 decisions written into" in place.say("decisions", "import", news, code=3)
    assert place.decisions.read_bytes() == written
    place.say("decisions", "import", news, "--replace")
    standing = read_decisions(place.decisions)
    assert (standing.refused, standing.ceilings) == ({"mined.1": "x"}, {"r": ("d", 0.5)})
    assert standing.actions == {a: "remove", b: "remove"}
    toml = tmp_path / "export.toml"
    toml.write_text(f'[[passage]]\ncontent_id = "{c}"\naction = "keep"\n[[passage]]\ncontent_id = "{c}"\naction = "remove"\n')
    assert f"conflict: {c} is to be keep and remove" in place.say("decisions", "import", toml, code=3)
    assert place.say("decisions", "list").splitlines() == [f"{a}\tremove\t", f"{b}\tremove\t广告"]
    assert "nothing is decided on" in place.say("decisions", "forget", "aaaaaa")
    assert read_decisions(place.decisions).actions == {b: "remove"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"content_id": "abc", "action": "keep"}]', "32 hex digits"), ('[{"content_id": "' + "a" * 32 + '", "action": "drop"}]', "known actions: keep"),
        ('[{"content_id": "' + "a" * 32 + '", "action": "keep", "note": 3}]', "a text is needed"), ("{", "neither TOML nor JSON"), ("[1]", "must be tables"),
        ('{"refused": []}', "only [[passage]] is imported"), ('[{"content_id": "' + "a" * 32 + '", "action": "keep", "x": ""}]', "unknown key 'x'"),
        ("[" * 100_000, "neither TOML nor JSON"),
    ],
)  # fmt: skip
def test_an_export_that_is_none_changes_nothing(place: Place, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad").write_text(text)
    with pytest.raises(SettingsError, match=said.replace("[", r"\[")):
        import_file(tmp_path / "bad", place.decisions)
    assert not place.decisions.exists()
    with pytest.raises(UsageError, match="cannot be read"):
        read_export(tmp_path / "none")


_texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
_reviewed = st.builds(
    Reviewed, st.text("0123456789abcdef", min_size=32, max_size=32), st.sampled_from(ACTIONS), of=_texts, note=_texts, snapshot=_texts
)


@given(decided=st.lists(_reviewed, max_size=6))
def test_decisions_come_back_from_their_file_as_they_were(tmp_path_factory: pytest.TempPathFactory, decided: list[Reviewed]) -> None:
    path = tmp_path_factory.mktemp("decisions") / "taosha-decisions.toml"
    write_whole(path, Decisions(passages=tuple(decided)).toml())
    back = read_decisions(path)
    assert set(back.passages) == set(decided)
    assert back.toml().encode() == path.read_bytes()
    assert back.digest == Decisions(passages=tuple(reversed(decided))).digest
    assert len(listed(back)) == len(set(decided))
    assert not back.actions.keys() & back.contradictions.keys()


@given(actions=st.sets(st.sampled_from(ACTIONS), min_size=1))
def test_actions_agree_only_where_one_contains_the_others(actions: set[str]) -> None:
    decided = Decisions(passages=tuple(Reviewed("a" * 32, action) for action in sorted(actions)))
    agreed = len(actions) == 1 or actions in ({"keep", "not_boilerplate"}, {"keep_only", "not_boilerplate"})
    assert (len(decided.actions), len(decided.contradictions)) == ((1, 0) if agreed else (0, 1))
