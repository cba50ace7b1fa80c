"""Measure near-duplicate search beside its peers, on the same passages in one process: time, and recall against brute force.

    python tests/bench/peers.py --mb 10
    python tests/bench/peers.py --input DIR --sample 4000

Peers work on Python lists of shingles: they get ours (8 bytes each), made beforehand and not charged to them, while our side
starts from text. Everyone looks for pairs of Jaccard similarity 0.7 and up with 128 permutations. A peer that is not installed
is left out, saying so. Recall of passages counts those with a true neighbour for which some true neighbour was found; of pairs,
every pair: real text has lines of which two thousand are alike, two million pairs that we link as a star (matching.bucket_cap).

To add a peer: make an environment of its own, `pip install -e . rensa`, and run this script there.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from make_corpus import make
from run import machine, pin

from tasks.kernels import match as kernel
from tasks.match import buckets, grouped
from tasks.minhash import band_keys, sign
from tasks.settings import Matching
from tasks.shingles import fold, shingle_sets
from tasks.store.text import Texts
from tasks.store.unique import unique

SETTINGS = Matching()
THRESHOLD = SETTINGS.remove_threshold
PERMUTATIONS = SETTINGS.permutations

#: Pairs as left << 32 | right, left < right, sorted and distinct.
Pairs = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Found:
    """Pairs that one side found, and its processor seconds by stage."""

    pairs: Pairs
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


@dataclass(frozen=True)
class Passages:
    """What every side gets: texts for ours, and the distinct shingles of each as bytes for the others. None is empty."""

    texts: Texts
    shingles: list[list[bytes]]
    megabytes: float


class Clock:
    """Processor time between calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._at = time.process_time()

    def lap(self, name: str) -> None:
        now = time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._at
        self._at = now


def encode(left: Any, right: Any) -> Pairs:
    """Distinct pairs whichever side comes first; a passage with itself is none."""
    a, b = np.minimum(left, right).astype(np.uint64), np.maximum(left, right).astype(np.uint64)
    return np.unique((a << np.uint64(32) | b)[a != b])


def members(pairs: Pairs) -> Pairs:
    """Passages that stand in some pair."""
    return np.unique(np.concatenate([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)]))


# --- Truth ----------------------------------------------------------------------------------------------------------------


def brute_force(passages: Passages) -> Pairs:
    """Every pair with similarity at or above the threshold, by a sparse product: no hash of ours beyond the shingles' own."""
    from scipy.sparse import csr_array

    sizes = np.array([len(one) for one in passages.shingles])
    _, ids = np.unique(np.array([s for one in passages.shingles for s in one], "S8").view("<u8"), return_inverse=True)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array((np.ones(len(ids), np.int32), ids, indptr), shape=(len(sizes), int(ids.max()) + 1))
    common = (matrix @ matrix.T).tocoo()
    union = sizes[common.row] + sizes[common.col] - common.data
    good = common.data >= THRESHOLD * union - 1e-9
    return encode(common.row[good], common.col[good])


# --- Sides ----------------------------------------------------------------------------------------------------------------


def ours(passages: Passages) -> Found:
    """Fold, shingle, sign, bands, candidates, exact verification: what `annotate` and `match` do, without their files."""
    clock = Clock()
    values, offsets = fold(passages.texts, SETTINGS).shingles
    clock.lap("fold and shingle")
    rows = np.arange(len(passages.texts), dtype=np.int64)
    signatures = sign(values, offsets, rows, SETTINGS)
    clock.lap("sign")
    keys = band_keys(signatures, SETTINGS)
    sizes = np.diff(offsets).astype(np.int32)
    candidates = []
    for band in keys:
        candidates.append(buckets(*grouped(band, rows), sizes, SETTINGS.bucket_cap, THRESHOLD)[0])
    found = unique(np.concatenate(candidates))
    clock.lap("bands")
    left, right = (found >> np.uint64(32)).astype(np.int64), (found & np.uint64(0xFFFFFFFF)).astype(np.int64)
    floor = np.ceil(THRESHOLD / (1 + THRESHOLD) * (sizes[left] + sizes[right]) - 1e-9).astype(np.int32)
    common = kernel.intersections(values, offsets, kernel.bitmaps(values, offsets), left, right, floor)
    pairs = encode(left[common >= floor], right[common >= floor])
    clock.lap("verify")
    return Found(pairs, clock.seconds)


def datasketch(passages: Passages, **minhash: Any) -> Found:
    """MinHash.bulk and MinHashLSH with the shape they choose for 0.7; pairs whose estimate reaches the threshold."""
    from datasketch import MinHash, MinHashLSH

    clock = Clock()
    signatures = MinHash.bulk(passages.shingles, num_perm=PERMUTATIONS, seed=SETTINGS.seed, **minhash)
    clock.lap("sign")
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    with index.insertion_session() as session:
        for row, signature in enumerate(signatures):
            session.insert(row, signature)
    clock.lap("insert")
    found = [(row, other) for row, signature in enumerate(signatures) for other in index.query(signature) if other > row]
    clock.lap("query")
    good = [(a, b) for a, b in found if signatures[a].jaccard(signatures[b]) >= THRESHOLD]
    clock.lap("estimate")
    return Found(_pairs(good), clock.seconds)


def datasketch_fast(passages: Passages) -> Found:
    """The same with the cheapest hash function there is: the shingle is a hash already. Its signatures are ours, bit for bit."""
    return datasketch(passages, hashfunc=lambda shingle: int.from_bytes(shingle[4:], "little"))


