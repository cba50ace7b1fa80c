"""Does the quality score notice text made worse? Area under the curve, sound documents against the same ones corrupted.

    python tests/bench/quality_signals.py SNAPSHOT [--documents 200] [--match PART-OF-SOURCE-NAME]

SNAPSHOT is one of taosha's. Models and scale are fitted to its kept passages, cross-fitted as in a run; running text of documents of at
least 600 characters is then corrupted at 1, 5 and 20 % and scored by the same models and scale. The unit is the document: its score is
the mean of its passages by characters. Pairs that the corruption left unchanged are left out.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from corruption import CORRUPTIONS, area  # noqa: E402

from tasks.language_model import train  # noqa: E402
from tasks.perplexity import Judge, Scale, folds_of  # noqa: E402
from tasks.quality import RUNNING, score, tempered  # noqa: E402
from tasks.segment import KINDS  # noqa: E402
from tasks.signals import measure  # noqa: E402
from tasks.store.text import Texts  # noqa: E402

MIN_CHARS = 600


@dataclass(frozen=True)
class Bench:
    """Passages of a snapshot and what scores them."""

    table: pa.Table
    kinds: npt.NDArray[np.uint8]
    folds: npt.NDArray[np.int64]
    judge: Judge

    def quality(self, rows: npt.NDArray[np.int64], texts: list[str]) -> npt.NDArray[np.float32]:
        """Quality of texts that stand in the place of the rows."""
        column = Texts.of(texts)
        bits, shocks = self.judge.score(column, self.folds[rows])
        kinds = self.kinds[rows]
        above = self.judge.scale.relative(bits, kinds, self.table["lang"].combine_chunks().take(pa.array(rows)), column.lengths)
        return tempered(score(measure(column, kinds), kinds), above, shocks, kinds)


def fitted(snapshot: Path) -> Bench:
    """Models of two folds and the scale, from the kept passages."""
    table = pq.read_table(snapshot / "passages", columns=["text", "kind", "lang", "doc_id", "source"]).combine_chunks()
    folds = folds_of(table["doc_id"], 2)
    texts = Texts.from_arrow(table["text"])
    kinds = np.array([KINDS.index(kind) for kind in table["kind"].to_pylist()], np.uint8)
    judge = Judge([train(texts, np.flatnonzero(folds != fold)) for fold in (0, 1)], Scale({}))
    bits, _ = judge.score(texts, folds)
    scale = Scale.of(bits, kinds, table["lang"].combine_chunks(), texts.lengths)
    return Bench(table, kinds, folds, Judge(judge.models, scale))


def chosen(bench: Bench, documents: int, match: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of running text of some documents, and the number of each row's document."""
    running = np.isin(bench.table["kind"].to_numpy(zero_copy_only=False), sorted(RUNNING))
    named = pc.match_substring(bench.table["source"], match).to_numpy(zero_copy_only=False)
    lengths = pc.utf8_length(bench.table["text"]).to_numpy()
    rows = np.flatnonzero(running & named & (lengths >= 20))
    _, doc = np.unique(bench.table["doc_id"].to_numpy(zero_copy_only=False)[rows], return_inverse=True)
    long = np.flatnonzero(np.bincount(doc, lengths[rows]) >= MIN_CHARS)
    kept = np.random.default_rng(1).permutation(long)[:documents]
    inside = np.isin(doc, kept)
    return rows[inside], np.unique(doc[inside], return_inverse=True)[1]


def by_document(quality: npt.NDArray[Any], doc: npt.NDArray[np.int64], texts: list[str]) -> npt.NDArray[np.float64]:
    """Mean quality of each document, by characters."""
    weight = np.array([len(text) for text in texts], np.float64)
    return np.bincount(doc, weight * quality) / np.bincount(doc, weight)


def main() -> None:
    """Print a row a corruption."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--match", default="")
    asked = parser.parse_args()
    bench = fitted(asked.snapshot)
    rows, doc = chosen(bench, asked.documents, asked.match)
    sound = [bench.table["text"][i].as_py() for i in rows.tolist()]
    passages = bench.quality(rows, sound)
    good = by_document(passages, doc, sound)
    under = ", ".join(f"{bound}: {(passages < bound).mean():.2%}" for bound in (0.02, 0.05, 0.1, 0.2))
    print(f"{len(good)} documents, {len(rows):,} passages, {sum(map(len, sound)):,} characters; mean quality {good.mean():.3f}")
    print(f"sound passages under a minimum of {under}")
    print("| corruption | share | area | mean quality | documents that fell |\n|---|---:|---:|---:|---:|")
    rng = np.random.default_rng(2)
    for name, corrupt in CORRUPTIONS.items():
        for share in (0.01, 0.05, 0.2):
            texts = [corrupt(text, share, rng) for text in sound]
            changed = np.bincount(doc, [a != b for a, b in zip(sound, texts, strict=True)]) > 0
            bad = by_document(bench.quality(rows, texts), doc, texts)
            fell = (bad < good)[changed].mean()
            print(f"| {name} | {share:.0%} | {area(good[changed], bad[changed]):.3f} | {bad.mean():.3f} | {fell:.1%} |")


if __name__ == "__main__":
    main()
