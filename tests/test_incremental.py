"""Incremental = full: whatever happened before, a run publishes the bytes that a run from scratch would."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import changing_world as world
import faults
import hypothesis
import pytest
import whole
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tasks import ingest
from tasks.gc import collect
from tasks.lock import hold
from tasks.near import Sets
from tasks.store.text import I64Array
from tasks.verify import render, verify

#: Sums of runs from scratch, by what they ran on: sequences meet the same small states again and again.
_KNOWN: dict[tuple[object, ...], str] = {}
_names = st.sampled_from(world.NAMES)
_paragraphs = st.lists(st.integers(0, len(world.PARAGRAPHS) - 1), min_size=1, max_size=5).map(tuple)


class Changes(RuleBasedStateMachine):
    """Two input roots whose sources change, an output folder that lives on, and the sources as a plain dict beside them."""

    @initialize(first=_paragraphs)
    def begin(self, first: tuple[int, ...]) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="changes-"))
        self.roots = [self.base / "left", self.base / "right"]
        self.sources: list[world.Sources] = [{"always/kept.txt": (0, 7, 15)}, {"d/right.txt": first}]
        self.turned, self.setting, self.dirty = False, 0, True

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "base", Path("nowhere")), ignore_errors=True)

    @property
    def output(self) -> Path:
        return self.base / "out"

    def _inputs(self) -> tuple[list[Path], Path]:
        for root, sources in zip(self.roots, self.sources, strict=True):
            world.write(root, sources)
        config = world.settings_file(self.base / "taosha.toml", world.SETTINGS[self.setting])
        return (self.roots[::-1] if self.turned else self.roots), config

    def _wanted(self) -> str:
        state = (self.setting, *(tuple(sorted(sources.items())) for sources in self.sources))
        if state not in _KNOWN:
            roots, config = self._inputs()
            _KNOWN[state] = world.from_scratch(sorted(roots), self.base / "fresh", config)
        return _KNOWN[state]

    @rule(name=_names, paragraphs=_paragraphs, side=st.integers(0, 1))
    def add_or_edit(self, name: str, paragraphs: tuple[int, ...], side: int) -> None:
        self.sources[side][name] = paragraphs
        self.dirty = True
        self.run()

    @rule(name=_names, side=st.integers(0, 1))
    def delete(self, name: str, side: int) -> None:
        self.dirty |= self.sources[side].pop(name, None) is not None
        self.run()

    @rule(old=_names, new=_names, side=st.integers(0, 1))
    def rename(self, old: str, new: str, side: int) -> None:
        if old in self.sources[side] and new not in self.sources[side]:
            self.sources[side][new] = self.sources[side].pop(old)
            self.dirty = True
        self.run()

    @rule()
    def reorder_roots(self) -> None:
        self.turned = not self.turned
        self.run()

    @rule(setting=st.integers(0, len(world.SETTINGS) - 1))
    def change_a_setting(self, setting: int) -> None:
        self.dirty |= setting != self.setting
        self.setting = setting
        self.run()

    @rule(at=st.integers(1, 120))
    def crash(self, at: int) -> None:
        roots, config = self._inputs()
        with contextlib.suppress(faults.SimulatedKill), world.dying(at):
            whole.run(roots, self.output, config)
            self.dirty = False  # it was done before its time came

    @rule()
    def run(self) -> None:
        roots, config = self._inputs()
        done = whole.run(roots, self.output, config)
        assert done.sums == self._wanted()
        self.dirty = False

    @rule()
    def run_again(self) -> None:
        if not self.dirty and (self.output / "latest").exists():
            roots, config = self._inputs()
            assert not whole.run(roots, self.output, config).answer["new"]

    @rule(keep=st.integers(0, 2))
    def collect_garbage(self, keep: int) -> None:
        if self.output.exists():
            with hold(self.output):
                collect(self.output, keep=keep, grace_hours=0.0)

    @invariant()
    def a_reader_sees_a_whole_snapshot(self) -> None:
        if (getattr(self, "base", Path("nowhere")) / "out" / "latest").exists():
            assert render(verify(self.output, read_data=False)) == "Every promise holds."


@pytest.fixture(autouse=True)
def _many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    world.small_cells(monkeypatch)


def _sequences(count: int, steps: int) -> None:
    checks = list(hypothesis.HealthCheck)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Changes,
        settings=hypothesis.settings(
            max_examples=count, stateful_step_count=steps, deadline=None, suppress_health_check=checks, derandomize=True, database=None
        ),
    )


def test_any_sequence_of_changes_publishes_what_a_run_from_scratch_would() -> None:
    _sequences(5, 8)


@pytest.mark.slow
def test_any_of_two_hundred_sequences_publishes_what_a_run_from_scratch_would() -> None:
    _sequences(200, 14)


def test_when_the_source_of_a_kept_passage_leaves_the_copy_that_it_suppressed_comes_back(tmp_path: Path) -> None:
    config = world.settings_file(tmp_path / "taosha.toml", "")
    world.write(tmp_path / "in", {"a/kept.txt": (0, 7), "b/copy.txt": (3, 15)})
    first = whole.run([tmp_path / "in"], tmp_path / "out", config)
    gone = [row for row in first.rows("removed") if row["source"] == "b/copy.txt"]
    assert [row["reason"] for row in gone] == ["near_duplicate"]
    (tmp_path / "in" / "a" / "kept.txt").unlink()
    second = whole.run([tmp_path / "in"], tmp_path / "out", config)
    assert next(row["passage_id"] for row in second.rows("passages")) == gone[0]["passage_id"]
    assert not second.rows("removed")
    assert second.sums == world.from_scratch([tmp_path / "in"], tmp_path / "fresh", config)


def test_pairs_of_old_passages_are_not_compared_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    for name in ("_verified", "_common"):
        plain = getattr(Sets, name)

        def counting(self: Sets, left: I64Array, *rest: Any, plain: Any = plain) -> Any:
            compared.append(len(left))
            return plain(self, left, *rest)

        monkeypatch.setattr(Sets, name, counting)
    config = world.settings_file(tmp_path / "taosha.toml", "")
    sources: world.Sources = {"a/one.txt": (0, 7), "b/two.txt": (3, 6), "c/three.txt": (1, 4)}
    world.write(tmp_path / "in", sources)
    whole.run([tmp_path / "in"], tmp_path / "out", config)
    first = sum(compared)
    assert first > 0
    world.write(tmp_path / "in", {**sources, "d/new.txt": (15, 10)})
    compared.clear()
    run = whole.run([tmp_path / "in"], tmp_path / "out", config)
    assert sum(compared) == 0
    assert run.sums == world.from_scratch([tmp_path / "in"], tmp_path / "fresh", config)
    world.write(tmp_path / "in", {**sources, "a/zero.txt": (8, 5), "d/new.txt": (15, 10)})
    compared.clear()
    run = whole.run([tmp_path / "in"], tmp_path / "out", config)
    assert sum(compared) > 0
    assert run.sums == world.from_scratch([tmp_path / "in"], tmp_path / "fresh-again", config)


@pytest.mark.parametrize("times", [1, 9])
def test_a_source_that_changes_while_the_run_reads_is_published_as_it_was_read_or_left_out(
    times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.settings_file(tmp_path / "taosha.toml", "")
    world.write(tmp_path / "in", {"a/still.txt": (0, 7), "b/restless.txt": (3, 6)})
    restless = tmp_path / "in" / "b" / "restless.txt"
    found = restless.read_text(encoding="utf-8")
    plain, count = ingest.read_cell, 0

    def changing(cell: list[ingest.SourceFile], *rest: Any) -> Any:
        nonlocal count
        if any(source.path == restless and source.skip_reason is None for source in cell) and count < times:
            count += 1
            restless.write_text(world.text_of((15, count)), encoding="utf-8")
        return plain(cell, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "read_cell", changing)
        run = whole.run([tmp_path / "in"], tmp_path / "out", config)
    rows = {row["source"]: row for row in run.rows("sources")}
    assert rows["a/still.txt"]["status"] == "ok"
    assert (rows["b/restless.txt"]["status"], rows["b/restless.txt"]["error"]) == (
        ("ok", None) if times == 1 else ("skipped", "changed while it was read")
    )
    if times == 1:
        assert run.sums == world.from_scratch([tmp_path / "in"], tmp_path / "fresh", config)
    restless.write_text(found, encoding="utf-8")
    again = whole.run([tmp_path / "in"], tmp_path / "out", config)
    assert again.answer["new"]
    assert again.sums == world.from_scratch([tmp_path / "in"], tmp_path / "fresh-again", config)
