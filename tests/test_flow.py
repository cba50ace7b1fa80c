"""The same run under Prefect: a few real flow runs with the embedded server, whose database is looked at afterwards."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import whole

from flows.server import Unavailable, configure

CORPUS = whole.ROOT / "corpus"
STAGES = ["annotate", "decide", "discover", "match", "model", "publish", "read", "write"]
pytestmark = pytest.mark.xdist_group("prefect")


def ask_database(home: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{home / 'prefect.db'}?mode=ro", uri=True) as database:
        rows = database.execute(query).fetchall()
    database.close()
    return rows


def servers(home: Path) -> list[psutil.Process]:
    """Processes that run our embedded server with this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if "flows.server_process" in process.cmdline() and process.environ().get("PREFECT_HOME") == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect-home")


@pytest.fixture(scope="module")
def recorded(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run of the command on the sample corpus under Prefect, with a fresh home."""
    folder = tmp_path_factory.mktemp("flow")
    done = whole.command(
        "run",
        "-i",
        CORPUS,
        "-o",
        folder / "out",
        "-c",
        empty(folder),
        "--workers",
        "1",
        cwd=folder,
        PREFECT_HOME=str(home),
        PREFECT_LOGGING_LEVEL="WARNING",
    )
    assert done.returncode == 3, done.stderr
    return done, folder / "out"


def empty(folder: Path) -> Path:
    (folder / "defaults.toml").write_bytes(b"")
    return folder / "defaults.toml"


def test_prefect_publishes_the_same_bytes_as_a_direct_run(
    recorded: tuple[subprocess.CompletedProcess[str], Path], sample_run: whole.Run
) -> None:
    done, output = recorded
    assert whole.sums(output) == sample_run.sums
    assert "embedded Prefect server started" in done.stderr
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr
    assert "ERROR" not in done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["snapshot", "report"]


def test_the_history_is_whole_when_the_command_returns(recorded: tuple[subprocess.CompletedProcess[str], Path], home: Path) -> None:
    assert ask_database(home, "select state_type, count(*) from flow_run group by 1") == [("COMPLETED", 1)]
    assert ask_database(home, "select name, state_type from task_run order by name") == [(name, "COMPLETED") for name in STAGES]
    assert ask_database(home, "select count(*) from task_run_state") == [(3 * len(STAGES),)]
    flow = ask_database(home, "select id from flow_run")[0][0]
    record = json.loads((recorded[1] / "latest" / "run.json").read_text(encoding="utf-8"))
    assert record["prefect_flow_run"] == str(flow)
    assert record["engine"] == "prefect"


def test_the_summary_artifact_has_numbers_and_no_text_of_a_source(
    recorded: tuple[subprocess.CompletedProcess[str], Path], home: Path, sample_run: whole.Run
) -> None:
    ((key, data),) = ask_database(home, "select key, data from artifact")
    assert key == "taosha-summary"
    page = json.loads(str(data))
    assert f"{sample_run.answer['summary']['characters']['read']:,}" in page
    assert "broken/torn\\-scan.txt" in page or "broken/torn-scan.txt" in page
    for row in sample_run.rows("passages"):
        assert len(row["text"]) < 8 or row["text"][:8] not in page


def test_no_server_is_left_after_a_run(recorded: tuple[subprocess.CompletedProcess[str], Path], home: Path) -> None:
    assert servers(home) == []


def test_a_failing_stage_fails_the_flow_run_and_the_command(home: Path, tmp_path: Path, recorded: object) -> None:
    """The guard against shrinking stops `publish`: exit 4, and Prefect says Failed for the task and for the flow."""
    folder = tmp_path / "in"
    (folder / "news").mkdir(parents=True)
    for name in ("old-bridge.txt", "tide-station.txt"):
        (folder / "news" / name).write_bytes((CORPUS / "news" / name).read_bytes())
    first = whole.run([folder], tmp_path / "out")
    (folder / "news" / "old-bridge.txt").unlink()
    args = ["run", "-i", folder, "-o", tmp_path / "out", "-c", empty(tmp_path), "--workers", "2"]
    done = whole.command(*args, cwd=tmp_path, PREFECT_HOME=str(home))
    assert done.returncode == 4, done.stderr
    assert "max_shrink" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert done.stderr.count("would shrink") == 1
    assert done.stdout == ""
    assert whole.sums(tmp_path / "out") == first.sums
    last = "(select id from flow_run order by start_time desc limit 1)"
    assert ask_database(home, f"select state_type from flow_run where id = {last}") == [("FAILED",)]  # noqa: S608
    states = dict(ask_database(home, f"select name, state_type from task_run where flow_run_id = {last}"))  # noqa: S608
    assert states == {name: "FAILED" if name == "publish" else "COMPLETED" for name in STAGES}


def test_a_killed_run_leaves_no_server(home: Path, tmp_path: Path, recorded: object) -> None:
    args = [sys.executable, "-m", "flows.cli", "run", "-i", str(CORPUS), "-o", str(tmp_path / "out"), "--workers", "1"]
    running = subprocess.Popen(
        args, env=whole.child_environment(PREFECT_HOME=str(home)), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "out" / "work").exists():
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    alive = servers(home)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert alive
    _, left = psutil.wait_procs(alive, timeout=30)
    assert left == []


def test_a_dead_api_gives_a_warning_and_the_run_goes_on_directly(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.srt").write_bytes((CORPUS / "captions" / "pier.srt").read_bytes())
    done = whole.command(
        "run", "-i", tmp_path / "in", "-o", tmp_path / "out", "--workers", "1", cwd=tmp_path,
        PREFECT_API_URL="http://127.0.0.1:9/api", PREFECT_HOME=str(tmp_path / "home"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "warning: running without Prefect" in done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "latest" / "manifest.json").is_file()


def test_an_unwritable_home_gives_a_warning_and_the_run_goes_on_directly(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.srt").write_bytes((CORPUS / "captions" / "pier.srt").read_bytes())
    (tmp_path / "file").write_text("not a folder")
    done = whole.command(
        "run", "-i", tmp_path / "in", "-o", tmp_path / "out", "--workers", "1", cwd=tmp_path, PREFECT_HOME=str(tmp_path / "file" / "home")
    )
    assert done.returncode == 0, done.stderr
    assert "warning: running without Prefect" in done.stderr
    assert "cannot be written" in done.stderr
    assert (tmp_path / "out" / "latest" / "manifest.json").is_file()


def test_configuring_keeps_what_the_user_has_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        configure(tmp_path / "home")
        assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
        assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
        assert os.environ["PREFECT_HOME"] == str(tmp_path / "home")
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        configure(tmp_path / "file" / "home")
