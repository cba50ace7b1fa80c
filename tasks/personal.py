"""Personal data in a text: found by form, and by checksum where there is one; masked when the settings say so.

Identity cards by GB 11643 (ISO 7064 mod 11-2, and a date that exists), bank cards by Luhn (ISO/IEC 7812-1), telephones, e-mail
addresses, WeChat and QQ numbers by the word before them, number plates by GA 36. A kernel flags rows that can hold any; Python sees those
only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tasks.kernels import personal as kernel
from tasks.store.text import I32Array, Texts, U8Array

#: Kinds in the order in which they claim characters: what an identity card holds is no telephone.
KINDS = ("email", "id_card", "bank_card", "phone", "chat_id", "plate")
PLATE_PLACES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_CHAT = r"(?:微信|微訊|威信|薇信|扣扣|QQ|[Ww][Xx]|[Vv][Xx]|[Ww]e[Cc]hat)(?:号|號|群|ID|id)?\s*(?:[:：是为=]\s*)?"
_PATTERNS = {
    "email": re.compile(r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])", re.ASCII),
    "id_card": re.compile(
        r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx](?![0-9A-Za-z])", re.ASCII
    ),
    "bank_card": re.compile(r"(?<![0-9A-Za-z])[3-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?(?![0-9A-Za-z])", re.ASCII),
    "phone": re.compile(
        r"(?<![0-9A-Za-z])(?:(?:\+|00)?86[ -]?)?1[3-9]\d([ -]?)\d{4}\1\d{4}(?![0-9A-Za-z])"
        r"|(?<![0-9A-Za-z])\(?0(?:10|2\d|[3-9]\d{2})\)?[ -]\d{7,8}(?![0-9A-Za-z])|(?<![0-9A-Za-z])[48]00-\d{3,4}-\d{3,4}(?![0-9A-Za-z])",
        re.ASCII,
    ),
    "chat_id": re.compile(rf"(?<![A-Za-z]){_CHAT}((?:[A-Za-z][A-Za-z0-9_-]{{5,19}}|[1-9]\d{{4,10}}))(?![A-Za-z0-9_-])", re.ASCII),
    "plate": re.compile(rf"[{PLATE_PLACES}][A-HJ-NP-Z][·•. ]?(?=[A-HJ-NP-Z]*\d)[A-HJ-NP-Z0-9]{{5,6}}(?![0-9A-Za-z])"),
}
#: What a row must hold for a pattern to be tried, see the kernel.
_NEEDS = {"email": kernel.ADDRESS, "chat_id": kernel.MESSENGER, "plate": kernel.PLATE}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
MASK = "█"


def is_identity_card(number: str) -> bool:
    """Whether the last of 18 characters is the check of the first 17.

    >>> is_identity_card("11010519491231002X")
    True
    """
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def is_bank_card(number: str) -> bool:
    """Whether 16 to 19 digits pass Luhn's test and are not all one digit or two.

    >>> is_bank_card("6222020000000000001"), is_bank_card("4111 1111 1111 1111")
    (False, True)
    """
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))]
    return 16 <= len(digits) <= 19 and sum(doubled) % 10 == 0 and len(set(digits)) > 1


def find(text: str, holds: int = 255) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of the personal data of a text, kind by kind; no character belongs to two. holds : what the kernel saw in it."""
    taken = [False] * len(text)
    for kind in KINDS:
        if not holds & _NEEDS.get(kind, kernel.NUMBER):
            continue
        for match in _PATTERNS[kind].finditer(text):
            group = 1 if kind == "chat_id" else 0
            start, end = match.span(group)
            if any(taken[start:end]):
                continue
            if (kind == "id_card" and not is_identity_card(match[0])) or (kind == "bank_card" and not is_bank_card(match[0])):
                continue
            taken[start:end] = [True] * (end - start)
            yield start, end, kind


@lru_cache(maxsize=1)
def _marks() -> U8Array:
    table = np.zeros(0x10000, np.uint8)
    table[0x30:0x3A] = 1
    table[[ord(c) for c in " -()+"]] = 2
    table[ord("@")] = kernel.ADDRESS
    table[[ord(c) for c in "微威薇扣QqWwVv"]] = kernel.MESSENGER
    table[[ord(c) for c in PLATE_PLACES]] = kernel.PLATE
    return table


def measure(texts: Texts) -> dict[str, npt.NDArray[np.int32]]:
    """Columns email_count, id_card_count ... of schemas.SIGNALS."""
    counts = np.zeros((len(texts), len(KINDS)), np.int32)
    holds = kernel.candidates(texts.chars, texts.offsets, _marks())
    for row in np.flatnonzero(holds).tolist():
        for _, _, kind in find(texts[row], int(holds[row])):
            counts[row, KINDS.index(kind)] += 1
    return {f"{kind}_count": counts[:, i] for i, kind in enumerate(KINDS)}


def mask(texts: Texts) -> tuple[Texts, I32Array]:
    """Texts with every letter and digit of personal data as █, of the same lengths; and how many were found in each row."""
    chars, found = texts.chars.copy(), np.zeros(len(texts), np.int32)
    holds = kernel.candidates(texts.chars, texts.offsets, _marks())
    for row in np.flatnonzero(holds).tolist():
        base = int(texts.offsets[row])
        for start, end, _ in find(texts[row], int(holds[row])):
            span = chars[base + start : base + end]
            span[np.isin(span, [ord(c) for c in " -()@.·•"], invert=True)] = ord(MASK)
            found[row] += 1
    return Texts(chars, texts.offsets), found
