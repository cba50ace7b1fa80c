"""What lines say of their document: patterns for authors, publishers, addresses, dates and titles, and when to believe them.

Patterns are RE2 with named groups, over the source's own characters, or over the match form of the line (tasks.foldline) where
`folded`. A statement's `value` gives None where what was matched is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

_SEP = r"[ \t\x{3000}]*[:：|｜丨/／╱][ \t\x{3000}]*"
_BEFORE = r"(?:^|[\s\x{3000}|｜·,，、;；(（【\[「*_>#-])"
_HAN_NAME = r"[\p{Han}·]{2,12}"
_LATIN_NAME = r"[A-Z][\p{L}.'’-]*(?: (?:de|van|von|der|da|bin|al|le|la|del|[A-Z][\p{L}.'’-]*)){0,3}"
_AND = r"(?:(?:、|,|，|&| ?和 ?| and | & |/|／)"
_NAMES = rf"(?:{_LATIN_NAME}{_AND} ?{_LATIN_NAME}){{0,3}}|{_HAN_NAME}{_AND}{_HAN_NAME}){{0,4}}|[\p{{Han}}A-Za-z0-9_·-]{{2,20}})"
_STOP = r"(?:[\s\x{3000}|｜,，;；()（）【】\[\]/／@*_·。]|$)"
_URL = r"""https?://[^\s<>()"'（）「」『』【】《》，。；、！？\x{3000}\]\[]+(?:\([^\s()]*\)[^\s<>()"'（），。；、]*)*"""

#: Authors, publishers that are none.
NOBODY = frozenset(
    [
        "佚名",
        "匿名",
        "未知",
        "不详",
        "不詳",
        "无",
        "無",
        "网络",
        "網路",
        "網絡",
        "互联网",
        "網際網路",
        "网友",
        "網友",
        "编辑部",
        "編輯部",
        "编辑",
        "編輯",
        "小编",
        "小編",
        "本站",
        "本网",
        "本網",
        "本报",
        "本報",
        "本刊",
        "管理员",
        "管理員",
        "转载",
        "轉載",
        "原创",
        "原創",
        "来源",
        "來源",
        "整理",
        "综合",
        "綜合",
        "综合报道",
        "综合整理",
        "投稿",
        "供稿",
        "作者",
        "记者",
        "記者",
        "官方",
        "站长",
        "站長",
        "用户",
        "游客",
        "图片",
        "文字",
        "编译",
        "編譯",
        "admin",
        "administrator",
        "anonymous",
        "unknown",
        "staff",
        "editor",
        "editors",
        "none",
        "author",
        "guest",
        "user",
        "the",
        "n/a",
    ]
)
_LABELS = re.compile(r"^(?:来源|來源|编辑|編輯|责编|時間|时间|日期|发布|發布|阅读|字号|校对|摄影|记者|記者|作者|翻译|译者|出处|版权|标签)")
_MONTHS = {m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)}
_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


@dataclass(frozen=True)
class Statement:
    """One way to say something. pattern : RE2 with named groups; value : groups -> value, None where it is not certain."""

    pattern: str
    value: Callable[[dict[str, str]], object | None]
    folded: bool = False


def name(groups: dict[str, str]) -> str | None:
    """A person's or publisher's name, None for nobody in particular.

    >>> name({"name": "张三、李四"}), name({"name": "佚名"}), name({"name": "来源"})
    ('张三、李四', None, None)
    """
    said = groups["name"].strip(" \u3000·-_.,，、/／|")
    plain = said.casefold()
    if len(said) < 2 or plain in NOBODY or _LABELS.match(said) or plain.isdigit() or "http" in plain:
        return None
    return said


def address(groups: dict[str, str]) -> str | None:
    """A URL without the punctuation of its sentence.

    >>> address({"url": "https://example.org/a."})
    'https://example.org/a'
    """
    return groups["url"].rstrip(".,;:!?…~*_|'\"") or None


def title(groups: dict[str, str]) -> str | None:
    """A stated title."""
    said = groups["title"].strip(" \u3000\"'“”*_")
    return said if 2 <= len(said) <= 200 else None


def date(groups: dict[str, str]) -> datetime | None:
    """A date, with its time of day where there is one, in UTC as written; None for one that no calendar has.

    >>> date({"y": "113", "m": "3", "d": "1", "roc": "民国"}).isoformat()
    '2024-03-01T00:00:00+00:00'
    >>> date({"y": "2024", "m": "2", "d": "30"}) is None
    True
    """
    year, month, day = (_number(groups[key]) for key in ("y", "m", "d"))
    if groups.get("roc"):
        year += 1911
    hour, minute, second = (int(groups.get(key) or 0) for key in ("h", "i", "s"))
    if groups.get("half") in ("下午", "晚上", "pm") and hour < 12:
        hour += 12
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC) if 1900 <= year <= 2100 else None
    except ValueError:
        return None


def _number(said: str) -> int:
    """A number in digits, in Chinese numerals (digit by digit, or up to 三十一), or an English month; 0 for none."""
    if said.isdecimal():
        return int(said)
    if said[:3] in _MONTHS:
        return _MONTHS[said[:3]]
    if "十" in said:
        tens, _, ones = said.partition("十")
        return 10 * _HAN_DIGITS.get(tens, 1) + _HAN_DIGITS.get(ones, 0)
    return int("".join(str(_HAN_DIGITS.get(c, 0)) for c in said) or "0")


