"""Measure near-duplicate search beside its peers, by written rules: see RULES.md.

    python tests/bench/peers.py --mb 10
    python tests/bench/peers.py --input DIR --only taosha rensa
    python tests/bench/peers.py --mixture 4 --unjudged --only taosha rensa   (43 MB; 16: 171 MB)

Each tool runs in a process and an environment of its own, from one Parquet file of passages to pairs or clusters; its answer is
compared with the exact one. The result is Markdown on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from make_corpus import make
from mixture import UNIT, passages
from run import machine, pin

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))  # side files run alone, in environments that know no package of ours

import peer_data  # noqa: E402
from peer_environments import OURS, SIDES, NotInstalledError, Side, cache, python_of  # noqa: E402
from peer_truth import Quality, Truth, brute_force, classes, clusters, exact_pairs, judge  # noqa: E402
from side import CPU_LIMIT, THRESHOLD, Answer  # noqa: E402

#: What our closed row must reach before its speed counts.
TARGET_RECALL, TARGET_WRONG = 0.999, 0
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON", "NUMEXPR")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in THREADS} | {
    "POLARS_MAX_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True)
class Measured:
    """The cheapest of the repeats. `record` is what the side wrote about itself (see peers/side.py)."""

    side: Side
    record: dict[str, Any]
    quality: Quality | None

    @property
    def cpu(self) -> float:
        return float(sum(self.record["seconds"].values()))

    @property
    def without_text(self) -> float | None:
        """Seconds without reading and normalising; None when the tool does not tell them apart."""
        seconds = self.record["seconds"]
        return self.cpu - seconds["read"] - seconds["normalise"] if {"read", "normalise"} <= seconds.keys() else None


@dataclass(frozen=True)
class Data:
    """The passages of this run: where they lie, how many they are, what they weigh, what is true of them (if anyone asked)."""

    path: Path
    warm: Path
    count: int
    megabytes: float
    truth: Truth | None
    checked: str


def measure(side: Side, python: Path, data: Data, scratch: Path, repeat: int, limit: int) -> Measured:
    """Run a side `repeat` times, each in a fresh process. Raises CalledProcessError."""
    output = scratch / "answer.npz"
    environment = (
        {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | ONE_THREAD
        | {"HF_HOME": str(scratch / "hub"), CPU_LIMIT: str(limit)}
    )
    if side.environment == "":
        environment["PYTHONPATH"] = str(HERE.parents[1])
    command = [str(python), str(HERE / "peers" / side.script), str(data.path), str(output), str(data.warm)]
    best: tuple[float, dict[str, Any], Answer] | None = None
    for number in range(repeat):
        print(f"{side.name}: run {number + 1} of {repeat}", file=sys.stderr, flush=True)
        subprocess.run([*command, *filter(None, [side.variant])], check=True, env=environment, cwd=scratch, capture_output=True, text=True)
        record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
        cpu = sum(record["seconds"].values())
        if best is None or cpu < best[0]:
            with np.load(output) as arrays:
                best = cpu, record, Answer(**arrays)
    if best is None:
        raise ValueError("--repeat must be 1 or more")
    return Measured(side, best[1], None if data.truth is None else judge(data.truth, best[2]))


def ending(side: Side, error: subprocess.CalledProcessError, limit: int) -> str:
    """Why a side has no row."""
    if error.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"`{side.name}` was ended after {limit} processor seconds, or for want of memory."
    return f"`{side.name}` ended with {error.returncode}: {(error.stderr.strip().splitlines() or ['no message'])[-1][:200]}"


def prepare(options: argparse.Namespace, scratch: Path) -> Data:
    """Write the passages, find the exact answer, and check it by brute force on a sample."""
    rows = _rows(options, scratch)
    path, warm = peer_data.write(rows, scratch)
    megabytes = sum(len(row.encode()) for row in rows) / 1e6
    if options.unjudged:
        return Data(path, warm, len(rows), megabytes, None, "")
    print(f"{len(rows):,} passages: looking for the exact answer", file=sys.stderr, flush=True)
    of, texts = classes(rows)
    truth = Truth(of, exact_pairs(texts, THRESHOLD))
    sample = texts[: options.sample]
    inside = truth.pairs[(truth.pairs < len(sample)).all(axis=1)]
    if not np.array_equal(inside, brute_force(sample, THRESHOLD)):
        sys.exit("the exact join and brute force disagree on the sample: no figure of this run is worth anything")
    checked = f"{len(inside):,} of them among the first {len(sample):,} texts, where brute force finds the same"
    return Data(path, warm, len(rows), megabytes, truth, checked)


def _rows(options: argparse.Namespace, scratch: Path) -> list[str]:
    """The passages: of the mixture, of a folder, or generated."""
    if options.mixture:
        return passages(UNIT * options.mixture, options.seed)
    if options.input is None:
        make(scratch / "corpus", options.mb, options.seed)
    lines = peer_data.lines_of(options.input or scratch / "corpus" / "input")
    return peer_data.passages_of(lines, options.seed, None if options.input else options.mb)


# --- The page -------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "side", "CPU s", "MB/s", "times ours", "times ours, text free", "start-up s", "peak RSS MB",
    "pair recall", "as pairs", "removed", "wrong", "missed", "largest cluster",
)  # fmt: skip


def meets_target(quality: Quality) -> bool:
    """Fast and wrong does not count."""
    return quality.recall >= TARGET_RECALL and quality.wrong <= TARGET_WRONG


def page(data: Data, results: list[Measured], left_out: list[str]) -> str:
    """Markdown: a row a side, then its stages and versions."""
    truth, ours = data.truth, next((result for result in results if result.side == OURS), None)
    counts = ours is not None and (ours.quality is None or meets_target(ours.quality))
    about = f"{data.count:,} passages, {data.megabytes:.1f} MB"
    if truth is not None:
        about += (
            f", {truth.texts:,} distinct; {len(truth.pairs):,} pairs of distinct texts have an exact similarity of {THRESHOLD} or more "
            f"({data.checked})"
        )
    lines = [
        f"{about}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|" + "---:|" * (len(COLUMNS) - 1),
        *(row(result, data.megabytes, ours if counts else None) for result in results),
        *([] if truth is None else [reference(truth)]),
        "",
    ]
    if truth is None:
        lines.append("Not judged: the exact answer was not computed at this size, so these seconds show growth and prove nothing.")
    elif ours is not None:
        lines.append(
            f"Target for our closed row (pair recall >= {TARGET_RECALL}, {TARGET_WRONG} wrong): {'met' if counts else 'NOT met, so no speed of ours counts'}."
        )
    lines += ["", *(details(result) for result in results), *(f"- Left out: {reason}" for reason in left_out)]
    return "\n".join(lines)


def row(result: Measured, megabytes: float, ours: Measured | None) -> str:
    """One side."""
    record, quality = result.record, result.quality
    times, free = "", ""
    if ours is not None and result.side.closed:
        times = f"{result.cpu / ours.cpu:.1f}"
        free = "-" if result.without_text is None else f"{result.without_text / ours.cpu:.1f}"
    cells = [
        result.side.name, f"{result.cpu:.2f}", f"{megabytes / max(result.cpu, 1e-9):.1f}", times, free,
        f"{record['apart']['start-up']:.1f}", f"{record['peak_mb']:.0f} ({record['start_mb']:.0f})",
        *_quality(quality, result.side.closed),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _quality(quality: Quality | None, closed: bool) -> list[str]:
    if quality is None:
        return ["-"] * 6
    if not closed:  # another similarity and threshold: its answer cannot be held against this truth
        return ["-", "-", f"{quality.removed:,}", "-", "-", f"{quality.largest:,}"]
    returned = "-" if quality.returned is None else f"{quality.returned:.4f}"
    return [
        f"{quality.recall:.4f}",
        returned,
        *(f"{count:,}" for count in (quality.removed, quality.wrong, quality.missed, quality.largest)),
    ]


def reference(truth: Truth) -> str:
    """The exact clusters with one row of each kept: what is wrong here is chaining alone."""
    first = np.unique(truth.of, return_index=True)[1]
    same = np.column_stack([first[truth.of], np.arange(len(truth.of))])
    labels = clusters(Answer(pairs=np.concatenate([first[truth.pairs], same])), len(truth.of))
    cells = ["*exact clusters, first row kept*", *[""] * 6, *_quality(judge(truth, Answer(labels=labels)), True)]
    return f"| {' | '.join(cells)} |"


def details(result: Measured) -> str:
    """Stages and versions of a side."""
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.record["seconds"].items())
    apart = ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.record["apart"].items())
    versions = ", ".join(f"{name} {number}" for name, number in result.record["versions"].items())
    return f"- {result.side.name}: {stages} s; not counted: {apart} s. {versions}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=float, default=10, help="million bytes of generated passages")
    parser.add_argument("--input", type=Path, help="take the lines of this folder's txt, md and jsonl files and generate nothing")
    parser.add_argument("--mixture", type=int, help="take so many times 54,775 passages (10.8 MB) of mixture.py instead")
    parser.add_argument(
        "--unjudged", action="store_true", help="do not look for the exact answer: it takes minutes and gigabytes from 40 MB on"
    )
    parser.add_argument("--sample", type=int, default=8000, help="texts on which brute force checks the exact answer")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each side; the one with the least processor time counts")
    parser.add_argument("--limit", type=int, default=600, help="processor seconds that a run may take")
    parser.add_argument("--only", nargs="+", default=[], help="sides whose names begin with one of these")
    parser.add_argument("--envs", type=Path, default=cache(), help="folder of the peers' environments, made where missing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.pinned, options.workers = pin(1), 1
    results, left_out = [], []
    with tempfile.TemporaryDirectory(prefix="taosha-peers-") as temporary:
        data = prepare(options, Path(temporary))
        for side in SIDES:
            if options.only and not side.name.startswith(tuple(options.only)):
                continue
            try:
                results.append(measure(side, python_of(side, options.envs), data, Path(temporary), options.repeat, options.limit))
            except NotInstalledError as error:
                left_out.append(str(error))
            except subprocess.CalledProcessError as error:
                left_out.append(ending(side, error, options.limit))
    print(f"`python tests/bench/peers.py {shlex.join(sys.argv[1:])}`\n\n{machine(options)}\n")
    print(page(data, results, left_out))


if __name__ == "__main__":
    main()
