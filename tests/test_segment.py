"""Segmentation: layouts, passages by layout, and the properties that hold for any text."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

import naive_segment as naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import utf8
from tasks.segment import KINDS, LAYOUTS, MARK_KINDS, Marks, Segments, segment
from tasks.store.text import Texts

MARK = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("kind", pa.string()), ("a", pa.int64()), ("b", pa.int64())])
WORDS = "我们今天来说模型训练数据的方法很多人觉得这个问题其实不难但是真正做起来需要时间山水风云花鸟"


def marked(texts: Texts, rows: list[list[tuple[int, int, str, int, int]]]) -> Marks:
    names = ("start", "end", "kind", "a", "b")
    column = pa.array([[dict(zip(names, mark, strict=True)) for mark in row] for row in rows], pa.list_(MARK))
    return Marks.from_batch(pa.table({"marks": column}), texts)


def cut(text: str, fmt: str = "txt", marks: list[tuple[int, int, str, int, int]] | None = None) -> tuple[list[tuple[str, str]], Segments]:
    """(kind, text) of each passage of one document, and all of the answer."""
    texts = Texts.of([text])
    found = segment(texts, [fmt], marked(texts, [marks or []]))
    return [(KINDS[kind], text[a:b]) for kind, a, b in zip(found.kind, found.start, found.end, strict=True)], found


def layout(text: str, fmt: str = "txt") -> str:
    return LAYOUTS[cut(text, fmt)[1].doc_layout[0]]


def sentence(seed: int, n: int = 30, end: str = "。") -> str:
    return "".join(WORDS[i] for i in np.random.default_rng(seed).integers(0, len(WORDS), n)) + end


def captions(n: int, seed: int = 0) -> list[str]:
    chooser = np.random.default_rng(seed)
    return [sentence(int(chooser.integers(10**9)), int(chooser.integers(5, 20)), "") for _ in range(n)]


def test_lines_are_trimmed_numbered_and_know_blank_lines() -> None:
    _, found = cut("一\n\n  二\u3000\r\n三")
    assert found.line_number.tolist() == [1, 3, 4]
    assert found.blank_before.tolist() == [True, True, False]
    assert (found.line_end - found.line_start).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "fmt", "expected"),
    [
        ("\n".join(captions(40)), "txt", "captions"),
        ("好的", "srt", "captions"),
        ("\n\n".join(sentence(i, 60) for i in range(8)), "txt", "paragraphs"),
        ("\n".join(sentence(i, 60) for i in range(8)), "txt", "paragraphs"),
        ("\n".join(sentence(i, 12) for i in range(8)), "txt", "lines"),
        ("\n".join(f"{'张三李四'[i % 2 * 2 :][:2]}：{sentence(i)}" for i in range(8)), "txt", "dialogue"),
        ("# 题\n\n- 一\n- 二\n\n```\ncode\n```", "txt", "markdown"),
        ("随便什么", "md", "markdown"),
        ("# 第一章\n\n" + "\n\n".join(sentence(i, 90) for i in range(5)) + "\n\n# 第二章\n\n" + sentence(9, 90), "txt", "paragraphs"),
    ],
)
def test_layout_follows_from_the_lines(text: str, fmt: str, expected: str) -> None:
    assert layout(text, fmt) == expected


def test_a_few_labels_in_an_article_are_no_dialogue() -> None:
    paragraphs = [sentence(i, 60) for i in range(12)]
    for i in (3, 5, 7, 9):
        paragraphs[i] = f"{'张三' if i % 4 == 1 else '李四'}:{paragraphs[i]}"
    assert layout("\n\n".join(paragraphs)) == "paragraphs"


def test_caption_passages_do_not_depend_on_where_the_run_starts() -> None:
    rows = captions(120)
    whole = [text for _, text in cut("\n".join(rows))[0]]
    sizes = [text.count("\n") + 1 for text in whole]
    assert 5 <= np.median(sizes) <= 10
    for k in (1, 4, 9, 30):
        later = [text for _, text in cut("\n".join(rows[k:]))[0]]
        kept = [text for text in later if text in whole]
        assert len(later) - len(kept) <= 2
        assert kept == whole[-len(kept) :]


@given(st.lists(st.sampled_from(captions(30)), min_size=12, max_size=60))
@settings(deadline=None, max_examples=60)
def test_caption_cuts_equal_their_slow_twin(rows: list[str]) -> None:
    found = [text.split("\n") for _, text in cut("\n".join(rows), "srt")[0]]
    assert found == naive.caption_runs(rows)


def test_captions_break_at_blank_lines() -> None:
    rows = captions(30)
    found = [text for _, text in cut("\n".join([*rows[:15], "", *rows[15:]]))[0]]
    assert not any(rows[14] in text and rows[15] in text for text in found)


def test_turns_carry_their_speaker() -> None:
    text = "\n\n".join(
        [
            "主持人：大家好，欢迎收听。",
            "张三：谢谢邀请。",
            "我先说一点。",
            "主持人：好的，请讲。",
            "张三：时间是12:30，见http://a.cn。",
            "主持人：再见。",
        ]
    )
    passages, found = cut(text)
    assert [kind for kind, _ in passages] == ["turn"] * 6
    assert [found.speakers[i] for i in found.speaker] == ["主持人", "张三", "张三", "主持人", "张三", "主持人"]


def test_sections_are_paths_of_headings() -> None:
    passages, found = cut("# 书 #\n\n序言。\n\n## 第一章\n\n甲。\n\n### 节\n\n乙。\n\n## 第二章\n\n丙。\n\n题目\n====\n\n丁。", "md")
    sections = [found.sections[i] if i >= 0 else "" for i in found.section]
    assert [kind for kind, _ in passages].count("heading") == 5
    assert dict(zip([text for _, text in passages], sections, strict=True)) == {
        "# 书 #": "", "序言。": "书", "## 第一章": "书", "甲。": "书 > 第一章", "### 节": "书 > 第一章", "乙。": "书 > 第一章 > 节",
        "## 第二章": "书", "丙。": "书 > 第二章", "题目\n====": "", "丁。": "题目",
    }  # fmt: skip


def test_markdown_structures_are_passages_with_a_kind() -> None:
    text = """段落一行
