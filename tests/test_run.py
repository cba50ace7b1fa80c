"""What DESIGN.md promises, on whole runs: conservation, provenance, verified removals, determinism, convergence after a kill."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import hostile
import naive_shingles
import psutil
import pyarrow.parquet as pq
import pytest
import test_sample_corpus as corpus
import whole

from tasks.replay import replay
from tasks.settings import Settings, load
from tasks.store.schemas import TABLES
from tasks.verify import render, verify

CORPUS = whole.ROOT / "corpus"
DUPLICATES = ("exact_duplicate", "near_duplicate", "duplicate_block")
#: Small parts, so that the sample corpus has several. What a part covers is a data setting: it names snapshots of its own.
SMALL = "[publish]\npart_bytes = 65536\n"


@pytest.fixture(scope="session", params=["sample", "seeds"])
def finished(request: pytest.FixtureRequest) -> whole.Run:
    run: whole.Run = request.getfixturevalue(f"{request.param}_run")
    return run


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Input of several parts: the sample corpus five times, each copy with a mark of its own on some lines."""
    folder = tmp_path_factory.mktemp("many") / "in"
    for copy in range(5):
        shutil.copytree(CORPUS, folder / f"copy-{copy}")
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "taosha.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def many_run(many: Path, small: Path, tmp_path_factory: pytest.TempPathFactory) -> whole.Run:
    return whole.run([many], tmp_path_factory.mktemp("many-out") / "out", small)


def source_texts(run: whole.Run) -> list[tuple[str, int, str]]:
    """(source, record, document text) decoded by Python alone, of all sources whose reader takes the text as it stands."""
    if run.inputs != [CORPUS]:
        return [(path.name, 0, path.read_text(encoding="utf-8")) for path in sorted(run.inputs[0].glob("*.txt"))]
    found = []
    for name in corpus.READ:
        records = {"reposts/records.jsonl": 8, "reposts/river-words.csv": 4}.get(name, 1)
        for record in range(records):
            lines = corpus.document(name, record)
            if lines is not None:
                found.append((name, record, "\n".join(lines)))
    return found


# ---- one run -----------------------------------------------------------------------------------------------------------


def test_every_character_is_in_exactly_one_row_that_slices_the_source(finished: whole.Run) -> None:
    texts = source_texts(finished)
    assert len(texts) >= 5
    for source, record, text in texts:
        spans = finished.spans(source, record)
        assert whole.unproved(text, spans["kept"], spans["removed"]) is None, f"{source} record {record}"


def test_counts_of_sources_are_those_of_the_rows(finished: whole.Run) -> None:
    counts: dict[str, int] = {}
    for table in ("passages", "removed"):
        for row in finished.rows(table):
            raw = row["raw"] if row["raw"] is not None else row["text"]
            counts[row["source"]] = counts.get(row["source"], 0) + whole.visible(raw)
    assert counts == {row["source"]: row["char_count"] for row in finished.rows("sources") if row["char_count"]}


def test_replaying_the_edits_on_raw_gives_the_published_text(finished: whole.Run) -> None:
    for path in sorted((finished.snapshot / "passages").glob("*.parquet")):
        table = pq.read_table(path)
        assert replay(table, Settings()).to_pylist() == table["text"].to_pylist()


def test_every_duplicate_names_a_kept_passage_that_is_as_similar_as_it_says(finished: whole.Run) -> None:
    kept = {row["passage_id"]: row for row in finished.rows("passages")}
    threshold = Settings().matching.remove_threshold
    exact = 0
    for row in finished.rows("removed"):
        if row["reason"] not in DUPLICATES:
            assert row["kept_passage_id"] is None
            continue
        twin = kept[row["kept_passage_id"]]
        twin_raw = twin["raw"] or twin["text"]
        if row["reason"] == "near_duplicate":
            assert row["similarity"] >= threshold
        if row["reason"] == "exact_duplicate":
            assert naive_shingles.fold(row["raw"]) == naive_shingles.fold(twin["text"])
        if row["parent_id"] or twin["parent_id"] or not (naive_shingles.is_plain_han(row["raw"]) and naive_shingles.is_plain_han(twin_raw)):
            continue  # matching saw the uncut passage, or tokens that are not single characters
        assert row["similarity"] == pytest.approx(naive_shingles.similarity(row["raw"], twin_raw), abs=6e-4)  # published to three digits
        exact += 1
    assert exact or finished.inputs != [CORPUS]


