"""Alignment: what two texts share is found where it stands, whatever was done to it, and nothing is found that is not there."""

from __future__ import annotations

import itertools
from typing import Any

import naive_align as naive
import naive_matching
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matching_world import HAN

from tasks.align import align, whole_in
from tasks.kernels import align as kernel
from tasks.kernels import inside as inside_kernel
from tasks.settings import Matching
from tasks.store.text import Texts

SETTINGS = Matching()
SEED, LEAST, GAP, WEIGHT = 15, 30, 60, 10

# ---- the kernels and their slow twins ------------------------------------------------------------------------------------

#: Few elements, so that they repeat: even ones weigh as letters do.
ELEMENTS = st.lists(st.integers(0, 3), max_size=40)


def columns(*rows: list[int]) -> tuple[Any, Any, Any]:
    """Elements, running sums of weights, offsets."""
    elements = np.array([x for row in rows for x in row], np.uint64)
    weights = np.where(elements % 2 == 0, 3, 5)
    return elements, np.concatenate([[0], np.cumsum(weights)]).astype(np.int64), np.cumsum([0, *map(len, rows)]).astype(np.int64)


def of(row: list[int]) -> naive.Row:
    return [(x, 3 if x % 2 == 0 else 5) for x in row]


def blocks(left: list[int], right: list[int]) -> list[tuple[naive.Block, int]]:
    zero, one = np.array([0], np.int64), np.array([1], np.int64)
    _, spans, equal, _ = kernel.align(*columns(left, right), zero, one, SEED, LEAST, GAP, WEIGHT, 3)
    base = np.array([0, 0, len(left), len(left)])
    return sorted((tuple(span), weight) for span, weight in zip((spans - base).tolist(), equal.tolist(), strict=True))


@settings(deadline=None, max_examples=400)
@given(ELEMENTS, ELEMENTS, st.integers(0, 30))
@example([1] * 40, [1] * 25, 0)
def test_blocks_are_those_of_the_slow_twin(left: list[int], right: list[int], common: int) -> None:
    right = right + left[:common] + right[::-1]
    assert blocks(left, right) == naive.blocks(of(left), of(right), SEED, LEAST, GAP, WEIGHT)


@settings(deadline=None, max_examples=200)
@given(ELEMENTS, ELEMENTS)
def test_blocks_are_the_same_from_either_side(left: list[int], right: list[int]) -> None:
    turned = [((a, b, c, d), weight) for (c, d, a, b), weight in blocks(right, left)]
    assert blocks(left, right) == sorted(turned)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from("aab T0"), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_what_stands_in_another_row_is_what_the_slow_twin_says(large: list[str], start: int, size: int) -> None:
    flag = {"a": 4, "b": 4, " ": 4, "T": 0, "0": 1}
    small = large[start : start + size]
    x = np.array([ord(c) for c in small + large], np.uint64)
    flags = np.array([flag[c] for c in small + large], np.uint8)
    offsets = np.array([0, len(small), len(small) + len(large)], np.int64)
    found = inside_kernel.inside(x, flags, offsets, np.array([0]), np.array([1]), 4, 3, np.uint64(32))
    marks = ["a" if c in "ab" else c for c in large]
    assert found.tolist() == [naive.stands_in([(ord(c), 1) for c in small], [(ord(c), 1) for c in large], marks)]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20),
    st.lists(st.integers(1, 9), min_size=6, max_size=6),
    st.integers(1, 30),
)
def test_pairs_are_cut_where_their_rows_together_pass_the_limit(pairs: list[tuple[int, int]], sizes: list[int], limit: int) -> None:
    pairs = [(a, b) for a, b in pairs if a != b]
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    ends = inside_kernel.chunk_ends(left, right, np.array(sizes, np.int32), limit).tolist()
    pieces = [pairs[a:b] for a, b in itertools.pairwise([0, *ends, len(pairs)])] if pairs else []
    held = [{row for pair in piece for row in pair} for piece in pieces]
    for number, piece in enumerate(pieces):
        assert len(piece) == 1 or sum(sizes[row] for row in held[number]) <= limit
        if number + 1 < len(pieces):  # the next pair did not fit
            assert sum(sizes[row] for row in held[number] | set(pieces[number + 1][0])) > limit


