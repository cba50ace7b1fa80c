"""The README's recipes run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
RECIPES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


#: What each recipe is for, in order, and the name that its result has.
RESULTS = {"duckdb": "why", "polars": "repeated", "pandas": "mostly_kept", "datasketch": "near", "tasks.trace": "last"}


def test_there_is_a_recipe_for_each_way_to_read() -> None:
    assert [next(name for name in RESULTS if f"import {name}" in recipe or f"from {name}" in recipe) for recipe in RECIPES] == [*RESULTS]


@pytest.mark.parametrize(("recipe", "result"), [*zip(RECIPES, RESULTS.values(), strict=False)], ids=[*RESULTS])
def test_recipe_runs_on_the_sample_snapshot(
    recipe: str, result: str, signed_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "artifacts").symlink_to(signed_run.output)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(recipe, str(README), "exec"), names)  # noqa: S102 (our own README)
    assert len(names[result])


def test_no_figure_is_left_out() -> None:
    assert "@@" not in README.read_text(encoding="utf-8")
