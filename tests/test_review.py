"""A reviewer's decisions through the command line: a mined template frozen, refused, and how much a rule may remove."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from newsletters import FRAME, write_issues
from typer.testing import CliRunner
from whole import Run, run

from flows.cli import app
from tasks.decisions import Decisions, read_decisions, write_whole
from tasks.drift import describe
from tasks.errors import GuardStopped, SettingsError, UsageError
from tasks.explain import explain
from tasks.foldline import fold_texts
from tasks.freeze import pattern_of, rule_of, rule_toml, toml_string
from tasks.rulepack import compiled, read_rules
from tasks.templates import LEAD, LINE, SKELETON, TRAIL

Row = dict[str, object]


def say(*args: str | Path) -> str:
    """What `taosha rules ...` prints; a mistake is raised."""
    result = CliRunner().invoke(app, ["rules", *map(str, args)], catch_exceptions=False, standalone_mode=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


class Place:
    """A folder with settings, sources and an output."""

    def __init__(self, folder: Path, text: str = '[boilerplate]\npacks = ["structure"]\n') -> None:
        self.folder = folder
        self.config = folder / "taosha.toml"
        self.config.write_text(text, encoding="utf-8")
        self.rules, self.decisions = folder / "taosha-rules.toml", folder / "taosha-decisions.toml"

    def run(self, name: str = "in", output: str = "out") -> Run:
        return run([self.folder / name], self.folder / output, self.config)

    def rules_say(self, *args: str | Path) -> str:
        return say(*args, "--output", self.folder / "out", "--config", self.config)


def gone(found: Run, text: str) -> list[tuple[str, str]]:
    return [(row["reason"], row["rule"]) for row in found.rows("removed") if text in row["raw"]]


def template_of(found: Run, text: str) -> str:
    (name,) = {row["rule"] for row in found.rows("templates") if any(text in example["text"] for example in row["examples"])}
    return str(name)


def test_an_accepted_template_removes_by_a_rule_where_nothing_could_be_mined(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_issues(tmp_path / "in" / "news", 8)
    mined = place.run()
    names = [template_of(mined, text) for text in FRAME]
    row = next(row for row in mined.rows("removed") if FRAME[0] in row["raw"])
    assert (
        f"template {names[0]}: in 8 documents (100% of the collection), 100% in head or tail"
        in explain(mined.snapshot, row["passage_id"]).why
    )
    assert {reason for text in FRAME for reason, _ in gone(mined, text)} == {"template"}
    for name in names:
        assert "is now rule reviewed." in place.rules_say("accept", name)
    written = place.rules.read_bytes()
    for name in names:
        assert "frozen already" in place.rules_say("accept", name)
    assert place.rules.read_bytes() == written
    assert say("test", "--config", place.config).endswith("0 examples that do not hold\n")
    write_issues(tmp_path / "one" / "other", 1, first=99)
    alone = place.run("one", "elsewhere")
    for text, name in zip(FRAME, names, strict=True):
        assert gone(alone, text) == [("boilerplate", name.replace("mined.", "reviewed."))]
    origins = {row["rule"]: row["origin"] for row in alone.rows("templates")}
    assert {origins[name.replace("mined.", "reviewed.")] for name in names} == {"reviewer"}
    again = place.run()
    assert again.snapshot != mined.snapshot
    before, after = (
        sorted((r["source"], line) for r in found.rows("removed") for line in r["raw"].splitlines()) for found in (mined, again)
    )
    assert before == after  # line by line: what two templates took apart, neighbouring rules may take as one span


def test_a_refused_template_stays_for_good_until_it_is_accepted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_issues(tmp_path / "in" / "news", 8)
    mined = place.run()
    name = template_of(mined, FRAME[0])
    assert "is refused" in place.rules_say("refuse", name[:14])
    written = place.decisions.read_bytes()
    assert "refused already" in place.rules_say("refuse", name)
    assert place.decisions.read_bytes() == written
    refused = place.run()
    assert refused.snapshot != mined.snapshot
    assert gone(refused, FRAME[0]) == []
    assert len(gone(refused, FRAME[1])) == 8
    assert {row["verdict"] for row in refused.rows("templates") if row["rule"] == name} == {"refused"}
    place.rules_say("accept", name)
    assert read_decisions(place.decisions).refused == {}
    assert "taken out" in place.rules_say("refuse", name)
    assert read_rules(place.rules) == []
    assert gone(place.run(), FRAME[0]) == []


def test_taking_a_rule_back_leaves_every_other_byte(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_issues(tmp_path / "in" / "news", 6)
    names = [template_of(place.run(), text) for text in FRAME]
    place.rules_say("accept", names[0])
    place.rules.write_text(place.rules.read_text(encoding="utf-8") + "\n# mine: 不要动\n", encoding="utf-8")
    before = place.rules.read_bytes()
    place.rules_say("accept", names[1])
    place.rules_say("refuse", names[1])
    assert place.rules.read_bytes().rstrip() == before.rstrip()


def test_ids_that_name_nothing_or_too_much_are_a_mistake(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_issues(tmp_path / "in" / "news", 6)
    place.run()
    for wrong in ("mined.0000", "mined.", "zh.no.rule"):
        with pytest.raises(UsageError, match="no mined template"):
            place.rules_say("accept", wrong)
    with pytest.raises(UsageError, match="no rule is called"):
        place.rules_say("accept", "zh.no.rule", "--ceiling", "0.5")
    with pytest.raises(UsageError, match="a share above 0"):
        place.rules_say("accept", "collection:news", "--ceiling", "1.5")
    assert not place.rules.exists()
    assert not place.decisions.exists()


RULE = """[[rule]]
id = "my.all"
category = "footer"
pattern = '{pattern}'
kinds = ["prose", "list"]
max_chars = 2000
max_share = 1.0
examples = ["{pattern}一", "{pattern}二"]
counter_examples = ["好"]
anchor = "start"
"""


def test_a_rule_that_takes_too_much_stops_the_run_until_it_is_accepted_as_it_is(tmp_path: Path) -> None:
    place = Place(tmp_path, '[boilerplate]\nfiles = ["mine.toml"]\n[guards]\nmin_collection_chars = 100\nmax_rule_share = 0.25\n')
    mine, text = tmp_path / "mine.toml", "这一段话什么都没有说也不必留下来"
    mine.write_text(RULE.format(pattern="这一段"), encoding="utf-8")
    write_issues(tmp_path / "in" / "news", 6)
    for path in sorted((tmp_path / "in" / "news").iterdir()):
        path.write_text(path.read_text(encoding="utf-8").replace("## 文章", "## 文章\n\n" + (text + "。\n\n") * 20), encoding="utf-8")
    with pytest.raises(GuardStopped, match=r"my.all would remove \d+% of collection 'news'"):
        place.run()
    assert not (tmp_path / "out" / "latest").exists()
    (stopped,) = (tmp_path / "out" / "history").glob("stopped-*.json")
    assert text in stopped.read_text(encoding="utf-8")
    place.rules_say("accept", "my.all", "--ceiling", "0.26")
    with pytest.raises(GuardStopped, match=r"my.all"):
        place.run()
    place.rules_say("accept", "my.all", "--ceiling", "0.9")
    kept = place.decisions.read_bytes()
    assert "already" in place.rules_say("accept", "my.all", "--ceiling", "0.9")
    assert place.decisions.read_bytes() == kept
    assert place.run().code == 0
    mine.write_text(RULE.format(pattern="这一段话"), encoding="utf-8")
    with pytest.raises(GuardStopped, match=r"my.all"):
        place.run()


def test_all_rules_together_are_guarded_too(tmp_path: Path) -> None:
    place = Place(tmp_path, "[guards]\nmin_collection_chars = 100\nmax_collection_share = 0.02\n")
    write_issues(tmp_path / "in" / "news", 6)
    with pytest.raises(GuardStopped, match="together would remove"):
        place.run()
    place.rules_say("accept", "collection:news", "--ceiling", "0.5")
    assert place.run().code == 0


def test_history_says_what_changed_in_the_yields_of_rules(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_issues(tmp_path / "in" / "news", 6)
    first = place.run()
    assert "changed" not in "".join(p.name for p in (tmp_path / "out" / "history").iterdir())
    place.rules_say("refuse", template_of(first, FRAME[0]))
    write_issues(tmp_path / "in" / "news", 3, first=50)
    second = place.run()
    found = json.loads((tmp_path / "out" / "history" / f"{second.snapshot.name}.json").read_text(encoding="utf-8"))
    assert found["previous"] == first.snapshot.name
    assert found["gone"] == [template_of(first, FRAME[0])]
    grown = {row["rule"]: (row["before"], row["after"]) for row in found["changed"]}
    assert grown[template_of(first, FRAME[1])][0] < grown[template_of(first, FRAME[1])][1]
    assert "structure.contents.chapters" in found["dead"]
    assert "drift     against" in "\n".join(describe(tmp_path / "out", second.snapshot.name))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refused = 3", "must be tables"), ("[[refused]]\ntemplate = 3", "a text is needed"), ("[[other]]\n", "unknown key 'other'"),
        ("[[ceiling]]\nrule = 'a'\ndigest = 'b'\nceiling = 2", "a share from 0 to 1"), ("[[ceiling]", "taosha-decisions.toml"),
        ("[[ceiling]]\nrule = 'a'\ndigest = 'b'\nceiling = true", "a share from 0 to 1"), ("[[refused]]\ntemplte = 'a'", "unknown key 'templte'"),
    ],
)  # fmt: skip
def test_a_bad_decisions_file_fails_before_any_source_is_read(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "taosha-decisions.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        read_decisions(path)


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ['"]]\n[[rule]]', "\u202e\x00", "'''", '"""', "a\\", "{number}", "𠮷", "[x](y)", ".*"]
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(HOSTILE.filter(bool), HOSTILE, max_size=3), st.dictionaries(HOSTILE.filter(bool), st.floats(0, 1), max_size=3))
def test_decisions_about_hostile_names_come_back_as_they_were(refused: dict[str, str], ceilings: dict[str, float]) -> None:
    text = Decisions(refused, {rule: ("ab", share) for rule, share in ceilings.items()}).toml()
    values = tomllib.loads(text)
    assert {row["template"]: row["skeleton"] for row in values.get("refused", [])} == refused
    assert {row["rule"]: row["ceiling"] for row in values.get("ceiling", [])} == ceilings


