"""The first pass keeps of each passage what its slow twin says, whatever stands beside it and was sketched before."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import naive_sketch as naive
import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import HAN, edited, paragraph
from mixed_text import MIXED
from naive_buckets import bitmap

from tasks import sketch as module
from tasks.kernels import sketch as kernel
from tasks.kernels.buckets import bitmaps
from tasks.minhash import detection_probability, sign
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.sketch import CharacterSketcher, Sketch, Sketcher, blocks
from tasks.store.text import Texts

SETTINGS = Matching()
EASY = Matching(min_tokens=3, min_shingles=2)


def sketched(rows: list[str], matching: Matching, able: list[bool] | None = None, **more: Any) -> Sketch:
    chosen = np.array([True] * len(rows) if able is None else able, np.bool_)
    return Sketcher(matching, **more).sketch(Texts.of(rows), chosen)


def whole(sketch: Sketch) -> tuple[list[Any], ...]:
    """All of a sketch, to be compared with another."""
    return (
        sketch.fold.tolist(),
        sketch.plain.tolist(),
        sketch.tokens.tolist(),
        sketch.long.tolist(),
        sketch.signatures.tolist(),
        sketch.bands.tolist(),
        sketch.counts.tolist(),
        sketch.bits.tolist(),
        sketch.anchors[0].tolist(),
        sketch.anchors[1].tolist(),
    )


def same_where(keys: list[Any], digests: list[int]) -> bool:
    """Whether digests are equal exactly where the keys are."""
    return len(set(keys)) == len(set(digests)) == len(set(zip(keys, digests, strict=True)))


# ---- kernel = twin -------------------------------------------------------------------------------------------------------


def agrees(rows: list[str], able: list[bool], matching: Matching) -> None:
    mine = sketched(rows, matching, able)
    twins = [naive.sketch(row, matching) for row in rows]
    assert mine.tokens.tolist() == [twin.tokens for twin in twins]
    assert mine.long.tolist() == [twin.long(matching) for twin in twins]
    assert same_where([twin.fold for twin in twins], mine.fold.tolist())
    assert same_where([twin.plain for twin in twins], mine.plain.tolist())
    assert [digest == 0 for digest in mine.fold.tolist()] == [not row for row in rows]
    signed = [twin if can and twin.long(matching) else None for twin, can in zip(twins, able, strict=True)]
    assert mine.signatures.dtype == np.uint32
    assert mine.signatures.tolist() == [naive.signature(twin.shingles, matching) for twin in signed if twin]
    assert mine.bands.shape == (matching.bands, len(mine.signatures))
    for band, keys in enumerate(mine.bands.tolist()):
        assert same_where([tuple(row[band * matching.rows : (band + 1) * matching.rows]) for row in mine.signatures.tolist()], keys)
    assert mine.counts.tolist() == [len(twin.shingles) for twin in signed if twin]
    assert [set_bits(row) for row in mine.bits.tolist()] == [bitmap(set(twin.shingles)) for twin in signed if twin]
    values, offsets = mine.anchors
    assert [values[a:b].tolist() for a, b in itertools.pairwise(offsets)] == [twin.anchors if twin else [] for twin in signed]
    assert offsets[-1] == len(values)


def set_bits(words: list[int]) -> set[int]:
    return {64 * w + b for w, word in enumerate(words) for b in range(64) if word >> b & 1}


ABLE = st.integers(0, 2**8 - 1).map(lambda bits: [bool(bits >> i & 1) for i in range(8)])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(MIXED, st.text("山水人家天地一二ab1 ，", max_size=80)), max_size=8), ABLE)
def test_sketches_are_those_of_the_twin(rows: list[str], able: list[bool]) -> None:
    rows = [row.encode("utf-8", "replace").decode() for row in rows]
    agrees(rows, able[: len(rows)], EASY)


SHAPES: list[dict[str, int]] = [
    {},
    {"han_shingle": 5, "letter_shingle": 5},
    {"han_shingle": 2, "letter_shingle": 7, "bands": 64, "rows": 2},
    {"han_shingle": 1, "letter_shingle": 1, "bands": 128, "rows": 1},
    {"han_shingle": 4, "letter_shingle": 3, "bands": 8, "rows": 16, "seed": 9},
    {"bands": 25, "rows": 5, "seed": 2**31},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sketches_are_those_of_the_twin_with_other_settings(shape: dict[str, int]) -> None:
    rng = np.random.default_rng(11)
    rows = [paragraph(rng, size) for size in (20, 60, 61, 100, 200)]
    rows += [edited(rng, row, 0.05) for row in rows]
    rows += [
        "the quiet harbour keeps its lamps lit for boats that come home late",
        "使用 click 实现 GPT-4 的命令行，详见 https://example.org/a 。",
    ]
    rows += [rows[0].replace("。", "，"), rows[0] + "第3期", rows[0] + "第4期", "", "***", "🎉", "* * *", "好"]
    agrees(rows, [i % 7 != 3 for i in range(len(rows))], Matching(**shape))


def test_the_library_gives_the_same_signature_for_any_shingles() -> None:
    rng = np.random.default_rng(5)
    for size in (1, 2, 7, 8, 9, 15, 16, 17, 1000):
        values = rng.integers(0, 2**64, size, np.uint64)
        (mine,) = sign(values, np.array([0, size]), SETTINGS)
        assert mine.tolist() == naive.signature(values.tolist(), SETTINGS)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sets(st.integers(0, 2**64 - 1), min_size=1, max_size=60), min_size=1, max_size=4), st.integers(0, 2**31))
def test_signatures_are_those_of_datasketch(rows: list[set[int]], seed: int) -> None:
    values, offsets = columns([sorted(row) for row in rows])
    ours = sign(values, offsets, SETTINGS.model_copy(update={"seed": seed}))
    for row, mine in zip(rows, ours, strict=True):
        theirs = MinHash(num_perm=128, seed=seed, scheme="affine32", hashfunc=lambda shingle: int.from_bytes(shingle, "big") >> 32)
        theirs.update_batch([shingle.to_bytes(8, "big") for shingle in row])
        assert mine.tolist() == theirs.hashvalues.tolist()


def columns(rows: list[list[int]]) -> tuple[Any, Any]:
    return np.array([x for row in rows for x in sorted(row)], np.uint64), np.cumsum([0, *map(len, rows)]).astype(np.int64)


# ---- bands ---------------------------------------------------------------------------------------------------------------


def band_keys(signatures: Any, matching: Matching) -> Any:
    """(bands, n) uint64."""
    keys = np.empty((matching.bands, len(signatures)), np.uint64)
    kernel.band_keys(signatures, len(signatures), matching.bands, matching.rows, keys)
    return keys


@pytest.mark.parametrize(("bands", "rows"), [(32, 4), (128, 1), (42, 3), (64, 2), (25, 5), (8, 16)])
def test_bands_are_equal_exactly_where_their_rows_are(bands: int, rows: int) -> None:
    rng = np.random.default_rng(5)
    signatures = rng.integers(0, 3, (300, 128), np.uint32)  # few values, so that bands coincide often
    for band, keys in enumerate(band_keys(signatures, Matching(bands=bands, rows=rows)).tolist()):
        assert same_where([tuple(row) for row in signatures[:, band * rows : (band + 1) * rows].tolist()], keys)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 16])
def test_the_order_of_the_rows_of_a_band_counts_and_each_band_has_keys_of_its_own(rows: int) -> None:
    bands = 128 // rows
    alike = band_keys(np.full((1, 128), 7, np.uint32), Matching(bands=bands, rows=rows))
    assert len(set(alike[:, 0].tolist())) == bands
    orders = list(itertools.islice(itertools.permutations(range(rows)), 100))
    keys = band_keys(np.tile(np.array(orders, np.uint32), bands), Matching(bands=bands, rows=rows))
    assert all(len(set(band)) == len(orders) for band in keys.tolist())


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
    keys = band_keys(sign(values, offsets, SETTINGS), SETTINGS)
    found = (keys[:, 0::2] == keys[:, 1::2]).any(axis=0).mean()
    expected = detection_probability(common / (2 * size - common), SETTINGS)
    assert abs(found - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5 + 0.005


# ---- how long is long ----------------------------------------------------------------------------------------------------

FEW = HAN[:11]


@pytest.mark.parametrize(
    ("text", "long"),
    [
        (HAN[:12], True),
        (HAN[:11], False),
        (HAN[:11] + "，。！", False),
        ("abcdefghijklmnopqrst", True),  # twenty letters are twelve tokens
        ("abcdefghijklmnopqrs", True),  # and so are nineteen, rounded up: 57 fifths
        ("abcdefghijklmnopqr", False),
        ("a b c d e f g h i j", True),  # spaces between words count as letters
        (HAN[:11] + "GPT-4", True),  # a slot is one token
        (HAN[:7] * 5000, False),  # seven different shingles
        (HAN[:8] * 5000, True),
        (HAN[:8] + HAN[:2], False),  # eight different shingles, and too few tokens
        (HAN[:8] + HAN[:4], True),
        ("哈" * 5000, False),
        ("哈哈哈" + HAN[:6] + "哈" * 5000, True),
        ("哈" * 5000 + HAN[:4], False),
        ("哈" * 5000 + HAN[:5], False),
        ("哈" * 5000 + HAN[:7], True),
        ("哈 " * 5000, False),
        ("ha" * 5000, False),
        ("", False),
    ],
)
def test_long_is_tokens_and_different_shingles(text: str, long: bool) -> None:
    assert naive.sketch(text[:9000], SETTINGS).long(SETTINGS) == long
    sketch = sketched([text], SETTINGS)
    assert sketch.long.tolist() == [long]
    assert len(sketch.signatures) == long


@pytest.mark.parametrize(("tokens", "shingles"), [(1, 1), (12, 8), (12, 1), (40, 30), (2, 100)])
def test_the_bounds_of_long_are_those_of_the_settings(tokens: int, shingles: int) -> None:
    matching = Matching(min_tokens=tokens, min_shingles=shingles)
    rows = [HAN[:size] for size in range(0, len(HAN) + 1, 1)] + [(HAN[:size] * 60)[:200] for size in range(1, len(HAN), 7)]
    assert sketched(rows, matching).long.tolist() == [naive.sketch(row, matching).long(matching) for row in rows]


def test_repetition_changes_the_signature_in_nothing() -> None:
    verse = HAN[:30]
    one = sketched([verse + verse[:2]], SETTINGS)
    many = sketched([verse * 100 + verse[:2]], SETTINGS)
    assert one.signatures.tolist() == many.signatures.tolist()
    assert one.fold[0] != many.fold[0]


# ---- what a sketch does not depend on -------------------------------------------------------------------------------------


def corpus() -> list[str]:
    rng = np.random.default_rng(3)
    rows = [paragraph(rng, int(size)) for size in rng.integers(1, 300, 40)]
    rows[5:5] = ["", "", "***", "好", "ﬁne ﬁsh and 25℃", "㈱" * 40]
    rows += ["", paragraph(rng, 3000), "", "a", "the harbour " * 400, "", ""]
    return rows + [""] * 70


@pytest.mark.parametrize("block", [32, 100, 200, 1 << 10])
def test_sketches_do_not_depend_on_how_rows_fall_into_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = corpus()
    able = [i % 5 != 0 for i in range(len(rows))]
    expected = whole(sketched(rows, SETTINGS, able))
    standing = Sketcher(SETTINGS)  # whose buffers are larger than the blocks
    monkeypatch.setattr(module, "BLOCK", block)
    assert len(list(blocks(Texts.of(rows).offsets, block))) > 1
    assert whole(sketched(rows, SETTINGS, able)) == expected
    assert whole(standing.sketch(Texts.of(rows), np.array(able))) == expected


def test_a_row_is_sketched_the_same_alone_and_among_others() -> None:
    rows = corpus()
    together = sketched(rows, SETTINGS)
    alone = [sketched([row], SETTINGS) for row in rows]
    assert together.fold.tolist() == [int(one.fold[0]) for one in alone]
    assert together.plain.tolist() == [int(one.plain[0]) for one in alone]
    assert together.long.tolist() == [bool(one.long[0]) for one in alone]
    assert together.signatures.tolist() == [row for one in alone for row in one.signatures.tolist()]
    assert together.bands.T.tolist() == [row for one in alone for row in one.bands.T.tolist()]
    assert together.anchors[0].tolist() == [value for one in alone for value in one.anchors[0].tolist()]
    assert np.diff(together.anchors[1]).tolist() == [len(one.anchors[0]) for one in alone]


def test_a_sketch_does_not_depend_on_what_was_sketched_before_nor_change_afterwards() -> None:
    rows = corpus()
    sketcher = Sketcher(SETTINGS)
    columns = [rows, ["x"], ["㈱" * 50_000 + rows[0]], [], [""], rows[::-1], [rows[1] * 400, *rows], rows]
    fresh = [whole(sketched(column, SETTINGS)) for column in columns]
    used = [sketcher.sketch(Texts.of(column), np.ones(len(column), np.bool_)) for column in columns]
    assert [whole(one) for one in used] == fresh


@pytest.mark.parametrize("rows", [[], [""], ["", "", ""], ["，"], [""] * 5000], ids=lambda rows: str(len(rows)))
def test_columns_of_next_to_nothing_have_a_sketch(rows: list[str]) -> None:
    sketch = sketched(rows, SETTINGS)
    assert len(sketch.fold) == len(sketch.plain) == len(sketch.tokens) == len(sketch.long) == len(rows)
    assert sketch.signatures.shape == (0, 128)
    assert sketch.bands.shape == (32, 0)
    assert sketch.anchors[1].tolist() == [0] * (len(rows) + 1)


@pytest.mark.parametrize("part", [lambda texts: texts, lambda texts: Texts(texts.chars, texts.offsets[20:41])], ids=["whole", "slice"])
def test_blocks_are_all_rows_in_order_and_none_is_empty(part: Callable[[Texts], Texts]) -> None:
    texts = part(Texts.of(corpus()))
    for block in (32, 100, 1 << 15):
        cuts = list(blocks(texts.offsets, block))
        assert [row for first, last in cuts for row in range(first, last)] == list(range(len(texts)))
        assert all(first < last for first, last in cuts)
        longest = int(texts.lengths.max())
        assert all(texts.offsets[last] - texts.offsets[first] < block + longest for first, last in cuts)


def test_only_what_is_asked_for_is_kept() -> None:
    rows = corpus()
    every = sketched(rows, SETTINGS)
    lean = sketched(rows, SETTINGS, signatures=False, anchors=False)
    assert lean.signatures.shape == (0, 128)
    assert len(lean.anchors[0]) == 0
    assert lean.anchors[1].tolist() == [0] * (len(rows) + 1)
    assert lean.bands.tolist() == every.bands.tolist()
    assert lean.fold.tolist() == every.fold.tolist()
    none = sketched(rows, SETTINGS, [False] * len(rows))
    assert none.long.tolist() == every.long.tolist()
    assert none.bands.shape == (32, 0)


# ---- the form of other tools -------------------------------------------------------------------------------------------------

PEERS = Matching(han_shingle=5, letter_shingle=5, min_tokens=5, min_shingles=1)


def in_characters(rows: list[str], matching: Matching, column: Any = None) -> Sketch:
    return CharacterSketcher(matching).sketch_strings(pa.array(rows, pa.string()) if column is None else column)


def agrees_in_characters(rows: list[str], matching: Matching, sketch: Sketch) -> None:
    """Every character after NFKC and casefold counts, and no white space; signatures and bitmaps are those of the same shingles."""
    chars = [naive.characters(row) for row in rows]
    size = matching.han_shingle
    assert sketch.tokens.tolist() == [len(row) for row in chars]
    assert same_where([tuple(c) or bool(row) for c, row in zip(chars, rows, strict=True)], sketch.fold.tolist())
    assert [digest == 0 for digest in sketch.fold.tolist()] == [not row for row in rows]
    long = [
        len(c) >= matching.min_tokens and len(naive.grams(row, size)) >= matching.min_shingles for c, row in zip(chars, rows, strict=True)
    ]
    assert sketch.long.tolist() == long
    signed = Texts.of([row for row, chosen in zip(rows, long, strict=True) if chosen])
    assert sketch.counts.tolist() == [len(c) - size + 1 for c, chosen in zip(chars, long, strict=True) if chosen]
    values, offsets = shingle_sets(signed, matching, "characters")
    assert sketch.bands.tolist() == band_keys(sign(values, offsets, matching), matching).tolist()
    assert sketch.bits.tolist() == bitmaps(values, offsets).tolist()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(MIXED, st.text(max_size=60), st.text("山水 　a…ßﷺ㈱é\U00020000", max_size=60)), max_size=8))
def test_in_the_form_of_other_tools_every_character_is_a_token(rows: list[str]) -> None:
    rows = [row.encode("utf-8", "replace").decode() for row in rows]
    agrees_in_characters(rows, PEERS, in_characters(rows, PEERS))


def test_passages_of_every_length_are_sketched_in_the_form_of_other_tools() -> None:
    rows = [*corpus(), "若 a < b，<p>", "若a<b,<P>", " ", "", "\ufdfa" * 3000, HAN * 3000, HAN * 3000 + "a", *("a" * n for n in range(130))]
    expected = in_characters(rows, PEERS)
    agrees_in_characters(rows, PEERS, expected)
    standing = CharacterSketcher(PEERS)
    for column in (
        pa.array(["x", *rows]).slice(1),
        pa.array(rows, pa.large_string()),
        pa.array([row or None for row in rows], pa.string()),
    ):
        assert whole(standing.sketch_strings(column)) == whole(expected)
