"""srt, vtt: a caption line is a line of text, its time code a mark. Written anew because the known libraries return an empty
list for garbage, lose full-width time codes, or wrap at 100 hours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from tasks.errors import Quarantine
from tasks.readers.records import Mark, Notes, Piece, in_pieces
from tasks.readers.source import Feed

#: bytes of UTF-8. A day of captions is about 3 MB.
MAX_FILE = 64 << 20

_STAMP = r"(?:(\d{1,4})[:：])?(\d{1,2})[:：](\d{1,2})[,.，．。](\d{1,3})"
_TIMES = re.compile(rf"\s*{_STAMP}\s*-{{1,2}}[>＞]\s*{_STAMP}(?:\s.*)?", re.ASCII)
_SRT_TAG = re.compile(r"</?(?:[biusv]|font|c|ruby|rt)(?:[ .=][^<>\n]{0,200})?>|\{\\[^{}\n]{0,200}\}", re.IGNORECASE)
_VTT_TAG = re.compile(r"<[^<>\n]{0,400}>")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>\n]{1,200})>")


def read(feed: Feed) -> Iterator[Piece]:
    """One document: one line a caption line, a `cue` mark (start and end in ms) on each."""
    lines = feed.whole(MAX_FILE).decode().split("\n")
    vtt = feed.source.format == "vtt" or lines[0].startswith("WEBVTT")
    captions = _captions(lines, vtt, feed.notes)
    kept: list[list[int]] = []
    out: list[str] = []
    at, voice, last = 0, "", ""
    for begin, end, raw in captions:
        text, speaker = _plain(raw, vtt, feed.notes)
        if not text or text.isspace():
            continue
        if kept and text == last and begin >= 0 and speaker in ("", voice):
            feed.notes.omit("rolling_caption")
            kept[-1][3] = max(kept[-1][3], end)
            continue
        last = text
        if speaker and speaker != voice:
            voice, text = speaker, f"{speaker}：{text}"
        out.append(text)
        kept.append([at, at + len(text), begin, end])
        at += len(text) + 1
    if not any(begin >= 0 for _, _, begin, _ in kept):
        if any(line.strip() for line in lines):
            raise Quarantine("bad_subtitle", f"{len(lines)} lines and no caption")
        return
    marks = tuple(Mark(start, stop, "cue", begin, end) for start, stop, begin, end in kept if begin >= 0)
    document = Piece(0, "", "\n".join(out).encode(), marks=marks)
    yield from in_pieces(document)


def _captions(lines: list[str], vtt: bool, notes: Notes) -> Iterator[tuple[int, int, str]]:
    """(start ms, end ms, line as written). Lines that follow a caption after an empty line belong to it; lines before the
    first caption have times of -1 and stay in the text, unless WebVTT says that they are comments."""
    begin = end = -1
    skipping = "header" if vtt and lines and lines[0].startswith("WEBVTT") else ""
    timed = [_TIMES.fullmatch(line) for line in lines]
    for i, line in enumerate(lines):
        match = timed[i]
        if match:
            begin, end = _ms(match.groups()[:4]), _ms(match.groups()[4:])
            skipping = ""
            notes.omit("time_code")
        elif not line.strip():
            skipping = ""
        elif skipping:
            notes.omit(skipping)
        elif vtt and (i == 0 or not lines[i - 1].strip()) and (found := re.match(r"NOTE\b|STYLE\s*$|REGION\s*$", line)):
            skipping = found[0].strip().lower()
            notes.omit(skipping)
        elif i + 1 < len(lines) and timed[i + 1] and (vtt or line.strip().isdecimal()):
            notes.omit("cue_number")
        else:
            yield begin, end, line


def _ms(stamp: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = stamp
    return ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)) * 1000 + int((fraction or "0").ljust(3, "0"))


def _plain(raw: str, vtt: bool, notes: Notes) -> tuple[str, str]:
    """Caption line without tags, and the speaker that a WebVTT voice tag names."""
    text, speaker = raw, ""
    if "<" in text or "{" in text:
        if vtt and (voice := _VOICE.search(text)):
            speaker = html.unescape(voice[1]).strip()
        text, count = (_VTT_TAG if vtt else _SRT_TAG).subn("", text)
        notes.omit("tag", count)
    return (html.unescape(text) if vtt and "&" in text else text).strip(), speaker
