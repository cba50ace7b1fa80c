"""Our language model beside kenlm's: do they rank passages alike, how fast are they, how large.

    python tests/bench/lm.py ../shared/corpora --lmplz PATH [--order 5] [--rows 100000] [--environments FOLDER]

Lines of all text files are dealt to two halves by file; both learn from one half and score the other. `kenlm` is installed into an
environment of its own (a compiler is needed); its trainer `lmplz` is not part of that package and has to be built (cmake, Boost).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent / "peers")]

from peer_environments import NotInstalledError, Side, cache, python_of  # noqa: E402

from tasks.language_model import train  # noqa: E402
from tasks.store.text import Texts  # noqa: E402

KENLM = Side("kenlm", "lm_kenlm.py", environment="kenlm")


def halves(folders: list[Path], rows: int) -> tuple[list[str], list[str]]:
    """Lines of at least 10 characters of two halves of the files, at most `rows` of each, spread evenly."""
    sides: tuple[list[str], list[str]] = ([], [])
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".md", ".txt"))
    for number, path in enumerate(files):
        lines = (" ".join(line.split()) for line in path.read_text(encoding="utf-8", errors="replace").split("\n"))
        sides[number % 2].extend(line for line in lines if len(line) >= 10)
    return tuple(side[:: max(1, len(side) // rows)][:rows] for side in sides)  # type: ignore[return-value]


def tokens(line: str) -> str:
    """Characters apart, as kenlm reads words; digits alike, as our model takes them."""
    return " ".join("\u2581" if c == " " else "0" if c in "0123456789" else c for c in line)


def best(times: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """Least processor seconds of several runs, and the last result."""
    spent, result = [], None
    for _ in range(times):
        started = time.process_time()
        result = work()
        spent.append(time.process_time() - started)
    return min(spent), result


def ranks(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Ranks, equal values at their mean."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]


def spearman(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Correlation of the ranks."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def kenlm(lmplz: Path, python: Path, learned: list[str], asked: list[str], order: int) -> tuple[npt.NDArray[Any], dict[str, float]]:
    """log2 probabilities by kenlm, and what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, lines in (("learn", learned), ("ask", asked)):
            (folder / file).write_text("\n".join(map(tokens, lines)) + "\n", encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        prune = ["--prune", "0", "0", "0", "1"] if order > 3 else []
        with (folder / "learn").open() as read, (folder / "arpa").open("w") as write:
            command = [str(lmplz), "-o", str(order), *prune, "-S", "1G", "-T", name, "--discount_fallback"]
            subprocess.run(command, stdin=read, stdout=write, stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        script = Path(__file__).parent / "peers" / KENLM.script
        said = subprocess.run(
            [str(python), str(script), str(folder / "arpa"), str(folder / "ask"), str(folder / "out.npy")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        load, score, memory = map(float, said.stdout.split())
        return np.load(folder / "out.npy"), {"train": spent, "load": load, "score": score, "memory": memory}


def main() -> None:
    """Print both sides."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--lmplz", type=Path)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--environments", type=Path, default=cache())
    asked = parser.parse_args()
    learn, ask = halves(asked.folders, asked.rows)
    texts = Texts.of(learn), Texts.of(ask)
    size = [sum(len(line.encode()) for line in lines) / 1e6 for lines in (learn, ask)]
    print(f"learned {len(learn):,} lines, {size[0]:.2f} MB; scored {len(ask):,} lines, {size[1]:.2f} MB; order {asked.order}")
    train(Texts.of(learn[:50])).score(Texts.of(ask[:50]))  # compiled
    spent, model = best(3, lambda: train(texts[0], order=asked.order))
    scored, (bits, _) = best(3, lambda: model.score(texts[1]))
    shown = f"{model.grams:,} grams, {model.table.nbytes / 1e6:.1f} MB"
    print(f"taosha  learns {size[0] / spent:6.1f} MB/s  scores {size[1] / scored:6.1f} MB/s  {shown}")
    if asked.lmplz is None:
        print("kenlm   left out: no --lmplz")
        return
    try:
        python = python_of(KENLM, asked.environments)
    except NotInstalledError as error:
        print(f"kenlm   left out: {error}")
        return
    theirs, cost = kenlm(asked.lmplz, python, learn, ask, asked.order)
    ours, other = -bits, theirs / (texts[1].lengths + 1)
    speed = f"learns {size[0] / cost['train']:6.1f} MB/s  scores {size[1] / cost['score']:6.1f} MB/s"
    print(f"kenlm   {speed}  {cost['memory'] / 1e6:.0f} MB, of an ARPA file that takes {cost['load']:.1f} s to load")
    print(f"Spearman of the rankings {spearman(ours, other):.4f}; bits a character {-ours.mean():.4f} ours, {-other.mean():.4f} kenlm's")


if __name__ == "__main__":
    main()
