r"""Measure what a change costs: processor time of a run after a change, as a share of the full run's.

    python tests/bench/incremental.py --mb 20
    python tests/bench/incremental.py --mb 100 --work DIR --settings '[perplexity]\non = false'

A corpus of make_corpus.py is run once; then, each from a copy of that output: nothing changed, 1 % added that shares nothing with
the old text (random Han characters), 1 % added that copies it (whole sources with one character in fifty changed), one source deleted,
one renamed, and two settings changed. Processor time is user and system time of a fresh process with one worker (wait4), start-up
inside. Stages are those of run.json, in processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PUBLISHED = (0, 3)


@dataclass(frozen=True)
class Cost:
    """One run: seconds of processor and wall, and processor seconds by stage."""

    cpu: float
    wall: float
    stages: dict[str, float]


def run(source: Path, output: Path, settings: str) -> Cost:
    """Run taosha in a fresh process."""
    config = output.parent / "bench.toml"
    config.write_text(f"[run]\nworkers = 1\n{settings}")
    arguments = [sys.executable, "-m", "flows.cli", "run", "--direct", "-i", str(source), "-o", str(output), "-c", str(config)]
    begin = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in PUBLISHED:
        sys.exit(f"taosha ended with {process.returncode}:\n{said.decode(errors='replace')[-2000:]}")
    record = json.loads((output / "latest" / "run.json").read_text(encoding="utf-8"))
    return Cost(
        usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, {s["name"]: s.get("cpu_seconds", 0.0) for s in record["stages"]}
    )


def add_new(folder: Path, share: float) -> None:
    """Random Han text: no shingle, anchor or line of it stands anywhere else."""
    rng = random.Random(7)  # noqa: S311
    wanted = int(share * sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    (folder / "added").mkdir()
    number = 0
    while wanted > 0:
        text = "\n\n".join("".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(rng.randrange(40, 200))) + "。" for _ in range(30))
        (folder / "added" / f"{number:05}.txt").write_text(text, encoding="utf-8")
        wanted -= len(text.encode())
        number += 1


def add_copies(folder: Path, share: float) -> None:
    """Sources of the corpus again, with one character in fifty changed."""
    rng = random.Random(8)  # noqa: S311
    paths = sorted((folder / "articles").glob("*.txt"))
    wanted = int(share * sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    (folder / "added").mkdir()
    for number, path in enumerate(rng.sample(paths, len(paths))):
        text = list(path.read_text(encoding="utf-8"))
        for at in rng.sample(range(len(text)), len(text) // 50):
            if not text[at].isspace():
                text[at] = chr(rng.randrange(0x4E00, 0x9FA5))
        (folder / "added" / f"{number:05}.txt").write_text("".join(text), encoding="utf-8")
        wanted -= path.stat().st_size
        if wanted <= 0:
            return


def delete_one(folder: Path) -> None:
    sorted((folder / "articles").glob("*.txt"))[3].unlink()


def rename_one(folder: Path) -> None:
    path = sorted((folder / "articles").glob("*.txt"))[3]
    path.rename(path.with_name("renamed.txt"))


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "nothing": (lambda folder: None, ""),
    "1 % added, nothing shared": (lambda folder: add_new(folder, 0.01), ""),
    "1 % added, copies": (lambda folder: add_copies(folder, 0.01), ""),
    "one source deleted": (delete_one, ""),
    "one source renamed": (rename_one, ""),
    "quality.minimum set": (lambda folder: None, "[quality]\nminimum = 0.2\n"),
    "matching.remove_threshold set": (lambda folder: None, "[matching]\nremove_threshold = 0.75\n"),
}


def link_tree(source: Path, target: Path) -> None:
    """A copy made of links: runs never change a file in place."""
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)
    (target / ".lock").unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=20)
    parser.add_argument("--work", type=Path, help="folder to work in, kept; default: a temporary one")
    parser.add_argument("--settings", default="", help="TOML that every run gets, as '[perplexity]\\non = false'")
    parser.add_argument("--only", nargs="*", help="names of changes, or the start of one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        corpus = work / "corpus"
        if not corpus.exists():
            made = [sys.executable, str(HERE / "make_corpus.py"), "--mb", str(options.mb), "--out", str(corpus), "--seed", "1"]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(work / "full", ignore_errors=True)
        common = options.settings.replace("\\n", "\n") + "\n"
        full = run(corpus / "input", work / "full", common)
        print(f"{options.mb:g} MB; processor seconds; share of the full run\n")
        names = list(full.stages)
        print("| change | cpu | share | wall | " + " | ".join(names) + " |\n|---|---:|---:|---:|" + "---:|" * len(names))
        show("full run", full, full, names)
        for name, (change, settings) in CHANGES.items():
            if options.only and not any(name.startswith(start) for start in options.only):
                continue
            for folder in ("input", "output"):
                shutil.rmtree(work / folder, ignore_errors=True)
            shutil.copytree(corpus / "input", work / "input")
            link_tree(work / "full", work / "output")
            change(work / "input")
            show(name, run(work / "input", work / "output", common + settings), full, names)


def show(name: str, cost: Cost, full: Cost, names: list[str]) -> None:
    stages = cost.stages if name not in ("nothing",) else {}
    cells = " | ".join(f"{stages[n]:.2f}" if n in stages else "-" for n in names)
    print(f"| {name} | {cost.cpu:.1f} | {cost.cpu / full.cpu:.1%} | {cost.wall:.1f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
