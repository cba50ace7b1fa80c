"""Script labels and conversion: OpenCC's own assertions, a slow twin, and what must be left alone."""

from __future__ import annotations

import re
from pathlib import Path

import naive_script
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import dictionaries, script, tables
from tasks.errors import SettingsError
from tasks.settings import Script
from tasks.store.text import Texts

CONFIGS = dictionaries.config_names()
PHRASES = sorted(
    {*dictionaries.entries("TSPhrases.txt"), *dictionaries.entries("TWPhrases.txt"), *list(dictionaries.entries("STPhrases.txt"))[::40]}
)
CHARACTERS = sorted(
    {
        *list(dictionaries.entries("STCharacters.txt"))[::9],
        *list(dictionaries.entries("TSCharacters.txt"))[::9],
        *"的 a，。⿰⿱豈\U0003134f",
    }
)
CHINESE = st.lists(
    st.sampled_from(PHRASES) | st.sampled_from(CHARACTERS) | st.characters(max_codepoint=0x2FFFF, exclude_categories=["Cs"]), max_size=12
).map("".join)


def labels(rows: list[str], share: float = 0.1) -> list[str]:
    return [script.SCRIPTS[i] for i in script.label(Texts.of(rows), Script(mixed_share=share))]


def converted(rows: list[str], target: str, engine: str = "columnar") -> list[str]:
    texts = Texts.of(rows)
    chosen = Script.model_validate({"target": target, "engine": engine})
    out, _ = script.convert(texts, script.label(texts, chosen), chosen)
    return [out[i] for i in range(len(out))]


@pytest.mark.parametrize("config", CONFIGS)
def test_every_assertion_of_opencc_holds(config: str) -> None:
    cases = [(text, want) for name, text, want in naive_script.golden() if name == config]
    out = script.convert_with(config, Texts.of([text for text, _ in cases]))
    assert [out[i] for i in range(len(cases))] == [want for _, want in cases]


def test_all_assertions_of_opencc_are_tried() -> None:
    golden = naive_script.golden()
    assert {name for name, _, _ in golden} == set(CONFIGS)
    assert len(golden) == 556


@given(st.lists(CHINESE, min_size=1, max_size=4), st.sampled_from(CONFIGS))
@settings(deadline=None, max_examples=150)
def test_kernel_converts_as_its_slow_twin(rows: list[str], config: str) -> None:
    out = script.convert_with(config, Texts.of(rows))
    assert [out[i] for i in range(len(rows))] == [naive_script.convert(config, row) for row in rows]


@given(st.lists(CHINESE, min_size=1, max_size=4), st.sampled_from([0.1, 0.3]))
@settings(deadline=None, max_examples=150)
def test_label_is_what_counting_says(rows: list[str], share: float) -> None:
    rows = [re.sub("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]", "", row) for row in rows]
    assert labels(rows, share) == [naive_script.label(row, dictionaries.exclusive_characters(), share) for row in rows]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("我们说汉语", "hans"),
        ("我們說漢語", "hant"),
        ("我們說漢語，你们也说汉语", "mixed"),
        ("人山人海", "neutral"),
        ("", "neutral"),
        ("hello 123", "neutral"),
        ("皇后在里面", "neutral"),  # good characters of both scripts
        ("群峰并立，沉沉一线", "hans"),
        ("群峰并立，沉沉一線", "hant"),
        ("東京大学の図書館で本を読む", "neutral"),
        ("体从", "hans"),
    ],
)
def test_label_of_clear_cases(text: str, want: str) -> None:
    assert labels([text]) == [want]


def test_one_stray_character_does_not_make_a_passage_mixed() -> None:
    assert labels(["我們說漢語，這個软體很好用"]) == ["hant"]


@pytest.mark.parametrize("target", ["hans", "hant", "hant-tw", "hant-hk", "keep"])
def test_japanese_is_left_alone(target: str) -> None:
    rows = ["東京大学の図書館で本を読むのが好きです。", "話が長い。学校へ行って、国語を勉強する。"]
    assert converted(rows, target) == rows


