"""The flow that a deployment runs: `prefect.yaml` and `taosha schedule` name it, a worker or a runner imports it.

The only module that imports Prefect at its top, because Prefect must find a flow there; nothing else imports this one before it is needed.
What a person has to know stands in the state message, beginning with the exit code that `taosha run` would have ended with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows import history
from flows.bindings import THREADS, Prefect, run_stages
from flows.run import EXIT_LOOK, job_of, record
from tasks.errors import StageError, TaoshaError
from tasks.lock import hold

#: What the exit codes of `taosha run` mean, for the state message of a flow run.
MEANING = {
    1: "failed",
    2: "the settings or the parameters cannot be used",
    EXIT_LOOK: "published; some input was quarantined or needs review",
    4: "stopped by a guard, nothing was published",
    11: "another run holds the output folder",
    74: "the disk failed; the last snapshot is intact",
}

Inputs = Annotated[list[str], Field(min_length=1)]
Output = Annotated[str, Field(min_length=1)]
Workers = Annotated[int, Field(ge=0, le=1024)]


@flow(name="taosha", task_runner=ThreadPoolTaskRunner(max_workers=THREADS), persist_result=False, retries=0)  # type: ignore[arg-type]  # its type and what `flow` asks for differ in variance only
def taosha(inputs: Inputs = ["corpus"], output: Output = "artifacts", config: str | None = None, workers: Workers = 0) -> Any:  # noqa: B006 (Prefect shows it in the form)
    """Read sources, remove boilerplate and duplicates, publish a verified snapshot.

    Args:
        inputs: Files or folders of sources, on the machine that runs the flow.
        output: Folder that snapshots are published into.
        config: A taosha.toml; empty: ./taosha.toml when it exists, else the defaults.
        workers: Processes; 0 = one a core.
    """
    from prefect.states import Completed, Failed

    if (later := history.caught_up()) is not None:
        return Completed(name="Skipped", message=f"a missed run: {later} began after it was due and has done its work")
    try:
        code, message = curate_once([Path(path) for path in inputs], Path(output), Path(config) if config else None, workers)
    except StageError:
        raise  # nobody's mistake but ours: Prefect keeps the traceback
    except TaoshaError as error:
        return Failed(message=f"exit {error.exit_code} ({MEANING[error.exit_code]}): {error}")
    return Completed(message=f"exit {code} ({MEANING[code]}): {message}" if code else f"exit 0: {message}")


def curate_once(inputs: list[Path], output: Path, config: Path | None, workers: int) -> tuple[int, str]:
    """One run inside a flow run. Returns the exit code (0 or 3) and what was published; raises TaoshaError."""
    import time

    started = time.time()
    job = job_of(inputs, output, config, workers)
    with hold(output):
        history.end_the_dead(job)
        engine = Prefect(job)
        try:
            outcome = run_stages(job, engine)
        finally:
            engine.close()
        if outcome["new"]:
            record(outcome, engine, started)
    numbers = outcome["summary"] or history.standing(Path(outcome["snapshot"]))
    look = len(numbers["quarantined"]) + len(numbers["needs_review"])
    said = f"snapshot {Path(outcome['snapshot']).name}{'' if outcome['new'] else ' stands, nothing changed'}"
    return (EXIT_LOOK, f"{said}; {look} to look at in its report") if look else (0, said)
