"""Single bits that flip are found; snapshots of every schema version stay readable."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import snapshot_maker as maker

from tasks import publish
from tasks.manifest import SUMS, covered, load
from tasks.store.schemas import TABLES
from tasks.store.tables import read_table
from tasks.summary import summarize
from tasks.verify import verify

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = sorted(path.name for path in GOLDEN.glob("snapshot-*") if path.is_dir())


def test_each_of_forty_bits_that_flip_is_found(tmp_path: Path) -> None:
    snapshot = maker.make(tmp_path / "out").snapshot
    rng = random.Random(40)  # noqa: S311
    places = [(name, bit) for name in [*covered(snapshot), SUMS] for bit in range(8 * (snapshot / name).stat().st_size)]
    for name, bit in rng.sample(places, 40):
        path = snapshot / name
        good = path.read_bytes()
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        found = verify(tmp_path / "out", read_data=True)
        path.write_bytes(good)
        assert found, f"bit {bit} of {name}"
    assert verify(tmp_path / "out", read_data=True) == []


def subset(old: pa.DataType, new: pa.DataType) -> bool:
    """Whether whoever reads `old` finds it in `new`: the same type, structs with all their fields."""
    if pa.types.is_struct(old) and pa.types.is_struct(new):
        known = {new.field(i).name: new.field(i).type for i in range(new.num_fields)}
        return all(old.field(i).name in known and subset(old.field(i).type, known[old.field(i).name]) for i in range(old.num_fields))
    if pa.types.is_list(old) and pa.types.is_list(new):
        return subset(old.value_type, new.value_type)
    return bool(old.equals(new))


def test_there_is_a_golden_snapshot_of_the_first_schema_version() -> None:
    assert "snapshot-1" in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_a_golden_snapshot_is_intact_and_every_row_of_it_can_be_read(version: str) -> None:
    snapshot = GOLDEN / version
    assert publish.damages(snapshot) == []
    manifest = load(snapshot)
    assert f"snapshot-{manifest['schema_version']}" == version
    for name, table in manifest["tables"].items():
        assert len(read_table(snapshot, name)) == table["rows"], name
    summary: dict[str, Any] = summarize(snapshot)
    counts = json.loads((GOLDEN / f"{version}.json").read_text())
    assert {name: summary["characters"][name] for name in counts} == counts


@pytest.mark.parametrize("version", VERSIONS)
def test_every_column_of_a_golden_snapshot_is_still_published_with_its_type(version: str) -> None:
    for path in sorted((GOLDEN / version).rglob("*.parquet")):
        schema = TABLES[path.parent.name][0]
        for field in pq.read_schema(path):
            assert field.name in schema.names, f"{path.parent.name}.{field.name} is gone"
            assert subset(field.type, schema.field(field.name).type), f"{path.parent.name}.{field.name}: {field.type} has changed"


def make_golden(version: int) -> None:
    """Run once, when a schema version is new: python -c 'import test_damage; test_damage.make_golden(2)' in tests/."""
    work = GOLDEN / "work"
    snapshot = maker.make(work).snapshot
    target = GOLDEN / f"snapshot-{version}"
    shutil.copytree(snapshot, target)
    shutil.rmtree(work)
    shutil.rmtree(target / "report", ignore_errors=True)
    kept = {name: summarize(target)["characters"][name] for name in ("read", "kept", "removed")}
    (GOLDEN / f"snapshot-{version}.json").write_text(json.dumps(kept) + "\n")
