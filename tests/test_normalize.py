"""Normalization: what must change, what must not, and the properties that every row keeps."""

from __future__ import annotations

import sys
import unicodedata

import naive_normalize as naive
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks import normalize as module
from tasks.normalize import EDITS, normalize
from tasks.settings import Normalize
from tasks.store.text import Texts

DEFAULT = Normalize()


def run(
    rows: list[str], wrapped: list[bool] | bool = False, verbatim: list[bool] | bool = False, config: Normalize = DEFAULT
) -> tuple[list[str], np.ndarray]:
    texts = Texts.of(rows)
    flags = [np.broadcast_to(np.array(flag, np.bool_), len(rows)).copy() for flag in (wrapped, verbatim)]
    result = normalize(texts.chars, texts.offsets[:-1], texts.offsets[1:], *flags, config)
    return result.texts.to_arrow().to_pylist(), result.edits


def one(text: str, wrapped: bool = False, verbatim: bool = False, config: Normalize = DEFAULT) -> str:
    return run([text], wrapped, verbatim, config)[0][0]


def counts(text: str, **flags: bool) -> dict[str, int]:
    edits = run([text], **flags)[1][0]
    return {name: int(count) for name, count in zip(EDITS, edits, strict=True) if count}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("ＧＰＴ４　很强", "GPT4 很强"),  # full-width letters, digits and space
        ("ｶﾞﾝﾀﾞﾑとﾊﾟﾝ", "ガンダムとパン"),  # half-width kana, voicing marks composed
        ("今天很冷,明天呢?后天;好!", "今天很冷，明天呢？后天；好！"),
        ("他说:“好.”", "他说：“好.”"),
        ("今天很冷.我们回家.", "今天很冷。我们回家。"),
        ("循环神经网络(又叫递归网络)很重要", "循环神经网络（又叫递归网络）很重要"),
        ("真的吗?!是的", "真的吗？！是的"),
        ("零\u200b宽\ufeff字\u00ad符", "零宽字符"),
        ("控\x00制\x07字符\x0c换页", "控制字符 换页"),
        ("多   个\t空\u00a0格  \n\n\n  下一行  ", "多 个 空 格\n下一行"),
        ("cafe\u0301 和 e\u0301te\u0301", "café 和 été"),
        ("\u1112\u1161\u11ab국", "한국"),
        ("è¿\x99æ\x98¯ä¸\xadæ\x96\x87ã\x80\x82", "这是中文。"),
    ],
)
def test_defects_are_mended(raw: str, clean: str) -> None:
    assert one(raw) == clean


@pytest.mark.parametrize(
    "text",
    [
        "圆周率是3.14,版本1.2.3:稳定",  # numbers and Latin neighbours
        "迈克尔.乔丹来了",  # a name keeps its dot
        "参见https://example.com/路径,参数?甲=乙 完",
        "命令是`甲,乙`和`丙:丁`",
        "循环神经网络(RNN)和编码",
        "👨\u200d👩\u200d👧 和 ❤\ufe0f 和 1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "葛\U000e0100城",  # ideographic variation
        "می\u200cخواهم",  # Persian non-joiner
        "क\u094d\u200dष",
        "豈更車",  # compatibility ideographs: unified by nobody
        "café, déjà vu: “naïve”…",
        "锟斤拷",  # what is lost is not guessed
        "中文，标点。都对！",
    ],
)
def test_what_is_right_stays(text: str) -> None:
    assert one(text) == text
    assert counts(text) == {}


def test_compatibility_ideographs_stay_beside_what_is_composed() -> None:
    assert one("\uf900\u0301 e\u0301 \uf900") == "\uf900\u0301 é \uf900"


def test_hard_wrapped_han_joins_without_a_space_and_latin_with_one() -> None:
    assert one("人工智能正在改\n变世界，\nGPT 就是\n例子 of the\nnew well-\nknown art", wrapped=True) == (
        "人工智能正在改变世界，GPT 就是例子 of the new well-known art"
    )
    assert counts("改\n变", wrapped=True) == {"unwrap": 1}


def test_code_loses_controls_only() -> None:
    code = "if ａ:\n\treturn  '中,文'   \n\n\ne\u0301"
    assert one(code, verbatim=True) == code
    assert one("a\u200b\x00b", verbatim=True) == "ab"