_CLOCK = r"(?:[ ,t(]*(?:(?:星期|周)[一二三四五六日天][ )]*)?(?P<half>上午|下午|晚上|凌晨|中午)?(?P<h>\d{1,2})[:时](?P<i>\d{2})(?:[:分](?P<s>\d{2}))?)?"
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_HAN_NUM = "[〇零一二三四五六七八九]"
_FORMS = (
    rf"(?:^|[^\d])(?P<y>(?:19|20)\d{{2}}) ?[-/.年] ?(?P<m>\d{{1,2}}) ?[-/.月] ?(?P<d>\d{{1,2}})(?:日|号)?(?:[^\d]|$|\b){_CLOCK}",
    r"(?P<roc>民国|中华民国) ?(?P<y>\d{2,3}) ?年 ?(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?日",
    rf"(?P<y>{_HAN_NUM}{{4}})年(?P<m>[一二三四五六七八九十]{{1,2}})月(?P<d>[一二三四五六七八九十]{{1,3}})日",
    rf"\b(?P<m>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>(?:19|20)\d{{2}})\b",
    rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m>{_MONTH})\.?,? (?P<y>(?:19|20)\d{{2}})\b",
)
_PUBLISHED = (
    r"(?:^|[^更改新订后近])(?:(?:文章|本文|新闻|稿件|信息|首次)?(?:发布|发表|刊登|首发|上传|撰写|创建|出版|播出)(?:时间|日期|于|在)?|(?:^|[ |>*_-])(?:时间|日期)"
    r"|(?:^|[ |>*_-])(?:date|posted|published|released|pubdate|publish(?:ed)? date)(?: on| at)?)[ :]{0,3}[^\d\p{Han}]{0,3}"
)
_UNLABELLED = r"^[^\p{L}\d]*(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? )?"


def _dates(before: str) -> tuple[Statement, ...]:
    """Statements of one date behind `before`; the dates of a line are read from its match form."""
    return tuple(Statement(before + form.removeprefix(r"(?:^|[^\d])").removeprefix(r"\b"), date, folded=True) for form in _FORMS)


DATES = (*_dates(_PUBLISHED), *_dates(_UNLABELLED))
AUTHORS = (
    Statement(rf"{_BEFORE}(?:本文|文章|原文|原)?(?:作者|撰文|撰稿|撰稿人|文){_SEP}(?P<name>{_NAMES}){_STOP}", name),
    Statement(rf"{_BEFORE}(?:作者|撰文)[ \x{{3000}}]+(?P<name>{_HAN_NAME}){_STOP}", name),
    Statement(
        rf"^[\s\x{{3000}}>*_#(（【\[·•|-]*(?:[Bb]y|BY|[Aa]uthor|[Ww]ritten by|[Pp]osted by|[Ww]ords by|[Tt]ext by)[: ]+(?P<name>{_LATIN_NAME}(?:(?:,| and| &) {_LATIN_NAME}){{0,3}})[\s,|·•(—–-]*(?:$|[|·•(—–,-]|[A-Z\d])",
        name,
    ),
    Statement(r"^[\s\x{3000}>*_#(（【\[·•|-]*(?:[记記]者|特派員|特派员)[:： ]?(?P<name>[\p{Han}、]{2,14})[／/╱]", name),
    Statement(
        r"^[\s\x{3000}>*_#(（【\[·•|-]*(?:本报|本報|本刊|本网|本網|本台|新华社|新華社|中新社|特约|特約)?(?:[记記]者|撰稿)[:： \x{3000}]+(?P<name>[\p{Han}]{2,4}(?:[、 ][\p{Han}]{2,4}){0,3})[ \x{3000}]*(?:$|[|｜/／])",
        name,
    ),
)
PUBLISHERS = (
    Statement(
        rf"{_BEFORE}(?:本文|文章|稿件|新闻|新聞|信息|内容|內容)?(?:来源|來源|稿源|出处|出處|来源于|转自|轉自|转载自|轉載自)(?:{_SEP}|[ \x{{3000}}]+)[「“\"《]?(?:微信公众号|公众号)?[「“\"《]?(?P<name>[^\s\x{{3000}}|｜,，;；。:：()（）【】\[\]「」“”\"《》]{{2,24}})",
        name,
    ),
    Statement(r"(?:^|[\s|])[Ss]ource: *(?P<name>[A-Z][\p{L}.'’& -]{2,40}?)(?:[|,;(]|$)", name),
)
TITLES = (
    Statement(rf"^[\s\x{{3000}}>*_#(（【\[·•|-]*(?:[Tt]itle|文章标题|文章標題|本文标题|本文標題|标题|標題){_SEP}(?P<title>.+)$", title),
)
_LINK = rf"[^:：|｜h]{{0,12}}[ \t\x{{3000}}]*[:：|｜][ \t\x{{3000}}]*[^\n]{{0,200}}?(?P<url>{_URL})"
OWN_LINKS = (
    Statement(
        rf"{_BEFORE}(?:本文|文章|本页|本頁|本篇|固定|永久|首发|首發)(?:永久|固定)?(?:链接|連結|地址|網址|网址|发布地址)?{_LINK}", address
    ),
    Statement(rf"(?:^|\W)(?:[Pp]ermalink|[Cc]anonical(?: URL)?|URL|[Ll]ink){_SEP}[^\n]{{0,80}}?(?P<url>{_URL})", address),
)
SOURCE_LINKS = (
    Statement(
        rf"(?:原文|原帖|原贴|原始|来源|來源|出处|出處|转载|轉載|转自|轉自|英文|视频|視頻|翻译自|譯自|译自|via|[Ss]ource|[Oo]riginal){_LINK}",
        address,
    ),
)