def test_pairs_state_the_exact_similarity_and_nothing_below_the_thresholds(finished: whole.Run) -> None:
    raws = {row["passage_id"]: row for table in ("passages", "removed") for row in finished.rows(table)}
    checked = 0
    for pair in finished.rows("pairs"):
        assert pair["similarity"] >= 0.5 or max(pair["containment_a"], pair["containment_b"]) >= 0.8
        assert (pair["source_a"], pair["record_a"], pair["char_start_a"]) < (pair["source_b"], pair["record_b"], pair["char_start_b"])
        a, b = raws.get(pair["passage_a"]), raws.get(pair["passage_b"])
        if a is None or b is None or a["parent_id"] or b["parent_id"] or pair["kind"] == "identical":
            continue
        one, other = (row["raw"] or row["text"] for row in (a, b))
        if naive_shingles.is_plain_han(one) and naive_shingles.is_plain_han(other):
            assert pair["similarity"] == pytest.approx(naive_shingles.similarity(one, other), abs=6e-4)  # published to three digits
            checked += 1
    assert checked or finished.inputs != [CORPUS]


def test_rows_are_sorted_and_ids_are_unique(finished: whole.Run) -> None:
    for table in ("passages", "removed"):
        places = [(row["source"], row["record"], row["char_start"]) for row in finished.rows(table)]
        assert places == sorted(places)
    ids = [row["passage_id"] for table in ("passages", "removed") for row in finished.rows(table)]
    assert len(ids) == len(set(ids))
    sources = [row["source"] for row in finished.rows("sources")]
    assert sources == sorted(set(sources))
    ordinals: dict[str, int] = {}
    for row in finished.rows("passages"):
        assert row["ordinal"] == ordinals.get(row["doc_id"], -1) + 1
        ordinals[row["doc_id"]] = row["ordinal"]


def test_files_have_the_documented_schema_with_descriptions(finished: whole.Run) -> None:
    for name, (schema, _) in TABLES.items():
        paths = sorted((finished.snapshot / name).glob("*.parquet"))
        assert paths or name == "signatures", name
        for path in paths:
            found = pq.read_schema(path)
            assert found.equals(schema), name
            for column in schema:
                assert found.field(column.name).metadata == column.metadata, f"{name}.{column.name}"


def test_verify_finds_nothing_wrong_from_disk_and_against_the_sources(finished: whole.Run) -> None:
    assert render(verify(finished.output, input_dirs=finished.inputs)) == "Every promise holds."


def test_only_parquet_stands_in_data_folders_and_nothing_is_left_over(finished: whole.Run) -> None:
    names = sorted(path.name for path in finished.output.iterdir())
    assert names == [".lock", "history", "latest", "snapshots", "work"]
    assert {path.suffix for name in TABLES for path in (finished.snapshot / name).glob("*")} == {".parquet"}
    assert not list((finished.output / "work").rglob(".*"))


# ---- the same bytes ----------------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("many")
def test_input_of_several_parts_publishes_several_files(many_run: whole.Run) -> None:
    assert len(list((many_run.snapshot / "passages").glob("*.parquet"))) >= 3
    assert render(verify(many_run.output)) == "Every promise holds."


@pytest.mark.parametrize(
    ("workers", "shard_parts", "environment"),
    [
        (1, 1, {"PYTHONHASHSEED": "0", "TZ": "Asia/Shanghai", "LC_ALL": "C"}),
        (2, 1, {"PYTHONHASHSEED": "1", "TZ": "America/St_Johns", "LANG": "zh_CN.UTF-8"}),
        (2, 100, {"PYTHONHASHSEED": "random", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}),
        *(
            pytest.param(workers, parts, {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}, marks=pytest.mark.slow)
            for workers, parts, seed, (zone, locale) in itertools.product(
                (1, 2, 4), (1, 3, 100), ("0", "12345"), (("Asia/Shanghai", "C"), ("Pacific/Apia", "zh_CN.UTF-8"))
            )
        ),
    ],
)
@pytest.mark.xdist_group("many")
def test_bytes_do_not_depend_on_workers_shards_hash_seed_zone_or_locale(
    workers: int, shard_parts: int, environment: dict[str, str], many: Path, many_run: whole.Run, tmp_path: Path
) -> None:
    settings = tmp_path / "taosha.toml"
    settings.write_text(f"{SMALL}[run]\nshard_parts = {shard_parts}\n")
    done = whole.command(
        "run", "--direct", "-i", many, "-o", tmp_path / "out", "-c", settings, "--workers", str(workers), cwd=tmp_path, **environment
    )
    assert done.returncode == 3, done.stderr
    assert whole.sums(tmp_path / "out") == many_run.sums


