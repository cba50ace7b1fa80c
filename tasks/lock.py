"""One run at a time in an output folder. The kernel drops the lock with the process, so a dead holder never blocks."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tasks.errors import LockHeld
from tasks.store.files import storage

LOCK = ".lock"
_held: set[int] = set()


def _forget_in_child() -> None:
    """A forked child would keep the lock after the parent's death; it closes its copy, which leaves the parent's lock alone."""
    for fd in _held:
        os.close(fd)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)


@contextmanager
def hold(output: Path) -> Iterator[None]:
    """Hold the lock of `output` (made if missing) for the time of a `with` block.

    Raises LockHeld at once, saying who holds it; StorageError where the file system has no locks.
    flock is advisory and unreliable on NFS: there, start runs from one machine only.
    """
    with storage(f"locking {output}"):
        output.mkdir(parents=True, exist_ok=True)
        fd = os.open(output / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    owner = os.getpid()
    try:
        with storage(f"locking {output}"):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockHeld(f"{output}: {_holder(fd)}. Wait for it to end, or stop it; the lock goes with it.") from None
            os.ftruncate(fd, 0)
            os.pwrite(fd, _self().encode(), 0)
        _held.add(fd)
        yield
    finally:
        if os.getpid() == owner:  # a forked child closed its copy at once, and the number may be another file's by now
            _held.discard(fd)
            fcntl.flock(fd, fcntl.LOCK_UN)  # frees it even where a child still has a copy
            os.close(fd)


def _self() -> str:
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": datetime.now(UTC).isoformat(timespec="seconds")})


def _holder(fd: int) -> str:
    """Who wrote the lock file last, for a message."""
    try:
        who = json.loads(os.pread(fd, 4096, 0))
        return f"run {who['pid']} on {who['host']}, started {who['started']}, holds the lock"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another run holds the lock"
