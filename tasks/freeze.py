"""A mined template as a rule: its pattern, and its TOML table for the user's own rule file."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np

from tasks.foldline import fold_texts
from tasks.kernels import templates as kernel
from tasks.rulepack import Rule
from tasks.store.text import Texts, from_str, to_str
from tasks.templates import LEAD, LINE, TRAIL, line_keys, skeleton_text

#: What a slot may hold, in RE2 over the match form.
_NUMBER = r"[0-9第〇一二三四五六七八九十百千零两][0-9年月日时分秒点〇一二三四五六七八九十百千零两.,:/ ~+-]*"
_TARGET = r"\([^()]*\)"
_PATTERNS = {
    kernel.NUMBER: _NUMBER,
    kernel.URL: r"(?:https?://|www\.)[!-~]*",
    kernel.TITLE: '(?:《[^》]{1,60}》|「[^」]{1,60}」|『[^』]{1,60}』|"[^"]{1,60}")',
    kernel.EMAIL: r"[a-z0-9._+-]+@[a-z0-9.-]+",
    kernel.LINK: rf"\[[^\]]*\]{_TARGET}",
    kernel.HANDLE: "@[a-z0-9_-]+",
}
#: Characters that a lead or trail leaves open: twice what its lines are long, within these.
_OPEN = (20, 200)
#: Lines of which the common beginning or end of a lead or trail is taken; characters of a pattern.
_LEAST, _LONGEST = 2, 3000
#: Counter-examples when nothing better is at hand: prose about such a line.
_PROSE = ("这句话出现在正文里：{}，后面还有许多别的话要说，所以它不是模板，要留下来。", "这里说的是另外一件事情。")
PREFIX = "reviewed."
_SHOWN = 20  # characters of a lead or trail whose lines differ already there
#: Words that say what a template is for, in order of how plainly they do.
_CATEGORIES = tuple(
    (category, re.compile(words))
    for category, words in (
        ("sponsor", r"赞助|冠名|\bsponsor"),
        ("advertisement", r"广告|推广|优惠|折扣码|\bads?\b|\badvertis|\bpromo"),
        ("copyright", r"版权|许可协议|转载|©|\bcopyright|\blicen[cs]e"),
        ("subscribe", r"订阅|关注|公众号|扫码|\bsubscribe|\bfollow us|\bnewsletter"),
        ("share", r"分享到|转发|点赞|\bshare (?:this|on)"),
        ("disclaimer", r"免责|不代表|仅供参考|\bdisclaim"),
        ("navigation", r"上一[期篇页]|下一[期篇页]|返回首页|目录|\bprevious\b|\btable of contents"),
        ("attribution", r"作者|编辑|译者|来源|原文|\bauthor\b|\btranslated by|\bsource:"),
    )
)


def pattern_of(form: int, texts: list[str]) -> str:
    """RE2 over the match form that a template's lines match, from some of them; empty when they are too long to be one.

    >>> pattern_of(0, ["共３条评论，见《红楼梦》 a@b.cn"]).replace(_NUMBER, "N")[:20]
    '共 ?N ?条评论 ?\\\\, ?见 ?('
    """
    rows = fold_texts(texts)
    if form == LINE:
        pattern = _escaped(rows[0])
    elif form in (LEAD, TRAIL):
        common = _common_end(rows) if form == TRAIL else _common_start(rows)
        if ":" in common and form == LEAD:
            common = common[: common.index(":") + 1]
        room = max(_OPEN[0], min(_OPEN[1], 2 * max(map(len, rows), default=0)))
        pattern = f".{{0,{room}}}{_escaped(common)}" if form == TRAIL else f"{_escaped(common)}.{{0,{room}}}"
        pattern = pattern if len(common) >= _LEAST else ""
    else:
        pattern = _slotted(rows[0])
    return pattern if len(pattern) <= _LONGEST else ""


def shown_form(form: int, texts: list[str]) -> str:
    """A template for people: a line with its slots, or what its lines have in common and an ellipsis.

    >>> shown_form(2, ["责编：小周", "责编：小吴"]), shown_form(1, ["好的 12"])
    ('责编：…', '好的 12')
    """
    if form == LEAD:
        common = _common_start(texts) or texts[0][:_SHOWN]
        cut = min((common.index(mark) + 1 for mark in ":：" if mark in common), default=len(common))
        return f"{common[:cut]}…"
    if form == TRAIL:
        return f"…{_common_end(texts) or texts[0][-_SHOWN:]}"
    return texts[0] if form == LINE else skeleton_text(texts[0])


def category_of(folded: str, at_tail: bool) -> str:
    """Category of a template by a word in its match form, else by its place.

    >>> category_of("本期由某某赞助", False), category_of("一二三四", True)
    ('sponsor', 'footer')
    """
    named = (category for category, words in _CATEGORIES if words.search(folded))
    return next(named, "footer" if at_tail else "metadata")


def _common_start(rows: list[str]) -> str:
    """What all rows begin with: what the first and the last in order begin with."""
    first, last = min(rows, default=""), max(rows, default="")
    same = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, min(len(first), len(last)))]


def _common_end(rows: list[str]) -> str:
    return _common_start([row[::-1] for row in rows])[::-1]


def _slotted(row: str) -> str:
    """Pattern of a skeleton: slots for what varies, an optional space wherever one can stand."""
    chars = from_str(row)
    codes, starts = kernel.skeleton_chars(chars)
    keys = line_keys(Texts.of([row]), np.zeros(1, np.bool_))
    close = int(keys["inner"][0]) > 2 * int(keys["rest"][0])  # the text of links tells such lines apart
    ends = np.append(starts, len(chars))[1:]
    out = ""
    for code, start, end in zip(codes.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if code == kernel.LINK and close:
            text = to_str(chars[start:end])
            out += f" ?{_escaped(text[: text.index(']') + 1])}{_TARGET} ?"
        elif code in _PATTERNS:
            out += f" ?{_PATTERNS[code]} ?"
        else:
            out += _escaped(chr(code))
    return re.sub(r"(?: \?)+", " ?", out).removeprefix(" ?").removesuffix(" ?")


def _escaped(text: str) -> str:
    """Literal characters as RE2; spaces are optional, because they come and go around numbers and Latin words."""
    return "".join(" ?" if c == " " else c if c.isalnum() or not c.isascii() else f"\\{c}" for c in text)


def rule_id(template: str) -> str:
    """Id of the rule that a template is frozen into.

    >>> rule_id("mined.lead.00000000000000ab")
    'reviewed.lead.00000000000000ab'
    """
    return PREFIX + template.removeprefix("mined.")


def rule_of(row: dict[str, Any]) -> Rule | None:
    """The rule that a row of the table `templates` freezes into; None when it matches too few of its own examples to stand for it."""
    texts = [example["text"] for example in row["examples"]]
    if not row["pattern"] or not texts:
        return None
    longest = max(len(text) for text in fold_texts(texts))
    place = "within_last" if row["place"] == "tail" else "within_first"
    draft = {
        "id": rule_id(row["rule"]),
        "category": row["category"],
        "pattern": row["pattern"],
        "max_chars": min(2000, 2 * longest + 40),
        place: max(int(row["within"] or 1), 1) + 2,
        "kinds": ("prose", "list", "caption"),
        "examples": ("", ""),
        "counter_examples": ("",),
    }
    fits = _matches(Rule.model_validate(draft), texts)
    examples = [text for text, good in zip(texts, fits, strict=True) if good]
    if not examples:
        return None
    prose = [text.format(examples[0]) for text in _PROSE]
    others = [c["text"] for c in row["counter_examples"]] + prose
    good = [text for text, hit in zip(others, _matches(Rule.model_validate(draft), others), strict=True) if not hit]
    if not good:
        return None
    return Rule.model_validate({**draft, "examples": tuple(examples * 2)[: max(2, len(examples))], "counter_examples": tuple(good[:2])})


def _matches(rule: Rule, rows: list[str]) -> list[bool]:
    from tasks.rulepack import compiled

    regex = compiled(rule.regex)
    return [len(row) <= rule.max_chars and regex.search(row) is not None for row in fold_texts(rows)]


def rule_toml(rule: Rule) -> str:
    """A rule as a TOML table, in the order of its fields, defaults left out."""
    values = rule.model_dump(exclude_defaults=True)
    lines = [f"{name} = {_value(value)}" for name, value in values.items()]
    return "\n".join(["[[rule]]", *lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def toml_string(text: str) -> str:
    r"""A basic TOML string: whatever the text is, it stays one value on one line, and nothing invisible stands in the file.

    >>> print(toml_string('a"b\\c\n\u202e'))
    "a\"b\\c\n\u202E"
    """
    return '"' + "".join(map(_character, text)) + '"'


def _character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    if c == "\n":
        return "\\n"
    if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029":
        code = ord(c) if not 0xD800 <= ord(c) < 0xE000 else 0xFFFD
        return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
    return c
