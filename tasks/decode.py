"""Bytes to text: which character encoding a source has, found by evidence and proved by a strict decode of the whole.

Order of belief: byte order mark, strict UTF-8, the charset that a page declares, detection (chardet 7 and our own measure
of plausibility). Nothing is ever replaced by U+FFFD here: what no strict decode explains is quarantined. Detection may
only answer Unicode, Chinese or (with more evidence) one of the windows-125x and ISO 8859 families, because short junk
"is" some exotic 8-bit charset or other.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.errors import Quarantine
from tasks.kernels import ingest as kernels

SAMPLE = 1 << 16

BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: FF FE 00 00 begins with FF FE
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: Declared or detected name -> codecs to try, widest first: pages that say gb2312 use GB18030's characters, and so on.
WIDENED = {
    "gb2312": ("gb18030",), "gbk": ("gb18030",), "gb18030": ("gb18030",), "cp936": ("gb18030",), "hz": ("hz",),
    "big5": ("big5hkscs", "cp950"), "big5hkscs": ("big5hkscs", "cp950"), "cp950": ("cp950", "big5hkscs"),
    "iso8859-1": ("cp1252",), "ascii": ("cp1252",), "utf-16": ("utf-16-le", "utf-16-be"),
}  # fmt: skip

#: Frequent characters of running Chinese in both scripts (function words, verbs, numerals, everyday nouns). They make up
#: 60 to 80 % of the Han characters of any ordinary text and about 3 % of what a wrong decode gives.
COMMON = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作"
    "当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名"
    "定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师"
    "书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战"
    "干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决"
    "周保达办运武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取设始版双历越史商千片容研像找"
    "友孩站广改议形委早房音火际则首单据导影失拿网香似斯专石若兵弟谁校读志飞观争究包组造落视济喜离虽坏宝谈器节吗吧啊您谢买卖欢岁今晚章源线域项码"
    "這來國個說們為時會過學對後裡裏麼沒於還發當無開見經頭從動兩長樣現將與進實點種聲話兒問機給幾業間電門東氣關並內軍產萬體別處總場師書員華報馬張"
    "難數車應係計親務臺記邊風戰幹許覺題統請愛讓認論義術結連遠資隊帶條變聯權傳紅決達辦運區轉眾輕滿寫識極黃臉錢黨設雙歷廣議際則單據導網專誰讀飛觀"
    "爭組視濟離雖壞寶談節嗎謝買賣歡歲線項碼質類確標準價華細證課驗響環繼續選擇調險約習質类确标准价细证课验响环继续选择调险约习"
)  # fmt: skip
_COMMON = re.compile(f"[{''.join(sorted(set(COMMON)))}]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_TEXTUAL = re.compile(
    "[\t\n\r\x20-\x7e\u00a0-\u00ff\u2010-\u2027\u2030-\u203e\u2460-\u24ff\u3000-\u30ff\u3105-\u312f\u3400-\u9fff\uff01-\uff65\ufeff\U0001f300-\U0001faff]"
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
#: Six 3-byte UTF-8 characters in a row: in GB18030 or Big5 text that is chance of about 1e-13, so the file is mixed.
_RUN = 6
_UTF8_RUN = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){%d}" % _RUN)
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,512}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True)
class Encoding:
    """Python codec name, how it was found (bom, utf-8, declared, detected, format) and bytes of the mark to strip."""

    name: str
    how: str
    bom: int = 0


UTF8 = Encoding("utf-8", "utf-8")


def is_utf8(data: bytes) -> bool:
    """Whether bytes are strict UTF-8 (no surrogates, no overlong forms), at three times the speed of a decode."""
    column = pa.Array.from_buffers(
        pa.large_binary(), 1, [None, pa.py_buffer(np.array([0, len(data)], np.int64).tobytes()), pa.py_buffer(data)]
    )
    try:
        column.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def has_many_controls(text: str) -> bool:
    """Whether more than a tenth of the characters are controls: no text, or UTF-16 read as bytes.

    >>> has_many_controls("H\\0e\\0l\\0l\\0o\\0"), has_many_controls("第一行\\n第二行\\0")
    (True, False)
    """
    controls = len(_CONTROL.findall(text))
    return controls >= 4 and controls * 10 > len(text)


def han_plausibility(text: str) -> float:
    """0..1, how far a decoded sample looks like running Chinese; 0 when it cannot be.

    Share of frequent characters among Han, provided that nearly everything else is ASCII, kana or punctuation, and that
    at least two Han characters are frequent ones (in a wrong decode about 3 % are).

    >>> round(han_plausibility("我们明天再来看看。"), 1), han_plausibility("鎴戜滑鏄庡ぉ鍐嶆潵鐪嬬湅銆�")
    (1.0, 0.0)
    """
    han, common = len(_HAN.findall(text)), len(_COMMON.findall(text))
    if common < 2 or common < 0.25 * han or len(_TEXTUAL.findall(text)) < 0.93 * len(text):
        return 0.0
    return common / han


def looks_like_words(text: str) -> bool:
    """Whether a sample decoded by an 8-bit charset is words in an alphabet: letters and typographic marks, no controls.

    Half or less of the 8-bit characters of a wrong decode are letters that stand in the case of their word.
    """
    high = [c for c in text if c > "\x7f"]
    if len(text) < 40 or len(high) < 3 or any("\x80" <= c <= "\x9f" for c in high):
        return False
    good = sum(c.isalpha() or c in "\u00a0“”‘’„«»–—…•·°§€©®№¿¡" for c in high)
    words = re.findall(r"[^\W\d_]+", text)
    ordinary = sum(word.islower() or word.isupper() or word.istitle() for word in words)
    return good >= 0.97 * len(high) and ordinary >= 0.9 * len(words) and sum(map(len, words)) >= 0.6 * len(text)


def first_guess(head: bytes) -> Encoding | None:
    """Encoding that the first bytes state (a mark) or suggest (UTF-8), to be proved by reading; None when they do not."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return Encoding(name, "bom", len(mark))
    start = head[:SAMPLE]
    try:
        text, _ = codecs.utf_8_decode(start, "strict", False)
    except UnicodeDecodeError:
        return None
    return None if has_many_controls(text) else UTF8


