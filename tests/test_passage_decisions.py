"""The file of passage decisions that the report exports: read back as written, and refused with the place of what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import SettingsError
from tasks.passage_decisions import ACTIONS, PassageDecision, conflicts, passage_decisions, toml

HERE = Path("decisions.toml")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DECISION = st.builds(PassageDecision, st.text("0123456789abcdef", min_size=32, max_size=32), st.sampled_from(ACTIONS), TEXT, TEXT, TEXT)


@given(st.lists(DECISION, max_size=5))
def test_what_is_written_is_read_back_sorted(decisions: list[PassageDecision]) -> None:
    assert passage_decisions(HERE, tomllib.loads(toml(decisions))) == sorted(set(decisions))


def test_no_table_is_no_decision() -> None:
    assert passage_decisions(HERE, {"refused": []}) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"content_id": "a" * 32, "action": "hide"}, r"number 1: action: found 'hide'; one of keep"),
        ({"content_id": "xyz", "action": "keep"}, r"content_id: found 'xyz'; 32 hex digits"),
        ({"content_id": "a" * 32, "action": "keep", "note": 3}, r"note: found 3; a text"),
        ({"content_id": "a" * 32, "action": "keep", "why": ""}, r"unknown key 'why'; known keys: content_id"),
    ],
)
def test_what_cannot_be_read_is_named(table: dict, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        passage_decisions(HERE, {"passage": [table]})


def test_a_content_decided_in_two_ways_is_a_conflict_and_agreement_is_none() -> None:
    one, two = PassageDecision("a" * 32, "keep", "f1"), PassageDecision("a" * 32, "keep", "f2")
    assert conflicts([one, two]) == []
    assert conflicts([one, two, PassageDecision("a" * 32, "remove")]) == ["a" * 32]
