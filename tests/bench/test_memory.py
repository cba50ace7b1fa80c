"""The memory benchmark's inputs are what it says they are."""

from __future__ import annotations

import tarfile
from pathlib import Path

import memory


def test_shapes_are_of_the_size_asked_and_the_same_each_time(tmp_path: Path) -> None:
    sizes = {}
    for name, make in memory.SHAPES.items():
        for copy in ("a", "b"):
            (tmp_path / copy / name).mkdir(parents=True)
            make(tmp_path / copy / name, 200_000)
        files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a" / name).rglob("*.*") if path.is_file())
        sizes[name] = sum((tmp_path / "a" / file).stat().st_size for file in files)
        if name != "archive":
            assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    assert all(abs(sizes[name] - 200_000) < 60_000 for name in ("articles", "line", "bucket"))
    assert (tmp_path / "a" / "line" / "line.txt").read_bytes().count(b"\n") == 0
    with tarfile.open(tmp_path / "a" / "archive" / "all.tar.gz") as archive:
        assert sum(info.size for info in archive) == sizes["articles"]
