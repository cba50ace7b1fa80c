"""The character language model: against its slow twin, as a distribution, and what it must and must not see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_language_model import NaiveModel

from tasks.kernels import ngrams as kernel
from tasks.language_model import LanguageModel, discounts, train
from tasks.store.text import Texts

LINES = [
    "淘金的人把沙子舀进浅盘，在水里轻轻摇晃。",
    "轻的沙子随水流走，重的金粒留在盘底。",
    "淘金的人在水里摇晃浅盘，金粒留在盘底。",
    "Gold sinks, sand floats: pan in 1849, pan in 1851.",
    "The pan is older than the mine.",
]
rows = st.lists(st.text("淘沙金粒盘ab 12，\n", max_size=12), min_size=1, max_size=8)
#: A stored logarithm is at most half a step away; so many meet in one character.
HALF = kernel.PROBABILITY_STEP / 2 + 8 * kernel.BACKOFF_STEP / 2


@settings(deadline=None, max_examples=150)
@given(rows, rows, st.integers(2, 6), st.sampled_from([(1,), (1, 1, 2), (1, 2), (2,), (3, 1)]))
def test_surprise_is_that_of_the_slow_twin_up_to_the_stored_steps(
    seen: list[str], asked: list[str], order: int, least: tuple[int, ...]
) -> None:
    model, naive = train(Texts.of(seen), order=order, min_counts=least), NaiveModel(seen, order, least)
    bits, shocks = model.score(Texts.of([*asked, *seen]))
    for i, row in enumerate([*asked, *seen]):
        costs = naive.costs(row)
        assert bits[i] == pytest.approx(sum(costs) / len(costs), abs=HALF)
        sure, perhaps = (sum(cost > kernel.SHOCK + shift for cost in costs[:-1]) for shift in (HALF, -HALF))
        assert sure <= round(shocks[i] * len(row)) <= perhaps


def test_a_model_of_one_row_is_surprised_by_everything_else() -> None:
    model = train(Texts.of([LINES[0]]))
    bits, _ = model.score(Texts.of([LINES[0], "完全没有见过", ""]))
    assert bits[0] < 1 < bits[1]


def test_what_was_never_seen_is_a_shock_in_a_text_that_was_learned_well() -> None:
    learned = [LINES[n % 5] + chr(0x4E00 + n) for n in range(2000)]
    _, shocks = train(Texts.of(learned)).score(Texts.of([LINES[0], LINES[0][:9] + "囧" + LINES[0][10:], ""]))
    assert shocks.tolist() == [0, 1 / len(LINES[0]), 0]


def test_probabilities_after_any_context_add_up_to_one() -> None:
    naive = NaiveModel(LINES, 4, (1, 1, 2))
    chars = sorted({c for line in LINES for c in line if not c.isdigit()} | {"0", "\U0010ffff"})
    for before in ("淘金的", "沙", "pan in ", "没有"):
        # The symbol never seen has a share of its own; the begin of a row, which is counted with it, is never foretold.
        total = sum(2 ** naive.log2("\U0010fffe" + before, c)[0] for c in [*chars, "\u0001"])
        assert total == pytest.approx(1, abs=1e-9)


def test_shuffled_text_is_more_surprising_than_the_text_it_was_made_of() -> None:
    model = train(Texts.of(LINES[:2] * 2), min_counts=(1,))
    shuffled = "".join(np.random.default_rng(1).permutation(list(LINES[2])).tolist())
    bits, _ = model.score(Texts.of([LINES[2], shuffled]))
    assert bits[0] + 1 < bits[1]


def test_numbers_are_alike_whatever_their_digits() -> None:
    bits, _ = train(Texts.of(LINES)).score(Texts.of(["pan in 1849", "pan in 7036"]))
    assert bits[0] == bits[1]


def test_a_row_does_not_depend_on_its_neighbours_nor_on_the_block_it_falls_into() -> None:
    model = train(Texts.of(LINES))
    asked = [*LINES, "", "金" * (2 * kernel.BLOCK), *LINES * 40]
    bits, shocks = model.score(Texts.of(asked))
    alone = [model.score(Texts.of([row])) for row in asked]
    assert bits.tolist() == [float(b[0]) for b, _ in alone]
    assert shocks.tolist() == [float(s[0]) for _, s in alone]


def test_training_twice_gives_the_same_bytes_and_a_model_survives_the_disk(tmp_path: Path) -> None:
    one, two = train(Texts.of(LINES)), train(Texts.of(LINES))
    assert np.array_equal(one.table, two.table)
    assert np.array_equal(one.first_p, two.first_p)
    one.save(tmp_path)
    back = LanguageModel.load(tmp_path)
    assert np.array_equal(back.score(Texts.of(LINES))[0], one.score(Texts.of(LINES))[0])
    assert (back.order, back.grams) == (one.order, one.grams)


def test_only_the_chosen_rows_are_learned() -> None:
    whole, part = train(Texts.of(LINES[:2])), train(Texts.of(LINES), np.array([0, 1]))
    assert np.array_equal(whole.table, part.table)


def test_higher_least_counts_store_fewer_grams() -> None:
    stored = [train(Texts.of(LINES), min_counts=least).grams for least in ((1,), (1, 2), (2,))]
    assert stored[0] > stored[1] > stored[2] > 0


def test_nothing_and_a_bad_order() -> None:
    assert train(Texts.of([])).score(Texts.of(["金"]))[1].tolist() == [1.0]
    assert train(Texts.of(LINES)).score(Texts.of([]))[0].tolist() == []
    with pytest.raises(ValueError, match="order is 2 to 8"):
        train(Texts.of(LINES), order=9)


def test_discounts_are_those_of_the_paper() -> None:
    counts = np.repeat([1, 2, 3, 4, 5], [60, 20, 10, 5, 3]).astype(np.int32)  # y = 60 / 100
    assert discounts(counts).tolist() == pytest.approx([0, 1 - 2 * 0.6 * 20 / 60, 2 - 3 * 0.6 * 10 / 20, 3 - 4 * 0.6 * 5 / 10])
    assert discounts(np.array([1, 1], np.int32)).tolist() == [0, 0.5, 1, 1.5]
