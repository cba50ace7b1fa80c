"""A small corpus that changes: paragraphs that repeat in many ways, sources made of them, and runs that die in the middle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faults
import pytest
import whole

from tasks import ingest
from tasks.store import stage
from tasks.store.files import Files

_FIRST = "淘金的人在河边一遍一遍地洗着沙子，他说水越浅的地方，石头越会说话，人只要蹲得住，总能听见。"
#: Copies, near copies, a copy in the other script, a piece that stands in another, sponsor lines, short lines, code, English.
PARAGRAPHS = (
    _FIRST,
    _FIRST.replace("石头", "卵石").replace("总能", "终究能"),
    "淘金的人在河邊一遍一遍地洗著沙子，他說水越淺的地方，石頭越會說話，人只要蹲得住，總能聽見。",
    "　　" + _FIRST.replace("，", "、"),
    "本期节目由沙洲茶社赞助播出，结账时报上淘沙二字，全场可以少付十元。",
    "本期节目由沙洲茶社赞助播出，结账时报上千淘二字，全场可以少付二十元。",
    "码头上的老人把渔网一段一段收起来，" + _FIRST,
    "灯塔看守人每天记三次气压，气压掉得快的时候，鸟会先飞回来，船却总是最后才知道风要来了。",
    "灯塔看守人每天记四次气压，气压掉得快的时候，鸟会先飞回来，船却总是最后才知道风要来了。",
    "关注我们的公众号，点击右上角分享给朋友。",
    "小结",
    "# 第二章",
    "The keeper of the lighthouse writes down the pressure three times a day, and the birds come home before the wind does.",
    "    for grain in river:\n        if grain.shines():\n            keep(grain)",
    "未经授权，不得转载。",
    "桥修好那天，村里的孩子把从河里捡来的石子摆成一排，从这头摆到那头，刚好一百零八颗。",
)
NAMES = ("a/one.txt", "a/two.md", "b/three.txt", "b/four.txt", "c/five.txt")
#: Changed sections, each touching another stage. Nothing here may stop a run: the corpus shrinks and grows as it likes.
SETTINGS = (
    "",
    "[quality]\nminimum = 0.3\n",
    "[matching]\nremove_threshold = 0.8\n",
    '[script]\ntarget = "hant"\n',
    "[boilerplate]\nmin_documents = 2\n",
    '[input]\npriority = ["c", "b"]\n',
    '[language]\nkeep = ["zh"]\n',
    '[dedup]\nmethod = "exact"\n',
    "[publish]\npart_bytes = 65536\nsignatures = true\n",
    "[run]\nshard_parts = 1\n",
)
Sources = dict[str, tuple[int, ...]]


def text_of(numbers: tuple[int, ...]) -> str:
    """A source of these paragraphs."""
    return "\n\n".join(PARAGRAPHS[i] for i in numbers) + "\n"


def write(root: Path, sources: Sources) -> None:
    """Make the folder hold these sources and nothing else."""
    shutil.rmtree(root, ignore_errors=True)
    for name, numbers in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(numbers), encoding="utf-8")


def settings_file(path: Path, text: str) -> Path:
    """A settings file without the guard against shrinking."""
    free = "max_shrink = 1.0\n"
    path.write_text(text.replace("[guards]\n", "[guards]\n" + free) if "[guards]" in text else f"{text}[guards]\n{free}", encoding="utf-8")
    return path


def small_cells(patch: pytest.MonkeyPatch) -> None:
    """Cells and published files of a source or two, so that there is something to reuse."""
    plan = ingest.plan_cells
    patch.setattr(ingest, "plan_cells", lambda sources, size: plan(sources, max(300, size >> 13)))


def from_scratch(roots: list[Path], folder: Path, config: Path) -> str:
    """SHA256SUMS of a run into an output folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return whole.run(roots, folder / "out", config).sums
    finally:
        shutil.rmtree(folder)


@contextmanager
def dying(at: int) -> Iterator[None]:
    """The run dies at its nth operation on files of stages or of the snapshot, and nothing that it tries afterwards reaches the disk."""
    count = 0

    def operate(*_: Any, **__: Any) -> None:
        nonlocal count
        count += 1
        if count >= at:
            raise faults.SimulatedKill(f"operation {at}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Files, "operation", operate)
        patch.setattr(stage._Blocks, "write", _before(operate, stage._Blocks.write))
        patch.setattr(stage, "sealed", _before(operate, stage.sealed))
        yield


def _before(first: Any, function: Any) -> Any:
    def both(*args: Any, **named: Any) -> Any:
        first()  # whole stages import by name, so what they call is patched, not their names
        return function(*args, **named)

    return both
