"""Mixed passages made from our own sentences: what is found of them, and that the set and its judge are sound."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import language_mix
from test_language import detect


def found(passages: list[language_mix.Passage]) -> list[language_mix.Found]:
    columns = detect([passage.text for passage in passages]).columns
    out = []
    for passage, shares, spans, mixed in zip(
        passages, *(columns[name].to_pylist() for name in ("lang_shares", "lang_spans", "is_mixed")), strict=True
    ):
        langs = [""] * len(passage.text)
        for span in spans:
            langs[span["start"] : span["end"]] = [span["lang"]] * (span["end"] - span["start"])
        out.append(language_mix.Found({entry["lang"]: entry["share"] for entry in shares}, tuple(langs), mixed))
    return out


@pytest.fixture(scope="module")
def passages() -> list[language_mix.Passage]:
    return language_mix.make(language_mix.read_sentences(), 8)


def test_the_set_is_the_same_each_time_and_its_truth_is_sound(passages: list[language_mix.Passage]) -> None:
    assert passages == language_mix.make(language_mix.read_sentences(), 8)
    assert {passage.style for passage in passages} == {"sentence", "paragraph", "inline", "pure"}
    for passage in passages:
        assert len(passage.langs) == len(passage.text)
        assert sum(passage.shares().values()) == pytest.approx(1)
        for begin, end in passage.code:
            assert passage.text[begin:end].startswith("```")
            assert not any(passage.langs[begin:end])


def test_the_judge_counts_what_is_right_and_wrong() -> None:
    passage = language_mix.make(language_mix.read_sentences(), 1)[0]
    perfect = language_mix.Found(passage.shares(), passage.langs, passage.mixed)
    blind = language_mix.Found({"fr": 1.0}, ("fr",) * len(passage.text), not passage.mixed)
    assert language_mix.judge([passage], [perfect]) == {
        "passages": 1, "f1": 1.0, "precision": 1.0, "recall": 1.0, "share error": 0.0, "letters": 1.0, "code": 0.0,
    }  # fmt: skip
    judged = language_mix.judge([passage], [blind])
    assert (judged["f1"], judged["letters"], judged["share error"]) == (0.0, 0.0, pytest.approx(1.0))


def test_mixed_passages_are_found_and_measured(passages: list[language_mix.Passage]) -> None:
    answers = found(passages)
    figures = language_mix.judge(passages, answers)
    assert figures["f1"] >= 0.99
    assert figures["share error"] <= 0.005
    assert figures["letters"] >= 0.995
    assert figures["code"] == 0
    for style in ("inline", "sentence", "paragraph"):
        chosen = [i for i, passage in enumerate(passages) if passage.style == style and passage.recipe in language_mix.SAME_SCRIPT]
        assert language_mix.judge([passages[i] for i in chosen], [answers[i] for i in chosen])["f1"] >= 0.95


def test_pure_text_and_terms_are_not_mixed(passages: list[language_mix.Passage]) -> None:
    alone = [passage for passage in passages if passage.style == "pure" or "terms" in passage.recipe]
    assert np.mean([answer.mixed for answer in found(alone)]) <= 0.02
