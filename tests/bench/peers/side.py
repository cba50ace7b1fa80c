"""What every side shares: the definition of the compared text, a clock of processor time, and how an answer is written.

Run by each tool's own Python, which has numpy and pyarrow and need not have taosha:

    python side_x.py INPUT.parquet OUTPUT.npz WARM.parquet [VARIANT]

OUTPUT.npz holds the answer, OUTPUT.json the seconds by stage, the peak memory and the versions. See ../RULES.md.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

THRESHOLD, PERMUTATIONS, GRAM = 0.8, 128, 5
#: Environment variable: processor seconds after which a side is ended.
CPU_LIMIT = "PEERS_CPU_LIMIT"


def compared(text: str) -> str:
    """The text that is compared: NFKC, case folded, without white space.

    >>> compared("Ｈello　淘 沙\\n")
    'hello淘沙'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def grams(text: str) -> list[str]:
    """The 5-character shingles of a compared text, with repeats.

    >>> grams("淘金洗沙河边")
    ['淘金洗沙河', '金洗沙河边']
    """
    return [text[i : i + GRAM] for i in range(len(text) - GRAM + 1)]


def byte_grams(text: str) -> list[bytes]:
    """The same as bytes, for a tool that takes nothing else: slices of UTF-32, four bytes a character, are the cheapest."""
    data = text.encode("utf-32-le", "surrogatepass")
    return [data[i : i + 4 * GRAM] for i in range(0, len(data) - 4 * GRAM + 1, 4)]


def read(path: Path) -> list[str]:
    """The passages as Python strings."""
    rows: list[str] = pq.read_table(path, columns=["text"])["text"].to_pylist()
    return rows


@dataclass(frozen=True)
class Answer:
    """What a tool found; at least one of pairs and labels.

    pairs  : (m, 2) int64 rows that it calls near-duplicates.
    equal  : (n,) int64, first row with an equal text, for a tool that pairs such first rows only.
    labels : (n,) int64, cluster of each row; any numbers, rows alone have one of their own.
    kept   : (n,) bool, rows that the tool keeps, when it says so.
    """

    pairs: npt.NDArray[np.int64] | None = None
    equal: npt.NDArray[np.int64] | None = None
    labels: npt.NDArray[np.int64] | None = None
    kept: npt.NDArray[np.bool_] | None = None


def as_pairs(found: Iterable[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """(m, 2) int64 of a list of tuples; also when there are none."""
    return np.array(list(found), np.int64).reshape(-1, 2)


def _cpu() -> float:
    """User and system seconds of this process and of the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@dataclass
class Clock:
    """Processor seconds by stage. `apart` is shown and not counted."""

    seconds: dict[str, float] = field(default_factory=dict)
    apart: dict[str, float] = field(default_factory=dict)
    _at: float = field(default_factory=_cpu)

    def lap(self, name: str, *, counted: bool = True) -> None:
        """Book what passed since the last call under a name."""
        now, book = _cpu(), self.seconds if counted else self.apart
        book[name] = book.get(name, 0.0) + now - self._at
        self._at = now


def _peak() -> float:
    """Peak resident memory in MB: this process's own (getrusage would begin with the parent's), or its largest child's."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    try:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return max(children, int(line.split()[1]) * 1.024 / 1000)
    except (OSError, StopIteration):
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def main(run: Callable[[Path, Clock], Answer], packages: tuple[str, ...]) -> None:
    """Warm up on the tiny file, run on the real one, write the answer and the record of it.

    Imports, compilation and tables of constants are over when the warm-up is; all of that is `start-up`, counted apart.
    """
    source, target, warm = (Path(argument) for argument in sys.argv[1:4])
    pa.set_cpu_count(1)
    limit = int(os.environ.get(CPU_LIMIT, 0))
    if limit:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    run(warm, Clock())
    before, start_up = _peak(), _cpu()
    clock = Clock()
    answer = run(source, clock)
    record = {
        "seconds": clock.seconds,
        "apart": {"start-up": start_up, **clock.apart},
        "peak_mb": _peak(),
        "start_mb": before,
        "versions": {name: version(name) for name in (*packages, "numpy", "pyarrow")} | {"python": platform.python_version()},
    }
    np.savez(target, **{name: value for name, value in vars(answer).items() if value is not None})
    target.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
