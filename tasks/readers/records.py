"""What a reader yields and the small tools that all readers share: pieces of text, marks, metadata, notes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np

from tasks.errors import Quarantine
from tasks.kernels import ingest as kernels

#: bytes of UTF-8 after which one document is cut into pieces.
PIECE_BYTES = 16 << 20
#: code points. A longer title or URL is no title: it is counted in `not_carried` instead of being copied to every row.
MAX_METADATA = 4096
#: Kinds of not_carried a source may have; the rest are summed as `field (other)`.
MAX_KINDS = 64


class Mark(NamedTuple):
    """Span of code points of a text with a meaning; `a` and `b` depend on the kind (a cue's start and end in ms, a level)."""

    start: int
    end: int
    kind: str
    a: int = 0
    b: int = 0


class Metadata(NamedTuple):
    """What a source states about a document; null where it does not."""

    title: str | None = None
    author: str | None = None
    publisher: str | None = None
    url: str | None = None
    published_at: datetime | None = None
    license: str | None = None


NOTHING = Metadata()


class Piece(NamedTuple):
    """A document, or a piece of a very long one. `text` is UTF-8 with \\n line ends; offsets of marks are relative to it.
    `visible` is the number of its non-space characters where that is known already, else -1. `format` and `encoding` are those
    of a member of an archive, empty where they are the source's."""

    record: int
    locator: str
    text: bytes
    metadata: Metadata = NOTHING
    marks: tuple[Mark, ...] = ()
    piece: int = 0
    char_base: int = 0
    line_base: int = 0
    visible: int = -1
    format: str = ""
    encoding: str = ""


@dataclass
class Notes:
    """What a reader says of its source beside the text: things left out, records that could not be read."""

    not_carried: Counter[str] = field(default_factory=Counter)
    records: int = 0
    bad: int = 0
    partial: int = 0
    complaints: list[str] = field(default_factory=list)

    def omit(self, what: str, count: int = 1) -> None:
        """Count something that does not enter the document text."""
        if count:
            known = what in self.not_carried or len(self.not_carried) < MAX_KINDS
            self.not_carried[what if known else "field (other)"] += count

    def complain(self, where: str, why: str) -> None:
        """Count a record that cannot be read, and remember the first few."""
        self.bad += 1
        if len(self.complaints) < 5:
            self.complaints.append(f"{where}: {why}")

    def partly(self, where: str, why: str) -> None:
        """Count a record of which a part cannot be read."""
        self.partial += 1
        if len(self.complaints) < 5:
            self.complaints.append(f"{where}: {why}")

    def judge(self, reason: str, unit: str) -> str | None:
        """Error text for the source, None when every record was read; raises Quarantine when more than half were not."""
        if not self.bad and not self.partial:
            return None
        self.omit(f"bad_{unit}", self.bad)
        found = f"{self.bad or self.partial} of {self.records} {unit}s {'cannot be read' if self.bad else 'can be read only in part'}"
        text = f"{found} ({'; '.join(self.complaints)}{' ...' if self.bad + self.partial > len(self.complaints) else ''})"
        if self.bad * 2 > self.records:
            raise Quarantine(reason, text)
        return f"{reason}: {text}"


def utf8(text: str, notes: Notes) -> bytes:
    """UTF-8 of a string from a parser: lone surrogates (JSON escapes make them) become U+FFFD, line ends \\n; both counted.

    >>> utf8("a\\ud800\\r\\n", Notes())
    b'a\\xef\\xbf\\xbd\\n'
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        clean, count = re.subn("[\ud800-\udfff]", "\ufffd", text)
        notes.omit("lone_surrogate", count)
        data = clean.encode()
    return unify_lines(data, notes)


def unify_lines(data: bytes, notes: Notes) -> bytes:
    r"""\r\n and \r become \n, the only change that reading makes to a text; counted as carriage_return."""
    if b"\r" not in data:
        return data
    notes.omit("carriage_return", data.count(b"\r"))
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def scan(data: bytes) -> tuple[int, int, int]:
    """Code points, line feeds and non-space characters of UTF-8."""
    points, lines, visible = kernels.scan(np.frombuffer(data, np.uint8), np.array([0, len(data)], np.int64))[0]
    return int(points), int(lines), int(visible)


_SENTENCE_ENDS = tuple(end.encode() for end in "。！？!?…")


def cut_at(data: bytes, start: int, size: int) -> int:
    """Where to end a text that begins at `start` and must not pass `size` bytes: after its last line end, else after its
    last sentence end, else between two characters."""
    stop = start + size
    at = data.rfind(b"\n", start, stop) + 1
    if at <= start:
        found = ((data.rfind(end, start, stop), len(end)) for end in _SENTENCE_ENDS)
        at = max((where + length for where, length in found if where >= 0), default=0)
    if at <= start:
        at = stop
        while at > start and data[at] & 0xC0 == 0x80:
            at -= 1
    return at if at > start else stop


def cut(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Blocks of UTF-8 regrouped into texts of at most `size` bytes (4 or more), whatever the blocks' sizes; nothing is lost.

    >>> [t.decode() for t in cut(["一二。三四".encode()], 12)]
    ['一二。', '三四']
    """
    held: list[bytes] = []
    total = 0
    for block in blocks:
        held.append(block)
        total += len(block)
        if total <= size:
            continue
        data, start = b"".join(held), 0
        while len(data) - start > size:
            at = cut_at(data, start, size)
            yield data[start:at]
            start = at
        held, total = [data[start:]], len(data) - start
    if total:
        yield b"".join(held)


def pieces(first: Piece, blocks: Iterable[bytes], size: int = PIECE_BYTES) -> Iterator[Piece]:
    """Pieces of one document whose text comes in blocks. `first` gives its identity, metadata and marks (of the whole text)."""
    texts = cut(blocks, size)
    text, following = next(texts, b""), next(texts, None)
    if following is None:  # nearly every document: nothing to count
        yield first._replace(text=text)
        return
    number = char_base = line_base = 0
    while text:
        points, line_feeds, visible = scan(text)
        end = char_base + points
        marks = tuple(
            Mark(max(m.start, char_base) - char_base, min(m.end, end) - char_base, *m[2:])
            for m in first.marks
            if m.start < end and m.end > char_base
        )
        yield Piece(first.record, first.locator, text, first.metadata, marks, number, char_base, line_base, visible)
        number, char_base, line_base = number + 1, end, line_base + line_feeds
        text, following = following or b"", next(texts, None)


def in_pieces(document: Piece) -> Iterator[Piece]:
    """A document in memory as one row, or as pieces when it is too long for one."""
    return iter((document,)) if len(document.text) <= PIECE_BYTES else pieces(document, [document.text])


def parse_date(value: str | None) -> datetime | None:
    """Time in UTC of a date as people and programs write it, None when it is not one. Without a zone it is taken as UTC.

    >>> parse_date("2024年3月25日").isoformat(), parse_date("2024-03-25T08:00:00+08:00").isoformat(), parse_date("昨天")
    ('2024-03-25T00:00:00+00:00', '2024-03-25T00:00:00+00:00', None)
    """
    match = _DATE.fullmatch(value.strip()[:64]) if value else None
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        offset = UTC
        if zone and zone not in "Zz":
            sign = -1 if zone[0] == "-" else 1
            offset = timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])))
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        time = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59), micro, offset)
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_DATE = re.compile(
    r"(\d{4})(?:[-/.]|\s*年\s*)(\d{1,2})(?:[-/.]|\s*月\s*)(\d{1,2})(?:\s*[日号號])?"
    r"(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)

#: Usual names of metadata fields in JSONL, CSV, Parquet and front matter, in order of preference.
FIELDS: dict[str, tuple[str, ...]] = {
    "title": ("title", "headline", "标题", "標題"),
    "author": ("author", "authors", "byline", "creator", "作者"),
    "publisher": ("publisher", "site_name", "sitename", "site", "来源", "來源", "媒体", "媒體"),
    "url": ("url", "link", "source_url", "canonical_url", "permalink", "canonical", "链接", "連結", "网址", "網址"),
    "published_at": (
        "published_at", "published", "publish_date", "publish_time", "pubdate", "pub_date", "date", "created_at", "datetime",
        "发布时间", "發布時間", "发布日期", "發布日期", "日期", "时间", "時間",
    ),
    "license": ("license", "licence", "rights", "许可", "授權"),
}  # fmt: skip


def map_fields(names: Iterable[str], text_fields: tuple[str, ...]) -> dict[str, str]:
    """Which field of a record plays which role: `text` and those of Metadata -> name as the source spells it."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(name.strip().casefold(), name)
    roles = {"text": text_fields, **FIELDS}
    found: dict[str, str] = {}
    for role, wanted in roles.items():
        spelled = [known[w.casefold()] for w in wanted if w.casefold() in known]
        free = [name for name in spelled if name not in found.values()]
        if free:
            found[role] = free[0]
    return found


def metadata(values: dict[str, str | None], notes: Notes) -> Metadata:
    """Metadata from strings by role; what is too long or no date is counted as not carried."""
    clean: dict[str, str] = {}
    for role, given in values.items():
        value = given.strip() if given else ""
        if not value:
            continue
        if len(value) > MAX_METADATA:
            notes.omit(f"field {role} (too long)")
            continue
        clean[role] = utf8(value, notes).decode()
    date = parse_date(clean.get("published_at"))
    if date is None and "published_at" in clean:
        notes.omit("field published_at (no date)")
    return Metadata(clean.get("title"), clean.get("author"), clean.get("publisher"), clean.get("url"), date, clean.get("license"))
