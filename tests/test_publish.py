"""Atomic publishing: whatever fails and wherever, a reader sees a complete snapshot, and the next run converges."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import faults
import pyarrow.parquet as pq
import pytest
import snapshot_maker as maker

from tasks import card, manifest, publish
from tasks.errors import StorageError
from tasks.settings import Settings
from tasks.store.files import FILES, Files, sha256_of, storage, write_file

TINY = ("passages", "sources")


def tiny(output: Path, variant: int = 0, files: Files = FILES) -> publish.Published:
    """Publish two small tables: few operations, so that every one of them can be made to fail."""
    rows = maker.rows(variant)
    parts = {name: {"part-00000.parquet": rows[name]["part-00000.parquet"]} for name in TINY}
    snapshot = f"{variant:016x}"
    before = publish.latest(output)
    folder = publish.staging(output, snapshot, files)
    with storage("staging"):
        infos = maker.write_rows(folder, parts, files)
        made = manifest.build(
            folder, snapshot=snapshot, settings=maker.SETTINGS, inputs=[("a", "b")], version="0.1.0", infos=infos, files=files
        )
        publish.hard_link_unchanged(folder, before, made, files)
        write_file(folder / "run.json", b"{}", files)
    return publish.publish(output, folder, made, files)


def standing(output: Path) -> str | None:
    """Id of the snapshot that a reader sees; its bytes must be whole."""
    snapshot = publish.latest(output)
    if snapshot is None:
        return None
    assert publish.damages(snapshot) == []
    return snapshot.name


def settled(output: Path, *ids: int) -> None:
    """Nothing but these snapshots is left, and `latest`."""
    assert sorted(p.name for p in output.iterdir()) == ["latest", "snapshots"]
    assert sorted(p.name for p in (output / "snapshots").iterdir()) == [f"{i:016x}" for i in ids]


def survive(start: Path, work: Path, mode: str, old: int | None, step: int = 1) -> int:
    """Publish variant 1 on a copy of `start` with every operation failing in turn; the number of operations."""
    allowed = {None if old is None else f"{old:016x}", f"{1:016x}"}
    kept = [] if old is None else [old]
    at = 1
    while True:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(start, work, symlinks=True)
        files = faults.Faulty(at, mode)
        try:
            tiny(work, 1, files)
            finished = files.count < at
        except (StorageError, faults.SimulatedKill):
            finished = False
        assert standing(work) in allowed, f"{mode} at operation {at}"
        tiny(work, 1)
        assert standing(work) == f"{1:016x}"
        settled(work, *sorted({*kept, 1}))
        if finished:
            return at
        at += step


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("old")
    tiny(output, 0)
    return output


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshot 1 stands, with one bit flipped, and `latest` points to an intact snapshot 0."""
    output = tmp_path_factory.mktemp("damaged")
    tiny(output, 1)
    flip(output / "snapshots" / f"{1:016x}" / "passages" / "part-00000.parquet")
    tiny(output, 0)
    return output


def flip(path: Path, at: int = 100) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.unlink()  # a file of its own, should it be linked
    path.write_bytes(data)


#: The old snapshot's loop is run whole for kill; the others skip operations here and skip none under `slow`.
SAMPLED = [(mode, 4) for mode in ("torn", "enospc", "eio", "full")]
WHOLE = [pytest.param(mode, 1, marks=pytest.mark.slow) for mode in ("torn", "enospc", "eio", "full")]


@pytest.mark.parametrize(("mode", "step"), [("kill", 1), *SAMPLED, *WHOLE])
def test_any_failing_operation_leaves_the_old_or_the_new_snapshot(mode: str, step: int, published: Path, tmp_path: Path) -> None:
    assert survive(published, tmp_path / "work", mode, 0, step) > 30


@pytest.mark.parametrize(("mode", "step"), [("kill", 3), ("eio", 5), *WHOLE])
def test_any_failing_operation_of_a_first_publication_leaves_nothing_or_all(mode: str, step: int, empty: Path, tmp_path: Path) -> None:
    assert survive(empty, tmp_path / "work", mode, None, step) > 30


@pytest.mark.parametrize(("mode", "step"), [("kill", 3), ("eio", 5), *WHOLE])
def test_any_failing_operation_while_a_damaged_snapshot_is_replaced(mode: str, step: int, damaged: Path, tmp_path: Path) -> None:
    assert survive(damaged, tmp_path / "work", mode, 0, step) > 40


