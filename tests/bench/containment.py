"""Measure how well a pasted paragraph is found inside longer ones: recall and error of the spans, by length and by kind of edit.

    python tests/bench/containment.py
    python tests/bench/containment.py --input DIR --count 50

Two unrelated paragraphs of 150 to 500 characters get the same stretch of a third text pasted somewhere (shape *shared*), or one of
them is that stretch and nothing else (shape *whole*). The copy is verbatim, in the other script, re-punctuated, hard-wrapped with
the text around it, with 2 or 5 % of its characters changed, or of a stretch that is 10 to 30 characters longer, left out in the middle. All pairs go
through one run of the pipeline. *Found*: a row of `blocks` holds at least four fifths of the stretch on both sides. *Error*: how many
characters a found span's end lies from the true one, the worst of its four ends; punctuation at an end is on neither side counted.
With --input, texts are paragraphs of the files there (prose of at least 80 characters, each used once; the script of a copy is then
converted by OpenCC), else they are generated.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from make_corpus import _PUNCTUATION, edited
from prose import Prose

LENGTHS = (60, 80, 120, 200, 400)
KINDS = ("verbatim", "script", "punctuation", "wrapped", "edit2", "edit5", "sentence")
SHAPES = ("whole", "shared")
Span = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """A stretch of `length` characters planted in two texts: spans of code points."""

    length: int
    kind: str
    shape: str
    texts: tuple[str, str]
    spans: tuple[Span, Span]


# --- Texts ----------------------------------------------------------------------------------------------------------------


def generated(seed: int) -> Iterator[tuple[str, str]]:
    """Endless paragraphs, each simplified and traditional."""
    prose = Prose(seed)
    while True:
        hans, hant = prose.paragraph()
        if len(hans) >= 80:
            yield hans, hant


def real(folder: Path, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Paragraphs of the files of a folder in random order, each as it stands and in the other script."""
    from opencc import OpenCC

    forward, backward = OpenCC("s2t").convert, OpenCC("t2s").convert
    seen: dict[str, None] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", errors="ignore")
            seen |= {line.strip(): None for line in text.split("\n") if _is_prose(line.strip())}
    lines = list(seen)
    rng.shuffle(lines)
    for line in lines:
        to = forward(line)
        other = to if to != line else backward(line)
        if len(other) == len(line):
            yield line, other


def _is_prose(line: str) -> bool:
    plain = len(re.findall(r"[\u4e00-\u9fff a-zA-Z，。、？！：；]", line))
    return len(line) >= 80 and plain >= 0.85 * len(line) and line[0] not in "#>|-*<`![" and "http" not in line and "<" not in line


# --- Planting -------------------------------------------------------------------------------------------------------------


