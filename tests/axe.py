"""axe-core, the accessibility checker, as a package of the test environment ships it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any


def source() -> str:
    """Text of axe-core; empty where the package is not installed."""
    spec = find_spec("axe_playwright_python")
    files = sorted(Path(spec.origin).parent.rglob("axe*.js")) if spec and spec.origin else []
    return files[0].read_text(encoding="utf-8") if files else ""


def violations(view: Any) -> list[str]:
    """What axe finds wrong in the page as it stands: rule, and the first places. Runs despite the page's policy: the driver injects it."""
    view.evaluate(source())
    found = view.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in found["violations"]]
