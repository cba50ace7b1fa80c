"""What Prefect's record of earlier flow runs says to the one that begins: missed runs are caught up once, dead ones are ended."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from tasks.job import Job

log = logging.getLogger("taosha")


def standing(snapshot: Path) -> dict[str, Any]:
    """The summary of a snapshot that stood already."""
    numbers: dict[str, Any] = json.loads((snapshot / "report" / "summary.json").read_text(encoding="utf-8"))
    return numbers


def caught_up() -> str | None:
    """Name of a completed run of the same deployment that began after this one was due; None when there is none.

    A server or a worker that was away for three nights finds three runs late. The first does all the work there is; the others are
    skipped. Runs that a person asks for are never skipped.
    """
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or run.deployment_id is None or not run.auto_scheduled or run.expected_start_time is None:
        return None
    wanted = {
        "flow_runs": {
            "deployment_id": {"any_": [str(run.deployment_id)]},
            "state": {"type": {"any_": ["COMPLETED"]}},
            "start_time": {"after_": run.expected_start_time.isoformat()},
        },
        "limit": 1,
    }
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/flow_runs/filter", json=wanted).json()
    return f"flow run {found[0]['id']}" if found else None


def end_the_dead(job: Job) -> list[str]:
    """Mark flow runs that are recorded as running in the same output folder, and cannot be, as crashed. Returns their ids.

    Whoever calls this holds the folder's lock, which goes with the process that had it: a killed run stays `Running` in Prefect's record
    for ever, and would keep the deployment's only place.
    """
    from prefect.client.orchestration import get_client
    from prefect.runtime import flow_run
    from prefect.states import Crashed

    wanted = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "flows": {"name": {"any_": ["taosha"]}}, "limit": 200}
    message = "its process ended without a word: a later run took the lock of its output folder"
    dead = []
    with get_client(sync_client=True) as client:
        for run in client.request("POST", "/flow_runs/filter", json=wanted).json():
            if run["id"] != str(flow_run.id) and _same_folder(run["parameters"].get("output"), job.output):
                client.set_flow_run_state(run["id"], Crashed(message=message), force=True)
                dead.append(run["id"])
    for one in dead:
        log.warning("flow run %s was recorded as running, but its process is gone: marked as crashed", one)
    return sorted(dead)


def _same_folder(named: Any, output: str) -> bool:
    return isinstance(named, str) and Path(named).resolve() == Path(output).resolve()
