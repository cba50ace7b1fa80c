"""Measure whole runs: time, processor time, memory and MB/s of `taosha run`, and where the time goes.

    python tests/bench/run.py --mb 10 100
    python tests/bench/run.py --input DIR --repeat 3

Each run is a fresh process into an empty output folder, after a warm-up on a tiny corpus that compiles the kernels. The
result is Markdown on stdout. Start-up (imports, reading compiled kernels) is inside the figures: it weighs on small inputs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

#: Exit codes of `taosha run` after which a snapshot is there: done, and done with something to review.
PUBLISHED = (0, 3)


@dataclass(frozen=True)
class Measured:
    """One run. `largest` is the peak of the largest process, `together` the highest sum seen over all of them, in MB."""

    what: str
    mb: float
    files: int
    wall: float
    cpu: float
    largest: float
    together: float
    code: int
    stages: list[dict[str, Any]] = field(default_factory=list)

    def rate(self, seconds: float) -> str:
        return f"{self.mb / seconds:.1f}" if seconds > 0 else "-"


def command() -> list[str]:
    """The installed command of this environment."""
    script = Path(sys.executable).parent / "taosha"
    return [str(script)] if script.exists() else [sys.executable, "-c", "import sys; from flows.cli import main; sys.exit(main())"]


def _tree_rss(root: int) -> int:
    """Bytes resident in a process and its descendants now; 0 where /proc is not there."""
    pending, total = [root], 0
    page = os.sysconf("SC_PAGE_SIZE")
    while pending:
        pid = pending.pop()
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
            for task in Path(f"/proc/{pid}/task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except (OSError, ValueError, IndexError):
            continue
    return total


def _watch(pid: int, done: threading.Event, peak: list[int]) -> None:
    while not done.wait(0.05):
        peak[0] = max(peak[0], _tree_rss(pid))


def measure(what: str, source: Path, output: Path, options: argparse.Namespace) -> Measured:
    """Run taosha on a folder. Memory and processor time cover the process and every child it waited for (wait4)."""
    files = [path for path in source.rglob("*") if path.is_file()]
    config = output.parent / "bench.toml"
    config.write_text(f"[run]\nworkers = {options.workers}\n")
    arguments = [*command(), "run", "--direct", "--input", str(source), "--output", str(output), "--config", str(config)]
    log = output.parent / f"{output.name}.log"
    peak, done = [0], threading.Event()
    with log.open("wb") as sink:
        begin = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=sink, stderr=sink)
        watcher = threading.Thread(target=_watch, args=(process.pid, done, peak))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    watcher.join()
    if process.returncode not in PUBLISHED:
        tail = log.read_text(errors="replace")[-2000:]
        sys.exit(f"taosha ended with {process.returncode} on {what}:\n{tail}")
    unit = 1 if sys.platform == "darwin" else 1024
    largest = usage.ru_maxrss * unit / 1e6
    return Measured(
        what,
        sum(path.stat().st_size for path in files) / 1e6,
        len(files),
        wall,
        usage.ru_utime + usage.ru_stime,
        largest,
        max(largest, peak[0] / 1e6),
        process.returncode,
        _stages(output),
    )


def _stages(output: Path) -> list[dict[str, Any]]:
    """What run.json says of the stages; an empty list when it says nothing."""
    try:
        record = json.loads((output / "latest" / "run.json").read_text(encoding="utf-8"))
        return [stage for stage in record.get("stages", []) if "name" in stage and "seconds" in stage]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def matching_seconds(run: Measured) -> float:
    """Seconds in signing and matching."""
    return float(sum(stage["seconds"] for stage in run.stages if stage["name"] == "sign" or stage["name"].startswith("match")))


# --- The page -------------------------------------------------------------------------------------------------------------


def machine(options: argparse.Namespace) -> str:
    """What the figures were measured on."""
    try:
        model = next(
            line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        )
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "no git"
    versions = ", ".join(f"{name} {_version(name)}" for name in ("taosha", "numba", "numpy", "pyarrow"))
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    return (
        f"{time.strftime('%Y-%m-%d')}, {model}, {os.cpu_count()} cores of which {options.pinned or 'all'} used, load {load} at the start; "
        f"Python {platform.python_version()}, {versions} ({commit}); workers = {options.workers}, best of {options.repeat}."
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def page(runs: list[Measured], options: argparse.Namespace) -> str:
    """Markdown: a table of the runs, then one of stages a run."""
    lines = [f"`python tests/bench/run.py {' '.join(sys.argv[1:])}`", "", machine(options), ""]
    lines += [
        "| input | files | MB | wall s | CPU s | MB/s wall | MB/s CPU | matching alone MB/s | peak RSS MB | all processes MB | exit |",
        "|---|" + "---:|" * 10,
    ]
    for run in runs:
        cells = (
            run.what,
            run.files,
            f"{run.mb:.1f}",
            f"{run.wall:.2f}",
            f"{run.cpu:.2f}",
            run.rate(run.wall),
            run.rate(run.cpu),
            run.rate(matching_seconds(run)),
        )
        lines.append(f"| {' | '.join(map(str, cells))} | {run.largest:.0f} | {run.together:.0f} | {run.code} |")
    if len(runs) > 1 and runs[0].mb > 0:
        first, last = runs[0], runs[-1]
        lines += [
            "",
            f"{last.mb / first.mb:.1f} times the input took {last.cpu / first.cpu:.1f} times the processor time and {last.largest / first.largest:.1f} times the memory.",
        ]
    for run in runs:
        lines += ["", f"**{run.what}**", ""]
        if not run.stages:
            lines.append("run.json names no stages.")
            continue
        lines += ["| stage | s | share | MB/s |", "|---|---:|---:|---:|"]
        for stage in run.stages:
            seconds = float(stage["seconds"])
            lines.append(f"| {stage['name']} | {seconds:.2f} | {seconds / run.wall:.0%} | {run.rate(seconds)} |")
        rest = run.wall - sum(float(stage["seconds"]) for stage in run.stages)
        if rest > 0:
            lines.append(f"| start-up and what no stage counts | {rest:.2f} | {rest / run.wall:.0%} | |")
    return "\n".join(lines)


def pin(cores: int) -> int:
    """Keep this process and its children on the last `cores` of its cores. Returns how many, 0 where that cannot be done."""
    if cores <= 0 or not hasattr(os, "sched_setaffinity"):
        return 0
    chosen = sorted(os.sched_getaffinity(0))[-cores:]
    os.sched_setaffinity(0, chosen)
    return len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=float, nargs="+", default=[10], help="sizes of generated corpora, million bytes")
    parser.add_argument("--input", type=Path, nargs="+", default=[], help="measure these folders and generate nothing")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cores", type=int, default=1, help="cores to stay on; 0 = all")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each input; the one with the least processor time counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for corpora and results; default: a temporary one that is removed")
    options = parser.parse_args()
    options.pinned = pin(options.cores)
    with tempfile.TemporaryDirectory(prefix="taosha-bench-") as temporary:
        scratch = options.keep or Path(temporary)
        runs = []
        for what, source in [("warm-up", _corpus(scratch, 0.5, 2)), *_inputs(scratch, options)]:
            tries = 1 if what == "warm-up" else options.repeat
            measured = []
            for number in range(tries):
                output = Path(tempfile.mkdtemp(prefix="out-", dir=scratch)) / f"run{number}"
                print(f"{what}: run {number + 1} of {tries}", file=sys.stderr, flush=True)
                measured.append(measure(what, source, output, options))
            if what != "warm-up":
                runs.append(min(measured, key=lambda run: run.cpu))
        print(page(runs, options))


def _inputs(scratch: Path, options: argparse.Namespace) -> list[tuple[str, Path]]:
    if options.input:
        return [(str(folder), folder) for folder in options.input]
    return [(f"generated, {mb:g} MB", _corpus(scratch, mb, options.seed)) for mb in options.mb]


def _corpus(scratch: Path, mb: float, seed: int) -> Path:
    folder = scratch / f"corpus-{mb:g}-{seed}"
    if not (folder / "truth.jsonl").exists():
        # In a process of its own: a child's peak memory starts from its parent's, so this one must stay small.
        script = Path(__file__).with_name("make_corpus.py")
        arguments = [sys.executable, str(script), "--mb", str(mb), "--out", str(folder), "--seed", str(seed)]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    return folder / "input"


if __name__ == "__main__":
    main()
