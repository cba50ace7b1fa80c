"""Slow twin of tasks/signals.py: one text at a time, regular expressions and Counters, to be checked by eye."""

from __future__ import annotations

import re
from collections import Counter

import naive_wording
import numpy as np

from tasks import mojibake, personal
from tasks.kernels import signals as kernel
from tasks.signals import CP1252_VIEWS, FILLERS, PAIRS, class_of

FINAL = "。！？!?…｡．"
CLOSERS = "".join(pair[len(pair) // 2 :] for pair in PAIRS) + "\"'"
SPACE = "".join(chr(c) for c in range(0x3001) if chr(c).isspace())
LINE = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
URL = re.compile(r"(?:https?://|www\.)(?=[!-~])", re.ASCII | re.IGNORECASE)
BROKEN = re.compile(
    f"\ufffd|锟斤拷|烫烫烫|屯屯屯|[ÂÃ][\x80-\xbf]|â€|[â-ï](?:[\x80-\xbf][\x80-\xbf{CP1252_VIEWS}]|[\x80-\xbf{CP1252_VIEWS}][\x80-\xbf])"
)


def measure(text: str, kind: str = "prose") -> dict[str, float]:
    """Signals of one text."""
    visible = [c for c in text if not c.isspace()]
    classes = Counter(class_of(c) for c in visible)
    n = len(visible)
    sentences = count_sentences(text, kind)
    lines = [line for line in LINE.split(text) if line.strip()]
    head = visible[:256]
    return {
        "char_count": len(text),
        "han_share": share(classes[kernel.HAN], n),
        "latin_share": share(classes[kernel.LATIN], n),
        "digit_share": share(classes[kernel.DIGIT], n),
        "punctuation_share": share(classes[kernel.PUNCTUATION], n),
        "symbol_share": share(classes[kernel.SYMBOL], n),
        "url_share": share(url_chars(text), n),
        "sentence_count": sentences,
        "mean_sentence_chars": float(np.float32(round(n / sentences, 4))) if sentences else 0.0,
        "unfinished_line_share": share(sum(not is_finished(line) for line in lines), len(lines)),
        "distinct_char_share": share(len(set(head)), len(head)),
        "top_bigram_share": share(2 * top_bigram(text), n),
        "duplicate_ngram_share": share(repeated_chars(visible), n),
        "filler_share": share(filler_chars(text), n),
        "replacement_count": len(BROKEN.findall(text)),
        "unpaired_count": count_unpaired(text),
        "mojibake_share": share(mojibake.damage(text) if kind != "code" and looks_odd(text) else 0, n),
        "space_share": share(len(text) - n, len(text)),
        "longest_sentence_chars": longest_sentence(text, kind),
        **naive_wording.measure(text),
        **{f"{name}_count": sum(found == name for _, _, found in personal.find(text)) for name in personal.KINDS},
    }


def looks_odd(text: str) -> bool:
    """Of eight Han in a row two out of use and one at most frequent, a third of all out of use, or four bytes of Latin-1 together."""
    han = re.findall("[\u3400-\u4dbf\u4e00-\u9fff\ue000-\uf8ff\uff61-\uff9f]", text)
    rare = [char not in mojibake.common() for char in han]
    usual = [char in mojibake.FREQUENT for char in han]
    if any(sum(rare[max(i - 7, 0) : i + 1]) >= 2 and sum(usual[max(i - 7, 0) : i + 1]) <= 1 for i in range(len(han))):
        return True
    if any(rare) and sum(rare) * 3 >= len(rare):
        return True
    return bool(re.search(f"[\u00c0-\u00ff{re.escape(mojibake.TAILS)}]{{4}}", text))


def share(part: int, whole: int) -> float:
    return float(np.float32(np.round(min(part / max(whole, 1), 1.0), 4)))


def is_final(text: str, i: int) -> bool:
    if text[i] in FINAL:
        return True
    return text[i] == "." and (i + 1 == len(text) or text[i + 1].isspace() or text[i + 1] in CLOSERS)


def is_word(char: str) -> bool:
    return class_of(char) not in (kernel.SPACE, kernel.PUNCTUATION)


def sentences_of(text: str, kind: str) -> list[str]:
    """Stretches up to a final mark or a line end that hold something beside punctuation."""
    out, current = [], ""
    for i, char in enumerate(text):
        current += char
        if LINE.match(char) or (kind != "code" and is_final(text, i)):
            out.append(current)
            current = ""
    return [piece for piece in [*out, current] if any(map(is_word, piece))]


def count_sentences(text: str, kind: str) -> int:
    return len(sentences_of(text, kind))


def longest_sentence(text: str, kind: str) -> int:
    return max((sum(not c.isspace() for c in piece) for piece in sentences_of(text, kind)), default=0)


def is_finished(line: str) -> bool:
    bare = line.rstrip()
    while bare and bare[-1] in CLOSERS:
        bare = bare[:-1].rstrip()
    return bool(bare) and is_final(line, len(bare) - 1)


def url_chars(text: str) -> int:
    total = until = 0
    for match in URL.finditer(text):
        at = match.start()
        inside_word = match[0][0] in "wW" and at > 0 and class_of(text[at - 1]) in (kernel.LATIN, kernel.DIGIT)
        if at < until or inside_word:
            continue
        until = url_end(text, match.end())
        total += until - match.start() if until > match.end() else 0
    return total


def url_end(text: str, start: int) -> int:
    """A URL runs over printable ASCII, up to a bracket that it did not open; sentence punctuation at its end is not part of it."""
    end = start
    while end < len(text) and "!" <= text[end] <= "~" and text[end] not in '"<>`':
        inside = text[start:end]
        if (text[end] == ")" and inside.count("(") == inside.count(")")) or (text[end] == "]" and inside.count("[") == inside.count("]")):
            break
        end += 1
    return start + len(text[start:end].rstrip(".,;:!?'*"))


def top_bigram(text: str) -> int:
    runs = re.split("[" + re.escape("".join(c for c in set(text) if not is_word(c)) or "\n") + "]", text)
    counts = Counter(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    most = max(counts.values(), default=0)
    return most if most > 1 else 0


def repeated_chars(visible: list[str]) -> int:
    seen, covered = set(), set()
    for i in range(len(visible) - 7):
        gram = tuple(visible[i : i + 8])
        if gram in seen:
            covered.update(range(i, i + 8))
        seen.add(gram)
    return len(covered)


def filler_chars(text: str) -> int:
    lower = "".join(c.lower() if c.isascii() else c for c in text)
    total = i = 0
    while i < len(text):
        length = next((len(w) for w in sorted(FILLERS, key=len, reverse=True) if filler_at(lower, i, w)), 0)
        total += sum(not c.isspace() for c in text[i : i + length])
        i += max(length, 1)
    return total


def filler_at(text: str, i: int, word: str) -> bool:
    if not text.startswith(word, i):
        return False
    if not word[0].isascii():
        return True
    before, after = text[i - 1 : i] if i else "", text[i + len(word) : i + len(word) + 1]
    return not any(c and class_of(c) == kernel.LATIN for c in (before, after))


def count_unpaired(text: str) -> int:
    """Marks of one kind pair up in any width; `1)` and `a）` at the start of a line number it; ’ alone is an apostrophe."""
    unpaired = 0
    for marks in PAIRS:
        half = len(marks) // 2
        depth = 0
        for i, char in enumerate(text):
            if char in marks[:half]:
                depth += 1
            elif char in marks[half:] and depth:
                depth -= 1
            elif char in marks[half:] and char != "’" and not is_numbering(text[:i]):
                unpaired += 1
        unpaired += depth
    return unpaired + text.count('"') % 2


def is_numbering(before: str) -> bool:
    line = "".join(c for c in LINE.split(before)[-1] if not c.isspace())
    return 1 <= len(line) <= 3 and all(class_of(c) in (kernel.LATIN, kernel.DIGIT, kernel.OTHER) for c in line)
