"""The search for families gives what its written definition gives, kernel by kernel and as a whole."""

from __future__ import annotations

import itertools
from collections import Counter

import naive_claims
import naive_families as naive
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import families
from tasks.kernels import families as kernel
from tasks.occurrences import Passages
from tasks.store.text import F32Array, I64Array

SHORT = 12
rows = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 5)), max_size=40).map(lambda x: sorted(x, key=lambda row: row[0]))


def arrays(found: list[tuple[int, int]]) -> tuple[I64Array, I64Array]:
    doc, label = np.array(found, np.int64).reshape(-1, 2).T
    return np.ascontiguousarray(doc), np.ascontiguousarray(label)


@settings(deadline=None, max_examples=200)
@given(rows)
def test_pairs_that_stand_close_are_those_of_the_definition(found: list[tuple[int, int]]) -> None:
    doc, label = arrays(found)
    out = np.empty((3 * len(doc) + 1, 2), np.int64)
    count = kernel.follow_pairs(doc, label, label >= 0, naive.GAP, out)
    assert Counter(map(tuple, out[:count].tolist())) == naive.follow_pairs(doc.tolist(), label.tolist())


@settings(deadline=None, max_examples=200)
@given(rows)
def test_labels_that_stand_together_are_groups(found: list[tuple[int, int]]) -> None:
    doc, label = arrays(found)
    assert families.groups(doc, label).tolist() == naive.groups(doc.tolist(), label.tolist())


@settings(deadline=None, max_examples=200)
@given(rows)
def test_runs_and_where_they_are_cut_are_those_of_the_definition(found: list[tuple[int, int]]) -> None:
    doc, label = arrays(found)
    group = np.where(label < 0, -1, label // 2)
    first, last, owner, distinct = np.empty((4, len(doc)), np.int64)
    count = kernel.runs(doc, group, naive.GAP, first, last, owner)
    expected = naive.runs(doc.tolist(), group.tolist())
    assert sorted(zip(owner[:count].tolist(), first[:count].tolist(), last[:count].tolist(), strict=True)) == [
        (g, own[0], own[-1]) for g, own in expected
    ]
    cut = np.empty((3, len(doc)), np.int64)
    pieces = kernel.cut_repeats(first[:count], last[:count], owner[:count], group, label, naive.TOGETHER, cut[0], cut[1], cut[2], distinct)
    assert sorted(zip(*cut[:, :pieces].tolist(), distinct[:pieces].tolist(), strict=True)) == sorted(
        (piece[0], piece[-1], g, len({label[p] for p in piece})) for g, own in expected for piece in naive.cut_repeats(own, label.tolist())
    )


sets = st.lists(st.lists(st.integers(0, 30), max_size=12).map(lambda x: sorted(set(x))), min_size=1, max_size=8)


def packed(values: list[list[int]]) -> tuple[npt.NDArray[np.uint64], I64Array]:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in values])]).astype(np.int64)
    return np.array([x for row in values for x in row], np.uint64), offsets


@settings(deadline=None, max_examples=200)
@given(sets, st.data())
def test_similarity_is_the_exact_jaccard(values: list[list[int]], data: st.DataObject) -> None:
    side = st.lists(st.integers(0, len(values) - 1), min_size=5, max_size=5)
    left, right = data.draw(side), data.draw(side)
    got = kernel.jaccard(*packed(values), np.array(left), np.array(right))
    for value, a, b in zip(got.tolist(), left, right, strict=True):
        common, all_ = len(set(values[a]) & set(values[b])), len(set(values[a]) | set(values[b]))
        assert value == pytest.approx(common / all_ if all_ else 0.0)


@settings(deadline=None, max_examples=200)
@given(sets, st.data())
def test_similarity_of_runs_is_that_of_their_joined_shingles(values: list[list[int]], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=3)))
    bounds = [0, *cuts, len(values)]
    side = st.lists(st.integers(0, len(bounds) - 2), min_size=5, max_size=5)
    left, right = data.draw(side), data.draw(side)
    joined = [{x for row in values[a:b] for x in row} for a, b in itertools.pairwise(bounds)]
    got = kernel.joined_jaccard(*packed(values), np.array(bounds), np.array(left), np.array(right), sum(map(len, values)))
    for value, a, b in zip(got.tolist(), left, right, strict=True):
        assert value == pytest.approx(len(joined[a] & joined[b]) / len(joined[a] | joined[b]) if joined[a] | joined[b] else 1.0)


def test_runs_of_equal_classes_have_equal_digests() -> None:
    classes = np.array([5, 6, 9, 5, 6, 6, 5], np.int64)
    family_of = np.array([0, 0, -1, 0, 0, 0, 0], np.int64)
    digests = kernel.sequence_digests(np.array([0, 3, 5]), np.array([2, 4, 6]), np.zeros(3, np.int64), family_of, classes)
    assert digests[0] == digests[1] != digests[2]


