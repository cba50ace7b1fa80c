"""What shingle lengths and thresholds bring and cost, by the oracle alone: Markdown tables on stdout.

    python tests/bench/lengths.py --input DIR

*Found* is the share of edited copies whose exact similarity reaches the report threshold, times the chance that 32 bands of 4 rows
meet. *False friends* are pairs of real lines about different things: from the same folder, each with links the other has not, and
different in more than numbers and links. *Strangers* are pairs from different folders without a common link. The links are taken
out before anything is compared, and of lines that differ in numbers only one is taken.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import oracle
from edits import KINDS, LANGUAGES, paragraph
from prose import Prose
from quality import SETTINGS, ours

from tasks.minhash import detection_probability

#: (Han characters, letters) a shingle; the defaults come in the middle of both series.
HAN = ((2, 5), (3, 5), (4, 5), (5, 5))
LETTER = ((3, 3), (3, 4), (3, 5), (3, 6), (3, 8))
ASKED = ("2 %", "5 %", "10 %", "a sentence dropped", "a word a clause")
SIZES = (60, 100, 200, 400)
_LINK = re.compile(r"(?:https?://|www\.)[^\s)\]>\"'）】》]+")


# --- What they bring ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copies:
    """Folded originals and copies of one language: rows 2 i and 2 i + 1, with kind and size of each pair."""

    rows: list[oracle.Row]
    kind: list[str]
    size: list[int]


def copies(language: str, count: int, seed: int) -> Copies:
    prose, rng = Prose(seed), random.Random(seed)  # noqa: S311
    texts, kinds, sizes = [], [], []
    for size in SIZES:
        for _ in range(count):
            text = paragraph(prose, rng, language, size)
            for kind in ASKED:
                texts += [text, KINDS[kind](text, rng)]
                kinds.append(kind)
                sizes.append(size)
    return Copies(oracle.folds(texts), kinds, sizes)


def similarities(some: Copies, han: int, letter: int) -> oracle.Floats:
    sets = oracle.sets(some.rows, han, letter)
    left = np.arange(0, len(some.rows), 2)
    return oracle.jaccard(sets, left, left + 1)


def found(similarity: oracle.Floats, threshold: float) -> oracle.Floats:
    """Chance that each pair is found: 0 under the threshold, else that of LSH."""
    chance = np.array([detection_probability(s, SETTINGS) for s in similarity.tolist()])
    return np.where(similarity >= threshold - oracle.HAIR, chance, 0.0)


# --- What they cost -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lines:
    """Real lines without their links: folded rows, the folder of each, the links taken out, and whether it is mostly Han."""

    texts: list[str]
    rows: list[oracle.Row]
    folder: list[str]
    links: list[frozenset[str]]
    han: np.ndarray


def read(folder: Path, limit: int, seed: int) -> Lines:
    """Distinct lines of all txt and md files that hold a link and are long enough without it, `limit` of them drawn at random."""
    seen: dict[tuple[oracle.naive.Element, ...], tuple[str, oracle.Row, str, frozenset[str]]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".txt", ".md"):
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            links = frozenset(_LINK.findall(line))
            row = oracle.naive.elements(text := _LINK.sub("", line).strip()) if links else []
            if sum(map(oracle.naive.weight, row)) >= 5 * SETTINGS.min_tokens:
                plain = tuple(element for element in row if element[0] != "slot")
                seen.setdefault(plain, (text, row, path.relative_to(folder).parts[0], links))
    chosen = random.Random(seed).sample(list(seen.values()), min(limit, len(seen)))  # noqa: S311
    texts, rows, folders, links = (list(column) for column in zip(*chosen, strict=True))
    han = np.array([sum(kind == "token" for kind, _ in row) * 2 >= sum(kind == "letter" for kind, _ in row) / 3 for row in rows])
    return Lines(texts, rows, folders, links, han)


@dataclass(frozen=True)
class Price:
    """False friends of a setting: similarity of each such pair from `FLOOR` up, which lines are in one; similarity of strangers."""

    similarity: oracle.Floats
    members: list[tuple[int, int]]
    strangers: oracle.Floats
    stranger_pairs: int
    lines: int
    compared: int


FLOOR = 0.35


def price(lines: Lines, chosen: Sequence[int], han: int, letter: int) -> Price:
    rows = [lines.rows[at] for at in chosen]
    left, right, similarity = oracle.similar_pairs(oracle.sets(rows, han, letter), FLOOR)
    sides = [(chosen[a], chosen[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    apart = np.array([not lines.links[a] & lines.links[b] for a, b in sides], np.bool_)
    together = np.array([lines.folder[a] == lines.folder[b] for a, b in sides], np.bool_)
    friends = np.flatnonzero(apart & together)
    sizes = Counter(lines.folder[at] for at in chosen)
    settings = SETTINGS.model_copy(update={"han_shingle": han, "letter_shingle": letter})
    met = ours([lines.texts[at] for at in chosen], settings, settings.report_threshold).compared
    return Price(
        similarity[friends],
        list(zip(left[friends].tolist(), right[friends].tolist(), strict=True)),
        similarity[apart & ~together],
        (len(rows) ** 2 - sum(n * n for n in sizes.values())) // 2,
        len(rows),
        met,
    )


def crowded(some: Price, threshold: float) -> float:
    """Lines a thousand that have a false friend at or over the threshold."""
    these = {row for pair, s in zip(some.members, some.similarity.tolist(), strict=True) if s >= threshold - oracle.HAIR for row in pair}
    return 1000 * len(these) / some.lines


def equal_price(some: Price, wanted: float) -> float:
    """Least threshold, in hundredths, at which no more lines have a false friend than `wanted` a thousand."""
    return next(t / 100 for t in range(int(FLOOR * 100), 101) if crowded(some, t / 100) <= wanted or t == 100)


# --- The page -------------------------------------------------------------------------------------------------------------


def page(series: Iterable[tuple[int, int]], language: str, some: Copies, lines: Lines, chosen: Sequence[int]) -> str:
    """Markdown: what a series of settings brings for one language, and costs on real lines."""
    results = {one: (similarities(some, *one), price(lines, chosen, *one)) for one in series}
    wanted = crowded(results[SETTINGS.han_shingle, SETTINGS.letter_shingle][1], SETTINGS.report_threshold)
    kinds = {kind: np.array([k == kind for k in some.kind]) for kind in ASKED}
    out = [
        f"**{language}**: copies found at .5 / similar enough at .7 (mean over {', '.join(map(str, SIZES))} characters), then {len(chosen):,} real lines: "
        "false friends a thousand lines at .5 / .7, strangers a million pairs at .5, pairs looked at a line.",
        "",
        f"| Han, letters | {' | '.join(ASKED)} | false friends | strangers | looked at |",
        "|---|" + "---|" * len(ASKED) + "---|---:|---:|",
    ]
    for one, (similarity, cost) in results.items():
        cells = [
            f"{found(similarity[these], 0.5).mean():.3f} / {(similarity[these] >= 0.7 - oracle.HAIR).mean():.3f}"
            for these in kinds.values()
        ]
        out.append(
            f"| {one[0]}, {one[1]} | {' | '.join(cells)} | {crowded(cost, 0.5):.1f} / {crowded(cost, 0.7):.1f} "
            f"| {1e6 * (cost.strangers >= 0.5).sum() / max(cost.stranger_pairs, 1):.2f} | {cost.compared / cost.lines:.1f} |"
        )
    out += [
        "",
        f"The same at the threshold that costs as many false friends as the defaults ({wanted:.1f} a thousand lines):",
        "",
        f"| Han, letters | threshold | {' | '.join(ASKED)} |",
        "|---|---|" + "---|" * len(ASKED),
    ]
    for one, (similarity, cost) in results.items():
        threshold = equal_price(cost, wanted)
        cells = [f"{found(similarity[these], threshold).mean():.3f}" for these in kinds.values()]
        out.append(f"| {one[0]}, {one[1]} | {threshold:.2f} | {' | '.join(cells)} |")
    return "\n".join(out)


def worst(some: Copies, similarity: oracle.Floats) -> dict[str, float]:
    """Least share found at the report threshold over the sizes, by kind."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for at, key in enumerate(zip(some.kind, some.size, strict=True)):
        groups[key].append(at)
    chance = found(similarity, SETTINGS.report_threshold)
    return {kind: min(float(chance[groups[kind, size]].mean()) for size in SIZES) for kind in ASKED}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--input", type=Path, required=True, help="real lines: this folder's txt and md files")
    parser.add_argument("--count", type=int, default=200, help="copies a language, size and kind")
    parser.add_argument("--sample", type=int, default=20_000, help="real lines")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    lines = read(options.input, options.sample, options.seed)
    mostly = {"zh": np.flatnonzero(lines.han), "en": np.flatnonzero(~lines.han), "mixed": np.flatnonzero(lines.han)}
    print(f"`python tests/bench/lengths.py {' '.join(sys.argv[1:])}`")
    for language in LANGUAGES:
        some = copies(language, options.count, options.seed)
        for series in {"zh": (HAN,), "en": (LETTER,), "mixed": (HAN, LETTER)}[language]:
            print("\n" + page(series, language, some, lines, mostly[language].tolist()), flush=True)
        low = worst(some, similarities(some, SETTINGS.han_shingle, SETTINGS.letter_shingle))
        print(f"\nLeast over the sizes at the defaults: {', '.join(f'{kind} {share:.3f}' for kind, share in low.items())}.", flush=True)


if __name__ == "__main__":
    main()
