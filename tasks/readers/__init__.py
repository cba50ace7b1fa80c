"""One reader a format: a `Feed` in, `Piece`s of documents out. What a reader leaves out, it counts in `feed.notes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tasks.readers import archives, delimited, json_lines, markdown, parquet, plain, subtitles, webpage
from tasks.readers.records import Piece
from tasks.readers.source import Feed

#: Record formats of which a few bad records do not spoil the rest, with the reason code and the name of a record.
RECORDS = {
    "jsonl": ("bad_json", "line"),
    "csv": ("bad_csv", "row"),
    "tsv": ("bad_tsv", "row"),
    "zip": ("bad_member", "member"),
    "tar": ("bad_member", "member"),
}

READERS: dict[str, Callable[[Feed], Iterator[Piece]]] = {
    "txt": plain.read,
    "md": markdown.read,
    "jsonl": json_lines.read,
    "csv": delimited.read,
    "tsv": delimited.read,
    "parquet": parquet.read,
    "html": webpage.read,
    "srt": subtitles.read,
    "vtt": subtitles.read,
}
READERS |= {"zip": archives.reader(READERS, RECORDS, "zip"), "tar": archives.reader(READERS, RECORDS, "tar")}
