"""Whole runs for tests: make one, read its tables, and say what must hold of them without the pipeline's own code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from flows.run import execute

ROOT = Path(__file__).resolve().parents[1]
Row = dict[str, Any]


@dataclass
class Run:
    """One finished run. `code` is the exit code, `said` what went to stderr."""

    inputs: list[Path]
    output: Path
    code: int
    answer: dict[str, Any]
    said: str
    _tables: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def snapshot(self) -> Path:
        return Path(self.answer["snapshot"])

    def rows(self, table: str) -> list[Row]:
        """All rows of a table, in the order of its files."""
        if table not in self._tables:
            self._tables[table] = rows(self.snapshot, table)
        return self._tables[table]

    def spans(self, source: str, record: int = 0) -> dict[str, list[Row]]:
        """Rows of `passages` (kept) and `removed` of one document."""
        return {
            verdict: [row for row in self.rows(table) if row["source"] == source and row["record"] == record]
            for verdict, table in (("kept", "passages"), ("removed", "removed"))
        }

    @cached_property
    def sums(self) -> str:
        return sums(self.output)


def rows(snapshot: Path, table: str) -> list[Row]:
    return [row for path in sorted((snapshot / table).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def sums(output: Path) -> str:
    """SHA256SUMS of the latest snapshot: equal texts are equal data, byte for byte."""
    return (output / "latest" / "SHA256SUMS").read_text(encoding="utf-8")


def run(inputs: Iterable[Path], output: Path, config: Path | None = None, workers: int = 1) -> Run:
    """A run in this process, without Prefect. The repository's taosha.toml (all defaults) is not looked at."""
    inputs = list(inputs)
    if config is None:
        config = output.parent / "defaults.toml"
        config.write_bytes(b"")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = execute(inputs, output, config, direct=True, workers=workers, as_json=True)
    return Run(inputs, output, code, json.loads(out.getvalue()), err.getvalue())


def command(*args: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """`taosha ARGS` in a process of its own, as `python -m flows.cli`, with our code first on the path."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, args)],
        cwd=cwd, env=child_environment(**environment), capture_output=True, text=True, timeout=300, check=False, encoding="utf-8",
    )  # fmt: skip


def child_environment(**environment: str) -> dict[str, str]:
    """Ours, so that a child finds the same code and nothing of a person's Prefect set-up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment}


def visible(text: str) -> int:
    return sum(not char.isspace() for char in text)


def unproved(text: str, kept: list[Row], removed: list[Row]) -> str | None:
    """What breaks conservation or provenance in one document whose text is `text`; None when nothing does.

    Each row must hold, in `raw` (or `text`, where raw is null), the slice of the document that it names, and each character
    that is not white space must lie in exactly one row.
    """
    marks = bytearray(len(text))
    for row in [*kept, *removed]:
        start, end = row["char_start"], row["char_end"]
        raw = row["raw"] if row["raw"] is not None else row.get("text")
        if text[start:end] != raw:
            return f"{start}..{end} is not the slice that the source has there"
        for at in range(start, end):
            marks[at] += 1
        if row["line_start"] != text.count("\n", 0, start) + 1 or row["line_end"] != text.count("\n", 0, end) + 1:
            return f"{start}..{end} is not on lines {row['line_start']}..{row['line_end']}"
    for at, char in enumerate(text):
        if not char.isspace() and marks[at] != 1:
            return f"character {at} is in {marks[at]} rows"
    return None