# ---- what is planted is found --------------------------------------------------------------------------------------------


def paragraph(rng: np.random.Generator, size: int) -> str:
    """Text of sentences of 8 to 25 characters that nobody else has."""
    text = ""
    while len(text) < size:
        text += "".join(rng.choice(list(HAN), rng.integers(8, 25))) + str(rng.choice(list("，，。？")))
    return text[: size - 1] + "。"


def edited(rng: np.random.Generator, text: str, share: float) -> str:
    """A share of the characters replaced, left out or doubled, none of the first and last twelve: an end that is changed is not there."""
    chars = list(text)
    for at in rng.choice(np.arange(12, len(chars) - 12), max(1, round(share * len(chars))), replace=False):
        chars[at] = (str(rng.choice(list(HAN))), "", chars[at] * 2)[rng.integers(3)]
    return "".join(chars)


def traditional(text: str) -> str:
    return text.translate(str.maketrans("云风灯书画诗酱门锅针线帽袜鸟鱼", "雲風燈書畫詩醬門鍋針線帽襪鳥魚"))


COPIES = {
    "verbatim": lambda rng, text: text,
    "script": lambda rng, text: traditional(text),
    "re-punctuated": lambda rng, text: text.translate(str.maketrans("，。？", " ,!")),
    "wrapped": lambda rng, text: "\n".join(text[i : i + 17] for i in range(0, len(text), 17)),
    "edited 2 %": lambda rng, text: edited(rng, text, 0.02),
    "edited 5 %": lambda rng, text: edited(rng, text, 0.05),
}


def found(a: str, b: str, **changes: int) -> list[tuple[int, int, int, int]]:
    one = align(Texts.of([a]), Texts.of([b]), SETTINGS.model_copy(update=changes))
    return [tuple(row) for row in np.stack([one.a_start, one.a_end, one.b_start, one.b_end], axis=1).tolist()]


