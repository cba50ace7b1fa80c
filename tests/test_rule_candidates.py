"""Nothing that a rule matches is lost by what makes matching fast: required words, openings, place limits, few and many rows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import linematch
from tasks.boilerplate import load_rules
from tasks.foldline import fold_texts
from tasks.kernels import boilerplate as kernel
from tasks.openings import MARKS, is_mark, opening_table, openings
from tasks.rulepack import BEFORE, compiled
from tasks.settings import Boilerplate
from tasks.store.text import Texts

HERE = Path(__file__).parent
RULES = load_rules(Boilerplate())


def opening(text: str) -> tuple[str, str]:
    texts = Texts.of([text])
    first, second = kernel.opening(texts.chars, 0, len(texts.chars))
    return chr(first), chr(second)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Match forms of all lines that we wrote: labelled pages, prose that stays, examples of every rule, some decorated."""
    sys.path.insert(0, str(HERE / "bench"))
    from labelled_pages import read_set

    rows = [line for name in ("dev", "held") for document in read_set(name) for line in document.lines]
    rows += [line for path in sorted((HERE / "golden_rules").glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines()]
    examples = [row for rule in RULES.rules for row in (*rule.examples, *rule.counter_examples)]
    rows += examples + [f"【{row}】" for row in examples] + [f"3. {row}" for row in examples] + [f"👉 一、{row}" for row in examples]
    return [row for row in fold_texts(sorted(set(rows))) if row]


def test_every_line_that_a_pattern_matches_is_a_candidate(lines: list[str]) -> None:
    index, texts = RULES.index, Texts.of(lines)
    n = len(RULES.rules)
    found = kernel.candidates(
        *(texts.chars, texts.offsets, np.zeros(len(lines), np.uint8), index.pool, index.offsets, index.rule_of),
        *(index.heads, index.bits, index.slots, index.always, np.ones(n, np.int64), np.full(n, 5000), np.ones((n, 8), bool), RULES.opens),
    )
    candidates = set(zip(*(column.tolist() for column in found), strict=True))
    missed = [
        (rule.id, line)
        for number, rule in enumerate(RULES.rules)
        for row, line in enumerate(lines)
        if (row, number) not in candidates and compiled(rule.regex).search(line)
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("点击|扫码", "扫点"),
        (r"\[?(?:点|扫)?码", "扫点码"),
        (r"\d{1,3} ?条", "0123456789"),
        ("[甲乙]丙", "甲乙"),
        (r"(?:>|》) ?甲", "甲"),
        (".甲", None),
        ("[^甲]乙", None),
        (r"\p{Han}甲", None),
        ("甲*", None),
        ("(?i)a", None),
    ],
)
def test_openings_of_a_pattern(pattern: str, expected: str | None) -> None:
    found = openings(pattern)
    assert found == (None if expected is None else frozenset(expected))
    assert opening_table([pattern]).sum() == (256 if expected is None else len({ord(c) & 255 for c in expected}))


@given(st.text("甲一2.、)】>· *点", max_size=8))
def test_the_opening_of_a_line_is_what_stands_behind_its_decoration(text: str) -> None:
    plain = "".join(c for c in text if not is_mark(c))
    first, second = opening(text)
    assert first == (plain[:1] or "\0")
    if compiled(f"{BEFORE}点").search(text):
        assert "点" in (first, second)


def test_marks_are_those_that_may_stand_before_a_pattern() -> None:
    starts_with_mark = compiled(f"{BEFORE}甲")
    for low, high in MARKS:
        for code in (low, high - 1):
            assert starts_with_mark.search(chr(code) + "甲")
    assert not any(starts_with_mark.search(c + "甲") for c in "a乙0é")


def test_few_rows_and_many_match_alike(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    column = pa.array(lines[:400])
    for rule in RULES.rules[::7]:
        few = linematch.match(column, rule.regex)
        with monkeypatch.context() as patched:
            patched.setattr(linematch, "FEW", 10)
            assert (linematch.match(column, rule.regex) == few).all(), rule.id
