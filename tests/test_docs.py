"""Generated documentation says what the code says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest

from tasks import docs
from tasks.settings import Settings, load
from tasks.store.schemas import SIGNALS, SIGNALS_TYPE, TABLES

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = [(table, field) for table, (schema, _) in TABLES.items() for field in schema]
#: What DuckDB, Polars, pandas, Spark and Hugging Face datasets read alike.
PLAIN = (pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.bool_(), pa.timestamp("us", tz="UTC"))


def test_readme_documents_the_tables_as_they_are():
    assert docs.main(["--check", str(ROOT / "README.md")]) == 0, "python -m tasks.docs --write README.md"


def test_taosha_toml_is_the_generated_one():
    assert (ROOT / "taosha.toml").read_text(encoding="utf-8") == docs.settings_toml(), "python -m tasks.docs --write taosha.toml"


def test_taosha_toml_loads_to_the_defaults():
    assert load(ROOT / "taosha.toml") == Settings()


def test_taosha_toml_with_every_line_active_is_still_the_defaults(tmp_path):
    active = [
        line[2:] if line.startswith("# ") and " = " in line and _names_a_field(line) else line for line in docs.settings_toml().split("\n")
    ]
    (tmp_path / "t.toml").write_text("\n".join(active), encoding="utf-8")
    assert load(tmp_path / "t.toml") == Settings()
    assert sum(not line.startswith(("#", "[")) and line != "" for line in active) == sum(
        len(type(section).model_fields) for _, section in Settings()
    )


def _names_a_field(line: str) -> bool:
    return any(line[2:].split(" = ", 1)[0] in type(section).model_fields for _, section in Settings())


def test_every_dependency_has_its_reason_in_contributing():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=!~\[;]", line, maxsplit=1)[0].strip() for line in project["dependencies"]}
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("| package | reason |", 1)[1].split("\n\n", 1)[0]
    assert set(re.findall(r"^\| ([\w-]+) \|", table, re.MULTILINE)) == needed


def test_every_setting_is_explained():
    silent = [f"{name}.{key}" for name, section in Settings() for key, field in type(section).model_fields.items() if not field.description]
    assert silent == []


def test_every_column_is_described_in_a_sentence():
    silent = [f"{table}.{field.name}" for table, field in COLUMNS if len(docs.description(field)) < 5]
    assert silent == []
    assert [name for name, _, text in SIGNALS if len(text) < 5] == []


def test_no_table_has_a_column_twice():
    for table, (schema, _) in TABLES.items():
        assert len(set(schema.names)) == len(schema.names), table


@pytest.mark.parametrize(("table", "field"), COLUMNS, ids=[f"{t}.{f.name}" for t, f in COLUMNS])
def test_only_types_that_every_reader_knows_are_published(table, field):
    kind = field.type
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        assert all(part.type in PLAIN for part in kind.value_type)
    elif pa.types.is_struct(kind):
        assert kind == SIGNALS_TYPE
        assert all(part.type in PLAIN for part in kind)
    else:
        assert kind in PLAIN or kind == pa.list_(pa.int64())


def test_generated_tables_name_every_table_and_column():
    text = docs.tables_markdown()
    for table, field in COLUMNS:
        assert f"<b>{table}</b>" in text
        assert f"| `{field.name}` |" in text
    assert all(f"| `{name}` |" in text for name, _, _ in SIGNALS)


def test_no_raw_arrow_type_name_reaches_the_reader():
    assert not any(word in docs.tables_markdown() for word in ("int64", "float32", "struct<", "list<", "timestamp["))


def test_only_the_part_between_the_markers_is_replaced(tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n")
    assert docs.main(["--check", str(readme)]) == 1
    assert "--write" in capsys.readouterr().err
    assert docs.main(["--write", str(readme)]) == 0
    assert readme.read_text() == f"before\n{docs.BEGIN}\n{docs.tables_markdown()}\n{docs.END}\nafter\n"
    assert docs.main(["--check", str(readme)]) == 0


@pytest.mark.parametrize("text", ["no markers", f"{docs.END} {docs.BEGIN}", f"{docs.BEGIN} {docs.BEGIN} {docs.END}"])
def test_a_readme_without_its_markers_is_left_alone(tmp_path, capsys, text):
    (tmp_path / "README.md").write_text(text)
    assert docs.main(["--write", str(tmp_path / "README.md")]) == 2
    assert (tmp_path / "README.md").read_text() == text
    assert docs.BEGIN in capsys.readouterr().err


def test_a_missing_readme_and_wrong_arguments_are_said_in_one_line(tmp_path, capsys):
    assert docs.main(["--check", str(tmp_path / "README.md")]) == 2
    assert docs.main(["--chek"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
