"""The passages that every side gets: lines of a generated corpus or of a folder of real text, with edited copies planted."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from make_corpus import edited
from side import compared

#: Compared characters a passage needs; share of passages that get an edited copy; share of characters that the edits change.
SHORTEST, COPIED, EDITS = 20, 0.25, (0.002, 0.08)
_WARM_ROWS = 400


def lines_of(folder: Path) -> list[str]:
    """Lines of all txt and md files and of the strings in jsonl records, in order of paths, without blank ones."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".txt", ".md", ".jsonl"):
            text = path.read_text(encoding="utf-8", errors="replace")
            if path.suffix == ".jsonl":
                text = "\n".join(string for row in text.splitlines() if row.strip() for string in _strings(json.loads(row)))
            lines += [line.strip() for line in text.splitlines() if line.strip()]
    return lines


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def passages_of(lines: list[str], seed: int, megabytes: float | None = None) -> list[str]:
    """Passages in seeded order: lines that are long enough, and one edited copy of a quarter of them; at most so many million bytes."""
    rng = random.Random(seed)  # noqa: S311 (the point is that it is not secret)
    rows = [line for line in lines if len(compared(line)) >= SHORTEST]
    copies = [edited(line, rng.uniform(*EDITS), rng) for line in rows if rng.random() < COPIED]
    rows += [copy for copy in copies if len(compared(copy)) >= SHORTEST]
    rng.shuffle(rows)
    if megabytes is None:
        return rows
    room, taken = megabytes * 1e6, []
    for row in rows:
        room -= len(row.encode())
        if room < 0:
            break
        taken.append(row)
    return taken


def write(rows: list[str], folder: Path) -> tuple[Path, Path]:
    """Write the passages and the tiny file of the warm-up. Returns both paths; each has a folder of its own."""
    paths = []
    for name, part in (("data", rows), ("warm", rows[:_WARM_ROWS])):
        (folder / name).mkdir()
        path = folder / name / "passages.parquet"
        pq.write_table(pa.table({"text": pa.array(part, pa.string())}), path, compression="zstd", row_group_size=1 << 16)
        paths.append(path)
    return paths[0], paths[1]
