"""A change touches the stages that depend on it and no other; `taosha plan` says so beforehand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import changing_world as world
import hostile
import pytest
import whole

from flows.run import job_of
from tasks import stages
from tasks.forecast import Changes, forecast, lines
from tasks.sections import Section
from tasks.settings import DATA_SECTIONS, NOT_DATA, Settings
from tasks.stage_settings import STAGES, first_stage

SOURCES: world.Sources = {"a/one.txt": (0, 4, 7, 9), "b/two.md": (3, 11, 13, 12), "c/three.txt": (8, 15), "d/four.txt": (2, 10)}
STAGE_FOLDERS = ("read", "annotate", "match", "model", "decide")


@pytest.fixture(scope="module", autouse=True)
def _many_files() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        world.small_cells(patch)
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that was run once with the default settings."""
    folder = tmp_path_factory.mktemp("base")
    world.write(folder / "in", SOURCES)
    whole.run([folder / "in"], folder / "out", world.settings_file(folder / "taosha.toml", ""))
    return folder


@pytest.fixture
def corpus(base: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(base, tmp_path / "corpus", symlinks=True))


def made(corpus: Path) -> dict[str, set[str]]:
    return {name: {path.name for path in (corpus / "out" / "work" / name).iterdir()} for name in STAGE_FOLDERS}


def again(corpus: Path, settings: str = "") -> tuple[dict[str, int], Any]:
    """How many stage folders a run makes, and what was forecast; the run publishes what one from scratch would."""
    config = world.settings_file(corpus / "taosha.toml", settings)
    before = made(corpus)
    foreseen = forecast(job_of([corpus / "in"], corpus / "out", config))
    assert made(corpus) == before
    run = whole.run([corpus / "in"], corpus / "out", config)
    fresh = {name: len(folders - before[name]) for name, folders in made(corpus).items()}
    assert fresh == {
        "read": 0 if foreseen.standing else len(foreseen.read),
        "annotate": 0 if foreseen.standing else len(foreseen.annotate),  # a part a cell here
        "match": int(foreseen.match and not foreseen.standing),
        "model": int(foreseen.model and not foreseen.standing),
        "decide": int(foreseen.decide and not foreseen.standing),
    }
    assert run.sums == world.from_scratch([corpus / "in"], corpus / "fresh", config)
    return fresh, foreseen


CELLS = len(SOURCES)


def slow(*values: object) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


def test_the_corpus_has_a_cell_a_source(corpus: Path) -> None:
    assert len(stages.discover(job_of([corpus / "in"], corpus / "out", None)).cells) == CELLS
    assert {name: len(folders) for name, folders in made(corpus).items()} == {
        "read": CELLS,
        "annotate": CELLS,
        "match": 1,
        "model": 1,
        "decide": 1,
    }


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ("[quality]\nminimum = 0.3\n", "decide"),
        slow("[guards]\nmax_removed_share = 0.9\n", "decide"),
        slow('[language]\nkeep = ["zh"]\n', "decide"),
        ("[boilerplate]\nmin_documents = 3\nmin_share = 0.5\n", "decide"),
        ("[publish]\nsignatures = true\n", "write"),
        slow("[perplexity]\nfolds = 3\n", "model"),
        ('[input]\npriority = ["c"]\n', "match"),
        ("[matching]\nremove_threshold = 0.8\nbucket_cap = 8\n", "match"),
        slow('[dedup]\nmethod = "exact"\n', "match"),
        slow("[matching]\nseed = 2\n", "annotate"),
        slow('[script]\ntarget = "keep"\n', "annotate"),
        slow("[normalize]\npunctuation = false\n", "annotate"),
        ('[boilerplate]\noff = ["sponsor"]\n', "annotate"),
        ('[input]\ntext_fields = ["body"]\n', "read"),
        slow("[run]\nworkers = 1\nshard_parts = 1\n", None),
        ("[publish]\nkeep_snapshots = 3\n", None),
    ],
    ids=lambda value: value.replace("\n", " ").strip() if value and "[" in value else None,
)
def test_a_setting_recomputes_only_the_stages_that_depend_on_it(settings: str, first: str | None, corpus: Path) -> None:
    fresh, foreseen = again(corpus, settings)
    order = [*STAGE_FOLDERS, "write", None]
    full = {"read": CELLS, "annotate": CELLS, "match": 1, "model": 1, "decide": 1}
    assert fresh == {name: full[name] if order.index(name) >= order.index(first) else 0 for name in STAGE_FOLDERS}
    assert foreseen.standing == (first is None)
    touched = {first_stage(name) for name in foreseen.changes.settings}
    assert touched == ({first} if first else set())


