"""Runs by schedule, for real: a Prefect server, a process work pool and its worker on loopback, and `taosha schedule`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import whole

CORPUS = whole.ROOT / "corpus"
pytestmark = pytest.mark.xdist_group("prefect")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: Callable[[], Any], seconds: float = 180) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"{what} was not true within {seconds} s"
        time.sleep(0.2)
    return found


class Site:
    """A Prefect server with a home of its own, and what it is asked over HTTP."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.environment = whole.child_environment(
            PREFECT_HOME=str(folder / "home"),
            PREFECT_API_URL=url,
            PREFECT_SERVER_ANALYTICS_ENABLED="false",
            PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS="1",
            DO_NOT_TRACK="1",
        )

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, kind, method=method)  # noqa: S310 (loopback)
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 (loopback)
                    return json.loads(reply.read() or b"null")
            except urllib.error.HTTPError as error:
                # Its database is SQLite: while another writes, the server answers 503, and whoever asks tries again, as its own client does.
                if error.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def found(self, path: str) -> Any:
        """The answer, None while there is none."""
        try:
            return self.ask(path)
        except (OSError, ValueError):
            return None

    def prefect(self, *args: str) -> subprocess.CompletedProcess[str]:
        """`prefect ARGS` in the repository's root, where `prefect.yaml` lies."""
        return subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *args],
            cwd=whole.ROOT, env=self.environment, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    def started(self, name: str, *args: str, cwd: Path = whole.ROOT) -> subprocess.Popen[bytes]:
        """A long-lived process whose output goes to a file."""
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([sys.executable, "-m", *args], cwd=cwd, env=self.environment, stdout=log, stderr=log)

    def trigger(self, deployment: str, **parameters: Any) -> str:
        """Id of a run of a deployment, asked for by a person."""
        where = self.ask(f"/deployments/name/taosha/{deployment}")
        asked = self.ask(f"/deployments/{where['id']}/create_flow_run", {"parameters": parameters, "state": {"type": "SCHEDULED"}})
        return str(asked["id"])

    def state(self, run: str) -> dict[str, Any]:
        state: dict[str, Any] = self.ask(f"/flow_runs/{run}")["state"]
        return state

    def ended(self, run: str, seconds: float = 180) -> dict[str, Any]:
        until(lambda: self.state(run)["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"), seconds)
        return self.state(run)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real server, the work pool of `prefect.yaml`, and its deployment. No worker yet."""
    port = free_port()
    found = Site(tmp_path_factory.mktemp("site"), f"http://127.0.0.1:{port}/api")
    server = found.started("server", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui")
    try:
        until(lambda: found.found("/health"))
        found.ask("/work_pools/", {"name": "taosha", "type": "process"})
        deployed = found.prefect("deploy", "--all")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield found
    finally:
        end(server)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its children."""
    for one in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
        one.kill()
    process.kill()
    process.wait()


