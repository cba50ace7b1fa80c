"""Archives and compressed streams that want to hurt, and honest ones: name of the file -> (bytes, status, start of the error or None)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable

import pyarrow as pa

TEXT = "港口的灯一盏一盏地灭了，值夜的人数着船，等天亮。\n"
NAMES_ON_WINDOWS = "我们的文章和他们的新书.txt"


def zst(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


#: Ending -> how its bytes are made.
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
}

Files = Iterable[tuple[str, bytes]]


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED, change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = method
            if change:
                change(info)
            archive.writestr(info, data)
    return sink.getvalue()


def tarred(files: Files, change: Callable[[tarfile.TarInfo], None] | None = None, form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if change:
                change(info)
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return sink.getvalue()


def nested(levels: int) -> bytes:
    """A zip in a zip ..., a text at the bottom; `levels` zips in all."""
    data = zipped([("bottom.txt", TEXT.encode())])
    for _ in range(levels - 1):
        data = zipped([("inner.zip", data)])
    return data


def _linked(info: zipfile.ZipInfo) -> None:
    if info.filename.startswith("link"):
        info.external_attr = 0o120777 << 16


def _special(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        if info.name.startswith("x"):
            info.type, info.size, info.linkname = kind, 0, "../../etc/hostname"

    return change


def _poked(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _encrypted() -> bytes:
    data = zipped([("a.txt", TEXT.encode())])
    at = data.index(b"PK\1\2") + 8
    return _poked(_poked(data, 6, b"\1\0"), at, b"\1\0")


def _method(number: int) -> bytes:
    data = zipped([("a.txt", TEXT.encode())])
    return _poked(_poked(data, 8, struct.pack("<H", number)), data.index(b"PK\1\2") + 10, struct.pack("<H", number))


def _overlapping() -> bytes:
    """A thousand entries of the directory that all point at one member, as in Fifield's bomb (USENIX WOOT 2019)."""
    data = zipped([("a.txt", bytes(1 << 20))])
    first, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[first:end] * 1000
    return data[:first] + entry + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1000, 1000, len(entry), first, 0)


def _long_header() -> bytes:
    """A long name of 3 MB, which the library would read in one piece."""
    return tarred([("n" * (3 << 20) + ".txt", b"x")], form=tarfile.GNU_FORMAT)


def _negative() -> bytes:
    data = bytearray(tarred([("a.txt", b"x" * 600), ("b.txt", b"y")]))
    data[124:136] = b"\xff" * 10 + b"\xfe\x00"  # a size of -512 in base 256: the next header would be this one
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def _gbk_names() -> bytes:
    raw = NAMES_ON_WINDOWS.encode("gb18030")
    return zipped([("n" * len(raw), TEXT.encode())]).replace(b"n" * len(raw), raw)


_BAD = [("good.txt", TEXT.encode()), ("bad.txt", TEXT.encode() + b"\xff\xfe\xfa"), ("good.md", b"# x\n\nyes\n")]
_GOOD_TAR = tarred([("a.txt", TEXT.encode()), ("b/c.html", "<p>正文</p>".encode())])
_SLIPPERY = ["../../etc/a.txt", "/etc/b.txt", "..\\..\\c.txt", "C:\\d.txt", "e\nf.txt", "-rf.txt", "\u202egnp.txt", "=1+1.txt"]

