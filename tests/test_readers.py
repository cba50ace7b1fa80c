"""Golden cases of each format: what becomes text, metadata and marks, and what is counted as left out."""

from __future__ import annotations

import gzip
import itertools
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import ingest
from tasks.readers import records, subtitles, webpage
from tasks.readers.records import Notes, parse_date
from tasks.settings import Input


def read(tmp_path, name: str, content: str | bytes):
    """(documents, row of sources, not_carried) of one file."""
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    result = ingest.read_cell(ingest.discover([folder / name], Input()), Input(), tmp_path / "out", 1 << 20)
    rows = [row for part in result.parts for row in pa.ipc.open_file(part.path).read_all().to_pylist()]
    (about,) = result.sources
    return rows, about, {entry["what"]: entry["count"] for entry in about["not_carried"]}


def marked(row, kind: str) -> list[str]:
    return [row["text"][m["start"] : m["end"]] for m in row["marks"] if m["kind"] == kind]


# ---- txt, md -----------------------------------------------------------------------------------------------------------


def test_text_keeps_every_character_but_line_ends_and_the_mark(tmp_path):
    (row,), about, omitted = read(tmp_path, "a.txt", "\ufeff第一行\r\n\0第二行\r\ufeff第三行\u3000\n\n".encode())
    assert row["text"] == "第一行\n\0第二行\n\ufeff第三行\u3000\n\n"
    assert omitted == {"bom": 1, "carriage_return": 2}
    assert (about["encoding"], about["encoding_how"], about["char_count"]) == ("utf-8", "bom", 11)
    assert (row["record"], row["locator"], row["piece"], row["char_base"], row["line_base"]) == (0, "", 0, 0, 0)


def test_gzip_is_read_like_the_file_in_it(tmp_path):
    (plain,), _, _ = read(tmp_path, "a.txt", "一行\n")
    (packed,), about, _ = read(tmp_path, "a.txt.gz", "一行\n")
    assert packed["text"] == plain["text"]
    assert about["format"] == "txt"


def test_front_matter_becomes_metadata_and_stays_in_the_text(tmp_path):
    text = '---\ntitle: "潮汐表: 读法"\nauthor:\n  - 林一\n  - 周二\ndate: 2024-03-25 08:00:00 +08:00\nlicense: CC BY 4.0\n# 注\n---\n\n# 正文\n'
    (row,), _, _ = read(tmp_path, "a.md", text)
    assert row["text"] == text
    assert (row["title"], row["author"], row["license"]) == ("潮汐表: 读法", "- 林一 - 周二", "CC BY 4.0")
    assert row["published_at"] == datetime(2024, 3, 25, tzinfo=UTC)
    assert marked(row, "front_matter") == [text[: text.index("\n\n")]]


@pytest.mark.parametrize(
    "text", ["---\n\n正文\n\n---\n", "---\n这是一段话，没有键。\n---\n", "正文\n---\ntitle: x\n---\n", "---\ntitle: x\n"]
)
def test_a_rule_is_not_front_matter(tmp_path, text):
    (row,), _, _ = read(tmp_path, "a.md", text)
    assert row["text"] == text
    assert row["marks"] == []
    assert row["title"] is None


# ---- records -----------------------------------------------------------------------------------------------------------


def test_json_lines(tmp_path):
    lines = [
        '{"id": 7, "Title": "题", "content": "第一\\r\\n条\\ud800", "date": "2024年3月25日", "tags": ["a"], "authors": ["甲", "乙"]}',
        "",
        '{"text": "", "content": "不用"}',
        '{"text": null}',
        '{"text": "后\\u0000面", "url": "https://例.cn/"}',
    ]
    rows, about, omitted = read(tmp_path, "a.jsonl", "\r\n".join(lines))
    assert [(r["record"], r["locator"], r["text"]) for r in rows] == [(0, "line 1", "第一\n条\ufffd"), (4, "line 5", "后\0面")]
    assert (rows[0]["title"], rows[0]["author"], rows[0]["published_at"]) == ("题", "甲, 乙", datetime(2024, 3, 25, tzinfo=UTC))
    assert rows[1]["url"] == "https://例.cn/"
    assert about["status"] == "ok"
    assert omitted == {
        "carriage_return": 1, "empty_record": 1, "field content": 1, "field id": 1, "field tags": 1, "lone_surrogate": 1, "record_without_text": 1,
    }  # fmt: skip


