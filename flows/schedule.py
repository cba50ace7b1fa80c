"""A long-lived schedule: `taosha schedule` serves the deployed flow by a cron expression, with a Prefect server of its own where there is none."""

from __future__ import annotations

import sys
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

from tasks.errors import UsageError

#: Heartbeats come every HEARTBEAT seconds; a run without one for three of them is dead.
HEARTBEAT = 180
WATCH = "taosha: a run without a heartbeat has crashed"
_ENDS = ("Completed", "Failed", "Cancelled", "Crashed")


def serve(cron: str, timezone: str | None, name: str, parameters: dict[str, Any], port: int) -> None:
    """Serve until stopped. Raises UsageError for a cron expression or time zone that cannot be, Unavailable when there is no server to be had.

    One run at a time: a run that is due while another works waits for it. Stopping does not pause the deployment: what falls due
    meanwhile is run once at the next start.
    """
    from flows.server import configure, lasting

    configure(Path(".prefect"))
    with lasting(port) as url:
        from prefect import serve as serve_deployments

        deployment = _deployment(cron, timezone, name, parameters)
        watch()
        # Prefect's runner forgets to await its own stop at SIGTERM, and says so.
        warnings.filterwarnings("ignore", message="coroutine 'Runner.astop' was never awaited", category=RuntimeWarning)
        print(f"serving taosha/{name} at `{cron}` ({timezone or 'UTC'}); Prefect at {url.removesuffix('/api')}", file=sys.stderr)
        serve_deployments(deployment, pause_on_shutdown=False, print_starting_message=False, limit=1)


def _deployment(cron: str, timezone: str | None, name: str, parameters: dict[str, Any]) -> Any:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType
    from pydantic import ValidationError

    from flows.deployed import taosha

    try:
        return taosha.to_deployment(
            name=name,
            schedules=[Cron(cron, timezone=timezone or "UTC")],
            parameters=parameters,
            concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE, grace_period_seconds=60),
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    except (ValidationError, ValueError) as error:
        raise UsageError(f"--cron {cron!r} --timezone {timezone!r}: no such schedule ({str(error).splitlines()[-1]})") from error


def watch(seconds: int = 3 * HEARTBEAT) -> None:
    """See to it that the server marks a flow run of taosha as crashed when no heartbeat has come for `seconds`. Idempotent.

    Prefect's server does not do so by itself; a run whose machine went away would stay `Running` in its record.
    """
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    heartbeat = "prefect.flow-run.heartbeat"
    automation = Automation(
        name=WATCH,
        trigger=EventTrigger(
            after={heartbeat},
            expect={heartbeat, *(f"prefect.flow-run.{end}" for end in _ENDS)},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": "taosha"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=seconds),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=f"no heartbeat for {seconds} s: its process or machine is gone")],
    )
    try:
        standing: Any = Automation.read(name=WATCH)
    except ValueError:
        automation.create()
        return
    automation.id = standing.id
    automation.update()
