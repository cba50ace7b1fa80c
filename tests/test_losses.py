"""What a removal must not lose: what two texts say, side by side, and the signs at their numbers."""

from __future__ import annotations

import naive_losses
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.losses import MORE, NOTHING, REWORDED, says_more
from tasks.signs import signs
from tasks.store.text import Texts


def said(goes: str, stays: str) -> int:
    found = int(says_more(Texts.of([goes, stays]), np.array([0]), np.array([1]))[0])
    assert found == naive_losses.says_more(goes, stays)
    return found


def more(goes: str, stays: str) -> bool:
    return said(goes, stays) != NOTHING


def differ(a: str, b: str) -> bool:
    digests = signs(Texts.of([a, b]))[0]
    return bool(digests[0] != digests[1])


# ---- texts -------------------------------------------------------------------------------------------------------------------

NOTICE = "河湾村的旧书市{}在桥头的空地上开张，摊主{}带来了三箱旧画报，想换书的人{}把自己的书用纸包好，写上名字。"
FILLED = NOTICE.format("周六下午", "王海棠", "可以")
LONG = FILLED + "去年冬天下了一场很大的雪，桥头的空地有半个月不能走人，书市就搬到磨坊里去，大家围着火炉看书，直到天黑透了才肯回家。"
ENGLISH = "The ferry to the island leaves from the old pier at noon, and the captain will wait for anyone who is late because of the tide."

#: What goes, and what stays.
SAYS_MORE = {
    "another day": (FILLED, FILLED.replace("周六", "周一")),
    "another part of the day": (FILLED, FILLED.replace("下午", "上午")),
    "another name": (FILLED, FILLED.replace("王海棠", "李春山")),
    "another surname": (LONG, LONG.replace("王海棠", "汪海棠")),
    "a rare character in a name": (LONG.replace("王海棠", "王喆棠"), LONG),
    "a word more": (FILLED, FILLED.replace("旧画报", "画报")),
    "a clause more": (FILLED, FILLED.replace("，写上名字", "")),
    "a negation more": (FILLED.replace("可以", "不可以"), FILLED),
    "a negation less": (FILLED, FILLED.replace("可以", "不可以")),
    "a numeral": (FILLED, FILLED.replace("三箱", "五箱")),
    "a numeral for an article": (FILLED.replace("周六", "周一"), FILLED),
    "numbers that changed places": ("从3月5日起" + FILLED, "从5月3日起" + FILLED),
    "a number whose like stands elsewhere": (FILLED + "5月招5名伙计", FILLED + "月底招5名伙计"),
    "who does what": (FILLED + "王海棠把李春山骗了", FILLED + "李春山把王海棠骗了"),
    "one thing for its opposite": (LONG.replace("天黑", "天亮"), LONG),
    "not in English": (ENGLISH, ENGLISH.replace("will wait", "will not wait")),
    "no in English": (ENGLISH, ENGLISH.replace("for anyone", "for no anyone")),
    "who does what in English": ("the dog of the baker bites the cat, " + ENGLISH, "the cat of the baker bites the dog, " + ENGLISH),
    "another language": (FILLED, FILLED.replace("旧画报", "かわいい")),
    "a sign": (FILLED + "夜里-5度", FILLED + "夜里5度"),
}
SAYS_NO_MORE = {
    "the same": (FILLED, FILLED),
    "another script": (
        FILLED,
        "河灣村的舊書市週六下午在橋頭的空地上開張，攤主王海棠帶來了三箱舊畫報，想換書的人可以把自己的書用紙包好，寫上名字。",
    ),
    "particles": (FILLED, FILLED.replace("了三箱", "三箱").replace("自己的", "自己").replace("开张", "开张了")),
    "a link of clauses": (FILLED.replace("，想换", "，而且想换"), FILLED),
    "a stutter": (FILLED.replace("空地", "空空地"), FILLED),
    "two that changed places": (FILLED.replace("空地", "地空"), FILLED),
    "one written for another": (FILLED.replace("带来", "戴来"), FILLED),
    "less": (FILLED.replace("三箱旧", ""), FILLED),
    "a clause less": (FILLED.replace("，写上名字", ""), FILLED),
    "a clause less that says no": (LONG.replace("，桥头的空地有半个月不能走人", ""), LONG),
    "sentences in another order": (LONG[len(FILLED) :] + FILLED, LONG),
    "a slip in long text": (LONG.replace("火炉", "火垆"), LONG),
    "a slip in what stays": (LONG, LONG.replace("磨坊", "磨垆")),
    "an odd character between": (LONG.replace("火炉", "火冂炉"), LONG),
    "a clause less in English": (ENGLISH.replace(", and the captain will wait", ""), ENGLISH),
    "one negation for another": (LONG.replace("不能走人", "没能走人"), LONG),
    "nothing": ("", FILLED),
}


@pytest.mark.parametrize("name", SAYS_MORE)
def test_what_a_text_says_beyond_another_is_seen(name: str) -> None:
    assert more(*SAYS_MORE[name])


@pytest.mark.parametrize("name", SAYS_NO_MORE)
def test_what_says_nothing_is_no_loss(name: str) -> None:
    assert not more(*SAYS_NO_MORE[name])


