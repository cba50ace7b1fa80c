"""The peers' benchmark judges by an exact answer: it must be exact, and the judgement must be the one of RULES.md."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import peers  # first: it puts the folder of the sides on the path
import pytest
from peer_data import SHORTEST, lines_of, passages_of, write
from peer_environments import OURS, PINS, SIDES, NotInstalledError, Side, python_of
from peer_truth import Quality, Truth, brute_force, classes, exact_pairs, judge
from side import Answer, Clock, byte_grams, compared, grams, main, read

#: a and its equal, b like a, c like b and not like a, d alone.
CHAIN = Truth(np.array([0, 0, 1, 2, 3]), np.array([[0, 1], [1, 2]]))


def _texts(count: int) -> list[str]:
    """Texts of a small alphabet, half of them edited copies of earlier ones."""
    rng, texts = random.Random(3), []  # noqa: S311 (not secret)
    for number in range(count):
        if number % 2:
            chars = list(rng.choice(texts))
            for _ in range(rng.randrange(3)):
                chars[rng.randrange(len(chars))] = rng.choice("金沙水石")
            texts.append("".join(chars))
        else:
            texts.append("".join(rng.choices("金沙水石河", k=rng.randrange(5, 60))))
    return list(dict.fromkeys(texts))


def _by_hand(texts: list[str], threshold: float) -> list[list[int]]:
    sets = [{text[i : i + 5] for i in range(len(text) - 4)} for text in texts]
    return [[i, j] for i, j in combinations(range(len(texts)), 2) if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold - 1e-9]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_both_exact_answers_are_that_of_every_two_texts_compared(threshold):
    texts = _texts(300)
    expected = _by_hand(texts, threshold)
    assert len(expected) > 3
    assert exact_pairs(texts, threshold).tolist() == expected
    assert brute_force(texts, threshold).tolist() == expected


def test_no_texts_and_unlike_texts_have_no_pairs():
    for texts in ([], ["淘金的人在河边洗沙"], ["淘金的人在河边洗沙", "abcdefgh"]):
        assert exact_pairs(texts, 0.8).shape == brute_force(texts, 0.8).shape == (0, 2)


def test_rows_that_differ_in_width_case_and_space_are_one_text():
    of, texts = classes(["Gold 沙", "ｇｏｌｄ　沙\n", "gold 石"])
    assert of.tolist() == [0, 0, 1]
    assert texts == ["gold沙", "gold石"]
    assert grams("一二三四五六") == ["一二三四五", "二三四五六"]
    assert [one.decode("utf-32-le") for one in byte_grams("一二三四😀六")] == grams("一二三四😀六")


def test_pairs_are_cleared_as_stars_so_a_chain_loses_nothing():
    answer = Answer(pairs=np.array([[0, 2], [3, 2]]), equal=np.array([0, 0, 2, 3, 4]))
    assert judge(CHAIN, answer) == Quality(recall=1.0, returned=1.0, removed=2, wrong=0, missed=0, largest=4)


def test_a_cluster_that_keeps_one_row_loses_the_end_of_the_chain():
    answer = Answer(labels=np.array([7, 7, 7, 7, 9]))
    assert judge(CHAIN, answer) == Quality(recall=1.0, returned=None, removed=3, wrong=1, missed=0, largest=4)


def test_a_tool_that_finds_nothing_misses_every_row_with_an_earlier_like():
    assert judge(CHAIN, Answer(labels=np.arange(5))) == Quality(recall=0.0, returned=None, removed=0, wrong=0, missed=3, largest=1)


def test_a_false_pair_is_a_wrong_removal_even_when_its_like_is_kept_elsewhere():
    false = Answer(pairs=np.array([[3, 4], [0, 1]]))
    assert judge(CHAIN, false) == Quality(recall=0.0, returned=0.0, removed=2, wrong=1, missed=2, largest=2)
    elsewhere = Answer(labels=np.array([0, 0, 1, 1, 1]), kept=np.array([True, False, False, False, True]))
    assert judge(CHAIN, elsewhere).wrong == 2


def test_the_tools_own_choice_of_kept_rows_counts():
    answer = Answer(pairs=np.array([[1, 0], [1, 2], [3, 2]]), kept=np.array([False, True, False, True, True]))
    assert judge(CHAIN, answer) == Quality(recall=1.0, returned=None, removed=2, wrong=0, missed=0, largest=4)


def test_a_pair_of_texts_counts_by_the_share_of_its_rows_that_are_together():
    assert judge(CHAIN, Answer(labels=np.array([0, 1, 0, 5, 6]))).recall == 0.25  # one of two rows of a with b; c with none


def test_a_pair_that_is_returned_many_times_is_one():
    answer = Answer(pairs=np.array([[0, 1]] * 256 + [[0, 2], [2, 3]]))
    assert judge(CHAIN, answer).largest == 4


def test_passages_are_seeded_long_enough_and_have_edited_copies(tmp_path):
    (tmp_path / "a.md").write_text(
        "太短了\n" + "\n".join(f"{i}号河段的沙里有金子，水清的时候看得见底下的石头。" for i in range(200)), encoding="utf-8"
    )
    record = {"title": "太短", "body": ["第一段写在这里，一共有二十多个字，所以它要留下来。\n第二段也写在这里，同样有二十多个字。"]}
    (tmp_path / "b.jsonl").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    (tmp_path / "c.bin").write_bytes(b"\xff\xfe")
    lines = lines_of(tmp_path)
    assert len(lines) == 204
    rows = passages_of(lines, 1)
    assert rows == passages_of(lines, 1) != passages_of(lines, 2)
    assert all(len(compared(row)) >= SHORTEST for row in rows)
    assert 30 < len(set(rows) - set(lines)) < 70
    few = passages_of(lines, 1, 0.005)
    assert few == rows[: len(few)]
    assert 4_800 < sum(len(row.encode()) for row in few) <= 5_000
    data, warm = write(rows, tmp_path)
    assert read(data) == rows
    assert read(warm) == rows[:400]


def test_a_side_writes_its_answer_and_a_record_of_it(tmp_path, monkeypatch):
    data, warm = write(["淘金的人在河边洗沙"] * 3, tmp_path)
    calls = []

    def run(path: Path, clock: Clock) -> Answer:
        calls.append(path)
        clock.lap("read")
        clock.lap("filter", counted=False)
        return Answer(pairs=np.array([[0, 1]]))

    monkeypatch.setattr(sys, "argv", ["side", str(data), str(tmp_path / "answer.npz"), str(warm)])
    main(run, ("numpy",))
    record = json.loads((tmp_path / "answer.json").read_text())
    assert calls == [warm, data]
    assert set(record["seconds"]) == {"read"}
    assert set(record["apart"]) == {"start-up", "filter"}
    assert record["peak_mb"] >= record["start_mb"] > 0
    with np.load(tmp_path / "answer.npz") as arrays:
        assert Answer(**arrays).pairs.tolist() == [[0, 1]]


def test_our_closed_side_meets_the_target(tmp_path):
    import side_taosha

    rows = passages_of(_texts(600), 1)
    data, _ = write(rows, tmp_path)
    of, texts = classes(rows)
    quality = judge(Truth(of, exact_pairs(texts, 0.8)), side_taosha.closed(data, Clock()))
    assert peers.meets_target(quality)
    assert quality.returned >= 0.999
    assert quality.removed > 20
    assert quality.missed == 0
    assert len(side_taosha.open_(data, Clock()).equal) == len(rows)


# --- The page -------------------------------------------------------------------------------------------------------------


def _measured(side: Side, quality: Quality | None, **seconds: float) -> peers.Measured:
    record = {"seconds": seconds, "apart": {"start-up": 1.0}, "peak_mb": 200.0, "start_mb": 100.0, "versions": {"x": "1.2"}}
    return peers.Measured(side, record, quality)


def _page(ours: Quality | None) -> list[str]:
    data = peers.Data(Path("a"), Path("b"), len(CHAIN.of), 10.0, CHAIN if ours else None, "checked")
    good = Quality(0.9, None, 5, 2, 1, 9)
    results = [
        _measured(OURS, ours, all=0.5),
        _measured(next(side for side in SIDES if not side.closed), good, all=0.4),
        _measured(Side("rival", "side_x.py"), good, read=1.0, normalise=1.0, sign=3.0),
    ]
    return peers.page(data, results, ["`y` could not be installed: no wheel"]).splitlines()


def test_the_table_gives_ratios_when_the_target_is_met():
    lines = _page(Quality(1.0, 1.0, 3, 0, 0, 4))
    rival = [cell.strip() for cell in next(line for line in lines if line.startswith("| rival")).split("|")[1:-1]]
    assert rival == ["rival", "5.00", "2.0", "10.0", "6.0", "1.0", "200 (100)", "0.9000", "-", "5", "2", "1", "9"]
    opened = next(line for line in lines if line.startswith("| taosha, open"))
    assert opened.endswith("| - | - | 5 | - | - | 9 |")
    assert next(line for line in lines if "exact clusters" in line).endswith("| 1.0000 | - | 3 | 1 | 0 | 4 |")
    assert any(line.endswith(": met.") for line in lines)
    assert lines[-1] == "- Left out: `y` could not be installed: no wheel"
    assert {line.count("|") for line in lines if line.startswith("|")} == {len(peers.COLUMNS) + 1}


@pytest.mark.parametrize("quality", [Quality(0.998, 1.0, 3, 0, 0, 4), Quality(1.0, 1.0, 3, 1, 0, 4)])
def test_the_table_gives_no_ratio_when_the_target_is_missed(quality):
    lines = _page(quality)
    assert next(line for line in lines if line.startswith("| rival")).startswith("| rival | 5.00 | 2.0 |  |  | 1.0 |")
    assert any("NOT met" in line for line in lines)


def test_the_table_claims_nothing_when_nobody_judged():
    lines = _page(None)
    ours = next(line for line in lines if line.startswith("| taosha, closed"))
    assert ours.endswith("| - | - | - | - | - | - |")
    assert any(line.startswith("Not judged") for line in lines)
    assert not any("Target" in line or "exact clusters" in line for line in lines)


def test_a_side_without_a_row_is_accounted_for():
    def ended(code: int, message: str) -> str:
        return peers.ending(OURS, subprocess.CalledProcessError(code, "x", stderr=message), 600)

    assert ended(-signal.SIGXCPU, "") == "`taosha, closed` was ended after 600 processor seconds, or for want of memory."
    assert ended(1, "Traceback\nImportError: no y\n") == "`taosha, closed` ended with 1: ImportError: no y"
    assert ended(2, "") == "`taosha, closed` ended with 2: no message"


# --- Environments ---------------------------------------------------------------------------------------------------------


def test_every_side_has_a_file_and_pinned_versions():
    for side in SIDES:
        assert (Path(peers.HERE) / "peers" / side.script).exists()
        if side.environment:
            assert all("==" in pin for pin in PINS[side.environment])


def test_an_environment_is_made_once_and_a_failure_is_said(tmp_path, monkeypatch):
    commands = []

    def succeed(command, **_):
        commands.append(command)
        (tmp_path / "rensa").mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    side = next(side for side in SIDES if side.environment == "rensa")
    monkeypatch.setattr(subprocess, "run", succeed)
    for _ in range(2):
        assert python_of(side, tmp_path) == tmp_path / "rensa" / "bin" / "python"
    assert len(commands) == 2  # venv and pip
    assert PINS["rensa"][0] in commands[1]

    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "note\nERROR: no wheel\n"))
    with pytest.raises(NotInstalledError, match="could not be installed: ERROR: no wheel"):
        python_of(next(side for side in SIDES if side.environment == "gaoya"), tmp_path)
