"""The embedded Prefect server: no set-up, its database inside the project, nothing sent anywhere."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("taosha")

#: Seconds the embedded server may take to start. Its own default of 20 failed on a busy machine three times of three.
STARTUP_SECONDS = 180

#: Seconds that the server may take after a run to record its last task runs.
SETTLE_SECONDS = 60
_ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


class Unavailable(Exception):  # noqa: N818 (a reason to go on without Prefect, not a failure)
    """Prefect cannot be used here; the message says why in one line."""


def configure(home: Path) -> None:
    """Set Prefect's environment before it is imported. What the user has set stays.

    Raises Unavailable when the home cannot be written: Prefect would restart its server for ever.
    """
    home = Path(os.environ.get("PREFECT_HOME", home))
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".writable.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Unavailable(f"its folder {home} cannot be written ({error.strerror})") from error
    for name, value in {
        "PREFECT_HOME": str(home.resolve()),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(STARTUP_SECONDS),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    }.items():
        os.environ.setdefault(name, value)


@contextmanager
def embedded(home: Path) -> Iterator[str]:
    """A Prefect API for the length of the block: the one in PREFECT_API_URL if set, else an embedded server. Yields how it came about.

    The server starts while this process imports Prefect, so the two seconds of that cost nothing. Raises Unavailable when there
    is no API to be had.
    """
    configure(home)
    started = time.perf_counter()
    url = os.environ.get("PREFECT_API_URL")
    if url:
        _reach(url)
        yield f"Prefect server at {url}"
        return
    # Heartbeats exist to notice a dead worker; in an embedded run they only hold the exit for a second.
    with _server(_free_port(), "embedded"), _without_heartbeat():
        yield f"embedded Prefect server started in {time.perf_counter() - started:.1f} s"


@contextmanager
def lasting(port: int) -> Iterator[str]:
    """A Prefect API with its interface and all its services: the one in PREFECT_API_URL if set, else a server on loopback at `port`
    (0: one that is free) for the length of the block. Yields its address; `configure` was called before. Raises Unavailable."""
    url = os.environ.get("PREFECT_API_URL")
    if url:
        _reach(url)
        yield url
        return
    with _server(port or _free_port(), "lasting") as address:
        yield address


@contextmanager
def _server(port: int, kind: str) -> Iterator[str]:
    """A server process that answers, and PREFECT_API_URL for the length of the block."""
    server_log = Path(os.environ["PREFECT_HOME"]) / f"{kind}-server.log"
    with server_log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "flows.server_process", str(port), str(os.getpid()), kind],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        import prefect  # noqa: F401 (imported here for its time: the server starts meanwhile)

        _await(server, os.environ["PREFECT_API_URL"], server_log)
        yield os.environ["PREFECT_API_URL"]
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5) as reply:  # noqa: S310 (http to the API the user named)
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False


def _await(server: subprocess.Popen[bytes], url: str, server_log: Path) -> None:
    """Return when the server answers. Raises Unavailable when it ends or takes too long."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while not _answers(url):
        if server.poll() is not None:
            raise Unavailable(f"its embedded server ended at start with code {server.returncode}; {server_log} says why")
        if time.monotonic() > deadline:
            raise Unavailable(f"its embedded server did not answer within {STARTUP_SECONDS} s; see {server_log}")
        time.sleep(0.05)


@contextmanager
def _without_heartbeat() -> Iterator[None]:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def _reach(url: str) -> None:
    """One request, so that a dead server is a warning now and not a hang later."""
    if not _answers(url):
        raise Unavailable(f"the server at PREFECT_API_URL = {url} does not answer")


def settle(flow_run: str, task_runs: int) -> None:
    """Wait until the server has recorded the end of every task run of a flow run, so that the history is whole before it stops.

    Prefect's own client returns as soon as it has sent its events; a server that stops then loses most of them (measured: 5 of
    20 short tasks were recorded). History only: the snapshot is published already, so nothing here fails a run.
    """
    if not flow_run:
        return
    from prefect.client.orchestration import get_client
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    ended = {"flow_runs": {"id": {"any_": [flow_run]}}, "task_runs": {"state": {"type": {"any_": _ENDED}}}}
    deadline = time.monotonic() + SETTLE_SECONDS
    try:
        events = EventsWorker.instance()
        events.wait_until_empty()  # to drain a queue that is not empty prints a warning
        events.drain()
        APILogHandler().flush()
        with get_client(sync_client=True) as client:
            while (found := client.request("POST", "/task_runs/count", json=ended).json()) < task_runs:
                if time.monotonic() > deadline:
                    log.warning("Prefect's history holds the end of %d of %d task runs only", found, task_runs)
                    return
                time.sleep(0.05)
    except Exception as error:
        log.warning("Prefect's history of this run may be incomplete: %s", error)
