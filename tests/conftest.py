"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import whole

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real texts beside the repository; tests on it are left out, saying so, in a clone without it."""
    folder = Path(os.environ.get("TAOSHA_SHARED", ROOT.parent / "shared"))
    if not (folder / "seeds" / "expected.toml").exists():
        pytest.skip("real texts are not here (../shared): this test measures on them")
    return folder


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> whole.Run:
    """One run of the whole pipeline on the sample corpus; a second or two, so each test process makes its own. Read only."""
    return whole.run([ROOT / "corpus"], tmp_path_factory.mktemp("sample") / "out")


@pytest.fixture(scope="session")
def signed_run(tmp_path_factory: pytest.TempPathFactory) -> whole.Run:
    """The sample corpus with its signatures published. Read only, but for the index that lookup leaves in its work folder."""
    folder = tmp_path_factory.mktemp("signed")
    (folder / "taosha.toml").write_text("[publish]\nsignatures = true\n", encoding="utf-8")
    return whole.run([ROOT / "corpus"], folder / "out", folder / "taosha.toml")


@pytest.fixture(scope="session")
def seeds_run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> whole.Run:
    """One run on the real seed texts. Read only."""
    folder = tmp_path_factory.mktemp("seeds") / "in"
    folder.mkdir()
    for path in sorted((shared / "seeds").glob("*.txt")):
        (folder / path.name).write_bytes(path.read_bytes())
    return whole.run([folder], folder.parent / "out")
