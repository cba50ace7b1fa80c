"""srt, vtt: a caption line is a line of text, its time code a mark. Written anew because the known libraries return an empty
list for garbage, lose full-width time codes, or wrap at 100 hours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby

from tasks.errors import Quarantine
from tasks.readers.records import Mark, Notes, Piece, in_pieces
from tasks.readers.source import Feed

#: bytes of UTF-8. A day of captions is about 3 MB.
MAX_FILE = 64 << 20
#: ms. A line that comes back after a longer pause was said again; cues that roll follow each other without one.
PAUSE = 200

_STAMP = r"(?:(\d{1,4})[:：])?(\d{1,2})[:：](\d{1,2})[,.，．。](\d{1,3})"
_TIMES = re.compile(rf"\s*{_STAMP}\s*-{{1,2}}[>＞]\s*{_STAMP}(?:\s.*)?", re.ASCII)
_SRT_TAG = re.compile(r"</?(?:[biusv]|font|c|ruby|rt)(?:[ .=][^<>\n]{0,200})?>|\{\\[^{}\n]{0,200}\}", re.IGNORECASE)
_VTT_TAG = re.compile(r"<[^<>\n]{0,400}>")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>\n]{1,200})>")


@dataclass
class _Shown:
    """One line of the document: its text as shown, its text as written out, and when it is on the screen."""

    plain: str
    text: str
    begin: int
    end: int


def looks_like(head: str) -> bool:
    """Whether a text begins as a WebVTT or SubRip file does, whatever its name: a header and a time code, or one in the first two lines.

    >>> looks_like("1\\n00:00:01,000 --> 00:00:02,000\\n淘金"), looks_like("00:01 开场\\n00:30 淘金")
    (True, False)
    """
    lines = [line for line in head.split("\n") if line.strip()]
    timed = [bool(_TIMES.fullmatch(line)) for line in lines]
    if re.match(r"WEBVTT(?:[ \t].*)?\n", head):
        return any(timed)
    return timed[:1] == [True] or (timed[:2] == [False, True] and lines[0].strip().isdecimal())


def read(feed: Feed) -> Iterator[Piece]:
    """One document: one line a caption line, a `cue` mark (start and end in ms) on each."""
    yield from document(feed.whole(MAX_FILE), feed)


def document(data: bytes, feed: Feed) -> Iterator[Piece]:
    """The document of a subtitle file's text (UTF-8)."""
    lines = data.decode().split("\n")
    vtt = feed.source.format == "vtt" or lines[0].startswith("WEBVTT")
    shown: list[_Shown] = []
    voice = ""
    for _, cue in groupby(_captions(lines, vtt, feed.notes), key=lambda caption: caption[0]):
        voice = _show(shown, list(cue), vtt, voice, feed.notes)
    if not any(line.begin >= 0 for line in shown):
        if any(line.strip() for line in lines):
            raise Quarantine("bad_subtitle", f"{len(lines)} lines and no caption")
        return
    ends = list(accumulate(len(line.text) + 1 for line in shown))
    marks = tuple(
        Mark(stop - 1 - len(line.text), stop - 1, "cue", line.begin, line.end)
        for line, stop in zip(shown, ends, strict=True)
        if line.begin >= 0
    )
    yield from in_pieces(Piece(0, "", "\n".join(line.text for line in shown).encode(), marks=marks))


def _show(shown: list[_Shown], cue: list[tuple[int, int, int, str]], vtt: bool, voice: str, notes: Notes) -> str:
    """Add the lines of one cue; those that only stayed on the screen from the cue before last longer instead. Returns who speaks."""
    _, begin, end, _ = cue[0]
    found = [_plain(raw, vtt, notes) for *_, raw in cue]
    lines = [(text, speaker) for text, speaker in found if text and not text.isspace()]
    same = _staying(shown, [text for text, speaker in lines if speaker in ("", voice)], begin)
    for line in shown[len(shown) - same :]:
        line.end = max(line.end, end)
        notes.omit("rolling_caption")
    for text, speaker in lines[same:]:
        if _grows(shown, text, speaker, begin):
            shown[-1] = _Shown(text, shown[-1].text[: -len(shown[-1].plain)] + text, shown[-1].begin, max(shown[-1].end, end))
            notes.omit("rolling_caption")
            continue
        changes = speaker not in ("", voice)
        voice = speaker or voice
        shown.append(_Shown(text, f"{speaker}：{text}" if changes else text, begin, end))
    return voice


def _staying(shown: list[_Shown], lines: list[str], begin: int) -> int:
    """How many lines at the top of a cue are the last ones of the cues before, still on the screen (rolling captions)."""
    if begin < 0 or not shown or begin > shown[-1].end + PAUSE:
        return 0
    for count in range(min(len(lines), len(shown)), 0, -1):
        if [line.plain for line in shown[-count:]] == lines[:count]:
            return count
    return 0


def _grows(shown: list[_Shown], text: str, speaker: str, begin: int) -> bool:
    """Whether a line is the last one with more words (captions painted on word by word)."""
    if speaker or begin < 0 or not shown or begin > shown[-1].end + PAUSE:
        return False
    before = shown[-1].plain
    return len(before) >= 4 and len(before) * 2 >= len(text) and text.startswith(before)


def _captions(lines: list[str], vtt: bool, notes: Notes) -> Iterator[tuple[int, int, int, str]]:
    """(cue, start ms, end ms, line as written). Lines that follow a caption after an empty line belong to it; lines before the
    first caption have times of -1 and stay in the text, unless WebVTT says that they are comments."""
    cue, begin, end = 0, -1, -1
    skipping = "header" if vtt and lines and lines[0].startswith("WEBVTT") else ""
    timed = [_TIMES.fullmatch(line) for line in lines]
    for i, line in enumerate(lines):
        match = timed[i]
        if match:
            cue, begin, end = cue + 1, _ms(match.groups()[:4]), _ms(match.groups()[4:])
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
            yield cue, begin, end, line


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
