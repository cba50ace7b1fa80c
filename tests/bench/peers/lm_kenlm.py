"""Score lines with a kenlm model: lm_kenlm.py MODEL LINES OUT. Characters stand apart by spaces. Prints seconds of loading, scoring and memory."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import kenlm
import numpy as np


def main() -> None:
    """Write log2 probabilities of the lines, ends included, as .npy."""
    model_path, lines_path, out = sys.argv[1:]
    started = time.process_time()
    model = kenlm.Model(model_path)
    loaded = time.process_time()
    with Path(lines_path).open(encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n") for line in file]
    read = time.process_time()
    scores = [model.score(line, bos=True, eos=True) for line in lines]
    done = time.process_time()
    np.save(out, np.array(scores) / np.log10(2))
    print(loaded - started, done - read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main()
