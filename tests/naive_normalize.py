"""Slow twin of tasks/normalize.py: one row, strings and unicodedata only. It shares the constant tables, not the code."""

from __future__ import annotations

import unicodedata

from tasks import normalize as fast
from tasks.settings import Normalize

SPACES = {chr(c) for c in fast._SPACES}
CONTROL_SPACES = {chr(c) for c in fast._CONTROL_SPACES}
URL_ENDS = set('"<>`')


def inside(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return bool(char) and any(a <= ord(char) < b for a, b in ranges)


def is_han(char: str) -> bool:
    return inside(char, fast._HAN)


def removable(char: str) -> bool:
    return char not in CONTROL_SPACES and char not in "\t\n" and (unicodedata.category(char) == "Cc" or inside(char, fast._INVISIBLE))


def conditional(char: str) -> bool:
    return (
        char in "\u200c\u200d"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def stays(char: str, before: str, after: str) -> bool:
    if char in "\u200c\u200d":
        joins = inside(before, fast._JOINING)
        if joins and (char == "\u200d" or inside(after, fast._JOINING) or (before < "\u1800" and unicodedata.combining(before) == 9)):
            return True
        emoji = inside(before, fast._EMOJI) or before == "\ufe0f" or (before and "\U000e0020" <= before <= "\U000e007f")
        return char == "\u200d" and bool(emoji) and inside(after, fast._EMOJI)
    if char >= "\U000e0100":
        return is_han(before)
    if char >= "\U000e0020":
        return bool(before) and (before == "\U0001f3f4" or "\U000e0020" <= before < "\U000e007f")
    if is_han(before) or inside(before, fast._EMOJI) or inside(before, fast._CJK_MARKS):
        return True
    return after == "\u20e3" and bool(before) and before in "0123456789#*"


def without_invisible(text: str, verbatim: bool) -> str:
    """Controls and zero-width characters out; neighbours of joiners are asked in what is already clean, spaces count as none."""
    kept = [" " if c in CONTROL_SPACES else c for c in text if not removable(c)]
    out: list[str] = []
    for i, char in enumerate(kept):
        if conditional(char):
            before = out[-1] if out and (verbatim or (out[-1] not in SPACES and out[-1] != "\n")) else ""
            after = kept[i + 1] if i + 1 < len(kept) else ""
            if not stays(char, before, after):
                continue
        out.append(char)
    return "".join(out)


def narrow(text: str) -> str:
    out: list[str] = []
    for char in text:
        if "０" <= char <= "９" or "Ａ" <= char <= "Ｚ" or "ａ" <= char <= "ｚ":
            out.append(unicodedata.normalize("NFKC", char))
        elif char in "ﾞﾟ":
            pair = unicodedata.normalize("NFC", (out[-1] if out else "") + ("\u3099" if char == "ﾞ" else "\u309a"))
            if len(pair) == 1 and "\u30a1" <= pair <= "\u30fa" and pair not in "ヸヹ":  # half-width kana has no ヰ and ヱ
                out[-1] = pair
            else:
                out.append("゛" if char == "ﾞ" else "゜")
        elif "｡" <= char <= "ﾝ":
            out.append(unicodedata.normalize("NFKC", char))
        else:
            out.append(char)
    return "".join(out)


def squeeze(text: str) -> str:
    plain = "".join(" " if c in SPACES else c for c in text)
    lines = [" ".join(part for part in line.split(" ") if part) for line in plain.split("\n")]
    return "\n".join(line for line in lines if line)


def latin(char: str) -> bool:
    return (char.isascii() and char.isalpha()) or ("\u00c0" <= char < "\u0250" and char not in "×÷")


def unwrap(text: str, punctuation: bool) -> str:
    out, *lines = text.split("\n")
    for line in lines:
        a, b = out[-1:], line[:1]
        wide = [is_han(c) or inside(c, fast._KANA) or inside(c, fast._CJK_MARKS) for c in (a, b)]
        full = [inside(c, fast._CJK_MARKS) and c >= "\u3000" for c in (a, b)]
        hyphen = a == "-" and latin(out[-2:-1] or " ") and latin(b)
        comma = punctuation and a and a in ",;:!?" and is_han(out[-2:-1]) and is_han(b)
        out += ("" if all(wide) or any(full) or hyphen or comma else " ") + line
    return out


def opaque(line: str) -> list[bool]:
    """Characters of a line that stand in a URL or inline code."""
    hidden = [False] * len(line)
    i = 0
    while i < len(line):
        stop = i
        if line[i] == "`" and "`" in line[i + 1 :]:
            stop = line.index("`", i + 1) + 1
        elif line.startswith("://", i) or line[i : i + 4].lower() == "www.":
            stop = i + 3
            while stop < len(line):
                c = line[stop]
                if c <= " " or c in URL_ENDS or "\u3000" <= c < "\u3040" or "\u2010" <= c < "\u2030" or "\uff00" <= c < "\uff66":
                    break
                stop += 1
        hidden[i:stop] = [True] * (stop - i)
        i = max(stop, i + 1)
    return hidden


def widen(text: str) -> str:
    lines = text.split("\n")
    masks = [opaque(line) for line in lines]
    stops = any(line.endswith(".") and is_han(line[-2:-1]) and not mask[-1] for line, mask in zip(lines, masks, strict=True))
    return "\n".join(_widen_line(line, mask, stops) for line, mask in zip(lines, masks, strict=True))


def _widen_line(line: str, hidden: list[bool], stops: bool) -> str:
    out = list(line)
    open_brackets: list[int] = []
    for i, char in enumerate(line):
        if hidden[i]:
            continue
        if char == "(":
            open_brackets.append(i)
        elif char == ")" and open_brackets:
            first = open_brackets.pop()
            held = any(is_han(line[k]) and not hidden[k] for k in range(first, i))
            if held and i - first <= 300 and is_han(line[first - 1 : first] if first else "") and is_han(line[i + 1 : i + 2]):
                out[first], out[i] = "（", "）"
    i = 0
    while i < len(line):
        j = i + 1
        if hidden[i] or line[i] not in ",:;.!?！？":
            i = j
            continue
        if line[i] in "!?！？":
            while j < len(line) and line[j] in "!?！？":
                j += 1
        before = out[i - 1] if i else ""
        after = out[j] if j < len(line) else ""
        if line[i] == ".":
            if is_han(before) and (j == len(line) or (stops and is_han(after))):
                out[i] = "。"
        elif (
            before
            and (is_han(before) or before in "”’》〉」』】）")
            and (not after or is_han(after) or after in "”’》〉」』】）“‘《〈「『【（")
        ) and (is_han(before) or is_han(after) or before >= "\u3000"):
            out[i:j] = [chr(ord(c) + 0xFEE0) if c.isascii() else c for c in out[i:j]]
        i = j
    return "".join(out)


def once(text: str, wrapped: bool, verbatim: bool, settings: Normalize) -> str:
    if not verbatim:
        text, _ = fast._prepare(text, settings)
    text = without_invisible(text, verbatim)
    if verbatim:
        return text
    text = squeeze(narrow(text))
    return widen(unwrap(text, settings.punctuation) if wrapped else text)


def normalize(text: str, wrapped: bool, verbatim: bool, settings: Normalize) -> str:
    for _ in range(8):
        done = once(text, wrapped, verbatim, settings)
        if done == text:
            break
        text = done
    return text