#: Between editions of one article: other words for the same, and what is another thing all the same.
REWORDINGS = {
    "a word": (LONG.replace("半个月", "半月"), LONG),
    "another word": (LONG.replace("火炉", "炉子"), LONG),
    "a word more": (LONG.replace("看书", "安静看书"), LONG),
    "two words": (LONG.replace("火炉", "炉子").replace("磨坊", "粮仓"), LONG),
}
OTHER_THINGS = (
    "another day",
    "another part of the day",
    "another name",
    "another surname",
    "a negation more",
    "a negation less",
    "a numeral",
)


@pytest.mark.parametrize("name", REWORDINGS)
def test_another_word_for_the_same_is_told_from_another_thing(name: str) -> None:
    assert said(*REWORDINGS[name]) in (NOTHING, REWORDED)


@pytest.mark.parametrize("name", OTHER_THINGS)
def test_another_thing_is_no_rewording(name: str) -> None:
    assert said(*SAYS_MORE[name]) == MORE


def test_a_slip_counts_as_one_in_long_equal_text_only() -> None:
    assert more(FILLED[:30].replace("空地", "空垆"), FILLED[:30])


_PIECES = st.lists(
    st.sampled_from(
        ["周六下午", "王海棠", "不", "的", "了", "三箱", "一", "5", "2024年", "not ", "the old pier ", "no", "空地上开张，", "火炉", "垆"]
    ),
    max_size=14,
)


@given(_PIECES, _PIECES)
def test_the_kernel_says_what_its_slow_twin_says(a: list[str], b: list[str]) -> None:
    more("".join(a), "".join(b))
    more(FILLED + "".join(a) + LONG, FILLED + "".join(b) + LONG)


@given(st.integers(0, len(LONG) - 1), st.integers(0, 12), st.sampled_from(["", "春", "李春山", "垆", "no ", "7"]))
def test_one_edit_is_judged_as_its_slow_twin_judges_it(at: int, size: int, other: str) -> None:
    copy = LONG[:at] + other + LONG[at + size :]
    more(copy, LONG)
    more(LONG, copy)


@given(st.text("中的王不一5a ，。", max_size=80))
def test_no_text_says_more_than_itself(text: str) -> None:
    assert not more(text, text)


# ---- signs -------------------------------------------------------------------------------------------------------------------

ANOTHER_SIGN = {
    "minus": ("最低-5度", "最低5度"),
    "minus at the start": ("−5 度的早上", "5 度的早上"),
    "minus before a currency": ("亏了 -$5", "亏了 $5"),
    "percent": ("涨了5%", "涨了5"),
    "percent apart": ("涨了5 %", "涨了5 ‰"),
    "currency": ("只要$5", "只要€5"),
    "currency after": ("只要5€", "只要5"),
    "order": ("当 3 > 5 时", "当 3 < 5 时"),
    "order of two characters": ("x >= 5", "x > 5"),
    "power": ("10⁵ 粒沙", "105 粒沙"),
    "product": ("3×5", "3÷5"),
    "arrow at a number": ("今天 ↑5%", "今天 ↓5%"),
    "degrees": ("转动5°", "转动5"),
    "cross": ("❌ 离线使用", "✅ 离线使用"),
    "at another number": ("-5 度到 5 度", "5 度到 -5 度"),
}
SAME_SIGNS = {
    "bullet": ("- 5 个苹果", "5 个苹果"),
    "dash between words": ("他走了 — 5 个人跟着", "他走了 5 个人跟着"),
    "dash after a sentence": ("他说——5个人", "他说：5个人"),
    "range": ("3月-5月", "3月～5月"),
    "range in full width": ("３月－５月", "3月-5月"),
    "plus": ("涨了+5", "涨了5"),
    "quotation": ("> 5 个人来了", "5 个人来了"),
    "arrow between": ("5 -> 6", "5 6"),
    "link in brackets": ("<https://example.org/a5>", "https://example.org/a5"),
    "width": ("５％ 和 ＄５", "5% 和 $5"),
    "space": ("5 %", "5%"),
    "wrapped": ("涨了 5\n% 左右", "涨了 5% 左右"),
    "degree sign in two forms": ("5℃", "5°C"),
    "tick": ("✅ 离线使用", "离线使用"),
    "brackets doubled": ("<<500行之内>>", "< <500行之内> >"),
    "option": ("--5 的意思", "5 的意思"),
}


@pytest.mark.parametrize("name", ANOTHER_SIGN)
def test_another_sign_is_another_text(name: str) -> None:
    assert differ(*ANOTHER_SIGN[name])


@pytest.mark.parametrize("name", SAME_SIGNS)
def test_what_is_no_sign_changes_nothing(name: str) -> None:
    assert not differ(*SAME_SIGNS[name])


@given(st.lists(st.text("5 ¥$%-—~><=!.,a月)°²×❌\n", max_size=12), max_size=4))
def test_signs_are_those_of_the_slow_twin(rows: list[str]) -> None:
    values, offsets = signs(Texts.of(rows))[1]
    seen: dict[tuple[str, str], int] = {}
    for row, text in enumerate(rows):
        ours, theirs = values[offsets[row] : offsets[row + 1]].tolist(), naive_losses.signs(text)
        assert len(ours) == len(theirs), (text, theirs)
        for value, sign in zip(ours, theirs, strict=True):
            assert seen.setdefault(sign, value) == value
    assert len(set(seen.values())) == len(seen)
