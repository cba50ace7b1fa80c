"""How many planted copies a snapshot found, by kind.

    python tests/bench/recall.py artifacts/latest DIR/truth.jsonl

*reported*: a row of `pairs` joins the two places, or both are in one cluster. *removed*: at least four fifths of the copy or of
the original is removed as a duplicate. A copy below the remove threshold, or inside a longer passage, is rightly only reported.
"""

from __future__ import annotations

import argparse
import json
from bisect import bisect_left
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq

Span = tuple[int, int, str]
DUPLICATES = ("exact_duplicate", "near_duplicate", "duplicate_block")


class Spans:
    """Spans of passages by document, sorted, for finding those that overlap a place."""

    def __init__(self) -> None:
        self._by_document: dict[tuple[str, int], list[Span]] = defaultdict(list)

    def add(self, folder: Path, columns: list[str], reasons: tuple[str, ...] | None = None) -> None:
        """Add the rows of a table; with `reasons` only those removed for one of them."""
        table = pq.read_table(folder, columns=columns)
        for row in table.to_pylist():
            if reasons is None or row["reason"] in reasons:
                self._by_document[row["source"], row["record"]].append((row["char_start"], row["char_end"], row["passage_id"]))

    def sort(self) -> Spans:
        for spans in self._by_document.values():
            spans.sort()
        return self

    def over(self, source: str, record: int, start: int, end: int) -> list[Span]:
        """Spans that overlap [start, end)."""
        spans = self._by_document.get((source, record), [])
        first = max(0, bisect_left(spans, (start, -1, "")) - 1)
        return [span for span in spans[first : bisect_left(spans, (end, -1, ""))] if span[1] > start]

    def share(self, source: str, record: int, start: int, end: int) -> float:
        """Share of [start, end) that they cover."""
        covered = sum(min(end, b) - max(start, a) for a, b, _ in self.over(source, record, start, end))
        return covered / max(end - start, 1)


def measure(snapshot: Path, truth: Path) -> dict[str, tuple[int, int, int]]:
    """By kind of copy: how many were planted, reported, removed."""
    columns = ["source", "record", "char_start", "char_end", "passage_id"]
    everywhere, removed = Spans(), Spans()
    everywhere.add(snapshot / "passages", columns)
    everywhere.add(snapshot / "removed", columns)
    removed.add(snapshot / "removed", [*columns, "reason"], DUPLICATES)
    everywhere.sort()
    removed.sort()
    linked: dict[str, set[str]] = defaultdict(set)
    for row in pq.read_table(snapshot / "pairs", columns=["passage_a", "passage_b"]).to_pylist():
        linked[row["passage_a"]].add(row["passage_b"])
        linked[row["passage_b"]].add(row["passage_a"])
    cluster = {
        row["passage_id"]: row["cluster_id"]
        for row in pq.read_table(snapshot / "clusters", columns=["passage_id", "cluster_id"]).to_pylist()
    }
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in truth.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        a, b = ((row[f"source_{s}"], row[f"record_{s}"], row[f"char_start_{s}"], row[f"char_end_{s}"]) for s in "ab")
        left, right = ({name for _, _, name in everywhere.over(*side)} for side in (a, b))
        together = {cluster[name] for name in left if name in cluster} & {cluster[name] for name in right if name in cluster}
        counts = found[row["kind"]]
        counts[0] += 1
        counts[1] += bool(together) or any(linked[name] & right for name in left)
        counts[2] += removed.share(*a) >= 0.8 or removed.share(*b) >= 0.8
    return {kind: (planted, reported, gone) for kind, (planted, reported, gone) in sorted(found.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("snapshot", type=Path, help="a published snapshot, such as artifacts/latest")
    parser.add_argument("truth", type=Path, help="truth.jsonl of the corpus it was made from")
    options = parser.parse_args()
    print("| kind of copy | planted | reported | removed |\n|---|---:|---:|---:|")
    for kind, (planted, reported, gone) in measure(options.snapshot.resolve(), options.truth).items():
        print(f"| {kind} | {planted} | {reported / planted:.3f} | {gone / planted:.3f} |")


if __name__ == "__main__":
    main()
