"""One run from the command line: settings, lock, engine, progress, and what a person wants to know at the end."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tasks.kernels
from tasks.errors import UsageError
from tasks.job import Job
from tasks.settings import Settings, load

log = logging.getLogger("taosha")

#: Published, and some input was quarantined or needs review.
EXIT_LOOK = 3


def settings_of(config: Path | None, overrides: dict[str, dict[str, Any]] | None = None) -> tuple[Settings, Path]:
    """Settings of a file (./taosha.toml when none is named and it exists), and the folder its rule files are relative to."""
    found = config or (Path("taosha.toml") if Path("taosha.toml").is_file() else None)
    return load(found, overrides), (found.parent if found else Path()).resolve()


def job_of(inputs: list[Path], output: Path, config: Path | None, workers: int | None = None) -> Job:
    """The job that the flags and the settings file ask for. Raises SettingsError or UsageError before any source is read."""
    settings, base = settings_of(config, {"run": {"workers": workers}} if workers is not None else None)
    for path in inputs:
        if not path.exists():
            raise UsageError(f"--input {path}: there is no such file or folder")
        if output.resolve() == path.resolve() or output.resolve().is_relative_to(path.resolve()):
            raise UsageError(f"--output {output} lies inside --input {path}: a run would read what the last one wrote; name another folder")
    job = Job(tuple(str(path) for path in inputs), str(output), settings.model_dump(mode="json"), str(base))
    _ = job.rules, job.decisions  # a bad file of either fails here, too
    return job


def execute(inputs: list[Path], output: Path, config: Path | None, *, direct: bool, workers: int | None, as_json: bool) -> int:
    """Run and report. Returns the exit code (0 or 3); failures are raised."""
    from tasks.lock import hold

    started = time.time()
    if not _compiled():
        print("first run: the kernels are compiled once, which takes a minute or two ...", file=sys.stderr)
    job = job_of(inputs, output, config, workers)
    with _stopping_on_sigterm(), hold(output), _progress() as progress:
        outcome, engine = _run(job, direct, progress)
        if outcome["new"]:
            record(outcome, engine, started)
    return _tell(outcome, time.time() - started, as_json)


def _compiled() -> bool:
    """Whether numba has compiled kernels on disk."""
    cache = os.environ.get("NUMBA_CACHE_DIR") or Path(tasks.kernels.__file__).parent / "__pycache__"
    return any(Path(cache).rglob("*.nbi"))


def _run(job: Job, direct: bool, progress: Any) -> tuple[dict[str, Any], Any]:
    from flows.curate import curate
    from flows.engines import Direct

    if not direct:
        from flows.server import Unavailable, embedded

        print("starting the embedded Prefect server (once a run; --direct goes without) ...", file=sys.stderr)
        try:
            with embedded(Path(".prefect")) as how:
                print(how, file=sys.stderr)
                from flows.bindings import run_flow

                return run_flow(job, progress)
        except Unavailable as error:
            print(f"warning: running without Prefect: {error}", file=sys.stderr)
    engine = Direct(job, progress)
    try:
        return curate(job, engine), engine
    finally:
        engine.close()


def record(outcome: dict[str, Any], engine: Any, started: float) -> None:
    """Write run.json beside a new snapshot: when, where, how long, under which flow run."""
    from tasks.finish import write_run_record
    from tasks.minhash import passport

    extra = {"bytes": outcome["bytes"], "signatures": passport(engine.job.settings.matching)}
    if "flow_run_id" in outcome:
        extra["prefect_flow_run"] = outcome["flow_run_id"]
    write_run_record(Path(outcome["snapshot"]), type(engine).__name__.lower(), started, engine.stages, extra)


def _tell(outcome: dict[str, Any], seconds: float, as_json: bool) -> int:
    """Print the numbers and the paths; the exit code."""
    snapshot = Path(outcome["snapshot"])
    numbers = outcome["summary"] or json.loads((snapshot / "report" / "summary.json").read_text(encoding="utf-8"))
    if as_json:
        print(json.dumps({"snapshot": str(snapshot), "new": outcome["new"], "summary": numbers}, ensure_ascii=False, sort_keys=True))
    else:
        from rich.console import Console

        from tasks.summary_text import render_text

        render_text(numbers, Console(stderr=True))
        if not outcome["new"]:
            print("nothing changed since the last run: the snapshot stands as it was", file=sys.stderr)
        from tasks.drift import describe

        for line in describe(snapshot.parents[1], snapshot.name):
            print(line, file=sys.stderr)
        print(f"done in {seconds:.1f} s", file=sys.stderr)
        print(f"snapshot  {snapshot}")
        print(f"report    {snapshot / 'report' / 'index.html'}")
    return EXIT_LOOK if numbers["quarantined"] or numbers["needs_review"] else 0


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar a stage on a terminal; one line a stage otherwise."""
    if not sys.stderr.isatty():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
        try:
            yield lambda *_: None
        finally:
            log.removeHandler(handler)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<9}"), BarColumn(28), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        known: dict[str, Any] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stage, total=total)
            bars.update(known[stage], completed=done, total=total)

        yield advance


@contextmanager
def _stopping_on_sigterm() -> Iterator[None]:
    """SIGTERM ends a run like an interrupt does: staging is swept by the next run, `latest` stands.

    An interrupt that lands inside a library may come out as another error; it was an interrupt all the same.
    """
    asked = False

    def stop(_signal: int, _frame: Any) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except Exception as error:
        if asked:
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def preview(inputs: list[Path], output: Path, config: Path | None) -> list[str]:
    """What a run would do and why, in lines."""
    from tasks.forecast import forecast, lines

    return lines(forecast(job_of(inputs, output, config)))
