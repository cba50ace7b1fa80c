"""Quality signals: what a passage looks like in numbers. Nothing here judges; tasks/quality.py does.

Every count is made by one kernel over the whole column (tasks/kernels/signals.py); this module holds the words and character
classes it is made from, and the division into shares.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks import mojibake, personal, tables, wording
from tasks.kernels import signals as kernel
from tasks.segment import KINDS
from tasks.store.schemas import SIGNALS_TYPE
from tasks.store.text import BoolArray, I64Array, Texts, U8Array, U32Array
from tasks.wording import share

#: Fillers of spoken text in both scripts and English. Only what is a filler nearly everywhere: 那个, 然后, "like" and "kind of"
#: carry meaning too often. Latin ones must stand as words; case does not matter.
FILLERS = (
    *("嗯", "呃", "啊", "哦", "噢", "喔", "唔", "哎", "诶", "誒", "欸", "唉"),
    *("对吧", "對吧", "对不对", "對不對", "是吧", "是不是啊", "好吧", "你知道吗", "你知道嗎", "你知道吧", "你懂吧", "你懂的"),
    *("就是说", "就是說", "就是就是", "怎么说呢", "怎麼說呢", "怎么讲呢", "怎麼講呢", "然后呢", "然後呢", "然后然后", "然後然後"),
    *("那个那个", "那個那個", "这个这个", "這個這個", "的话呢", "的話呢", "我跟你说", "我跟你說", "说白了", "說白了"),
    *("um", "uh", "uhm", "umm", "er", "erm", "hmm", "uh-huh", "mm-hmm", "you know", "i mean", "sort of like", "kind of like"),
)

#: Opening and closing marks of each kind of pair; widths of one mark are one kind, since （x) is common and no defect.
PAIRS = ("(（)）", "[［]］", "{｛}｝", "【】", "「｢」｣", "『』", "《》", "〈〉", "〔〖〕〗", "“”", "‘’")

#: Ranges of Han characters below plane 2: radicals, 々〇〡..〩〸..〻, extension A, unified, compatibility.
HAN_RANGES = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x303B),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
)
LATIN_RANGES = (
    (0x41, 0x5A),
    (0x61, 0x7A),
    (0xAA, 0xAA),
    (0xBA, 0xBA),
    (0xC0, 0x2AF),
    (0x1E00, 0x1EFF),
    (0x2C60, 0x2C7F),
    (0xA722, 0xA7FF),
    (0xAB30, 0xAB6F),
    (0xFB00, 0xFB06),
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
)

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # as str.splitlines
CLOSING_ASCII = "\"'"
MOJIBAKE_STARTS = "\ufffd锟烫屯ÂÃ" + "".join(map(chr, range(0xE2, 0xF0)))
CP1252_VIEWS = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"


def class_of(char: str) -> int:
    """Class of a character: OTHER, SPACE, HAN, LATIN, DIGIT, PUNCTUATION or SYMBOL.

    Letters of other scripts, marks and controls are OTHER; every numeral that is not Han is a DIGIT.

    >>> [class_of(c) for c in "沙a１。≈ "]
    [2, 3, 4, 5, 6, 1]
    """
    code = ord(char)
    if char.isspace():
        return kernel.SPACE
    if char == "`":  # Markdown's mark of code; Unicode files it under modifier symbols
        return kernel.PUNCTUATION
    if any(a <= code <= b for a, b in HAN_RANGES) or 0x20000 <= code < 0x40000:
        return kernel.HAN
    category = unicodedata.category(char)
    if category[0] == "L" and any(a <= code <= b for a, b in LATIN_RANGES):
        return kernel.LATIN
    return {"N": kernel.DIGIT, "P": kernel.PUNCTUATION, "S": kernel.SYMBOL}.get(category[0], kernel.OTHER)


def _classes() -> tables.Arrays:
    """Class of every code point below plane 2: half a second, so it is kept on disk."""
    return {"classes": np.fromiter((class_of(chr(c)) for c in range(0x20000)), np.uint8, 0x20000)}


def character_table() -> U8Array:
    """(0x20000,) uint8, the class of every code point below plane 2."""
    classes: Any = tables.cached("signals", tables.built_from(__file__, kernel.__file__), _classes)["classes"]
    return np.array(classes, np.uint8)


@lru_cache(maxsize=1)
def _tables() -> tuple[Any, ...]:
    """Arguments of the kernel that do not depend on the text."""
    table: Any = character_table()
    brackets = np.zeros(0x10000, np.uint8)
    for pair, marks in enumerate(PAIRS):
        half = len(marks) // 2
        for i, mark in enumerate(marks):
            brackets[ord(mark)] = 2 * pair + (i >= half)
            table[ord(mark)] |= kernel.BRACKET | (kernel.CLOSER if i >= half else 0)
    brackets[ord('"')] = 2 * kernel.DOUBLE_ASCII
    table[ord('"')] |= kernel.BRACKET
    for chars, flag in ((LINE_ENDS, kernel.LINE_END), (CLOSING_ASCII, kernel.CLOSER), (MOJIBAKE_STARTS, kernel.SUSPECT)):
        for char in chars:
            table[ord(char)] |= flag
    words = sorted(FILLERS, key=lambda w: (w[0], -len(w), w))
    first, first_count = np.zeros(0x20000, np.int32), np.zeros(0x20000, np.int32)
    for i, word in reversed(list(enumerate(words))):
        first[ord(word[0])] = i
        first_count[ord(word[0])] += 1
        for start in {word[0], word[0].upper()}:
            table[ord(start)] |= kernel.FILLER_START
    second = np.zeros(0x20000, np.uint8)
    for word in words:
        if len(word) > 1:
            second[ord(word[1])] |= kernel.SECOND
        else:
            second[[ord(word), ord(word.upper())]] |= kernel.ALONE
    compiled = Texts.of(words)
    urls = tuple(_codes(word) for word in ("http://", "https://", "www."))
    return table, brackets, (compiled.chars, compiled.offsets, first, first_count, second), urls, _codes(CP1252_VIEWS)


def _codes(text: str) -> U32Array:
    return np.array([ord(c) for c in text], np.uint32)


def _damaged(texts: Texts, is_code: BoolArray) -> I64Array:
    """(n,) characters of each row that look read in the wrong charset; rows without any sign of it never reach Python."""
    out = np.zeros(len(texts), np.int64)
    for row in np.flatnonzero(mojibake.suspects(texts) & ~is_code).tolist():
        out[row] = mojibake.damage(texts[row])
    return out


def measure(texts: Texts, kinds: U8Array) -> pa.StructArray:
    """Signals of each passage, as schemas.SIGNALS_TYPE describes them.

    texts   : n normalized passages.
    kinds   : (n,) uint8, index into segment.KINDS. In code `.`, `!` and `?` are operators: there only line ends end a sentence.
    returns : n structs without nulls; an empty text is all zeros. Shares are rounded to four digits.
    sources : Raffel et al. 2020 (C4), Rae et al. 2021 (Gopher), over characters where those count words.
    """
    if len(kinds) != len(texts):
        raise ValueError(f"{len(texts)} texts but {len(kinds)} kinds")
    is_code: BoolArray = np.asarray(kinds) == KINDS.index("code")
    counts: npt.NDArray[np.int64] = kernel.count(texts.chars, texts.offsets, is_code, *_tables())
    column = counts.T
    visible = column[kernel.VISIBLE]
    sentences = column[kernel.SENTENCES]
    values = {
        "char_count": texts.lengths,
        "han_share": share(column[kernel.HANS], visible),
        "latin_share": share(column[kernel.LATINS], visible),
        "digit_share": share(column[kernel.DIGITS], visible),
        "punctuation_share": share(column[kernel.PUNCTUATIONS], visible),
        "symbol_share": share(column[kernel.SYMBOLS], visible),
        "url_share": share(column[kernel.URL_CHARS], visible),
        "sentence_count": sentences,
        "mean_sentence_chars": np.round(np.where(sentences > 0, visible / np.maximum(sentences, 1), 0), 4),
        "unfinished_line_share": share(column[kernel.UNFINISHED], column[kernel.LINES]),
        "distinct_char_share": share(column[kernel.HEAD_DISTINCT], column[kernel.HEAD]),
        "top_bigram_share": share(2 * column[kernel.TOP_BIGRAM], visible),
        "duplicate_ngram_share": share(column[kernel.REPEATED], visible),
        "filler_share": share(column[kernel.FILLER_CHARS], visible),
        "replacement_count": column[kernel.REPLACEMENTS],
        "unpaired_count": column[kernel.UNPAIRED],
        "mojibake_share": share(_damaged(texts, is_code), visible),
        "space_share": share(texts.lengths - visible, texts.lengths),
        "longest_sentence_chars": column[kernel.LONGEST_SENTENCE],
        **wording.measure(texts, visible),
        **personal.measure(texts),
    }
    fields = [pa.array(values[field.name].astype(field.type.to_pandas_dtype()), field.type) for field in SIGNALS_TYPE]
    return pa.StructArray.from_arrays(fields, fields=list(SIGNALS_TYPE))
