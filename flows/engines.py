"""Engines run stages: directly, in worker processes, or under Prefect. The same stage functions, the same bytes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from tasks import stages
from tasks.errors import StageError, StorageError, TaoshaError
from tasks.job import Job

log = logging.getLogger("taosha")

#: Called with (stage, groups done, groups in all).
Progress = Callable[[str, int, int], None]


class Engine(Protocol):
    """Runs a stage once, or over numbered items in groups."""

    def once(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """The result of `function(*args)`."""

    def over(self, name: str, function: Callable[..., list[Any] | Any], count: int, *args: Any) -> list[Any]:
        """Results of `function(*args, numbers)` over groups of 0..count-1, joined in order."""


class Direct:
    """Stages as plain calls: in this process, or in `workers` processes for stages that run over groups.

    `seconds` holds what each stage took. A failure names its stage; what a person can mend passes unchanged.
    """

    def __init__(self, job: Job, progress: Progress | None = None) -> None:
        self.job = job
        self.progress = progress or (lambda *_: None)
        self.stages: list[dict[str, Any]] = []
        self._pool: Executor | None = None

    def once(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """See Engine."""
        with self.timed(name, 1):
            result = run_stage(name, function, *args)
            self.progress(name, 1, 1)
        return result

    def over(self, name: str, function: Callable[..., Any], count: int, *args: Any) -> list[Any]:
        """See Engine."""
        groups = stages.groups(count, stages.group_size(self.job, count))
        with self.timed(name, len(groups)):
            return joined(self.results(name, function, groups, args))

    def results(self, name: str, function: Callable[..., Any], groups: list[list[int]], args: tuple[Any, ...]) -> Iterator[Any]:
        """Results of the groups in order, as they come."""
        pool = self.pool() if len(groups) > 1 else None
        if pool is None:
            calls: Iterator[Any] = (run_stage(name, function, *chosen(args, group)) for group in groups)
        else:
            futures = [pool.submit(run_stage, name, function, *chosen(args, group)) for group in groups]
            calls = (future.result() for future in futures)
        for done, result in enumerate(calls, 1):
            self.progress(name, done, len(groups))
            yield result

    def pool(self) -> Executor | None:
        """Worker processes, started at the first need; None for one worker. Spawned, so that no lock or thread is inherited."""
        workers = self.job.settings.run.workers or os.cpu_count() or 1
        if workers > 1 and self._pool is None:
            self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)
        return self._pool

    @contextmanager
    def timed(self, name: str, groups: int) -> Iterator[None]:
        """Note the seconds of a stage, and the processor seconds of this process in it (worker processes are not counted)."""
        started, busy = time.perf_counter(), time.process_time()
        yield
        seconds, cpu = round(time.perf_counter() - started, 3), round(time.process_time() - busy, 3)
        self.stages.append({"name": name, "seconds": seconds, "cpu_seconds": cpu, "groups": groups})
        log.info("%s: %d group%s, %.1f s", name, groups, "" if groups == 1 else "s", seconds)

    def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let a worker end when the run is killed: by itself it would wait for its next task for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, name="taosha-parent", daemon=True).start()


def chosen(args: tuple[Any, ...], group: list[int]) -> tuple[Any, ...]:
    """Arguments of a call over a group: `annotate` takes the parts themselves, the others their numbers."""
    *first, last = args
    if isinstance(last, list):
        return (*first, [last[i] for i in group])
    return (*args, group)


def joined(results: Iterator[Any]) -> list[Any]:
    """Lists of all groups in one; records of groups as a list."""
    out: list[Any] = []
    for result in results:
        if isinstance(result, list):
            out.extend(result)
        else:
            out.append(result)
    return out


def run_stage(name: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a stage; an unforeseen error says which stage it was."""
    try:
        return function(*args)
    except TaoshaError:
        raise
    except OSError as error:
        raise StorageError(f"{name}: {error}. The last snapshot is intact; check the disk and run again") from error
    except Exception as error:
        raise StageError(f"{name}: {type(error).__name__}: {error}") from error