def test_a_japanese_clause_inside_chinese_is_left_alone() -> None:
    assert converted(["這部電影叫「千と千尋の神隱し」，我們都很喜歡看這樣的動畫電影"], "hans") == [
        "这部电影叫「千と千尋の神隱し」，我们都很喜欢看这样的动画电影"
    ]


@pytest.mark.parametrize("text", ["乾清宫里的乾隆皇帝著作等身，覆盖面很广，不瞭望", "一坏就修", "他藉口说於先生来了，宫商角徵羽"])
def test_good_simplified_characters_survive_in_simplified_text(text: str) -> None:
    out = converted(["我们说：" + text], "hans")[0]
    assert out == "我们说：" + text


def test_stray_traditional_characters_in_simplified_text_are_converted() -> None:
    assert converted(["我们说這個软件很好，他們也這么说"], "hans") == ["我们说这个软件很好，他们也这么说"]


def test_good_traditional_characters_survive_in_traditional_text() -> None:
    assert converted(["皇后說：余在雲裡，子曰詩云，公里數"], "hant") == ["皇后說：余在雲裡，子曰詩云，公里數"]
    assert converted(["這個问题很難，我們解決它"], "hant") == ["這個問題很難，我們解決它"]


@pytest.mark.parametrize(
    ("target", "want"),
    [("hans", "头发里面的发条"), ("hant", "頭髮裏面的發條"), ("hant-tw", "頭髮裡面的發條"), ("hant-hk", "頭髮裏面的發條")],
)
def test_targets(target: str, want: str) -> None:
    assert converted(["头发里面的发条"], target) == [want]


def test_changed_characters_are_counted() -> None:
    texts = Texts.of(["頭髮", "人山人海", "abc", ""])
    _, changed = script.convert(texts, script.label(texts, Script()), Script())
    assert changed.tolist() == [2, 0, 0, 0]
    assert changed.dtype == np.int32


def test_keep_changes_nothing() -> None:
    rows = ["頭髮", "头发"]
    assert converted(rows, "keep") == rows


@given(st.lists(CHINESE, max_size=4), st.sampled_from(["hans", "hant", "hant-tw"]))
@settings(deadline=None, max_examples=60)
def test_rows_do_not_depend_on_their_neighbours(rows: list[str], target: str) -> None:
    assert converted(rows, target) == [converted([row], target)[0] for row in rows]


def test_the_library_is_selectable_and_agrees_on_plain_words() -> None:
    rows = ["我們在圖書館讀書", "头发", "abc"]
    assert converted(rows, "hans", "opencc-python-reimplemented") == converted(rows, "hans")
    assert script.convert_string("赞助商", "s2t") == "贊助商"


def test_an_unknown_configuration_is_refused() -> None:
    with pytest.raises(SettingsError, match="no configuration named 's2x'"):
        script.convert_with("s2x", Texts.of(["x"]))


def test_another_package_under_the_same_import_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import opencc

    monkeypatch.setattr(opencc, "__version__", "1.4.2", raising=False)
    script._library.cache_clear()
    with pytest.raises(SettingsError, match="is not opencc-python-reimplemented"):
        script.convert_string("x", "s2t")
    script._library.cache_clear()


def fold(text: str) -> str:
    table = script.fold_table()
    return "".join(chr(table[ord(c)]) if ord(c) < len(table) else c for c in text)


def test_fold_is_idempotent_and_leaves_other_text() -> None:
    table = script.fold_table()
    assert (table[table] == table).all()
    assert fold("abc，。カナ 한") == "abc，。カナ 한"


def test_traditional_and_regional_forms_fold_to_the_simplified_one() -> None:
    assert fold("發髮臺檯裏裡說説為爲線綫群羣") == "发发台台里里说说为为线线群群"


