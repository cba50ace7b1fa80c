"""Every file operation of the store in one small layer, so that a test can make any of them fail.

`FILES` is the real thing. A fault-injecting twin overrides `operation`, which each method that changes or reads the disk
calls first with its name and path (see tests/faults.py).
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import StorageError

BLOCK = 1 << 20
_EXCHANGE = 2
_AT_FDCWD = -100


class Files:
    """Operations on files; each is one system call or a loop over one. Errors are OSError, as the system gives them."""

    def operation(self, name: str, path: Path) -> None:
        """Called before each operation; the real layer does nothing here."""

    def mkdir(self, path: Path) -> None:
        """Make a folder, with its parents; one that exists is fine."""
        self.operation("mkdir", path)
        path.mkdir(parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        """Descriptor of a new file for writing; a file that exists is an error (nothing published is ever overwritten)."""
        self.operation("create", path)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def write(self, fd: int, data: bytes | memoryview, path: Path) -> None:
        """Write all of `data`, however many calls it takes."""
        self.operation("write", path)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def close(self, fd: int, path: Path) -> None:
        """Close a descriptor; a late write error (NFS, quota) comes up here."""
        self.operation("close", path)
        os.close(fd)

    def fsync(self, path: Path) -> None:
        """Make a file's bytes or a folder's entries durable."""
        self.operation("fsync", path)
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def blocks(self, path: Path) -> Iterator[bytes]:
        """A file's bytes as they stand on the disk: the page cache is asked to forget them first, where it can be."""
        self.operation("read", path)
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            while block := os.read(fd, BLOCK):
                yield block
        finally:
            os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Rename; a file or symlink at the target is replaced in one step, a folder that is not empty is an error."""
        self.operation("rename", target)
        source.rename(target)

    def exchange(self, one: Path, other: Path) -> bool:
        """Swap two folders in one step. False, and nothing done, where the system cannot."""
        self.operation("exchange", other)
        call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if call is None:
            return False
        if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
            return True
        code = ctypes.get_errno()
        if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            return False
        raise OSError(code, os.strerror(code), str(other))

    def symlink(self, target: str, path: Path) -> None:
        """New symbolic link at `path`."""
        self.operation("symlink", path)
        path.symlink_to(target)

    def link(self, source: Path, path: Path) -> None:
        """Second name of a file."""
        self.operation("link", path)
        path.hardlink_to(source)

    def touch(self, path: Path) -> None:
        """Set a file's or folder's times to now."""
        self.operation("touch", path)
        os.utime(path)

    def unlink(self, path: Path) -> None:
        """Remove a name; one that is gone is fine."""
        self.operation("unlink", path)
        path.unlink(missing_ok=True)

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        self.operation("rmdir", path)
        path.rmdir()


FILES = Files()


@contextmanager
def storage(doing: str) -> Iterator[None]:
    """Turn an OSError within into a StorageError that says what was being done; other errors pass."""
    try:
        yield
    except OSError as error:
        # close() may fail without an errno (seen with injected EIO), so nothing here depends on one.
        raise StorageError(f"{doing}: {error}. The last snapshot is intact; free space or check the disk, then run again.") from error


def sha256_of(path: Path, files: Files = FILES) -> str:
    """SHA-256 (64 hex digits) of a file, read from the disk."""
    digest = hashlib.sha256()
    for block in files.blocks(path):
        digest.update(block)
    return digest.hexdigest()


def write_file(path: Path, data: bytes, files: Files = FILES) -> str:
    """Write a new small file and return the SHA-256 of what was meant to be written."""
    fd = files.create(path)
    try:
        files.write(fd, data, path)
    finally:
        files.close(fd, path)
    return hashlib.sha256(data).hexdigest()


def remove_tree(path: Path, files: Files = FILES) -> None:
    """Remove a folder and what is in it; links are removed, never followed. A folder that is gone is fine."""
    if not is_folder(path):
        return
    for child in sorted(path.iterdir()):
        if is_folder(child):
            remove_tree(child, files)
        else:
            files.unlink(child)
    files.rmdir(path)


def is_folder(path: Path) -> bool:
    """Whether a real folder stands at `path` (not a link to one)."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def walk(folder: Path) -> tuple[list[str], list[Path]]:
    """All that is not a folder, as sorted relative paths with /, and all folders, the deepest first."""
    names: list[str] = []
    folders: list[Path] = []
    for base, inner, outer in os.walk(folder):
        here = Path(base)
        folders.append(here)
        links = [name for name in inner if (here / name).is_symlink()]
        names += [(here / name).relative_to(folder).as_posix() for name in (*outer, *links)]
    return sorted(names), sorted(folders, key=lambda path: (-len(path.parts), str(path)))
