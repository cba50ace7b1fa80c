"""Signals and quality: golden cases, the kernel against its slow twin, and what a score must never do."""

from __future__ import annotations

import math
from typing import Any

import naive_signals
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import quality
from tasks.segment import KINDS
from tasks.signals import FILLERS, PAIRS, measure
from tasks.store.schemas import SIGNALS_TYPE
from tasks.store.text import Texts

PROSE = "淘金的人把沙子舀进浅盘，在水里轻轻摇晃。轻的沙子随水流走，重的金粒留在盘底。"
SPECIMENS = (
    *(
        "https://example.com/a(b)c",
        "http://",
        "www.example.org.",
        "WWW.x",
        "see [x](https://example.com/y).",
        "锟斤拷",
        "烫烫烫",
        "â€™",
        "ä¸\xad",
        "鍗冩窐涓囨級铏借緵鑻︼紝",
        "鎴戜滑",
        "ÎÒÃÇ½ñÌìÀ´¿´",
        "扂蠅踏毞懂艘艘崋繫",
        "魑魅魍魉",
    ),
    *(
        "Ã©",
        "café”",
        "沙里淘金沙里淘金沙里淘金",
        "哈哈哈哈哈哈哈哈哈哈",
        "1)",
        "a）",
        "（",
        "」",
        "‘s",
        "’s",
        '"',
        "2.5 元",
        "e.g. x",
        "\u2028",
        "\r\n",
        "𠮷",
        "😀",
    ),
    *FILLERS,
    *PAIRS,
)
texts = st.lists(st.one_of(st.sampled_from(SPECIMENS), st.text(max_size=8), st.text("沙金。，.!? \n1a", max_size=30)), max_size=12).map(
    "".join
)


def signals_of(text: str, kind: str = "prose") -> dict[str, Any]:
    return measure(Texts.of([text]), np.array([KINDS.index(kind)], np.uint8)).to_pylist()[0]


def score_of(text: str, kind: str = "prose") -> float:
    kinds = np.array([KINDS.index(kind)], np.uint8)
    return float(quality.score(measure(Texts.of([text]), kinds), kinds)[0])


@settings(deadline=None, max_examples=400)
@given(texts, st.sampled_from(KINDS))
def test_kernel_equals_its_slow_twin(text: str, kind: str) -> None:
    assert signals_of(text, kind) == naive_signals.measure(text, kind)


@settings(deadline=None, max_examples=30)
@given(st.lists(texts, max_size=6))
def test_a_row_does_not_depend_on_its_neighbours(rows: list[str]) -> None:
    together = measure(Texts.of(rows), np.zeros(len(rows), np.uint8)).to_pylist()
    assert together == [signals_of(row) for row in rows]


def test_result_has_the_published_type_and_no_nulls() -> None:
    column = measure(Texts.of([PROSE, ""]), np.zeros(2, np.uint8))
    assert column.type == SIGNALS_TYPE
    assert column.null_count == 0
    assert not any(column[1].as_py().values())
    assert len(measure(Texts.of([]), np.zeros(0, np.uint8))) == 0
    with pytest.raises(ValueError, match="1 texts but 2 kinds"):
        measure(Texts.of([PROSE]), np.zeros(2, np.uint8))


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (PROSE, "sentence_count", 2),
        (PROSE, "char_count", 38),
        ("重 2.5 克。", "sentence_count", 1),
        ("Gold sinks. Sand floats!", "sentence_count", 2),
        ("“走吗？”“走。”", "sentence_count", 2),
        ("……", "sentence_count", 0),
        ("第一行\n第二行。\n（第三行。）\n", "unfinished_line_share", 0.3333),
        ("沙Aa1。≈", "han_share", 0.1667),
        ("沙Aa1。≈", "latin_share", 0.3333),
        ("沙Aa1。≈", "digit_share", 0.1667),
        ("沙Aa1。≈", "punctuation_share", 0.1667),
        ("沙Aa1。≈", "symbol_share", 0.1667),
        ("见 https://example.com/a。", "url_share", 0.913),
        ("[图](https://example.com/a)", "url_share", 0.8077),
        ("awww.example.com", "url_share", 0),
        ("沙沙沙沙", "distinct_char_share", 0.25),
        ("沙金，沙金，沙石", "top_bigram_share", 0.5),
        ("大浪淘沙始见真金，大浪淘沙始见真金", "duplicate_ngram_share", 0.4706),
        ("嗯，就是说，对吧？", "filler_share", 0.6667),
        ("You know, um, the umbrella", "filler_share", 0.4091),
        ("锟斤拷和\ufffd", "replacement_count", 2),
        ("ä¸\xadå›½", "replacement_count", 2),
        ("She said “café…”, naïve", "replacement_count", 0),
        ("鍗冩窐涓囨級铏借緵鑻︼紝鍚瑰敖", "mojibake_share", 1),
        ("千淘万漉，鐨勬矙瀛愯繕鍦ㄧ洏瀛愰噷", "mojibake_share", 0.7647),
        ("魑魅魍魉，饕餮貔貅，鹡鸰鹧鸪。", "mojibake_share", 0),
        ("L’été dernier, Noël à Besançon, ÉTÉ", "mojibake_share", 0),
        ("（一）“二", "unpaired_count", 1),
        ("（half width)", "unpaired_count", 0),
        ("1) 淘\na）洗\n三）晒", "unpaired_count", 1),
        ("don’t", "unpaired_count", 0),
    ],
)
def test_golden_signal(text: str, name: str, expected: float) -> None:
    assert signals_of(text)[name] == pytest.approx(expected, abs=1e-6)


