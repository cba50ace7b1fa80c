"""Slow twin of tasks/wording.py: regular expressions, lists of words and Counters."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from tasks.kernels import signals as classes
from tasks.signals import class_of
from tasks.wording import FULL_MARKS, FUNCTION_HAN, FUNCTION_WORDS, HALF_MARKS

SYLLABLE = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uac00-\ud7a3\uff66-\uff9d]")


def is_alone(char: str) -> bool:
    return class_of(char) == classes.HAN or bool(SYLLABLE.match(char))


def is_part(char: str) -> bool:
    return not is_alone(char) and ord(char) < 0x20000 and class_of(char) in (classes.LATIN, classes.DIGIT, classes.OTHER)


def words_of(text: str) -> list[str]:
    out, run = [], ""
    for char in text + " ":
        if char != " " and is_part(char):
            run += char.lower() if char.isascii() else char
            continue
        if run:
            out.append(run)
        run = ""
        if char != " " and is_alone(char):
            out.append(char)
    return out


def share(part: float, whole: float) -> float:
    return float(np.float32(np.round(min(part / max(whole, 1), 1.0), 4)))


def measure(text: str) -> dict[str, float]:
    words = words_of(text)
    visible = sum(not c.isspace() for c in text)
    marks = [text[i] for i in range(1, len(text)) if class_of(text[i - 1]) == classes.HAN and text[i] in FULL_MARKS + HALF_MARKS]
    known = {*FUNCTION_HAN, *FUNCTION_WORDS}
    return {
        "word_count": len(words),
        "distinct_word_share": share(len(set(words)), len(words)),
        "function_word_share": share(sum(w in known for w in words), len(words)),
        "words_a_phrase": float(np.float32(np.round(len(words) / max(phrases(words), 1), 4))),
        **{f"top_{n}gram_share": share(top(words, n), visible) for n in range(2, 5)},
        **{f"duplicate_{n}gram_share": share(again(words, n), visible) for n in range(5, 11)},
        "duplicate_line_share": share(repeated_lines(text), visible),
        "half_width_share": share(sum(m in HALF_MARKS for m in marks), len(marks)),
        "stutter_share": share(stutter(words), visible),
    }


def grams(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def top(words: list[str], n: int) -> int:
    return max((count * sum(map(len, gram)) for gram, count in Counter(grams(words, n)).items() if count > 1), default=0)


def again(words: list[str], n: int) -> int:
    seen, covered = set(), set()
    for i, gram in enumerate(grams(words, n)):
        if gram in seen:
            covered.update(range(i, i + n))
        seen.add(gram)
    return sum(len(words[i]) for i in covered)


def phrases(words: list[str]) -> int:
    count = i = 0
    while i < len(words):
        length = 1
        gram = words[i : i + 3]
        places = [j for j in range(i) if words[j : j + 3] == gram] if len(gram) == 3 else []
        if places:
            j, length = places[-1], 3
            while i + length < len(words) and words[j + length] == words[i + length]:
                length += 1
        count += 1
        i += length
    return count


def repeated_lines(text: str) -> int:
    lines = ["".join(line.split()) for line in text.split("\n")]
    return sum(len(line) for i, line in enumerate(lines) if line in lines[:i])


def stutter(words: list[str]) -> int:
    total, i = 0, 1
    while i < len(words):
        step = 1
        if words[i] == words[i - 1]:
            if not is_alone(words[i][0]) or (i > 1 and words[i] == words[i - 2]):
                total += len(words[i])
            i += 1
            continue
        for k in range(2, 5):
            if i < k or i + k > len(words):
                break
            if words[i : i + k] == words[i - k : i]:
                total += sum(map(len, words[i : i + k]))
                step = k
                break
        i += step
    return total
