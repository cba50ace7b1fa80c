"""Which lines of one file the rules would remove, and why: for whoever writes a rule."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tasks.boilerplate import Lines, evidence, judge, load_rules
from tasks.errors import UsageError
from tasks.foldline import fold_lines
from tasks.ingest import discover, read_cell
from tasks.segment import Marks, segment
from tasks.settings import Settings
from tasks.store.stage import read_table
from tasks.store.text import Texts, to_str

#: Characters of a line that are shown.
_SHOWN = 100


def try_file(path: Path, settings: Settings, base: Path | None = None) -> Iterator[str]:
    """A line of text for each line that a rule takes: number, rule, reason, and how the line begins."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    rules = load_rules(settings.boilerplate, base)
    with tempfile.TemporaryDirectory() as folder:
        cell = read_cell(discover([path], settings.input), settings.input, Path(folder), settings.publish.part_bytes)
        for row in cell.sources:
            if row["error"]:
                yield f"{row['source']}: {row['status']}: {row['error']}"
        for part in cell.parts:
            yield from _lines(read_table(part.path), rules)


def _lines(batch: pa.Table, rules: object) -> Iterator[str]:
    texts = Texts.from_arrow(batch["text"])
    found = segment(texts, batch["format"].to_pylist(), Marks.from_batch(batch, texts))
    verdicts = judge(fold_lines(texts.chars, found.line_start, found.line_end), Lines.of(found), rules)  # type: ignore[arg-type]
    for line in range(len(verdicts.rule)):
        if verdicts.rule[line] < 0:
            continue
        text = to_str(texts.chars[found.line_start[line] : found.line_end[line]])
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_SHOWN])
        yield f"{found.line_number[line]:>6}  {rules.rules[verdicts.rule[line]].category}  {evidence(verdicts, line)}\n        {shown}"  # type: ignore[attr-defined]
