"""Write a corpus with the shapes of real sources and planted duplicates, from a seed alone.

    python tests/bench/make_corpus.py --mb 10 --out DIR --seed 1

DIR/input holds the sources, DIR/truth.jsonl one line a planted copy: its kind, and source, record, span and digest of the
original (a) and of the copy (b). No text is anyone's: see prose.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from prose import Prose

#: Share of the bytes by shape; the first five are mostly Chinese prose, about 60 %, and hold the planted copies.
SHAPES = {
    "articles": 0.2,
    "traditional": 0.06,
    "jsonl": 0.18,
    "pages": 0.09,
    "podcasts": 0.08,
    "captions": 0.09,
    "newsletters": 0.18,
    "english": 0.12,
}
#: Kind of copy and its weight. `edit2` and `edit5` change 2 % and 5 % of the characters.
KINDS = {"exact": 3, "script": 2, "punctuation": 2, "edit2": 3, "edit5": 3, "contained": 2}
PLANTED_SHARE = 0.08


# --- Copies ---------------------------------------------------------------------------------------------------------------

_PUNCTUATION = (
    str.maketrans("，。？！：；", ",.?!:;"),
    str.maketrans({"，": " ", "。": " ", "；": " ", "：": ":"}),
    str.maketrans({"，": "、", "。": "！", "；": "，", "？": "??"}),
)


def edited(text: str, share: float, rng: random.Random) -> str:
    """Copy with `share` of the characters changed: a third each replaced, left out, doubled with another."""
    chars = list(text)
    for at in rng.sample(range(len(chars)), max(1, round(share * len(chars)))):
        other = chr(rng.randrange(0x4E00, 0x9FA5))
        chars[at] = rng.choice((other, "", chars[at] + other))
    return "".join(chars)


@dataclass(frozen=True)
class Place:
    """A paragraph that may be copied, as it stands (`text`) and in the other script."""

    source: str
    record: int
    start: int
    text: str
    other: str


class Truth:
    """Originals that may be copied, and the copies made of them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.pool, self.rows = rng, list[Place](), list[str]()

    def copy(self, prose: Prose) -> tuple[str, str, Place, int, int]:
        """(kind, paragraph, original, span of the copy in the paragraph)."""
        rng = self.rng
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        place = rng.choice(self.pool)
        text = place.other if kind == "script" else place.text
        if kind == "punctuation":
            text = text.translate(rng.choice(_PUNCTUATION))
        elif kind.startswith("edit"):
            text = edited(text, int(kind[4:]) / 100, rng)
        elif kind == "contained":
            before, after = prose.paragraph()[0], prose.paragraph()[0]
            return kind, before + text + after, place, len(before), len(before) + len(text)
        return kind, text, place, 0, len(text)

    def record(self, kind: str, a: Place, b: Place) -> None:
        """Note that `b` is a copy of `a` of this kind; offsets are code points of the document text."""
        row = {"kind": kind}
        for side, place in (("a", a), ("b", b)):
            row |= {
                f"source_{side}": place.source,
                f"record_{side}": place.record,
                f"char_start_{side}": place.start,
                f"char_end_{side}": place.start + len(place.text),
                f"sha256_{side}": hashlib.sha256(place.text.encode()).hexdigest()[:32],
            }
        self.rows.append(json.dumps(row, ensure_ascii=False))


@dataclass
class Draft:
    """A document being written. `size` is an estimate in bytes that the target is compared with."""

    source: str
    target: int
    prose: Prose
    truth: Truth
    record: int = 0
    traditional: bool = False
    pieces: list[str] = field(default_factory=list)
    chars: int = 0
    size: int = 0

    def add(self, text: str, end: str = "\n") -> None:
        self.pieces += (text, end)
        self.chars += len(text) + len(end)
        self.size += len(text.encode()) + len(end)

    def paragraph(self, end: str = "\n\n") -> None:
        """A new paragraph, or a planted copy of an earlier one."""
        truth, start = self.truth, self.chars
        if len(truth.pool) >= 50 and truth.rng.random() < PLANTED_SHARE:
            kind, text, original, begin, stop = truth.copy(self.prose)
            truth.record(kind, original, Place(self.source, self.record, start + begin, text[begin:stop], ""))
        else:
            hans, hant = self.prose.paragraph()
            text, other = (hant, hans) if self.traditional else (hans, hant)
            if 60 <= len(text) <= 600 and truth.rng.random() < 0.1:
                truth.pool.append(Place(self.source, self.record, start, text, other))
        self.add(text, end)

    def text(self) -> str:
        return "".join(self.pieces)


