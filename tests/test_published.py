"""Bounds of public pipelines: every one is of a signal that we measure, and says what it found."""

from __future__ import annotations

import numpy as np

from tasks.published import BOUNDS, passed_over
from tasks.signals import measure
from tasks.store.schemas import SIGNALS
from tasks.store.text import Texts


def test_every_bound_is_of_a_signal_and_can_be_passed_over() -> None:
    names = {name for name, _, _ in SIGNALS}
    for bound in BOUNDS:
        assert bound.signal in names
        assert passed_over({bound.signal: 1.0 if bound.most < 1 else 0.0}, bound.lang or "en")


def test_sound_prose_passes_none_and_a_chant_passes_all_of_its_language() -> None:
    prose, chant = "淘金的人把沙子舀进浅盘，在水里轻轻摇晃。轻的随水流走，重的金粒留在盘底。", "大浪淘沙始见金，" * 20
    sound, sung = measure(Texts.of([prose, chant]), np.zeros(2, np.uint8)).to_pylist()
    assert passed_over(sound, "zh-Hans") == []
    sources = {sentence.split(":")[0] for sentence in passed_over(sung, "zh-Hans")}
    assert sources == {"Gopher", "FineWeb-2"}
    assert not any(sentence.startswith("FineWeb-2") for sentence in passed_over(sung, "en"))