def candidates(head: bytes, spot: bytes) -> list[str]:
    """Codecs that explain the samples, most plausible first. `spot` begins at a line where UTF-8 failed, `head` at byte 0
    (UTF-16 needs the alignment)."""
    import chardet

    winner = chardet.detect(spot, max_bytes=SAMPLE)
    name, confidence = _codec(winner["encoding"] or ""), winner["confidence"]
    scored: list[tuple[float, int, str]] = []
    for codec, sample in (("gb18030", spot), ("big5hkscs", spot), ("cp950", spot), ("utf-16-le", head), ("utf-16-be", head)):
        text = _partial(sample, codec)
        if text is None or has_many_controls(text):
            continue
        score = han_plausibility(text)
        if codec.startswith("utf-16") and score == 0 and _is_ascii_text(text):
            score = 1.0
        if score:
            scored.append((-score - 0.05 * (codec in WIDENED.get(name, (name,))), len(scored), codec))
    found = [codec for _, _, codec in sorted(scored)]
    if not found and re.fullmatch(r"cp125\d|iso8859-\d+", name) and confidence >= 0.1:
        text = _partial(spot, name)
        if text is not None and looks_like_words(text):
            found = [codec for codec in dict.fromkeys((*WIDENED.get(name, ()), name)) if _partial(spot, codec) is not None]
    return found


def resolve(blocks: Callable[[], Iterable[bytes]], markup: bool = False) -> Encoding:
    """Encoding of a whole source; `blocks()` opens it anew and gives its bytes in blocks. The result decodes strictly.

    markup : believe a charset declared in the first kilobytes (HTML).
    Raises Quarantine: binary, mixed_encodings or undecodable (with the offset of the first byte that is not UTF-8).
    """
    head = b"".join(_take(blocks(), SAMPLE))
    guess = first_guess(head)
    if guess is not None and guess.how == "bom":
        failed = first_error(blocks(), guess)
        if failed is not None:
            raise Quarantine("undecodable", f"the mark says {guess.name}, but byte {failed[0]} is not")
        return guess
    failed = first_error(blocks(), UTF8)
    if failed is None and guess is not None:
        return UTF8
    spot = failed[1] if failed else head
    if markup and (declared := _declared(head)):
        for name in WIDENED.get(declared, (declared,)):
            text = _partial(spot, name)
            wide = name.startswith(("gb", "big5", "cp95", "cp93", "euc", "shift", "utf", "hz"))
            if text is not None and (wide or looks_like_words(text)) and first_error(blocks(), Encoding(name, "declared")) is None:
                return Encoding(name, "declared")
    tried = candidates(head, spot)
    for name in tried:
        where = first_error(blocks(), Encoding(name, "detected"))
        if where is None:
            mixed = None if name.startswith("utf") else _utf8_run(blocks())
            if mixed is not None:
                raise Quarantine("mixed_encodings", f"decodes as {name}, but UTF-8 stands at byte {mixed}")
            return Encoding(name, "detected")
    if failed is None or (not tried and has_many_controls(head.decode("latin-1"))):
        raise Quarantine("binary", "mostly control characters")
    foreign = [line for line in spot.split(b"\n") if not is_utf8(line)]
    if _UTF8_RUN.search(head + spot) and (found := candidates(b"", b"\n".join(foreign))):
        raise Quarantine("mixed_encodings", f"UTF-8, but from byte {failed[0]} on also {found[0]}")
    best = f"; {tried[0]} fails too" if tried else ""
    raise Quarantine("undecodable", f"byte {failed[0]} is not UTF-8{best}")