@pytest.mark.parametrize("mode", ["short", "flip"])
def test_a_disk_that_lies_is_noticed_before_anything_is_visible(mode: str, published: Path, tmp_path: Path) -> None:
    writes = [path.name for name, path in recorded(published, tmp_path / "count") if name == "write"]
    assert len(writes) >= 6
    for at, name in enumerate(writes, 1):
        if name == "run.json":
            continue  # about the run, outside the sums: no digest covers it
        work = tmp_path / f"work{at}"
        shutil.copytree(published, work, symlinks=True)
        with pytest.raises(StorageError, match="other bytes than were written"):
            tiny(work, 1, faults.Lying(at, mode))
        assert standing(work) == f"{0:016x}"
        settled(work, 0)


def recorded(start: Path, work: Path) -> list[tuple[str, Path]]:
    shutil.copytree(start, work, symlinks=True)
    files = faults.Recording()
    tiny(work, 1, files)
    return files.log


def test_everything_is_durable_before_it_is_visible(published: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    log = recorded(published, work)
    staged, target = work / f".staging-{1:016x}", work / "snapshots" / f"{1:016x}"
    commit = log.index(("rename", target))
    for name in (*manifest.load_sums(target), manifest.SUMS, "run.json"):
        last = max(i for i, (_, path) in enumerate(log) if path == staged / name and log[i][0] != "read")
        assert log[last][0] == "fsync", f"{name} is changed after its fsync"
        assert last < commit
    for folder in (staged, staged / "passages", staged / "sources"):
        assert ("fsync", folder) in log[:commit]
    assert log[commit + 1] == ("fsync", work / "snapshots")
    assert log[-2:] == [("rename", work / "latest"), ("fsync", work)]


def test_the_same_id_again_publishes_nothing_new(tmp_path: Path) -> None:
    first = maker.make(tmp_path)
    stamps = {p: p.stat().st_mtime_ns for p in first.snapshot.rglob("*")}
    again = maker.make(tmp_path)
    assert (first.new, again.new) == (True, False)
    assert {p: p.stat().st_mtime_ns for p in first.snapshot.rglob("*")} == stamps
    assert publish.existing(tmp_path, first.snapshot.name) == publish.Published(first.snapshot, new=False)


def test_an_older_snapshot_published_again_becomes_the_latest(tmp_path: Path) -> None:
    old = maker.make(tmp_path, 0)
    maker.make(tmp_path, 1)
    again = maker.make(tmp_path, 0)
    assert not again.new
    assert publish.latest(tmp_path) == old.snapshot.resolve()


def test_a_damaged_snapshot_of_the_same_id_is_replaced(tmp_path: Path) -> None:
    first = maker.make(tmp_path)
    flip(first.snapshot / "passages" / "part-00000.parquet")
    assert publish.existing(tmp_path, first.snapshot.name) is None
    again = maker.make(tmp_path)
    assert again.new
    assert again.repaired
    assert publish.damages(again.snapshot) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "snapshots"]


def test_a_damaged_snapshot_is_replaced_without_the_exchange_call_too(tmp_path: Path) -> None:
    class Plain(Files):
        def exchange(self, one: Path, other: Path) -> bool:
            return False

    first = maker.make(tmp_path)
    flip(first.snapshot / "SHA256SUMS", 3)
    assert maker.make(tmp_path, files=Plain()).repaired
    assert publish.damages(first.snapshot) == []


def test_unchanged_files_are_links_to_the_last_snapshot(tmp_path: Path) -> None:
    old = tiny(tmp_path, 0).snapshot
    folder, made = maker.stage(tmp_path / "other", 0)
    linked = publish.hard_link_unchanged(folder, old, made)
    assert linked == ["passages/part-00000.parquet", "sources/part-00000.parquet"]
    assert (folder / linked[0]).stat().st_ino == (old / linked[0]).stat().st_ino
    assert publish.damages(publish.publish(tmp_path / "other", folder, made).snapshot) == []


def test_a_damaged_file_of_the_last_snapshot_is_never_linked(tmp_path: Path) -> None:
    old = tiny(tmp_path, 0).snapshot
    flip(old / "passages/part-00000.parquet")
    folder, made = maker.stage(tmp_path / "other", 0)
    assert publish.hard_link_unchanged(folder, old, made) == ["sources/part-00000.parquet"]


