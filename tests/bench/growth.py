"""Measure how near-duplicate search grows: Parquet in, verified pairs out, at 1, 4 and 16 times the same mixture; and with threads.

    python tests/bench/growth.py
    python tests/bench/growth.py --input DIR --sizes 1 4 16
    python tests/bench/growth.py --threads --sizes 4

Each figure comes from a fresh process that reads a Parquet file of passages (column `text`) and computes all pairs at or above the
threshold, verified; the file is written once, beforehand. The passages are those of mixture.py, or all lines of the txt, md and jsonl
files of a folder: then 1 of 16 times is every sixteenth line. The result is Markdown on stdout.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))  # run from a clone, installed or not

#: Form, settings and threshold: those in which tools are compared (every character counts, 5 of them a shingle, 20 x 6), and ours.
SHAPES: dict[str, tuple[str, dict[str, Any], float]] = {
    "peers": ("characters", {"han_shingle": 5, "letter_shingle": 5, "bands": 20, "rows": 6}, 0.8),
    "defaults": ("fold", {}, 0.7),
}
BATCH_ROWS = 8192


# --- What is measured: small functions, to be changed when the engine does --------------------------------------------------


class Clock:
    """Processor time by stage, of the thread that spends it; a stage inside another counts to the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block to a stage."""
        if getattr(self._inside, "stage", None):
            yield
            return
        self._inside.stage, begin = name, time.thread_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.thread_time() - begin
            self._inside.stage = None

    def watch(self, owner: Any, function: str, name: str) -> None:
        """Count a function's time to a stage from now on."""
        inner = getattr(owner, function)

        def outer(*args: Any, **named: Any) -> Any:
            with self.stage(name):
                return inner(*args, **named)

        setattr(owner, function, staticmethod(outer) if isinstance(vars(owner)[function], staticmethod) else outer)


def watch_engine(clock: Clock) -> None:
    """Tell the stages of the engine apart: what they are called, and the function that does each."""
    from tasks import near
    from tasks.kernels import buckets
    from tasks.sketch import CharacterSketcher, Sketcher
    from tasks.store.text import Texts

    clock.watch(Texts, "from_arrow", "decode")
    clock.watch(CharacterSketcher, "sketch_strings", "decode, fold, sign, bands")
    clock.watch(Sketcher, "sketch", "fold, sign, bands")
    clock.watch(buckets, "classes", "classes")
    clock.watch(near, "band_pairs", "buckets")
    clock.watch(near.Sets, "verified", "sets, verify")


def first_pass(columns: list[pa.Array], settings: Any, form: str, threads: int) -> list[npt.NDArray[Any]]:
    """Decode, fold, sign and band: the band keys of each batch."""
    from tasks.near import in_order, sketcher_of

    sketchers = [sketcher_of(settings, form) for _ in range(threads)]

    def one(column: pa.Array) -> npt.NDArray[Any]:
        sketcher = sketchers.pop()
        bands = sketcher(column).bands
        sketchers.append(sketcher)
        return bands

    return list(in_order(one, columns, threads))


def search(
    batches: Iterable[pa.Array], settings: Any, form: str, threshold: float, threads: int
) -> tuple[list[npt.NDArray[Any]], dict[str, int]]:
    """All pairs of distinct folds at or above the threshold: rows left < right, sorted, with their exact similarity; and counters."""
    from tasks.near import near_duplicates

    found = near_duplicates(batches, settings, threshold, form=form, threads=threads)
    return [found.left, found.right, found.similarity, found.classes], {**found.counters, "pairs": len(found.left)}


# --- The measured process --------------------------------------------------------------------------------------------------


def _peak() -> float:
    """Highest resident memory of this process alone, MB. (ru_maxrss of a child starts from its parent's.)"""
    try:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _batches(path: Path, clock: Clock) -> Iterator[pa.Array]:
    with pq.ParquetFile(path) as file:
        rows = file.iter_batches(BATCH_ROWS, columns=["text"], use_threads=False)
        while True:
            with clock.stage("read"):
                batch = next(rows, None)
            if batch is None:
                return
            yield batch.column(0)