@contextmanager
def working(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    worker = site.started("worker", "prefect", "worker", "start", "--pool", "taosha", cwd=site.folder)
    try:
        yield worker
    finally:
        end(worker)


def test_parameters_are_a_form_with_descriptions_and_bounds(site: Site) -> None:
    deployment = site.ask("/deployments/name/taosha/nightly")
    fields = deployment["parameter_openapi_schema"]["properties"]
    assert set(fields) == {"inputs", "output", "config", "workers"}
    assert all(field["description"] for field in fields.values())
    assert (fields["workers"]["minimum"], fields["inputs"]["minItems"]) == (0, 1)
    assert deployment["enforce_parameter_schema"]
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    refused = site.prefect("deployment", "run", "taosha/nightly", "-p", "workers=-1")
    assert refused.returncode != 0
    assert "minimum of 0" in refused.stdout + refused.stderr


def test_a_worker_completes_a_run_a_mistake_says_its_exit_code_and_missed_runs_are_caught_up_once(
    site: Site, tmp_path: Path, sample_run: whole.Run
) -> None:
    (tmp_path / "defaults.toml").write_bytes(b"")
    common = {"output": str(tmp_path / "out"), "config": str(tmp_path / "defaults.toml"), "workers": 1}
    good = site.trigger("nightly", inputs=[str(CORPUS)], **common)
    bad = site.trigger("nightly", inputs=[str(tmp_path / "nowhere")], **common)
    missed = [site.trigger("nightly", inputs=[str(CORPUS)], **common) for _ in range(2)]
    due = datetime.now(UTC) - timedelta(days=1)
    with sqlite3.connect(site.folder / "home" / "prefect.db", timeout=60) as database:  # nothing else makes a run that is late by a day
        for run in missed:
            database.execute(
                "update flow_run set auto_scheduled = 1, expected_start_time = ? where id = ?", (due.strftime("%F %H:%M:%S.%f"), run)
            )
    database.close()
    with working(site):
        assert site.ended(good)["type"] == "COMPLETED"
        assert site.state(good)["message"].startswith("exit 3 (published; some input was quarantined or needs review)")
        assert whole.sums(tmp_path / "out") == sample_run.sums
        artifacts = site.ask("/artifacts/filter", {"flow_runs": {"id": {"any_": [good]}}})
        assert [artifact["key"] for artifact in artifacts] == ["taosha-summary"]
        assert (site.ended(bad)["type"], site.ended(bad)["message"][:6]) == ("FAILED", "exit 2")
        assert "nowhere: there is no such file or folder" in site.state(bad)["message"]
        # What was missed may be caught up before or after the run that was asked for; either way once.
        assert "Skipped" in {site.ended(run)["name"] for run in missed}
        assert {site.state(run)["type"] for run in missed} == {"COMPLETED"}


@pytest.mark.parametrize("wait", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["at once", "when its place is free"])
def test_a_killed_worker_leaves_a_run_that_the_next_one_ends_and_does_over(
    wait: bool, site: Site, tmp_path: Path, sample_run: whole.Run
) -> None:
    """The dead run holds the deployment's only place for up to five minutes more (Prefect's lease); without the limit, nothing waits."""
    if not wait:
        where = site.ask("/deployments/name/taosha/nightly")["id"]
        site.ask(f"/deployments/{where}", {"concurrency_limit": None}, "PATCH")
    (tmp_path / "defaults.toml").write_bytes(b"")
    given = {"inputs": [str(CORPUS)], "output": str(tmp_path / "out"), "config": str(tmp_path / "defaults.toml"), "workers": 1}
    killed = site.trigger("nightly", **given)
    with working(site) as worker:
        until(lambda: (tmp_path / "out" / "work" / "read").exists())
        engines = [child for child in psutil.Process(worker.pid).children(recursive=True) if "prefect.engine" in child.cmdline()]
        assert engines
        os.kill(worker.pid, signal.SIGKILL)
        for engine in engines:
            engine.kill()
    assert not (tmp_path / "out" / "latest").exists()
    assert site.state(killed)["type"] == "RUNNING"
    following = site.trigger("nightly", **given)
    with working(site):
        assert site.ended(following, 600)["type"] == "COMPLETED"
    assert whole.sums(tmp_path / "out") == sample_run.sums
    assert site.state(killed)["type"] == "CRASHED"
    assert "its process ended without a word" in site.state(killed)["message"]


def test_schedule_serves_with_a_server_of_its_own_and_stops_without_pausing(tmp_path: Path, sample_run: whole.Run) -> None:
    (tmp_path / "defaults.toml").write_bytes(b"")
    args = ["schedule", "--cron", "0 3 * * *", "--timezone", "Asia/Shanghai", "-i", str(CORPUS), "-o", str(tmp_path / "out"), "--port", "0"]
    environment = whole.child_environment(PREFECT_HOME=str(tmp_path / "home"))
    command = [sys.executable, "-m", "flows.cli", *args, "-c", str(tmp_path / "defaults.toml"), "--workers", "1"]
    with (tmp_path / "log").open("wb") as log:
        serving = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        said = until(lambda: re.search(rb"Prefect at (http://127\.0\.0\.1:\d+)", (tmp_path / "log").read_bytes()))
        own = Site(tmp_path, said[1].decode() + "/api")
        schedules = until(lambda: own.found("/deployments/name/taosha/scheduled"))["schedules"]
        assert [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in schedules] == [
            ("0 3 * * *", "Asia/Shanghai", True)
        ]
        names = [automation["name"] for automation in own.ask("/automations/filter", {})]
        assert names == ["taosha: a run without a heartbeat has crashed"]
        assert own.ended(own.trigger("scheduled"))["type"] == "COMPLETED"
        assert whole.sums(tmp_path / "out") == sample_run.sums
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(timeout=30) is not None
    finally:
        end(serving)
    with sqlite3.connect(tmp_path / "home" / "prefect.db") as database:
        assert database.execute("select paused from deployment").fetchall() == [(0,)]
        assert database.execute("select active from deployment_schedule").fetchall() == [(1,)]
    database.close()


@pytest.mark.parametrize(
    "wrong", [["--cron", "at three"], ["--cron", "0 3 * * *", "--timezone", "Mars/Olympus"], ["--cron", "0 3 * * *", "-i", "nowhere"]]
)
def test_a_schedule_that_cannot_be_is_refused_at_once(wrong: list[str], site: Site, tmp_path: Path) -> None:
    given = wrong if "-i" in wrong else [*wrong, "-i", str(CORPUS)]
    done = whole.command("schedule", *given, "-o", tmp_path / "out", cwd=tmp_path, PREFECT_HOME=str(tmp_path), PREFECT_API_URL=site.url)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("taosha: ")
    assert "Traceback" not in done.stderr


def test_a_schedule_without_a_server_to_be_had_says_so(tmp_path: Path) -> None:
    done = whole.command("schedule", "--cron", "0 3 * * *", "-i", CORPUS, "-o", tmp_path / "out", cwd=tmp_path,
                         PREFECT_HOME=str(tmp_path), PREFECT_API_URL="http://127.0.0.1:9/api")  # fmt: skip
    assert done.returncode == 2
    assert "does not answer" in done.stderr