def test_a_stray_file_in_the_staging_folder_is_not_published(tmp_path: Path) -> None:
    folder, made = maker.stage(tmp_path)
    (folder / "passages" / ".tmp-1.parquet").write_bytes(b"half")
    with pytest.raises(StorageError, match=r"\.tmp-1\.parquet"):
        publish.publish(tmp_path, folder, made)
    assert publish.latest(tmp_path) is None


def test_readers_never_see_half_a_swap(tmp_path: Path) -> None:
    maker.make(tmp_path, 0)
    seen: set[str] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            snapshot = publish.latest(tmp_path)
            seen.add("nothing" if snapshot is None else str(manifest.load(snapshot)["snapshot_id"] == snapshot.name))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(20):
        tiny(tmp_path, turn % 2)
    stop.set()
    reader.join()
    assert seen == {"True"}


def test_sigkill_in_a_real_process_leaves_a_whole_snapshot(tmp_path: Path) -> None:
    recording = faults.Recording()
    maker.make(tmp_path / "count", 1, files=recording)
    total = len(recording.log)
    output = tmp_path / "out"
    old = maker.make(output, 0).snapshot.name
    root = Path(__file__).resolve().parent
    points = sorted(random.Random(12).sample(range(total // 4, total - 12), 9))  # noqa: S311
    for at in (*points, total - 12, total - 6, total - 1):
        run = subprocess.run(
            [sys.executable, str(root / "publish_driver.py"), str(output), "1", str(at)],
            env={**os.environ, "PYTHONPATH": str(root.parent)},
            check=False,
        )
        assert run.returncode == -signal.SIGKILL
        seen = standing(output)
        assert seen == old or at > total - 12
    new = maker.make(output, 1)
    assert standing(output) == new.snapshot.name
    assert sorted(p.name for p in output.iterdir()) == ["latest", "snapshots"]


def test_sha256sum_reads_the_sums(tmp_path: Path) -> None:
    snapshot = maker.make(tmp_path).snapshot
    if shutil.which("sha256sum"):
        assert subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=snapshot, check=False).returncode == 0
    names = manifest.load_sums(snapshot)
    assert {"manifest.json", "README.md", "passages/part-00000.parquet"} <= names.keys()
    assert not any(name.startswith(("run.json", "report/")) for name in names)
    assert all(sha256_of(snapshot / name) == digest for name, digest in names.items())


def test_the_id_names_what_decides_the_data_and_nothing_else() -> None:
    def of(settings: Settings = maker.SETTINGS, inputs: tuple[tuple[str, str], ...] = (("a", "1"), ("b", "2")), rules: str = "r") -> str:
        return manifest.snapshot_id(inputs, settings, rules, "0.1.0", "lock")

    assert len(of()) == 16
    assert of(inputs=(("b", "2"), ("a", "1"))) == of()
    assert of(Settings.model_validate({"run": {"workers": 7}})) == of()
    assert of(Settings.model_validate({"quality": {"minimum": 0.5}})) != of()
    assert of(inputs=(("a", "1"), ("b", "3"))) != of()
    assert of(rules="s") != of()


def test_two_publications_are_byte_identical(tmp_path: Path) -> None:
    one, other = (maker.make(tmp_path / name).snapshot for name in "ab")
    assert (one / "SHA256SUMS").read_bytes() == (other / "SHA256SUMS").read_bytes()
    assert json.loads((one / "manifest.json").read_bytes())["snapshot_id"] == one.name


def test_content_digest_does_not_depend_on_the_encoder(tmp_path: Path) -> None:
    snapshot = maker.make(tmp_path).snapshot
    path = snapshot / "passages" / "part-00000.parquet"
    other = tmp_path / "other.parquet"
    pq.write_table(pq.read_table(path), other, compression="gzip", use_dictionary=False)
    info = manifest.file_info(other)
    assert info.content == manifest.load(snapshot)["tables"]["passages"]["files"][0]["content"]
    assert info.sha256 != sha256_of(path)


def test_the_card_names_every_table_and_leaves_empty_ones_out_of_the_configs(tmp_path: Path) -> None:
    parts = maker.rows()
    parts["templates"]["part-00000.parquet"] = []
    snapshot = maker.make(tmp_path, parts=parts).snapshot
    text = (snapshot / "README.md").read_text(encoding="utf-8")
    header = text.split("---")[1]
    assert "config_name: passages" in header
    assert "path: removed/*.parquet" in header
    assert "config_name: templates" not in header
    assert "Without rows in this snapshot: templates." in text
    assert text == card.render(manifest.load(snapshot))