@pytest.mark.xdist_group("many")
def test_bytes_do_not_depend_on_the_order_of_listings_or_on_where_the_input_stands(
    many: Path, small: Path, many_run: whole.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    listing, shuffle = os.scandir, random.Random(5)  # noqa: S311

    class Shuffled:
        def __init__(self, path: Any) -> None:
            with listing(path) as entries:
                shuffled = list(entries)
            shuffle.shuffle(shuffled)
            self.entries = iter(shuffled)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> Any:
            return next(self.entries)

        def close(self) -> None: ...

    shutil.copytree(many, tmp_path / "elsewhere" / "in")
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", Shuffled)
        again = whole.run([tmp_path / "elsewhere" / "in"], tmp_path / "out", small)
    assert again.sums == many_run.sums


@pytest.mark.xdist_group("many")
def test_a_cut_between_parts_changes_no_row(many: Path, many_run: whole.Run, tmp_path: Path) -> None:
    one = whole.run([many], tmp_path / "out")
    stamps = {"settings_digest"}
    for table in TABLES:
        some, others = ([{k: v for k, v in row.items() if k not in stamps} for row in run.rows(table)] for run in (one, many_run))
        assert some == others, table


# ---- again, and with changes -------------------------------------------------------------------------------------------


def test_an_unchanged_rerun_publishes_nothing_and_says_so(tmp_path: Path) -> None:
    first = whole.run([CORPUS], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}
    again = whole.command("run", "--direct", "-i", CORPUS, "-o", tmp_path / "out", "-c", tmp_path / "defaults.toml", cwd=tmp_path)
    assert again.returncode == 3
    assert "nothing changed" in again.stderr
    assert str(first.snapshot) in again.stdout
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}


def test_after_adds_edits_renames_and_removals_a_run_equals_one_from_scratch(many: Path, small: Path, tmp_path: Path) -> None:
    """The copy of a passage comes back when the source of the kept one leaves."""
    folder = tmp_path / "in"
    shutil.copytree(CORPUS, folder)
    output = tmp_path / "out"

    def step(number: int) -> whole.Run:
        here, fresh = whole.run([folder], output, small), whole.run([folder], tmp_path / f"fresh-{number}" / "out", small)
        assert here.sums == fresh.sums
        assert here.answer["new"]
        return here

    (tmp_path / "fresh-1").mkdir()
    first = step(1)
    kept = {row["passage_id"]: row for row in first.rows("passages")}
    gone = next(
        r
        for r in first.rows("removed")
        if r["reason"] == "near_duplicate" and kept[r["kept_passage_id"]]["source"] == "news/old-bridge.txt"
    )

    (tmp_path / "fresh-2").mkdir()
    (folder / "news" / "old-bridge.txt").unlink()
    (folder / "news" / "added.txt").write_text(
        "海边的灯塔看守人每天记三次气压。\n\n他说气压掉得快的时候，鸟会先飞回来。\n", encoding="utf-8"
    )
    (folder / "captions" / "tide.vtt").rename(folder / "captions" / "ebb.vtt")
    edited = folder / "newsletter" / "issue-33.md"
    edited.write_text(edited.read_text(encoding="utf-8").replace("。", "！", 1), encoding="utf-8")
    second = step(2)
    back = [r for r in second.rows("passages") if r["source"] == gone["source"] and r["char_start"] == gone["char_start"]]
    assert len(back) == 1
    assert render(verify(output, input_dirs=[folder])) == "Every promise holds."

    shutil.rmtree(folder)
    shutil.copytree(CORPUS, folder)
    third = whole.run([folder], output, small)
    assert third.sums == first.sums
    assert not third.answer["new"]


