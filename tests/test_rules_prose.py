"""Sentences of articles that come close to boilerplate and must stay, at the head, in the middle and at the tail of a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_rules import PROSE, RULES, judged

from tasks.boilerplate import evidence

HERE = Path(__file__).parent / "golden_rules"
WANTED = [line for path in sorted(HERE.glob("wanted_*.txt")) for line in path.read_text(encoding="utf-8").splitlines()]
FILLER = [f"{PROSE[:-1]}，第{number}段。" for number in range(30)]


def taken(rows: list[str]) -> list[str]:
    """What the rules take, with why."""
    verdicts = judged("\n".join(rows))
    return [f"{rows[line]}: {evidence(verdicts, line)}" for line in range(len(rows)) if verdicts.rule[line] >= 0]


@pytest.mark.parametrize("place", ["first", "below a title", "middle", "last", "before the last"])
def test_no_sentence_of_an_article_goes(place: str) -> None:
    around = {
        "first": ([], FILLER),
        "below a title": (["山里的雾"], FILLER),
        "middle": (FILLER[:15], FILLER[15:]),
        "last": (FILLER, []),
        "before the last": (FILLER, FILLER[:2]),
    }
    above, below = around[place]
    assert [gone for line in WANTED for gone in taken([*above, line, *below])] == []


def test_no_sentence_goes_in_a_text_made_of_such_sentences() -> None:
    assert [gone for at in range(0, len(WANTED), 12) for gone in taken(WANTED[at : at + 12])] == []


def test_no_sentence_goes_in_a_short_text_of_three_lines() -> None:
    assert [gone for line in WANTED for gone in taken([FILLER[0], line, FILLER[1]])] == []


OPENING = "上个月我在旧仓库的角落里翻到一张折了角的纸，背面用铅笔抄着一段话，字写得很小，我站在门口就着天光读完，抄的是这么一句："
CLOSING = "守门的人说那是前一位住客留下的，人早就搬走了，只剩一箱子书和两盆没人浇水的花。我把纸夹回原处，出门的时候雨已经停了。"


def test_no_example_of_a_rule_takes_the_long_paragraph_that_quotes_it() -> None:
    quoting = [f"{OPENING}{example}{CLOSING}" for rule in RULES.rules if rule.kinds != ("metadata",) for example in rule.examples]
    rows = [row for paragraph in quoting for row in (*FILLER[:3], paragraph)]
    assert taken(rows) == []
    assert [gone for paragraph in quoting[::3] for gone in taken([*FILLER[:4], paragraph])] == []