def test_edits_are_counted_by_name() -> None:
    assert counts("ＡＢ　中,文\u200b\x00  e\u0301") == {"nfc": 1, "control": 1, "zero_width": 1, "width": 2, "space": 2, "punctuation": 1}
    assert counts("e" + "\u0301" * 5000)["marks_capped"] == 4970


def test_a_long_run_of_marks_is_capped_before_it_costs_anything() -> None:
    assert len(one("a" + "\u0301\u0327" * 50_000)) <= 31


def test_each_edit_is_a_setting() -> None:
    off = Normalize(mojibake=False, nfc=False, strip_controls=False, width=False, spaces=False, punctuation=False)
    text = " ＡＢ　中,文\u200b\x00  e\u0301 è¿\x99æ\x98¯ \n\n x "
    assert one(text, config=off) == text
    for name, value in (
        ("width", "ＡＢ"),
        ("spaces", "\u3000"),
        ("punctuation", "中,文"),
        ("strip_controls", "\u200b\x00"),
        ("nfc", "e\u0301"),
        ("mojibake", "è¿"),
    ):
        assert value in one(
            "ＡＢ\u3000中,文\u200b\x00 e\u0301 è¿\x99æ\x98¯ä¸\xadæ\x96\x87", config=DEFAULT.model_copy(update={name: False})
        )


def test_the_composing_table_knows_all_of_unicode() -> None:
    known = set(module._composing())
    for point in range(sys.maxunicode + 1):
        char = chr(point)
        if 0xD800 <= point < 0xE000 or module._COMPATIBILITY.match(char):
            continue
        if not unicodedata.is_normalized("NFC", char) or unicodedata.combining(char):
            assert point in known, hex(point)
        pair = unicodedata.normalize("NFD", char)
        if len(pair) > 1 and unicodedata.normalize("NFC", pair) == char:
            assert all(ord(second) in known for second in pair[1:]), hex(point)


PIECES = st.sampled_from(
    [*"中文人山。，！？,.:;!?()（）“”\"`'-aZé9 \t\n　ＡＢｶﾊﾞﾟカハウ゛한", "\u0301", "\u3099", "\u1161", "\u200d", "\u200c", "\ufe0f", "\U000e0100", "👨", "❤", "\u20e3",
     "\x00", "\x0c", "\x85", "\ufeff", "\u2028", "http://", "www.", "Ã", "©", "â€™", "ä½", "\xa0", "م", "क", "🏴", "\U000e0067", "\uf900", "Ä", "\u0344", "\r"]
)  # fmt: skip
ROWS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))


@given(ROWS, st.booleans(), st.booleans())
@settings(deadline=None, max_examples=400)
@example("中(中(中)中)中", False, False)
@example("Ã\x00©", False, False)
@example("👨\u200d\u200d👩", False, False)
def test_kernel_equals_its_slow_twin_and_is_final(text: str, wrapped: bool, verbatim: bool) -> None:
    once = one(text, wrapped, verbatim)
    assert once == naive.normalize(text, wrapped, verbatim, DEFAULT)
    again, edits = run([once], wrapped, verbatim)
    assert again == [once]
    assert not edits.any()


@given(st.lists(st.tuples(ROWS, st.booleans(), st.booleans()), min_size=1, max_size=6))
@settings(deadline=None, max_examples=100)
def test_a_row_does_not_depend_on_its_neighbours(rows: list[tuple[str, bool, bool]]) -> None:
    texts, wrapped, verbatim = (list(column) for column in zip(*rows, strict=True))
    together, edits = run(texts, wrapped, verbatim)
    for i, (text, unwrapped, kept) in enumerate(rows):
        alone, alone_edits = run([text], unwrapped, kept)
        assert together[i] == alone[0]
        assert edits[i].tolist() == alone_edits[0].tolist()


@given(ROWS, st.booleans())
@settings(deadline=None, max_examples=200)
def test_no_control_characters_are_left(text: str, verbatim: bool) -> None:
    left = {char for char in one(text, verbatim=verbatim) if unicodedata.category(char) == "Cc"}
    assert left <= ({"\n", "\t"} if verbatim else {"\n"})
