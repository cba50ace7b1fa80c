"""What differs between two texts, by Han character and Latin word, in three layers: script, width and punctuation, real change."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

#: A word of an alphabet or a number, or one other character.
_WORD = re.compile(r"[0-9A-Za-z\u00c0-\u02af\u0370-\u052f]+|[\s\S]")


def differences(a: str, b: str) -> list[Any]:
    """How `b` differs from `a`: a number is so many equal characters, [kind, n, text] n characters of `a` that are `text` in `b`.

    kind : "form" (punctuation, width, case or space only), "script" (simplified against traditional only) or "edit".
    The two are aligned after folding script and width, one character to one, so that a changed word in a converted copy is
    found as such; Latin text is compared by words. Equal single characters between two edits are drawn into them: a reader sees words, not confetti.

    >>> differences("七开张", "八開張")
    [['edit', 1, '八'], ['script', 2, '開張']]
    """
    if a == b:
        return [len(a)] if a else []
    changes: list[tuple[str, int, int, int, int]] = []
    for same, a0, a1, b0, b1 in _aligned(a, b):
        if same:
            changes += _folded(a, b, a0, b0, a1 - a0)
            continue
        if changes and changes[-1][0] == "edit" and a0 - changes[-1][2] < 2:
            _, a0, _, b0, _ = changes.pop()
        changes.append(("edit", a0, a1, b0, b1))
    found: list[Any] = []
    at = 0
    for kind, a0, a1, b0, b1 in changes:
        if a0 > at:
            found.append(a0 - at)
        found.append(["form" if kind == "edit" and _plain(a[a0:a1]) == _plain(b[b0:b1]) else kind, a1 - a0, b[b0:b1]])
        at = a1
    return [*found, len(a) - at] if at < len(a) else found


def _aligned(a: str, b: str) -> list[tuple[bool, int, int, int, int]]:
    """Stretches (equal, start and end in a, start and end in b) of two texts once folded; a word of an alphabet is whole or changed."""
    from rapidfuzz.distance import Levenshtein

    (one, first), (two, other) = _tokens(a), _tokens(b)
    words = {token: number for number, token in enumerate(dict.fromkeys((*one, *two)))}
    opcodes = Levenshtein.opcodes([words[token] for token in one], [words[token] for token in two])
    return [(op.tag == "equal", first[op.src_start], first[op.src_end], other[op.dest_start], other[op.dest_end]) for op in opcodes]


@lru_cache(maxsize=8)  # all copies of a family are compared with the same text
def _tokens(text: str) -> tuple[list[str], list[int]]:
    tokens = _WORD.findall(text.translate(_fold()))
    return tokens, [0, *accumulate(map(len, tokens))]


def _folded(a: str, b: str, a0: int, b0: int, size: int) -> list[tuple[str, int, int, int, int]]:
    """Runs of characters that are equal only when folded."""
    if a[a0 : a0 + size] == b[b0 : b0 + size]:
        return []
    found: list[tuple[str, int, int, int, int]] = []
    for i in range(size):
        x, y = a[a0 + i], b[b0 + i]
        if x == y:
            continue
        kind = (
            "script"
            if x.isalpha() and unicodedata.normalize("NFKC", x).casefold() != unicodedata.normalize("NFKC", y).casefold()
            else "form"
        )
        if found and found[-1][0] == kind and found[-1][2] == a0 + i:
            found[-1] = (kind, found[-1][1], a0 + i + 1, found[-1][3], b0 + i + 1)
        else:
            found.append((kind, a0 + i, a0 + i + 1, b0 + i, b0 + i + 1))
    return found


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


@cache
def _fold() -> dict[int, int]:
    """Traditional to simplified, full to half width, capitals to small, each one character to one: for `str.translate`."""
    from tasks.script import fold_table

    table = fold_table()
    script = {int(c): int(table[c]) for c in np.flatnonzero(table != np.arange(len(table), dtype=table.dtype))}
    width = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)} | {0x3000: 32, 0x3002: 46, 0x201C: 34, 0x201D: 34, 0x2018: 39, 0x2019: 39}
    small = {c: c + 32 for c in range(65, 91)} | {c + 0xFEE0: c + 32 for c in range(65, 91)}
    return {**script, **width, **small}
