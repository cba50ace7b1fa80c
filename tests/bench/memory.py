"""Measure peak memory of whole runs against the size of the input: `taosha run --direct` in a fresh process each, one worker.

    python tests/bench/memory.py --sizes 10 100
    python tests/bench/memory.py --sizes 1000            (a quarter of an hour and more)

Four shapes of text, made on the spot and the same everywhere: `articles` (files of 50 kB of paragraphs that differ), `line` (one
file that is one line), `bucket` (near copies of one passage, so that they all fall into the same buckets) and `archive` (the
articles as one .tar.gz). Sizes are MB of text. The result is Markdown on stdout: peak resident memory of the run and its
processor time (user and system).
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = 50_000
#: Characters in use: 3000 Han characters in a row, weighted as words are (few are frequent).
HAN = [chr(0x4E00 + 7 * i) for i in range(2900)]


def paragraph(rng: random.Random, chars: int) -> str:
    """Pseudo-words in sentences; no two paragraphs are alike."""
    drawn = [HAN[min(int(rng.paretovariate(0.9)) * rng.randint(1, 9), len(HAN) - 1)] for _ in range(chars)]
    for at in range(11, chars, 17):
        drawn[at] = "，。"[at % 3 == 0]
    return "".join(drawn) + "。"


def texts(size: int) -> Iterator[bytes]:
    """Articles of about FILE bytes until `size` bytes have been given."""
    rng = random.Random(20)  # noqa: S311 (test data)
    while size > 0:
        body = "\n\n".join(paragraph(rng, 180) for _ in range(FILE // 560)).encode() + b"\n"
        size -= len(body)
        yield body


def articles(folder: Path, size: int) -> None:
    """Many files."""
    for number, body in enumerate(texts(size)):
        (folder / f"{number // 1000:03d}").mkdir(exist_ok=True)
        (folder / f"{number // 1000:03d}" / f"{number:06d}.txt").write_bytes(body)


def line(folder: Path, size: int) -> None:
    """One file of one line."""
    with (folder / "line.txt").open("wb") as file:
        for body in texts(size):
            file.write(body.replace(b"\n", b""))


def bucket(folder: Path, size: int) -> None:
    """Near copies of one passage, a few characters changed in each."""
    rng = random.Random(21)  # noqa: S311 (test data)
    base = paragraph(rng, 180)
    with (folder / "copies.txt").open("w", encoding="utf-8") as file:
        for _ in range(size // 560):
            chars = list(base)
            for _ in range(6):
                chars[rng.randrange(len(chars))] = rng.choice(HAN)
            file.write("".join(chars) + "\n\n")


def archive(folder: Path, size: int) -> None:
    """The articles as one .tar.gz."""
    with gzip.open(folder / "all.tar.gz", "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for number, body in enumerate(texts(size)):
            info = tarfile.TarInfo(f"{number:06d}.txt")
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))


SHAPES: dict[str, Callable[[Path, int], None]] = {"articles": articles, "line": line, "bucket": bucket, "archive": archive}


def measure(shape: str, megabytes: int, scratch: Path) -> tuple[float, float, int]:
    """(peak MB, processor seconds, exit code) of one run."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="taosha-memory-") as folder:
        inputs = Path(folder) / "in"
        inputs.mkdir()
        SHAPES[shape](inputs, megabytes * 1_000_000)
        args = [sys.executable, "-m", "flows.cli", "run", "--direct", "--workers", "1", "-i", str(inputs), "-o", f"{folder}/out"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen(args, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1000, usage.ru_utime + usage.ru_stime, child.returncode


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100], help="MB of text")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()), help="where inputs and outputs lie meanwhile")
    asked = parser.parse_args()
    print("| shape | text | peak memory | processor time | exit |\n|---|---:|---:|---:|---:|", flush=True)
    for shape in asked.shapes:
        for size in asked.sizes:
            peak, seconds, code = measure(shape, size, asked.scratch)
            print(f"| {shape} | {size:,} MB | {peak:,.0f} MB | {seconds:,.0f} s | {code} |", flush=True)


if __name__ == "__main__":
    main()
