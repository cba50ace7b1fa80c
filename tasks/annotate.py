"""The fused pass over one part: documents -> lines, passages, their text, language, rules, signals, fold and signatures.

It annotates; nothing is dropped. Leaves four tables in the stage folder: `passages`, `lines`, `match`, `provenance`, and the signatures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.boilerplate import Lines, RuleSet, judge
from tasks.describe import CODE, Described, describe
from tasks.foldline import fold_lines
from tasks.kernels import utf8
from tasks.provenance import read_lines
from tasks.segment import KINDS, MARK_KINDS, Marks, Segments, segment
from tasks.settings import Settings
from tasks.sketch import Sketch, Sketcher
from tasks.store.ids import passage_id_column
from tasks.store.stage import hash_lists, numbers, whole, write_array, write_json, write_table
from tasks.store.text import BoolArray, I64Array, Texts
from tasks.templates import line_keys

HEADING, TABLE, METADATA, LIST = (KINDS.index(kind) for kind in ("heading", "table", "metadata", "list"))
#: Kinds that are compared exactly only.
RIGID = (HEADING, TABLE, CODE, METADATA)


def annotate(batch: pa.Table, folder: Path, settings: Settings, rules: RuleSet) -> dict[str, int]:
    """Annotate the documents of one part and write the stage tables into `folder`. Returns counters."""
    texts = Texts.from_arrow(batch["text"])
    marks = Marks.from_batch(batch, texts)
    segments = segment(texts, batch["format"].to_pylist(), marks)
    described = describe(texts.chars, segments.start, segments.end, segments.wrapped, segments.kind, settings)
    lines, stated = _lines(texts, segments, marks, batch, rules)
    write_table(folder / "lines.arrow", lines)
    write_table(folder / "provenance.arrow", stated)
    sketch, match = _match(described, segments, texts, settings)
    write_table(folder / "match.arrow", match)
    write_array(folder / "signatures.npy", sketch.signatures)
    write_array(folder / "bands.npy", sketch.bands)
    write_array(folder / "counts.npy", sketch.counts)
    write_array(folder / "bits.npy", sketch.bits)
    passages = _passages(batch, texts, segments, described.columns, described.letters)
    write_table(folder / "passages.arrow", passages)
    counters = {"documents": len(batch), "passages": len(passages), "lines": len(segments.line_start), "signatures": len(sketch.signatures)}
    write_json(folder / "done.json", counters)
    return counters


def _passages(batch: pa.Table, texts: Texts, segments: Segments, columns: dict[str, pa.Array], letters: pa.Array) -> pa.Table:
    """Everything a published row needs, by passage of the part."""
    doc = segments.doc
    base = numbers(batch["char_base"])[doc] - texts.offsets[doc]
    start, end = segments.start + base, segments.end + base
    line_base = numbers(batch["line_base"])[doc]
    ids = passage_id_column(whole(batch["doc_id"]).take(pa.array(doc)), start, end, columns["content_id"])
    return pa.table(
        {
            "doc": pa.array(doc),
            "char_start": pa.array(start),
            "char_end": pa.array(end),
            "line_start": pa.array(segments.line_number[segments.first_line] + line_base),
            "line_end": pa.array(segments.line_number[segments.last_line] + line_base),
            "passage_id": ids,
            "kind": pa.array(segments.kind),
            "layout": pa.array(segments.doc_layout[doc]),
            "section": _named(segments.sections, segments.section),
            "speaker": _named(segments.speakers, segments.speaker),
            "time_start_ms": _known(segments.time_start_ms),
            "time_end_ms": _known(segments.time_end_ms),
            "first_line": pa.array(segments.first_line),
            "last_line": pa.array(segments.last_line),
            "wrapped": pa.array(segments.wrapped),
            "visible": pa.array(utf8.count_visible(texts.chars, segments.start, segments.end)),
            "lang_letters": letters,
            **columns,
        }
    )


def _named(names: list[str], index: Any) -> pa.Array:
    """Strings by index, null where it is -1."""
    return pa.array(names, pa.string()).take(pa.array(index, mask=index < 0))


def _known(times: I64Array) -> pa.Array:
    """Milliseconds, null where unknown (-1)."""
    return pa.array(times, mask=times < 0)


def _lines(texts: Texts, segments: Segments, marks: Marks, batch: pa.Table, rules: RuleSet) -> tuple[pa.Table, pa.Table]:
    """Lines with what the rules say of each, and what those that go say of their document."""
    folded = fold_lines(texts.chars, segments.line_start, segments.line_end)
    found = judge(folded, Lines.of(segments, *neighbouring_pieces(batch)), rules)
    stated, found = read_lines(batch, texts, segments, folded, found)
    visible = utf8.count_visible(texts.chars, segments.line_start, segments.line_end)
    lines = pa.table(
        {
            "doc": pa.array(segments.line_doc),
            "start": pa.array(segments.line_start),
            "end": pa.array(segments.line_end),
            "number": pa.array(segments.line_number),
            "kind": pa.array(segments.line_kind),
            "blank_before": pa.array(segments.blank_before),
            "visible": pa.array(visible),
            "rule": pa.array(found.rule),
            "support": pa.array(found.support),
            "anchor": pa.array(found.anchor),
            "weak": pa.array(found.hits),
            "extraction": pa.array(_labelled(segments, marks)),
            **{name: pa.array(column) for name, column in line_keys(folded, segments.line_kind == LIST).items()},
        }
    )
    return lines, pa.table(stated)


def neighbouring_pieces(batch: pa.Table) -> tuple[I64Array | None, I64Array | None]:
    """Lines of each document row's earlier pieces, and more than any rule's reach where later pieces follow; None if nothing is cut."""
    piece = numbers(batch["piece"])
    if not piece.any():
        return None, None
    follows = np.append(piece[1:] > 0, False)
    return numbers(batch["line_base"]).astype(np.int64), np.where(follows, 1 << 20, 0).astype(np.int64)


def _labelled(segments: Segments, marks: Marks) -> BoolArray:
    """(lines,) bool: lines that the reader labelled as outside the main content."""
    out = np.zeros(len(segments.line_start), np.bool_)
    chosen = marks.kind == MARK_KINDS.index("extraction")
    first = np.searchsorted(segments.line_end, marks.start[chosen], side="right")
    last = np.searchsorted(segments.line_start, marks.end[chosen], side="left")
    steps = np.zeros(len(out) + 1, np.int64)
    np.add.at(steps, np.minimum(first, last), 1)
    np.add.at(steps, last, -1)
    out[:] = np.cumsum(steps[:-1]) > 0
    return out


def _match(described: Described, segments: Segments, texts: Texts, settings: Settings) -> tuple[Sketch, pa.Table]:
    """What matching needs of each passage; the signed ones are those that are long and not rigid."""
    rigid = np.isin(segments.kind, RIGID)
    sketch = Sketcher(settings.matching).sketch(described.clean, ~rigid)
    digest = sketch.fold
    code = np.flatnonzero(segments.kind == CODE)
    if len(code):  # code compares by its own characters: case and symbols matter there
        digest[code] = utf8.visible_digest(texts.chars, segments.start[code], segments.end[code])
    table = pa.table(
        {
            "fold": pa.array(digest),
            "plain": pa.array(sketch.plain),
            "tokens": pa.array(sketch.tokens),
            "long": pa.array(sketch.long),
            "rigid": pa.array(rigid),
            "anchors": hash_lists(*sketch.anchors),
            "clean": described.unconverted,
        }
    )
    return sketch, table
