"""Where the elements of a text stand in it, and the form of other tools, in which every character is one."""

from __future__ import annotations

import itertools

import naive_matching as naive
import naive_sketch
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mixed_text import MIXED, PIECES, WORDS

from tasks.kernels import fold as kernel
from tasks.shingles import tokenize, tokenize_placed
from tasks.store.text import Texts

ROWS = st.lists(MIXED.map(lambda text: text.encode("utf-8", "replace").decode()), max_size=5)


def placed(*rows: str) -> list[list[tuple[int, int, int]]]:
    """(element, start, end) of each row."""
    elements, _, offsets, starts, ends = tokenize_placed(Texts.of(list(rows)))
    every = list(zip(elements.tolist(), starts.tolist(), ends.tolist(), strict=True))
    return [every[a:b] for a, b in itertools.pairwise(offsets)]


def spans(text: str) -> list[str]:
    """What stands where each element is; a space between words is empty."""
    (row,) = placed(text)
    return [text[start:end] for _, start, end in row]


@settings(deadline=None, max_examples=500)
@given(ROWS)
@example(["㈱<p>½ ﬁsh", "", "25℃<a title='…'>", "ﬁne ﬁsh"])
def test_places_are_those_of_the_twin_and_fold_to_their_element(rows: list[str]) -> None:
    found = placed(*rows)
    assert len(found) == len(rows)
    for text, row in zip(rows, found, strict=True):
        expected = naive.placed(text)
        assert row == [(naive_sketch.value(element), start, end) for element, start, end in expected], text
        assert [start for _, start, _ in row] == sorted(start for _, start, _ in row)
        assert [end for _, _, end in row] == sorted(end for _, _, end in row)
        for (element, start, end), value in zip(expected, row, strict=True):
            assert 0 <= start <= end <= len(text)
            if element == ("letter", " "):
                assert start == end
                continue
            assert start < end
            alone = [naive_sketch.value(e) for e in naive.elements(text[start:end])]
            several = len(naive_sketch.folded(text[start])) > 1 or len(naive_sketch.folded(text[end - 1])) > 1
            assert alone == [value[0]] or several, (text, element)  # ½ is three characters, and all of them stand where it does
            if element[0] != "slot":
                assert value[0] in alone


@settings(deadline=None, max_examples=300)
@given(ROWS)
@example(["a<b", "x y", "℃"])
def test_placed_elements_are_those_of_tokenize(rows: list[str]) -> None:
    texts = Texts.of(rows)
    for mine, theirs in zip(tokenize_placed(texts), tokenize(texts), strict=False):
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("，。 ", []),
        ("好，的", ["好", "的"]),
        ("见 https://example.org/a。再见", ["见", "https://example.org/a", "再", "见"]),
        ("用 C++ 和ＧＰＴ－４", ["用", "C++", "和", "ＧＰＴ－４"]),
        ("ab cd", ["a", "b", "", "c", "d"]),
        ("don't", ["d", "o", "n", "t"]),
        ("<b class='x'>山</b>", ["<b class='x'>", "山", "</b>"]),
        ("㈱海", ["㈱", "海"]),
        ("ﬁsh", ["ﬁ", "ﬁ", "s", "h"]),
        ("½杯", ["½", "½", "杯"]),
        ("25℃左右", ["25", "℃", "左", "右"]),
        ("见v½", ["见", "v½", "½"]),
    ],
)
def test_an_element_stands_where_it_was_written(text: str, expected: list[str]) -> None:
    assert spans(text) == expected


def test_places_count_from_the_start_of_the_row() -> None:
    assert placed("海边的小镇", "ab海", "", "ﬁ海")[1:] == [
        [(97, 0, 1), (98, 1, 2), (0x6D77, 2, 3)],
        [],
        [(102, 0, 1), (105, 0, 1), (0x6D77, 1, 2)],
    ]


def test_columns_without_rows_or_characters_have_places_too() -> None:
    assert placed() == []
    assert placed("", "") == [[], []]


# ---- every character an element ------------------------------------------------------------------------------------------


def characters(*rows: str) -> list[list[str]]:
    elements, _, offsets = tokenize(Texts.of(list(rows)), "characters")
    return [[chr(e) for e in elements[a:b].tolist()] for a, b in itertools.pairwise(offsets)]


@pytest.mark.parametrize(
    "text",
    [
        "好，的。 海边\t小镇\n\u3000",
        "若 a < b 且 c > d，<p class='x'>见</p>",
        "见 https://example.org/a?b=1 和 WWW.Example.org…",
        "ＧＰＴ－４ 和 C++、C#、foo.bar、a@b.c、1,000.5",
        "㈱ ℃ ﬁ ½ ß Ŀ ŉ ﷺ ´ ¨",
        "🎉👨‍👩‍👧❤️☎→★\ue000\uf8ff",
        "e\u0301 \u200b\u00ad\ufe0f 1\ufe0f\u20e3",
        "漁魚 鱼，カ ｶﾞ 한 ㄱ",
        "İstanbul ΣΑΣ ς ŒUVRE",
        "\x00\x01\x1c\x85\xa0\u2028",
        "𠀀𪜀𰀀",
    ],
)
def test_every_visible_character_is_an_element_in_the_form_of_other_tools(text: str) -> None:
    assert characters(text) == [naive_sketch.characters(text)]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.lists(st.one_of(st.text(PIECES.replace("\U000e0100", "")), st.sampled_from(WORDS))).map("".join), max_size=4))
def test_the_form_of_other_tools_is_that_of_the_twin(rows: list[str]) -> None:
    assert characters(*rows) == [naive_sketch.characters(row) for row in rows]


def misfolded(first: int, last: int) -> list[str]:
    """Characters from first to before last whose form is not that of the library."""
    chars = [chr(c) for c in range(first, last) if not 0xD800 <= c <= 0xDFFF]
    return [char for char, mine in zip(chars, characters(*chars), strict=True) if mine != naive_sketch.characters(char)]


def test_every_code_point_has_the_form_that_the_library_gives_it() -> None:
    assert misfolded(0, 0x32400) == []


def test_the_last_planes_have_the_form_that_the_library_gives_them() -> None:
    assert misfolded(0xE0000, 0xE0200) == []
    assert misfolded(0xF0000, 0xF0010) == []


def test_nothing_is_a_slot_in_the_form_of_other_tools() -> None:
    _, flags, _ = tokenize(Texts.of(["见 https://example.org/a 1.5 元 <p> GPT-4 a b"]), "characters")
    assert not np.any(flags & (kernel.SLOT | kernel.LETTER))