# --- Shapes ---------------------------------------------------------------------------------------------------------------


class Slots:
    """Names, titles, dates and links to fill the shapes with."""

    def __init__(self, rng: random.Random, prose: Prose) -> None:
        self.rng, self.prose = rng, prose

    def name(self) -> str:
        return "".join(
            self.rng.choice(("ka", "lo", "mi", "ra", "ten", "vo", "si", "dor", "bel", "qu", "zan", "ix"))
            for _ in range(self.rng.randrange(2, 5))
        )

    def title(self) -> str:
        clause = self.prose.paragraph()[0].replace("。", "，").split("，")
        return max(clause[:3], key=len)[:30]

    def date(self) -> str:
        return f"{self.rng.randrange(2012, 2025)}-{self.rng.randrange(1, 13):02}-{self.rng.randrange(1, 29):02}"

    def url(self) -> str:
        return f"https://{self.name()}.example/{self.name()}/{self.rng.randrange(10**6)}"


def article(draft: Draft, slots: Slots) -> None:
    draft.add(slots.title(), "\n\n")
    while draft.size < draft.target:
        draft.paragraph()


def traditional(draft: Draft, slots: Slots) -> None:
    draft.traditional = True
    article(draft, slots)


def page(draft: Draft, slots: Slots) -> None:
    site = slots.rng.choice(("晨风网", "江岸新闻", "北窗在线", "数据周刊"))
    title = slots.title()
    for line in ("首页", "科技", "财经", "视频", "登录 | 注册", f"当前位置：首页 > 科技 > {title}", "", title, ""):
        draft.add(line)
    draft.add(f"{slots.date()} {slots.rng.randrange(24)}:{slots.rng.randrange(10, 60)} 来源：{site} 作者：{slots.title()[:3]}", "\n\n")
    while draft.size < draft.target - 1500:
        draft.paragraph()
        if slots.rng.random() < 0.05:
            draft.add(slots.rng.choice(("广告", "点击关注我们，不错过每一条消息", "扫描二维码下载客户端")), "\n\n")
    draft.add(f"责任编辑：{slots.title()[:2]}", "\n\n")
    draft.add("相关阅读")
    for _ in range(6):
        draft.add(slots.title())
    for line in (
        "",
        "分享到：微信 微博 空间",
        "声明：本文为转载，版权归原作者所有，如有侵权请联系我们删除。",
        f"Copyright © {slots.rng.randrange(2010, 2025)} {site} 版权所有",
        "关于我们 | 联系方式 | 网站地图",
    ):
        draft.add(line)


def podcast(draft: Draft, slots: Slots) -> None:
    rng = slots.rng
    show = random.Random(rng.randrange(12))  # noqa: S311 (twelve shows, each with its own sponsor)
    brand, code, product = (
        f"{show.choice('蓝青松石云')}{show.choice('鹿桥舟山谷')}",
        show.randrange(100, 999),
        show.choice(("咖啡", "记账软件", "云主机", "人体工学椅")),
    )
    draft.add(f"第{rng.randrange(1, 400)}期：{slots.title()}", "\n\n")
    for line in (
        f"{rng.choice(('本期节目由', '感谢', '这一期由'))}{brand}{product}{rng.choice(('赞助播出。', '对本期节目的支持。'))}",
        f"{brand}{product}，{rng.choice(('陪你度过', '陪伴你的'))}每一个忙碌的工作日，新用户首单{rng.choice(('可享', '立享', '享受'))}八折优惠。",
        f"结账时输入优惠码 POD{code}，{rng.choice(('前', '仅限前'))}{rng.randrange(1, 9)}00 名听众有效，详情见 https://sponsor{code}.example/pod",
    ):
        draft.add(line)
    draft.add("")
    minute = 0
    for _ in range(rng.randrange(4, 10)):
        draft.add(f"{minute // 60:02}:{minute % 60:02}:{rng.randrange(60):02} {slots.title()}")
        minute += rng.randrange(2, 14)
    draft.add("")
    speakers = [slots.title()[:2] for _ in range(2)]
    while draft.size < draft.target - 600:
        draft.add(f"{rng.choice(speakers)}：", "")
        draft.paragraph("\n")
    draft.add("\n欢迎在各大平台订阅我们的节目，也欢迎加入听友群。")


