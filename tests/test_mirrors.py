"""Editions: in a document that is mostly a copy of another, other words for the same go; another thing stays, as it does anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from matching_world import World

ARTICLE = (
    "渡口的灯每天傍晚点起来，看灯的人姓什么已经没有人说得清，只知道他煮茶的时候总是多放一把米，过河的客人都来讨一碗喝。",
    "灯油从对岸运来，一桶能用半个月。下雨的日子灯芯受潮，要先在炉子旁边烤干，再用剪子剪去焦黑的一截，火苗才会又稳又亮。",
    "大桥修好以后船就停了，灯却一直点着。有人劝看灯的老人搬到镇上去住，他摇摇头，说河里的鱼看惯了这点亮，忽然暗了会慌。",
    "后来记者来拍照，把灯罩上的裂纹也拍得清清楚楚。照片登在报纸上，许多人坐车来看，岸边卖糖糕的生意比从前好了不少。",
    "冬天水浅，露出一排木桩，那是从前拴船的地方。孩子们踩着木桩跳来跳去，看灯的老人坐在门口数，数到最后一根就喊他们回家吃饭。",
)
REWORDED = ("坐车来看", "乘车来看")
OTHER_THINGS = {
    "a name": ("许多人坐车来看", "许多人坐车来看李春山"),
    "a time of day": ("每天傍晚点起来", "每天早上点起来"),
    "a quantity": ("用半个月", "用三个月"),
    "a negation": ("暗了会慌", "暗了不会慌"),
    "a number": ("一排木桩", "12 排木桩"),
    "an opposite": ("卖糖糕的生意比从前好了", "卖糖糕的生意比从前坏了"),
    "a clause": ("露出一排木桩", "结了冰的河面像一面镜子，露出一排木桩"),
}


def mirror(tmp_path: Path, old: str, new: str, parts: tuple[str, ...] = ARTICLE) -> list[str]:
    """What is kept of a copy that says `new` for `old`."""
    copy = [part.replace(old, new) for part in parts]
    assert copy != list(parts)
    world = World.of(tmp_path, {"a.txt": "\n\n".join((*parts, "又记：灯罩如今收在镇上的陈列室里。")), "b.txt": "\n\n".join(copy)})
    assert set(world.reasons("a.txt")) == {"kept"}
    return [text for source, text, reason in world.said if source == "b.txt" and reason == "kept"]


@pytest.mark.parametrize("words", [REWORDED, ("剪子", "剪刀"), ("忽然", "突然")], ids=lambda words: words[1])
def test_an_edition_in_other_words_leaves_no_husk(words: tuple[str, str], tmp_path: Path) -> None:
    assert mirror(tmp_path, *words) == []


@pytest.mark.parametrize("name", OTHER_THINGS)
def test_what_an_edition_says_of_another_thing_stays(name: str, tmp_path: Path) -> None:
    old, new = OTHER_THINGS[name]
    assert mirror(tmp_path, old, new) == [part.replace(old, new) for part in ARTICLE if old in part]


def test_between_strangers_other_words_stay(tmp_path: Path) -> None:
    assert mirror(tmp_path, *REWORDED, parts=ARTICLE[3:4]) == [ARTICLE[3].replace(*REWORDED)]


def test_what_stands_in_another_place_of_the_other_document_is_no_edition_of_it(tmp_path: Path) -> None:
    copy = [*ARTICLE[:3], ARTICLE[4], ARTICLE[3].replace(*REWORDED)]
    world = World.of(tmp_path, {"a.txt": "\n\n".join((*ARTICLE, "又记：灯罩如今收在镇上的陈列室里。")), "b.txt": "\n\n".join(copy)})
    assert [text for source, text, reason in world.said if source == "b.txt" and reason == "kept"] == [copy[-1]]
