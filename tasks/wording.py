"""Signals of words and their repetition: what tasks/kernels/wording.py counts, as shares.

N-grams are of words, as in Gopher (Rae et al. 2021) and RedPajama-v2 (Weber et al. 2024); a Han character is a word here, where the
Chinese thresholds of FineWeb-2 count segmented words of 1.6 characters: the same n spans less text.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tasks.kernels import wording as kernel
from tasks.store.text import BoolArray, I64Array, Texts, U8Array, U64Array, from_str

#: Characters that hold Chinese sentences together, in both scripts. FineWeb-2's stop words for Mandarin are among them, its words of
#: dates (年, 月, 日) are not.
FUNCTION_HAN = "的了是在不和有我他这這就也都而及与與着著或被把从從到对對于於为為以之其所但并並又还還很更最中人上下里裡个個们們你她它那要会會能可由后後吗嗎呢吧"
#: The commonest English words without a content of their own.
FUNCTION_WORDS = (
    *("the", "of", "and", "to", "a", "in", "is", "that", "it", "for", "as", "was", "with", "be", "by", "on", "not", "he", "i", "this"),
    *("are", "or", "his", "from", "at", "which", "but", "have", "an", "had", "they", "you", "were", "there", "one", "all", "we", "can"),
    *("her", "has", "their", "been", "if", "more", "when", "will", "would", "who", "so", "no", "what", "up", "its", "about", "than"),
)
#: Marks that come in two widths.
FULL_MARKS, HALF_MARKS = "，。：；！？（）", ",.:;!?()"
_SYLLABLES = ((0x3041, 0x3100), (0x31F0, 0x3200), (0xAC00, 0xD7A4), (0xFF66, 0xFF9E))


@lru_cache(maxsize=1)
def _tables() -> tuple[U8Array, U64Array, BoolArray]:
    """Arguments of the kernel that do not depend on the text. Classes come from tasks.signals, so that a letter is one everywhere."""
    from tasks.kernels import signals
    from tasks.signals import character_table

    classes = character_table() & signals.CLASS
    table = np.zeros(0x20000, np.uint8)
    table[(classes == signals.LATIN) | (classes == signals.DIGIT) | (classes == signals.OTHER)] = kernel.PART
    for start, end in _SYLLABLES:
        table[start:end] = kernel.ALONE
    table[classes == signals.HAN] = kernel.ALONE | kernel.HAN
    for chars, bit in ((FUNCTION_HAN, kernel.FUNCTION), (FULL_MARKS, kernel.FULL), (HALF_MARKS, kernel.HALF)):
        table[[ord(char) for char in chars]] |= bit
    functions = np.zeros(256, np.uint64)
    for word in FUNCTION_WORDS:
        hashed = kernel.word_hash(from_str(word))
        at = int(hashed) >> 56
        while functions[at]:
            at = (at + 1) % 256
        functions[at] = hashed
    return table, functions, classes == signals.SPACE


def measure(texts: Texts, visible: I64Array) -> dict[str, npt.NDArray[np.generic]]:
    """Columns of schemas.SIGNALS by name. visible : (n,) characters that are not space."""
    column = kernel.count(texts.chars, texts.offsets, *_tables()).T
    words = column[kernel.WORDS]
    marks = column[kernel.FULL_MARKS] + column[kernel.HALF_MARKS]
    return {
        "word_count": words,
        "distinct_word_share": share(column[kernel.DISTINCT], words),
        "function_word_share": share(column[kernel.FUNCTIONS], words),
        "words_a_phrase": np.round(words / np.maximum(column[kernel.PHRASES], 1), 4),
        **{f"top_{n}gram_share": share(column[kernel.TOP + n - 2], visible) for n in range(2, 5)},
        **{f"duplicate_{n}gram_share": share(column[kernel.AGAIN + n - 5], visible) for n in range(5, 11)},
        "duplicate_line_share": share(column[kernel.REPEATED_LINE], visible),
        "half_width_share": share(column[kernel.HALF_MARKS], marks),
        "stutter_share": share(column[kernel.STUTTERED], visible),
    }


def share(part: I64Array, whole: I64Array) -> npt.NDArray[np.float32]:
    """part / whole in 0..1, four digits; 0 where there is no whole."""
    return np.round(np.minimum(part / np.maximum(whole, 1), 1.0), 4).astype(np.float32)