def first_error(blocks: Iterable[bytes], encoding: Encoding) -> tuple[int, bytes] | None:
    """None when all blocks decode strictly; else the offset of the first byte that does not (of the character before, for
    encodings other than UTF-8, when a block ended in it) and a sample that begins with its line."""
    base, previous, carry = 0, b"", b""
    decoder = codecs.getincrementaldecoder(encoding.name)("strict")
    skip = encoding.bom
    for block in blocks:
        cut = min(skip, len(block))
        data, skip = block[cut:], skip - cut
        try:
            if encoding.name == "utf-8":
                data = carry + data
                carry = utf8_tail(data)
            else:
                decoder.decode(data).encode("utf-8")
        except UnicodeError as error:
            at = max(base + len(block) - len(data) + getattr(error, "start", 0), 0)
            return at, _spot(previous + block, at - base + len(previous))
        base += len(block)
        previous = (previous + block)[-SAMPLE:]
    try:
        carry.decode()
        decoder.decode(b"", True)
    except UnicodeError:
        return base - len(carry), _spot(previous, len(previous) - len(carry))
    return None


def _spot(data: bytes, at: int) -> bytes:
    """Up to SAMPLE bytes from the beginning of the line that holds byte `at`."""
    line = data.rfind(b"\n", 0, max(at, 0)) + 1
    return data[line : line + SAMPLE] if at - line < SAMPLE // 2 else data[max(at - SAMPLE // 2, 0) :][:SAMPLE]


def utf8_tail(data: bytes) -> bytes:
    """The up to 3 last bytes that begin a character which the next block ends; raises UnicodeDecodeError if the rest is not UTF-8."""
    cut = len(data)
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            if byte >= 0xC0 and back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4):
                cut = len(data) - back
            break
    whole = data[:cut] if cut < len(data) else data
    if not is_utf8(whole):
        whole.decode()  # raises with the offset
    return data[cut:]


def to_utf8(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Blocks of whole UTF-8 characters, without the mark; raises UnicodeError where the bytes are not in `encoding`."""
    skip, carry = encoding.bom, b""
    decoder = None if encoding.name == "utf-8" else codecs.getincrementaldecoder(encoding.name)("strict")
    for block in blocks:
        data, skip = block[skip:] if skip else block, max(0, skip - len(block))
        if decoder is not None:
            out = decoder.decode(data).encode("utf-8")
        else:
            data = carry + data if carry else data
            carry = utf8_tail(data)
            out = data[: len(data) - len(carry)] if carry else data
        if out:
            yield out
    if decoder is not None:
        if last := decoder.decode(b"", True).encode("utf-8"):
            yield last
    elif carry:
        carry.decode()


def decode(data: bytes, markup: bool = False) -> tuple[str, Encoding]:
    """Text and encoding of bytes in memory; raises Quarantine. Line ends stay as they are.

    >>> decode("我们明天再来看看。".encode("gb18030"))[1].name
    'gb18030'
    """
    encoding = resolve(lambda: [data], markup)
    return b"".join(to_utf8([data], encoding)).decode(), encoding


def strict(data: bytes, name: str) -> str:
    """Text of a line in an encoding that is not Unicode; raises UnicodeDecodeError, also where the line is UTF-8 instead."""
    mixed = _UTF8_RUN.search(data)
    if mixed:
        raise UnicodeDecodeError(name, data[:1], 0, 1, f"UTF-8 at byte {mixed.start()}")
    return data.decode(name)


def _take(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[:size]
        size -= len(block)
        if size <= 0:
            return


def _codec(name: str) -> str:
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    return info.name if getattr(info, "_is_text_encoding", False) else ""


def _declared(head: bytes) -> str:
    match = _DECLARED.search(head[:8192])
    name = _codec(match[1].decode("ascii")) if match else ""
    # A page whose bytes could be searched for `charset` is not UTF-16, whatever it says (HTML standard, 13.2.3.2).
    return (
        ""
        if name.startswith(("utf-16", "utf-32", "utf-7")) or name in ("punycode", "idna", "unicode_escape", "raw_unicode_escape")
        else name
    )


def _partial(sample: bytes, codec: str) -> str | None:
    """Sample decoded strictly, but for a character that its end cuts; None when it is not in the encoding."""
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(sample)
    except UnicodeError:
        return None


def _is_ascii_text(text: str) -> bool:
    return len(text) >= 4 and sum(c.isascii() for c in text) >= 0.95 * len(text)


def _utf8_run(blocks: Iterable[bytes]) -> int | None:
    base, tail = 0, b""
    for block in blocks:
        data = tail + block
        found = int(kernels.find_utf8_run(np.frombuffer(data, np.uint8), _RUN))
        if found >= 0:
            return base - len(tail) + found
        base += len(block)
        tail = data[-3 * _RUN + 1 :]
    return None