@pytest.mark.parametrize("config", ["s2t", "s2tw", "s2hk", "t2tw", "t2hk"])
def test_a_converted_copy_folds_to_the_same(config: str) -> None:
    phrases = [key for file in dictionaries._FOLD_PHRASES for key in dictionaries.entries(file)]
    characters = sorted({c for file in dictionaries._FOLD_CHARACTERS for pair in dictionaries.entries(file).items() for c in "".join(pair)})
    rows = characters + phrases
    out = script.convert_with(config, Texts.of(rows))
    assert [row for i, row in enumerate(rows) if fold(row) != fold(out[i])] == []


def test_exceptions_of_the_fold_towards_simplified_are_words_that_become_other_words() -> None:
    # 一坏 -> 一坯, 折戟沈沙 -> 折戟沉沙: TSPhrases replaces the word; joining 坏 with 坯 and 沈 with 沉 for all text would be worse.
    rows = list(dictionaries.entries("TSPhrases.txt"))
    out = script.convert_with("t2s", Texts.of(rows))
    assert sum(fold(row) != fold(out[i]) for i, row in enumerate(rows)) < 100


def test_tables_are_cached_and_a_damaged_file_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAOSHA_CACHE", str(tmp_path))
    calls = []

    def build() -> tables.Arrays:
        calls.append(1)
        return {"a": np.arange(3)}

    assert tables.cached("t", "k", build)["a"].tolist() == [0, 1, 2]
    assert tables.cached("t", "k", build)["a"].tolist() == [0, 1, 2]
    assert len(calls) == 1
    (tmp_path / "t-k.npz").write_bytes(b"PK\x03\x04 broken")
    assert tables.cached("t", "k", build)["a"].tolist() == [0, 1, 2]
    assert len(calls) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["t-k.npz"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for name in ("TAOSHA_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert tables.cached("t", "k", lambda: {"a": np.arange(2)})["a"].tolist() == [0, 1]


def test_native_traditional_and_simplified_books_are_told_apart(shared: Path) -> None:
    """At most 0.2 % of strings of 4 to 10 Han characters get the wrong script."""
    for folder, wrong in (("rust-book-hans", "hant"), ("rust-book-hant", "hans")):
        text = " ".join(path.read_text("utf-8") for path in sorted((shared / "corpora" / folder).rglob("*.md")))
        strings = re.findall("[\u4e00-\u9fff]{4,10}", text)
        found = labels(strings)
        assert len(strings) > 5000
        assert (found.count(wrong) + found.count("mixed")) / len(found) <= 0.002


@pytest.mark.parametrize("config", ["s2t", "s2twp", "tw2sp"])
def test_rows_convert_together_as_they_do_alone(config: str) -> None:
    # Rows over and under the length up to which they go in one call, with compatibility ideographs between, and neighbours that would
    # make a phrase if they were one row.
    rows = [
        "头发用内存",
        "条件，鼠标里",
        "面软体",
        "",
        "\uf900头发",
        "a",
        "滑鼠裡面的記憶體" * 4000,
        "\uf900",
        "内存条里面" * 100,
        "软",
    ] * 3
    done = script.mapped_with(config, Texts.of(rows))
    at = np.arange(len(done.texts.chars))
    begins, ends = done.positions.spans(at, at + 1)
    offsets = Texts.of(rows).offsets
    for i, row in enumerate(rows):
        alone = script.mapped_with(config, Texts.of([row]))
        assert (done.texts[i], done.changed[i]) == (alone.texts[0], alone.changed[0])
        here = slice(done.texts.offsets[i], done.texts.offsets[i + 1])
        at = np.arange(len(alone.texts.chars))
        expected = alone.positions.spans(at, at + 1)
        assert (begins[here] - offsets[i]).tolist() == expected[0].tolist()
        assert (ends[here] - offsets[i]).tolist() == expected[1].tolist()
