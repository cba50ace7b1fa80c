"""The data path of taosha on one screen.

    sources -> parts -> annotated passages -> verified pairs -> language model -> verdicts -> tables -> snapshot

Each line is a stage of `tasks.stages`; an engine runs it (directly, or as Prefect tasks) over groups of cells or parts. Between
stages travel paths and counters, never tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.engines import Engine
from tasks import stages
from tasks.job import Job
from tasks.publish import existing, staging


def curate(job: Job, engine: Engine) -> dict[str, Any]:
    """Run the whole data path. Returns the snapshot's folder, whether it is new, and its summary (None when nothing was new)."""
    output = Path(job.output)

    plan = engine.once("discover", stages.discover, job)
    standing = existing(output, plan.snapshot)
    if standing is not None:
        return {"snapshot": str(standing.snapshot), "new": False, "summary": None, "bytes": plan.byte_count}

    cells = engine.over("read", stages.read, len(plan.cells), job, plan)
    sources = [row for cell in cells for row in cell["sources"]]
    parts = [part for cell in cells for part in cell["parts"]]

    parts = engine.over("annotate", stages.annotate, len(parts), job, parts)
    matched = engine.once("match", stages.match, job, parts)
    matched = engine.once("model", stages.model, job, parts, matched)
    decided = engine.once("decide", stages.decide, job, parts, matched, sources)

    folder = str(staging(output, plan.snapshot))
    written = engine.over("write", stages.write, len(parts), job, parts, decided, folder)
    return {**engine.once("publish", stages.publish, job, plan, decided, folder, written, parts), "bytes": plan.byte_count}
