"""Matching finds what brute force over plain sets finds, and states exactly how similar it is."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import naive_losses
import naive_matching as naive
import naive_sketch
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import World, edited, paragraph, sentence

from tasks import families, near
from tasks import match as module
from tasks.exact import common_shingles, jaccard
from tasks.match import A_IN_B, B_IN_A, CONTAINED, EDITED, SLOT_KIND
from tasks.settings import Matching
from tasks.sketch import Sketcher
from tasks.store.text import Texts

SETTINGS = Matching()


@settings(deadline=None, max_examples=150)
@given(st.text("山水人家天地ab 1，", max_size=60), st.text("山水人家天地ab 1，", max_size=60))
def test_exact_similarity_is_that_of_the_naive_sets_and_symmetric(a: str, b: str) -> None:
    one, other = jaccard(Texts.of([a, b]), Texts.of([b, a]), SETTINGS).tolist()
    assert one == other == pytest.approx(naive.jaccard(a, b), abs=6e-5)
    assert 0 <= one <= 1
    sets = naive.shingles(a), naive.shingles(b)
    assert [column.tolist() for column in common_shingles(Texts.of([a]), Texts.of([b]), SETTINGS)] == [
        [len(sets[0])],
        [len(sets[1])],
        [len(sets[0] & sets[1])],
    ]


# ---- the stage -----------------------------------------------------------------------------------------------------------

NUMBERS = "本期节目共有{}位嘉宾参加，收听人数达到{}万，感谢大家一直以来的支持和陪伴，我们下期节目再见。"


def planted(seed: int, count: int = 60) -> dict[str, str]:
    """Articles of a few paragraphs with edited, shortened, pasted and slotted copies of some of them."""
    rng = np.random.default_rng(seed)
    originals = [paragraph(rng, int(rng.integers(60, 260))) for _ in range(count)]
    sources = {f"a{i:03d}.txt": "\n\n".join(originals[i : i + 3]) for i in range(0, count, 3)}
    for i, text in enumerate(originals):
        sentences = text.split("。")[:-1]
        dropped = "。".join(sentences[: i % len(sentences)] + sentences[i % len(sentences) + 1 :]) + "。"
        copies = [
            edited(rng, text, 0.02),
            edited(rng, text, 0.05),
            dropped,
            paragraph(rng, 300) + text + sentence(rng),
            edited(rng, text, 0.12),
        ]
        sources[f"b{i:03d}.txt"] = "\n\n".join([paragraph(rng), copies[i % 5]])
        if i % 10 == 0:
            sources[f"c{i:03d}.txt"] = NUMBERS.format(i + 2, 3 * i + 11) + "\n\n" + text.replace("。", "，")
    return sources


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.of(tmp_path_factory.mktemp("planted"), planted(1))


def distinct(world: World) -> list[str]:
    """One text of each class long enough to be compared by similarity."""
    seen: dict[tuple[naive.Element, ...], str] = {}
    for text, kind in zip(world.texts, world.column("kind"), strict=True):
        if kind == 0 and naive.tokens(text) >= 12 and len(naive.shingles(text)) >= 8:
            seen.setdefault(tuple(naive.elements(text)), text)
    return list(seen.values())


@pytest.fixture(scope="module")
def truth(world: World) -> dict[frozenset[str], float]:
    """Similarity of all pairs of texts, by brute force."""
    sets = [(text, naive.shingles(text)) for text in distinct(world)]
    return {
        frozenset((s, t)): len(a & b) / len(a | b)
        for (s, a), (t, b) in itertools.combinations(sets, 2)
        if len(a & b) >= 0.3 * min(len(a), len(b))
    }


def test_every_pair_at_the_remove_threshold_is_found(world: World, truth: dict[frozenset[str], float]) -> None:
    found = {frozenset((row["left"], row["right"])) for row in world.pairs}
    wanted = {pair for pair, similarity in truth.items() if similarity >= SETTINGS.remove_threshold}
    assert len(wanted) > 25
    assert wanted <= found


def test_nearly_every_pair_at_the_report_threshold_is_found(world: World, truth: dict[frozenset[str], float]) -> None:
    found = {frozenset((row["left"], row["right"])) for row in world.pairs}
    wanted = [pair for pair, similarity in truth.items() if similarity >= SETTINGS.report_threshold]
    assert sum(pair in found for pair in wanted) >= 0.93 * len(wanted)


def test_pasted_passages_are_found_inside_longer_ones(world: World) -> None:
    texts = distinct(world)
    sets = {text: naive.shingles(text) for text in texts}
    found = {frozenset((row["left"], row["right"])) for row in world.pairs}
    inside = [
        (s, t)
        for s, t in itertools.permutations(texts, 2)
        if len(sets[s]) < len(sets[t]) and len(sets[s] & sets[t]) >= 0.95 * len(sets[s]) and naive.tokens(s) >= 23 + 16
    ]
    assert len(inside) > 5
    assert all(frozenset(pair) in found for pair in inside)


def test_stated_similarity_and_containment_are_exact(world: World) -> None:
    assert len(world.pairs) > 50
    for row in world.pairs:
        assert row["similarity"] == pytest.approx(naive.jaccard(row["left"], row["right"]), abs=6e-5)
        assert row["containment_a"] == pytest.approx(naive.containment(row["left"], row["right"]), abs=6e-5)
        assert row["containment_b"] == pytest.approx(naive.containment(row["right"], row["left"]), abs=6e-5)
        assert row["similarity"] >= SETTINGS.report_threshold or row["kind"] in (CONTAINED, SLOT_KIND)
        assert row["kind"] != CONTAINED or row["similarity"] < SETTINGS.report_threshold
        assert abs(row["estimate"] - row["similarity"]) < 0.3


def test_a_removal_is_allowed_that_loses_nothing_by_similarity_or_containment_and_length_only(world: World) -> None:
    found = 0
    for row in world.pairs:
        left, right = row["left"], row["right"]
        short, long = sorted((naive.tokens(left), naive.tokens(right)))
        able = naive.jaccard(left, right) >= SETTINGS.remove_threshold and short >= 0.5 * long
        differs = naive.without_numbers(left) != naive.without_numbers(right)
        within = False
        for small, large, flag, side in ((right, left, "b_for_a", B_IN_A), (left, right, "a_for_b", A_IN_B)):
            inside = not (able and differs) and naive.tokens(small) >= SETTINGS.min_contained_tokens and naive.stands_in(small, large)
            nothing_lost = naive.slots(small) <= naive.slots(large) and not naive_losses.says_more(small, large)
            assert row[flag] == (differs and (able or inside) and nothing_lost), (small, large)
            assert (row["within"] == side) == (differs and inside and nothing_lost), (small, large)
            within |= inside
        found += within
    assert found > 3


PROSE = "我们在海边的小镇住了很久，每天早上都去码头看渔船归来，晚上在灯下写信给远方的朋友，说一说这里的天气和收成。"


def two(tmp_path: Path, left: str, right: str) -> dict[str, Any]:
    """The only pair of two sources of one passage."""
    (row,) = World.of(tmp_path, {"a.txt": left, "b.txt": right}).pairs
    return row if row["left"] == left else row | {"b_for_a": row["a_for_b"], "a_for_b": row["b_for_a"]}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (NUMBERS.format(12, 35), NUMBERS.format(7, 41)),
        (NUMBERS.format("十二", "三十五"), NUMBERS.format("七", "四十一")),
        (PROSE + "详见 https://example.org/a", PROSE + "详见 https://example.org/b"),
        (PROSE + "版本 GPT-4", PROSE + "版本 GPT-5"),
        (PROSE + "发布于2024-03-25", PROSE + "发布于2024年3月26日"[:3] + "2024-03-26"),
    ],
    ids=["numbers", "numerals", "address", "identifier", "date"],
)
def test_pairs_that_differ_in_slots_only_are_reported_and_never_removed(tmp_path: Path, left: str, right: str) -> None:
    row = two(tmp_path, left, right)
    assert row["kind"] == SLOT_KIND
    assert not row["b_for_a"]
    assert not row["a_for_b"]


@pytest.mark.parametrize("lost", ["共120人", "见 https://example.org/a", "用 click", "见 foo.bar", "第一次", "十二个"])
def test_a_removal_never_loses_a_number_address_identifier_or_foreign_word(tmp_path: Path, lost: str) -> None:
    row = two(tmp_path, PROSE + lost + "。", PROSE + "啊啊。")
    assert row["kind"] == EDITED
    assert row["b_for_a"]
    assert not row["a_for_b"]


def test_a_text_goes_for_one_that_repeats_it_and_not_the_other_way_round(tmp_path: Path) -> None:
    verse = "山水林田湖草沙风雨雷电云雪霜露花鸟鱼虫石桥船灯书画琴棋诗酒茶米油盐酱醋柴门窗桌椅床柜碗筷刀叉锅瓢盆"
    row = two(tmp_path, verse, verse * 4)
    assert row["similarity"] > 0.9
    assert row["a_for_b"]
    assert not row["b_for_a"]


def test_repetition_does_not_make_a_short_text_equal_to_a_long_one(tmp_path: Path) -> None:
    verse = "山水林田湖草沙风雨雷电云雪霜露花鸟鱼虫石桥船灯书画琴棋"
    row = two(tmp_path, verse, verse * 4)
    assert row["similarity"] > 0.9
    assert not row["b_for_a"]
    assert not row["a_for_b"]


def seen(world: World) -> Any:
    rows = [(sorted((p["left"], p["right"])), p["similarity"], p["kind"], p["a_for_b"] or p["b_for_a"]) for p in world.pairs]
    return sorted(rows), sorted(world.said)


def test_the_result_does_not_depend_on_how_the_sources_lie_in_parts(tmp_path: Path, world: World) -> None:
    small = World.of(tmp_path / "small", planted(1), publish={"part_bytes": 1 << 16})
    assert len(small.parts) > 1 == len(world.parts)
    assert seen(world) == seen(small)


def test_what_is_worked_on_in_one_go_changes_nothing(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, value in [
        (module, "_ANCHORS", 50),
        (near, "_BATCH", 10),
        (near, "_ROWS", 7),
        (near, "_PAIRS", 5),
        (near, "_HELD", 700),
        (families, "_HELD", 700),
    ]:
        monkeypatch.setattr(where, name, value)
    again = World.of(tmp_path, planted(1))
    assert again.matched.pairs.equals(world.matched.pairs)
    assert again.families.similarity.tolist() == world.families.similarity.tolist()
    assert {k: v for k, v in again.counters.items() if k != "folder"} == {k: v for k, v in world.counters.items() if k != "folder"}


def test_the_result_does_not_depend_on_threads(tmp_path: Path, world: World) -> None:
    written = []
    for threads in (1, 3):
        folder = tmp_path / str(threads)
        folder.mkdir()
        counters = module.match(world.index, folder, SETTINGS, threads)
        written.append((counters, {path.name: path.read_bytes() for path in folder.iterdir()}))
    assert written[0] == written[1]
    assert {"classes.npy", "first.npy", "pairs.arrow"} <= written[0][1].keys()


@pytest.mark.parametrize("target", ["hans", "hant-tw", "keep"])
def test_texts_read_again_are_those_that_were_sketched(tmp_path: Path, target: str) -> None:
    """Whatever the published script is: shingles are made from them, and signatures were."""
    village = "海邊的漁民們在碼頭上修補漁網，孩子們圍著聽他們講從前的風浪，說到緊要處誰也不肯先回家吃飯。"
    sources = {"a.txt": village, "b.txt": PROSE, "c.txt": f"{PROSE}\n\n{village}，\n\nＧＰＴ－４ 的 價格", **planted(2, 90)}
    world = World.of(tmp_path, sources, script={"target": target}, publish={"part_bytes": 1 << 16})
    assert len(world.parts) > 1
    for gids in (np.arange(len(world.texts)), np.arange(0, len(world.texts), 3), np.empty(0, np.int64)):
        sketch = Sketcher(SETTINGS).sketch(world.index.texts(gids), np.ones(len(gids), np.bool_))
        assert sketch.fold.tolist() == world.index.column("match", "fold")[gids].tolist()
        assert sketch.long.tolist() == world.index.flags("match", "long")[gids].tolist()
    texts = world.index.texts(np.arange(len(world.texts)))
    assert village in [texts[i] for i in range(len(texts))]


def test_stated_estimates_are_shares_of_equal_values(world: World) -> None:
    for row in world.pairs:
        left, right = (naive_sketch.signature(naive_sketch.sketch(row[side], SETTINGS).shingles, SETTINGS) for side in ("left", "right"))
        assert row["estimate"] == pytest.approx(np.mean(np.equal(left, right)), abs=6e-5)


def test_seventy_thousand_equal_passages_are_one_class(tmp_path: Path) -> None:
    import json

    rows = "".join(json.dumps({"text": PROSE}, ensure_ascii=False) + "\n" for _ in range(70_000))
    world = World.of(tmp_path, {"all.jsonl": rows})
    assert world.counters["candidates"] == 0
    assert len(world.pairs) == 0
    reasons = np.bincount(world.verdicts.reason)
    assert reasons[0] == 1
    assert reasons.sum() == 70_000
    assert set(np.unique(world.verdicts.twin)) == {-1, 0}


@pytest.mark.parametrize(
    "sources",
    [
        {},
        {"a.txt": ""},
        {"a.txt": "\n \n"},
        {"a.txt": "好"},
        {"a.txt": "***\n\n***"},
        {"a.txt": PROSE},
        {"bad.bin": b"\xff\xfe\x00\x01\x02"},
    ],
    ids=["none", "empty", "blank", "a character", "separators", "one passage", "unreadable"],
)
def test_corpora_of_next_to_nothing_pass_through(tmp_path: Path, sources: dict[str, str | bytes]) -> None:
    world = World.of(tmp_path, sources)
    assert world.pairs == []
    assert all(reason == "kept" for _, _, reason in world.said)
    assert len(world.families.first) == 0 or "***" in world.texts
    for name in ("pairs", "clusters", "families", "occurrences", "blocks", "templates"):
        assert world.spanning(name) == []
    assert len(world.tables["passages"]) == len(world.texts)
