"""Documents to lines to passages, by layout: captions, dialogue, paragraphs, lines or Markdown.

Lines are the atoms that rules judge; passages are runs of lines (or pieces of one long line), never across a structural mark.
Every character that is not white space lies in exactly one passage; nothing joins across documents.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.kernels import cuts as cut_kernels
from tasks.kernels import layout as layout_kernels
from tasks.kernels import lines as line_kernels
from tasks.kernels import passages as passage_kernels
from tasks.kernels import speech as speech_kernels
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, spans_to_arrow

KINDS = ("prose", "heading", "list", "table", "code", "caption", "turn", "metadata")
LAYOUTS = ("captions", "dialogue", "paragraphs", "lines", "markdown")
#: What readers say about spans. cue: a, b = start and end in ms; heading: a = level. Position + 1 is the kernels' number.
MARK_KINDS = ("cue", "front_matter", "extraction", "heading", "list", "table", "code", "quote")

Records = npt.NDArray[np.void]  # rows of LINE, GROUP, HEAD or PASSAGE

_FORMATS = {
    "md": line_kernels.MARKDOWN_FORMAT,
    "markdown": line_kernels.MARKDOWN_FORMAT,
    "srt": line_kernels.CUES,
    "vtt": line_kernels.CUES,
    "html": line_kernels.HTML,
    "htm": line_kernels.HTML,
}
_CUE, _EXTRACTION = MARK_KINDS.index("cue"), MARK_KINDS.index("extraction")
_DIALOGUE, _CAPTIONS, _MARKDOWN = (LAYOUTS.index(layout) for layout in ("dialogue", "captions", "markdown"))


@dataclass(frozen=True)
class Marks:
    """What readers marked, one row a mark, in any order.

    doc : (n_marks,) int32; start, end : int64, buffer offsets, half-open; kind : uint8, index into MARK_KINDS; a, b : int64.
    """

    doc: I32Array
    start: I64Array
    end: I64Array
    kind: U8Array
    a: I64Array
    b: I64Array

    @staticmethod
    def none() -> Marks:
        """No marks: a plain text."""
        empty = np.zeros(0, np.int64)
        return Marks(np.zeros(0, np.int32), empty, empty, np.zeros(0, np.uint8), empty, empty)

    @staticmethod
    def from_batch(batch: pa.RecordBatch | pa.Table, texts: Texts) -> Marks:
        """Marks of the column `marks` (list<struct<start, end, kind, a, b>>, offsets in the row's text) of a part."""
        column: Any = pa.table({"marks": batch["marks"]})["marks"].combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # an empty table combines to no chunk
            column = pa.array([], batch.schema.field("marks").type)
        counts = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        doc = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        parts = column.flatten()
        base = texts.offsets[:-1][doc]
        kinds = parts.field("kind").dictionary_encode()
        codes = np.array([_kind_number(kind) for kind in kinds.dictionary.to_pylist()], np.uint8)
        kind = codes[kinds.indices.to_numpy(zero_copy_only=False)] if len(doc) else np.zeros(0, np.uint8)
        return Marks(
            doc, base + _integers(parts, "start"), base + _integers(parts, "end"), kind, _integers(parts, "a"), _integers(parts, "b")
        )

    def of(self, wanted: BoolArray) -> Marks:
        """The chosen marks, sorted by start, outer before inner."""
        order = np.lexsort((-self.end[wanted], self.start[wanted]))
        return Marks(*(getattr(self, field.name)[wanted][order] for field in fields(self)))


@dataclass(frozen=True)
class Segments:
    """Lines and passages of a part; both sorted by start; buffer offsets.

    line_doc, line_start, line_end, line_number, line_kind, blank_before : (n_lines,), every line with a visible character; start
        and end are trimmed, numbers are 1-based within the row's text.
    doc, start, end, kind : (n_passages,) int32, int64, int64, uint8 (KINDS).
    first_line, last_line : (n_passages,) int32, inclusive rows of lines; equal for the pieces of one long line.
    wrapped : (n_passages,) bool, hard-wrapped prose: newlines inside mean nothing.
    section, speaker : (n_passages,) int32, rows of `sections` and `speakers`, -1 for none.
    time_start_ms, time_end_ms : (n_passages,) int64, -1 unknown.
    doc_layout : (n_docs,) uint8 (LAYOUTS).
    """

    line_doc: I32Array
    line_start: I64Array
    line_end: I64Array
    line_number: I64Array
    line_kind: U8Array
    blank_before: BoolArray
    doc: I32Array
    start: I64Array
    end: I64Array
    kind: U8Array
    first_line: I32Array
    last_line: I32Array
    wrapped: BoolArray
    section: I32Array
    speaker: I32Array
    time_start_ms: I64Array
    time_end_ms: I64Array
    doc_layout: U8Array
    sections: list[str]
    speakers: list[str]

    def __len__(self) -> int:
        return len(self.doc)


def _kind_number(kind: str | None) -> int:
    if kind not in MARK_KINDS:
        raise ValueError(f"mark of kind {kind!r}: readers know only {', '.join(MARK_KINDS)}")
    return MARK_KINDS.index(kind)


def _column(records: Records, name: str) -> npt.NDArray[Any]:
    return np.ascontiguousarray(records[name])


def _integers(parts: pa.StructArray, name: str) -> I64Array:
    return np.asarray(parts.field(name).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _scan(texts: Texts, marks: Marks) -> tuple[Records, I64Array]:
    """Lines, with what the readers' marks say of them, and the first line of each document."""
    lines = np.empty(int(np.count_nonzero(texts.chars == 10)) + len(texts), line_kernels.LINE)
    firsts = line_kernels.scan(texts.chars, texts.offsets, lines)
    lines = lines[: firsts[-1]]
    structural = marks.of((marks.kind != _CUE) & (marks.kind != _EXTRACTION))
    block = layout_kernels.cover(lines, structural.start, structural.end)
    covered = block >= 0
    lines["block"] = block
    lines["mark"] = 0
    lines["mark"][covered] = structural.kind[block[covered]] + 1
    lines["mark_level"][covered] = np.clip(structural.a[block[covered]], 1, 6)
    aside = marks.of(marks.kind == _EXTRACTION)
    lines["aside"] = layout_kernels.cover(lines, aside.start, aside.end) >= 0
    return lines, firsts


def _lay_out(texts: Texts, lines: Records, firsts: I64Array, formats: list[str], marks: Marks) -> tuple[U8Array, I32Array, U8Array]:
    """Layout, wrap column and how much Markdown is read, for each document."""
    codes = np.array([_FORMATS.get(name, line_kernels.TEXT) for name in formats], np.uint8)
    codes[marks.doc[marks.kind == _CUE]] = line_kernels.CUES
    speech_kernels.listen(texts.chars, lines, firsts, codes == line_kernels.TEXT)
    layout, wrap = layout_kernels.lay_out(lines, firsts, codes)
    markdown = np.where(layout == _MARKDOWN, 2, 1).astype(np.uint8)
    markdown[(layout == _CAPTIONS) | (codes == line_kernels.HTML) | (layout == _DIALOGUE)] = 0
    return layout, wrap, markdown


def _group(texts: Texts, lines: Records, firsts: I64Array, layout: U8Array, wrap: I32Array, markdown: U8Array) -> tuple[Records, Records]:
    """Groups of lines that belong together, and headings."""
    groups, headings = np.empty(len(lines), passage_kernels.GROUP), np.empty(len(lines), passage_kernels.HEAD)
    count, heading_count = passage_kernels.form(texts.chars, lines, firsts, layout, wrap, markdown, groups, headings)
    return groups[:count], headings[:heading_count]


def _spread(texts: Texts, lines: Records, groups: Records) -> Records:
    """Passages of the groups. Every piece but the last of a line has at least LEAST code points, which bounds their number."""
    out = np.empty(len(lines) + len(texts.chars) // cut_kernels.LEAST + 1, cut_kernels.PASSAGE)
    return out[: cut_kernels.spread(texts.chars, lines, groups, out)]


def _sections(texts: Texts, headings: Records) -> list[str]:
    """Path of titles of each heading; a heading stands after the one above it, so one pass is enough."""
    titles: list[Any] = spans_to_arrow(texts.chars, _column(headings, "start"), _column(headings, "end")).to_pylist()
    paths: list[str] = []
    for title, parent in zip(titles, headings["parent"].tolist(), strict=True):
        paths.append(title if parent < 0 else f"{paths[parent]} > {title}")
    return paths


def _speakers(texts: Texts, lines: Records, at: I64Array) -> tuple[I32Array, list[str]]:
    """Index of each passage's speaker, and the names in order of appearance. at : (n_passages,) line of the label, -1 none."""
    known = at >= 0
    index = np.full(len(at), -1, np.int32)
    _, first, inverse = np.unique(lines["label"][at[known]], return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    index[known] = rank[inverse]
    rows = at[known][first[order]]
    names: list[Any] = spans_to_arrow(texts.chars, lines["start"][rows], lines["label_end"][rows]).to_pylist()
    return index, [name.strip() for name in names]


def segment(texts: Texts, formats: list[str], marks: Marks) -> Segments:
    """Lines and passages of a part.

    texts   : the documents, lines ended by \\n; formats : (n_docs,) their formats (txt, md, html, srt, vtt, jsonl ...).
    marks   : what the readers marked.
    returns : Segments; the same for a document whatever stands beside it in the part.

    >>> found = segment(Texts.of(["# 淘沙\\n\\n千淘万漉虽辛苦。"]), ["md"], Marks.none())
    >>> [KINDS[kind] for kind in found.kind], found.sections
    (['heading', 'prose'], ['淘沙'])
    """
    lines, firsts = _scan(texts, marks)
    layout, wrap, markdown = _lay_out(texts, lines, firsts, formats, marks)
    groups, headings = _group(texts, lines, firsts, layout, wrap, markdown)
    out = _spread(texts, lines, groups)
    speaker, speakers = _speakers(texts, lines, groups["speaker"][out["group"]])
    start, end = _column(out, "start"), _column(out, "end")
    cues = marks.of(marks.kind == _CUE)
    begin, finish = cut_kernels.times(start, end, cues.start, cues.end, cues.a, cues.b)
    return Segments(
        line_doc=_column(lines, "doc"),
        line_start=_column(lines, "start"),
        line_end=_column(lines, "end"),
        line_number=_column(lines, "number"),
        line_kind=np.repeat(groups["kind"], groups["last_line"] - groups["first_line"] + 1),
        blank_before=_column(lines, "blank_before"),
        doc=lines["doc"][out["first_line"]],
        start=start,
        end=end,
        kind=groups["kind"][out["group"]],
        first_line=_column(out, "first_line"),
        last_line=_column(out, "last_line"),
        wrapped=_column(out, "wrapped"),
        section=groups["section"][out["group"]],
        speaker=speaker,
        time_start_ms=begin,
        time_end_ms=finish,
        doc_layout=layout,
        sections=_sections(texts, headings),
        speakers=speakers,
    )
