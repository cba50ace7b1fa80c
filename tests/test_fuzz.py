"""Any bytes, any text, any rule: decode, readers, segment, normalize and the rule engine neither crash nor lose a character.

Bounded here; `make test-slow` draws at least a hundred times as many.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import hostile
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import decode, ingest
from tasks.annotate import annotate
from tasks.errors import Quarantine, SettingsError
from tasks.readers.kinds import SUFFIXES
from tasks.rulepack import RuleSet, compiled, fold_pattern, load_rules, read_rules
from tasks.settings import Input, Settings
from tasks.store.stage import read_table

SETTINGS = Settings()
FEW, MANY = 40, 8000

#: What texts are made of: plain letters, and what has broken text tools before.
_ODD = "\u200b\u200d\ufeff\u202e\u2066\u0301\u0323\u0e33\ufe0f\U000e0100\U0001f468\ufdfa\u1160\u3164\u00ad\u0085\u2028\0\x1b\t\v\f\u3000"
_PIECES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(_ODD, max_size=12),
    st.sampled_from(["\n", "\n\n", "# ", "- ", "| a | b |\n|---|---|\n", "```\n", "---\n", "主持人：", "甲：", "1. ", "<p>", "</p>", "&amp;", "<!--"]),
    st.sampled_from(["本期节目由海风茶馆赞助。", "点击订阅", "版权所有", "阅读原文", "https://example.org/a?b=1", "00:01 开场", "Ã©", "我們", "我们"]),
    st.sampled_from(["1\n00:00:01,000 --> 00:00:02,000\n", "WEBVTT\n\n", '{"text": "', '"}\n', "id,text\n", '"', "\t", "title: x\n"]),
)  # fmt: skip
TEXTS = st.lists(_PIECES, max_size=30).map("".join)
_CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Bytes of a text in some encoding, or of a hostile file, with a few bytes changed, cut or put twice."""
    if draw(st.booleans()):
        data = draw(TEXTS).encode(draw(_CODECS))
    else:
        data = hostile.FILES[draw(st.sampled_from(sorted(hostile.FILES)))][0][:20_000]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data = draw(st.sampled_from([data[:at], data[at:], data[:at] + draw(st.binary(max_size=8)) + data[at + 1 :], data + data[:at]]))
    return data


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def check_decode(data: bytes, steps: list[int]) -> None:
    """What is decoded encodes back to the same bytes, however they came in."""
    try:
        text, encoding = decode.decode(data)
    except Quarantine:
        return
    assert text.encode("utf-8").decode() == text
    blocks, at = [], 0
    for step in [*steps, len(data) + 1]:
        blocks.append(data[at : at + step])
        at += step
    assert b"".join(decode.to_utf8(blocks, encoding)).decode() == text
    if encoding.name.startswith("utf"):
        assert text.encode(encoding.name) == data[encoding.bom :]


def check_readers(folder: Path, data: bytes, suffix: str) -> None:
    """Every file ends in one row of the table, and its documents add up to what the row says."""
    fresh(folder)
    (folder / f"a{suffix}").write_bytes(data)
    result = ingest.read_cell(ingest.discover([folder], Input()), Input(), folder / "out", 1 << 20)
    (row,) = result.sources
    texts = [text for part in result.parts for text in pa.ipc.open_file(part.path).read_all()["text"].to_pylist()]
    assert "reader_failed" not in (row["error"] or ""), row
    assert row["char_count"] == sum(not char.isspace() for text in texts for char in text)
    assert (row["status"] in ("ok", "needs_review")) == bool(texts)


def check_annotate(folder: Path, text: str, suffix: str, rules: RuleSet) -> None:
    """No visible character is outside the passages or in two of them."""
    fresh(folder)
    (folder / f"a{suffix}").write_bytes(text.encode())
    for part in ingest.read_cell(ingest.discover([folder], Input()), Input(), folder / "out", 1 << 20).parts:
        batch = pa.ipc.open_file(part.path).read_all()
        annotate(batch, fresh(folder / "stage"), SETTINGS, rules)
        found = read_table(folder / "stage" / "passages.arrow")
        rows = found.select(["doc", "char_start", "char_end"]).to_pylist()
        for number, whole in enumerate(batch["text"].to_pylist()):
            spans = [(row["char_start"], row["char_end"]) for row in rows if row["doc"] == number]
            assert spans == sorted(spans)
            covered = "".join(whole[start:end] for start, end in spans)
            assert "".join(covered.split()) == "".join(whole.split())


def check_rules(folder: Path, pattern: str) -> None:
    """A pattern is taken or refused with a message; nothing else comes out, and matching ends."""
    path = fresh(folder) / "mine.toml"
    quoted = "".join(f"\\U{ord(char):08x}" for char in pattern)
    path.write_text(
        f'[[rule]]\nid = "my.x"\ncategory = "share"\npattern = "{quoted}"\nexamples = ["aa", "ab"]\ncounter_examples = ["z"]\n',
        encoding="utf-8",
    )
    try:
        (rule,) = read_rules(path)
    except SettingsError:
        return
    assert rule.pattern == pattern
    compiled(fold_pattern(pattern)).search("ab好" * 20_000 + "!")


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules(SETTINGS.boilerplate)


def fuzz(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


_PATTERNS = st.lists(
    st.sampled_from([*"ab(|)*+?.[]^$\\{}0,9好", "(?i)", "\\p{Han}", "(?=", "\\1", "{9999}", "\\b", "(?P<"]), max_size=12
).map("".join)


class TestBounded:
    @fuzz(FEW * 4)
    @given(damaged(), st.lists(st.integers(1, 50), max_size=6))
    def test_decode(self, data: bytes, steps: list[int]) -> None:
        check_decode(data, steps)

    @fuzz(FEW * 2)
    @given(damaged(), st.sampled_from(sorted(SUFFIXES)), st.sampled_from(["", ".gz", ".xz", ".zst", ".bz2"]))
    def test_readers(self, tmp_path: Path, data: bytes, suffix: str, compression: str) -> None:
        check_readers(tmp_path / "x", data, suffix + compression)

    @fuzz(FEW)
    @given(TEXTS, st.sampled_from([".txt", ".md", ".html", ".srt"]))
    def test_annotate(self, tmp_path: Path, rules: RuleSet, text: str, suffix: str) -> None:
        check_annotate(tmp_path / "x", text, suffix, rules)

    @fuzz(FEW)
    @given(_PATTERNS)
    def test_rules(self, tmp_path: Path, pattern: str) -> None:
        check_rules(tmp_path / "x", pattern)


@pytest.mark.slow
class TestLong:
    @fuzz(MANY * 4)
    @given(damaged(), st.lists(st.integers(1, 50), max_size=6))
    def test_decode(self, data: bytes, steps: list[int]) -> None:
        check_decode(data, steps)

    @fuzz(MANY)
    @given(damaged(), st.sampled_from(sorted(SUFFIXES)), st.sampled_from(["", ".gz", ".xz", ".zst", ".bz2"]))
    def test_readers(self, tmp_path: Path, data: bytes, suffix: str, compression: str) -> None:
        check_readers(tmp_path / "x", data, suffix + compression)

    @fuzz(MANY)
    @given(TEXTS, st.sampled_from([".txt", ".md", ".html", ".srt"]))
    def test_annotate(self, tmp_path: Path, rules: RuleSet, text: str, suffix: str) -> None:
        check_annotate(tmp_path / "x", text, suffix, rules)

    @fuzz(MANY)
    @given(_PATTERNS)
    def test_rules(self, tmp_path: Path, pattern: str) -> None:
        check_rules(tmp_path / "x", pattern)
