"""Blocks are measured again from the text of their spans."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import whole

from tasks.settings import Settings
from tasks.store.tables import part_paths, read_file
from tasks.verify_blocks import _measure, check_blocks


@pytest.fixture(scope="module")
def rows(sample_run: whole.Run) -> pa.Table:
    tables = [read_file(path) for path in part_paths(sample_run.snapshot, "blocks")]
    return pa.concat_tables(tables).filter(pc.field("kind") != "occurrence").combine_chunks()


def test_the_blocks_of_a_run_are_what_their_spans_say(sample_run: whole.Run, rows: pa.Table) -> None:
    assert len(rows) > 0
    assert check_blocks(sample_run.snapshot, Settings()) == []


def changed(rows: pa.Table, name: str, by: float) -> pa.Table:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, rows.schema.field(at), pc.add(rows[name], pa.scalar(by)).cast(rows.schema.field(at).type))


@pytest.mark.parametrize(
    ("name", "by"), [("similarity", -0.01), ("char_count", 1), ("char_start_a", 3), ("char_end_b", -3), ("char_start_b", 1 << 30)]
)
def test_a_block_that_is_misstated_is_found(sample_run: whole.Run, rows: pa.Table, name: str, by: float) -> None:
    found = _measure(Path(sample_run.snapshot), "blocks", changed(rows, name, by), Settings())
    assert found
    assert {problem.check for problem in found} == {"block"}
