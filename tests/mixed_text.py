"""Texts of every kind that the fold treats in its own way, for properties and twins. All of it made up."""

from __future__ import annotations

from hypothesis import strategies as st

#: Characters: Han with variants and numerals, scripts without spaces, letters and digits of many widths, what folds to several or to
#: nothing, and the punctuation that words, numbers and addresses are made with.
PIECES = (
    "好的码头漁魚万一二两第千々〇ひカ한สี𠀀⺀㈱℃ﬁ½⑩²ⅧİßŉΣéА०"
    "abcXYZ0123456789_.@,:/-+#'’\"<>()[]*?!&=%~ \t\n\u3000，。：；！？·・…—–－．：／＠＋＃＿ａＺ０９"
    "\u00ad\u200b\u200d\ufe0f\u0301\u20e3\U000e0100🎉❤\u3099ﾞ|`\\^{}"
)
#: Words that are one token, or nearly.
WORDS = [
    "<p class='x'>",
    "</p>",
    "<",
    "<b",
    ">",
    "<1>",
    "https://",
    "HTTP://x",
    "www.",
    "www.a.b",
    "C++",
    "C#",
    "foo.bar",
    "a@b.c",
    "GPT-4",
    "1.5",
    "12:30",
    "2024-03-25",
    "第一",
    "don't",
]

MIXED = st.lists(
    st.one_of(st.text(PIECES, min_size=1, max_size=6), st.sampled_from(WORDS), st.text(min_size=1, max_size=3)), max_size=12
).map("".join)
