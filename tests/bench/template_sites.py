"""Made-up sites for the benchmark of templates: each line of each document is labelled as frame (unwanted), text, or either way.

No site, name or sentence is anyone's. Frames have slots (names, numbers, dates, links), drift over the issues, and rotating sponsors;
the last ones have no frame at all and only look as if they had: recipes, entries, verse, reviews, copies of one article.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prose import Prose

Line = tuple[str, str]
FRAME, TEXT, EITHER = "frame", "text", "either"
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "明华强芳敏静丽军洋勇艳杰涛磊娜超"
LATIN = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "inlet",
    "jetty",
    "kelp",
    "lagoon",
    "marsh",
    "nook",
    "oasis",
    "pier",
    "quay",
    "ridge",
    "shoal",
    "tarn",
]
FIRMS = ("青石云", "河湾茶叶铺", "北窗书店", "长桥招聘", "小满输入法", "铁马单车")


@dataclass
class Maker:
    """What documents are made of, by one seed."""

    rng: np.random.Generator
    prose: Prose

    def name(self) -> str:
        return str(self.rng.choice(list(SURNAMES))) + "".join(self.rng.choice(list(GIVEN), int(self.rng.integers(1, 3))))

    def pick(self, rows: tuple[str, ...] | list[str]) -> str:
        return str(self.rng.choice(list(rows)))

    def number(self, top: int = 900) -> int:
        return int(self.rng.integers(1, top))

    def date(self, n: int) -> str:
        return f"20{15 + n // 12:02d}-{1 + n % 12:02d}-{self.number(28):02d}"

    def body(self, least: int, most: int, hant: bool = False) -> list[Line]:
        return [(TEXT, self.prose.paragraph()[hant]) for _ in range(int(self.rng.integers(least, most)))]

    def title(self, hant: bool = False) -> str:
        return self.prose.paragraph()[hant][:14].rstrip("，。？！")


def frame(*lines: str) -> list[Line]:
    return [(FRAME, line) for line in lines]


def newsletter(m: Maker, n: int) -> list[Line]:
    sponsor = [] if n % 3 == 2 else frame(f"本期由「{FIRMS[n // 5 % 6]}」友情支持，输入口令 {m.number()} 立减 {m.number(30)} 元")
    old = f"本期共 {m.number()} 条，感谢 {m.name()}、{m.name()} 供稿，欢迎转给同事"
    new = f"编辑部信箱 letters@river.example，{m.name()}每周五晚上统一回信"
    return [
        (TEXT, f"# 河边周报第 {n + 1} 期：{m.title()}"),
        *frame(f"第 {n + 1} 期 · {m.date(n)} · 主理人{m.name()}", "这里是河边周报，每周五早上七点和大家见面"),
        *sponsor,
        (TEXT, "## 本周要闻"), *m.body(3, 6), (TEXT, "## 工具"), *m.body(2, 4),
        *[(TEXT, f"- [{m.title()}](https://a.example/{m.number()})：{m.prose.paragraph()[0][:30]}") for _ in range(3)],
        (EITHER, "---"), *frame(old if n < 16 else new),
        *frame(f"往期：[第 {n} 期](https://river.example/{n}) | [第 {n + 2} 期](https://river.example/{n + 2})", "我们下周五再见，记得带上你的故事"),
    ]  # fmt: skip


def traditional_blog(m: Maker, n: int) -> list[Line]:
    return [
        (TEXT, m.title(True)), *frame(f"文字整理：{m.name()}　攝影：{m.name()}", f"{m.date(n)} 寫於台北河岸邊的小書房"),
        *m.body(4, 9, True),
        *frame("如果這篇文章對你有幫助，請我喝杯咖啡吧", f"本文同步刊載於電子報第 {n + 3} 號，目前已有 {m.number()} 位讀者加入",
               f"延伸閱讀：《{m.title(True)[:8]}》", "河岸書房．不定期更新．歡迎來信聊聊"),
    ]  # fmt: skip


def podcast(m: Maker, n: int) -> list[Line]:
    firm = FIRMS[n % 4]
    return [
        (TEXT, f"第{n + 1}集 {m.title()}"), *m.body(2, 5),
        *frame(f"本集主播：{m.name()}", f"本集嘉宾：{m.name()}（{m.pick(FIRMS)}创始人）", f"剪辑与后期：{m.name()}"),
        *frame("感谢以下伙伴让节目一直做下去", f"{firm}：听友专属口令 {m.pick(LATIN)}{m.number()}", "没有他们就没有每周一集的闲话夜航"),
        *frame(f"加听友群请备注 {n + 1}", "闲话夜航，陪你走一段夜路"),
    ]  # fmt: skip


def portal(m: Maker, n: int) -> list[Line]:
    return [
        (TEXT, m.title()), *frame(f"{m.date(n)} {m.number(23):02d}:{m.number(59):02d}  来自 北岸日报  记者{m.name()}"),
        *m.body(4, 8),
        *frame(f"（责编：{m.name()}、{m.name()}）", f"本报新闻热线 0571-{m.number()}{m.number()}，一经采用给予奖励", "北岸日报数字版由北岸传媒技术部提供支持"),
    ]  # fmt: skip


def english_letter(m: Maker, n: int) -> list[Line]:
    a, b = m.pick(LATIN).title(), m.pick(LATIN).title()
    return [
        (TEXT, f"# Tidewater {n + 1}: {' '.join(m.prose.english().split()[:5])}"),
        *frame(f"Issue {n + 1}, gathered by {a} {b} on a quiet {m.pick(['Monday', 'Friday', 'Sunday'])} morning"),
        *([] if n % 2 else frame(f"Brought to you by {m.pick(LATIN).title()} Cloud, boats included since {1990 + n}")),
        *[(TEXT, " ".join(m.prose.english() for _ in range(4))) for _ in range(6)],
        *frame(f"You are reading Tidewater number {n + 1}, sent to {m.number()} harbours", "Reply to this letter and it lands on our kitchen table",
               f"Older letters live at https://tidewater.example/{n}"),
    ]  # fmt: skip


def account(m: Maker, n: int) -> list[Line]:
    return [
        *frame("点上方蓝色小字，和我们一起看云"), (TEXT, m.title()), *frame(f"撰文 | {m.name()}　图片 | {m.name()}"), *m.body(5, 9),
        *frame("看云的人 · 记录天空的第" + f"{n + 200}天", f"今日值班：{m.name()}", "右下角那朵小花，点一下会开"),
    ]  # fmt: skip


def forum(m: Maker, n: int) -> list[Line]:
    phone = m.pick(["山寨", "老人", "翻盖", "折叠"])
    return [*m.body(1, 4), *frame(f"发自我的{phone}手机客户端", f"第 {n + 2} 楼　积分 {m.number()}　在线 {m.number()} 小时")]


CODE = [
    "```python",
    "import os",
    "from pathlib import Path",
    "def main():",
    "    for path in Path('.').iterdir():",
    "        print(path)",
    "```",
]


def tutorial(m: Maker, n: int) -> list[Line]:
    code = [(TEXT, row) for row in CODE]
    return [
        (TEXT, f"# {m.title()}"), *frame(f"这是《从零写一个渡口》系列的第 {n + 1} 篇，全部代码在 https://code.example/ferry/{n}"),
        (TEXT, "## 准备"), *m.body(2, 4), *code, (TEXT, "## 动手"), *m.body(2, 4), *code, (TEXT, "## 小结"), *m.body(1, 3),
        *frame(f"下一篇：[{m.title()}](https://code.example/{n + 1})", f"写作时长 {m.number(9)} 小时，校对{m.name()}，错字请到仓库里提"),
    ]  # fmt: skip


def digest(m: Maker, n: int) -> list[Line]:
    items = [(TEXT, f"- **{m.title()}**：{m.prose.paragraph()[0][:40]}") for _ in range(6)]
    return [
        (TEXT, f"# 每日十件事（{m.date(n)}）"), (TEXT, "## 天下"), *items[:3], (TEXT, "## 身边"), *items[3:], (TEXT, "## 数字"),
        (TEXT, f"今天的渡口运送了 {m.number()} 人，{m.title()}"),
        *frame(f"以上内容由{m.name()}从 {m.number()} 条消息中挑出", "十件事，读完大约需要泡一杯茶的时间", f"勘误与线索请写给 tips{n % 3}@ten.example"),
    ]  # fmt: skip


def interview(m: Maker, n: int) -> list[Line]:
    guest = m.name()
    talk = [(TEXT, f"{who}：{m.prose.paragraph()[0]}") for _ in range(5) for who in ("林岸", guest)]
    return [
        (TEXT, m.title()), *frame(f"采访时间 {m.date(n)}，采访地点 渡口旧仓库 {m.number(40)} 号"), *talk,
        *frame(f"本次访谈由{m.name()}整理成文，未经{guest}本人审阅", "渡口口述史计划，收集一百个普通人的一百件小事"),
    ]  # fmt: skip


def recipe(m: Maker, _: int) -> list[Line]:
    fields = [
        f"主料：{m.name()}家的豆腐",
        f"盐：{m.number(9)}克",
        f"白砂糖：{m.number(30)}克",
        f"烹饪时间：{m.number(50)}分钟",
        f"难度：{m.pick(['简单', '中等', '困难'])}",
    ]
    return [(TEXT, row) for row in (m.title(), *fields, f"先把豆腐切好，{m.title()}。", m.prose.paragraph()[0])]


def entry(m: Maker, _: int) -> list[Line]:
    rows = (
        f"词条：{m.title()[:3]}",
        f"拼音：{m.pick(LATIN)}",
        f"词性：{m.pick(['名词', '动词'])}",
        f"释义：{m.prose.paragraph()[0][:30]}",
        f"例句：{m.prose.paragraph()[0]}",
    )
    return [(TEXT, row) for row in rows]


def verse(m: Maker, _: int) -> list[Line]:
    lines = [line for _ in range(4) for line in (*(m.prose.paragraph()[0][:9] for _ in range(3)), "渡口的风又吹过来了")]
    return [(TEXT, line) for line in (m.title(), *lines)]


def review(m: Maker, _: int) -> list[Line]:
    said = m.pick(["味道很好下次还来", "服务态度非常不错", "等了很久才上菜呀", "性价比还算可以吧"])
    return [(TEXT, said), (TEXT, m.prose.paragraph()[0]), (TEXT, f"口味：{m.number(5)}"), (TEXT, f"是否推荐：{m.pick(['是', '否'])}")]


def questions(m: Maker, _: int) -> list[Line]:
    return [row for _ in range(3) for row in ((TEXT, f"问：{m.title()}？"), (TEXT, f"答：{m.prose.paragraph()[0]}"))]


def section_list(m: Maker, n: int) -> list[Line]:
    books = [(TEXT, f"- 《{m.title()[:6]}》：{m.name()}") for _ in range(8)]
    return [(TEXT, f"# 书单 {n + 1}"), (TEXT, "## 小说"), *books[:4], (TEXT, "## 随笔"), *books[4:], *m.body(1, 3)]


@dataclass(frozen=True)
class Site:
    """name, maker of one document, number of documents, and the form they are written in: md, txt or jsonl (all in one file)."""

    name: str
    make: Callable[[Maker, int], list[Line]]
    count: int
    form: str


SITES = (
    Site("newsletter", newsletter, 36, "md"), Site("blog-hant", traditional_blog, 18, "txt"), Site("podcast", podcast, 24, "txt"),
    Site("portal", portal, 30, "txt"), Site("letter-en", english_letter, 20, "md"), Site("account", account, 16, "txt"),
    Site("forum", forum, 200, "jsonl"), Site("tutorial", tutorial, 14, "md"), Site("digest", digest, 25, "md"),
    Site("interview", interview, 12, "txt"),
    Site("recipes", recipe, 120, "jsonl"), Site("entries", entry, 150, "jsonl"), Site("verse", verse, 30, "txt"),
    Site("reviews", review, 150, "jsonl"), Site("questions", questions, 60, "jsonl"), Site("books", section_list, 15, "md"),
)  # fmt: skip
Labels = dict[tuple[str, int, int], tuple[str, str]]


def write(folder: Path, seed: int) -> Labels:
    """Write all sites, and copies of one article as the last; the label and text of each line by (source, record, line from 1)."""
    labels: Labels = {}
    for number, site in enumerate(SITES):
        rng = np.random.default_rng([seed, number])
        maker = Maker(rng, Prose(seed * 100 + number))
        _write_site(folder / site.name, site, [site.make(maker, n) for n in range(site.count)], labels)
    maker = Maker(np.random.default_rng([seed, 99]), Prose(seed * 100 + 99))
    article = [(TEXT, maker.title()), *maker.body(12, 13)]
    mirrors = [[*article, (TEXT, maker.prose.paragraph()[0])] if n % 2 else article for n in range(10)]
    _write_site(folder / "mirrors", Site("mirrors", newsletter, 10, "txt"), mirrors, labels)
    return labels


def _write_site(folder: Path, site: Site, documents: list[list[Line]], labels: Labels) -> None:
    folder.mkdir(parents=True)
    records = []
    for n, lines in enumerate(documents):
        text, at = "", 1
        source, record = (f"{site.name}/all.jsonl", n) if site.form == "jsonl" else (f"{site.name}/{n:03d}.{site.form}", 0)
        fenced = False
        for i, (label, line) in enumerate(lines):
            labels[source, record, at] = (label, line)
            fenced ^= line.startswith("```")
            tight = fenced or (i + 1 < len(lines) and line.startswith("- ") and lines[i + 1][1].startswith("- ")) or site.name == "verse"
            text += line + ("\n" if tight else "\n\n")
            at += 1 if tight else 2
        if site.form != "jsonl":
            (folder / f"{n:03d}.{site.form}").write_text(text, encoding="utf-8")
        records.append({"id": n, "text": text})
    if site.form == "jsonl":
        (folder / "all.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in records), encoding="utf-8")
