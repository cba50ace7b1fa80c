"""Garbage: what `latest` or a recent reader needs is never removed, wherever a collection dies."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import changing_world as world
import faults
import pytest
import snapshot_maker as maker
import whole

from flows import cli
from tasks import publish
from tasks.errors import LockHeld, StorageError
from tasks.gc import collect
from tasks.lock import hold
from tasks.settings import Settings
from tasks.verify import verify

DAY = 24.0


def aged(path: Path, days: float) -> None:
    then = time.time() - 86400 * days
    os.utime(path, (then, then))


def names(output: Path) -> list[str]:
    return sorted(path.name for path in (output / "snapshots").iterdir())


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Four snapshots, three of them old; the latest is the oldest by its own time."""
    output = tmp_path / "out"
    made = [maker.make(output, variant).snapshot for variant in range(4)]
    for number, snapshot in enumerate(made):
        aged(snapshot, 10 - number)
    return output


def test_old_snapshots_go_and_the_latest_stays_whatever_its_age(output: Path) -> None:
    current = publish.latest(output)
    assert current is not None
    aged(current, 100)
    found = collect(output, keep=0, grace_hours=DAY)
    assert len(found.snapshots) == 3
    assert names(output) == [current.name]
    assert verify(output) == []
    assert collect(output, keep=0, grace_hours=DAY) == collect(output, keep=0, grace_hours=DAY, dry_run=True)


def test_the_newest_are_kept_as_asked(output: Path) -> None:
    by_age = sorted((output / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime)
    found = collect(output, keep=2, grace_hours=DAY)
    assert found.snapshots == [by_age[0]]
    assert len(names(output)) == 3


def test_a_snapshot_that_was_the_latest_a_moment_ago_stays_for_its_readers(output: Path) -> None:
    before = publish.latest(output)
    assert before is not None
    aged(before, 50)  # published long ago, but the latest until now
    new = maker.make(output, 9).snapshot
    collect(output, keep=0, grace_hours=DAY)
    assert names(output) == sorted([before.name, new.name])


def test_a_clock_that_was_wrong_keeps_too_much_rather_than_too_little(output: Path) -> None:
    for snapshot in (output / "snapshots").iterdir():
        aged(snapshot, -1000)
    assert collect(output, keep=0, grace_hours=DAY).snapshots == []


def test_where_latest_leads_nowhere_no_snapshot_is_removed(output: Path) -> None:
    (output / "latest").unlink()
    assert collect(output, keep=0, grace_hours=0.0).snapshots == []
    assert len(names(output)) == 4


def test_a_dry_run_removes_nothing_and_says_what_would_go(output: Path) -> None:
    before = sorted(output.rglob("*"))
    found = collect(output, keep=1, grace_hours=DAY, dry_run=True)
    assert sorted(output.rglob("*")) == before
    assert found.byte_count > 0
    assert collect(output, keep=1, grace_hours=DAY) == found


def test_files_that_a_later_snapshot_shares_are_not_counted_as_freed(tmp_path: Path) -> None:
    old = maker.make(tmp_path / "out", 0).snapshot
    before = publish.latest(tmp_path / "out")
    folder, made = maker.stage(tmp_path / "out", 1)
    linked = publish.hard_link_unchanged(folder, before, made)
    publish.publish(tmp_path / "out", folder, made)
    assert linked
    aged(old, 5)
    own = sum(path.stat().st_size for path in old.rglob("*") if path.is_file() and path.stat().st_nlink == 1)
    assert collect(tmp_path / "out", keep=0, grace_hours=DAY).byte_count == own


@pytest.mark.parametrize("mode", ["kill", "eio"])
def test_a_collection_that_dies_anywhere_leaves_whole_snapshots_and_the_next_one_ends_it(mode: str, output: Path, tmp_path: Path) -> None:
    count, at = 0, 1
    while True:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(output, copy, symlinks=True)
        for snapshot in (output / "snapshots").iterdir():
            shutil.copystat(snapshot, copy / "snapshots" / snapshot.name)
        files = faults.Faulty(at, mode)
        try:
            collect(copy, keep=0, grace_hours=DAY, files=files)
            ended = files.count < at
        except (StorageError, faults.SimulatedKill):
            ended = False
        for name in names(copy):
            assert publish.damages(copy / "snapshots" / name) == [], f"{mode} at operation {at}"
        collect(copy, keep=0, grace_hours=DAY)
        assert len(names(copy)) == 1
        assert sorted(path.name for path in copy.iterdir()) == ["latest", "snapshots"]
        count += 1
        if ended:
            break
        at += 5 if at > 5 else 1
    assert count > 10


def test_stage_files_of_the_last_run_stay_and_those_of_earlier_ones_go(tmp_path: Path) -> None:
    config = world.settings_file(tmp_path / "taosha.toml", "")
    output = tmp_path / "out"
    world.write(tmp_path / "in", {"a/one.txt": (0, 7)})
    whole.run([tmp_path / "in"], output, config)
    for folder in (output / "work").glob("*/*"):
        aged(folder, 2)
    old = set((output / "work").glob("*/*"))
    world.write(tmp_path / "in", {"a/one.txt": (0, 8), "b/two.txt": (3, 15)})
    whole.run([tmp_path / "in"], output, config)
    used = set((output / "work").glob("*/*")) - old
    (output / "work" / "annotate" / ".half.123").mkdir()
    found = collect(output, keep=9, grace_hours=DAY)
    assert set(found.work) == {*old, output / "work" / "annotate" / ".half.123"}
    assert set((output / "work").glob("*/*")) == used
    world.write(tmp_path / "in", {"a/one.txt": (0, 8)})
    assert whole.run([tmp_path / "in"], output, config).sums == world.from_scratch([tmp_path / "in"], tmp_path / "fresh", config)


def test_the_command_says_what_it_removed_and_is_refused_while_a_run_holds_the_lock(
    output: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    def ask(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["taosha", "gc", "-o", str(output), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capfd.readouterr()

    code, out, err = ask("--keep", "0", "--dry-run")
    assert (code, len(out.splitlines())) == (0, 3)
    assert "3 snapshots, 0 stage folders, 0 leftovers: would free" in err
    with hold(output):
        assert ask()[0] == LockHeld.exit_code
    assert ask()[0] == 0
    assert len(names(output)) == 4  # publish.keep_snapshots
    assert Settings().publish.keep_snapshots > 3
    assert ask("--keep", "1")[0] == 0
    assert len(names(output)) == 2