def rensa(passages: Passages) -> Found:
    """RMinHash and RMinHashLSH in the 32 x 4 shape that we use; pairs whose estimate reaches the threshold."""
    from rensa import RMinHash, RMinHashLSH

    words = [[shingle.hex() for shingle in one] for one in passages.shingles]  # it takes str only; not charged to it
    clock = Clock()
    signatures = []
    for one in words:
        signature = RMinHash(num_perm=PERMUTATIONS, seed=SETTINGS.seed)
        signature.update(one)
        signatures.append(signature)
    clock.lap("sign")
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=SETTINGS.bands)
    for row, signature in enumerate(signatures):
        index.insert(row, signature)
    clock.lap("insert")
    found = [(row, other) for row, signature in enumerate(signatures) for other in index.query(signature) if other > row]
    clock.lap("query")
    good = [(a, b) for a, b in found if signatures[a].jaccard(signatures[b]) >= THRESHOLD]
    clock.lap("estimate")
    return Found(_pairs(good), clock.seconds)


def _pairs(found: list[tuple[int, int]]) -> Pairs:
    rows = np.array(found, np.int64).reshape(-1, 2)
    return encode(rows[:, 0], rows[:, 1])


#: Name, package it needs, and what runs it.
SIDES: list[tuple[str, str, Callable[[Passages], Found]]] = [
    ("taosha, from text", "taosha", ours),
    ("datasketch, stock", "datasketch", datasketch),
    ("datasketch, our hash", "datasketch", datasketch_fast),
    ("rensa", "rensa", rensa),
]


# --- Passages -------------------------------------------------------------------------------------------------------------


def passages_of(lines: list[str], limit: int | None = None) -> Passages:
    """Lines long enough to be compared by similarity, the first `limit` of them.

    One of each fold: equal ones need a hash and no MinHash, in every tool, and a thousand copies would be half a million pairs.
    """
    texts = Texts.of(lines)
    folded = fold(texts, SETTINGS)
    long = (folded.tokens >= SETTINGS.min_tokens) & (np.diff(folded.shingles[1]) >= SETTINGS.min_shingles)
    long[np.setdiff1d(np.arange(len(lines)), np.unique(folded.fold, return_index=True)[1])] = False
    chosen = [lines[row] for row in np.flatnonzero(long)[:limit].tolist()]
    values, offsets = shingle_sets(Texts.of(chosen), SETTINGS)
    data = values.astype("<u8").tobytes()
    bounds = (offsets * 8).tolist()
    shingles = [[data[i : i + 8] for i in range(a, b, 8)] for a, b in pairwise(bounds)]
    return Passages(Texts.of(chosen), shingles, sum(len(line.encode()) for line in chosen) / 1e6)


def read_lines(folder: Path) -> list[str]:
    """Lines of all text files, and the texts of JSONL records, in order of paths."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".txt", ".md", ".jsonl"):
            text = path.read_text(encoding="utf-8", errors="replace")
            lines += [line.strip() for line in text.replace("\\n", "\n").splitlines() if line.strip()]
    return lines


# --- The page -------------------------------------------------------------------------------------------------------------


def page(passages: Passages, sample: Passages, truth: Pairs, results: dict[str, tuple[Found, Found]], missing: list[str]) -> str:
    """Markdown: one row a side."""
    lines = [
        f"{len(passages.texts):,} passages, {passages.megabytes:.1f} MB; recall and false pairs on a sample of {len(sample.texts):,}, "
        f"in which {len(truth):,} pairs have an exact similarity of {THRESHOLD} or more.",
        "",
        "| side | CPU s | MB/s | pairs | recall of passages | recall of pairs | false pairs | stages, s |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, (whole, part) in results.items():
        right = np.intersect1d(part.pairs, truth, assume_unique=True)
        recall = f"{len(members(right)) / len(members(truth)):.4f} | {len(right) / len(truth):.4f}" if len(truth) else "- | -"
        stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in whole.seconds.items())
        lines.append(
            f"| {name} | {whole.total:.2f} | {passages.megabytes / max(whole.total, 1e-9):.1f} | {len(whole.pairs):,} "
            f"| {recall} | {len(part.pairs) - len(right):,} | {stages} |"
        )
    return "\n".join([*lines, *(f"\n{line}" for line in missing)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=float, default=10, help="million bytes of generated corpus")
    parser.add_argument("--input", type=Path, help="take the lines of this folder's txt, md and jsonl files and generate nothing")
    parser.add_argument("--sample", type=int, default=8000, help="passages that brute force looks at")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.pinned, options.workers, options.repeat = pin(1), 1, 1
    with tempfile.TemporaryDirectory(prefix="taosha-peers-") as temporary:
        if options.input is None:
            make(Path(temporary), options.mb, options.seed)
        lines = read_lines(options.input or Path(temporary) / "input")
    passages = passages_of(lines)
    sample = passages_of(lines, options.sample)
    truth = brute_force(sample)
    results, missing = {}, []
    for name, package, side in SIDES:
        if importlib.util.find_spec(package if package != "taosha" else "tasks") is None:
            missing.append(f"{name} is left out: `pip install {package}` in an environment of its own that has taosha too.")
            continue
        print(name, file=sys.stderr, flush=True)
        part = side(sample)  # first, so that kernels are compiled and tables loaded before the run that is measured
        label = name if package == "taosha" else f"{name} ({version(package)})"
        results[label] = (side(passages), part)
    print(f"`python tests/bench/peers.py {' '.join(sys.argv[1:])}`\n\n{machine(options)}\n")
    print(page(passages, sample, truth, results, missing))


if __name__ == "__main__":
    main()
