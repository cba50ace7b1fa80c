"""Commands on a reviewer's decisions: `taosha undo`, and `taosha decisions` import, list and forget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.places import ARTIFACTS, Config, Output, snapshot_of

decisions_app = typer.Typer(help="What a reviewer decided on passages: import, list, forget.", no_args_is_help=True)


def undo(
    ref: Annotated[str, typer.Argument(help="PASSAGE_ID (or its first six digits or more), SOURCE:OFFSET, or SOURCE:L12.")],
    output: Output = ARTIFACTS,
    config: Config = None,
) -> None:
    """Decide that a removed passage stays; the next run keeps it."""
    from tasks.reviewing import undo as take_back

    print(take_back(snapshot_of(output), ref, _file(config)))


@decisions_app.command("import")
def import_decisions(
    file: Annotated[Path, typer.Argument(help="What the report exported, as TOML or JSON.")],
    config: Config = None,
    replace: Annotated[bool, typer.Option("--replace", help="Where a decision contradicts one on file, take the new one.")] = False,
) -> None:
    """Merge exported decisions into your decisions file; exit 3 when some contradict others and were left out."""
    from tasks.reviewing import import_file

    done = import_file(file, _file(config), replace)
    print(done)
    raise typer.Exit(3 if done.conflicts else 0)


@decisions_app.command("list")
def list_decisions(config: Config = None) -> None:
    """Every decision on a content: its id, the action and the note."""
    from tasks.decisions import read_decisions
    from tasks.reviewing import listed

    for line in listed(read_decisions(_file(config))):
        print(line)


@decisions_app.command("forget")
def forget_decision(
    content_id: Annotated[str, typer.Argument(help="Content id, or its first six digits or more.")], config: Config = None
) -> None:
    """Take the decisions on a content back."""
    from tasks.reviewing import forget

    print(forget(content_id, _file(config)))


def _file(config: Path | None) -> Path:
    """The decisions file of the settings."""
    from flows.run import settings_of

    settings, base = settings_of(config)
    return base / settings.boilerplate.decisions
