"""Floods are what they say, and a small one of each comes out of a whole run as it should."""

from __future__ import annotations

import json
import random

import floods
import pytest


def _texts(folder) -> list[str]:
    return [json.loads(line)["text"] for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]


def test_identical_records_fill_as_many_files_as_they_need(tmp_path, monkeypatch):
    monkeypatch.setattr(floods, "RECORDS_A_FILE", 40)
    floods.identical(tmp_path, 100, 1)
    assert len(list(tmp_path.iterdir())) == 3
    assert _texts(tmp_path) == [floods.SENTENCE] * 100


def test_sponsor_lines_are_near_one_another_and_hardly_two_the_same(tmp_path):
    floods.variants(tmp_path, 500, 1)
    texts = _texts(tmp_path)
    assert len(set(texts)) > 490
    sets = [{text[i : i + 3] for i in range(len(text) - 2)} for text in texts]
    rng = random.Random(0)  # noqa: S311 (the point is that it is not secret)
    found = sorted(len(a & b) / len(a | b) for a, b in (rng.sample(sets, 2) for _ in range(300)))
    assert 0.55 < found[len(found) // 2] < 0.8


def test_documents_have_bodies_of_their_own_and_one_footer(tmp_path):
    floods.footer(tmp_path, 30, 1)
    texts = [path.read_text(encoding="utf-8") for path in sorted(tmp_path.rglob("*.txt"))]
    last = floods.block(floods.Prose(1))
    assert len([line for line in last.splitlines() if line]) == 40
    assert all(text.endswith(f"\n\n{last}\n") for text in texts)
    assert len({text.split("\n\n")[0] for text in texts}) == 30


@pytest.mark.parametrize("name", ["identical", *(pytest.param(name, marks=pytest.mark.slow) for name in ("variants", "footer"))])
def test_a_small_flood_comes_out_as_it_should(name, tmp_path):
    write, _, _ = floods.FLOODS[name]
    (tmp_path / "input").mkdir()
    count = 400 if name == "variants" else 60  # the first fills buckets over the cap
    write(tmp_path / "input", count, 1)
    one = floods.run(count, tmp_path / "input", tmp_path / "output")
    assert floods.page({name: [one]}, 1)[2].endswith("| - |")  # nothing that is not as expected
    assert all(shown for _, shown in floods.overflow(one.found).values())
    assert one.cpu == pytest.approx(sum(stage.cpu for stage in one.stages), abs=0.1)
