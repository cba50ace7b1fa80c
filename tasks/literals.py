"""Which words a line must contain for a pattern to match it at all: what lets rules skip nearly every line.

`required` reads an RE2 pattern and returns literals of which every match contains one. A kernel finds these in all lines at
once (tasks.kernels.boilerplate.candidates); only the few (line, rule) that remain are given to RE2. Where the analysis knows
nothing it says None and the rule is tried on every line of its length, so it can cost time but never a match.
Source: Cox 2012, Regular Expression Matching with a Trigram Index.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from tasks.kernels import boilerplate as kernel
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, U32Array

_MAX_SET = 600  # strings; a larger set is cut at this place of the pattern
_MAX_CLASS = 12  # characters of a class that are spelled out
_MAX_LENGTH = 12  # characters of a literal
_EMPTY = frozenset({""})


@dataclass(frozen=True)
class _Info:
    """What is known of the strings that a part of a pattern matches.

    exact : all of them, None when there are too many.
    need  : literals of which each contains one, None when unknown.
    edge  : literals of which each begins with one and ends with one, None when unknown or when exact says more.
    """

    exact: frozenset[str] | None
    need: frozenset[str] | None
    edge: frozenset[str] | None = None


_ANY = _Info(None, None)


@dataclass(frozen=True)
class LiteralIndex:
    """Literals of many patterns in the form the kernel reads; see kernel.literal_table for the arrays."""

    pool: U32Array
    offsets: I64Array
    rule_of: I32Array
    heads: U8Array
    bits: U8Array
    slots: I64Array
    always: BoolArray

    @staticmethod
    def of(patterns: list[str]) -> LiteralIndex:
        """Index of the literals that each pattern requires; a pattern without any is tried on every line."""
        needs = [required(pattern) for pattern in patterns]
        pairs = sorted((literal, number) for number, need in enumerate(needs) for literal in need or ())
        texts = Texts.of([literal for literal, _ in pairs])
        size = 1 << max(8, (4 * len(pairs)).bit_length())
        heads, bits, slots = kernel.literal_table(texts.chars, texts.offsets, size)
        rule_of = np.array([number for _, number in pairs], np.int32)
        return LiteralIndex(texts.chars, texts.offsets, rule_of, heads, bits, slots, np.array([need is None for need in needs], bool))


def required(pattern: str) -> frozenset[str] | None:
    r"""Literals of which every match of an RE2 pattern contains at least one; None where there is no such set.

    >>> sorted(required(r"(?:点击|扫码)(?:关注|订阅).{0,9}"))
    ['扫码关注', '扫码订阅', '点击关注', '点击订阅']
    >>> required(r".+|关注") is None
    True
    """
    parser = _Parser(pattern)
    info = parser.alternatives()
    return _useful(info.need) if parser.at == len(pattern) else None


def _useful(need: frozenset[str] | None) -> frozenset[str] | None:
    return need if need and "" not in need else None


def _literal(strings: frozenset[str]) -> _Info:
    return _Info(strings, _useful(strings))


def _either(parts: list[_Info]) -> _Info:
    exact: frozenset[str] | None = frozenset()
    need: frozenset[str] | None = frozenset()
    for part in parts:
        exact = None if exact is None or part.exact is None else exact | part.exact
        need = None if need is None or part.need is None else need | part.need
    if exact is not None and len(exact) > _MAX_SET:
        exact = None
    return _Info(exact, need)


def _sequence(parts: list[_Info]) -> _Info:
    run, found, whole = _EMPTY, [], True
    for part in parts:
        joined = _joined(run, part.exact) if part.exact is not None else None
        if joined is not None:
            run = joined
            continue
        whole = False
        found += [run, part.need]
        next_to = part.exact if part.exact is not None else part.edge
        across = _joined(frozenset(literal[-2:] for literal in run), next_to) if next_to is not None else None
        if across is not None and part.exact is not None:
            run = across
        else:
            found += [across] if across is not None else []
            run = next_to if next_to is not None else _EMPTY
    if whole:
        return _literal(run)
    usable = [need for need in (*found, run) if _useful(need)]
    return _Info(None, max(usable, key=_worth) if usable else None)


def _joined(left: frozenset[str], right: frozenset[str]) -> frozenset[str] | None:
    """Every string of the left followed by every one of the right, None when that is too much."""
    if len(left) * len(right) > _MAX_SET or max(map(len, left)) > _MAX_LENGTH:
        return None
    return frozenset(a + b for a, b in product(left, right))


def _worth(need: frozenset[str] | None) -> tuple[float, int, list[str]]:
    """How rare the commonest literal is in text: Han over letters over digits and marks, longer over shorter; then fewer are better."""
    literals = sorted(need or ())
    rarity = min(min(4.0, sum(2.0 if char > "\x7f" else 1.0 if char.isalpha() else 0.4 for char in literal)) for literal in literals)
    return rarity, -len(literals), literals


def _repeated(part: _Info, least: int, most: int) -> _Info:
    """`least` to `most` of a part; of several strings only the first and the last are followed up, or \\d{4} would be ten thousand."""
    if (least, most) == (1, 1):
        return part
    if least == 0:
        return _literal(part.exact | _EMPTY) if most == 1 and part.exact is not None else _ANY
    if part.exact is None:
        return _Info(None, part.need)
    copies = min(least, 4) if len(part.exact) == 1 else 1
    edge = frozenset(literal * copies for literal in part.exact)
    return _literal(edge) if least == most == copies else _Info(None, _useful(edge), edge)


class _Parser:
    """Recursive descent over the RE2 syntax; state is the place reached."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def alternatives(self) -> _Info:
        """A pattern or the inside of a group: branches between |."""
        parts = [self._branch()]
        while self._peek() == "|":
            self.at += 1
            parts.append(self._branch())
        return _either(parts)

    def _branch(self) -> _Info:
        parts = []
        while self._peek() not in ("", "|", ")"):
            part = self._atom()
            parts.append(_repeated(part, *self._quantifier()))
        return _sequence(parts)

    def _quantifier(self) -> tuple[int, int]:
        mark, least, most = self._peek(), 1, 1
        if mark in ("?", "*", "+") and mark:
            self.at += 1
            least, most = {"?": (0, 1), "*": (0, 99), "+": (1, 99)}[mark]
        elif mark == "{":
            close = self.pattern.find("}", self.at)
            low, comma, high = self.pattern[self.at + 1 : close].partition(",")
            self.at = close + 1
            least = int(low)
            most = least if not comma else int(high) if high else 99
        else:
            return 1, 1
        if self._peek() == "?":  # not greedy: matches the same lines
            self.at += 1
        return least, most

    def _atom(self) -> _Info:
        char = self._peek()
        self.at += 1
        if char == "(":
            flags = ""
            if self._peek() == "?":
                close = min(i for i in (self.pattern.find(mark, self.at) for mark in ":)>") if i > 0)
                flags = self.pattern[self.at + 1 : close]
                self.at = close + 1
                if self.pattern[close] == ")":
                    return _ANY if "i" in flags else _literal(_EMPTY)
            inside = self.alternatives()
            self.at += 1
            return _ANY if "i" in flags else inside
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char in "^$":
            return _literal(_EMPTY)
        return _ANY if char == "." else _literal(frozenset({char}))

    def _escape(self) -> _Info:
        char = self._peek()
        self.at += 1
        if char in ("p", "P", "x") and self._peek() == "{":
            close = self.pattern.find("}", self.at)
            name, self.at = self.pattern[self.at + 1 : close], close + 1
            return _literal(frozenset({chr(int(name, 16))})) if char == "x" else _ANY
        if char == "x":
            self.at += 2
            return _literal(frozenset({chr(int(self.pattern[self.at - 2 : self.at], 16))}))
        if char == "d":
            return _literal(frozenset("0123456789"))
        if char in "bBAz":
            return _literal(_EMPTY)
        return _ANY if char.isalnum() else _literal(frozenset({char}))

    def _class(self) -> _Info:
        known = self._peek() != "^"
        self.at += not known
        chars: set[str] = set()
        first = True
        while first or self._peek() != "]":
            first = False
            if self.pattern.startswith("[:", self.at):
                self.at = self.pattern.find(":]", self.at) + 2
                known = False
                continue
            part = self._member()
            if self._peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                last = self._member()
                if part.exact and last.exact:
                    low, high = ord(min(part.exact)), ord(max(last.exact))
                    known &= high - low < _MAX_CLASS
                    part = _literal(frozenset(chr(c) for c in range(low, high + 1))) if known else _ANY
            if part.exact is None:
                known = False
            else:
                chars |= part.exact
        self.at += 1
        return _literal(frozenset(chars)) if known and len(chars) <= _MAX_CLASS else _ANY

    def _member(self) -> _Info:
        char = self._peek()
        self.at += 1
        return self._escape() if char == "\\" else _literal(frozenset({char}))
