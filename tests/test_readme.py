"""The README's recipes run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
RECIPES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_is_a_recipe_for_duckdb_polars_and_pandas() -> None:
    assert [next(name for name in ("duckdb", "polars", "pandas") if name in recipe) for recipe in RECIPES] == ["duckdb", "polars", "pandas"]


@pytest.mark.parametrize("recipe", RECIPES, ids=["duckdb", "polars", "pandas"])
def test_recipe_runs_on_the_sample_snapshot(recipe: str, sample_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "artifacts").symlink_to(sample_run.output)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(recipe, str(README), "exec"), names)  # noqa: S102 (our own README)
    result = next(names[name] for name in ("why", "repeated", "mostly_kept") if name in names)
    assert len(result)


def test_no_figure_is_left_out() -> None:
    assert "@@" not in README.read_text(encoding="utf-8")
