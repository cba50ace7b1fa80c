"""File layers that fail on purpose: the n-th operation raises, kills, tears a write or lies."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tasks.store.files import Files


class SimulatedKill(BaseException):
    """The process is gone: nothing it tries afterwards may reach the disk."""


class Recording(Files):
    """The real layer, noting each operation and its path."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Path]] = []

    def operation(self, name: str, path: Path) -> None:
        self.log.append((name, path))


class Faulty(Files):
    """Operation number `at` (from 1) fails: `kill`, `torn` (half a write, then kill), `enospc`, `eio` (once), `full` (ENOSPC from there on)."""

    def __init__(self, at: int, mode: str) -> None:
        self.at, self.mode, self.count, self.dead = at, mode, 0, False

    def operation(self, name: str, path: Path) -> None:
        if self.dead:
            raise SimulatedKill(name)
        self.count += 1
        if self.count < self.at or (self.count > self.at and self.mode != "full"):
            return
        if self.mode in ("kill", "torn"):
            self.dead = True
            raise SimulatedKill(f"{name} {path}")
        if self.mode == "full":
            if name in ("write", "create", "mkdir", "symlink", "link"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return
        code = errno.ENOSPC if self.mode == "enospc" else errno.EIO
        raise OSError(code, os.strerror(code), str(path))

    def write(self, fd: int, data: bytes | memoryview, path: Path) -> None:
        if self.mode == "torn" and not self.dead and self.count + 1 == self.at:
            os.write(fd, memoryview(data)[: len(data) // 2])
        super().write(fd, data, path)


class Lying(Files):
    """Write number `at` says that all went well and stores something else."""

    def __init__(self, at: int, mode: str) -> None:
        self.at, self.mode, self.count = at, mode, 0

    def write(self, fd: int, data: bytes | memoryview, path: Path) -> None:
        self.count += 1
        if self.count == self.at:
            stored = bytearray(data)
            if self.mode == "short":
                del stored[len(stored) // 2 :]
            elif stored:
                stored[len(stored) // 2] ^= 1
            os.write(fd, stored)
            return
        super().write(fd, data, path)
