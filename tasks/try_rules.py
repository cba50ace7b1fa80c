"""Which lines of a file or folder the rules would remove, and why, in their context: for whoever writes a rule."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.annotate import neighbouring_pieces
from tasks.boilerplate import Lines, LineVerdicts, evidence, judge, load_rules
from tasks.errors import UsageError
from tasks.foldline import fold_lines
from tasks.ingest import discover, read_cell
from tasks.provenance import read_lines
from tasks.rulepack import RuleSet
from tasks.segment import Marks, Segments, segment
from tasks.settings import Settings
from tasks.store.stage import numbers, read_table
from tasks.store.text import Texts, to_str

#: Characters of a line that are shown.
SHOWN = 100
#: Lines shown above and below what goes.
CONTEXT = 1


@dataclass(frozen=True)
class Judged:
    """The lines of one part of the sources and what the rules say of them."""

    batch: pa.Table
    texts: Texts
    segments: Segments
    verdicts: LineVerdicts
    stated: dict[str, pa.Array]

    def text(self, line: int) -> str:
        """A line as the source has it, trimmed."""
        return to_str(self.texts.chars[self.segments.line_start[line] : self.segments.line_end[line]])


def try_rules(path: Path, settings: Settings, base: Path | None = None) -> Iterator[dict[str, Any]]:
    """One record a document of which rules take something, in order of the sources, and one a source that cannot be read.

    A record has source, record, stated (provenance: what the reader found and lines say), removed_chars, chars (both without white space) and lines: number, text, and rule, category
    and evidence, which are null for a line that stays and stands beside one that goes. One of a source that cannot be read
    has source, status and error. Raises UsageError for a missing path.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    rules = load_rules(settings.boilerplate, base)
    with tempfile.TemporaryDirectory() as folder:
        cell = read_cell(discover([path], settings.input), settings.input, Path(folder), settings.publish.part_bytes)
        for row in cell.sources:
            if row["error"]:
                yield {name: row[name] for name in ("source", "status", "error")}
        for part in cell.parts:
            yield from _documents(judge_part(read_table(part.path), rules))


def judge_part(batch: pa.Table, rules: RuleSet) -> Judged:
    """The verdicts of the rules on the documents of a part."""
    texts = Texts.from_arrow(batch["text"])
    found = segment(texts, batch["format"].to_pylist(), Marks.from_batch(batch, texts))
    lines = Lines.of(found, *neighbouring_pieces(batch))
    folded = fold_lines(texts.chars, found.line_start, found.line_end)
    stated, verdicts = read_lines(batch, texts, found, folded, judge(folded, lines, rules))
    return Judged(batch, texts, found, verdicts, stated)


def as_text(record: dict[str, Any]) -> str:
    """A record of `try_rules` for a terminal: nothing of the source's text acts on it."""
    if "error" in record:
        return f"{_plain(record['source'])}: {record['status']}: {_plain(record['error'])}"
    head = f"{_plain(record['source'])}" + (f" (record {record['record']})" if record["record"] else "")
    share = record["removed_chars"] / max(record["chars"], 1)
    out = [f"{head}: {record['removed_chars']:,} of {record['chars']:,} characters ({share:.1%})"]
    out += [f"{'':>6}    {name}: {_plain(said)}" for name, said in record["stated"].items()]
    last = None
    for line in record["lines"]:
        if last is not None and line["number"] > last + 1:
            out.append(f"{'':>6}    ...")
        last = line["number"]
        mark = "-" if line["rule"] else " "
        out.append(f"{line['number']:>6}  {mark} {_plain(line['text'][:SHOWN])}")
        if line["rule"]:
            out.append(f"{'':>6}      {line['category']}: {line['evidence']}")
    return "\n".join(out)


def to_json(record: dict[str, Any]) -> str:
    """A record on one line of JSON; what does not print stands as an escape.

    >>> to_json({"text": "甲\\x1b"})
    '{"text": "甲\\\\u001b"}'
    """
    line = json.dumps(record, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def _documents(judged: Judged) -> Iterator[dict[str, Any]]:
    """Records of the documents of a part of which something goes."""
    doc, rule = judged.segments.line_doc, judged.verdicts.rule
    bounds = np.searchsorted(doc, np.arange(len(judged.batch) + 1))
    base = numbers(judged.batch["line_base"])
    places = judged.batch.select(["source", "record"]).to_pylist()
    for number in np.unique(doc[rule >= 0]).tolist():
        first, last = int(bounds[number]), int(bounds[number + 1])
        sizes = [sum(not c.isspace() for c in judged.text(line)) for line in range(first, last)]
        taken = rule[first:last] >= 0
        yield {
            **places[number],
            "stated": {name: str(said) for name, column in judged.stated.items() if (said := column[number].as_py()) is not None},
            "removed_chars": int(np.sum(sizes, where=taken)),
            "chars": sum(sizes),
            "lines": [_line(judged, line, int(base[number])) for line in _shown(taken, first)],
        }


def _shown(taken: Any, first: int) -> list[int]:
    """Lines that go and those beside them."""
    near = np.zeros(len(taken), bool)
    for step in range(-CONTEXT, CONTEXT + 1):
        moved = np.roll(taken, step)
        moved[: max(step, 0)] = False
        moved[len(moved) + min(step, 0) :] = False
        near |= moved
    return [int(at) + first for at in np.flatnonzero(near)]


def _line(judged: Judged, line: int, base: int) -> dict[str, Any]:
    taken = judged.verdicts.rule[line] >= 0
    rule = judged.verdicts.rules.rules[judged.verdicts.rule[line]] if taken else None
    return {
        "number": int(judged.segments.line_number[line]) + base,
        "text": judged.text(line),
        "rule": rule.id if rule else None,
        "category": rule.category if rule else None,
        "evidence": evidence(judged.verdicts, line) or None,
    }


def _plain(text: str) -> str:
    """Text without what a terminal would obey: controls, escapes, marks of direction."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