def captions(draft: Draft, slots: Slots) -> None:
    clean = str.maketrans({"，": "\n", "。": "\n", "？": "\n", "！": "\n", "；": "\n", "：": " ", "、": " "})
    while draft.size < draft.target:
        draft.add(slots.prose.paragraph()[slots.rng.random() < 0.2].translate(clean).rstrip("\n"))


def newsletter(draft: Draft, slots: Slots) -> None:
    rng = slots.rng
    draft.add(f"---\ntitle: {slots.title()}\ndate: {slots.date()}\n---\n\n# 周刊第 {rng.randrange(400)} 期\n")
    while draft.size < draft.target:
        draft.add(f"## {slots.title()}\n")
        for _ in range(rng.randrange(2, 6)):
            draft.add(f"- [{slots.name()}]({slots.url()})：{slots.title()}，{slots.title()}。")
        draft.add("")
        draft.paragraph()
        if rng.random() < 0.4:
            f, x, n = slots.name(), slots.name(), rng.randrange(1000)
            body = (
                f"def {f}({x}, limit={n}):\n    total = 0\n    for item in {x}:\n        if item.{slots.name()} > limit:\n            total += item.size\n    return total",
                f"$ {f} --{x} {n}\n$ cat {f}.log | grep {x}",
            )
            draft.add(f"```\n{rng.choice(body)}\n```\n")
        if rng.random() < 0.3:
            draft.add(f"![截图]({slots.url()}.png)\n")


def english(draft: Draft, slots: Slots) -> None:
    while draft.size < draft.target:
        draft.add(" ".join(slots.prose.english() for _ in range(slots.rng.randrange(3, 9))), "\n\n")


def jsonl(draft: Draft, slots: Slots) -> None:
    lines, size = [], 0
    while size < draft.target:
        one = Draft(
            draft.source, min(draft.target - size, int(slots.rng.lognormvariate(8.6, 0.6)) + 500), draft.prose, draft.truth, len(lines)
        )
        while one.size < one.target:
            one.paragraph("\n")
        row = {"id": slots.rng.randrange(10**9), "title": slots.title(), "text": one.text(), "url": slots.url(), "date": slots.date()}
        lines.append(json.dumps(row, ensure_ascii=False))
        size += one.size + 150
    draft.add("\n".join(lines))


WRITERS: dict[str, tuple[Callable[[Draft, Slots], None], str]] = {
    "articles": (article, "txt"), "traditional": (traditional, "txt"), "jsonl": (jsonl, "jsonl"), "pages": (page, "txt"),
    "podcasts": (podcast, "txt"), "captions": (captions, "txt"), "newsletters": (newsletter, "md"), "english": (english, "txt"),
}  # fmt: skip


def make(folder: Path, mb: float, seed: int) -> dict[str, int]:
    """Write `mb` million bytes of sources to folder/input and the planted copies to folder/truth.jsonl. Returns bytes by shape."""
    rng = random.Random(seed)  # noqa: S311 (the point is that it is not secret)
    prose = Prose(seed)
    slots, truth = Slots(rng, prose), Truth(rng)
    written = {}
    for shape, share in SHAPES.items():
        write, suffix = WRITERS[shape]
        (folder / "input" / shape).mkdir(parents=True, exist_ok=True)
        total, number, quota = 0, 0, int(share * mb * 1e6)
        while total < quota - 2000:
            size = rng.randrange(1_000_000, 4_000_000) if shape == "jsonl" else min(60_000, max(5_000, int(rng.lognormvariate(9.7, 0.6))))
            name = f"{shape}/{number:05}.{suffix}"
            draft = Draft(name, min(size, quota - total), prose, truth)
            write(draft, slots)
            data = draft.text().encode()
            (folder / "input" / name).write_bytes(data)
            total += len(data)
            number += 1
        written[shape] = total
    (folder / "truth.jsonl").write_text("\n".join(truth.rows) + "\n", encoding="utf-8")
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=float, default=10, help="million bytes of sources")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; must not hold an `input` yet")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if (options.out / "input").exists():
        parser.error(f"{options.out / 'input'} exists: name another folder or remove it")
    written = make(options.out, options.mb, options.seed)
    for shape, size in written.items():
        print(f"{shape:12} {size / 1e6:8.2f} MB")
    print(f"{'all':12} {sum(written.values()) / 1e6:8.2f} MB in {options.out / 'input'}; copies in {options.out / 'truth.jsonl'}")


if __name__ == "__main__":
    main()
