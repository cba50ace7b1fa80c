"""Measure the exact join (`dedup.method = "exact"`): time by threshold and size of the corpus, beside MinHash and LSH.

    python tests/bench/join.py --mb 2 10 40
    python tests/bench/join.py --input DIR --threshold 0.8 0.5

Lines long enough to be compared, one of each fold, as in peers.py. `join` begins with ready shingles, `LSH` with the text; both end
with verified pairs. LSH misses what no band holds and, of floods of alike lines, all pairs but a star (matching.bucket_cap). The best
of `--repeat` runs counts: a neighbour that fills the shared cache makes processor time longer, nothing makes it shorter.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from make_corpus import make
from peers import read_lines
from run import machine, pin

from tasks.join import exact_pairs
from tasks.near import near_duplicates
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.sketch import Sketcher
from tasks.store.text import Texts

SETTINGS = Matching()


def passages_of(lines: list[str]) -> Texts:
    """Lines long enough to be compared by similarity, one of each fold."""
    sketch = Sketcher(SETTINGS, anchors=False, signatures=False).sketch(Texts.of(lines), np.ones(len(lines), np.bool_))
    first = np.zeros(len(lines), np.bool_)
    first[np.unique(sketch.fold, return_index=True)[1]] = True
    return Texts.of([lines[row] for row in np.flatnonzero(first & sketch.long).tolist()])


def best(repeat: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """Least processor seconds of several runs, and what the last gave."""
    seconds, result = float("inf"), None
    for _ in range(repeat):
        start = time.process_time()
        result = work()
        seconds = min(seconds, time.process_time() - start)
    return seconds, result


def lsh(texts: Texts, threshold: float) -> Any:
    """Pairs as left << 32 | right by MinHash, bands and exact verification, with the settings' own shape of bands."""
    found = near_duplicates([texts.to_arrow()], SETTINGS, threshold)
    return (found.left.astype(np.uint64) << np.uint64(32)) | found.right.astype(np.uint64)


def rows_of(name: str, lines: list[str], options: argparse.Namespace) -> list[str]:
    """Lines of the table for one corpus."""
    texts = passages_of(lines)
    mb = sum(len(texts[row].encode()) for row in range(len(texts))) / 1e6
    shingling, (values, offsets) = best(options.repeat, lambda: shingle_sets(texts, SETTINGS))
    out = []
    for threshold in options.threshold:
        joining, (left, right, _) = best(options.repeat, lambda t=threshold: exact_pairs(values, offsets, t, options.cores))
        exact = (left.astype(np.uint64) << np.uint64(32)) | right.astype(np.uint64)
        hashing, found = best(options.repeat, lambda t=threshold: lsh(texts, t))
        recall = f"{len(np.intersect1d(exact, found, assume_unique=True)) / len(exact):.4f}" if len(exact) else "-"
        out.append(
            f"| {name} | {mb:.1f} | {len(texts):,} | {threshold} | {shingling:.2f} | {joining:.2f} | {mb / joining:.1f} "
            f"| {mb / (shingling + joining):.1f} | {len(exact):,} | {hashing:.2f} | {recall} |"
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=float, nargs="+", default=[2, 10], help="million bytes of generated corpora, ascending")
    parser.add_argument("--input", type=Path, help="take the lines of this folder's txt, md and jsonl files and generate nothing")
    parser.add_argument("--threshold", type=float, nargs="+", default=[0.8, 0.7, 0.5])
    parser.add_argument("--cores", type=int, default=1, help="cores, and threads of the join")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.pinned, options.workers = pin(options.cores), options.cores
    warm = Texts.of(["晨风吹过江岸的树林，船还没有开。"])
    exact_pairs(*shingle_sets(warm, SETTINGS), 0.5)
    lsh(warm, 0.5)
    print(f"`python tests/bench/join.py {' '.join(sys.argv[1:])}`\n\n{machine(options)}\n")
    print("| corpus | MB | passages | threshold | shingle, CPU s | join, CPU s | join, MB/s | with shingling, MB/s ", end="")
    print("| pairs | LSH, CPU s | LSH recall of pairs |\n|---|" + "---:|" * 10, flush=True)
    if options.input is not None:
        print("\n".join(rows_of(options.input.name, read_lines(options.input), options)))
        return
    for mb in options.mb:
        with tempfile.TemporaryDirectory(prefix="taosha-join-") as temporary:
            make(Path(temporary), mb, options.seed)
            lines = read_lines(Path(temporary) / "input")
        print("\n".join(rows_of(f"generated {mb:g} MB", lines, options)), flush=True)


if __name__ == "__main__":
    main()
