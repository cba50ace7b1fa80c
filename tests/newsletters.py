"""A made-up newsletter for the tests of mining and reviewing: every issue has a frame of slots around text of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matching_world import HAN, paragraph

FRAME = ("喜欢的话请把本刊转给身边的朋友看看", "往期回顾见 https://weekly.example/", "值周编辑：")


def issue(rng: np.random.Generator, number: int, paragraphs: int = 10) -> str:
    names = ["".join(rng.choice(list(HAN), 2)) for _ in range(3)]
    body = "\n\n".join(paragraph(rng, 60) for _ in range(paragraphs))
    return (
        f"# 第{number}期\n\n本刊由{names[0]}和{names[1]}共同整理，每周五准时发送到邮箱\n{FRAME[2]}{names[2]}\n\n## 文章\n\n{body}\n\n"
        f"---\n\n{FRAME[0]}\n{FRAME[1]}{number}\n本期一共收到来信 {number + 3} 封，感谢各位读者的热心\n"
    )


def write_issues(folder: Path, count: int, first: int = 1, seed: int = 5) -> Path:
    rng = np.random.default_rng(seed + first)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:03d}.md").write_text(issue(rng, number), encoding="utf-8")
    return folder
