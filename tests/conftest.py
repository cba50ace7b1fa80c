"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real texts beside the repository; tests on it are left out, saying so, in a clone without it."""
    folder = Path(os.environ.get("TAOSHA_SHARED", ROOT.parent / "shared"))
    if not (folder / "seeds" / "expected.toml").exists():
        pytest.skip("real texts are not here (../shared): this test measures on them")
    return folder
