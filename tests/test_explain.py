"""The story of a passage: found by id or place, complete, and safe to print."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

import fake_snapshot
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from tasks.errors import UsageError
from tasks.explain import explain, to_json
from tasks.explain_text import render
from tasks.store.schemas import SOURCES

HOSTILE = "</b>[red]\x1b[2J\u202e\x00\x9b31m"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_snapshot.write(tmp_path_factory.mktemp("explain") / "snapshot")


def told(snapshot: Path, ref: str) -> str:
    out = io.StringIO()
    render(explain(snapshot, ref), Console(file=out, width=120))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


REMOVED_STORY = """\
 REMOVED  Removed as near duplicate (similarity 0.824, edited); the same content is kept in article/river.txt:L5

    潮水退去以後，灘上留下細細的金色紋路，老人說那是河流寫的信。
    城門外的集市每逢初八開張，賣糖人的師傅總是第一個到，最後一個走。
    轉載時我們加了這一句，原文沒有。

  Where it lay
    source      mirror/river-hant.txt
    place       characters 32 to 64, lines 3 to 3
    collection  mirror
    format      txt utf-8 utf-8
    sha256      abababababababababababababababababababababababababababababababab
    status      ok
  What it is
    kind      prose in paragraphs
  Rule
    stage     dedup
  Kept twin
    kept in   article/river.txt:L5
    its id    39efa0a28afc8de07b0ea8830a39655d
    its text  城门外的集市每逢初七开张，卖糖人的师傅总是第一个到，最后一个走。
  Verified pairs
    0.824     article/river.txt:L5  edited, estimated 0.812
  Others of its cluster
    kept      article/river.txt:L5  1.000
  passage b840c903534f6ef8bab4c715a1ece0fb  content 91f48252f10c8fbcc479f508ba86949f"""


def test_story_of_a_removed_duplicate_names_the_kept_twin_and_the_pair(snapshot: Path) -> None:
    assert told(snapshot, "mirror/river-hant.txt:L3") == REMOVED_STORY


def test_story_of_a_removed_line_names_rule_evidence_and_family(snapshot: Path) -> None:
    story = explain(snapshot, fake_snapshot.passage_id("ad2"))
    assert story.why == "Removed as boilerplate (sponsor) by zh.sponsor.by, which matched in 2 documents: matches 本期节目由…赞助"
    assert story.rule is not None
    assert story.rule["skeleton"] == "本期.{0,8}由.{1,20}赞助"
    assert story.family is not None
    assert [place["source"] for place in story.occurrences] == ["podcast/ep1.txt", "podcast/ep2.txt"]
    assert (story.pairs[0]["kind"], story.pairs[0]["accepted"]) == ("number_slot", False)
    assert (story.before[:9], story.after) == ("The river", "00:00 开场 02:10 写信")


def test_story_of_a_kept_passage_names_its_copies_and_why_it_was_the_one(snapshot: Path) -> None:
    story = explain(snapshot, "article/river.txt:L3")
    assert story.why == "Kept as the one of its 2 copies that comes first: its collection comes first in input.priority (1 copy)."
    assert [copy["passage_id"] for copy in story.copies] == [fake_snapshot.passage_id("tide2")]
    assert story.raw == story.row["raw"] != story.text
    assert story.factors[0][2] < 1
    text = told(snapshot, "article/river.txt:L3")
    assert "published as" in text
    assert "edits     punctuation 2" in text
    assert "1.000     mirror/river-hant.txt:L1  near duplicate" in text


def test_story_of_a_lone_kept_passage(snapshot: Path) -> None:
    story = explain(snapshot, "podcast/ep1.txt:0")
    assert story.why == "Kept: no rule, filter or duplicate took it."
    assert (story.verdict, story.copies, story.pairs, story.family) == ("kept", [], [], None)


@pytest.mark.parametrize("key", list(fake_snapshot._Fake("").at))
def test_every_span_is_found_by_id_prefix_offset_and_line(snapshot: Path, key: str) -> None:
    row = fake_snapshot._Fake("").at[key]
    refs = [row["passage_id"], row["passage_id"][:8].upper(), f"{row['source']}:{row['char_start']}"]
    refs += [f"{row['source']}:{row['char_end'] - 1}", f"{row['source']}#0:L{row['line_start']}"]
    for ref in refs:
        story = explain(snapshot, ref)
        assert (story.row["passage_id"], story.raw) == (row["passage_id"], row["raw"])
        assert story.verdict == ("removed" if row["span"].reason else "kept")


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("podcast/ep3.txt:L3", "no source is called podcast/ep3.txt; did you mean podcast/ep"),
        ("ep1.txt:0", "did you mean podcast/ep1.txt"),
        ("podcast/ep2.txt:L2", "no passage holds line 2 .*the nearest are at L1 and L3"),
        ("podcast/ep2.txt:9999", "no passage holds character 9999 .*the nearest are at 93"),
        ("zz/broken.txt:0", "no text in this snapshot"),
        ("what is this", "names no passage: give a passage id"),
        ("abc", "names no passage"),
        ("0" * 32, "no passage id begins with 0000"),
    ],
)
def test_what_is_not_there_is_a_usage_error_with_what_comes_near(snapshot: Path, ref: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        explain(snapshot, ref)


def test_a_wrong_digit_at_the_end_of_an_id_is_answered_with_the_nearest(snapshot: Path) -> None:
    own = fake_snapshot.passage_id("gate")
    wrong = own[:-1] + ("0" if own[-1] != "0" else "1")
    with pytest.raises(UsageError, match=f"the nearest is {own}"):
        explain(snapshot, wrong)


def test_a_prefix_of_several_ids_is_answered_with_them(tmp_path: Path) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot")
    file = snapshot / "passages" / "part-00000.parquet"
    table = pq.read_table(file)
    ids = pa.array([f"abcdef{n:026x}" for n in range(len(table))])
    pq.write_table(table.set_column(table.column_names.index("passage_id"), table.schema.field("passage_id"), ids), file)
    with pytest.raises(UsageError, match=r"abcdef begins 8 passage ids; give more digits: abcdef0+, .* \.\.\."):
        explain(snapshot, "abcdef")


def test_a_source_of_several_documents_needs_its_record(tmp_path: Path) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot")
    rows = pq.read_table(snapshot / "sources").to_pylist()
    for row in rows:
        row["record_count"] = 3
    pq.write_table(pa.Table.from_pylist(rows, schema=SOURCES), snapshot / "sources" / "part-00000.parquet")
    with pytest.raises(UsageError, match=r"holds 3 documents; name one: podcast/ep1\.txt#0:L1"):
        explain(snapshot, "podcast/ep1.txt:L1")
    assert explain(snapshot, "podcast/ep1.txt#0:L1").verdict == "kept"


def test_nothing_in_the_data_reaches_the_terminal_as_control_or_markup(tmp_path: Path) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot", HOSTILE)
    for key in ("gate", "gate2", "ad2"):
        text = told(snapshot, fake_snapshot.passage_id(key, HOSTILE))
        assert not [hex(ord(c)) for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl") and c != "\n"]
        assert "[red]" in text
        assert "⟨RLO⟩" in text


def test_json_of_a_story_is_plain_and_says_the_same(tmp_path: Path) -> None:
    snapshot = fake_snapshot.write(tmp_path / "snapshot", HOSTILE)
    story = explain(snapshot, fake_snapshot.passage_id("gate2", HOSTILE))
    text = to_json(story)
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl") and c != "\n"]
    assert json.loads(text)["raw"] == story.raw
    assert json.loads(text)["row"]["similarity"] == 0.824