@pytest.mark.xdist_group("many")
def test_unchanged_files_are_links_to_those_of_the_last_snapshot(many: Path, small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(many, folder)
    first = whole.run([folder], tmp_path / "out", small)
    (folder / "copy-4" / "news" / "tide-station.txt").unlink()
    second = whole.run([folder], tmp_path / "out", small)
    old = {path.stat().st_ino for path in first.snapshot.rglob("*.parquet")}
    new = [path for path in second.snapshot.rglob("*.parquet") if path.stat().st_ino not in old]
    linked = [path for path in second.snapshot.rglob("*.parquet") if path.stat().st_ino in old]
    assert linked
    assert len(new) < len(linked) + len(new)


# ---- kills -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def killing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, str, int]:
    """Input, an output that holds the snapshot of an older input, its copy, the sums to reach, and how many file operations that takes."""
    root = tmp_path_factory.mktemp("kill")
    folder = root / "in"
    shutil.copytree(CORPUS, folder)
    (folder / "news" / "old-bridge.txt").unlink()
    (root / "settings.toml").write_text(SMALL)
    whole.run([folder], root / "old", root / "settings.toml")
    shutil.copy(CORPUS / "news" / "old-bridge.txt", folder / "news")
    shutil.copytree(root / "old", root / "undisturbed", symlinks=True)
    done = subprocess.run(kill_driver(folder, root / "undisturbed", root / "settings.toml", 0), **_driven())
    assert done.returncode == 3, done.stderr
    return root, folder, root / "old", whole.sums(root / "undisturbed"), int(done.stdout.split()[-1])


def kill_driver(folder: Path, output: Path, settings: Path, at: int) -> list[str]:
    return [sys.executable, str(Path(__file__).parent / "run_driver.py"), str(folder), str(output), str(settings), str(at)]


def _driven() -> dict[str, Any]:
    return {"env": whole.child_environment(), "capture_output": True, "text": True, "timeout": 300, "check": False}


@pytest.mark.parametrize("share", [round((i + random.Random(i).random()) / 7, 3) for i in range(7)] + [1.0])  # noqa: S311
@pytest.mark.xdist_group("kill")
def test_a_run_killed_anywhere_leaves_the_last_snapshot_and_the_next_one_converges(
    share: float, killing: tuple[Path, Path, Path, str, int], tmp_path: Path
) -> None:
    root, folder, old, wanted, operations = killing
    output = tmp_path / "out"
    shutil.copytree(old, output, symlinks=True)
    before = whole.sums(output)
    done = subprocess.run(kill_driver(folder, output, root / "settings.toml", max(1, round(share * operations))), **_driven())
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert whole.sums(output) in (before, wanted)
    assert render(verify(output)) == "Every promise holds."
    again = whole.run([folder], output, root / "settings.toml")
    assert again.sums == wanted
    assert render(verify(output, read_data=False)) == "Every promise holds."
    assert not [path for path in output.iterdir() if path.name.startswith(".") and path.name != ".lock"]


@pytest.mark.xdist_group("many")
def test_workers_end_when_the_run_is_killed(many: Path, tmp_path: Path) -> None:
    settings = tmp_path / "taosha.toml"
    settings.write_text(f"{SMALL}[run]\nshard_parts = 1\nworkers = 2\n")
    args = [sys.executable, "-m", "flows.cli", "run", "--direct", "-i", str(many), "-o", str(tmp_path / "out"), "-c", str(settings)]
    running = subprocess.Popen(args, env=whole.child_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    process = psutil.Process(running.pid)
    deadline = time.monotonic() + 120
    while len(children := process.children(recursive=True)) < 3:  # two workers and multiprocessing's resource tracker
        assert running.poll() is None, "the run ended before it had workers"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    for process in alive:
        process.kill()
    assert not alive
    assert whole.run([many], tmp_path / "out", settings).code == 3


# ---- bad inputs --------------------------------------------------------------------------------------------------------


def test_hostile_inputs_are_each_accounted_for_and_never_fail_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    hostile.write(folder)
    run = whole.run([folder], tmp_path / "out")
    assert run.code == 3
    found = {row["source"]: row for row in run.rows("sources")}
    for name, (data, status, error) in hostile.FILES.items():
        row = found[name]
        assert row["status"] == status, name
        assert row["byte_count"] == len(data)
        if status == "ok":
            assert row["error"] is None, name
        else:
            assert row["error"].startswith(error or ""), name
    for name in ("link.txt", "outside.txt", "loop", "circle.txt", "pipe.txt"):
        assert found[name]["status"] == "skipped", name
        assert found[name]["error"], name
    assert len(found) == len(hostile.FILES) + 6
    assert render(verify(run.output)) == "Every promise holds."
    data = load(None)
    assert run.answer["summary"]["characters"]["unaccounted"] == 0
    assert data == Settings()


def test_an_empty_folder_and_a_folder_of_nothing_readable_publish_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    empty = whole.run([tmp_path / "in"], tmp_path / "out")
    assert empty.code == 0
    assert not empty.rows("passages")
    assert render(verify(empty.output)) == "Every promise holds."
    (tmp_path / "in" / "torn.txt").write_bytes(b"\xff\xfe\xfa")
    torn = whole.run([tmp_path / "in"], tmp_path / "out")
    assert torn.code == 3
    assert [row["status"] for row in torn.rows("sources")] == ["quarantined"]
    assert render(verify(torn.output)) == "Every promise holds."