还是这一段

- 第一项
  接着说

  隔行再说
- 第二项
1. 第三项

| 甲 | 乙 |
|----|----|
| 1 | 2 |

```python
# 不是标题

x = 1
```

<table>
  <tr><td>甲</td></tr>
  文字
</table>

---
> 引用一
> 引用二"""
    assert cut(text, "md")[0] == [
        ("prose", "段落一行\n还是这一段"),
        ("list", "- 第一项\n  接着说\n\n  隔行再说"),
        ("list", "- 第二项"),
        ("list", "1. 第三项"),
        ("table", "| 甲 | 乙 |\n|----|----|\n| 1 | 2 |"),
        ("code", "```python\n# 不是标题\n\nx = 1\n```"),
        ("table", "<table>\n  <tr><td>甲</td></tr>\n  文字\n</table>"),
        ("prose", "---"),
        ("prose", "> 引用一\n> 引用二"),
    ]


def test_a_lost_fence_does_not_turn_the_rest_into_code() -> None:
    found = cut("一段。\n\n```\ncode\n\n二段。\n\n三段。", "md")[0]
    assert [kind for kind, _ in found] == ["prose", "code", "prose", "prose"]


def test_chapter_headings_in_a_plain_text_are_headings() -> None:
    body = "\n\n".join(sentence(i, 90) for i in range(5))
    passages, found = cut(f"# 第一章\n\n{body}\n\n#话题 不是标题。")
    assert passages[0] == ("heading", "# 第一章")
    assert passages[-1][0] == "prose"
    assert {found.sections[i] for i in found.section[1:]} == {"第一章"}


def test_hard_wrapped_text_is_one_passage_a_paragraph() -> None:
    rows = [sentence(i, 35, "") for i in range(4)] + ["到这里为止。"]
    english = [
        "The quick brown fox jumps over the lazy dog and then it runs away from",
        "the farm, across the river and over the hills, until nobody can see",
        "it any more, and that is the end of the story.",
    ]
    passages, found = cut("\n".join(rows) + "\n\n" + "\n".join(english))
    assert [text for _, text in passages] == ["\n".join(rows), "\n".join(english)]
    assert found.wrapped.tolist() == [True, True]


def test_finished_lines_are_not_joined() -> None:
    rows = [sentence(i, 35) for i in range(6)]
    passages, found = cut("\n".join(rows))
    assert [text for _, text in passages] == rows
    assert not found.wrapped.any()


def wrapped_at(text: str, width: int) -> list[str]:
    """Lines of Han of so many characters; a full stop hangs on the line before, as typesetters do it."""
    rows = [text[i : i + width] for i in range(0, len(text), width)]
    return [*rows[:-2], rows[-2] + rows[-1]] if len(rows) > 1 and len(rows[-1]) == 1 else rows


TEASERS = [line for i in range(12) for line in (f"• {sentence(i, 9, '')}", "", sentence(90 + i, 60), "", "水边 2024年1月2日", "")]


def test_two_line_paragraphs_are_joined_where_the_document_wraps_its_lines() -> None:
    paragraphs = [wrapped_at(sentence(i, 45 + i), 32) for i in range(8)]
    single = [sentence(50 + i, 20 + i) for i in range(8)]
    text = "\n\n".join(line for i in range(8) for line in ("\n".join(paragraphs[i]), single[i])) + "\n\n" + "\n".join(TEASERS)
    passages, found = cut(text)
    assert [text for _, text in passages][:16] == [line for i in range(8) for line in ("\n".join(paragraphs[i]), single[i])]
    assert found.wrapped.tolist() == [True, False] * 8 + [False] * (len(passages) - 16)


def test_half_of_the_breaks_of_two_line_paragraphs_may_end_a_sentence() -> None:
    paragraphs = [[sentence(i, 31, "。" if i % 2 else ""), sentence(40 + i, 12)] for i in range(8)]
    paragraphs = [[rows[0] + "的" * (32 - len(rows[0])), rows[1]] for rows in paragraphs]
    passages, found = cut("\n\n".join("\n".join(rows) for rows in paragraphs))
    assert [text for _, text in passages] == ["\n".join(rows) for rows in paragraphs]
    assert found.wrapped.all()


def test_text_wrapped_at_a_narrow_column_is_no_captions() -> None:
    paragraphs = ["\n".join(wrapped_at(sentence(i, 230), 25)) for i in range(6)]
    text = "\n\n".join(paragraphs)
    assert layout(text) == "paragraphs"
    assert [piece for _, piece in cut(text)[0]] == paragraphs


def test_a_wrapped_line_may_end_a_sentence_by_chance() -> None:
    paragraphs = [wrapped_at(sentence(i, 45 + i), 32) for i in range(8)]
    paragraphs[3] = [sentence(70, 31), sentence(71, 12)]
    passages, _ = cut("\n\n".join("\n".join(rows) for rows in paragraphs) + "\n\n" + "\n".join(TEASERS))
    assert passages[3][1] == "\n".join(paragraphs[3])


@pytest.mark.parametrize(
    "pairs",
    [
        [[sentence(i, 31), sentence(i + 40, 12)] for i in range(10)],  # one-line paragraphs in pairs
        [[sentence(i, 24 + i % 9, ""), sentence(i + 40, 14)] for i in range(10)],  # captions of pictures, of any width
        [[sentence(i, 30, ""), sentence(i + 40, 30, "")] for i in range(10)],  # couplets, no sentence ends
        [[f"- {sentence(i, 30, '')}", f"- {sentence(i + 40, 14)}"] for i in range(10)],  # lists
        [[sentence(i, 12, ""), sentence(i + 40, 12)] for i in range(10)],  # short verse
        [[f"海边路{i}号{sentence(i, 20 + i % 7, '')}", f"邮编 {100000 + i}"] for i in range(10)],  # addresses
        [[f"甲：{sentence(i, 26 + i % 5)}", f"乙：{sentence(i + 40, 26 + i % 4)}"] for i in range(10)],  # dialogue
        [[f"（{i}）{sentence(i, 28, '；')}", f"（{i + 1}）{sentence(i + 40, 28)}"] for i in range(10)],  # numbered items of one length
        [[sentence(i, 30, "，"), sentence(i + 40, 30)] for i in range(10)],  # couplets of one length
    ],
    ids=["paragraphs", "captions", "couplets", "lists", "verse", "addresses", "dialogue", "items", "couplets of one length"],
)
def test_lines_that_only_stand_together_are_not_called_wrapped(pairs: list[list[str]]) -> None:
    _, found = cut("\n\n".join("\n".join(rows) for rows in pairs) + "\n\n" + "\n".join(TEASERS))
    assert not found.wrapped.any()


def english(seed: int, n: int, end: str) -> str:
    words = (
        "the",
        "of",
        "sea",
        "light",
        "old",
        "stone",
        "bridge",
        "river",
        "under",
        "when",
        "morning",
        "keeper",
        "wrote",
        "slowly",
        "boats",
    )
    return " ".join(words[i] for i in np.random.default_rng(seed).integers(0, len(words), n)).capitalize() + end


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("end", [".", ",", ""])
def test_english_verse_keeps_its_lines(size: int, end: str) -> None:
    stanzas = [[english(i * 9 + k, 8 + (i + k) % 2, end if k % 2 else ",") for k in range(size)] for i in range(12)]
    _, found = cut("\n\n".join("\n".join(rows) for rows in stanzas))
    assert not found.wrapped.any()


def test_english_paragraphs_of_two_lines_are_joined() -> None:
    paragraphs = [textwrap.fill(english(i, 16 + i % 4, "."), 72) for i in range(10)]
    assert all(text.count("\n") == 1 for text in paragraphs)
    passages, found = cut("\n\n".join(paragraphs) + "\n\n" + "\n".join(TEASERS))
    assert [text for _, text in passages][:10] == paragraphs
    assert found.wrapped[:10].all()


def test_a_drawing_and_a_list_of_links_are_not_unwrapped() -> None:
    drawing = "\n".join(["+" + "-" * 54 + "+", "| " + "kernel".ljust(53) + "|", "+" + "-" * 54 + "+"])
    links = "\n".join(f"[a page about number {i} and others](https://example.org/{'x' * (9 + i)})" for i in range(5))
    _, found = cut(f"{drawing}\n\n{links}")
    assert not found.wrapped.any()


def test_verse_inside_a_wrapped_document_keeps_its_lines() -> None:
    paragraphs = ["\n".join(wrapped_at(sentence(i, 45 + i), 32)) for i in range(8)]
    verse = [sentence(80 + i, 14, "，。"[i % 2]) for i in range(4)]
    passages, found = cut("\n\n".join([*paragraphs, "\n".join(verse)]) + "\n\n" + "\n".join(TEASERS))
    assert "\n".join(text for _, text in passages).count("\n".join(verse)) == 1
    assert found.wrapped.tolist() == [True] * 8 + [False] * (len(passages) - 8)


def test_long_paragraphs_are_cut_at_sentence_ends() -> None:
    text = "".join(f"{sentence(i, 40, '')}3.8.8版”，见a.com?x=1。”" for i in range(60))
    passages, found = cut(text)
    assert len(passages) > 3
    assert all(200 <= len(piece) <= 900 and piece.endswith("。”") for _, piece in passages)
    assert set(found.first_line) == set(found.last_line) == {0}
    assert [piece for _, piece in passages] == naive.pieces(text)


def test_a_long_paragraph_without_sentence_ends_is_cut_at_commas_else_hard() -> None:
    assert all(piece.endswith("，") for _, piece in cut((sentence(1, 50, "") + "，") * 100)[0][:-1])
    for hostile in ("字", "。", "!"):
        assert [len(piece) for _, piece in cut(hostile * 6000)[0]] == [2400, 2400, 1200]


@given(
    st.lists(
        st.sampled_from([sentence(1, 80, ""), sentence(2, 200, ""), "。", "！”", "，", " ", "3.5", ". ", "?a", "…", "\u0301" * 9, "字"]),
        min_size=1,
        max_size=60,
    ).map("".join)
)
@settings(deadline=None, max_examples=150)
def test_cuts_equal_their_slow_twin(text: str) -> None:
    if text.strip():
        assert [piece for _, piece in cut(text)[0]] == naive.pieces(text.strip())


def test_marks_of_readers_become_kinds_times_and_borders() -> None:
    text = "title: 甲\n标题\n项一\n项二\n\n续\nx=1\ny=2\n正文一。\n旁文二。"
    at = {word: text.index(word) for word in text.split()}
    marks = [
        (0, 8, "front_matter", -1, -1), (at["标题"], at["标题"] + 2, "heading", 2, -1), (at["项一"], at["项一"] + 2, "list", -1, -1), (at["项二"], at["续"] + 1, "list", -1, -1),
        (at["x=1"], at["y=2"] + 3, "code", -1, -1), (at["旁文二。"], len(text), "extraction", -1, -1),
    ]  # fmt: skip
    passages, found = cut(text, "html", marks)
    assert passages == [
        ("metadata", "title: 甲"),
        ("heading", "标题"),
        ("list", "项一"),
        ("list", "项二\n\n续"),
        ("code", "x=1\ny=2"),
        ("prose", "正文一。"),
        ("prose", "旁文二。"),
    ]
    assert found.sections == ["标题"]


def test_times_span_the_cues_of_a_passage() -> None:
    rows = captions(30)
    text = "\n".join(rows)
    ends = np.cumsum([len(row) + 1 for row in rows]) - 1
    marks = [(int(end - len(row)), int(end), "cue", i * 1000, i * 1000 + 900) for i, (row, end) in enumerate(zip(rows, ends, strict=True))]
    _, found = cut(text, "srt", marks)
    assert found.time_start_ms.tolist() == (found.first_line * 1000).tolist()
    assert found.time_end_ms.tolist() == (found.last_line * 1000 + 900).tolist()


def test_an_unknown_mark_is_an_error() -> None:
    with pytest.raises(ValueError, match="footnote"):
        cut("甲", "html", [(0, 1, "footnote", 0, 0)])


PIECES = st.sampled_from(
    [*"中。，a.:!#-=|>`~*1 \t\n\n\n\n\u3000", "# ", "- ", "1. ", "```", "|--|", "<table>", "</table>", "<tr>", "---", "===", "    ", "张三：", "Q: ", "\u2028", "\x0b", "\x00", "\x85",
     "👩\u200d🚀", "• ", sentence(3, 20), sentence(4, 40, ""), sentence(5, 700), "word " * 20]
)  # fmt: skip
DOCUMENTS = st.one_of(st.lists(PIECES, max_size=60).map("".join), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
SPANS = st.lists(
    st.tuples(st.integers(0, 80), st.integers(0, 80), st.sampled_from(MARK_KINDS), st.integers(-1, 9), st.integers(-1, 9)), max_size=6
)


@given(st.lists(st.tuples(DOCUMENTS, st.sampled_from(["txt", "md", "html", "srt"]), SPANS), max_size=4))
@settings(deadline=None, max_examples=200)
def test_no_character_is_lost_and_documents_stand_alone(documents: list[tuple[str, str, list[tuple[int, int, str, int, int]]]]) -> None:
    texts = Texts.of([text for text, _, _ in documents])
    rows = [[(min(a, b, len(text)), min(max(a, b), len(text)), *rest) for a, b, *rest in spans] for text, _, spans in documents]
    found = segment(texts, [fmt for _, fmt, _ in documents], marked(texts, rows))
    assert (found.start[1:] >= found.end[:-1]).all()
    assert (found.end > found.start).all()
    whole = utf8.count_visible(texts.chars, np.zeros(1, np.int64), np.array([len(texts.chars)]))
    assert utf8.count_visible(texts.chars, found.start, found.end).sum() == whole.sum()
    assert (found.doc == found.line_doc[found.first_line]).all()
    assert (found.doc == found.line_doc[found.last_line]).all()
    assert (found.start >= found.line_start[found.first_line]).all()
    assert (found.end <= found.line_end[found.last_line]).all()
    joined = "".join(texts.take_spans(found.start, found.end).to_arrow().to_pylist())
    assert all(piece == piece.strip() for piece in texts.take_spans(found.start, found.end).to_arrow().to_pylist())
    assert [c for c in joined if not c.isspace()] == [c for text, _, _ in documents for c in text if not c.isspace()]
    for i, (text, fmt, _) in enumerate(documents):
        mine = found.line_doc == i
        assert naive.lines(text) == [
            (int(number), text[a:b], bool(blank))
            for number, a, b, blank in zip(
                found.line_number[mine],
                found.line_start[mine] - texts.offsets[i],
                found.line_end[mine] - texts.offsets[i],
                found.blank_before[mine],
                strict=True,
            )
        ]
        alone_texts = Texts.of([text])
        alone = segment(alone_texts, [fmt], marked(alone_texts, [rows[i]]))
        assert (alone.start + texts.offsets[i]).tolist() == found.start[found.doc == i].tolist()
        assert alone.kind.tolist() == found.kind[found.doc == i].tolist()
        assert [alone.sections[s] if s >= 0 else "" for s in alone.section] == [
            found.sections[s] if s >= 0 else "" for s in found.section[found.doc == i]
        ]


def test_layouts_of_real_texts(shared: Path) -> None:
    expected = tomllib.loads((shared / "seeds" / "expected.toml").read_text(encoding="utf-8"))["source"]
    for source in expected:
        assert layout((shared / "seeds" / source["file"]).read_text(encoding="utf-8")) == source["layout"], source["file"]