@st.composite
def worlds(draw: st.DrawFn) -> naive.World:
    """Documents with changed copies of a block; every content in two wordings, near or not; some alike by chance."""
    contents = draw(st.integers(2, 9))
    every = {"min_size": 2 * contents, "max_size": 2 * contents}
    tokens = draw(st.lists(st.sampled_from([0, 3, 8, 20, 21]), **every))
    plain = draw(st.lists(st.integers(0, 2 * contents), **every))
    chance = draw(st.lists(st.tuples(*[st.integers(0, 2 * contents - 1)] * 2), max_size=6))
    like = {(a, b): 0.25 for a, b in chance if a != b}
    like |= {(2 * x, 2 * x + 1): draw(st.sampled_from([0.1, 0.3, 0.6])) for x in range(contents)}
    block = draw(st.lists(st.integers(0, contents - 1), min_size=1, max_size=8))
    wording = st.integers(0, 1)
    doc: list[int] = []
    classes: list[int] = []
    for d in range(draw(st.integers(1, 6))):
        row = [2 * x + draw(wording) for x in block]
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(row)))
            if draw(st.booleans()):
                row.insert(at, draw(st.integers(-1, 2 * contents - 1)))
            elif at < len(row) > 1:
                row.pop(at)
        row = row * draw(st.integers(1, 2)) if draw(st.booleans()) else draw(st.lists(st.integers(-1, 2 * contents - 1), max_size=8))
        doc += [d] * len(row)
        classes += row
    known = [c if c >= 0 else None for c in classes]
    return naive.World(
        doc,
        classes,
        [-1 if c is None else c // 2 * 2 for c in known],
        [0 if c is None else tokens[c] for c in known],
        [100 if c is None else 1000 + plain[c] for c in known],
        draw(st.permutations(range(len(doc)))),
        like,
    )


def passages(world: naive.World) -> Passages:
    doc, classes, label, tokens, rank = (np.array(x, np.int64) for x in (world.doc, world.classes, world.label, world.tokens, world.rank))
    return Passages(doc, classes, label, families.groups(doc, label), tokens, np.array(world.plain, np.uint64), rank)


def gathered(world: naive.World) -> list[tuple[int, list[int]]]:
    """(first passage of its exemplar, its passages) of every occurrence."""

    def similar(left: I64Array, right: I64Array) -> F32Array:
        return np.array([world.similar(p, x) for p, x in zip(left.tolist(), right.tolist(), strict=True)], np.float32)

    first, last, exemplar, home = families.gather(passages(world), similar, SHORT)
    order = np.argsort(home, kind="stable")
    own = [row.tolist() for row in np.split(order, np.searchsorted(home[order], np.arange(len(first))))[1:]]
    assert [(row[0], row[-1]) for row in own] == list(zip(first.tolist(), last.tolist(), strict=True))
    return sorted((int(first[e]), row) for e, row in zip(exemplar.tolist(), own, strict=True))


@settings(deadline=None, max_examples=400)
@given(worlds())
def test_families_are_those_of_the_definition(world: naive.World) -> None:
    assert gathered(world) == naive_claims.families(world, SHORT)


@settings(deadline=None, max_examples=200)
@given(worlds())
def test_every_family_has_two_occurrences_that_do_not_overlap(world: naive.World) -> None:
    found = gathered(world)
    assert all(count >= 2 for count in Counter(e for e, _ in found).values())
    assert max(Counter(p for _, own in found for p in own).values(), default=1) == 1
    for e, own in found:
        assert {world.doc[p] for p in own} == {world.doc[own[0]]}
        assert not any(f == e and other is not own and other[0] <= own[-1] and own[0] <= other[-1] for f, other in found)


def flood(block: int, copies: int, filler: int) -> naive.World:
    """Documents of `filler` passages of their own and a block."""
    row = [*range(block)]
    classes = [c for d in range(copies) for c in [*(block + d * filler + k for k in range(filler)), *row]]
    n = len(classes)
    doc = [d for d in range(copies) for _ in range(block + filler)]
    return naive.World(doc, classes, classes, [20] * n, [1000 + c for c in classes], list(range(n)), {})


@pytest.mark.parametrize(("block", "copies", "filler"), [(40, 2_000, 2), (1, 20_000, 1), (1, 50_000, 0)])
def test_a_flood_is_one_family(block: int, copies: int, filler: int) -> None:
    found = gathered(flood(block, copies, filler))
    assert len(found) == copies
    assert {e for e, _ in found} == {filler}
    assert {len(own) for _, own in found} == {block}
