"""Settings: what is wrong is said with file, line and key before anything is read; what is right survives a round trip."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tasks.docs import toml_value
from tasks.errors import SettingsError
from tasks.settings import DATA_SECTIONS, NOT_DATA, Settings, load


@pytest.fixture
def refusal(tmp_path: Path):
    """Writes a settings file and gives the message with which it is refused."""

    def write(text: str, overrides: dict[str, dict[str, Any]] | None = None) -> str:
        path = tmp_path / "taosha.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError) as refused:
            load(path, overrides)
        assert refused.value.exit_code == 2
        assert str(path) in str(refused.value)
        return str(refused.value).replace(str(path), "taosha.toml")

    return write


def test_no_file_and_an_empty_file_give_the_defaults(tmp_path):
    (tmp_path / "empty.toml").write_text("")
    assert load(None) == load(tmp_path / "empty.toml") == Settings()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    (tmp_path / "t.toml").write_text('[script]\ntarget = "keep"\n[input]\npriority = ["书", "news"]\n')
    settings = load(tmp_path / "t.toml")
    assert settings.script.target == "keep"
    assert settings.input.priority == ("书", "news")
    assert settings.matching == Settings().matching


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    (tmp_path / "t.toml").write_bytes("\ufeff[matching]\r\nseed = 7\r\n".encode())
    assert load(tmp_path / "t.toml").matching.seed == 7


# --- Refusals -------------------------------------------------------------------------------------------------------------


def test_unknown_setting_names_line_and_the_likely_one(refusal):
    assert refusal("# mine\n[matching]\n\nband = 16\n") == "taosha.toml:4: matching.band: unknown setting; did you mean bands?"


def test_unknown_setting_unlike_any_lists_the_known_ones(refusal):
    message = refusal("[quality]\nxyzzy = 16\n")
    assert message.startswith("taosha.toml:2: quality.xyzzy: unknown setting; known keys: minimum")


def test_unknown_section_names_line_and_the_likely_one(refusal):
    assert refusal("[normalize]\n[matchin]\nbands = 3\n") == "taosha.toml:2: matchin: unknown setting; did you mean matching?"


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ('[matching]\nbands = "32"\n', ":2: matching.bands", "'32'"),
        ("[matching]\nbands = true\n", ":2: matching.bands", "True"),
        ("[matching]\nbands = 2.5\n", ":2: matching.bands", "2.5"),
        ('[normalize]\nnfc = "yes"\n', ":2: normalize.nfc", "'yes'"),
        ("[normalize]\nnfc = 1\n", ":2: normalize.nfc", "1"),
        ("[quality]\nminimum = 1979-05-27\n", ":2: quality.minimum", "'1979-05-27'"),
        ('[input]\ntext_fields = "text"\n', ":2: input.text_fields", "'text'"),
        ('[input]\n\ntext_fields = ["text", 3]\n', ":3: input.text_fields", "3"),
        ("input = 3\n", ":1: input", "3"),
        ("[[input]]\npriority = []\n", ":1: input", "[{'priority': []}]"),
        ("matching.bands = []\n", ":1: matching.bands", "[]"),
        ('[ "matching" ] # here\n"bands" = []\n', ":2: matching.bands", "[]"),
    ],
)
def test_wrong_type_names_line_key_and_what_was_found(refusal, text, where, found):
    assert refusal(text).startswith(f"taosha.toml{where}")
    assert f"found {found};" in refusal(text)


@pytest.mark.parametrize(
    ("text", "where", "allowed"),
    [
        ("[matching]\nbands = 0\n", ":2: matching.bands", "greater than or equal to 1"),
        ("[matching]\npermutations = 256\n", ":2: matching.permutations", "128"),
        ("[quality]\nminimum = 1.5\n", ":2: quality.minimum", "less than or equal to 1"),
        ("[quality]\nminimum = nan\n", ":2: quality.minimum", "less than or equal to 1"),
        ('[script]\ntarget = "simplified"\n', ":2: script.target", "'hans'"),
        ("[run]\nworkers = -1\n", ":2: run.workers", "greater than or equal to 0"),
    ],
)
def test_impossible_value_names_line_key_and_what_is_allowed(refusal, text, where, allowed):
    assert refusal(text).startswith(f"taosha.toml{where}")
    assert allowed in refusal(text)


def test_every_problem_is_reported_at_once(refusal):
    lines = refusal("[matching]\nbands = 0\nseeds = 1\n[run]\nworker = 2\n").split("\n")
    assert [line.split(": ")[:2] for line in lines] == [
        ["taosha.toml:2", "matching.bands"],
        ["taosha.toml:3", "matching.seeds"],
        ["taosha.toml:5", "run.worker"],
    ]


@pytest.mark.parametrize("text", ["[matching]\nbands = 64\n", "[matching]\n# bands = 32\nrows = 8\n"])
def test_bands_times_rows_over_the_permutations_is_refused(refusal, text):
    line = text.count("\n")
    assert refusal(text).startswith(f"taosha.toml:{line}: matching.bands x matching.rows = ")


@pytest.mark.parametrize("text", ["[matching]\nreport_threshold = 0.9\n", "[matching]\nremove_threshold = 0.4\n"])
def test_report_threshold_over_the_remove_threshold_is_refused(refusal, text):
    message = refusal(text)
    assert message.startswith("taosha.toml:2: matching.report_threshold = ")
    assert "matching.remove_threshold" in message


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[matching]\nbands = 16\nbands = 32\n", 3, "bands"),
        ("[matching]\n[script]\n[matching]\n", 3, "matching"),
        ("[matching]\nbands = = 3\n", 2, "bands"),
        ("[matching]\nbands 3\n", 2, "bands"),
    ],
)
def test_broken_toml_and_duplicate_keys_name_line_and_key(refusal, text, line, key):
    message = refusal(text)
    assert message.startswith(f"taosha.toml:{line}: not valid TOML: ")
    assert key in message


def test_toml_that_ends_too_early_is_refused(refusal):
    assert "not valid TOML" in refusal("[input]\npriority = [")


def test_unreadable_files_are_refused_by_name(tmp_path):
    (tmp_path / "gbk.toml").write_bytes("# 设置\n".encode("gb18030"))
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "gbk.toml"):
        with pytest.raises(SettingsError, match="cannot be read") as refused:
            load(path)
        assert str(path) in str(refused.value)


# --- Flags ----------------------------------------------------------------------------------------------------------------


def test_a_flag_wins_over_the_file(tmp_path):
    (tmp_path / "t.toml").write_text("[run]\nworkers = 2\nshard_parts = 5\n")
    assert load(tmp_path / "t.toml", {"run": {"workers": 3}}).run.model_dump() == {"workers": 3, "shard_parts": 5}


def test_a_wrong_flag_is_refused_without_a_file():
    with pytest.raises(SettingsError, match=r"^settings: run\.workers: found -1; "):
        load(None, {"run": {"workers": -1}})


def test_a_flag_does_not_hide_a_section_of_the_wrong_type(refusal):
    assert refusal("run = 3\n", {"run": {"workers": 1}}).startswith("taosha.toml:1: run: found 3;")


# --- Digest ---------------------------------------------------------------------------------------------------------------


def _sections() -> list[tuple[str, type[BaseModel]]]:
    return [(name, field.annotation) for name, field in Settings.model_fields.items() if field.annotation]


def _another(value: Any) -> Any:
    """A different value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return {"*": "x"} if isinstance(value, dict) else ("x",)