class Planter:
    """Cases made of a stream of texts."""

    def __init__(self, texts: Iterator[tuple[str, str]], rng: random.Random) -> None:
        self.texts, self.rng = texts, rng

    def host(self) -> str:
        """One line of 150 to 500 characters that ends a sentence: a hard-wrapped paragraph is known by that."""
        size, text = self.rng.randrange(150, 500), ""
        while len(text) < size:
            text += next(self.texts)[0]
        return text[:size].rstrip("，。、；：,.;: ") + "。"

    def stretch(self, length: int) -> tuple[str, str]:
        """A stretch of a length and up to the end of a word, in both scripts, that begins and ends with a letter."""
        hans = hant = ""
        while True:
            more = next(self.texts)
            hans, hant = hans + more[0], hant + more[1]
            for start in range(max(0, len(hans) - length - 30)):
                end = next(i for i in itertools.count(start + length) if not _amid_word(hans, i))
                one = hans[start:end]
                if one[0].isalnum() and one[-1].isalnum() and not _amid_word(hans, start):
                    return one, hant[start:end]

    def copy(self, kind: str, text: str, other: str, dropped: int) -> str:
        rng = self.rng
        if kind == "script":
            return other
        if kind == "punctuation":
            return text.translate(rng.choice(_PUNCTUATION))
        if kind == "sentence":
            at = rng.randrange(len(text) // 4, 3 * len(text) // 4 - dropped)
            return text[:at] + text[at + dropped :]
        return edited(text, {"edit2": 0.02, "edit5": 0.05}[kind], rng) if kind.startswith("edit") else text

    def case(self, length: int, kind: str, shape: str) -> Case:
        dropped = self.rng.randrange(10, 31) if kind == "sentence" else 0
        text, other = self.stretch(length + dropped)
        copy = self.copy(kind, text, other, dropped)
        sides = [self.plant(text, shape == "whole"), self.plant(copy, False)]
        if kind == "wrapped":
            sides[1] = _wrapped(*sides[1], self.rng.randrange(56, 80))
        (one, first), (two, second) = sides if self.rng.random() < 0.5 else sides[::-1]
        return Case(length, kind, shape, (one, two), (first, second))

    def plant(self, text: str, alone: bool) -> tuple[str, Span]:
        if alone:
            return text, (0, len(text))
        host = self.host()
        at = next(i for i in itertools.count(self.rng.randrange(20, len(host) - 20)) if not _amid_word(host, i))
        before, after = host[:at], host[at:]
        before += " " * _amid_word(before + text, at)  # a paste does not grow together with the words beside it
        after = " " * _amid_word(text + after, len(text)) + after
        return before + text + after, (len(before), len(before) + len(text))


def _amid_word(text: str, at: int) -> bool:
    """Whether a cut there falls into a word, a number, an address, code."""
    return 0 < at < len(text) and all(c.isascii() and not c.isspace() for c in text[at - 1 : at + 1])


def _wrapped(text: str, span: Span, width: int) -> tuple[str, Span]:
    """The whole text in lines of at most `width` columns (a Han character takes two), and where the span is then; no word is broken."""
    at_column = [0, *itertools.accumulate(1 + (char >= "\u2e80") for char in text)]
    cuts, fits = [0], 0
    for at in range(1, len(text) + 1):
        if at_column[at] - at_column[cuts[-1]] > width and fits > cuts[-1]:
            cuts.append(fits)
        if not _amid_word(text, at):
            fits = at
    lines = [text[a:b] for a, b in itertools.pairwise([*cuts, len(text)])]
    start, end = (at + sum(0 < cut <= at for cut in cuts) for at in span)
    return "\n".join(lines), (start, end)


# --- Measuring ------------------------------------------------------------------------------------------------------------


def run(cases: list[Case], folder: Path) -> dict[int, list[tuple[Span, Span]]]:
    """Spans that a run reports for each case, by its number."""
    from flows.run import execute

    (folder / "in").mkdir()
    for side in (0, 1):
        lines = [json.dumps({"text": case.texts[side]}, ensure_ascii=False) for case in cases]
        (folder / "in" / f"{side}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = folder / "taosha.toml"
    config.write_text("[boilerplate]\npacks = []\nmin_documents = 1000000\n", encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        execute([folder / "in"], folder / "out", config, direct=True, workers=1, as_json=True)
    found: dict[int, list[tuple[Span, Span]]] = defaultdict(list)
    for row in pq.read_table(folder / "out" / "latest" / "blocks").to_pylist():
        if row["source_a"] != row["source_b"] and row["record_a"] == row["record_b"]:
            spans = [(row[f"char_start_{side}"], row[f"char_end_{side}"]) for side in "ab"]
            found[row["record_a"]].append((spans[0], spans[1]) if row["source_a"] == "0.jsonl" else (spans[1], spans[0]))
    return found


def error(case: Case, spans: tuple[Span, Span]) -> int | None:
    """Worst distance of an end from the true one; None when less than four fifths of the stretch is held on either side."""
    worst = 0
    for text, (start, end), (low, high) in zip(case.texts, case.spans, spans, strict=True):
        if min(end, high) - max(start, low) < 0.8 * (end - start):
            return None
        low, high = _trim(text, low, high)
        start, end = _trim(text, start, end)
        worst = max(worst, abs(low - start), abs(high - end))
    return worst


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def table(cases: list[Case], found: dict[int, list[tuple[Span, Span]]]) -> str:
    """Markdown: recall by shape, kind and length, and the errors of what was found."""
    errors: dict[tuple[str, str, int], list[int | None]] = defaultdict(list)
    for number, case in enumerate(cases):
        hits = [e for e in (error(case, spans) for spans in found.get(number, [])) if e is not None]
        errors[case.shape, case.kind, case.length].append(min(hits, default=None))
    lines = [
        f"| shape | kind | {' | '.join(f'{n}' for n in LENGTHS)} | all | error: mean | 95 % | most |",
        "|---|---|" + "---:|" * (len(LENGTHS) + 4),
    ]
    rows = list(itertools.product(SHAPES, KINDS))
    for shape, kind in [*rows, ("all", "all")]:
        chosen = rows if shape == "all" else [(shape, kind)]
        cells = [[e for key in chosen for e in errors[(*key, length)]] for length in LENGTHS]
        every = [e for cell in cells for e in cell]
        hits = np.array([e for e in every if e is not None])
        shares = " | ".join(f"{sum(e is not None for e in cell) / max(1, len(cell)):.3f}" for cell in [*cells, every])
        ends = f"{hits.mean():.2f} | {np.quantile(hits, 0.95):.0f} | {hits.max()}" if len(hits) else "- | - | -"
        lines.append(f"| {shape} | {kind} | {shares} | {ends} |")
    return "\n".join(lines)


def make(texts: Iterator[tuple[str, str]], count: int, rng: random.Random) -> list[Case]:
    """`count` cases of every shape, kind and length; fewer where the texts run out."""
    planter = Planter(texts, rng)
    cases: list[Case] = []
    try:
        for _ in range(count):
            for key in itertools.product(LENGTHS, KINDS, SHAPES):
                cases.append(planter.case(*key))
    except (StopIteration, RuntimeError):
        pass
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--input", type=Path, help="folder of text files to take paragraphs from; generated ones by default")
    parser.add_argument("--count", type=int, default=40, help="cases of each shape, kind and length")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 (repeatable, not secret)
    texts = real(options.input, rng) if options.input else generated(options.seed)
    cases = make(texts, options.count, rng)
    with tempfile.TemporaryDirectory() as folder:
        found = run(cases, Path(folder))
    print(f"{len(cases)} cases, {options.input or 'generated'}, seed {options.seed}\n")
    print(table(cases, found))


if __name__ == "__main__":
    main()