def test_bad_json_lines_are_named_and_the_good_ones_read(tmp_path):
    good = ['{"text": "好"}'] * 8
    rows, about, omitted = read(tmp_path, "a.jsonl", "\n".join([*good[:4], "{", *good[4:], '{"text": NaN}']))
    assert len(rows) == 8
    assert about["status"] == "needs_review"
    assert about["error"] == "bad_json: 2 of 10 lines cannot be read (line 5: not JSON at column 2; line 10: NaN is not JSON)"
    assert omitted == {"bad_line": 2}


@pytest.mark.parametrize("codec", ["gb18030", "utf-16", "utf-8-sig"])
def test_json_lines_in_other_encodings(tmp_path, codec):
    lines = '{"text": "我们明天去看看新的码头，大家都说好。"}\n' * 3
    rows, about, _ = read(tmp_path, "a.jsonl", lines.encode(codec))
    assert [r["text"] for r in rows] == ["我们明天去看看新的码头，大家都说好。"] * 3
    assert about["status"] == "ok"


def test_csv_with_quotes_and_line_feeds_inside(tmp_path):
    text = 'id,标题,text\r\n1,甲,"他说：""好""\r\n第二行"\r\n2,,乙\r\n3,丙,\r\n'
    rows, _, omitted = read(tmp_path, "a.csv", text)
    assert [(r["record"], r["locator"], r["title"], r["text"]) for r in rows] == [
        (0, "row 1", "甲", '他说："好"\n第二行'),
        (1, "row 2", None, "乙"),
    ]
    assert omitted == {"carriage_return": 5, "empty_record": 1, "field id": 3}


def test_tsv_has_no_quoting(tmp_path):
    rows, _, _ = read(tmp_path, "a.tsv", 'text\turl\n"半个引号\thttps://a.cn/\n')
    assert (rows[0]["text"], rows[0]["url"]) == ('"半个引号', "https://a.cn/")


