"""Which reader a file's name asks for."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasks.readers.unpack import COMPRESSIONS

#: Ending of a name -> format.
SUFFIXES = {
    ".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv",
    ".tsv": "tsv", ".parquet": "parquet", ".html": "html", ".htm": "html", ".srt": "srt", ".vtt": "vtt",
    ".zip": "zip", ".tar": "tar",
}  # fmt: skip

ARCHIVES = frozenset(("zip", "tar"))
#: Formats that are read by seeking, so a compressed one would have to be unpacked first; they compress within.
SEEKING = frozenset(("zip", "parquet"))
_SHORT = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz", ".tzst": ".tar.zst"}


def kind_of(name: str) -> tuple[str | None, str | None, str]:
    """(format, compression, "") by a file's name, or (None, None, what there is no reader for).

    >>> kind_of("a/B.TXT"), kind_of("old.tgz"), kind_of("x.parquet.gz"), kind_of("README")
    (('txt', None, ''), ('tar', 'gzip', ''), (None, None, '.parquet.gz'), (None, None, 'a file without an extension'))
    """
    path = PurePosixPath(name.lower())
    if path.suffix in _SHORT:
        path = path.with_suffix(_SHORT[path.suffix])
    compression = COMPRESSIONS.get(path.suffix)
    suffix = PurePosixPath(path.stem).suffix if compression else path.suffix
    kind = SUFFIXES.get(suffix)
    if kind is None or (compression and kind in SEEKING):
        return None, None, (suffix + path.suffix if compression else suffix) or "a file without an extension"
    return kind, compression, ""