def child(task: dict[str, Any]) -> dict[str, Any]:
    """Run one task in this process: what it took, and a digest of what it found."""
    from start import four_passages

    from tasks.settings import Matching

    form, changed, threshold = SHAPES[task["shape"]]
    settings, threads = Matching(**changed), task["threads"]
    pa.set_cpu_count(threads)
    clock = Clock()
    watch_engine(clock)
    warm = four_passages()
    search([warm, warm], settings, form, threshold, threads)
    started = {"startup_cpu": time.process_time(), "startup_wall": time.time() - task["begun"]}
    clock.seconds.clear()
    cpu, wall, counters = time.process_time(), time.perf_counter(), {}
    if task["what"] == "search":
        arrays, counters = search(_batches(Path(task["path"]), clock), settings, form, threshold, threads)
    else:
        columns = list(_batches(Path(task["path"]), clock))
        wall = time.perf_counter()  # without the reading, which is in the processor time
        arrays = first_pass(columns, settings, form, threads)
    took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return {**started, **took, "seconds": clock.seconds, "counters": counters, "digest": digest.hexdigest(), "peak": _peak()}


# --- The measuring process -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """One file of passages."""

    factor: int
    path: Path
    rows: int
    mb: float


@dataclass
class Result:
    """What one task took: the run of least processor time (or least wall time, for threads) of several."""

    size: Size
    shape: str
    threads: int
    cpu: float
    wall: float
    peak: float
    startup_cpu: float
    startup_wall: float
    digest: str
    seconds: dict[str, float] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)


def run(size: Size, what: str, shape: str, threads: int = 1, repeat: int = 1, by: str = "cpu") -> Result:
    """Run a task `repeat` times in fresh processes and take the best. Exits when two runs of it differ in what they found."""
    found = []
    for _ in range(repeat):
        task = {"what": what, "shape": shape, "path": str(size.path), "threads": threads, "begun": time.time()}
        limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "NUMBA", "OPENBLAS")}
        arguments = [sys.executable, __file__, "--child", json.dumps(task)]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True, env={**os.environ, **limits})
        found.append(json.loads(done.stdout))
    if len({one["digest"] for one in found}) > 1:
        sys.exit(f"{what} of {size.path.name} gave different results in {repeat} runs")
    return Result(size, shape, threads, **min(found, key=lambda one: one[by]))


def growth_page(runs: list[Result], passes: list[Result]) -> Iterator[str]:
    """Tables: time and memory by size, the first pass alone, time by stage."""
    yield "| settings | passages | MB | candidates | hot buckets | pairs | CPU s | MB/s | time ratio | data ratio | peak RSS MB | first pass MB/s | with the read |"
    yield "|---|" + "---:|" * 12
    base: dict[str, Result] = {}
    for one, alone in zip(runs, passes, strict=True):
        first, c = base.setdefault(one.shape, one), one.counters
        bare = alone.cpu - alone.seconds["read"]
        yield (
            f"| {one.shape} | {one.size.rows:,} | {one.size.mb:.1f} | {c['candidates']:,} | {c['hotbuckets']:,} | {c['pairs']:,} "
            f"| {one.cpu:.2f} | {one.size.mb / one.cpu:.1f} | {one.cpu / first.cpu:.2f} | {one.size.mb / first.size.mb:.2f} "
            f"| {one.peak:.0f} | {one.size.mb / bare:.1f} | {one.size.mb / alone.cpu:.1f} |"
        )
    names = list(dict.fromkeys(name for one in runs for name in one.seconds))
    yield f"\nCPU seconds by stage:\n\n| settings | MB | {' | '.join(names)} | rest |\n|---|{'---:|' * (len(names) + 2)}"
    for one in runs:
        rest = one.cpu - sum(one.seconds.values())
        yield f"| {one.shape} | {one.size.mb:.1f} | {' | '.join(f'{one.seconds.get(name, 0):.2f}' for name in names)} | {rest:.2f} |"
    cpu, wall = (min(getattr(one, name) for one in [*runs, *passes]) for name in ("startup_cpu", "startup_wall"))
    yield f"\nStart-up (interpreter, imports, compiled kernels from the cache, one search of four passages): {cpu:.2f} s CPU, {wall:.2f} s wall."


