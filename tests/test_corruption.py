"""The quality score falls as text gets worse: real texts, corrupted by a known amount (the whole measurement is bench/quality_signals.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from corruption import CORRUPTIONS, area

from tasks.language_model import train
from tasks.perplexity import Judge, Scale
from tasks.quality import score, tempered
from tasks.segment import KINDS
from tasks.signals import measure
from tasks.store.text import Texts

PROSE = KINDS.index("prose")


@pytest.fixture(scope="module")
def chapters(shared: Path) -> list[list[str]]:
    """Paragraphs of running Chinese by file of a book."""
    out = []
    for path in sorted((shared / "corpora" / "rust-book-hans").rglob("*.md")):
        paragraphs = [" ".join(piece.split()) for piece in path.read_text(encoding="utf-8").split("\n\n")]
        out.append([p for p in paragraphs if len(p) >= 40 and p[0] not in "#`|>-*<" and max(p) >= "\u4e00" and "```" not in p])
    return [chapter for chapter in out if sum(map(len, chapter)) >= 600]


@pytest.fixture(scope="module")
def judge(chapters: list[list[str]]) -> Judge:
    """A model of every second file and the scale of the others."""
    model = train(Texts.of([p for chapter in chapters[::2] for p in chapter]))
    asked = Texts.of([p for chapter in chapters[1::2] for p in chapter])
    bits, _ = model.score(asked)
    return Judge([model], Scale.of(bits, np.full(len(asked), PROSE, np.uint8), pa.array(["zh-Hans"] * len(asked)), asked.lengths))


def qualities(judge: Judge, chapters: list[list[str]]) -> np.ndarray:
    """Quality of each chapter, by characters."""
    texts = Texts.of([p for chapter in chapters for p in chapter])
    kinds = np.full(len(texts), PROSE, np.uint8)
    bits, shocks = judge.score(texts, np.zeros(len(texts), np.int64))
    above = judge.scale.relative(bits, kinds, pa.array(["zh-Hans"] * len(texts)), texts.lengths)
    quality = tempered(score(measure(texts, kinds), kinds), above, shocks, kinds)
    own = np.repeat(np.arange(len(chapters)), [len(chapter) for chapter in chapters])
    return np.bincount(own, quality * texts.lengths) / np.bincount(own, texts.lengths)


@pytest.mark.parametrize(
    ("name", "least"),
    [("shuffled characters", 0.98), ("swapped encoding", 0.98), ("noise", 0.98), ("repeated", 0.9), ("shuffled words", 0.85)],
)
def test_the_score_falls_with_every_step_and_a_fifth_is_told_from_sound_text(
    chapters: list[list[str]], judge: Judge, name: str, least: float
) -> None:
    asked = chapters[1::2]
    rng = np.random.default_rng(5)
    sound = qualities(judge, asked)
    steps = [
        sound,
        *(qualities(judge, [[CORRUPTIONS[name](p, share, rng) for p in chapter] for chapter in asked]) for share in (0.01, 0.05, 0.2)),
    ]
    means = [float(step.mean()) for step in steps]
    assert means == sorted(means, reverse=True)
    assert area(sound, steps[-1]) >= least
