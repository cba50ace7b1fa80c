"""`taosha rules try`: what rules would take from a file or folder, in context, and nothing of the text acting on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import whole

from tasks.errors import UsageError
from tasks.settings import Settings
from tasks.try_rules import as_text, to_json, try_rules

BODY = "\n".join(f"这是一段普通的正文，讲的是天气和庄稼，没有别的意思，读完就好，第{n}段。" for n in range(12))


def test_a_folder_gives_a_record_a_document_with_context(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{BODY}\n扫码关注我们\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text(BODY, encoding="utf-8")
    (tmp_path / "c.bin.txt").write_bytes(b"\xff\xfe\x00\xd8" * 9)
    good, bad = sorted(try_rules(tmp_path, Settings()), key=lambda record: record["source"])
    assert (good["source"], good["removed_chars"], [line["number"] for line in good["lines"]]) == ("a.txt", 6, [12, 13])
    assert [line["rule"] for line in good["lines"]] == [None, "zh.subscribe.scan"]
    assert bad["source"] == "c.bin.txt"
    assert bad["error"]
    shown = as_text(good)
    assert "13  - 扫码关注我们" in shown
    assert "zh.subscribe.scan" in shown


def test_hostile_text_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{BODY}\n扫码\x1b关注\x9b我们\u202e\n", encoding="utf-8")
    records = list(try_rules(path, Settings()))
    for said in (*map(as_text, records), *map(to_json, records)):
        assert all(c.isprintable() or c == "\n" for c in said)
    assert json.loads(to_json(records[0]))["source"] == "a.txt"


def test_a_missing_path_is_a_mistake_of_the_user() -> None:
    with pytest.raises(UsageError, match="no such"):
        list(try_rules(Path("nowhere"), Settings()))


def test_the_command_prints_json_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{BODY}\n扫码关注我们\n", encoding="utf-8")
    done = whole.command("rules", "try", str(tmp_path), "--json")
    assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == ["a.txt"]
    listed = whole.command("rules", "list", "--json")
    assert {json.loads(line)["category"] for line in listed.stdout.splitlines()} >= {"submission", "contact"}
