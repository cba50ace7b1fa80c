"""Sentence ends: golden cases in four kinds, and the kernel against its slow twin."""

from __future__ import annotations

import tomllib
from pathlib import Path

import naive_segment as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import cuts
from tasks.sentences import sentences
from tasks.store.text import Texts

GOLDEN: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "golden_sentences.toml").read_text(encoding="utf-8"))


def marked(text: str) -> str:
    """Text with a ‖ after each sentence but the last, as the kernel cuts it."""
    chars = Texts.of([text]).chars
    ends = np.empty(len(text) + 1, np.int64)
    count = cuts.sentences(chars, 0, len(chars), ends)
    stops = ends[:count].tolist()
    return "‖".join(text[a:b] for a, b in zip([0, *stops], stops, strict=False))


def same(a: str, b: str) -> bool:
    """Whether two markings agree; on which side of white space a mark stands does not matter."""
    return [piece.strip() for piece in a.split("‖") if piece.strip()] == [piece.strip() for piece in b.split("‖") if piece.strip()]


@pytest.mark.parametrize("case", [*GOLDEN["in_the_wild"], *GOLDEN["synthetic"], *GOLDEN["must_not_split"]])
def test_golden(case: str) -> None:
    text = case.replace("‖", "")
    assert same(marked(text), case), marked(text)
    assert sentences(text) == [piece.strip() for piece in case.split("‖") if piece.strip()]


@pytest.mark.parametrize("case", GOLDEN["known_failures"])
@pytest.mark.xfail(strict=True, reason="needs the meaning of the words")
def test_known_failure(case: str) -> None:
    assert same(marked(case.replace("‖", "")), case)


def test_there_are_enough_cases() -> None:
    assert sum(map(len, GOLDEN.values())) >= 100


PIECES = st.sampled_from(
    [
        *"甲乙.!?。！？…”’」）)\"'〉》“「(（ \n\u3000．3aB-=[]",
        "Mr.",
        "e.g.",
        "No. 5",
        "U.S.",
        "et al.",
        "3.8.8",
        "...",
        "etc. The",
        "1. ",
        "．３",
        "Fig",
        "｡",
        "؟",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(deadline=None, max_examples=400)
def test_kernel_equals_its_slow_twin(text: str) -> None:
    chars = Texts.of([text]).chars
    assert [cuts.sentence_end(chars, i, 0, len(text)) for i in range(len(text))] == [naive.sentence_end(text, i) for i in range(len(text))]


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(deadline=None, max_examples=100)
def test_no_visible_character_is_lost(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
