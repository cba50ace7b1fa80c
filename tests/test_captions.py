"""Captions: told from the text alone, cut by content, rolled cues merged, times exact."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_readers import cues, read
from test_segment import captions, cut, layout

from tasks.readers import subtitles

ZH = [
    "大家好欢迎回到我的频道",
    "今天我们来聊一聊淘金这件事",
    "很多人以为淘金靠的是运气",
    "其实不是",
    "你得先看水流",
    "水流慢的地方金子才会沉下来",
    "所以河湾内侧是最好的",
    "我第一次去的时候",
    "什么都不懂",
    "就在石头后面挖了一天",
    "结果你猜怎么着",
    "一粒都没有",
    "后来一个老师傅告诉我",
    "要看黑砂",
    "黑砂重金子也重",
    "它们会待在一起",
    "这个道理说穿了很简单",
    "但是没人跟你讲你就不知道",
    "好那我们来看看工具",
    "谢谢大家我们下期再见",
]
HANT = [
    "大家好歡迎回到我的頻道",
    "今天我們來聊聊怎麼泡茶",
    "很多人以為水越燙越好",
    "其實不是這樣的",
    "你要先看是什麼茶",
    "綠茶怕燙",
    "水開了要等一會兒",
    "我以前也不懂",
    "都是直接沖下去",
    "結果又苦又澀",
    "後來有個老闆跟我說",
    "你這個茶給你泡壞了",
    "我說那要怎麼泡",
    "他就泡給我看",
    "第一泡很快就倒出來",
    "那個香味真的不一樣",
    "所以說急不得",
    "慢慢來就好了",
    "好那今天就講到這裡",
    "我們下次見",
]
EN = [
    "hey everyone welcome back to the channel",
    "today we're going to talk about panning",
    "so a lot of people think it's luck",
    "and it's really not",
    "you have to read the water first",
    "where the water slows down gold drops",
    "so the inside of a bend is the best spot",
    "the first time I went out",
    "I had no idea what I was doing",
    "I dug behind a rock all day long",
    "and guess what",
    "nothing at all",
    "then an old guy told me",
    "look for the black sand",
    "it's heavy and so is gold",
    "they end up together",
    "okay so let's look at the tools",
    "first you need a pan",
    "get a green one",
    "see you in the next one",
]


def every(rows: list[str], step: int, mark: str) -> list[str]:
    return [mark + row if i % step == 0 else row for i, row in enumerate(rows)]


CAPTIONS = {
    "simplified": ZH,
    "traditional": HANT,
    "english": EN,
    "bilingual": [row for pair in zip(ZH, EN, strict=True) for row in pair],
    "shouted": [row.upper() for row in EN],
    "speakers": every(EN, 4, ">> "),
    "chinese speakers": every(ZH, 5, ">> "),
    "dashes of two voices": every(EN, 3, "- "),
    "time codes in front": [f"{i // 20}:{i * 3 % 60:02} {row}" for i, row in enumerate(ZH)],
    "time codes in brackets": [f"[00:{i * 3 % 60:02}] {row}" for i, row in enumerate(EN)],
    "time codes between": [line for i, row in enumerate(ZH) for line in (f"{i // 20}:{i * 3 % 60:02}", row)],
    "sounds": ["[音乐]", *ZH, "[掌声]"],
    "spaces for commas": [f"{row[:4]} {row[4:]}" for row in ZH],
    "automatic punctuation": [row + ("。" if i % 3 == 2 else "，") for i, row in enumerate(ZH)],
    "questions": [row + ("？" if i % 6 == 0 else "") for i, row in enumerate(ZH)],
    "double spaced": [line for row in ZH for line in (row, "")],
}
OTHERS = {
    "five characters a line": ["白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"] * 4,
    "verse": ["空山新雨后，", "天气晚来秋。", "明月松间照，", "清泉石上流。"] * 4,
    "classical prose": ["道可道非常道", "名可名非常名", "无名天地之始", "有名万物之母", "常无欲以观其妙", "常有欲以观其徼", "玄之又玄", "众妙之门", "有无相生", "难易相成", "长短相形", "高下相倾", "音声相和"],
    "song": [*["风吹过山岗", "我在等你回来", "月亮落在河上", "谁在唱那首歌", ""] * 5],
    "english song": [*["Down by the river where the willows grow", "I heard your name upon the wind", "And all the lights were low", ""] * 5],
    "free verse in stanzas": [line for i in range(0, 20, 4) for line in (*ZH[i : i + 4], "")],
    "shopping list": ["苹果", "香蕉", "牛奶", "面包", "鸡蛋", "大米", "酱油", "盐", "白糖", "土豆", "番茄", "黄瓜", "洗衣液", "牙膏"],
    "names": ["甲一", "王二", "李三", "赵四", "钱五", "孙六", "周七", "吴八", "郑九", "冯十", "陈百", "褚千", "卫万"],
    "menu": ["首页", "新闻", "体育", "娱乐", "财经", "科技", "汽车", "房产", "教育", "登录", "注册", "更多", "关于我们", "联系方式", "隐私政策"],
    "headlines": [f"{place}{what}" for place in ["河口", "山城", "港区"] for what in ["早市开放时间调整", "大桥检修完成", "渔船提前回港", "新线路试运营", "汛期水位公告"]],
    "log": [f"2024-03-0{i % 9 + 1} 12:0{i % 10}:11 INFO worker-{i} finished the batch in {i * 37} ms" for i in range(20)],
    "labelled chat": [f"{'小明' if i % 2 else '阿华'}: {row}" for i, row in enumerate(ZH)],
    "dated chat": [line for i, row in enumerate(ZH) for line in (f"{'小明' if i % 2 else '阿华'} 2024/3/{i + 1} 12:{i:02}", row)],
    "contents": [f"第{i}章 河的源头 {i * 13}" for i in range(1, 20)],
    "english contents": [f"Chapter {i} The River And The Stone" for i in range(16)],
    "chapters of a recording": [f"{i:02}:{i * 7 % 60:02} {title}" for i, title in enumerate(["开场", "淘金史", "工具", "选址", "水流", "黑砂", "称重", "出售", "法规", "天气", "装备", "问答", "结尾"])],
    "numbered": [f"{i}. {row}" for i, row in enumerate(ZH)],
    "bullets": [f"- {row}" for row in EN],
    "fields": [f"字段{i}：这是第{i}个值" for i in range(20)],
    "addresses": [line for i in range(6) for line in (f"{i + 1} Mill Lane", "Oldport", "")],
    "links": [f"https://example.org/{i}" for i in range(20)],
    "code": ["import os", "def main():", "    x = 1", "    for i in range(3):", "        print(i)", "    return x", "class A:", "    pass", "a = A()", "b = a", "c = b", "main()", "print(a)"],
    "short finished sentences": [f"{row}。" for row in ZH],
}  # fmt: skip


@pytest.mark.parametrize("name", CAPTIONS)
def test_captions_are_told_from_the_text(name: str) -> None:
    assert layout("\n".join(CAPTIONS[name])) == "captions"


@pytest.mark.parametrize("name", OTHERS)
def test_other_short_lines_are_no_captions(name: str) -> None:
    assert layout("\n".join(OTHERS[name])) != "captions"


@pytest.mark.xfail(strict=True, reason="a song without stanzas, in the words of speech, looks like speech")
def test_a_song_without_stanzas_is_no_captions() -> None:
    assert layout("\n".join(["我还在等你回来", "你说过的那句话", "被风吹到了河的那边", "就像我们的夏天"] * 5)) != "captions"


def passages(rows: list[str]) -> list[str]:
    return [text for _, text in cut("\n".join(rows))[0]]


def test_double_spaced_captions_are_joined_over_the_blank_lines() -> None:
    found = passages(CAPTIONS["double spaced"])
    assert [text.replace("\n\n", "\n") for text in found] == passages(ZH)


def spoken(n: int, seed: int) -> list[str]:
    """n lines of 4 to 16 characters that speak."""
    return [row[:-1] + "的" if i % 2 else row for i, row in enumerate(captions(n, seed))]


@pytest.mark.parametrize("seed", range(12))
def test_dropping_the_first_lines_changes_at_most_two_passages(seed: int) -> None:
    rows = spoken(160, seed)
    assert layout("\n".join(rows)) == "captions"
    whole = passages(rows)
    for k in range(1, 60):
        later = passages(rows[k:])
        same = next(i for i in range(len(later)) if later[i:] == whole[len(whole) - len(later) + i :])
        assert same <= 2, k


@given(st.lists(st.sampled_from([*ZH, *HANT, *EN]), min_size=70, max_size=140), st.integers(1, 59))
@settings(deadline=None, max_examples=60)
def test_dropping_the_first_lines_of_any_captions_changes_at_most_two_passages(rows: list[str], k: int) -> None:
    whole, later = ([text for _, text in cut("\n".join(part), "srt")[0]] for part in (rows, rows[k:]))
    same = next((i for i in range(len(later)) if later[i:] == whole[len(whole) - len(later) + i :]), len(later))
    assert same <= 2


def test_passages_of_captions_are_neither_tiny_nor_huge() -> None:
    sizes = [text.count("\n") + 1 for seed in range(40) for text in passages(spoken(200, 100 + seed))]
    assert min(sizes) >= 3
    assert max(sizes) <= 30
    assert 7 <= np.mean(sizes) <= 11
    same = passages(["我们再来一次"] * 3000)
    assert max(map(len, same)) <= 1200


def test_a_greeting_and_a_farewell_are_lines_of_their_own() -> None:
    _, found = cut("\n".join(ZH))
    lines = found.line_end - found.line_start
    assert (len(lines), lines[0], lines[-1]) == (20, len(ZH[0]), len(ZH[-1]))


def stamp(ms: int) -> str:
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def rolled(rows: list[str]) -> str:
    """Automatic captions as the large video site writes them: words timed, each line shown twice, cues of 10 ms between."""
    out, before = ["WEBVTT\nKind: captions\nLanguage: zh\n"], " "
    for i, row in enumerate(rows):
        begin, middle = i * 3000, i * 3000 + 1000
        words = f"{row[:2]}<{stamp(middle)}><c>{row[2:]}</c>"
        out.append(f"{stamp(begin)} --> {stamp(begin + 2990)} align:start position:0%\n{before}\n{words}\n")
        out.append(f"{stamp(begin + 2990)} --> {stamp(begin + 3000)} align:start position:0%\n{row}\n \n")
        before = row
    return "\n".join(out)


@pytest.mark.parametrize("name", ["a.vtt", "a.txt"])
def test_rolling_captions_are_merged_under_any_name(tmp_path, name) -> None:
    (row,), _, omitted = read(tmp_path, name, rolled(ZH))
    assert row["text"].split("\n") == ZH
    assert [(begin, end) for _, begin, end in cues(row)][:2] == [(0, 5990), (3000, 8990)]
    assert omitted["rolling_caption"] == 2 * len(ZH) - 1


def test_three_rolling_lines_are_merged(tmp_path) -> None:
    shown = [ZH[max(0, i - 2) : i + 1] for i in range(len(ZH))]
    text = "\n".join(f"{i + 1}\n{stamp(i * 2000)} --> {stamp(i * 2000 + 2000)}\n" + "\n".join(rows) + "\n" for i, rows in enumerate(shown))
    (row,), _, _ = read(tmp_path, "a.srt", text)
    assert row["text"].split("\n") == ZH


def test_captions_painted_word_by_word_are_one_line(tmp_path) -> None:
    steps = ["水流慢的", "水流慢的地方", "水流慢的地方金子", "会沉下来"]
    text = "\n".join(f"{i + 1}\n{stamp(i * 400)} --> {stamp(i * 400 + 400)}\n{step}\n" for i, step in enumerate(steps))
    (row,), _, _ = read(tmp_path, "a.srt", text)
    assert cues(row) == [("水流慢的地方金子", 0, 1200), ("会沉下来", 1200, 1600)]


def test_a_line_said_again_after_a_pause_stays(tmp_path) -> None:
    text = f"1\n{stamp(0)} --> {stamp(900)}\n走吧\n\n2\n{stamp(2000)} --> {stamp(2900)}\n走吧\n"
    (row,), _, _ = read(tmp_path, "a.srt", text)
    assert cues(row) == [("走吧", 0, 900), ("走吧", 2000, 2900)]


def test_times_of_passages_are_those_of_their_lines(tmp_path) -> None:
    rows = spoken(80, 5)
    text = "\n".join(f"{i + 1}\n{stamp(i * 3000)} --> {stamp(i * 3000 + 2500)}\n{row}\n" for i, row in enumerate(rows))
    (document,), _, _ = read(tmp_path, "a.srt", text)
    marks = [(m["start"], m["end"], m["kind"], m["a"], m["b"]) for m in document["marks"]]
    _, found = cut(document["text"], "srt", marks)
    assert found.time_start_ms.tolist() == (found.first_line * 3000).tolist()
    assert found.time_end_ms.tolist() == (found.last_line * 3000 + 2500).tolist()
    assert all(a < b for a, b in pairwise(found.time_start_ms.tolist()))


@pytest.mark.parametrize(
    "text",
    ["WEBVTT 是一种字幕格式。\n它从这个词开始。", "00:01 开场\n00:30 淘金", "1\n第一章\n正文从这里开始。", "", "1", "12:30 --> 出发"],
)
def test_texts_that_only_begin_like_subtitles_are_texts(tmp_path, text) -> None:
    assert not subtitles.looks_like(text)
    rows, _, _ = read(tmp_path, "a.txt", text)
    assert "".join(row["text"] for row in rows) == text
