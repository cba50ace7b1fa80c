"""Slow twins of the segment kernels: lines, caption cuts and cuts of long paragraphs, on Python strings."""

from __future__ import annotations

import re

MASK = (1 << 64) - 1
CLOSERS = "\"')]’”〉》」』】〕）］"
SENTENCE = "!?…。！？"


def lines(text: str) -> list[tuple[int, str, bool]]:
    """(number, trimmed text, blank line or start before) of every line with a visible character."""
    out = []
    blank = True
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            out.append((number, line.strip(), blank))
        blank = not line.strip()
    return out


def line_hash(line: str) -> int:
    h = 0xCBF29CE484222325
    for char in line:
        if not char.isspace():
            h = ((h ^ ord(char)) * 0x100000001B3) & MASK
    h ^= h >> 32
    h = (h * 0xD6E8FEB86659FD93) & MASK
    return h ^ (h >> 32)


def caption_runs(rows: list[str]) -> list[list[str]]:
    """A run of caption lines cut after each line whose hash is the least within four either side, the first of equals.

    No cut leaves two lines or fewer at an end of the run.
    """
    hashes = [line_hash(row) for row in rows]
    out: list[list[str]] = [[]]
    for i, row in enumerate(rows):
        out[-1].append(row)
        near = [(hashes[k], k) for k in range(max(0, i - 4), min(len(rows), i + 5))]
        if min(near)[1] == i and i >= 2 and len(rows) - 1 - i > 2:
            out.append([])
    return out


TITLES = [
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "st",
    "gen",
    "col",
    "sgt",
    "capt",
    "lt",
    "rev",
    "hon",
    "gov",
    "sen",
    "rep",
    "mt",
    "messrs",
    "mme",
    "mlle",
    "dipl",
    "vs",
    "cf",
    "eg",
    "ie",
    "ca",
    "approx",
    "viz",
    "resp",
]
NUMBERED = [
    "no",
    "nos",
    "fig",
    "figs",
    "sec",
    "vol",
    "eq",
    "eqs",
    "ch",
    "chap",
    "pp",
    "p",
    "art",
    "tab",
    "app",
    "ver",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "nr",
]
SOFT = ["etc", "al", "inc", "ltd", "co", "corp", "jr", "sr", "bros", "dept", "est", "ed", "eds", "ave", "blvd", "rd"]
OPENERS = "\"'([“‘《「『【（"


def abbreviates(text: str, i: int, following: str) -> bool:
    """Whether the full stop at i belongs to an abbreviation, an initial or the number of an item."""
    word = re.search("[A-Za-z]{0,8}$", text[:i])[0]
    if not word:
        return bool(re.search(r"(?:^|[\n。！？])[0-9]{1,3}$(?!\n)", text[:i]))
    before = text[i - len(word) - 1 : i - len(word)]
    if len(word) == 1 and (before == "." or word.isupper()):
        return following != ""
    if before and ord(before) >= 0x80 and not before.isspace() and before not in OPENERS:
        return False
    digit = following.isascii() and following.isdigit()
    if word.lower() in TITLES:
        return True
    if word.lower() in NUMBERED:
        return digit
    return word.lower() in SOFT and (digit or (following != "" and following in OPENERS))


def sentence_end(text: str, i: int) -> int:
    char, after = text[i], text[i + 1 : i + 2] or " "
    if char in ".!?":
        if char == "." and not (after.isspace() or after in CLOSERS):
            return -1
        if after.isascii() and (after.isalnum() or after in "=&/_-"):
            return -1
    elif char == "．":
        if re.search(r"[0-9０-９]\Z", text[:i]):
            return -1
    elif char not in "…。！？｡‼⁇⁈⁉।؟۔":
        return -1
    tail = re.match(f"[{re.escape(CLOSERS)}!?…。！？]*", text[i + 1 :])[0]
    j = i + 1 + len(tail)
    last = (char + re.sub(f"[{re.escape(CLOSERS)}]", "", tail))[-1]
    rest = text[j:].lstrip()
    following = rest[:1]
    if char in ".!?":
        if re.match("[a-z]", rest.lstrip(OPENERS)):
            return -1
        if char == "." and abbreviates(text, i, following):
            return -1
    if following and text[j] == following and following not in OPENERS:
        closed = any(c in CLOSERS for c in tail)
        if last == "…" or (closed and last not in "。." and following > "."):
            return -1
    return j


def near_hash(text: str, at: int) -> int:
    h = 0xCBF29CE484222325
    for char in [c for c in reversed(text[:at]) if not c.isspace()][:12]:
        h = ((h ^ ord(char)) * 0x100000001B3) & MASK
    return h ^ (h >> 29)


def cut(text: str) -> int:
    """Length of the first piece of a long paragraph."""
    if len(text) <= 900:
        return len(text)
    ends = []
    i = 0
    while i < min(len(text), 2400):
        j = sentence_end(text, i)
        if j >= 0:
            j = min(j, 2400)
            ends.append(j)
        i = j if j >= 0 else i + 1
    inside = [(near_hash(text, j), j) for j in ends if 300 <= j <= 600]
    if inside:
        return min(inside)[1]
    later = [j for j in ends if j > 600]
    if later:
        return len(text) if len(text) - later[0] < 75 else later[0]
    if len(text) <= 2400:
        return len(text)
    weak = [k for k in range(300, 2401) if (text[k - 1] in ",;，；、" or text[k - 1].isspace())]
    if weak:
        return weak[-1]
    at = 2400
    while at > 300 and (
        "\u0300" <= text[at] < "\u0370"
        or text[at] == "\u200d"
        or "\ufe00" <= text[at] < "\ufe10"
        or "\u20d0" <= text[at] < "\u2100"
        or "\U000e0100" <= text[at] < "\U000e01f0"
    ):
        at -= 1
    return at if at > 300 else 2400


def pieces(line: str) -> list[str]:
    """Pieces of one line."""
    if len(line) <= 1200:
        return [line]
    out = []
    while line:
        n = cut(line)
        if line[:n].strip():
            out.append(line[:n].rstrip())
        line = line[n:].lstrip()
    return out
