"""Paragraphs of a given length and language, and copies of them that a person would call the same, by kind of edit.

Everything follows from the seed of the generator passed in. No text is anyone's: see prose.py.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from functools import cache

from prose import Prose

LANGUAGES = ("zh", "mixed", "en")
_TERMS = (
    "cache", "queue", "Lisbon", "harbour map", "table view", "hash join", "pull request", "river pilot", "event loop", "lazy loading",
    "north gate", "bakery", "night train", "open source", "stack trace", "tide chart", "weather desk", "unit test", "color profile",
)  # fmt: skip
_SENTENCE = re.compile(r"[^。？！.!?]*[。？！.!?]+\s*")
_CLAUSE = re.compile(r"[^，。？！；：、,.;:?!]*[，。？！；：、,.;:?!]+\s*")


# --- Originals ------------------------------------------------------------------------------------------------------------


def paragraph(prose: Prose, rng: random.Random, language: str, size: int) -> str:
    """A paragraph of `size` characters (a dozen less at most) and of two sentences or more, each at most two fifths of it."""
    longest = max(16, size * 2 // 5)
    out = ""
    while len(out) < size - 12:
        english = language == "en" or (language == "mixed" and rng.random() < 0.25)
        text = prose.english() if english else prose.paragraph()[0]
        one = max(rng.sample(parts, min(2, len(parts))), key=len).strip() if (parts := sentences(text)) else ""
        if language == "mixed" and not english:
            one = _with_terms(one, rng)
        if len(one) >= 10:
            out += _cut(one, min(rng.randrange(longest * 2 // 3, longest + 1), size - len(out))) + (" " if english else "")
    return out.strip()


def _with_terms(sentence: str, rng: random.Random) -> str:
    """An English term or two set into a Chinese sentence, as people write."""
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(sentence))
        term = rng.choice(_TERMS)
        sentence = f"{sentence[:at]} {term} {sentence[at:]}" if rng.random() < 0.5 else sentence[:at] + term + sentence[at:]
    return sentence


def _cut(sentence: str, size: int) -> str:
    """The sentence, cut to `size` characters where it is longer, between words, with its full stop."""
    if len(sentence) <= size:
        return sentence
    head, stop = sentence[: size - 1], sentence[-1]
    if head[-1].isascii() and head[-1].isalpha() and sentence[size - 1].isascii() and sentence[size - 1].isalpha():
        head = re.sub(r"[A-Za-z]+$", "", head) or head
    return head.rstrip(" ，,、；：") + stop


def sentences(text: str) -> list[str]:
    """The text in sentences, with the space that follows each; joined they give the text again."""
    found = _SENTENCE.findall(text)
    rest = text[sum(map(len, found)) :]
    return [*found, rest] if rest.strip() else found


# --- Kinds of edit --------------------------------------------------------------------------------------------------------


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC

    return OpenCC("s2t").convert  # type: ignore[no-any-return]


def verbatim(text: str, rng: random.Random) -> str:
    return text


def traditional(text: str, rng: random.Random) -> str:
    return _converter()(text)


_MARKS = (
    str.maketrans("，。？！：；、", ",.?!:;,"),
    str.maketrans({"，": " ", "。": " ", "；": " ", ",": "", ";": ""}),
    str.maketrans({"，": "、", "。": "！", "；": "，", "？": "？？", ",": " -", ";": ","}),
)


def punctuated(text: str, rng: random.Random) -> str:
    """Other marks, or spaces for them. A full stop between letters stays apart from the next word, or two words became one name."""
    out = text.translate(rng.choice(_MARKS))
    return re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", ". ", out)


def spaced(text: str, rng: random.Random) -> str:
    """Spaces between Han characters, Han and letters set apart or together, spaces doubled."""
    out = re.sub(r"(?<=[\u4e00-\u9fff，。])(?=[\u4e00-\u9fff])", lambda _: " " if rng.random() < 0.1 else "", text)
    out = re.sub(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u4e00-\u9fff])", lambda _: rng.choice(("", " ")), out)
    return re.sub(r" ", lambda _: rng.choice((" ", "  ", "\u3000", "\u00a0")), out)


_WIDE = str.maketrans({**{chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)}, " ": "\u3000"})


def full_width(text: str, rng: random.Random) -> str:
    return text.translate(_WIDE)


def wrapped(text: str, rng: random.Random) -> str:
    """Lines of 50 to 80 columns (a Han character takes two), broken between any two Han characters and between words."""
    width, out, line, at = rng.randrange(50, 81), [], "", 0
    for piece in re.findall(r"[!-~]+ ?|.", text, re.DOTALL):
        columns = sum(1 if char.isascii() else 2 for char in piece)
        if at + columns - piece.endswith(" ") > width and line.strip() and piece not in "，。？！；：、":
            out.append(line.rstrip())
            line, at = "", 0
        line, at = line + piece, at + columns
    return "\n".join([*out, line])


def characters(share: float) -> Callable[[str, random.Random], str]:
    """A share of the letters and Han characters edited: a third each replaced, left out, followed by another."""

    def edit(text: str, rng: random.Random) -> str:
        chars = list(text)
        able = [at for at, char in enumerate(chars) if char.isalpha()]
        for at in rng.sample(able, max(1, round(share * len(able)))):
            other = rng.choice(string.ascii_lowercase) if chars[at].isascii() else chr(rng.randrange(0x4E00, 0x9FA5))
            chars[at] = rng.choice((other, "", chars[at] + other))
        return "".join(chars)

    return edit


def dropped(text: str, rng: random.Random) -> str:
    """One sentence left out."""
    parts = sentences(text)
    del parts[rng.randrange(len(parts))]
    return "".join(parts).strip()


def _apart(parts: list[str]) -> str:
    """Sentences in a new order, English ones with a space between."""
    return "".join(part.strip() + (" " if part.strip()[-2:-1].isascii() else "") for part in parts).strip()


def moved(text: str, rng: random.Random) -> str:
    """One sentence put elsewhere."""
    parts = sentences(text)
    one = parts.pop(at := rng.randrange(len(parts)))
    parts.insert(rng.choice([to for to in range(len(parts) + 1) if to != at]), one)
    return _apart(parts)


def reordered(text: str, rng: random.Random) -> str:
    """All sentences in another order."""
    parts = sentences(text)
    order = list(range(len(parts)))
    while order == sorted(order):
        rng.shuffle(order)
    return _apart([parts[at] for at in order])


def reworded(text: str, rng: random.Random) -> str:
    """Every clause with one word changed: two Han characters, or a word of letters, for others of the same length."""
    return _CLAUSE.sub(lambda found: _one_word(found.group(), rng), text)


def _one_word(clause: str, rng: random.Random) -> str:
    words = [m.span() for m in re.finditer(r"[A-Za-z]+", clause)]
    words += [
        (at, at + 2) for at in range(len(clause) - 1) if "\u4e00" <= clause[at] <= "\u9fff" and "\u4e00" <= clause[at + 1] <= "\u9fff"
    ]
    if not words:
        return clause
    start, end = rng.choice(words)
    if clause[start].isascii():
        other = "".join(rng.choice(string.ascii_lowercase) for _ in range(end - start))
    else:
        other = "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(end - start))
    return clause[:start] + other + clause[end:]


#: Name of each kind and what makes it; those of SAME fold to what the original folds to.
KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": verbatim,
    "traditional": traditional,
    "re-punctuated": punctuated,
    "re-spaced": spaced,
    "full-width": full_width,
    "hard-wrapped": wrapped,
    "1 % of characters": characters(0.01),
    "2 %": characters(0.02),
    "5 %": characters(0.05),
    "10 %": characters(0.1),
    "a sentence dropped": dropped,
    "a sentence moved": moved,
    "sentences reordered": reordered,
    "a word a clause": reworded,
}
SAME = ("verbatim", "traditional", "re-punctuated", "re-spaced", "full-width", "hard-wrapped")
