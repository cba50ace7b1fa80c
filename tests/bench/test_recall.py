"""Recall is computed from spans: what overlaps, what covers, and which passages a snapshot joins."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from recall import measure


def _write(folder: Path, name: str, rows: list[dict], columns: list[str]) -> None:
    (folder / name).mkdir(parents=True)
    kinds = {"record": pa.int64(), "char_start": pa.int64(), "char_end": pa.int64()}
    schema = pa.schema([(column, kinds.get(column, pa.string())) for column in columns])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / name / "part.parquet")


def _row(name: str, start: int, end: int, **more: str) -> dict:
    return {"passage_id": name, "source": "a.txt", "record": 0, "char_start": start, "char_end": end, **more}


def _copy(kind: str, a: tuple[int, int], b: tuple[int, int]) -> str:
    row = {"kind": kind}
    for side, (start, end) in (("a", a), ("b", b)):
        row |= {f"source_{side}": "a.txt", f"record_{side}": 0, f"char_start_{side}": start, f"char_end_{side}": end}
    return json.dumps(row)


def test_removed_clustered_reported_and_missed_copies_are_told_apart(tmp_path):
    columns = ["passage_id", "source", "record", "char_start", "char_end"]
    kept = [_row("p1", 0, 100), _row("p2", 102, 200), _row("p3", 202, 500)]
    gone = [_row("r1", 502, 590, reason="near_duplicate"), _row("r2", 600, 700, reason="boilerplate")]
    _write(tmp_path, "passages", kept, columns)
    _write(tmp_path, "removed", gone, [*columns, "reason"])
    _write(tmp_path, "pairs", [{"passage_a": "p2", "passage_b": "p3"}], ["passage_a", "passage_b"])
    _write(tmp_path, "clusters", [{"passage_id": p, "cluster_id": "c"} for p in ("p1", "r1")], ["passage_id", "cluster_id"])
    copies = [
        _copy("removed", (0, 100), (502, 600)),  # 88 of 98 characters
        _copy("contained", (102, 200), (300, 398)),
        _copy("missed", (0, 100), (102, 200)),
        _copy("rule", (0, 100), (600, 700)),  # gone, but not as a duplicate
    ]
    (tmp_path / "truth.jsonl").write_text("\n".join(copies))
    assert measure(tmp_path, tmp_path / "truth.jsonl") == {
        "contained": (1, 1, 0),
        "missed": (1, 0, 0),
        "removed": (1, 1, 1),
        "rule": (1, 0, 0),
    }