def test_operators_end_no_sentence_in_code() -> None:
    assert signals_of("if (!ok) return a ? b : c;", "code")["sentence_count"] == 1
    assert signals_of("if (!ok) return a ? b : c;", "prose")["sentence_count"] == 3


@settings(deadline=None, max_examples=200)
@given(texts, st.sampled_from(KINDS))
def test_score_is_between_0_and_1_and_is_the_product_that_is_explained(text: str, kind: str) -> None:
    effects = quality.explain_score({"kind": kind, "signals": signals_of(text, kind)})
    product = math.prod(factor for _, _, factor in effects)
    assert 0 <= score_of(text, kind) <= 1
    assert score_of(text, kind) == pytest.approx(product, abs=1e-3)
    assert [factor for *_, factor in effects] == sorted(factor for *_, factor in effects)


WORSE = (
    "digit_share",
    "symbol_share",
    "url_share",
    "unfinished_line_share",
    "top_bigram_share",
    "duplicate_ngram_share",
    "filler_share",
    "replacement_count",
    "mojibake_share",
    "unpaired_count",
    "mean_sentence_chars",
)


@settings(deadline=None, max_examples=200)
@given(texts, st.sampled_from(KINDS), st.sampled_from((*WORSE, "distinct_char_share")), st.floats(0, 1))
def test_a_worse_signal_never_raises_the_score(text: str, kind: str, name: str, step: float) -> None:
    before = signals_of(text, kind)
    after = dict(before)
    if name == "distinct_char_share":
        after[name] = before[name] * (1 - step)
    elif name.endswith("share"):
        after[name] = before[name] + (1 - before[name]) * step
    else:
        after[name] = before[name] + round(step * 500)
    column = pa.array([before, after], SIGNALS_TYPE)
    first, second = quality.score(column, np.full(2, KINDS.index(kind), np.uint8))
    assert second <= first


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PROSE, "prose"),
        ("The pan is older than the mine. Anyone with a river and some patience could wash for gold.", "prose"),
        ("かわのみずはながれてやまない。それでも、もとのみずではない。", "prose"),
        ("船到桥头\n水面一下子窄了\n船工把竹篙点在石头上", "caption"),
        ("第三章 河床", "heading"),
        ("| 年份 | 产量 |\n|---|---|\n| 1851 | 77 |", "table"),
        ("fn main() { println!(\"{}\", 1 << 3); }", "code"),
    ],
)  # fmt: skip
def test_sound_text_scores_high(text: str, kind: str) -> None:
    assert score_of(text, kind) > 0.95


@pytest.mark.parametrize(
    "text",
    [
        "哈" * 500,
        "★★★★☆☆☆★★★☆☆☆★★★",
        "138 0000 0000 / 400-000-0000",
        "https://example.com/a https://example.com/b https://example.org/c",
        "ä¸\xadå›½äººæ°‘å¾ˆå¥½",
        "锟斤拷锟斤拷你好锟斤拷",
        "------------------------------------",
    ],
)
def test_noise_scores_low(text: str) -> None:
    assert score_of(text) < 0.2


def test_sound_prose_is_above_spoken_prose_above_noise() -> None:
    spoken = "嗯，就是说，这个沙子呃它是，对吧，它是比金子轻的，你知道吗，啊，所以呢它就冲走了，对吧。"
    assert score_of(PROSE) > score_of(spoken) > score_of("啊" * 40)
    assert quality.explain_score({"kind": "turn", "signals": signals_of(spoken, "turn")})[0][0] == "fillers"
