"""Archives and compressed sources: members are records that read as they would alone, and nothing in an archive decides for us."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import tarfile
import zipfile
from pathlib import Path

import hostile_archives as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import ingest
from tasks.readers import archives, members, source, unpack
from tasks.readers.source import Feed, SourceFile
from tasks.readers.tars import entries
from tasks.settings import Input

DEFAULTS = Input()
STATED = ("text", "title", "marks", "encoding", "format")


def read(folder: Path, name: str, data: bytes, options: Input = DEFAULTS) -> tuple[dict, list[dict]]:
    """(row of sources, documents) of one file."""
    inputs = folder / "in"
    shutil.rmtree(folder, ignore_errors=True)
    inputs.mkdir(parents=True)
    (inputs / name).write_bytes(data)
    result = ingest.read_cell(ingest.discover([inputs], options), options, folder / "out", 8 << 20)
    assert sorted((folder / "out").iterdir()) == [part.path for part in result.parts]
    tables = [pa.ipc.open_file(part.path).read_all() for part in result.parts]
    return result.sources[0], pa.concat_tables(tables).to_pylist() if tables else []


def parquet(rows: int = 50) -> bytes:
    sink = io.BytesIO()
    noise = random.Random(5)  # noqa: S311 (fixed test data)
    pq.write_table(pa.table({"text": [f"第{i}行" for i in range(rows)], "other": [noise.randbytes(99) for _ in range(rows)]}), sink)
    return sink.getvalue()


BIG5 = "清晨的碼頭上，漁民們把昨夜捕到的魚一筐一筐搬上岸。我問他們收成怎麼樣，老王笑著說：今年比去年好多了！\n"
ALONE = {
    "a.txt": made.TEXT.encode(),
    "b.md": "---\ntitle: 港口\n---\n\n# 港口\n\n灯灭了。\n".encode(),
    "c.jsonl": b'{"text": "one", "title": "t"}\n\n{"text": "two"}\n',
    "d.csv": b'id,text\n1,"a\nb"\n2,c\n',
    "e.html": "<title>题</title><h1>题</h1><p>段落<ul><li>项</ul>".encode(),
    "f.srt": "1\n00:00:01,000 --> 00:00:02,000\n第一句\n".encode(),
    "g.parquet": parquet(),
    "h.txt": BIG5.encode("big5"),
    "i.txt": "\ufeff带标记的\n".encode("utf-16"),
    "j.txt.gz": gzip.compress(made.TEXT.encode(), mtime=0),
}


@pytest.mark.parametrize("shape", ["zip", "tar", "tar.gz", "tar.zst", "tar.bz2", "tar.xz"])
def test_a_member_reads_as_it_would_alone(tmp_path, shape):
    alone = [(name, row) for name, data in ALONE.items() for row in read(tmp_path, name, data)[1]]
    data = made.zipped(ALONE.items()) if shape == "zip" else made.tarred(ALONE.items())
    about, rows = read(tmp_path, f"all.{shape}", made.PACKERS[shape[4:]](data) if "." in shape else data)
    assert about["status"] == "ok", about
    assert about["format"] == shape[:3]
    assert about["record_count"] == len(alone) == len(rows)
    assert [{name: row[name] for name in STATED} for row in rows] == [{name: row[name] for name in STATED} for _, row in alone]
    assert [row["locator"] for row in rows] == [f"{name} {row['locator']}".strip() for name, row in alone]
    assert len({row["doc_id"] for row in rows}) == len(rows)
    assert sorted(row["record"] for row in rows) == [row["record"] for row in rows]


def test_a_parquet_file_is_read_whole_wherever_its_text_lies_in_it(tmp_path):
    about, rows = read(tmp_path, "a.parquet", parquet(20_000))
    assert (about["status"], about["record_count"]) == ("ok", 20_000), about
    assert rows[-1]["text"] == "第19999行"


def test_an_archive_in_an_archive_has_a_path_as_locator(tmp_path):
    inner = made.zipped([("x/b.txt", made.TEXT.encode()), ("c.jsonl", b'{"text": "one"}\n')])
    _, rows = read(tmp_path, "a.tgz", gzip.compress(made.tarred([("old/in.zip", inner), ("z.txt", made.TEXT.encode())])))
    assert [row["locator"] for row in rows] == ["old/in.zip!/x/b.txt", "old/in.zip!/c.jsonl line 1", "z.txt"]
    assert [row["record"] for row in rows] == [0, 1, 2]


def test_how_deep_and_how_many_are_settings(tmp_path):
    assert read(tmp_path, "a.zip", made.nested(3), Input(max_depth=3))[0]["status"] == "ok"
    about, _ = read(tmp_path, "a.zip", made.nested(2), Input(max_depth=1))
    assert "too_deep: archives inside archives are read to level 1" in about["error"]
    many = [(f"{i}.txt", b"x") for i in range(20)]
    for name, data in (("a.zip", made.zipped(many)), ("a.tar", made.tarred(many))):
        assert read(tmp_path, name, data, Input(max_members=20))[0]["record_count"] == 20
        assert read(tmp_path, name, data, Input(max_members=19))[0]["error"].startswith("too_many_members")
    split = made.zipped([("a.zip", made.zipped(many[:10])), ("b.zip", made.zipped(many[10:]))])
    assert read(tmp_path, "a.zip", split, Input(max_members=20))[0]["error"].startswith("too_many_members")


def test_names_are_data_and_nothing_is_written_under_them(tmp_path):
    for name, maker in (("a.zip", made.zipped), ("a.tar", made.tarred)):
        _, rows = read(tmp_path, name, maker([("../../evil.txt", b"a"), ("/evil2.txt", b"b"), ("c\n\u202ed.txt", b"c")]))
        assert [row["locator"] for row in rows] == ["../../evil.txt", "/evil2.txt", "c\\x0a\\u202ed.txt"]
    assert not list(tmp_path.parent.rglob("*evil*"))
    assert not Path("/evil2.txt").exists()


def test_names_from_windows_are_read_as_chinese(tmp_path):
    data, _, _ = made.ARCHIVES["windows-names.zip"]
    assert read(tmp_path, "a.zip", data)[1][0]["locator"] == made.NAMES_ON_WINDOWS


def test_what_is_left_out_of_an_archive_is_counted(tmp_path):
    about, _ = read(tmp_path, "a.zip", made.zipped([("a.png", b"x"), ("b.png", b"x"), (".c.txt", b"x"), ("d.txt", b"y"), ("e.txt", b" ")]))
    assert about["not_carried"] == [
        {"what": "empty_record", "count": 1}, {"what": "member (.png)", "count": 2}, {"what": "member (hidden)", "count": 1},
    ]  # fmt: skip
    about, _ = read(tmp_path, "a.tar", made.ARCHIVES["joined.tar"][0])
    assert [entry["what"] for entry in about["not_carried"]] == ["byte_after_end"]


def test_a_bad_member_leaves_no_row_however_late_it_turns_bad(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "PROVED", 2000)
    bad = b"".join(json.dumps({"text": f"line {i}"}).encode() + b"\n" for i in range(200)) + b"{\n" * 300
    about, rows = read(tmp_path, "a.zip", made.zipped([("a.txt", b"first"), ("b.jsonl", bad), ("c.txt", b"last")]))
    assert [row["text"] for row in rows] == ["first", "last"]
    assert about["error"].startswith("bad_member: 1 of 3 members cannot be read (b.jsonl: bad_json: 300 of 500")


def test_limits_of_memory_change_no_row(tmp_path, monkeypatch):
    data = made.tarred([*ALONE.items(), ("in.zip", made.zipped(ALONE.items()))])
    before = read(tmp_path, "a.tar", data)
    monkeypatch.setattr(archives, "PROVED", 10)
    monkeypatch.setattr(members, "HELD", 10)
    for module in (source, members, unpack):
        monkeypatch.setattr(module, "BLOCK", 700)
    assert read(tmp_path, "a.tar", data) == before


def test_a_bomb_is_noticed_early_whatever_it_hides_in(tmp_path):
    for name in ("bomb50.txt.xz", "bomb.zip", "bomb-inside.zip", "bomb-in-bomb.tar.gz", "overlapping.zip"):
        about, rows = read(tmp_path, name, made.ARCHIVES[name][0])
        assert about["error"].startswith("bomb"), name
        assert int(about["error"].rsplit(" ", 1)[1]) <= max(2 << 20, 210 * about["byte_count"]), name
        assert rows == []


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text("ab/好.", min_size=1, max_size=150), st.binary(max_size=1500)), max_size=6))
def test_tar_members_are_those_that_the_library_gives(tmp_path, files):
    data = made.tarred([(f"x{name}", data) for name, data in files])
    (tmp_path / "a.tar").write_bytes(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as library:
        wanted = [(info.name, library.extractfile(info).read()) for info in library]
    with Feed(SourceFile("a.tar", tmp_path / "a.tar", 0, ".", "tar"), DEFAULTS) as feed:
        assert [(entry.name, b"".join(entry.blocks)) for entry in entries(feed)] == wanted


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_archive_is_survived(tmp_path, data):
    name = data.draw(st.sampled_from(sorted(made.ARCHIVES)))
    whole = bytearray(made.ARCHIVES[name][0][:100_000])
    for _ in range(data.draw(st.integers(1, 4))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    about, rows = read(tmp_path, name, bytes(whole))
    assert "reader_failed" not in (about["error"] or ""), about
    assert (about["status"] in ("ok", "needs_review")) == bool(rows)


def test_a_stored_member_is_held_against_its_checksum(tmp_path):
    data = bytearray(made.zipped([("a.txt", b"aaaa"), ("b.txt", b"bbbb")], zipfile.ZIP_STORED))
    data[data.index(b"bbbb")] ^= 1
    about, rows = read(tmp_path, "a.zip", bytes(data))
    assert [row["text"] for row in rows] == ["aaaa"]
    assert "b.txt: corrupt_member" in about["error"]