ARCHIVES: dict[str, tuple[bytes, str, str | None]] = {
    **{f"plain.txt.{end}": (pack(TEXT.encode() * 3), "ok", None) for end, pack in PACKERS.items()},
    **{f"doubled.txt.{end}": (pack(TEXT.encode()) * 2, "ok", None) for end, pack in PACKERS.items()},
    **{f"cut.txt.{end}": (pack(TEXT.encode() * 50)[:-9], "quarantined", f"corrupt_{end}") for end, pack in PACKERS.items() if end != "gz"},
    **{f"junk.txt.{end}": (pack(TEXT.encode()) + b"junk", "quarantined", f"corrupt_{end}") for end, pack in PACKERS.items() if end != "gz"},
    **{f"bomb50.txt.{end}": (pack(bytes(50 << 20)), "quarantined", "bomb") for end, pack in PACKERS.items()},
    **{f"other.txt.{end}": (TEXT.encode(), "quarantined", "corrupt_") for end in PACKERS},
    **{f"none.txt.{end}": (b"", "quarantined", "corrupt_") for end in ("bz2", "xz")},
    **{f"good.tar.{end}": (pack(_GOOD_TAR), "ok", None) for end, pack in PACKERS.items()},
    **{f"cut.tar.{end}": (pack(_GOOD_TAR)[:-20], "quarantined", "corrupt_") for end, pack in PACKERS.items()},
    "padded.txt.xz": (lzma.compress(TEXT.encode()) + bytes(8), "ok", None),
    "good.zip": (zipped([("a.txt", TEXT.encode()), ("b/c.html", "<p>正文</p>".encode())]), "ok", None),
    "stored.zip": (zipped([("a.txt", TEXT.encode())], zipfile.ZIP_STORED), "ok", None),
    "bz2-inside.zip": (zipped([("a.txt", TEXT.encode())], zipfile.ZIP_BZIP2), "ok", None),
    "lzma-inside.zip": (zipped([("a.txt", TEXT.encode())], zipfile.ZIP_LZMA), "quarantined", "bad_member"),
    "slip.zip": (zipped([(name, TEXT.encode()) for name in _SLIPPERY]), "ok", None),
    "slip.tar": (tarred([(name, TEXT.encode()) for name in _SLIPPERY]), "ok", None),
    "windows-names.zip": (_gbk_names(), "ok", None),
    "same-name.zip": (zipped([("a.txt", TEXT.encode()), ("A.TXT", TEXT.encode())]), "ok", None),
    "links.zip": (zipped([("link.txt", b"/etc/hostname"), ("a.txt", TEXT.encode())], change=_linked), "ok", None),
    "links.tar": (tarred([("x.txt", b""), ("a.txt", TEXT.encode())], _special(tarfile.SYMTYPE)), "ok", None),
    "hard-links.tar": (tarred([("x.txt", b""), ("a.txt", TEXT.encode())], _special(tarfile.LNKTYPE)), "ok", None),
    "devices.tar": (tarred([("x.txt", b""), ("a.txt", TEXT.encode())], _special(tarfile.CHRTYPE)), "ok", None),
    "pipes.tar": (tarred([("x.txt", b""), ("a.txt", TEXT.encode())], _special(tarfile.FIFOTYPE)), "ok", None),
    "one-bad.zip": (zipped(_BAD), "needs_review", "bad_member: 1 of 3"),
    "one-bad.tar": (tarred(_BAD), "needs_review", "bad_member: 1 of 3"),
    "most-bad.zip": (zipped([_BAD[1]]), "quarantined", "bad_member: 1 of 1"),
    "bad-lines.zip": (zipped([("r.jsonl", b'{"text": "yes"}\n{"text": "no"}\n{"te')]), "needs_review", "bad_member: 1 of 1 members can be read only"),
    "pictures.zip": (zipped([("a.png", b"x"), ("b.jpg", b"y")]), "skipped", "empty"),
    "nothing.zip": (zipped([]), "skipped", "empty"),
    "nothing.tar": (tarred([]), "skipped", "empty"),
    "hidden.zip": (zipped([("__MACOSX/a.txt", b"x"), (".b/c.txt", b"y"), ("d.txt", TEXT.encode())]), "ok", None),
    "two-deep.zip": (nested(2), "ok", None),
    "three-deep.zip": (nested(3), "quarantined", "bad_member"),
    "forty-deep.zip": (nested(40), "quarantined", "bad_member"),
    "bomb.zip": (zipped([("a.txt", bytes(50 << 20))]), "quarantined", "bomb"),
    "bomb-inside.zip": (zipped([("a.zip", zipped([("a.txt", bytes(50 << 20))])), ("b.txt", TEXT.encode())]), "quarantined", "bomb"),
    "bomb-in-bomb.tar.gz": (gzip.compress(tarred([("a.txt.gz", gzip.compress(bytes(50 << 20), mtime=0))]), mtime=0), "quarantined", "bomb"),
    "overlapping.zip": (_overlapping(), "quarantined", "bomb"),
    "encrypted.zip": (_encrypted(), "quarantined", "bad_member: 1 of 1 members cannot be read (a.txt: encrypted)"),
    "method.zip": (_method(98), "quarantined", "bad_member: 1 of 1 members cannot be read (a.txt: compression method 98"),
    "flipped.zip": (_poked(zipped([("a.txt", TEXT.encode())], zipfile.ZIP_STORED), 50, b"\0"), "quarantined", "bad_member"),
    "cut.zip": (zipped([("a.txt", TEXT.encode())])[:-30], "quarantined", "corrupt_zip"),
    "no.zip": (TEXT.encode(), "quarantined", "corrupt_zip"),
    "none.zip": (b"", "quarantined", "corrupt_zip"),
    "lying.zip": (_poked(zipped([("a.txt", b"x")]), -10, b"\xff\xff\xff\x7f"), "quarantined", ""),
    "cut.tar": (_GOOD_TAR[:1100], "quarantined", "corrupt_tar"),
    "no-end.tar": (_GOOD_TAR[: 4 * 512], "quarantined", "corrupt_tar: no end mark"),
    "torn-header.tar": (_poked(_GOOD_TAR, 1024 + 150, b"999"), "quarantined", "corrupt_tar"),
    "none.tar": (b"", "quarantined", "corrupt_tar"),
    "no.tar": (TEXT.encode() * 40, "quarantined", "corrupt_tar"),
    "long-header.tar": (_long_header(), "quarantined", "corrupt_tar: a header of"),
    "negative.tar": (_negative(), "quarantined", "corrupt_tar"),
    "joined.tar": (_GOOD_TAR * 2, "ok", None),
}  # fmt: skip
