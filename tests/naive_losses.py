"""What a removal would lose, in plain Python on the elements of `naive_matching`: signs by regular expressions, gaps by recursion."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache

import naive_matching as naive

from tasks import losses
from tasks import signs as sign_table
from tasks.kernels import signs as kernel

GAP, WIDE, SHORT = 24, 64, 6
NO = set(re.findall("\\w+", "no not nor non never none cannot without neither nobody nothing hardly except"))
COMMON = {c for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF) for c in bytes((high, low)).decode("gb2312", "ignore")}
FUNCTION, NEGATION, ORDINAL, SURNAMES, TELLING = (
    {naive._simplify(c) for c in chars}
    for chars in (losses._FUNCTION, losses._NEGATION, losses._ORDINAL, losses._SURNAMES, losses._TELLING)
)
CONFUSED = {frozenset(map(naive._simplify, pair)) for pair in losses._CONFUSED.split()}

Row = list[naive.Element]


def _weigh(row: Row) -> int:
    return sum(map(naive.weight, row))


def _equal(a: Row, b: Row) -> int:
    """Length of the common beginning."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _resume(a: Row, b: Row) -> tuple[int, int] | None:
    """The least (di, dq) after which both go on alike, that with the lesser di first."""
    for d in range(1, GAP + WIDE + 1):
        for di in range(max(0, d - WIDE), min(d, GAP, len(a)) + 1):
            if d - di > len(b):
                continue
            one, other = a[di:], b[d - di :]
            same = _equal(one, other)
            if (same == len(one) == len(other)) or _weigh(one[:same]) >= 15:
                return di, d - di
    return None


def _elsewhere(a: Row, b: Row, most: int) -> tuple[int, int] | None:
    """(di, at): the first element from which the longest clause stands at `at` of b."""
    for di in range(min(most, len(a) - 1) + 1):
        weights = [_weigh(a[di : di + _equal(a[di:], b[at:])]) for at in range(len(b))]
        if weights and max(weights) >= 30:
            return di, weights.index(max(weights))
    return None


def _rest(x: Row, y: Row) -> tuple[list[int], list[int]]:
    """Places in x and in y that are no part of the longest common subsequence."""

    @cache
    def longest(i: int, j: int) -> int:
        if i == len(x) or j == len(y):
            return 0
        return longest(i + 1, j + 1) + 1 if x[i] == y[j] else max(longest(i + 1, j), longest(i, j + 1))

    lost, new, i, j = [], [], 0, 0
    while i < len(x) and j < len(y):
        if x[i] == y[j]:
            i, j = i + 1, j + 1
        elif longest(i + 1, j) >= longest(i, j + 1):
            lost, i = [*lost, i], i + 1
        else:
            new, j = [*new, j], j + 1
    return [*lost, *range(i, len(x))], [*new, *range(j, len(y))]


def _is_number(element: naive.Element) -> bool:
    return element[0] == "slot" or (element[0] == "token" and element[1] in naive._NUMERALS)


def _words_that_say_no(b: Row, q: int, new: list[int]) -> bool:
    text = "".join(e[1] if e[0] == "letter" else "\0" for e in b)
    return any(m.group() in NO and any(m.start() <= q + t < m.end() for t in new) for m in re.finditer("[^ \0]+", text))


def _gap(a: Row, b: Row, i: int, n: int, q: int, m: int) -> int:
    """0 nothing, 1 one odd character, n + 1 n characters of another word, -1 something: what a[i:i + n] says beyond b[q:q + m]."""
    x, y = a[i : i + n], b[q : q + m]
    if n == m == 2 and x == y[::-1] and all(e[0] == "token" and not _is_number(e) for e in x):
        return 0
    lost, new = _rest(x, y)
    content, no = [], 0
    for t in lost:
        kind, what = x[t]
        if kind == "slot" or (kind == "letter" and what != " "):
            return -1
        before, after = (a[i + t - 1] if i + t else ("", "")), (a[i + t + 1] if i + t + 1 < len(a) else ("", ""))
        if kind == "letter":
            continue
        if _is_number(x[t]):
            if what != "一" or _is_number(after) or _is_number(before) or before[1] in ORDINAL:
                return -1
        elif what in NEGATION:
            no += 1
        elif what not in FUNCTION and x[t] not in (before, after):
            content.append((i + t, what))
    fresh = [y[t][1] for t in new if y[t][0] == "token" and not _is_number(y[t])]
    no_new = sum(c in NEGATION for c in fresh)
    fresh = [c for c in fresh if c not in FUNCTION | NEGATION]
    if no != no_new and not (n == 0 and m > SHORT):
        return -1
    if (n or m <= 4 * SHORT) and _words_that_say_no(b, q, new):
        return -1
    if not content:
        return 0
    odd, other = content[0][1], fresh[0] if fresh else ""
    named = any(what in SURNAMES or any(e[0] == "token" and e[1] in SURNAMES for e in a[max(0, at - 2) : at]) for at, what in content)
    if len(content) == len(fresh) == 1 and frozenset((odd, other)) in CONFUSED:
        return 0
    if len(content) == 1 and len(fresh) <= 1 and not named and (odd not in COMMON or (other != "" and other not in COMMON)):
        return 1
    opposed = any(what in TELLING for _, what in content) and (any(c in TELLING for c in fresh) or (not fresh and len(content) == 1))
    return -1 if named or len(content) > 6 or opposed else 1 + len(content)


