"""Measure start-up: processor seconds until a first search has ended, with kernels compiled before, by step.

    python tests/bench/start.py

The search is that of the peer comparison, over four passages. Each figure is the least of `--repeat` fresh processes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def four_passages() -> Any:
    """Arrow strings as a reader hands them over. `pa.array` would import pandas where it is installed, to see whether they are a series."""
    import numpy as np
    import pyarrow as pa

    one = "千淘万漉虽辛苦，吹尽狂沙始到金。panning the sand away".encode()
    offsets = pa.py_buffer(np.arange(0, 5 * len(one), len(one), dtype=np.int32))
    return pa.StringArray.from_buffers(4, offsets, pa.py_buffer(one + one.replace("狂".encode(), "黄".encode()) + one + one))


def child() -> dict[str, float]:
    """Seconds by step of this process; imports are steps."""
    steps = {"interpreter": time.process_time()}

    def lap(name: str) -> None:
        steps[name] = time.process_time() - sum(steps.values())

    import numpy  # noqa: F401

    lap("numpy")
    import pyarrow.parquet  # noqa: F401

    rows = four_passages()
    lap("pyarrow")
    import tasks.kernels  # noqa: F401

    lap("numba")
    from tasks.settings import Matching

    lap("settings")
    from tasks.near import near_duplicates
    from tasks.shingles import tables_of

    tables_of("characters")
    lap("the rest of ours, and tables")
    near_duplicates([rows], Matching(bands=20, rows=6), 0.5, form="characters")
    lap("first search")
    near_duplicates([rows], Matching(bands=20, rows=6), 0.5, form="characters")
    lap("second search")
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child()))
        return
    from run import machine, pin

    options.pinned, options.workers = pin(1), 1
    runs = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number in range(options.repeat + 1):
        done = subprocess.run([sys.executable, __file__, "--child"], stdout=subprocess.PIPE, check=True, env=environment)
        if number:  # the first compiles what is not in the cache
            runs.append(json.loads(done.stdout))
    best = min(runs, key=lambda steps: sum(list(steps.values())[:-1]))
    *steps, second = best.items()
    print(f"`python tests/bench/start.py {' '.join(sys.argv[1:])}`\n\n{machine(options)}\n\n| step | CPU s |\n|---|---:|")
    for name, seconds in steps:
        print(f"| {name} | {seconds:.3f} |")
    print(f"| **start-up** | **{sum(seconds for _, seconds in steps):.2f}** |\n| the same search again | {second[1]:.3f} |")


if __name__ == "__main__":
    main()
