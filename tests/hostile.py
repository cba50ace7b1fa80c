"""Inputs that want to crash a reader, made on the spot: each is a function that writes one file, with what must become of it."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hostile_archives import ARCHIVES

HANS = "清晨的码头上，渔民们把昨夜捕到的鱼一筐一筐搬上岸。我问他们收成怎么样，老王笑着说：今年比去年好多了！\n第二天，我们又去了一次。\n"
HANT = "清晨的碼頭上，漁民們把昨夜捕到的魚一筐一筐搬上岸。我問他們收成怎麼樣，老王笑著說：今年比去年好多了！\n第二天，我們又去了一次。\n"
GOOD = json.dumps({"text": "好的一行"}, ensure_ascii=False).encode() + b"\n"


def _parquet(damage: Callable[[bytes], bytes]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": ["第一行", "第二行"] * 50}), sink)
    return damage(sink.getvalue().to_pybytes())


def _not_utf8_parquet() -> bytes:
    offsets, data = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": pa.Array.from_buffers(pa.string(), 1, [None, offsets, data])}), sink)
    return sink.getvalue().to_pybytes()


_NOISE = random.Random(11).randbytes(4000)  # noqa: S311 (fixed test data)
_ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))

#: name of the file -> (bytes, status, start of the error or None).
FILES: dict[str, tuple[bytes, str, str | None]] = {
    "invalid.txt": (HANS.encode() + b"\xff\xfe\xfa\n", "quarantined", "undecodable"),
    "invalid-late.txt": (HANS.encode() * 20_000 + b"\xff\n", "quarantined", "undecodable"),
    "truncated.txt": (HANS.encode().rstrip()[:-1], "quarantined", "undecodable"),
    "utf16-no-mark.txt": (HANS.encode("utf-16-le"), "ok", None),
    "gb18030.txt": (HANT.encode("gb18030"), "ok", None),
    "big5.txt": (HANT.encode("big5"), "ok", None),
    "mixed.txt": (HANS.encode("gb18030") + HANS.encode(), "quarantined", "mixed_encodings"),
    "noise.txt": (_NOISE, "quarantined", None),
    "zeros.txt": (bytes(5000), "quarantined", "binary"),
    "nul.txt": ("前面\0后面\x01，都要留下。\n".encode(), "ok", None),
    "empty.txt": (b"", "skipped", "empty"),
    "blank.txt": (" \n\u3000\r\n\ufeff ".encode().replace("\ufeff".encode(), b""), "skipped", "empty"),
    "mark-only.txt": (b"\xef\xbb\xbf", "skipped", "empty"),
    "bomb.txt.gz": (gzip.compress(bytes(50 << 20), mtime=0), "quarantined", "bomb"),
    "truncated.txt.gz": (gzip.compress(HANS.encode() * 50, mtime=0)[:-9], "quarantined", "corrupt_gzip"),
    "flipped.txt.gz": (gzip.compress(HANS.encode(), mtime=0)[:-8] + bytes(8), "quarantined", "corrupt_gzip"),
    "not-gzip.txt.gz": (HANS.encode(), "quarantined", "corrupt_gzip"),
    "trailing.txt.gz": (gzip.compress(HANS.encode(), mtime=0) + b"junk", "quarantined", "corrupt_gzip"),
    "two-members.txt.gz": (gzip.compress(HANS.encode(), mtime=0) * 2, "ok", None),
    "deep.jsonl": (GOOD * 2 + b'{"text": "x", "d": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "needs_review", "bad_json"),
    "deep-unclosed.jsonl": (GOOD * 2 + b"[" * 100_000 + b"\n", "needs_review", "bad_json"),
    "nan.jsonl": (GOOD * 2 + b'{"text": "x", "n": NaN}\n', "needs_review", "bad_json"),
    "duplicate-key.jsonl": (GOOD * 2 + b'{"text": "x", "text": "y"}\n', "needs_review", "bad_json"),
    "digits.jsonl": (GOOD * 2 + b'{"text": "x", "n": ' + b"9" * 4301 + b"}\n", "needs_review", "bad_json"),
    "not-objects.jsonl": (GOOD + b"[1]\n3\nnull\n", "quarantined", "bad_json"),
    "bad-byte.jsonl": (GOOD * 3 + b'{"text": "\xff"}\n', "needs_review", "bad_json"),
    "cut-off.jsonl": (GOOD * 3 + b'{"text": "abc', "needs_review", "bad_json"),
    "surrogate.jsonl": (b'{"text": "a\\ud800b"}\n', "ok", None),
    "no-text.jsonl": (b'{"id": 1}\n', "quarantined", "no_text_field"),
    "text-is-number.jsonl": (GOOD * 2 + b'{"text": 5}\n', "needs_review", "bad_json"),
    "open-quote.csv": ('id,text\n1,"从未关上\n2,b\n'.encode(), "quarantined", "bad_csv"),
    "no-text.csv": (b"id,name\n1,a\n", "quarantined", "no_text_field"),
    "ragged.csv": ("id,text\n1,好\n2,好\n3\n".encode(), "needs_review", "bad_csv"),
    "nul.csv": (b"text\na\0b\n", "ok", None),
    "magic-only.parquet": (b"PAR1PAR1", "quarantined", "corrupt_parquet"),
    "truncated.parquet": (_parquet(lambda data: data[:-20]), "quarantined", "corrupt_parquet"),
    "empty.parquet": (b"", "quarantined", "corrupt_parquet"),
    "huge-footer.parquet": (_parquet(lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1"), "quarantined", "corrupt_parquet"),
    "flipped.parquet": (_parquet(lambda data: data[:40] + b"\xff" * 20 + data[60:]), "quarantined", "corrupt_parquet"),
    "not-utf8.parquet": (_not_utf8_parquet(), "quarantined", "corrupt_parquet"),
    "script.html": ('<p>正文</p><script>alert("<p>假的</p>")</script><img src=x onerror=alert(1)>'.encode(), "ok", None),
    "deep.html": (b"<div>" * 100_000 + b"x" + b"</div>" * 100_000, "quarantined", "too_deep"),
    "unclosed.html": (b"<a><b><p>" * 30_000 + "末尾".encode(), "quarantined", "too_deep"),
    "billion.html": (f'<!DOCTYPE h [<!ENTITY e0 "ha">{_ENTITIES}]><p>&e9;</p>'.encode(), "ok", None),
    "nul.html": ("<p>前\0后</p>\x01".encode(), "ok", None),
    "empty.html": (b"<html></html>", "skipped", "empty"),
    "comment.html": (b"<!-- " + b"x" * 1000, "skipped", "empty"),
    "garbage.srt": ("这里没有任何时间码。\n".encode(), "quarantined", "bad_subtitle"),
    "empty.vtt": (b"WEBVTT\n\n", "quarantined", "bad_subtitle"),
    "huge-times.srt": ("1\n9999:99:99,999 --> 0000:00:00,000\n时间倒流\n".encode(), "ok", None),
    "front-matter-open.md": ("---\ntitle: 没有结尾\n\n正文\n".encode(), "ok", None),
    "ansi.txt": ("\x1b[31m红色\x1b[0m的字\n".encode(), "ok", None),
    "one-long-line.txt": (("长" * 200_000).encode(), "ok", None),
    "many-empty-lines.txt": (b"\n" * 300_000 + "末".encode(), "ok", None),
    "marks.txt": (("a" + "\u0301" * 20_000).encode(), "ok", None),
    "report.pdf": (b"%PDF-1.7", "skipped", "no reader for .pdf"),
    "README": (b"text", "skipped", "no reader for a file without"),
    "archive.parquet.gz": (b"x", "skipped", "no reader for .parquet.gz"),
    "換行\n的名字.txt": (HANS.encode(), "ok", None),
    "-rf.txt": (HANS.encode(), "ok", None),
    "=1+1.txt": (HANS.encode(), "ok", None),
    "n" * 251 + ".txt": (HANS.encode(), "ok", None),
    "同名.txt": (HANS.encode(), "ok", None),
    "case.txt": (HANS.encode(), "ok", None),
    "CASE.txt": (HANT.encode(), "ok", None),
    "caf\u00e9.txt": (HANS.encode(), "ok", None),
    "cafe\u0301.txt": (HANT.encode(), "ok", None),
    "bidi.txt": ("正\u202e文\u202c的\u2066顺\u2069序\u200b和\u200d零\ufeff宽\U000e0041。\n".encode(), "ok", None),
    "two-marks.txt": (b"\xef\xbb\xbf\xef\xbb\xbf" + HANS.encode(), "ok", None),
    "marks-bomb.txt": (("门" + "\u0301\u0323" * 500_000).encode(), "ok", None),
    "nfkc.txt": (("\ufdfa" * 50_000 + "\n").encode(), "ok", None),
    "utf16-odd.txt": (b"\xff\xfe" + HANS.encode("utf-16-le")[:-1], "quarantined", "undecodable"),
    "utf16-surrogate.txt": (b"\xff\xfe" + HANS.encode("utf-16-le") + b"\x00\xd8\n\0", "quarantined", "undecodable"),
    "utf8-surrogate.txt": (HANS.encode() + b"\xed\xa0\x80\n", "quarantined", "undecodable"),
    "overlong.txt": (HANS.encode() + b"\xc0\xaf\n", "quarantined", "undecodable"),
    "million-empty-lines.txt": (b"\n" * 1_000_000 + "末".encode(), "ok", None),
    "million-one-letter-lines.txt": (b"a\n" * 200_000, "ok", None),
    "infinity.jsonl": (GOOD * 2 + b'{"text": "x", "n": -Infinity}\n', "needs_review", "bad_json"),
    "pair-of-halves.jsonl": (b'{"text": "\\ud83d\\ude00 \\udc00"}\n', "ok", None),
    "flipped-footer.parquet": (
        _parquet(lambda data: data[:-60] + bytes([data[-60] ^ 0x40]) + data[-59:]),
        "quarantined",
        "corrupt_parquet",
    ),
    "entities.html": (b"<p>" + b"&#x1f600;" * 20_000 + b"</p>", "ok", None),
    "xml-bomb.html": (f'<?xml version="1.0"?><!DOCTYPE h [<!ENTITY e0 "ha">{_ENTITIES}]><html><p>&e9;正文</p></html>'.encode(), "ok", None),
    "external.html": (b'<!DOCTYPE h [<!ENTITY x SYSTEM "file:///etc/hostname">]><p>a &x; b</p>', "ok", None),
    **ARCHIVES,
}


def write(folder: Path) -> None:
    """Write all files, and what only a file system can hold: links, a loop, a FIFO, a name that is not UTF-8."""
    folder.mkdir(parents=True)
    for name, (data, _, _) in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "link.txt").symlink_to("gb18030.txt")
    (folder / "outside.txt").symlink_to("/etc/hostname")
    (folder / "loop").symlink_to(".")
    (folder / "circle.txt").symlink_to("circle.txt")
    os.mkfifo(folder / "pipe.txt")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.txt")).write_bytes(HANS.encode())
