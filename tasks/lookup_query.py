"""The text that `taosha lookup` is asked about, as passages: a file is read, cut and cleaned by the code that reads sources."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.decode import decode
from tasks.errors import Quarantine, UsageError
from tasks.ingest import discover, read_cell
from tasks.lookup_fold import clean_spans, clean_texts, fold_digests
from tasks.minhash import sign
from tasks.readers.kinds import SUFFIXES
from tasks.segment import Marks, segment
from tasks.settings import Matching, Settings
from tasks.shingles import shingle_sets
from tasks.store import stage
from tasks.store.text import I64Array, Texts, U32Array, U64Array, spans_to_arrow

#: bytes. More than this is no passage; a file is cut into passages.
MOST_TEXT = 1 << 20
#: Characters of a part, at least and at most (the last takes the rest). A shared run of twice the most always holds a whole part,
#: whether there are sentences or not.
PART, LONGEST_PART = 24, 64
_SENTENCE = re.compile(r"[^。！？!?；;\n…]*(?:[。！？!?；;\n…]|\.(?=\s))?[。！？!?；;\n…」』”’）)]*")


@dataclass(frozen=True)
class Asked:
    """One passage of the query. `text` as it stands there, `clean` as matching folds it, `place` None when it is not from a file.

    place : record, locator, char_start, char_end, line_start, line_end, as in the published tables.
    """

    text: str
    clean: str
    place: dict[str, Any] | None


def read(what: str, settings: Settings) -> tuple[str, list[Asked]]:
    """Name and passages of what is asked: a file by its name, `-` for standard input, else the words themselves.

    Raises UsageError when there is nothing to look up, or a file cannot be read.
    """
    if what == "-":
        name, asked = "standard input", [_passage(_from_stdin(), settings)]
    elif what.strip() and _is_file(what):
        name, asked = _printable(what), _from_file(Path(what), settings)
    else:
        name, asked = "text", [_passage(_printable(what), settings)]
    asked = [one for one in asked if one.text.strip()]
    if not asked:
        raise UsageError(f"{name} holds no text to look up")
    return name, asked


def _printable(argument: str) -> str:
    """A command line argument with bytes that are not UTF-8 shown as \\xNN."""
    return os.fsencode(argument).decode("utf-8", "backslashreplace")


def _is_file(what: str) -> bool:
    """Whether it names a file. Raises UsageError for what can only be meant as one but is not there."""
    try:
        path = Path(what)
        if path.is_file():
            return True
        folder = path.is_dir()
    except (OSError, ValueError):  # longer than a name may be, or with a zero byte
        return False
    if folder:
        raise UsageError(f"{what} is a folder; name a file in it")
    if path.suffix.lower() in SUFFIXES and not re.search(r"\s", what):
        raise UsageError(f"{what}: there is no such file. To look up these very words, pipe them into `taosha lookup -`")
    return False


def _from_stdin() -> str:
    data = sys.stdin.buffer.read(MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        raise UsageError(f"standard input is over {MOST_TEXT:,} bytes; save it as a file, which is cut into passages")
    try:
        return decode(data)[0]
    except Quarantine as problem:
        raise UsageError(f"standard input is no text: {problem}") from problem


def _passage(text: str, settings: Settings) -> Asked:
    column = Texts.of([text])
    clean = clean_texts(column, np.zeros(1, np.uint8), settings)
    return Asked(text, clean[0], None)


def _from_file(path: Path, settings: Settings) -> list[Asked]:
    with tempfile.TemporaryDirectory() as folder:
        cell = read_cell(discover([path], settings.input), settings.input, Path(folder), settings.publish.part_bytes)
        asked = [one for part in cell.parts for one in _of_part(stage.read_table(part.path), settings)]
    row = cell.sources[0]
    if not asked and row["error"]:
        hint = f". Its text can be piped: `taosha lookup - < {path.name}`" if row["status"] == "skipped" else ""
        raise UsageError(f"{path} cannot be read: {row['error']}{hint}")
    return asked


def _of_part(batch: pa.Table, settings: Settings) -> list[Asked]:
    texts = Texts.from_arrow(batch["text"])
    found = segment(texts, batch["format"].to_pylist(), Marks.from_batch(batch, texts))
    clean = clean_spans(texts.chars, found.start, found.end, found.wrapped, found.kind, settings).to_arrow()
    base = stage.numbers(batch["char_base"])[found.doc] - texts.offsets[found.doc]
    lines = stage.numbers(batch["line_base"])[found.doc]
    places = pa.table(
        {
            "record": batch["record"].take(pa.array(found.doc)),
            "locator": batch["locator"].take(pa.array(found.doc)),
            "char_start": found.start + base,
            "char_end": found.end + base,
            "line_start": found.line_number[found.first_line] + lines,
            "line_end": found.line_number[found.last_line] + lines,
        }
    )
    raw = spans_to_arrow(texts.chars, found.start, found.end)
    return [Asked(*row) for row in zip(raw.to_pylist(), clean.to_pylist(), places.to_pylist(), strict=True)]


def parts(text: str) -> list[str]:
    """The text in parts, for what only a part of it shares: sentences, short ones joined to the next, long ones cut. Together they
    are the text.

    >>> parts("千淘万漉虽辛苦，吹尽狂沙始到金。河边的人弯着腰，一筛一筛地摇。天黑以前他们要摇完三百筛，一粒也不肯放过，摇完了才肯回家。")
    ['千淘万漉虽辛苦，吹尽狂沙始到金。河边的人弯着腰，一筛一筛地摇。', '天黑以前他们要摇完三百筛，一粒也不肯放过，摇完了才肯回家。']
    """
    out: list[str] = []
    held = ""
    for sentence in _SENTENCE.findall(text):
        for at in range(0, len(sentence), LONGEST_PART - PART):
            held += sentence[at : at + LONGEST_PART - PART]
            if len(held) >= PART:
                out.append(held)
                held = ""
    if held and out:
        out[-1] += held
    elif held:
        out.append(held)
    return out


@dataclass(frozen=True)
class Units:
    """What is asked of the index: every passage of a query followed, where it has several, by its parts.

    first         : (passages + 1,) first unit of each passage, which is the passage itself.
    texts         : (n,) clean text. fold: (n,) uint64 digest of its fold.
    values, offsets, shingle_count : sorted distinct shingles of each unit, and how many.
    signature     : (n,) MinHash values, None where there are too few shingles for one.
    """

    asked: list[Asked]
    first: list[int]
    texts: list[str]
    fold: U64Array
    values: U64Array
    offsets: I64Array
    signature: list[U32Array | None]

    @staticmethod
    def of(asked: list[Asked], settings: Matching) -> Units:
        """Units of all passages of a query."""
        texts: list[str] = []
        first = [0]
        for one in asked:
            pieces = parts(one.clean)
            texts += [one.clean, *(pieces if len(pieces) > 1 else [])]
            first.append(len(texts))
        column = Texts.of(texts)
        values, offsets = shingle_sets(column, settings)
        counts = np.diff(offsets)
        enough = counts >= settings.min_shingles
        signed = sign(values[np.repeat(enough, counts)], np.concatenate([[0], np.cumsum(counts[enough])]), settings)
        signature: list[U32Array | None] = [None] * len(texts)
        for unit, row in zip(np.flatnonzero(enough).tolist(), signed, strict=True):
            signature[unit] = row
        return Units(asked, first, texts, fold_digests(column), values, offsets, signature)

    @property
    def shingle_count(self) -> I64Array:
        """(n,) distinct shingles."""
        return np.diff(self.offsets)

    def shingles(self, unit: int) -> U64Array:
        """Sorted distinct shingles of a unit."""
        return self.values[self.offsets[unit] : self.offsets[unit + 1]]