def threads_page(pairs: list[tuple[str, Result, Result]]) -> Iterator[str]:
    """Table: one thread beside two. Exits when they differ in what they found."""
    yield (
        "| what | settings | MB | 1 thread, wall s | 2 threads, wall s | times as fast | CPU s, 1 and 2 | same result |\n|---|---|"
        + "---:|" * 6
    )
    for what, one, two in pairs:
        if one.digest != two.digest:
            sys.exit(f"{what}: two threads found something else than one")
        yield (
            f"| {what} | {one.shape} | {one.size.mb:.1f} | {one.wall:.2f} | {two.wall:.2f} | {one.wall / two.wall:.2f} "
            f"| {one.cpu:.2f}, {two.cpu:.2f} | yes |"
        )


def _sizes(options: argparse.Namespace, folder: Path) -> list[Size]:
    """Write what is not written yet, in a process of its own, so that this one stays small."""
    found = []
    for factor in sorted(options.sizes):
        name = f"{options.input.name if options.input else 'mixture'}-{factor}-{options.seed}.parquet"
        path, step = folder / name, max(options.sizes) // factor
        if not path.exists():
            _in_child(_write_lines if options.input else _write_mixture, path, options.input, step, factor, options.seed)
        with pq.ParquetFile(path) as file:
            info = file.metadata
            mb = float(info.metadata[b"mb"])
            found.append(Size(factor, path, info.num_rows, mb))
    return found


def _in_child(work: Callable[..., None], *arguments: Any) -> None:
    pid = os.fork()
    if not pid:
        work(*arguments)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit("the passages could not be written")


def _write_mixture(path: Path, _folder: Path, _step: int, factor: int, seed: int) -> None:
    from mixture import UNIT, passages, write

    write(path, passages(UNIT * factor, seed))


def _write_lines(path: Path, folder: Path, step: int, _factor: int, _seed: int) -> None:
    from mixture import write
    from peers import read_lines

    write(path, read_lines(folder)[::step])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16], help="times 54,775 passages (10.8 MB)")
    parser.add_argument(
        "--shape", nargs="+", choices=SHAPES, default=["peers"], help="settings: those of the comparison with peers, or ours"
    )
    parser.add_argument("--input", type=Path, help="take the lines of this folder's txt, md and jsonl files and generate nothing")
    parser.add_argument("--threads", action="store_true", help="measure one thread against two instead, on the largest size, by wall time")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; the best counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of passages; default: a temporary one that is removed")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return
    from run import machine, pin

    options.pinned, options.workers = (0 if options.threads else pin(1)), 1
    with tempfile.TemporaryDirectory(prefix="taosha-growth-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sizes = _sizes(options, folder)
        run(sizes[0], "search", options.shape[0])  # compiles what is not in the cache
        print(f"`python tests/bench/growth.py {' '.join(sys.argv[1:])}`\n\n{machine(options)}\n")
        tasks = [(size, shape) for shape in options.shape for size in sizes]
        if options.threads:
            rows = []
            for size, shape in tasks[-1:]:
                for what in ("first pass", "search"):
                    one, two = (run(size, what, shape, threads, options.repeat, "wall") for threads in (1, 2))
                    rows.append((what, one, two))
            print("\n".join(threads_page(rows)))
            return
        runs = [run(size, "search", shape, 1, options.repeat) for size, shape in tasks]
        passes = [run(size, "first pass", shape, 1, options.repeat) for size, shape in tasks]
        print("\n".join(growth_page(runs, passes)))


if __name__ == "__main__":
    main()
