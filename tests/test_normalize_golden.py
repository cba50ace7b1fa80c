"""Golden cases of normalization: text and edits exactly, a second pass changes nothing, and replay gives the row again."""

from __future__ import annotations

import tomllib
from pathlib import Path

import naive_normalize as naive
import pytest
from test_normalize import DEFAULT, counts, one

GOLDEN: dict[str, list[list[str]]] = tomllib.loads((Path(__file__).parent / "golden_normalize.toml").read_text(encoding="utf-8"))
FLAGS = {"wrapped": (True, False), "code": (False, True)}
CASES = [(kind, *(case if len(case) == 3 else [case[0], case[0], ""])) for kind, cases in GOLDEN.items() for case in cases]
SOUND = [case for case in CASES if case[0] != "known_failures"]


def edits_of(text: str) -> dict[str, int]:
    """Edits as the cases write them: `width 2, space 1`."""
    return {name: int(count) for name, count in (edit.split() for edit in text.split(", ") if edit)}


@pytest.mark.parametrize(("kind", "raw", "text", "edits"), SOUND)
def test_golden(kind: str, raw: str, text: str, edits: str) -> None:
    wrapped, verbatim = FLAGS.get(kind, (False, False))
    assert one(raw, wrapped, verbatim) == text
    assert counts(raw, wrapped=wrapped, verbatim=verbatim) == edits_of(edits)
    assert naive.normalize(raw, wrapped, verbatim, DEFAULT) == text
    assert one(text, wrapped, verbatim) == text
    assert counts(text, wrapped=wrapped, verbatim=verbatim) == {}


@pytest.mark.parametrize(("raw", "text", "edits"), [case[1:] for case in CASES if case[0] == "known_failures"])
@pytest.mark.xfail(strict=True, reason="not certain enough, or needs the meaning of the words")
def test_known_failure(raw: str, text: str, edits: str) -> None:
    assert one(raw) == text


def test_there_are_enough_cases() -> None:
    assert len(SOUND) >= 200
    assert all(len(case) in (1, 3) for cases in GOLDEN.values() for case in cases)