def says_more(goes: str, stays: str) -> int:
    """What a text says beyond another: 0 nothing, 1 another word for the same, 2 something."""
    a, b = naive.elements(goes), naive.elements(stays)
    if Counter(signs(goes)) - Counter(signs(stays)):
        return 2
    i = q = equal = odd = words = 0
    while True:
        same = _equal(a[i:], b[q:])
        equal += _weigh(a[i : i + same])
        i, q = i + same, q + same
        if i == len(a) and (q == len(b) or len(b) - q > WIDE):
            break
        if found := _elsewhere(a[i:], b, 0):
            n, to = found
            m = to - q if q <= to <= q + WIDE else 0
        elif found := _resume(a[i:], b[q:]):
            n, m = found
            to = q + m
        elif found := _elsewhere(a[i:], b, GAP):
            (n, to), m = found, 0
        elif len(a) - i > GAP:
            return 2
        else:
            n, m, to = len(a) - i, 0, len(b)
        said = _gap(a, b, i, n, q, m)
        if said < 0:
            return 2
        i, q, odd, words = i + n, to, odd + (said == 1), words + max(0, said - 1)
        if i == len(a):
            break
    if not words and (not odd or (equal >= 300 and 165 * odd <= equal)):
        return 0
    return 1 if 40 * (odd + words) <= equal else 2


_BLANK = " \t\n\u00a0\u3000\u202f\u2009"
_CLASS = {char: kind for kind, chars in sign_table._CLASSES.items() for char in chars}
_DASHES, _MORE = (kernel.DASH, kernel.LONG_DASH), {">": "≥", "<": "≤", "!": "≠", "！": "≠", "＞": "＞", "＜": "＜"}


def _shape(char: str) -> str:
    """0 digit, M currency, a what makes the number beside it part of a name or an address, space, else the character."""
    folded = naive._fold(char)
    if char in _BLANK:
        return " "
    if unicodedata.category(char) == "Sc":
        return "M"
    return "0" if re.fullmatch("[0-9]", folded) else "a" if re.fullmatch("[a-z_/=&#@?-]", folded) else char


def _next(shape: str, at: int) -> int | None:
    found = re.compile(" ?M? ?(?=0)").match(shape, at)
    return found.end() if found else None


def _last(shape: str, at: int) -> int | None:
    head = shape[:at].removesuffix(" ")
    return len(head) - 1 if head.endswith("0") and not head.rstrip("0.,").endswith("a") else None


def _is_dash(text: str, shape: str, at: int, kind: int) -> int:
    if shape[at + 1 : at + 2] == " " or _next(shape, at + 1) is None:
        return 0
    if at == 0:
        return 0 if kind == kernel.TILDE else kernel.DASH
    before = text[at - 1]
    if _CLASS.get(before) == kernel.UNIT:
        return kernel.TILDE
    if kind == kernel.TILDE or shape[at - 1] in "0a" or before in ")）" or _CLASS.get(before) in _DASHES:
        return 0
    return 0 if kind == kernel.LONG_DASH and ord(before) >= 0x2E80 else kernel.DASH


def _order(text: str, shape: str, at: int) -> tuple[str, int | None]:
    """What a sign of order at `at` says, and where the number after it begins."""
    char = text[at]
    near = re.compile(f"[{_BLANK}]?(.)", re.DOTALL)
    follows, before = near.match(text, at + 1), near.match(text[:at][::-1])
    around = (before.group(1) if before else "", follows.group(1) if follows else "")
    if char in around or around[0] in ("-", "=") or (char == ">" and not text[:at].split("\n")[-1].strip(_BLANK + ">")):
        return "", None
    if around[1] == "=":
        return _MORE[char], _next(shape, at + 2)
    return ("", None) if char == "!" else (char, _next(shape, at + 1))


def signs(text: str) -> list[tuple[str, str]]:
    """Each sign and the digits of its number."""
    shape = "".join(map(_shape, text))
    numbers = {at: m.group() and text[m.start() : m.end()] for m in re.finditer(r"0+(?:[.,]0+)*", shape) for at in range(*m.span())}
    out = []
    for at, char in enumerate(text):
        kind, what, number = _CLASS.get(char), naive._fold(char), None
        if char in "🚫👎" or kind == kernel.NO:
            out.append(("no", ""))
            continue
        if kind in (*_DASHES, kernel.TILDE):
            found = _is_dash(text, shape, at, kind)
            what, number = ("", "-", "", "~")[found], _next(shape, at + 1) if found else None
        elif kind == kernel.POWER:
            what, number = "^" + what, at - 1 if shape[at - 1 : at] == "0" else None
        elif kind == kernel.AFTER:
            number = None if char == "°" and re.match("[cf]", text[at + 1 : at + 2], re.IGNORECASE) else _last(shape, at)
        elif kind == kernel.ORDER and char.isascii():
            what, number = _order(text, shape, at)
            number = _last(shape, at) if number is None and what else number
        elif kind in (kernel.ORDER, kernel.BESIDE) or shape[at] == "M":
            number = _next(shape, at + 1)
            number = _last(shape, at) if number is None else number
        if number is not None and what:
            out.append((what, "".join(c if c in ".," else naive._fold(c) for c in numbers[number])))
    return out