@settings(deadline=None, max_examples=200)
@given(st.lists(HOSTILE, min_size=1, max_size=3), st.sampled_from([SKELETON, LINE, LEAD, TRAIL]))
def test_a_frozen_rule_holds_its_own_examples_or_is_not_written(texts: list[str], form: int) -> None:
    examples = [{"text": text, "source": "a", "char_start": 0} for text in texts]
    pattern = pattern_of(form, texts)
    row = {"rule": "mined.00", "category": "footer", "pattern": pattern, "place": "tail", "within": 3, "examples": examples}
    rule = rule_of({**row, "counter_examples": []})
    if rule is not None:
        values = tomllib.loads(rule_toml(rule))["rule"]
        assert len(values) == 1
        assert values[0]["id"] == "reviewed.00"
        regex = compiled(rule.regex)
        assert all(regex.search(folded) for folded in fold_texts(list(rule.examples)))
        assert not any(regex.search(folded) for folded in fold_texts(list(rule.counter_examples)))


@settings(deadline=None)
@given(HOSTILE)
def test_a_toml_string_stands_on_one_line_and_shows_nothing_invisible(text: str) -> None:
    written = toml_string(text)
    assert len(written.splitlines()) == 1
    assert all(c.isprintable() or c == "\u3000" or c.isspace() for c in written)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.toml"
    write_whole(path, "one")
    monkeypatch.setattr("os.fsync", lambda _fd: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(Exception, match="nothing was changed"):
        write_whole(path, "two")
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.toml"]
