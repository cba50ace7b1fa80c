"""Options that many commands share, and the snapshot that an output folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.errors import UsageError

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder that runs publish into.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings; ./taosha.toml when it exists, else the defaults.")]
ARTIFACTS = Path("artifacts")


def snapshot_of(output: Path) -> Path:
    """The snapshot of an output folder, resolved once, or the folder itself when it is one."""
    from tasks.publish import latest

    found = latest(output) or (output if (output / "manifest.json").is_file() else None)
    if found is None:
        raise UsageError(f"{output} holds no snapshot; run `taosha run --output {output}` first")
    return found
