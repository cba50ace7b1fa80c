"""What bylines, source lines, links and dates say of a document, and when nothing is believed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import whole

from tasks.settings import Settings
from tasks.try_rules import try_rules

BODY = "\n".join(f"这是一段普通的正文，讲的是天气和庄稼，没有别的意思，读完就好，第{n}段。" for n in range(12))


def stated(folder: Path, *head: str, tail: str = "", title: str = "山里的雾什么时候散") -> dict[str, str]:
    """Provenance of a page with these lines below its title."""
    path = folder / "page.txt"
    path.write_text("\n".join([title, *head, "", BODY, tail]) + "\n", encoding="utf-8")
    records = list(try_rules(path, Settings()))
    return records[0]["stated"] if records else {}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("发布时间：2024年3月1日 08:05", "2024-03-01 08:05:00+00:00"),
        ("2024-03-01 08:00　来源：海边网", "2024-03-01 08:00:00+00:00"),
        ("2024/3/1 08:00:07", "2024-03-01 08:00:07+00:00"),
        ("發布日期：民國113年3月1日", "2024-03-01 00:00:00+00:00"),
        ("发布时间：二〇二四年三月十一日", "2024-03-11 00:00:00+00:00"),
        ("Published on March 1, 2024", "2024-03-01 00:00:00+00:00"),
        ("Posted on 1 March 2024", "2024-03-01 00:00:00+00:00"),
        ("发布时间：２０２４－０３－０１", "2024-03-01 00:00:00+00:00"),
        ("发布时间：2024-03-01 下午3:05", "2024-03-01 15:05:00+00:00"),
    ],
)
def test_a_date_is_read_in_many_forms(tmp_path: Path, line: str, expected: str) -> None:
    assert stated(tmp_path, line, "作者：张三").get("published_at") == expected


@pytest.mark.parametrize(
    "lines",
    [
        ("发布时间：03/04/2024", "作者：张三"),
        ("发布时间：2024-13-01", "作者：张三"),
        ("发布时间：2024-02-30 08:00", "作者：张三"),
        ("更新时间：2024-03-01 08:00", "作者：张三"),
        ("发布时间：2024-03-01 08:00", "发布时间：2024-03-02 08:00", "作者：张三"),
    ],
)
def test_a_date_that_is_not_certain_is_not_taken(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert "published_at" not in stated(tmp_path, *lines)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("作者：张三", "张三"),
        ("作者 | 李四　编辑 | 王五", "李四"),
        ("文／林書帆", "林書帆"),
        ("文 | 张三、李四", "张三、李四"),
        ("來源：海邊時報　作者：林書帆", "林書帆"),
        ("記者林書帆／南投報導", "林書帆"),
        ("By Jane Doe", "Jane Doe"),
        ("Written by Ada van Lovelace | March 3, 2024", "Ada van Lovelace"),
        ("撰文：John Smith", "John Smith"),
    ],
)
def test_an_author_is_read(tmp_path: Path, line: str, expected: str) -> None:
    assert stated(tmp_path, line).get("author") == expected


@pytest.mark.parametrize(
    "lines",
    [("作者：佚名",), ("作者：编辑部",), ("来源：海边网 编辑：王五",), ("责任编辑：王五",), ("作者：张三", "2024-03-01 08:00 作者：李四")],
)
def test_an_author_that_is_nobody_or_not_certain_is_not_taken(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert "author" not in stated(tmp_path, *lines)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("来源：海边网", "海边网"), ("2024-03-01 08:05　来源：海边日报　字号：大 中 小", "海边日报"), ("來源：「海邊時報」", "海邊時報")],
)
def test_a_publisher_is_read(tmp_path: Path, line: str, expected: str) -> None:
    assert stated(tmp_path, line).get("publisher") == expected


@pytest.mark.parametrize("line", ["来源：网络", "图片来源：海边网", "来源：https://example.org/a"])
def test_a_source_that_is_no_publisher_is_not_taken(tmp_path: Path, line: str) -> None:
    assert "publisher" not in stated(tmp_path, line)


def test_the_address_of_the_original_becomes_the_url_and_its_line_goes(tmp_path: Path) -> None:
    said = stated(tmp_path, tail="原文链接：https://example.org/a/1?b=2")
    assert said["url"] == "https://example.org/a/1?b=2"
    assert stated(tmp_path, "- 原文: [山报](https://example.org/山)")["url"] == "https://example.org/山"


def test_the_own_address_goes_before_that_of_the_original_whose_line_then_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(f"山里的雾\n\n{BODY}\n\n原文链接：https://example.org/a\n本文链接：https://example.org/b\n", encoding="utf-8")
    (record,) = try_rules(path, Settings())
    gone = [line["text"] for line in record["lines"] if line["rule"]]
    assert record["stated"]["url"] == "https://example.org/b"
    assert gone == ["本文链接：https://example.org/b"]


def test_two_originals_are_no_address_and_both_lines_stay(tmp_path: Path) -> None:
    assert stated(tmp_path, tail="原文链接：https://example.org/a\n原文链接：https://example.org/b") == {}


def test_what_the_reader_states_wins_and_the_published_rows_have_it(tmp_path: Path) -> None:
    page = f"---\nauthor: 王五\n---\n# 山里的雾\n\n作者：张三　来源：海边网\n\n{BODY}\n\n本文链接：https://example.org/a\n"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.md").write_text(page, encoding="utf-8")
    run = whole.run([tmp_path / "in"], tmp_path / "out")
    row: dict[str, Any] = run.rows("documents")[0]
    assert (row["author"], row["publisher"], row["url"]) == ("王五", "海边网", "https://example.org/a")
    assert {p["author"] for p in run.rows("passages")} == {"王五"}
    spans = run.spans("a.md")
    assert whole.unproved(page, spans["kept"], spans["removed"]) is None


def test_the_date_of_a_line_decides_which_copy_is_the_first(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, date in (("a.txt", "2024-03-02 08:00"), ("b.txt", "2024-03-01 08:00")):
        (tmp_path / "in" / name).write_text(f"山里的雾\n发布时间：{date}\n\n{BODY}\n", encoding="utf-8")
    run = whole.run([tmp_path / "in"], tmp_path / "out")
    assert {row["source"] for row in run.rows("removed") if "duplicate" in row["reason"]} == {"a.txt"}
    assert {row["published_at"] for row in run.rows("documents")} >= {datetime.fromisoformat("2024-03-01T08:00:00+00:00")}


def test_posts_of_a_thread_do_not_date_it(tmp_path: Path) -> None:
    posts = [f"刨花　发表于 2018-3-{day} 21:04:11　|　只看该作者\n同意楼上的说法，线要画在废料那一侧。" for day in (2, 3)]
    assert "published_at" not in stated(tmp_path, *posts)
