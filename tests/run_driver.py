"""A whole run that dies by SIGKILL at its nth file operation: python tests/run_driver.py INPUT OUTPUT SETTINGS N (0 = never).

Operations are makings, renames, removals, links and openings for writing below OUTPUT, as Python's audit events tell them.
Prints their number at the end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from flows.run import execute

EVENTS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink"}


def main(folder: Path, output: Path, settings: Path, at: int) -> int:
    count = 0

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        writing = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in EVENTS or writing) and str(args[0]).startswith(str(output)):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    code = execute([folder], output, settings, direct=True, workers=1, as_json=True)
    print(count)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