def test_parquet(tmp_path):
    when = pa.array([datetime(2024, 3, 25, 1, 2, 3, tzinfo=UTC), None], pa.timestamp("ms", tz="Asia/Shanghai"))
    table = pa.table({"body": ["第一条\r\n", None], "title": ["题", None], "date": when, "views": [1, 2]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    (row,), about, omitted = read(tmp_path, "a.parquet", sink.getvalue().to_pybytes())
    assert (row["text"], row["title"], row["locator"]) == ("第一条\n", "题", "row 1")
    assert row["published_at"] == datetime(2024, 3, 25, 1, 2, 3, tzinfo=UTC)
    assert omitted == {"carriage_return": 1, "field views": 2, "record_without_text": 1}
    assert (about["encoding"], about["encoding_how"], about["record_count"]) == ("utf-8", "format", 1)


# ---- html --------------------------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html><html><head><title>海边的
 早市</title><meta name="author" content="林一"><meta property="article:published_time" content="2024-03-25T08:00:00+08:00">
<meta property="og:site_name" content="渔港日报"><link rel="canonical" href="https://a.cn/1"><style>p{}</style></head>
<body><nav><a href="/">首页</a> <a>新闻</a></nav><h1>海边的早市</h1><p>天还没亮，<b>鱼贩</b>就
来了。<br>第二行</p><!-- 注 --><ul><li>带鱼<li>黄鱼</ul><table><tr><td>名</td><td>价</td></tr><tr><td>虾</td><td>20</td></tr></table>
<pre>
x = 1
  y = 2

z</pre><blockquote>引用</blockquote><script>alert("假的")</script><noscript>请开启</noscript><div>&copy; 2024 A&amp;B</div></body></html>"""


def test_html_gives_all_visible_text_in_order(tmp_path):
    (row,), _, omitted = read(tmp_path, "a.html", PAGE)
    assert row["text"] == (
        "首页 新闻\n\n海边的早市\n\n天还没亮，鱼贩就 来了。\n第二行\n\n带鱼\n黄鱼\n\n名\t价\n虾\t20\n\nx = 1\n  y = 2\n\nz\n\n引用\n\n© 2024 A&B"
    )
    assert (row["title"], row["author"], row["publisher"], row["url"]) == ("海边的 早市", "林一", "渔港日报", "https://a.cn/1")
    assert row["published_at"] == datetime(2024, 3, 25, tzinfo=UTC)
    assert marked(row, "heading") == ["海边的早市"]
    assert [m["a"] for m in row["marks"] if m["kind"] == "heading"] == [1]
    assert marked(row, "list") == ["带鱼", "黄鱼"]
    assert marked(row, "table") == ["名\t价\n虾\t20"]
    assert marked(row, "code") == ["x = 1\n  y = 2\n\nz"]
    assert marked(row, "quote") == ["引用"]
    assert (omitted["script"], omitted["noscript"], omitted["comment"]) == (11, 3, 1)


def test_what_is_beside_the_main_content_is_labelled_not_lost(tmp_path):
    body = "".join(
        f"<p>第{i}段：清晨的码头上，渔民们把昨夜捕到的鱼一筐一筐搬上岸，我问他们收成怎么样，老王说今年比去年好。</p>" for i in range(12)
    )
    links = "".join(f'<li><a href="/{i}">相关新闻标题{i}号</a></li>' for i in range(9))
    page = f"<html><body><nav><ul>{links}</ul></nav><article><h1>早市</h1>{body}</article><footer>版权所有 备案号</footer></body></html>"
    (row,), _, _ = read(tmp_path, "a.html", page)
    beside = "".join(marked(row, "extraction"))
    assert "相关新闻标题3号" in beside
    assert "第3段" not in beside
    assert "相关新闻标题3号" in row["text"]


def test_shapes_that_make_parsers_slow_are_refused_or_fast(tmp_path):
    attributes = "<p " + "".join(f"a{i}=1 " for i in range(30_000)) + ">文"
    _, about, _ = read(tmp_path, "a.html", attributes)
    assert about["error"] == "bad_html: an element of 30000 attributes"
    (row,), _, omitted = read(tmp_path, "b.html", "<p>前" + "<!--x-->" * 300_000 + "后")
    assert row["text"] == "前后"
    assert omitted["comment"] == 300_000


def test_a_page_without_a_clear_main_content_gets_no_labels():
    assert webpage.beside_content("一\n二\n三", "一") == []


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.text("中文ab<&\n ", max_size=8), lambda inner: st.lists(inner, max_size=4), max_leaves=20))
def test_html_loses_no_visible_character(tree):
    def build(node) -> tuple[str, str]:
        if isinstance(node, str):
            return node.replace("&", "&amp;").replace("<", "&lt;"), node
        built = [build(child) for child in node]
        tag = ("div", "span", "p", "li")[len(node) % 4]
        return f"<{tag}>" + "".join(b[0] for b in built) + f"</{tag}>", "".join(b[1] for b in built)

    markup, visible = build(tree)
    root = webpage.parse(f"<html><body>{markup}</body></html>".encode())
    text, marks, _ = webpage.serialize(root, Notes())
    assert "".join(text.split()) == "".join(visible.split())
    assert all(0 <= m.start <= m.end <= len(text) for m in marks)


# ---- srt, vtt ----------------------------------------------------------------------------------------------------------


def cues(row) -> list[tuple[str, int, int]]:
    return [(row["text"][m["start"] : m["end"]], m["a"], m["b"]) for m in row["marks"] if m["kind"] == "cue"]


def test_srt(tmp_path):
    text = (
        "1\n00:00:01,000 --> 00:00:02,500\n<i>第一句</i>\n第二行\n\n2\n00：00：03，000 --> 00：00：04，000\n{\\an8}全角冒号 a<b\n\n"
        "3\n100:00:05.5 --> 100:00:06.25 X1:0\n一百小时\n\n接着的一行\n"
    )
    (row,), about, omitted = read(tmp_path, "a.srt", text)
    assert row["text"] == "第一句\n第二行\n全角冒号 a<b\n一百小时\n接着的一行"
    assert cues(row) == [
        ("第一句", 1000, 2500),
        ("第二行", 1000, 2500),
        ("全角冒号 a<b", 3000, 4000),
        ("一百小时", 360_005_500, 360_006_250),
        ("接着的一行", 360_005_500, 360_006_250),
    ]
    assert omitted == {"cue_number": 3, "tag": 3, "time_code": 3}
    assert about["record_count"] == 1


def test_vtt_with_voices_notes_and_rolling_captions(tmp_path):
    text = (
        "WEBVTT - 标题\nKind: captions\n\nNOTE 备注\n第二行备注\n\nSTYLE\n::cue {}\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
        "<v 主持>大家好 &amp; 欢迎\n\n00:02.000 --> 00:03.000\n大家好 &amp; 欢迎\n<00:02.500><c>今天</c>讲鱼\n\n"
        "00:03.000 --> 00:04.000\n今天讲鱼\n再讲虾\n\n00:04.000 --> 00:05.000\n<v 来宾>好的\n"
    )
    (row,), _, omitted = read(tmp_path, "a.vtt", text)
    assert row["text"] == "主持：大家好 & 欢迎\n今天讲鱼\n再讲虾\n来宾：好的"
    assert cues(row)[:2] == [("主持：大家好 & 欢迎", 1000, 3000), ("今天讲鱼", 2000, 4000)]
    assert omitted == {"cue_number": 1, "header": 2, "note": 2, "rolling_caption": 2, "style": 2, "tag": 5, "time_code": 4}


@pytest.mark.parametrize("text", ["00:00:01,000 -> 00:00:02,000\n好\n", "1\r\n00:00:01,000 --> 00:00:02,000\r\n好\r\n"])
def test_small_irregularities_of_subtitles(tmp_path, text):
    (row,), _, _ = read(tmp_path, "a.srt", text)
    assert cues(row) == [("好", 1000, 2000)]


def test_a_subtitle_line_that_looks_like_html_but_is_not_stays():
    assert subtitles._plain("if a < b and c > d", False, Notes())[0] == "if a < b and c > d"


# ---- shared tools ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-25", "2024-03-25T00:00:00+00:00"),
        ("2024/3/25", "2024-03-25T00:00:00+00:00"),
        ("2024 年 3 月 25 日 9:05", "2024-03-25T09:05:00+00:00"),
        ("2024-03-25T08:00:00.123+08:00", "2024-03-25T00:00:00.123000+00:00"),
        ("2024-03-25T08:00:00Z", "2024-03-25T08:00:00+00:00"),
        ("2024-02-30", None),
        ("0001-01-01T00:00:00+09:00", None),
        ("3 天前", None),
        ("20240325", None),
        ("", None),
    ],
)
def test_dates(text, expected):
    found = parse_date(text)
    assert (found.isoformat() if found else None) == expected


@settings(deadline=None)
@given(st.text("中。！a!\n\U0001f600é", max_size=200), st.integers(4, 40), st.lists(st.integers(1, 50), max_size=20))
def test_pieces_join_to_the_whole_at_any_size_whatever_the_blocks(text, size, steps):
    data = text.encode()
    edges = sorted({0, len(data), *(sum(steps[:i]) for i in range(len(steps)) if sum(steps[:i]) < len(data))})
    blocks = [data[a:b] for a, b in itertools.pairwise(edges)]
    marks = tuple(records.Mark(i, i + 1, "cue", i) for i in range(len(text)))
    found = list(records.pieces(records.Piece(0, "", b"", marks=marks), blocks, size))
    assert b"".join(p.text for p in found) == data
    assert all(len(p.text) <= size for p in found)
    assert [p.text for p in found] == [p.text for p in records.pieces(records.Piece(0, "", b""), [data], size)] or not data
    before = ""
    for number, piece in enumerate(found):
        here = piece.text.decode()
        assert (piece.piece, piece.char_base, piece.line_base) == (number, len(before), before.count("\n"))
        assert [(m.start + len(before), m.a) for m in piece.marks] == [(i, i) for i in range(len(before), len(before) + len(here))]
        before += here


def test_a_cut_prefers_line_ends_then_sentence_ends():
    assert list(records.cut(["甲。乙\n丙丁戊".encode()], 15)) == ["甲。乙\n".encode(), "丙丁戊".encode()]
    assert list(records.cut(["甲。乙丙丁戊".encode()], 15)) == ["甲。".encode(), "乙丙丁戊".encode()]
    assert list(records.cut(["甲乙丙".encode()], 7)) == ["甲乙".encode(), "丙".encode()]
