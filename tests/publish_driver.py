"""Publishes a made snapshot and dies by SIGKILL at an operation: python tests/publish_driver.py OUTPUT VARIANT OPERATION."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import snapshot_maker

from tasks.store.files import Files


class Killing(Files):
    def __init__(self, at: int) -> None:
        self.left = at

    def operation(self, name: str, path: Path) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    output, variant, at = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    snapshot_maker.make(output, variant, files=Killing(at))
