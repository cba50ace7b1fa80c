"""Whole runs over inputs that want to hurt: one row and one reason each, conservation for the rest, memory under a cap, no text in the log."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hostile
import hostile_archives
import pytest
import whole

from tasks.verify import render, verify

#: bytes. The peak of a run over the sample corpus is about 600 MB, most of it libraries and compiled kernels.
MEMORY = 1400 << 20
#: Seconds after which a run counts as hung; it takes about 30 alone.
HUNG = 400
#: Words that stand in the texts of the inputs and nowhere else.
CANARIES = ("清晨的码头", "清晨的碼頭", "渔民们", "好的一行", "从未关上", "值夜的人", "时间倒流", "没有结尾", "第二行", "\u0301\u0301")
#: What lies in the folder beside hostile.FILES, and the reason in its row.
SPECIAL = {
    "link.txt": "symbolic link", "outside.txt": "symbolic link out of the input folder", "loop": "symbolic link out of the input folder", "pipe.txt": "not a regular file",
    "circle.txt": "symbolic link", "socket.txt": "not a regular file", "proc.txt": "symbolic link out of the input folder",
    "null.txt": "symbolic link out of the input folder",
}  # fmt: skip


@dataclass
class Survivor:
    """A run in a process of its own. `peak` is its largest resident memory in bytes."""

    code: int
    said: str
    output: Path
    peak: int

    def rows(self, table: str) -> list[dict[str, Any]]:
        return whole.rows(self.output / "latest", table)


def survive(inputs: Path, output: Path, *more: str) -> Survivor:
    """Run `taosha run --direct` and watch its memory; a run that hangs is an error."""
    args = [sys.executable, "-m", "flows.cli", "run", "--direct", "--workers", "1", "-i", str(inputs), "-o", str(output), *more]
    with (output.parent / "said.txt").open("wb") as said:
        child = subprocess.Popen(args, cwd=output.parent, env=whole.child_environment(), stdout=said, stderr=said)
        watch = threading.Timer(HUNG, child.kill)
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        watch.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
    text = (output.parent / "said.txt").read_text(encoding="utf-8")
    return Survivor(child.returncode, text, output, usage.ru_maxrss * 1024)


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """One run over all of them. Read only."""
    folder = tmp_path_factory.mktemp("hostile")
    inputs = folder / "in"
    hostile.write(inputs)
    (inputs / "proc.txt").symlink_to("/proc/self/mem")
    (inputs / "null.txt").symlink_to("/dev/zero")
    (inputs / "deep").mkdir()
    here = Path.cwd()
    os.chdir(inputs)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket.txt")
    finally:
        os.chdir(here)
    return survive(inputs, folder / "out")


@pytest.fixture(scope="module")
def sources(survivor: Survivor) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in survivor.rows("sources")}


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_file_has_one_row_with_a_reason_or_clean_text(sources: dict[str, dict[str, Any]], name: str) -> None:
    data, status, error = hostile.FILES[name]
    row = sources[name]
    assert row["status"] == status, row["error"]
    assert row["byte_count"] == len(data)
    assert (row["error"] or "").startswith(error or "")
    assert (row["error"] is None) == (status == "ok")


@pytest.mark.parametrize("name", SPECIAL)
def test_what_is_no_file_is_listed_and_never_opened(sources: dict[str, dict[str, Any]], name: str) -> None:
    assert (sources[name]["status"], sources[name]["error"]) == ("skipped", SPECIAL[name])


def test_the_run_ends_as_published_with_quarantine_and_every_promise_holds(survivor: Survivor, sources: dict[str, dict[str, Any]]) -> None:
    assert survivor.code == 3, survivor.said
    assert "Traceback" not in survivor.said
    assert len(sources) == len(hostile.FILES) + len(SPECIAL) + 1  # and a name that is not UTF-8
    assert render(verify(survivor.output, input_dirs=[survivor.output.parent / "in"])) == "Every promise holds."


def test_counts_of_the_good_ones_are_those_of_their_rows(survivor: Survivor, sources: dict[str, dict[str, Any]]) -> None:
    counts: dict[str, int] = {}
    for table in ("passages", "removed"):
        for row in survivor.rows(table):
            raw = row["raw"] if row["raw"] is not None else row["text"]
            counts[row["source"]] = counts.get(row["source"], 0) + whole.visible(raw)
    assert counts == {name: row["char_count"] for name, row in sources.items() if row["char_count"]}
    assert all(not row["char_count"] for row in sources.values() if row["status"] in ("quarantined", "skipped"))


def test_memory_stays_under_the_cap(survivor: Survivor) -> None:
    assert survivor.peak < MEMORY


@pytest.mark.parametrize("canary", CANARIES)
def test_no_text_of_an_input_is_in_the_log(survivor: Survivor, canary: str) -> None:
    written = [data for data, _, _ in hostile.FILES.values() if canary.encode() in data]
    assert written or canary.encode() in hostile_archives.TEXT.encode()
    assert canary not in survivor.said
    assert canary not in (survivor.output / "latest" / "run.json").read_text(encoding="utf-8")


def test_control_characters_of_names_do_not_reach_the_terminal(survivor: Survivor) -> None:
    assert not set(survivor.said) & {chr(c) for c in range(32) if chr(c) != "\n"}


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_read_in_bounded_memory(tmp_path: Path) -> None:
    line = "".join(f"第{i}只船在{i * 7 % 1000}号泊位等了{i % 13}天，" for i in range(30_000)).encode()
    (tmp_path / "in").mkdir()
    with (tmp_path / "in" / "line.txt").open("wb") as file:
        while file.tell() < 1 << 30:
            file.write(line)
    run = survive(tmp_path / "in", tmp_path / "out")
    shutil.rmtree(tmp_path / "in")
    assert run.code == 0, run.said
    assert run.peak < 2 << 30
