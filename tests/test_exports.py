"""Exports of published tables: nothing runs in a spreadsheet, nothing is lost in JSON lines, nothing breaks out of a Markdown cell."""

from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner
from whole import Run

from flows.cli import app
from tasks.errors import StorageError
from tasks.exports import EXPORTED, export, export_file, markdown_cell, safe_cells
from tasks.store.schemas import TABLES

TRIGGERS = "=+-@\t\r\n\0＝＋－＠"


def exported(run: Run, table: str, form: str) -> str:
    out = io.BytesIO()
    export(run.snapshot, table, form, out)
    return out.getvalue().decode()


@pytest.mark.parametrize("table", EXPORTED)
def test_csv_holds_every_row_under_its_column(sample_run: Run, table: str) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(sample_run, table, "csv"), newline="")))
    stands = sample_run.rows(table)
    assert len(rows) == len(stands) > 0
    assert list(rows[0]) == TABLES[table][0].names
    for row, whole in zip(rows, stands, strict=True):
        for name, value in whole.items():
            if isinstance(value, int) and not isinstance(value, bool):
                assert int(row[name]) == value
            elif isinstance(value, str) and value.isascii() and value[:1].isalnum():
                assert row[name] == value
            assert not row[name].startswith(tuple(TRIGGERS))


@pytest.mark.parametrize("table", EXPORTED)
def test_json_lines_lose_nothing(sample_run: Run, table: str) -> None:
    rows = [json.loads(line) for line in exported(sample_run, table, "jsonl").splitlines()]
    stands = [
        {name: value.isoformat() if isinstance(value, datetime.datetime) else value for name, value in row.items()}
        for row in sample_run.rows(table)
    ]
    assert rows == stands


@pytest.mark.parametrize("table", EXPORTED)
def test_markdown_says_shown_and_total(sample_run: Run, table: str) -> None:
    lines = exported(sample_run, table, "md").splitlines()
    total = len(sample_run.rows(table))
    assert lines[0].startswith(f"### {table}: {total:,} rows")
    widths = {line.replace("\\|", "").count("|") for line in lines if line.startswith("|")}
    assert len(widths) == 1
    assert sum(line.startswith("|") for line in lines) == 2 + min(total, 20)
    assert (f"20 of {total:,} shown." in lines) == (total > 20)


@given(
    st.lists(
        st.none()
        | st.builds(
            lambda lead, rest: lead + rest,
            st.text(" \u3000" + TRIGGERS, max_size=3),
            st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
        )
    )
)
def test_no_cell_begins_like_a_formula_or_hides_a_character(texts: list[str | None]) -> None:
    for text, cell in zip(texts, safe_cells(pa.array(texts, pa.string())).to_pylist(), strict=True):
        assert (text is None) == (cell is None)
        if cell is not None and text is not None:
            assert not cell.lstrip(" \u3000").startswith(tuple(TRIGGERS))
            assert not set(cell) & set("\x00\x1b\u202e\u2066\u200b\ufeff")


@given(st.text(max_size=40))
def test_no_markdown_cell_breaks_out_of_its_table(text: str) -> None:
    cell = markdown_cell(text)
    assert "\n" not in cell
    bare = cell.replace("\\\\", "")
    assert all(bare[at - 1 : at] == "\\" for at, char in enumerate(bare) if char in "|<>[]`")


def test_the_command_writes_a_file_whole_or_not_at_all(sample_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "families.csv"
    args = ["export", "families", "--format", "csv", "--output", str(sample_run.output)]
    assert CliRunner().invoke(app, [*args, "--to", str(path)]).exit_code == 0
    assert path.read_text(encoding="utf-8") == exported(sample_run, "families", "csv")
    assert [one.name for one in tmp_path.iterdir()] == ["families.csv"]
    with pytest.raises(StorageError, match="cannot be written"):
        export_file(sample_run.snapshot, "families", "csv", tmp_path / "none" / "x.csv")
    assert CliRunner().invoke(app, args).stdout_bytes == path.read_bytes()