@pytest.mark.parametrize(
    ("section", "field"),
    [
        (name, key)
        for name, model in _sections()
        for key, field in model.model_fields.items()
        if get_origin(field.annotation) is not Literal
    ],
)
def test_digest_changes_with_what_affects_data_and_with_nothing_else(section, field):
    settings = Settings()
    values = getattr(settings, section)
    changed = settings.model_copy(update={section: values.model_copy(update={field: _another(getattr(values, field))})})
    assert (changed.digest() != settings.digest()) == (section in DATA_SECTIONS and (section, field) not in NOT_DATA)


@pytest.mark.parametrize(
    ("section", "field", "value"), [("script", "target", "hant"), ("language", "engine", "langdetect"), ("dedup", "method", "exact")]
)
def test_digest_changes_with_a_choice(section, field, value):
    assert load(None, {section: {field: value}}).digest() != Settings().digest()


def test_digest_of_a_section_does_not_see_the_others():
    settings = load(None, {"quality": {"minimum": 0.5}})
    assert settings.digest("matching") == Settings().digest("matching")
    assert settings.digest("matching", "quality") != Settings().digest("matching", "quality")


def test_digest_of_an_unknown_section_is_refused():
    with pytest.raises(KeyError, match="matchin"):
        Settings().digest("matchin")


def test_digest_sees_the_order_of_collections_because_the_first_match_wins():
    one = load(None, {"input": {"collections": {"a/*": "x", "*": "y"}}})
    two = load(None, {"input": {"collections": {"*": "y", "a/*": "x"}}})
    assert one.digest() != two.digest()


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Settings().run.workers = 3


# --- Round trip -----------------------------------------------------------------------------------------------------------

_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


def _values(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Possible values for some of a section's fields."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        limits = {key: getattr(rule, key) for rule in field.metadata for key in ("ge", "le") if hasattr(rule, key)}
        kind = field.annotation
        if get_origin(kind) is Literal:
            fields[name] = st.sampled_from(get_args(kind))
        elif kind is bool:
            fields[name] = st.booleans()
        elif kind is str:
            fields[name] = _text.filter(bool)
        elif kind is int:
            fields[name] = st.integers(limits.get("ge"), limits.get("le", 1 << 40))
        elif kind is float:
            fields[name] = st.floats(limits["ge"], limits["le"])
        elif get_origin(kind) is tuple:
            fields[name] = st.lists(_text, max_size=3).map(tuple)
        else:
            assert get_origin(kind) is dict, f"no strategy for {name}: {kind}"
            fields[name] = st.dictionaries(_text, _text, max_size=3)
    return st.fixed_dictionaries({}, optional=fields)


_ALL = st.fixed_dictionaries({}, optional={name: _values(model) for name, model in _sections()})


@hypothesis_settings(deadline=None, max_examples=60)
@given(_ALL)
def test_what_is_written_as_toml_is_read_back(tmp_path_factory, values):
    lines = []
    for section, fields in values.items():
        lines += [f"[{section}]", *(f"{name} = {toml_value(value)}" for name, value in fields.items())]
    path = tmp_path_factory.getbasetemp() / "round.toml"
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    assert tomllib.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(values))
    try:
        settings = load(path)
    except SettingsError as error:
        assert "matching.bands x" in str(error) or "matching.report_threshold" in str(error)  # noqa: PT017 (only these two go across fields)
        return
    for section, fields in values.items():
        for name, value in fields.items():
            assert getattr(getattr(settings, section), name) == value
    assert Settings.model_validate(settings.model_dump()) == settings
    assert load(path).digest() == settings.digest()