@pytest.mark.parametrize("kind", COPIES)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), size=st.integers(60, 400))
def test_a_paste_is_found_where_it_stands(kind: str, seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    paste = paragraph(rng, size)
    copy = COPIES[kind](rng, paste)
    hosts = [paragraph(rng, int(rng.integers(20, 400))) for _ in range(4)]
    a, b = hosts[0] + paste + hosts[1], hosts[2] + copy + hosts[3]
    (block,) = found(a, b)
    places = (len(hosts[0]), len(hosts[0]) + len(paste), len(hosts[2]), len(hosts[2]) + len(copy))
    off = [abs(place - true) for place, true in zip(block, places, strict=True)]
    # The full stop at the end is not part of the fold; a character beside the paste is the same by chance now and then.
    assert max(off) <= (3 if "edited" not in kind else 14), (block, places)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_spans_slice_back_to_the_same_fold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    paste = paragraph(rng, 80)
    a, b = paragraph(rng, 50) + paste, "Ａ㈱ ﬁ½ " + traditional(paste).replace("，", "\n") + paragraph(rng, 50)
    (block,) = found(a, b)
    assert naive_matching.elements(a[block[0] : block[1]]) == naive_matching.elements(b[block[2] : block[3]])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_unrelated_texts_share_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert found(paragraph(rng, 600), paragraph(rng, 600)) == []


def test_two_pastes_are_two_blocks_and_one_that_was_reworded_inside_is_one() -> None:
    rng = np.random.default_rng(3)
    one, two = paragraph(rng, 90), paragraph(rng, 90)
    far, near = paragraph(rng, 200), paragraph(rng, 20)
    assert found(one + far + two, one + paragraph(rng, 200) + two) == [
        (0, 89, 0, 89),
        (290, 379, 290, 379),
    ]
    assert found(one + near + two, one + paragraph(rng, 20) + two) == [(0, 199, 0, 199)]
    assert found(one + near + two, one + two) == [(0, 199, 0, 179)]  # a sentence left out


def test_a_paste_that_stands_twice_is_found_twice() -> None:
    rng = np.random.default_rng(4)
    paste = paragraph(rng, 70)
    blocks = found(paste, paste + paragraph(rng, 90) + paste)
    assert [(c, d) for _, _, c, d in blocks] == [(0, 69), (160, 229)]


def test_what_is_shorter_than_asked_is_left_out() -> None:
    rng = np.random.default_rng(5)
    paste = "".join(rng.choice(list(HAN), 40))
    a, b = (paragraph(rng, 90) + "“" + paste + "”" + paragraph(rng, 90) for _ in range(2))
    assert found(a, b, min_block_tokens=48) == []
    assert len(found(a, b, min_block_tokens=40)) == 1


def test_blocks_keep_to_whole_words() -> None:
    shared = "ditions of the river and of the sandy ground below it were measured by the brothers every win"
    ((start, end, *_),) = found(f"The con{shared}ter since then", f"Two expe{shared}dow of time", min_block_tokens=28)
    assert f"The con{shared}ter since then"[start:end] == shared[8:-4]


def test_tokens_are_counted_as_passages_are() -> None:
    han, english = (
        "".join(np.random.default_rng(6).choice(list(HAN), 40)),
        "the sand was washed away and then the gold stayed behind in the pan",
    )
    one = align(Texts.of([han, english]), Texts.of([han, english]), SETTINGS)
    assert one.pair.tolist() == [0, 1]
    assert one.tokens.tolist() == one.a_tokens.tolist() == one.b_tokens.tolist() == [naive_matching.tokens(t) for t in (han, english)]


# ---- whatever repeats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("哈" * 10_000, "哈" * 5_000),
        ("今天的溪水真清。" * 500, "今天的溪水真清。" * 400),
        ("".join(f"第{i}条溪水真清。" for i in range(900)), "".join(f"第{i}条溪水真清。" for i in range(300, 800))),
        ("ab " * 5_000, "ab " * 4_000),
    ],
    ids=["one character", "one sentence", "one sentence with numbers", "words"],
)
def test_repetitive_text_gives_few_blocks_that_do_not_overlap(a: str, b: str) -> None:
    result = align(Texts.of([a]), Texts.of([b]), SETTINGS)
    assert result.crowded.tolist() == [True]
    assert 1 <= len(result.pair) <= kernel.MOST
    spans = sorted(zip(result.a_start.tolist(), result.a_end.tolist(), strict=True))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))  # in the longer of the two


def test_empty_and_bare_texts_share_nothing() -> None:
    texts = Texts.of(["", "***", "哈" * 30, "。"])
    assert align(texts, Texts.of(["哈" * 30, "***", "", "。"]), SETTINGS).pair.tolist() == []
    assert align(Texts.of([]), Texts.of([]), SETTINGS).pair.tolist() == []


# ---- whole inside another ------------------------------------------------------------------------------------------------

SONG = "溪水清清，沙里有金。" * 6


@pytest.mark.parametrize(
    ("small", "large", "inside"),
    [
        (SONG, "老李唱道：" + SONG + "唱完就走了。", True),
        (SONG, SONG, True),
        (SONG, ("前后" + traditional(SONG)).replace("，", "\n"), True),
        (SONG, SONG[:30] + "啊" + SONG[30:], False),  # not in one stretch
        (SONG, "老李唱道：" + SONG[:-2], False),
        (SONG[:20], "老李唱道：" + SONG[:20], False),  # all of it, but too short
        (SONG + "第二", SONG + "第二十", False),  # another number
        (SONG + "共 12", SONG + "共 123", False),
        ("一" + SONG, "十一" + SONG, False),
        (SONG + "go", SONG + "gold", False),  # another word
        ("art" + SONG, "smart" + SONG, False),
        (SONG + "go", SONG + "go west", True),
    ],
)
def test_whole_passages_inside_others(small: str, large: str, inside: bool) -> None:
    assert whole_in(Texts.of([small]), Texts.of([large]), SETTINGS).tolist() == [inside]
