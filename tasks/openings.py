"""With which characters a match of a pattern can begin: what lets a rule skip lines that hold its words further on.

Marks that may stand before any whole-line pattern (tasks.rulepack.BEFORE) are looked through, on both sides: a line's opening is
its first character that is no mark, or the first one after a list number. Where the analysis knows nothing it says None.
"""

from __future__ import annotations

import numpy as np

from tasks.store.text import U8Array

#: Characters that BEFORE takes for marks, as half-open ranges.
MARKS = (
    (0x20, 0x30), (0x3A, 0x41), (0x5B, 0x61), (0x7B, 0x7F), (0x80, 0xC0), (0x2000, 0x2C00), (0x3000, 0x3040), (0x1F000, 0x1FB00),
)  # fmt: skip
_DIGITS = frozenset("0123456789")
Opening = tuple[frozenset[str] | None, bool]


def openings(pattern: str) -> frozenset[str] | None:
    r"""First characters that are no marks, of all matches of an RE2 pattern; None where they are not known.

    >>> sorted(openings(r"(?:点击|\[?扫码).{0,9}")), openings(r".{0,3}关注")
    (['扫', '点'], None)
    """
    reader = _Reader(pattern)
    first, skips = reader.alternatives()
    return None if skips or reader.at < len(pattern) else first


def opening_table(patterns: list[str | None]) -> U8Array:
    """(n, 256) uint8, 1 where a line whose opening has this code modulo 256 may match; all 1 where nothing is known or for None."""
    table = np.ones((len(patterns), 256), np.uint8)
    for row, pattern in enumerate(patterns):
        first = openings(pattern) if pattern is not None else None
        if first is not None:
            table[row] = 0
            table[row, [ord(char) & 255 for char in first]] = 1
    return table


def is_mark(char: str) -> bool:
    """Whether BEFORE takes a character for a mark."""
    return any(low <= ord(char) < high for low, high in MARKS)


def _of(chars: frozenset[str]) -> Opening:
    """Opening of one character out of a set."""
    return frozenset(c for c in chars if not is_mark(c)), any(is_mark(c) for c in chars)


class _Reader:
    """Recursive descent over the RE2 syntax. Each part gives its first characters, and whether it can be empty or marks only."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def alternatives(self) -> Opening:
        """A pattern or the inside of a group."""
        first, skips = self._branch()
        while self._peek() == "|":
            self.at += 1
            other, other_skips = self._branch()
            first, skips = (None if first is None or other is None else first | other), skips or other_skips
        return first, skips

    def _branch(self) -> Opening:
        first: frozenset[str] | None = frozenset()
        skips = True
        while self._peek() not in ("", "|", ")"):
            part, part_skips = self._atom()
            part_skips |= self._may_be_absent()
            if skips:
                first = None if first is None or part is None else first | part
                skips = part_skips
        return first, skips

    def _may_be_absent(self) -> bool:
        mark, absent = self._peek(), False
        if mark and mark in "?*+":
            self.at += 1
            absent = mark != "+"
        elif mark == "{":
            close = self.pattern.find("}", self.at)
            absent = self.pattern[self.at + 1 : close].split(",")[0] == "0"
            self.at = close + 1
        else:
            return False
        if self._peek() == "?":
            self.at += 1
        return absent

    def _atom(self) -> Opening:
        char = self._peek()
        self.at += 1
        if char == "(":
            if self._peek() == "?":
                close = min(i for i in (self.pattern.find(mark, self.at) for mark in ":)>") if i > 0)
                self.at = close + 1
                if self.pattern[close] == ")":
                    return None, True
            inside = self.alternatives()
            self.at += 1
            return inside
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char in "^$":
            return frozenset(), True
        return (None, True) if char == "." else _of(frozenset({char}))

    def _escape(self) -> Opening:
        char = self._peek()
        self.at += 1
        if char in ("p", "P", "x") and self._peek() == "{":
            close = self.pattern.find("}", self.at)
            name, self.at = self.pattern[self.at + 1 : close], close + 1
            return _of(frozenset({chr(int(name, 16))})) if char == "x" else (None, True)
        if char == "d":
            return _DIGITS, False
        if char in "bBAz":
            return frozenset(), True
        return (None, True) if char.isalnum() else _of(frozenset({char}))

    def _class(self) -> Opening:
        start = self.at
        if self._peek() == "^":
            self.at += 1
        if self._peek() == "]":
            self.at += 1
        while self._peek() not in ("]", ""):
            self.at += 2 if self._peek() == "\\" else 1
        body = self.pattern[start : self.at]
        self.at += 1
        if body.startswith("^") or "\\" in body or "[" in body:
            return None, True
        chars, at = set(), 0
        while at < len(body):
            if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
                low, high = ord(body[at]), ord(body[at + 2])
                if high - low > 64:
                    return None, True
                chars |= {chr(code) for code in range(low, high + 1)}
                at += 3
            else:
                chars.add(body[at])
                at += 1
        return _of(frozenset(chars))