@pytest.mark.parametrize(
    ("sources", "read", "changes"),
    [
        ({**SOURCES, "e/five.txt": (5,)}, 1, Changes(new=["e/five.txt"])),
        ({**SOURCES, "c/three.txt": (8, 14)}, 1, Changes(changed=["c/three.txt"])),
        ({name: numbers for name, numbers in SOURCES.items() if name[0] != "d"}, 0, Changes(deleted=["d/four.txt"])),
        (
            {**{n: p for n, p in SOURCES.items() if n[0] != "d"}, "d/other.txt": SOURCES["d/four.txt"]},
            1,
            Changes(renamed=[("d/four.txt", "d/other.txt")]),
        ),
        (SOURCES, 0, Changes()),
    ],
    ids=["new", "changed", "deleted", "renamed", "nothing"],
)
def test_a_source_recomputes_its_own_cell(sources: world.Sources, read: int, changes: Changes, corpus: Path) -> None:
    world.write(corpus / "in", sources)
    fresh, foreseen = again(corpus)
    assert foreseen.changes == changes
    moved = int(bool(changes))
    assert fresh == {"read": read, "annotate": read, "match": moved, "model": moved, "decide": moved}


def test_the_plan_names_what_changed_and_the_stage_it_touches(corpus: Path) -> None:
    world.write(corpus / "in", {**SOURCES, "e/five.txt": (5,)})
    config = world.settings_file(corpus / "taosha.toml", "[quality]\nminimum = 0.3\n")
    told = "\n".join(lines(forecast(job_of([corpus / "in"], corpus / "out", config))))
    assert "new       1: e/five.txt" in told
    assert "setting   quality.minimum = 0.3, was 0.0: touches decide" in told
    assert "to read   1 cells, 1 sources" in told


def test_deleted_or_damaged_stage_files_are_made_again(corpus: Path) -> None:
    config = corpus / "taosha.toml"
    wanted = whole.sums(corpus / "out")
    cell, notes = (next((corpus / "out" / "work" / name).iterdir()) for name in ("read", "annotate"))
    (cell / "cell.json").unlink()
    damaged = bytearray((notes / "match.arrow").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (notes / "match.arrow").write_bytes(damaged)
    for path in (corpus / "out" / "work" / "decide").rglob("*.npz"):
        path.write_bytes(b"")
    foreseen = forecast(job_of([corpus / "in"], corpus / "out", config))
    assert len(foreseen.read) == 1
    (corpus / "out" / "latest").unlink()
    for path in (corpus / "out" / "snapshots").iterdir():
        path.rename(corpus / path.name)
    assert whole.run([corpus / "in"], corpus / "out", config).sums == wanted


def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    names = {kind.annotation: name for name, kind in Settings.model_fields.items()}
    seen: set[str] = set()
    plain = Section.__getattribute__

    def watch(self: Any, name: str) -> Any:
        if type(self) in names and name in type(self).model_fields:
            seen.add(f"{names[type(self)]}.{name}")
        return plain(self, name)

    monkeypatch.setattr(Section, "__getattribute__", watch)
    yield seen


def test_a_stage_reads_no_setting_that_its_key_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of([whole.ROOT / "corpus"], tmp_path / "out", world.settings_file(tmp_path / "taosha.toml", ""), 1)
    plan = stages.discover(job)
    _ = job.rules
    read: dict[str, set[str]] = {}

    def watch(name: str, function: Any, *args: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            seen = next(watched(patch))
            result = function(*args)
        read[name] = seen
        return result

    cells = watch("read", stages.read, job, plan, list(range(len(plan.cells))))
    parts = watch("annotate", stages.annotate, job, stages.in_files(job, cells))
    matched = watch("match", stages.match, job, parts)
    matched = watch("model", stages.model, job, parts, matched)
    watch("decide", stages.decide, job, parts, matched, [])
    held: set[str] = set()
    for name, (sections, without) in STAGES.items():  # a stage's key holds the keys of what it builds on
        held |= {f"{section}.{field}" for section in sections for field in Settings.model_fields[section].annotation.model_fields} - set(
            without
        )  # type: ignore[union-attr]
        other = {"publish.part_bytes", "run.workers"}  # in the key of a cell by itself; no data
        assert read[name], name
        assert read[name] - held - other == set(), name


def test_every_setting_that_affects_data_is_of_some_stage_or_of_writing() -> None:
    for section in DATA_SECTIONS:
        for name in Settings.model_fields[section].annotation.model_fields:  # type: ignore[union-attr]
            if (section, name) not in NOT_DATA:
                assert first_stage(f"{section}.{name}") in (*STAGES, "write")


def test_what_was_read_is_what_was_found_whatever_becomes_of_a_source(tmp_path: Path) -> None:
    hostile.write(tmp_path / "in")
    shutil.copytree(whole.ROOT / "corpus", tmp_path / "in" / "sample")
    config = world.settings_file(tmp_path / "taosha.toml", "[input]\nmax_source_bytes = 4000\n")
    job = job_of([tmp_path / "in"], tmp_path / "out", config, 1)
    plan = stages.discover(job)
    cells = stages.read(job, plan, list(range(len(plan.cells))))
    assert {row["status"] for cell in cells for row in cell["sources"]} >= {"ok", "quarantined", "skipped"}
    assert stages.settled(job, plan, cells) == plan
