"""Matching in plain Python, from its written definition: strings, regular expressions and sets. Slow, and easy to check by eye.

Shares no code with `tasks.kernels`; the one thing taken over is the table of traditional and variant characters.
"""

from __future__ import annotations

import re
import unicodedata

from tasks.script import fold_table

#: An element: what it is ("token", "letter" or "slot") and its folded text.
Element = tuple[str, str]

_TOKENS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323ff]"
)
_URL = re.compile(r"(?:https?://|www\.(?=[0-9_a-z]))[!#-&(-;=?-_a-~]*", re.IGNORECASE)
_WORD = re.compile(r"[a0_]+(?:(?:[.@](?=[a0_])|(?<=0)[,:/](?=0)|(?<=0)-(?=[a0_])|-(?=0))[a0_]+)*")
_TAG = re.compile(r"<(?=/?[a-z])[^<>]{1,998}>", re.IGNORECASE)
_NUMERALS = set("一二三四五六七八九十百千万亿零〇两")


def _fold(char: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())


def _symbol(char: str) -> str:
    """T token, a letter, 0 digit, _ underscore, ' nothing at all, ASCII punctuation itself, space for all the rest."""
    category = unicodedata.category(char)
    if ord(char) >= 0x32400:  # emoji and private use; variation selectors and tags are nothing at all
        return "'" if ord(char) >= 0xE0000 else " "
    frame = 0x20D0 <= ord(char) <= 0x20FF or 0xFE00 <= ord(char) <= 0xFE2F or ord(char) < 0x0483
    if char in "'’" or category == "Cf" or (category.startswith("M") and frame):
        return "'"
    if _TOKENS.match(char):
        known = category[0] in "LMN" or category in ("So", "Cn")
        return "T" if known else " "
    if category == "Nd" or (category == "No" and char.isdigit()):
        return "0"
    if category[0] in "LM" or category == "Nl":
        return "a"
    return char if char in "_.@,:/-+#" else " "


def _simplify(char: str) -> str:
    table = fold_table()
    return chr(table[ord(char)]) if ord(char) < len(table) else char


def elements(text: str) -> list[Element]:
    """Fold of a text. Characters that fold to several count as if they had been typed so."""
    return [element for element, _, _ in placed(text)]


def placed(text: str) -> list[tuple[Element, int, int]]:
    """Elements, and where each starts and ends in the text; a space between two words is where the second begins, and is empty."""
    raw, folded, symbols, place = "", "", "", []
    for at, char in enumerate(text):
        to = _fold(char)
        several = "".join(map(_symbol, to))
        if len(to) == 1:
            raw, folded, symbols = raw + char, folded + to, symbols + several
        elif set(several) & set("Ta0_"):
            raw, folded, symbols = raw + to, folded + to, symbols + several
        else:  # … is no three dots: it ends an address
            raw, folded, symbols = raw + char, folded + char, symbols + ("'" if set(several) == {"'"} else " ")
        place += [at] * (len(folded) - len(place))
    ascii_only = "".join(c if c.isascii() else "\0" for c in raw)
    text = "".join(_simplify(c) for c in folded)
    out: list[tuple[Element, int, int]] = []

    def add(kind: str, what: str, start: int, end: int) -> None:
        out.append(((kind, what), place[start], place[end - 1] + 1))

    i, after_word, apart = 0, False, False
    while i < len(symbols):
        symbol = symbols[i]
        if symbol == "T":
            add("token", text[i], i, i + 1)
            i, after_word = i + 1, False
        elif symbol in "a0_":
            slot, end = _slot(ascii_only, symbols, i)
            if slot:
                add("slot", text[i:end], i, end)
            else:
                out += [(("letter", " "), place[i], place[i])] * (after_word and apart)
                for k in range(i, end):
                    add("letter", text[k], k, k + 1)
            i, after_word, apart = end, not slot, False
        elif tag := _TAG.match(ascii_only, i):
            end = tag.end()
            add("slot", "".join(to for to, typed in zip(text[i:end], raw[i:end], strict=True) if typed > " "), i, end)
            i, after_word, apart = end, False, False
        else:
            i, apart = i + 1, apart or symbol != "'"
    return out


def _slot(ascii_only: str, symbols: str, i: int) -> tuple[bool, int]:
    """Whether what starts at i is one opaque token, and where it ends."""
    url = _URL.match(ascii_only, i)
    if url:
        return True, i + len(url.group().rstrip(".,;:!?)]*"))
    found = _WORD.match(symbols, i)
    assert found
    word, end = found.group(), found.end()
    if word.count("a") == 1 and "0" not in word:
        for tail in ("#", "++"):
            if symbols.startswith(tail, end):
                return True, end + len(tail)
    return bool(re.search(r"[0_@]|\..*a|a.*\.", word)), end


def weight(element: Element) -> int:
    """Fifteen make a shingle: 3 characters of Han and the like, 5 letters."""
    return 3 if element[0] == "letter" else 5


def runs(row: list[Element], least: int) -> list[tuple[Element, ...]]:
    """From each element the shortest run that weighs enough."""
    out = []
    for i in range(len(row)):
        total, j = 0, i
        while j < len(row) and total < least:
            total += weight(row[j])
            j += 1
        if total >= least:
            out.append(tuple(row[i:j]))
    return out


def shingles(text: str) -> set[tuple[Element, ...]]:
    return set(runs(elements(text), 15))


def tokens(text: str) -> int:
    return -(-sum(map(weight, elements(text))) // 5)


def jaccard(a: str, b: str) -> float:
    left, right = shingles(a), shingles(b)
    return len(left & right) / len(left | right) if left | right else 1.0


def containment(a: str, b: str) -> float:
    """Share of a that lies in b."""
    left = shingles(a)
    return len(left & shingles(b)) / len(left) if left else 0.0


def stands_in(a: str, b: str) -> bool:
    """Whether the whole fold of a is a part of that of b which begins and ends between words and between numbers."""
    small, large = elements(a), elements(b)

    def amid(at: int) -> bool:
        if not 0 < at < len(large):
            return False
        one, other = large[at - 1], large[at]
        number = all(kind == "slot" or to in _NUMERALS for kind, to in (one, other))
        return number or (one[0] == other[0] == "letter" and " " not in (one[1], other[1]))

    places = (i for i in range(len(large) - len(small) + 1) if large[i : i + len(small)] == small)
    return bool(small) and any(not amid(i) and not amid(i + len(small)) for i in places)


def without_numbers(text: str) -> list[Element]:
    return [e for e in elements(text) if e[0] != "slot" and e[1] not in _NUMERALS]


def slots(text: str) -> set[tuple[str, int]]:
    """What a copy must not lose: opaque tokens, runs of Chinese numerals (a lone 一 not, unless after 第), and words; each with how many
    of it there were before."""
    row = elements(text)
    marks = "".join("N" if e[1] in _NUMERALS else " " if e[1] == " " else {"token": "T", "letter": "a", "slot": "S"}[e[0]] for e in row)
    found = [
        m
        for m in re.finditer("N+|S|a+", marks)
        if m.group() != "N" or row[m.start()][1] != "一" or row[m.start() - 1 : m.start()] == [("token", "第")]
    ]
    names = [marks[m.start()] + "".join(e[1] for e in row[m.start() : m.end()]) for m in found]
    return {(name, names[:at].count(name)) for at, name in enumerate(names)}
