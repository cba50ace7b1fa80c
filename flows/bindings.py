"""Stages as Prefect tasks. Prefect records and retries; what was done already is known by our own stage files, not by its cache."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from flows.curate import curate
from flows.engines import Direct, Progress, chosen, joined, run_stage
from flows.server import settle
from tasks import stages
from tasks.errors import StorageError
from tasks.job import Job

#: Tasks of one stage that run at once; each waits for a worker process.
THREADS = 8


class Prefect(Direct):
    """Every stage call is a Prefect task run: one for a stage, or one for each group of parts.

    `flow_run` is the id of the flow run and `task_runs` how many task runs it has begun.
    """

    def __init__(self, job: Job, progress: Progress | None = None) -> None:
        super().__init__(job, progress)
        self.flow_run = ""
        self.task_runs = 0

    def once(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """See Engine."""
        self.task_runs += 1
        with self.timed(name, 1):
            result = _task(name)(run_stage)(name, function, *args)
            self.progress(name, 1, 1)
        return result

    def over(self, name: str, function: Callable[..., Any], count: int, *args: Any) -> list[Any]:
        """See Engine."""
        groups = stages.groups(count, stages.group_size(self.job, count))
        with self.timed(name, len(groups)):
            return joined(self._submitted(name, function, groups, args))

    def _submitted(self, name: str, function: Callable[..., Any], groups: list[list[int]], args: tuple[Any, ...]) -> Iterator[Any]:
        """A task run a group. `.result()` is asked of each: a state that is only waited for would hide its failure."""
        pool = self.pool() if len(groups) > 1 else None

        def call(numbers: list[int]) -> Any:
            arguments = chosen(args, numbers)
            return pool.submit(run_stage, name, function, *arguments).result() if pool else run_stage(name, function, *arguments)

        bound = _task(name)(call)
        if pool is None:
            for done, group in enumerate(groups, 1):
                self.task_runs += 1
                yield bound(group)
                self.progress(name, done, len(groups))
            return
        self.task_runs += len(groups)
        futures = [bound.submit(group) for group in groups]
        for done, future in enumerate(futures, 1):
            yield future.result()
            self.progress(name, done, len(groups))


def _task(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Prefect task of one stage call: retried when the disk failed, never cached, its result not kept.

    Publishing is not retried: it removes its staging folder when it fails, and a second try would hide why the first one did.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    def transient(_task: Any, _run: Any, state: Any) -> bool:
        return isinstance(state.result(raise_on_failure=False), StorageError)

    return lambda function: task(
        name=name,
        task_run_name=name,
        retries=0 if name == "publish" else 2,
        retry_delay_seconds=1,
        retry_condition_fn=transient,
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
    )(function)


class _Told(logging.Filter):
    """Keeps a failure's tracebacks off the terminal (they stay in Prefect's own log): the command line tells it in one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for errors of flow and task runs."""
        return record.levelno < logging.ERROR or record.name not in ("prefect.flow_runs", "prefect.task_runs")


def _tell_failures_once() -> None:
    """Set the filter on the handlers that print what Prefect's loggers are told; a second time changes nothing."""
    for handler in [*logging.getLogger("prefect").handlers, *logging.getLogger().handlers]:
        if not any(isinstance(found, _Told) for found in handler.filters):
            handler.addFilter(_Told())


def run_flow(job: Job, progress: Progress | None = None) -> tuple[dict[str, Any], Prefect]:
    """The data path as a Prefect flow run. The outcome carries the flow run's id; a failure is raised, so the run is Failed.

    What a person can mend is raised as itself; Prefect has recorded it with its message.
    """
    from prefect import flow
    from prefect.task_runners import ThreadPoolTaskRunner

    engine = Prefect(job, progress)

    runner: Any = ThreadPoolTaskRunner(max_workers=THREADS)  # its type and what `flow` asks for differ in variance only

    @flow(name="taosha", flow_run_name="curate", task_runner=runner, persist_result=False, retries=0)
    def taosha(inputs: list[str], output: str) -> dict[str, Any]:  # noqa: ARG001 (Prefect shows them as the flow run's parameters)
        """Read sources, remove boilerplate and duplicates, publish a verified snapshot."""
        _tell_failures_once()  # here, because Prefect sets up its logging when a flow starts
        return run_stages(job, engine)

    try:
        try:
            outcome = taosha(list(job.inputs), job.output)
        finally:
            engine.close()
    except Exception:  # not an interrupt: whoever stops a run does not wait for its history
        settle(engine.flow_run, engine.task_runs)
        raise
    settle(engine.flow_run, engine.task_runs)
    return outcome, engine


def run_stages(job: Job, engine: Prefect) -> dict[str, Any]:
    """The data path inside a flow run that has begun, its summary as an artifact. The outcome carries the flow run's id."""
    from prefect.runtime import flow_run

    engine.flow_run = str(flow_run.id)
    outcome = curate(job, engine)
    _artifacts(outcome)
    return {**outcome, "flow_run_id": engine.flow_run}


def _artifacts(outcome: dict[str, Any]) -> None:
    """A summary for the Prefect interface: numbers only, no text of any source."""
    from prefect.artifacts import create_markdown_artifact

    from flows.summary_artifact import markdown

    create_markdown_artifact(key="taosha-summary", markdown=markdown(outcome), description="What the run read, kept and removed")
