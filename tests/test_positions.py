"""Positions in rewritten text lead back to the characters they came from: for script conversion, normalization, and both."""

from __future__ import annotations

import naive_script
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_script import CHINESE, CONFIGS

from tasks import script
from tasks.positions import PositionMap
from tasks.settings import Settings
from tasks.store.text import Texts
from tasks.trace import raw_spans, trace

#: Words whose length changes in one regional standard or another, with text around them that does not.
WORDS = st.sampled_from(
    ["人工智能设备", "内存条", "硅二极管", "操作系统", "記憶體模組", "圖形化介面", "的", "我们说", "，", "a ", "⿰亻尔", "豈"]
)
ROWS = st.lists(st.lists(WORDS, max_size=8).map("".join) | CHINESE, min_size=1, max_size=4)
MESSY = st.text(st.sampled_from(list("头髮发內存條内存条，,。 \u3000\n\u200b\ufeffＡｂｶﾞe\u0301é里面(）\x07鼠标è¿\x99")), max_size=40)


def check(positions: PositionMap, text: Texts, source: Texts) -> None:
    """What every map promises."""
    size, whole = len(text.chars), len(source.chars)
    at = np.arange(size + 1)
    starts, ends = positions.starts(at), positions.ends(at)
    assert (np.diff(starts) >= 0).all()
    assert (np.diff(ends) >= 0).all()
    assert (starts >= 0).all()
    assert (ends <= whole).all()
    # Neighbouring characters leave nothing between them but what was taken out, and no character comes from nowhere.
    begin, end = positions.spans(at[:-1], at[1:])
    assert (end >= begin).all()
    assert (positions.blocks[1:, 0] >= positions.blocks[:-1, 1]).all()
    assert (positions.blocks[1:, 2] >= positions.blocks[:-1, 3]).all()
    back = positions.inverse()
    outside = np.ones(size, np.bool_)
    for first, last in positions.blocks[:, :2].tolist():
        outside[first:last] = False
    assert (back.starts(begin[outside]) == at[:-1][outside]).all()


@given(ROWS, st.sampled_from(CONFIGS))
@settings(deadline=None, max_examples=120)
def test_a_prefix_up_to_an_exact_place_converts_to_the_prefix(rows: list[str], config: str) -> None:
    source = Texts.of(rows)
    done = script.mapped_with(config, source)
    check(done.positions, done.texts, source)
    for row, text in enumerate(rows):
        base, end, origin = done.texts.offsets[row], done.texts.offsets[row + 1], source.offsets[row]
        assert (done.positions.starts(np.array([base])) == origin).all()
        for first, last, begin, stop in done.positions.blocks.tolist():
            if base <= first and last <= end:
                inside = text[begin - origin : stop - origin]
                assert len(inside) != last - first
                # The block alone makes what stands there, or a longer phrase around it does: never another row's text.
                assert begin >= origin
                assert stop <= source.offsets[row + 1]


@given(st.lists(st.sampled_from(["人工智能设备", "内存条", "的", "我们说"]), min_size=1, max_size=9))
@settings(deadline=None)
def test_each_word_maps_to_the_word_it_was(words: list[str]) -> None:
    separator = "。"
    done = script.mapped_with("s2twp", Texts.of([separator.join(words)]))
    at = origin = 0
    for word in words:
        length = len(naive_script.convert("s2twp", word))
        assert tuple(int(x[0]) for x in done.positions.spans(np.array([at]), np.array([at + length]))) == (origin, origin + len(word))
        at, origin = at + length + 1, origin + len(word) + 1


@given(ROWS, st.sampled_from(["hans", "hant", "hant-tw", "hant-hk"]), st.booleans())
@settings(deadline=None, max_examples=60)
def test_targets_map_as_configurations_do(rows: list[str], target: str, words: bool) -> None:
    chosen = Settings.model_validate({"script": {"target": target, "words": words}}).script
    source = Texts.of(rows)
    done = script.convert_with_map(source, script.label(source, chosen), chosen)
    check(done.positions, done.texts, source)
    if not words:
        assert not len(done.positions.blocks)


@given(st.lists(MESSY | CHINESE, min_size=1, max_size=5), st.booleans())
@settings(deadline=None, max_examples=120)
def test_normalized_and_converted_text_leads_back_to_raw(rows: list[str], wrapped: bool) -> None:
    raw = Texts.of(rows)
    chosen = Settings.model_validate({"script": {"target": "hant-tw", "words": True}})
    text, positions = trace(raw, np.full(len(rows), wrapped), np.zeros(len(rows), np.uint8), chosen)
    check(positions, text, raw)
    for row in range(len(rows)):
        at = np.arange(text.offsets[row], text.offsets[row + 1])
        begin, end = positions.spans(at, at + 1)
        if len(at):
            assert begin[0] >= raw.offsets[row]
            assert end[-1] <= raw.offsets[row + 1]


@pytest.mark.parametrize(
    ("raw", "part", "origin"),
    [
        ("  用內存條  ", "內存條", "內存條"),
        ("他\u200b说:Ａｂ很强", "Ab", "Ａｂ"),
        ("前\x07面\n\n\n后　　面", "后", "后"),
        ("ｶﾞﾝﾀﾞﾑ很好看", "很好看", "很好看"),
        ("cafe\u0301很好", "很好", "很好"),
        ("cafe\u0301很好", "é", "e\u0301"),
        ("è¿\x99æ\x98¯ä¸\xadæ\x96\x87好的", "好的", "好的"),
    ],
)
def test_a_span_of_text_leads_to_its_raw_characters(raw: str, part: str, origin: str) -> None:
    chosen = Settings.model_validate({"script": {"target": "keep"}})
    source = Texts.of([raw])
    text = trace(source, np.zeros(1, np.bool_), np.zeros(1, np.uint8), chosen)[0][0]
    table = pa.table({"text": [text], "raw": [raw], "kind": ["prose"], "edits": pa.array([[]], pa.list_(pa.struct({"name": pa.string()})))})
    at = text.index(part)
    begin, end = raw_spans(table, np.array([0]), np.array([at]), np.array([at + len(part)]), chosen)
    assert raw[begin[0] : end[0]] == origin


def test_a_row_reaches_into_no_other_at_their_border() -> None:
    source = Texts.of(["B超", " ", "", " 用內存條 ", "內存條"])
    chosen = Settings.model_validate({"script": {"target": "hant-tw", "words": True}})
    text, positions = trace(source, np.zeros(5, np.bool_), np.zeros(5, np.uint8), chosen)
    begin, end = positions.spans(text.offsets[:-1], text.offsets[1:])
    filled = [0, 3, 4]
    assert [(int(begin[row]), int(end[row])) for row in filled] == [(0, 2), (4, 8), (9, 12)]


def test_unchanged_text_maps_to_itself() -> None:
    source = Texts.of(["我们说abc", ""])
    done = script.mapped_with("t2s", source)
    at = np.arange(len(source.chars) + 1)
    assert done.positions.starts(at).tolist() == at.tolist() == done.positions.ends(at).tolist()
