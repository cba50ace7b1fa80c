"""Matching finds what brute force over plain sets finds, and states exactly how similar it is."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import naive_matching as naive
import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import World, edited, paragraph, sentence

from tasks.exact import jaccard
from tasks.kernels import match as kernel
from tasks.match import A_IN_B, B_IN_A, CONTAINED, EDITED, SLOT_KIND, grouped
from tasks.minhash import band_keys, detection_probability, sign
from tasks.settings import Matching
from tasks.store.text import Texts

SETTINGS = Matching()


def columns(rows: list[list[int]]) -> tuple[Any, Any]:
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return np.array([x for row in rows for x in sorted(row)], np.uint64), offsets


# ---- signatures ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sets(st.integers(0, 2**64 - 1), min_size=1, max_size=60), min_size=1, max_size=4), st.integers(0, 2**31))
def test_signatures_are_those_of_datasketch(rows: list[set[int]], seed: int) -> None:
    values, offsets = columns([sorted(row) for row in rows])
    ours = sign(values, offsets, np.arange(len(rows)), SETTINGS.model_copy(update={"seed": seed}))
    for row, mine in zip(rows, ours, strict=True):
        theirs = MinHash(num_perm=128, seed=seed, scheme="affine32", hashfunc=lambda shingle: int.from_bytes(shingle, "big") >> 32)
        theirs.update_batch([shingle.to_bytes(8, "big") for shingle in row])
        assert mine.tolist() == theirs.hashvalues.tolist()


def test_bands_are_equal_exactly_where_their_rows_are() -> None:
    rng = np.random.default_rng(5)
    signatures = rng.integers(0, 3, (300, 128), np.uint32)  # few values, so that bands coincide often
    keys = band_keys(signatures, SETTINGS)
    for band in range(SETTINGS.bands):
        rows = [tuple(row) for row in signatures[:, band * 4 : band * 4 + 4].tolist()]
        assert len(set(rows)) == len(set(keys[band].tolist())) == len(set(zip(rows, keys[band].tolist(), strict=True)))


@pytest.mark.parametrize("similarity", [0.4, 0.5, 0.6, 0.7])
def test_detection_is_as_probable_as_stated(similarity: float) -> None:
    rng = np.random.default_rng(7)
    size, trials = 140, 400
    common = round(similarity * 2 * size / (1 + similarity))
    rows: list[list[int]] = []
    for _ in range(trials):
        pool = rng.integers(0, 2**64, 2 * size - common, np.uint64).tolist()
        rows += [pool[:size], pool[size - common :]]
    values, offsets = columns(rows)
    keys = band_keys(sign(values, offsets, np.arange(len(rows)), SETTINGS), SETTINGS)
    found = (keys[:, 0::2] == keys[:, 1::2]).any(axis=0).mean()
    expected = detection_probability(common / (2 * size - common), SETTINGS)
    assert abs(found - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5 + 0.005


# ---- candidates ----------------------------------------------------------------------------------------------------------

KEYS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30)), max_size=60, unique=True)


def buckets(keys: list[tuple[int, int]], cap: int, ratio: float = 0.0) -> tuple[list[tuple[int, int]], int, int]:
    values = np.array([k for k, _ in keys], np.uint64)
    owners = np.array([m for _, m in keys], np.int64)
    out = np.empty((10_000, 2), np.int32)
    sizes = np.arange(1, 100, dtype=np.int32)
    count, hot, members = kernel.bucket_pairs(*grouped(values, owners), sizes, cap, ratio, out, 0)
    return [tuple(row) for row in out[:count].tolist()], hot, members


@settings(deadline=None)
@given(KEYS)
def test_all_members_of_a_bucket_are_paired(keys: list[tuple[int, int]]) -> None:
    pairs, hot, _ = buckets(keys, 1000)
    groups = [sorted(m for k, m in keys if k == key) for key in range(7)]
    assert sorted(pairs) == sorted(p for group in groups for p in itertools.combinations(group, 2))
    assert hot == 0


@settings(deadline=None)
@given(KEYS, st.integers(2, 6))
def test_a_bucket_over_the_cap_still_links_every_member(keys: list[tuple[int, int]], cap: int) -> None:
    pairs, hot, members = buckets(keys, cap)
    groups = [sorted(m for k, m in keys if k == key) for key in range(7)]
    over = [group for group in groups if len(group) > cap]
    assert (hot, members) == (len(over), sum(map(len, over)))
    expected = [p for group in groups if len(group) <= cap for p in itertools.combinations(group, 2)]
    for group in over:
        expected += {(group[x], group[y]) for y in range(1, len(group)) for x in (0, y - 1)}
    assert sorted(pairs) == sorted(expected)  # each once: a pair that is counted twice would pass for two shared anchors


def test_pairs_whose_sizes_rule_them_out_are_left_out_exactly() -> None:
    assert buckets([(1, 4), (1, 9)], 10, 0.5)[0] == [(4, 9)]  # 5 and 10 shingles can reach 0.5
    assert buckets([(1, 3), (1, 9)], 10, 0.5)[0] == []
    assert buckets([(1, 10), (1, 19)], 10, 0.55)[0] == [(10, 19)]  # 11 / 20, which floating point puts a hair under


@settings(deadline=None, max_examples=200)
@given(st.sets(st.integers(0, 80)), st.sets(st.integers(0, 80)), st.integers(0, 60))
def test_intersections_are_exact_or_known_to_be_too_small(a: set[int], b: set[int], floor: int) -> None:
    scattered = [[(x * 0x9E3779B97F4A7C15) % 2**64 for x in side] for side in (a, b)]
    values, offsets = columns(scattered)
    need = np.array([floor], np.int32)
    common = kernel.intersections(values, offsets, kernel.bitmaps(values, offsets), np.array([0]), np.array([1]), need)[0]
    assert common == len(a & b) or (common < floor and len(a & b) < floor)


@settings(deadline=None, max_examples=150)
@given(st.text("山水人家天地ab 1，", max_size=60), st.text("山水人家天地ab 1，", max_size=60))
def test_exact_similarity_is_that_of_the_naive_sets_and_symmetric(a: str, b: str) -> None:
    one, other = jaccard(Texts.of([a, b]), Texts.of([b, a]), SETTINGS).tolist()
    assert one == other == pytest.approx(naive.jaccard(a, b), abs=6e-5)
    assert 0 <= one <= 1


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


def test_a_removal_is_allowed_by_similarity_or_containment_length_and_slots_only(world: World) -> None:
    found = 0
    for row in world.pairs:
        left, right = row["left"], row["right"]
        short, long = sorted((naive.tokens(left), naive.tokens(right)))
        able = naive.jaccard(left, right) >= SETTINGS.remove_threshold and short >= 0.5 * long
        differs = naive.without_numbers(left) != naive.without_numbers(right)
        within = False
        for small, large, flag, side in ((right, left, "b_for_a", B_IN_A), (left, right, "a_for_b", A_IN_B)):
            inside = not (able and differs) and naive.tokens(small) >= SETTINGS.min_contained_tokens and naive.stands_in(small, large)
            assert row[flag] == (differs and (able or inside) and naive.slots(small) <= naive.slots(large)), (small, large)
            assert (row["within"] == side) == (differs and inside and naive.slots(small) <= naive.slots(large)), (small, large)
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
    row = two(tmp_path, PROSE + lost + "。", PROSE + "好啊。")
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
