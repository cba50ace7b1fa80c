"""One run at a time; a dead holder never blocks, whatever children it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.errors import LockHeld, StorageError
from tasks.lock import LOCK, hold

ROOT = Path(__file__).resolve().parents[1]
HOLDER = """
import subprocess, sys
from pathlib import Path
from tasks.lock import hold
with hold(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_at_once_and_told_who_holds_it(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(LockHeld, match=rf"run {os.getpid()} on .*, started 20\d\d-"), hold(tmp_path):
        pass
    assert LockHeld.exit_code == 11


def test_the_lock_is_free_again_afterwards_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stage failed"), hold(tmp_path):
        raise ValueError("stage failed")
    with hold(tmp_path):
        pass


def test_a_missing_output_folder_is_made(tmp_path: Path) -> None:
    with hold(tmp_path / "new" / "artifacts"):
        assert (tmp_path / "new" / "artifacts" / LOCK).is_file()


def test_a_file_in_the_way_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(StorageError, match="locking"), hold(tmp_path / "artifacts"):
        pass


def test_nonsense_in_the_lock_file_still_says_held(tmp_path: Path) -> None:
    with hold(tmp_path):
        (tmp_path / LOCK).write_bytes(b"\xff[")
        with pytest.raises(LockHeld, match="another run holds the lock"), hold(tmp_path):
            pass


def test_a_killed_holder_frees_the_lock_though_its_child_lives_on(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdin
    assert holder.stdout
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(LockHeld, match=f"run {holder.pid} "), hold(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        os.kill(child, 0)  # lives
        with hold(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        holder.stdin.close()
        holder.stdout.close()


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    with hold(tmp_path):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        with pytest.raises(LockHeld), hold(tmp_path):  # the child's closing leaves the parent's lock alone
            pass
    try:
        with hold(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
