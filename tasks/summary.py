"""The numbers of a published snapshot: `report/summary.json`, and the table at the end of a run.

Everything here reads the published files alone, in batches and by column, so that what is shown is what a reader of the
data will find. Text from the data reaches a terminal or a page through `visible` only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset as ds

from tasks.errors import StorageError, UsageError
from tasks.kernels import utf8
from tasks.store.schemas import TABLES
from tasks.store.text import I64Array, Texts

if TYPE_CHECKING:
    pass

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly

#: Rows of a list in summary.json; the totals beside it are of all rows.
LISTED = 1000
TOP = 20
#: Reasons in the order in which `decide` tries them (DESIGN.md, "Decide").
REASONS = (
    "extraction", "boilerplate", "template", "language", "quality", "exact_duplicate", "near_duplicate", "duplicate_block", "reviewer",
)  # fmt: skip
STATUSES = ("ok", "needs_review", "quarantined", "skipped")
BATCH_ROWS = 1 << 14
COMPACT = 1 << 18

_C0 = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
]  # fmt: skip
_NAMED = {
    **dict(enumerate(_C0)), 0x7F: "DEL", 0xAD: "SHY", 0x34F: "CGJ", 0x61C: "ALM", 0x115F: "HCF", 0x1160: "HJF", 0x180E: "MVS", 0x200B: "ZWSP",
    0x200C: "ZWNJ", 0x200E: "LRM", 0x200F: "RLM", 0x2028: "LS", 0x2029: "PS", 0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO",
    0x202E: "RLO", 0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0x3164: "HF", 0xFEFF: "BOM", 0xFFA0: "HHF",
}  # fmt: skip
_UNNAMED = (*range(0x80, 0xA0), *range(0x2061, 0x2066), *range(0x206A, 0x2070), *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080))
_GLYPHS: dict[int, str] = {
    **{c: f"⟨U+{c:04X}⟩" for c in _UNNAMED},
    **{c: f"⟨{name}⟩" for c, name in _NAMED.items() if chr(c) not in "\t\n"},
}
_EMOJI = "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_LONE_JOINER = re.compile(f"(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])")
#: Whatever `visible` may change; most texts hold nothing of it, and a search is ten times faster than a translation.
_ODD = re.compile("[" + re.escape("".join(map(chr, _GLYPHS))) + "\u200d\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\ufe20-\ufe2f]")
_MARKS = re.compile("([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\ufe20-\ufe2f]{8})([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\ufe20-\ufe2f]+)")


def visible(text: str) -> str:
    """`text` with every invisible, control and direction-changing character as a glyph, safe to show in its order.

    Line ends and tabs stay, and so do joiners inside emoji and variation selectors; a pile of combining marks is cut to eight.

    >>> visible("金\\u202e沙\\x1b[31m\\u200b")
    '金⟨RLO⟩沙⟨ESC⟩[31m⟨ZWSP⟩'
    """
    if not _ODD.search(text):
        return text
    text = _LONE_JOINER.sub("⟨ZWJ⟩", text.translate(_GLYPHS))
    return _MARKS.sub(lambda found: f"{found[1]}⟨+{len(found[2])} marks⟩", text)


def one_line(text: str, limit: int = 60) -> str:
    """`visible` text on one line of at most `limit` characters, ending in … when cut.

    >>> one_line("千淘万漉\\n虽辛苦", 6)
    '千淘万漉 …'
    """
    line = " ".join(visible(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def scan(snapshot: Path, table: str, columns: list[str], where: ds.Expression | None = None) -> Iterator[Any]:
    """Record batches of the named columns of a published table, in published order; none when the table has no files.

    Raises StorageError when a file cannot be read.
    """
    files = sorted(str(file) for file in (snapshot / table).glob("*.parquet"))
    if not files:
        return
    try:
        dataset = ds.dataset(files, schema=TABLES[table][0], format="parquet")
        # Read-ahead is small: memory is bounded by a few batches of the widest column, the texts.
        yield from dataset.to_batches(columns=columns, filter=where, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1)
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"{snapshot / table}: cannot be read ({error}); `taosha verify` names the damaged file") from error


def manifest_of(snapshot: Path) -> dict[str, Any]:
    """manifest.json of a snapshot. Raises UsageError when the folder is none."""
    path = snapshot / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{snapshot} is not a snapshot: it has no manifest.json. Name a folder such as artifacts/latest") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from error
    return manifest


def visible_chars(texts: pa.Array[Any]) -> I64Array:
    """(n,) int64, non-space characters of each text: the unit in which conservation is proved."""
    column = Texts.from_arrow(texts)
    counted: I64Array = utf8.count_visible(column.chars, column.offsets[:-1], column.offsets[1:])
    return counted


def source_text(batch: pa.RecordBatch) -> pa.Array[Any]:
    """What stands in the source for rows of `passages`: `raw`, which is null where it equals `text`."""
    texts: pa.Array[Any] = pc.coalesce(batch["raw"], batch["text"])
    return texts


#: What kept and removed rows are grouped by.
KEPT_KEYS, REMOVED_KEYS = ("source", "lang", "script"), ("source", "reason", "category", "rule")


@dataclass(frozen=True)
class Tally:
    """Rows and non-space characters of a snapshot by what they are grouped by.

    kept    : source, lang, script, rows, chars.
    removed : source, reason, category, rule, rows, chars.
    """

    kept: pa.Table
    removed: pa.Table

    def by(self, table: str, *keys: str) -> list[dict[str, Any]]:
        """Rows and characters of `kept` or `removed` by these columns, most characters first."""
        order: Any = [("chars", "descending"), *((key, "ascending") for key in keys)]
        rows: list[dict[str, Any]] = _sums(getattr(self, table), keys).sort_by(order).to_pylist()
        return rows

    def total(self, table: str, what: str = "chars") -> int:
        """Sum of `chars` or `rows`."""
        return int(pc.sum(getattr(self, table)[what]).as_py() or 0)


def tally(snapshot: Path) -> Tally:
    """Counts of everything kept and removed: one pass over the texts, memory in proportion to the number of groups."""
    kept = grouped(
        (count_rows(batch, source_text(batch), KEPT_KEYS) for batch in scan(snapshot, "passages", [*KEPT_KEYS, "text", "raw"])), KEPT_KEYS
    )
    removed = grouped(
        (count_rows(batch, batch["raw"], REMOVED_KEYS) for batch in scan(snapshot, "removed", [*REMOVED_KEYS, "raw"])), REMOVED_KEYS
    )
    return Tally(kept, removed)


def count_rows(batch: pa.RecordBatch | pa.Table, texts: pa.Array[Any] | pa.ChunkedArray[Any], keys: tuple[str, ...]) -> pa.Table:
    """Rows and non-space characters of `texts` by the key columns of the batch."""
    columns = {key: batch[key] for key in keys}
    return _sums(pa.table({**columns, "rows": np.ones(batch.num_rows, np.int64), "chars": visible_chars(texts)}), keys)


def grouped(tables: Iterable[pa.Table], keys: tuple[str, ...]) -> pa.Table:
    """Sums of `rows` and `chars` by `keys` over a stream of tables; partial sums are merged as they grow."""
    parts = [
        pa.table({**{key: pa.array([], pa.string()) for key in keys}, "rows": pa.array([], pa.int64()), "chars": pa.array([], pa.int64())})
    ]
    rows = 0
    for table in tables:
        parts.append(_sums(table, keys))
        rows += len(parts[-1])
        if rows > max(COMPACT, 2 * len(parts[0])):
            parts, rows = [_sums(pa.concat_tables(parts), keys)], 0
    return _sums(pa.concat_tables(parts), keys)


def _sums(table: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    summed = table.group_by(list(keys), use_threads=False).aggregate([("rows", "sum"), ("chars", "sum")])
    return summed.rename_columns([name.removesuffix("_sum") for name in summed.column_names])


def summarize(snapshot: Path, counts: Tally | None = None) -> dict[str, Any]:
    """The numbers of a snapshot, as published in report/summary.json. Numbers are integers except the thresholds.

    `characters` are non-space characters of the document texts; read = kept + removed + unaccounted, and `unaccounted` is 0
    in every snapshot that taosha publishes. `matching` is what the search for duplicates counted: `hotbuckets` and `hot_anchors`
    were too large to compare all with all. Lists are cut at 1,000 rows (`needs_review`, `quarantined`) and 20 (`top_*`).
    """
    snapshot = snapshot.resolve()  # `latest` may be swapped while we read
    manifest = manifest_of(snapshot)
    counts = counts or tally(snapshot)
    sources, troubled = _sources(snapshot)
    read, kept, removed = sources.pop("characters"), counts.total("kept"), counts.total("removed")
    documents = sources.pop("documents")
    return {
        "schema_version": manifest.get("schema_version"),
        "snapshot_id": manifest.get("snapshot_id"),
        "pipeline_version": manifest.get("pipeline_version"),
        "settings_digest": manifest.get("settings_digest"),
        "sources": sources,
        "documents": {"read": documents, "with_kept_text": sum(batch.num_rows for batch in scan(snapshot, "documents", ["doc_id"]))},
        "passages": {"kept": counts.total("kept", "rows"), "removed": counts.total("removed", "rows")},
        "characters": {
            "read": read,
            "kept": kept,
            "removed": removed,
            "unaccounted": read - kept - removed,
            "removed_by_reason": {row["reason"] or "unknown": row["chars"] for row in counts.by("removed", "reason")},
            "removed_by_category": {row["category"] or "none": row["chars"] for row in counts.by("removed", "category")},
        },
        "languages": {row["lang"] or "und": {"passages": row["rows"], "characters": row["chars"]} for row in counts.by("kept", "lang")},
        "scripts": {
            row["script"] or "neutral": {"passages": row["rows"], "characters": row["chars"]} for row in counts.by("kept", "script")
        },
        "families": _families(snapshot),
        "clusters": _clusters(snapshot),
        "pairs": _pairs(snapshot),
        "needs_review": troubled["needs_review"],
        "quarantined": troubled["quarantined"],
        "top_families": _top(
            snapshot,
            "families",
            ["family_id", "category", "verdict", "scope", "occurrence_count", "document_count", "char_count", "exemplar_text"],
        ),
        "top_rules": _top(
            snapshot,
            "templates",
            ["rule", "origin", "collection", "category", "verdict", "document_count", "char_count"],
            pc.field("verdict") == "removes",
        ),
        "thresholds": thresholds(manifest),
        "matching": {name: int(n) for name, n in (manifest.get("matching") or {}).items()},
    }


def overflow(summary: dict[str, Any]) -> list[str]:
    """What the search for duplicates cut short, a sentence each; empty when it compared everything that met."""
    counted = summary.get("matching") or {}
    said = (
        ("hotbuckets", "{:,} LSH buckets held more passages than matching.bucket_cap; these were compared with the buckets' leaders only"),
        ("hot_anchors", "{:,} set phrases stood in more passages than are compared all with all for shared stretches"),
        ("crowded", "{:,} pairs repeat a phrase too often for every way to align them to be tried"),
    )
    return [text.format(counted[name]) for name, text in said if counted.get(name)]


def thresholds(manifest: dict[str, Any]) -> dict[str, float | None]:
    """The two similarities that decide: from which a pair is reported, and from which it may remove."""
    matching = (manifest.get("settings") or {}).get("matching") or {}
    return {"report": matching.get("report_threshold"), "remove": matching.get("remove_threshold")}


def write_summary(summary: dict[str, Any], out: Path) -> Path:
    """Write out/summary.json: keys sorted, so that equal numbers are equal bytes."""
    path = out / "summary.json"
    path.write_text(json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _sources(snapshot: Path) -> tuple[dict[str, int], dict[str, list[dict[str, str]]]]:
    found = dict.fromkeys((*STATUSES, "total", "documents", "characters"), 0)
    troubled: dict[str, list[dict[str, str]]] = {"needs_review": [], "quarantined": []}
    for batch in scan(snapshot, "sources", ["source", "status", "error", "record_count", "char_count"]):
        found["total"] += batch.num_rows
        found["documents"] += pc.sum(batch["record_count"]).as_py() or 0
        found["characters"] += pc.sum(batch["char_count"]).as_py() or 0
        for status in STATUSES:
            found[status] += pc.sum(pc.equal(batch["status"], status)).as_py() or 0
        for status, rows in troubled.items():
            hits = batch.filter(pc.equal(batch["status"], status)).select(["source", "error"]).slice(0, LISTED - len(rows))
            rows += hits.to_pylist()
    return found, troubled


def _families(snapshot: Path) -> dict[str, int]:
    found = {"count": 0, "across": 0, "occurrences": 0, "characters": 0}
    for batch in scan(snapshot, "families", ["scope", "occurrence_count", "char_count"]):
        found["count"] += batch.num_rows
        found["across"] += pc.sum(pc.equal(batch["scope"], "across")).as_py() or 0
        found["occurrences"] += pc.sum(batch["occurrence_count"]).as_py() or 0
        found["characters"] += pc.sum(batch["char_count"]).as_py() or 0
    return found


def _clusters(snapshot: Path) -> dict[str, int]:
    found = {"count": 0, "members": 0}
    for batch in scan(snapshot, "clusters", ["role"]):
        found["members"] += batch.num_rows
        found["count"] += pc.sum(pc.equal(batch["role"], "kept")).as_py() or 0
    return found


def _pairs(snapshot: Path) -> dict[str, Any]:
    found: dict[str, int] = {}
    total = accepted = 0
    for batch in scan(snapshot, "pairs", ["kind", "accepted"]):
        total += batch.num_rows
        accepted += pc.sum(batch["accepted"]).as_py() or 0
        for kind in pc.value_counts(batch["kind"]).to_pylist():
            found[kind["values"]] = found.get(kind["values"], 0) + kind["counts"]
    return {"total": total, "accepted": accepted, "by_kind": found}


def _top(snapshot: Path, table: str, columns: list[str], where: ds.Expression | None = None) -> list[dict[str, Any]]:
    """The rows of most characters (of those that hold `where`); texts are cut to one line."""
    best = TABLES[table][0].empty_table().select(columns)
    for batch in scan(snapshot, table, columns, where):
        both = pa.concat_tables([best, pa.Table.from_batches([batch]).cast(best.schema)])
        best = both.sort_by([("char_count", "descending"), (columns[0], "ascending")]).slice(0, TOP)
    rows: list[dict[str, Any]] = best.to_pylist()
    for row in rows:
        if "exemplar_text" in row:
            row["text"] = one_line(row.pop("exemplar_text") or "", 120)
        row["characters"] = row.pop("char_count")
    return rows
