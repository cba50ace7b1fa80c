"""Text that was decoded in the wrong charset: found, and undone where that is certain.

Undone by ftfy's rules where UTF-8 was read in an 8-bit charset, and here where Chinese or Japanese bytes were read in another CJK
charset or as Latin-1 (浣犲ソ, い゛, ÄãºÃ). Certain means: every character of a line goes back to bytes, the bytes are strictly valid in
the other charset and give the same line again, and the line so found is common writing while the one that stands there is not.
What lost a byte on the way (鐨?, 锟斤拷) has no way back: it stays, and `damage` measures it for the signals.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

import numpy as np

from tasks.kernels import mojibake as kernel
from tasks.store.text import BoolArray, I64Array, Texts, U8Array, U32Array

#: The characters that Chinese is written with most, in both scripts: half of running text, a fiftieth of text read wrongly.
FREQUENT = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起还"
    "发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知样现分将外但身些与高意进把法此实回二理美点月明其种声全工"
    "己话者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山"
    "五太水万市先做吗请让它比数字码读写错"
    "這來個國說們為時會過學對後裡裏麼沒於還發當開無見經頭從動兩長樣現將與進實點種聲話問機給業間門東氣關並內產萬嗎請讓數讀寫錯著"
)
#: Marks that stand in common writing beside Han.
_MARKS = frozenset("，。、；：？！“”‘’（）《》〈〉「」『』【】—…·～％￥ー〜／－＋＝")
_PLAIN_MARKS = frozenset("，。、；：？！“”（）《》「」…")

_UTF8 = "utf-8"
#: (read as, was). Only pairs that text meets in the world: each one more is one more chance to be wrong.
PAIRS = (
    ("latin-1", _UTF8),
    ("latin-1", "gb18030"),
    ("latin-1", "cp950"),
    ("gb18030", _UTF8),
    ("cp950", _UTF8),
    ("cp932", _UTF8),
    ("cp950", "gb18030"),
    ("gb18030", "cp950"),
    ("gb18030", "cp932"),
)
_FIRST_WIDE = 3  # the pairs before it read bytes as Latin-1
_LEAST_UTF8, _LEAST_OTHER = 2, 6  # CJK characters found: UTF-8 proves itself, two double-byte charsets need a sentence
_COMMON, _OFTEN, _GAIN = 0.9, 0.25, 0.2  # shares of the line: common writing, frequent characters, more of them than before
_ROUNDS = 3  # text may have been read wrongly twice

#: How a character read from UTF-8 as GBK takes part, by its two bytes. L: lead and tail of a character; M: tail and lead;
#: N: two tails; P: a tail and an ASCII byte.
_CHAIN = re.compile("(?:MN|N)?(?:LMN)+(?:L[MP?]?)?|L[MP?]?")
_PIECES = re.compile("[\u0000-\u0020，。、\u3000]+")

#: UTF-8 read as Latin-1 or cp1252: how they show its first bytes (C2 to F4) and the bytes after.
TAILS = "".join(sorted({*map(chr, range(0x80, 0xC0)), *bytes(range(0x80, 0xC0)).decode("cp1252", "ignore")}))
_FREQUENT = re.compile(f"[{''.join(sorted(FREQUENT))}]")
_WIDE = re.compile("[\u3041-\u9fff\ue000-\uf8ff\uff61-\uff9f]")
_RUN = re.compile(f"[\u00c0-\u00ff{re.escape(TAILS)}]{{4}}")
_NO_BYTE = re.compile(f"[^\u0000-\u00ff{re.escape(TAILS)}]")
_TWICE = re.compile(f"[\u00c2-\u00f4][{re.escape(TAILS)}]")


def _level(codec: str, leads: range, trails: tuple[int, ...]) -> set[str]:
    """Characters of the first level of a double-byte charset: those in use."""
    return {char for lead in leads for trail in trails for char in bytes((lead, trail)).decode(codec, "ignore")}


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """Han characters in use: level 1 of GB 2312 (3,755), of Big5 (5,401) and of JIS X 0208 (2,965)."""
    high = tuple(range(0xA1, 0xFF))
    chinese = _level("gb2312", range(0xB0, 0xD8), high) | _level("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *high))
    return frozenset(char for char in chinese | _level("euc_jp", range(0xB0, 0xD0), high) if "\u4e00" <= char <= "\u9fff")


@lru_cache(maxsize=1)
def _odd() -> U8Array:
    """(0x110000,) uint8, bits of the kernel: Han; Han out of use, private use, half-width kana; a byte as Latin-1 shows it; frequent."""
    table = np.zeros(0x110000, np.uint8)
    for start, end in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xE000, 0xF900), (0xFF61, 0xFFA0)):
        table[start:end] = kernel.HAN | kernel.RARE
    table[[ord(char) for char in common()]] = kernel.HAN
    table[[ord(char) for char in FREQUENT]] |= kernel.OFTEN
    table[[ord(char) for char in TAILS]] = table[0xC0:0x100] = kernel.HIGH
    return table


@lru_cache(maxsize=1)
def _signs() -> re.Pattern[str]:
    """A character that `suspects` counts: without one nothing is asked."""
    table = _odd()
    rare = "".join(map(chr, np.flatnonzero(table & kernel.RARE).tolist()))
    return re.compile(f"[{rare}]|{_RUN.pattern}")


@lru_cache(maxsize=1)
def _first() -> re.Pattern[str]:
    """A character that may begin a chain of UTF-8 read as GBK."""
    leads = (*range(0xE3, 0xEA), 0xEF)
    return re.compile("[" + "".join(bytes((lead, tail)).decode("gb18030") for lead in leads for tail in range(0x80, 0xC0)) + "]")


def suspects(texts: Texts) -> BoolArray:
    """(n,) bool, where a row has signs of a wrong charset; only those are worth asking."""
    return of_spans(texts.chars, texts.offsets[:-1], texts.offsets[1:])


def of_spans(chars: U32Array, starts: I64Array, ends: I64Array) -> BoolArray:
    """The same of spans of a buffer."""
    return np.asarray(kernel.suspects(chars, starts, ends, _odd()), np.bool_)


def mend(text: str) -> str:
    """Text with the wrong charset undone where certain, else as it is.

    >>> mend("浣犲ソ"), mend("è¿\\x99æ\\x98¯ä¸\\xadæ\\x96\\x87"), mend("ÇëÎÊÄãÊÇË\\xad£¬ÎÒÃÇ"), mend("it鈥檚")
    ('你好', '这是中文', '请问你是谁，我们', 'it’s')
    """
    for _ in range(_ROUNDS):
        before = text
        if _signs().search(text) and suspects(Texts.of([text]))[0]:
            text = "\n".join(map(_line, text.split("\n")))
        text = _undo_8_bit(text)
        if text == before:
            break
    return text


def _undo_8_bit(text: str) -> str:
    if not _TWICE.search(text):  # what the kernel asks too; without it a row's fate would hang on its combining marks
        return text
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    if not is_bad(text) or any(map(_was_double_byte, text.split("\n"))):
        return text
    fixed = fix_encoding(text)
    return text if "\ufffd" in fixed else fixed


def replaced(before: str, after: str) -> int:
    """Characters of the damaged text that the repair took away, counted without regard to place."""
    return (Counter(before) - Counter(after)).total()


def _line(line: str) -> str:
    if line.isascii() or not _signs().search(line):
        return line
    sound = 4 * len(_FREQUENT.findall(line)) >= max(len(_WIDE.findall(line)), 1)  # only UTF-8 would prove such a line wrong
    data: dict[str, bytes] = {}
    for pair in PAIRS[_FIRST_WIDE if _NO_BYTE.search(line) else 0 :]:
        if sound and pair[1] != _UTF8:
            continue
        if pair[0] not in data:
            data[pair[0]] = _bytes(line, pair[0])
        found = _decoded(data[pair[0]], pair[1])
        if found and _certain(line, found, pair):
            return found
    return line


def _bytes(line: str, codec: str) -> bytes:
    """The bytes that were read as this line, empty when it cannot be."""
    try:
        if codec == "latin-1":
            return bytes(_BYTE_OF.get(char) or ord(char) for char in line)
        if codec == "gb18030" and "€" in line:  # Windows shows the byte 80 so
            return b"\x80".join(part.encode(codec) for part in line.split("€"))
        return line.encode(codec)
    except (UnicodeEncodeError, ValueError):
        return b""


_BYTE_OF = {bytes([b]).decode("cp1252", "ignore"): b for b in range(0x80, 0xA0)}
_BYTE_OF.pop("")


def _decoded(data: bytes, codec: str) -> str:
    """Strictly decoded, empty when that is impossible or does not lead back."""
    try:
        text = data.decode(codec)
        return text if text.encode(codec) == data else ""
    except (UnicodeDecodeError, UnicodeEncodeError):
        return ""


def _certain(line: str, found: str, pair: tuple[str, str]) -> bool:
    """Whether the line found is common writing and the one that stands is not."""
    wide = [char for char in found if char >= "\u0080"]
    if any("\ue000" <= char <= "\uf8ff" or "\u0080" <= char <= "\u009f" or "\u0300" <= char < "\u0370" for char in wide):
        return False  # private use, controls, accents on nothing: nobody writes them
    if pair[1] == _UTF8:
        if all(char < "\u2e80" for char in wide):
            return _is_western(line, found, wide)
        return sum((char >= "\u3000") + (char > "\uffff") for char in wide) >= _LEAST_UTF8 and known(wide) >= _COMMON
    return _is_sentence(line, found, pair[0])


def _is_sentence(line: str, found: str, read_as: str) -> bool:
    """Two double-byte charsets, or one and Latin-1, prove nothing by being valid: what is found must read like a sentence."""
    wide = [char for char in found if char >= "\u0080"]
    cjk = sum(char >= "\u3000" for char in wide)
    share, here, before = known(wide), often(found), often(line)
    if read_as == "latin-1":  # bytes as Latin-1: no language stands letter by letter in accents and signs
        return cjk >= 4 and ((share >= _COMMON and here >= 0.15) or (share >= 0.97 and cjk >= 8))
    there = [char for char in line if char >= "\u0080" and not ("\u0370" <= char < "\u2000" or "\u3041" <= char <= "\u30ff")]
    if cjk < _LEAST_OTHER or share < _COMMON or len(there) * 2 < len(wide):
        return False  # Greek, Cyrillic and kana can be read as Chinese too
    odd_before = 1 - known(there)
    return here >= max(_OFTEN, before + _GAIN) or (cjk >= 10 and share >= 0.97 and odd_before >= 0.4 and here >= before + 0.1)


def _is_western(line: str, found: str, wide: list[str]) -> bool:
    """English or French whose quotation marks and accents were read as Han: caf茅, it鈥檚."""
    letters = sum(char.isascii() and char.isalpha() for char in found)
    if not all("\u00c0" <= char <= "\u024f" or "\u2013" <= char <= "\u2026" or char in "\u00ab\u00bb\u00a0" for char in wide):
        return False
    han = [i for i, char in enumerate(line) if char >= "\u2e80"]
    touching = all(_touches(line, i) for i in han)
    return letters >= 3 * len(wide) and touching and (len(han) >= 2 or any(char >= "\u2013" for char in wide))


def _touches(line: str, i: int) -> bool:
    """Whether a character stands beside a small ASCII letter or another broken one."""
    return any("a" <= char <= "z" or char >= "\u2e80" for char in line[max(i - 1, 0) : i] + line[i + 1 : i + 2])


@lru_cache(maxsize=1)
def _in_use() -> frozenset[str]:
    """Characters of common writing."""
    blocks = ((0x2010, 0x2C00), (0x3041, 0x30FF), (0xAC00, 0xD7A4), (0xFE30, 0xFE50), (0xFF01, 0xFF5F), (0x1F300, 0x1FB00))
    return common() | _MARKS | {chr(code) for start, end in blocks for code in range(start, end)} | {chr(c) for c in range(0xA0, 0x250)}


def known(chars: list[str]) -> float:
    """Share of characters of common writing, 1 of none."""
    return sum(map(_in_use().__contains__, chars)) / len(chars) if chars else 1.0


def often(text: str) -> float:
    """Share of FREQUENT characters among the Han, kana and private-use characters of a text; half a share for common kana."""
    wide = [char for char in text if char >= "\u00a1" and char not in _PLAIN_MARKS]
    kana = sum("\u3041" <= char <= "\u3093" for char in wide)
    return (sum(char in FREQUENT for char in wide) + kana / 2) / max(len(wide), 1)


@lru_cache(maxsize=4096)
def _role(char: str) -> str:
    """How a character may take part in UTF-8 read as GBK; `.` for none."""
    if char in "?\ufffd€":
        return "?"
    data = char.encode("gb18030", "ignore")
    if len(data) != 2 or char < "\u0080":
        return "."
    tail = [0x80 <= byte < 0xC0 for byte in data]
    starts = [0xE3 <= byte <= 0xE9 or byte == 0xEF for byte in data]
    if tail[0]:
        return "M" if starts[1] else "N" if tail[1] else "P" if data[1] < 0x80 else "."
    return "L" if starts[0] and tail[1] else "."


def damage(text: str) -> int:
    """Visible characters in stretches that look read in the wrong charset, whether they can be undone or not.

    Counted are chains of UTF-8 read as GBK, and pieces between ASCII characters and commas that `mend` would undo if they stood alone.
    """
    return sum(_damage(line) for line in text.split("\n"))


def _damage(line: str) -> int:
    if not _signs().search(line):
        return 0
    chained = _chained(line) if _first().search(line) else 0
    if chained or _was_double_byte(line):
        return chained or sum(char >= "\u0080" and not char.isspace() for char in line)
    return sum(len("".join(piece.split())) for piece in _PIECES.split(line) if len(piece) > 3 and _line(piece) != piece)


def _was_double_byte(line: str) -> bool:
    """Whether a line of Latin-1 is mostly Chinese in GBK or Big5, though not certainly: ftfy would see UTF-8 in bits of it."""
    if max(line, default="") >= "\u2e80" or not _RUN.search(line):
        return False
    data = _bytes(line, "latin-1")
    for codec in ("gb18030", "cp950"):
        wide = [char for char in data.decode(codec, "replace") if char >= "\u0080"]
        if len(wide) >= 4 and known(wide) >= 0.75 and often("".join(wide)) >= 0.1:
            return True
    return False


def _chained(line: str) -> int:
    """Characters in chains of UTF-8 read as GBK: with three characters found in one of them, or two and half of the line."""
    pieces = [line[match.start() : match.end()] for match in _CHAIN.finditer("".join(map(_role, line)))]
    found = [_reading(piece) for piece in pieces]
    if len("".join(found)) < 2 or (max(map(len, found)) < 3 and 3 * len("".join(found)) < len(line)):
        return 0
    return sum(len(piece) for piece, text in zip(pieces, found, strict=True) if text or len(piece) == 2)


def _reading(piece: str) -> str:
    """What a chain of UTF-8 read as GBK says as far as it was not cut, empty unless that is common writing."""
    found = piece.replace("?", "").replace("\ufffd", "").encode("gb18030", "ignore").decode(_UTF8, "ignore")
    return found if known(list(found)) >= _COMMON else ""
