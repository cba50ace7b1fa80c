"""Words, repetition, stutter and marks: golden cases, and the kernel against its slow twin."""

from __future__ import annotations

from typing import Any

import naive_wording
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import wording
from tasks.store.text import Texts

PIECES = ("这个", "我我我", "The the ", "对，", "沙里淘金", "金沙江边", "\n", "か", "한국", "a1", " of", "，", ",", "𠮷", "é", "。\n", "嗯")
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text("沙金的，, \na", max_size=8)), max_size=24).map("".join)


def of(*rows: str) -> list[dict[str, Any]]:
    column = Texts.of(list(rows))
    found = wording.measure(column, np.array([sum(not c.isspace() for c in row) for row in rows], np.int64))
    return [{name: float(np.float32(values[i])) for name, values in found.items()} for i in range(len(rows))]


@settings(deadline=None, max_examples=400)
@given(st.lists(texts, min_size=1, max_size=3))
def test_kernel_equals_its_slow_twin(rows: list[str]) -> None:
    assert of(*rows) == [naive_wording.measure(row) for row in rows]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("淘沙 with a pan", "word_count", 5),
        ("淘沙淘金", "distinct_word_share", 0.75),
        ("沙子是轻的", "function_word_share", 0.4),
        ("the pan of gold", "function_word_share", 0.5),
        ("大浪淘沙始见金", "words_a_phrase", 1),
        ("大浪淘沙，大浪淘沙", "words_a_phrase", 1.6),
        ("金沙。金沙。金沙。", "top_2gram_share", 0.6667),
        ("大浪淘沙始，大浪淘沙始", "duplicate_5gram_share", 0.4545),
        ("一行\n另一行\n一 行", "duplicate_line_share", 0.2857),
        ("沙,金，石。", "half_width_share", 0.3333),
        ("pan, gold.", "half_width_share", 0),
        ("我我我要去", "stutter_share", 0.2),
        ("看看妈妈", "stutter_share", 0),
        ("这个，这个沙", "stutter_share", 0.3333),
        ("the the pan", "stutter_share", 0.3333),
    ],
)
def test_golden(text: str, name: str, expected: float) -> None:
    assert of(text)[0][name] == pytest.approx(expected, abs=1e-4)
