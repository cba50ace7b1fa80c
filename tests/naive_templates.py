"""Slow twins of the kernels of templates, over Python strings. They share only the step from piece to piece, which has tests of its own."""

from __future__ import annotations

import numpy as np

from tasks.kernels import templates as kernel
from tasks.store.text import from_str

SEED, MASK = 0x2545F4914F6CDD1D, (1 << 64) - 1


def mix(h: int, c: int) -> int:
    h = ((h ^ c) * 0x9E3779B97F4A7C15) & MASK
    return h ^ (h >> 29)


def digest(codes: list[int], start: int = SEED) -> int:
    for code in codes:
        start = mix(start, code)
    return start


def is_letter(code: int) -> bool:
    return (bool(kernel._is_letter.py_func(code)) and code < 0xE000) or bool(kernel._is_letter.py_func(code) and code > 0xF8FF)


def is_han(code: int) -> bool:
    return bool(kernel._is_han.py_func(code))


def pieces(text: str) -> list[tuple[int, str, bool]]:
    """(code, characters, inside an HTML tag) of a line, spaces outside tags left out."""
    chars = from_str(text)
    out = []
    i, tag_end = 0, -1
    while i < len(text):
        if i > tag_end and text[i] == " ":
            i += 1
            continue
        if i > tag_end and text[i] == "<" and (text[i + 1 : i + 2] == "/" or "a" <= text[i + 1 : i + 2] <= "z"):
            tag_end = text.find(">", i + 1)
        end, code = kernel._step(chars, 0, i, len(chars))
        out.append((int(code), text[i:end], i <= tag_end))
        i = int(end)
    return out


def line_keys(text: str, listed: bool) -> dict[str, int]:
    whole: list[int] = []
    loose: list[int] = []
    close: list[int] = []
    units: list[list[int]] = []
    rest = inside = titles = letters = flags = 0
    label, linked, before = 0, False, ""
    done = ""
    for code, chars, tag in pieces(text):
        at = text.index(chars, len(done)) if chars else 0
        before = text[at - 1] if at else ""
        done = text[: at + len(chars)]
        whole += [ord(c) for c in chars]
        letters += sum(is_letter(ord(c)) for c in chars)
        after = text[at + len(chars) :]
        if code in (58, 124) and not tag and not label and rest >= 2 and len(units) <= 12 and not linked and not after.startswith("/"):
            label = digest([*loose, code])
            flags |= kernel.LABELLED | (kernel.NUMERIC if after.lstrip(" *")[:1].isdigit() else 0)
        loose.append(code)
        if tag:
            close.append(code)
        elif code == kernel.LINK or (listed and code in (kernel.URL, kernel.TITLE)):
            linked, flags = True, flags | kernel.LINKED
            shown = chars if listed or code != kernel.LINK else chars[: chars.index("]")]
            close += [ord(c) for c in shown]
            inside += sum(is_letter(ord(c)) for c in shown)
        else:
            close.append(code)
            titles += sum(is_letter(ord(c)) for c in chars) if code == kernel.TITLE else 0
            if kernel.NUMBER <= code <= kernel.HANDLE:
                units.append([code])
            elif is_letter(code):
                rest += 1
                if not before or is_han(code) or not is_letter(ord(before)) or is_han(ord(before)):
                    units.append([])
                units[-1].append(code)
    if text:
        flags |= kernel.FINAL * (text[-1] in "。!?.;｡") | kernel.OPENS * (text[-1] == ":") | kernel.QUOTED * (text[0] == ">")
    form_close = listed or inside > 2 * rest
    said = (rest >= 4 or (form_close and rest + inside >= 4)) and titles <= 2 * rest
    return {
        "exact": digest(whole) if letters else 0,
        "skeleton": digest(close if form_close else loose) if said else 0,
        "lead": label or (digest([c for unit in units[:4] for c in unit]) if len(units) > 4 else 0),
        "trail": digest([_unit(unit) for unit in units[-4:]], (SEED + 1) & MASK) if len(units) > 4 else 0,
        "rest": rest, "inner": inside + titles, "words": letters, "flags": flags,
    }  # fmt: skip


def _unit(codes: list[int]) -> int:
    """A Han character (but 第, which can begin a slot) stands for itself in the kernel; a word is a digest that starts at 0."""
    return codes[0] if len(codes) == 1 and (0x4E00 <= codes[0] <= 0x9FFF or codes[0] >= 0xE000) and codes[0] != 0x7B2C else digest(codes, 0)


def common_shares(lines: list[str]) -> list[float]:
    rows = []
    for line in lines:
        units: list[str] = []
        before = ""
        for code, chars, _ in [(c, s, t) for c, s, t in _all_pieces(line)]:
            if kernel.NUMBER <= code <= kernel.HANDLE:
                units.append(str(code))
            elif is_letter(code):
                if not before or is_han(code) or not is_letter(ord(before)) or is_han(ord(before)):
                    units.append("")
                units[-1] += chars
            before = chars[-1]
        rows.append(units)
    out = []
    for i, row in enumerate(rows):
        other = rows[i + 1] if i + 1 < len(rows) else rows[i - 1]
        out.append(_longest(row, other) / max(len(row), 1))
    return out


def _all_pieces(text: str) -> list[tuple[int, str, bool]]:
    chars = from_str(text)
    out, i = [], 0
    while i < len(text):
        end, code = kernel._step(chars, 0, i, len(chars))
        out.append((int(code), text[i:end], False))
        i = int(end)
    return out


def _longest(a: list[str], b: list[str]) -> int:
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])
