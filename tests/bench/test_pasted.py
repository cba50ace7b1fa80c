"""The bench of pasted paragraphs plants what it says and measures what it found."""

from __future__ import annotations

import itertools
import random

from containment import KINDS, LENGTHS, SHAPES, Case, error, generated, make, table


def test_cases_hold_the_stretch_where_they_say() -> None:
    cases = make(generated(1), 1, random.Random(1))  # noqa: S311 (repeatable, not secret)
    assert len(cases) == len(LENGTHS) * len(KINDS) * len(SHAPES)
    for case in cases:
        one, other = (text[start:end] for text, (start, end) in zip(case.texts, case.spans, strict=True))
        assert min(len(one), len(other)) >= 0.9 * case.length
        bare = [[c for c in side if c.isalnum()] for side in (one, other)]
        assert case.kind not in ("verbatim", "punctuation", "wrapped") or bare[0] == bare[1]
        assert case.kind != "script" or (len(one) == len(other) and one != other)
        assert (case.shape == "whole") == any(span == (0, len(text)) for text, span in zip(case.texts, case.spans, strict=True))
        assert case.kind != "wrapped" or "\n" in "".join(case.texts)


def test_texts_that_run_out_end_the_cases() -> None:
    assert make(itertools.islice(generated(1), 40), 9, random.Random(1)) != []  # noqa: S311
    assert len(make(itertools.islice(generated(1), 40), 9, random.Random(1))) < 70  # noqa: S311


def test_errors_are_those_of_the_worst_end_without_punctuation() -> None:
    case = Case(60, "verbatim", "shared", ("前前。" + "山" * 10 + "，后", "山" * 10), ((3, 13), (0, 10)))
    assert error(case, ((3, 13), (0, 10))) == 0
    assert error(case, ((2, 14), (0, 10))) == 0  # the punctuation around it
    assert error(case, ((3, 13), (2, 9))) is None  # less than four fifths
    assert error(case, ((3, 13), (1, 10))) == 1
    assert error(case, ((0, 13), (0, 10))) == 3
    shown = table([case], {0: [((3, 13), (2, 9)), ((0, 13), (0, 10))]})
    assert "| all | all |" in shown
    assert shown.splitlines()[-1].endswith("| 1.000 | 3.00 | 3 | 3 |")
