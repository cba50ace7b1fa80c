"""The fold: what matching compares. A copy that differs in script, width, case, punctuation or layout folds to the same sequence."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import naive_matching as naive
import naive_sketch
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_text import MIXED

from tasks.kernels import fold as kernel
from tasks.script import fold_table
from tasks.settings import Matching
from tasks.shingles import ANCHOR_TOKENS, ANCHOR_WINDOW, shingle_sets, slot_sets, tokenize
from tasks.sketch import Sketcher
from tasks.store.text import Texts

#: Every row with a shingle is signed and has anchors.
SETTINGS = Matching(min_tokens=1, min_shingles=1)
SKETCHER = Sketcher(SETTINGS)


class Folded(NamedTuple):
    """What is made of the fold of a column; lists as (values, offsets)."""

    fold: Any
    plain: Any
    tokens: Any
    shingles: Any
    anchors: Any
    slots: Any


def folded(*rows: str) -> Folded:
    texts = Texts.of(list(rows))
    sketch = SKETCHER.sketch(texts, np.ones(len(rows), np.bool_))
    return Folded(sketch.fold, sketch.plain, sketch.tokens, shingle_sets(texts, SETTINGS), sketch.anchors, slot_sets(texts))


def same(*rows: str) -> bool:
    return len(set(folded(*rows).fold.tolist())) == 1


def lists(column: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
    values, offsets = column
    return [values[a:b].tolist() for a, b in itertools.pairwise(offsets)]


def kinds(text: str) -> list[str]:
    """Elements of a text as our kernel sees them: S slot, N numeral, a letter, T token."""
    _, flags, _ = tokenize(Texts.of([text]))
    return ["S" if f & kernel.SLOT else "N" if f & kernel.NUMERAL else "a" if f & kernel.LETTER else "T" for f in flags.tolist()]


BASE = "清晨的码头上，渔民们把昨夜捕到的鱼搬上岸。老王说：今年比去年好多了！GPT-4 的价格是 1.5 元，见 https://example.org/a?b=1 。"


@pytest.mark.parametrize(
    "copy",
    [
        "清晨的碼頭上，漁民們把昨夜捕到的魚搬上岸。老王說：今年比去年好多了！GPT-4 的價格是 1.5 元，見 https://example.org/a?b=1 。",
        "清晨的码头上 渔民们把昨夜捕到的鱼搬上岸——老王说「今年比去年好多了」……GPT-4 的价格是1.5元（见 https://example.org/a?b=1）",
        "清晨的码头上,渔民们把昨夜捕到的鱼搬上岸.老王说:今年比去年好多了!ＧＰＴ－４ 的价格是 １．５ 元,见 https://example.org/a?b=1 .",
        "清 晨 的 码 头 上，\n渔民们把昨夜捕到的鱼\n搬上岸。老王\r\n说：今年比去年好多了！\tGPT-4　的价格是 1.5 元，见 HTTPS://EXAMPLE.ORG/a?b=1 。",
        "清晨的码头上，渔民们把昨夜捕到的鱼🐟搬上岸。老王说：今年比去年好多了！❤️gpt-4 的价格是 1.5 元，见 https://example.org/a?b=1 。",
        "\u200b清晨的码\u00ad头上，渔民们把昨夜捕到的鱼搬上岸。老王说：今年比去年好多了！GPT-4 的价格是 1.5 元，见 https://example.org/a?b=1 。",
    ],
    ids=["traditional", "re-punctuated", "full-width", "re-spaced", "emoji", "invisible"],
)
def test_a_copy_in_another_form_folds_to_the_same_sequence(copy: str) -> None:
    assert same(BASE, copy)


@pytest.mark.parametrize("change", [("昨夜", "今夜"), ("1.5", "1.6"), ("GPT-4", "GPT-5"), ("b=1", "b=2"), ("码头上", "码头下"), ("鱼", "")])
def test_another_word_number_or_address_folds_to_another_sequence(change: tuple[str, str]) -> None:
    assert not same(BASE, BASE.replace(*change, 1))


@pytest.mark.parametrize(
    "token",
    [
        "1.5",
        "3.8.8",
        "1,000,000",
        "12:30",
        "2024-03-25",
        "3/4",
        "50",
        "C++",
        "C#",
        "F#",
        "c＋＋",
        "GPT-4",
        "4K",
        "snake_case",
        "foo.bar",
        "a.b.c()",
        "v2.0.1",
        "me@example.com",
        "COVID-19",
        "https://example.org/path_(x)?q=1&r=2#top",
        "http://例",
        "www.example.org",
        "2024/03/25",
        "m²",
        "H2O",
    ],
)
def test_a_number_address_or_identifier_is_one_slot(token: str) -> None:
    assert kinds(token).count("S") == 1
    assert kinds(f"见{token}，")[:2] == ["T", "S"]


@pytest.mark.parametrize("url", ["https://example.org/a", "www.example.org", "http://a.b/c-d_e?f=g%20h"])
@pytest.mark.parametrize("tail", ["。", "…", "……", ".", ",", ")", "]。", "!", "”", "，再见", "<br>", "\n", "**", ""])
def test_punctuation_after_an_address_is_not_part_of_it(url: str, tail: str) -> None:
    assert lists(folded(f"见{url}").slots) == lists(folded(f"见{url}{tail.replace('再见', '').replace('br', '')}").slots)


def test_case_never_decides_what_is_an_identifier() -> None:
    assert same("YouTube 和 GitHub", "youtube 和 GITHUB", "Youtube和github")
    assert same("STRASSE in Köln", "straße in KÖLN")
    assert same("Spaß ist gut", "SPASS IST GUT")


def test_apostrophes_join_and_other_separators_part_words() -> None:
    assert same("don't stop", "don’t stop", "dont stop", "Don't: stop")
    assert same("well-known fact", "well known fact", "well — known\nfact")
    assert not same("now here", "nowhere")
    assert kinds("ab cd") == ["a"] * 5
    assert kinds("ab，cd") == ["a"] * 5
    assert kinds("ab好cd") == ["a", "a", "T", "a", "a"]
    assert same("使用 click 实现", "使用click实现")


def test_scripts_without_spaces_are_one_token_a_character() -> None:
    assert kinds("안녕 하세요") == ["T"] * 5
    assert kinds("カタカナひらがな々") == ["T"] * 9
    assert kinds("สวัสดี") == ["T"] * 6
    assert kinds("𠀀𪜀𰀀") == ["T"] * 3
    assert kinds("Привет") == ["a"] * 6
    assert kinds("ｶﾀｶﾅ") == ["T"] * 4
    assert same("カタカナ", "ｶﾀｶﾅ")


def test_emoji_and_symbols_fall_away_but_a_row_of_them_is_still_told_apart() -> None:
    assert kinds("🎉👨‍👩‍👧❤️☎→★") == []
    assert same("好🎉", "好")
    assert same("1️⃣好", "1好")
    three = folded("***", "🎉", "* * *", "")
    assert three.fold[0] == three.fold[2] != three.fold[1]
    assert three.fold[3] == 0
    assert three.tokens.tolist() == [0] * 4


def test_middle_dots_of_any_kind_are_punctuation() -> None:
    assert same("伊曼努尔·康德", "伊曼努尔・康德", "伊曼努尔･康德", "伊曼努尔•康德", "伊曼努尔康德")


def test_characters_that_fold_to_several_count_as_if_typed_so() -> None:
    assert same("㈱海边", "(株)海边")
    assert same("今天 25℃ 左右", "今天25°C左右")
    assert same("ﬁne ﬁsh", "fine fish")
    assert same("½杯", "1⁄2杯")
    assert same("⑩个", "10个")
    assert same("㎡和㎏", "m2和kg")
    assert same("Ⅷ章", "viii章")
    assert same("真的……吗", "真的⋯吗", "真的吗")


def test_a_row_folds_the_same_whatever_stands_beside_it() -> None:
    rows = ["好的GPT-4", "", "hello world", "ﬁsh 的", "第三集", "https://a.b", "x", "…"]
    alone, together = [folded(row) for row in rows], folded(*rows)
    assert [int(f.fold[0]) for f in alone] == together.fold.tolist()
    assert [int(f.plain[0]) for f in alone] == together.plain.tolist()
    for name in ("shingles", "anchors", "slots"):
        assert [lists(getattr(f, name))[0] for f in alone] == lists(getattr(together, name))


def test_no_rows_and_empty_rows_fold() -> None:
    for rows in ([], [""], ["", ""]):
        result = folded(*rows)
        assert len(result.fold) == len(rows)
        assert lists(result.shingles) == lists(result.anchors) == lists(result.slots) == [[] for _ in rows]


@pytest.mark.parametrize(
    ("text", "protected"),
    [
        ("使用 click 实现", {"aclick"}),
        ("a quick note about a click", {"aa", "aquick", "anote", "aabout", "aa*2", "aclick"}),
        ("一个人走路", set()),
        ("第一章和第二章", {"N一", "N二"}),
        ("二十一个人", {"N二十一"}),
        ("五月到五月底", {"N五", "N五*2"}),
        ("见 foo.bar 和 https://a.b/c", {"Sfoo.bar", "Shttps://a.b/c"}),
        ("", set()),
    ],
)
def test_slots_are_numbers_addresses_identifiers_and_words_each_as_often_as_it_comes(text: str, protected: set[str]) -> None:
    assert {name if not before else f"{name}*{before + 1}" for name, before in naive.slots(text)} == protected
    assert len(lists(folded(text).slots)[0]) == len(protected)


def test_numbers_do_not_count_in_the_plain_digest() -> None:
    plain = folded("第3期：共120人", "第4期：共95人", "第四期：共两百人", "第5集：共120人").plain
    assert plain[0] == plain[1] == plain[2] != plain[3]


# ---- kernel = twin -------------------------------------------------------------------------------------------------------


def test_texts_fold_as_their_twin_says() -> None:
    @settings(deadline=None, max_examples=600)
    @given(st.lists(MIXED, min_size=1, max_size=5))
    def check(rows: list[str]) -> None:
        rows = [row.encode("utf-8", "replace").decode() for row in rows]
        values, flags, offsets = tokenize(Texts.of(rows))
        result = folded(*rows)
        seen: dict[naive.Element, int] = {}
        for i, row in enumerate(rows):
            expected = naive.elements(row)
            mine = values[offsets[i] : offsets[i + 1]].tolist()
            assert len(mine) == len(expected), (row, expected)
            what = {kernel.SLOT: "slot", kernel.LETTER: "letter", kernel.NUMERAL: "token", 0: "token"}
            assert [what[f] for f in flags[offsets[i] : offsets[i + 1]].tolist()] == [e[0] for e in expected], row
            assert mine == [naive_sketch.value(element) for element in expected], row
            seen |= dict(zip(expected, mine, strict=True))
            assert result.tokens[i] == naive.tokens(row)
        characters = {e: v for e, v in seen.items() if e[0] != "slot"}
        assert all(chr(v) == e[1] for e, v in characters.items())  # an element is its folded character,
        digests = {e: v for e, v in seen.items() if e[0] == "slot"}
        assert len(set(digests.values())) == len(digests)  # and a slot a digest of its own, which no character reaches
        assert all(v >> 63 for v in digests.values())
        for name, twin in (("shingles", naive.shingles), ("slots", naive.slots)):
            sets, twins = [set(x) for x in lists(getattr(result, name))], [twin(row) for row in rows]
            for a, b, x, y in ((a, b, x, y) for a, x in zip(sets, twins, strict=True) for b, y in zip(sets, twins, strict=True)):
                assert len(a & b) == len(x & y), (name, rows)
        plain = [tuple(naive.without_numbers(row)) for row in rows]
        assert all((a == b) == (x == y) for a, x in zip(plain, result.plain, strict=True) for b, y in zip(plain, result.plain, strict=True))

    check()


def test_shingles_and_slots_are_sorted_and_distinct_and_anchors_stand_in_order_of_place() -> None:
    rng = np.random.default_rng(3)
    rows = ["".join(rng.choice(list("山水人家天地好的一二ab1 "), size)) for size in (0, 3, 24, 25, 300, 20_000, 90_000)]
    result = folded(*rows, "哈" * 5000)
    for name in ("shingles", "slots"):
        assert all(row == sorted(set(row)) for row in lists(getattr(result, name)))
    for row in lists(result.anchors):
        assert all(one != other for one, other in itertools.pairwise(row))
    assert any(row != sorted(set(row)) for row in lists(result.anchors))
    assert len(lists(result.shingles)[-1]) == len(lists(result.anchors)[-1]) == 1


@settings(deadline=None, max_examples=200)
@given(
    st.text("山水人家天地你我他来去上下左右", min_size=ANCHOR_TOKENS + ANCHOR_WINDOW - 1, max_size=60),
    *[st.text("东南西北中发白春夏秋冬梅兰竹菊ab1", max_size=40)] * 4,
)
def test_texts_that_share_23_tokens_share_an_anchor(shared: str, a: str, b: str, c: str, d: str) -> None:
    left, right = lists(folded(a + shared + b, c + shared + d).anchors)
    assert set(left) & set(right)


@settings(deadline=None, max_examples=200)
@given(st.text("山水人家天地 abc1", max_size=120))
def test_shingles_and_anchors_are_made_of_the_runs_of_the_definition(text: str) -> None:
    expected = naive_sketch.sketch(text, SETTINGS)
    result = folded(text)
    assert lists(result.shingles) == [sorted(set(expected.shingles))]
    (row,) = lists(result.anchors)
    assert row == expected.anchors
    elements = [(naive_sketch.value(e), naive.weight(e)) for e in naive.elements(text)]
    values = naive_sketch.runs(elements, 5 * ANCHOR_TOKENS)
    assert len(values) == len(naive.runs(naive.elements(text), 5 * ANCHOR_TOKENS))
    size = ANCHOR_WINDOW if len(values) > 64 else ANCHOR_WINDOW // 8
    windows = [values[i : i + size] for i in range(max(1, len(values) - size + 1))] if values else []
    assert set(row) == {min(w) for w in windows}


def test_shingle_sets_are_those_that_are_signed() -> None:
    rows = [BASE, "hello wide world"]
    sketch = SKETCHER.sketch(Texts.of(rows), np.ones(2, np.bool_))
    shingles = lists(shingle_sets(Texts.of(rows), SETTINGS))
    assert sketch.signatures.tolist() == [naive_sketch.signature(row, SETTINGS) for row in shingles]
    assert lists(shingle_sets(Texts.of(["", "好的", "hell"]), SETTINGS)) == [[], [], []]


def test_an_html_tag_is_one_slot() -> None:
    assert kinds('<span class="filename">文件</span>') == ["S", "T", "T", "S"]
    assert kinds("若 a < b 且 c > d") == ["T", "a", "a", "a", "T", "a", "a", "a"]
    assert same('<img src="a.png"\n  alt="b">图', '<img src="a.png" alt="b">图')
    assert not same('<img src="a.png">图', '<img src="b.png">图')


def test_characters_whose_simplified_form_lies_beyond_the_table_are_no_numerals() -> None:
    table = fold_table()
    rare = [chr(c) for c in np.flatnonzero(table >= 0x30000).tolist() if c < 0x30000]
    assert rare
    assert set(kinds("".join(rare))) == {"T"}
