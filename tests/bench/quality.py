"""Measure the quality of matching against an oracle that shares nothing with it (oracle.py): Markdown tables on stdout.

    python tests/bench/quality.py pairs                      recall of pairs on generated text
    python tests/bench/quality.py pairs --input DIR          the same on the lines of a folder's txt and md files
    python tests/bench/quality.py removals artifacts/latest  near removals of a published snapshot, each computed again
    python tests/bench/quality.py edits                      found and removable copies by kind of edit, length and language

What shingle lengths and thresholds cost and bring stands in lengths.py.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import oracle
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from edits import KINDS, LANGUAGES, characters, paragraph
from prose import Prose

from tasks.minhash import detection_probability
from tasks.near import near_duplicates
from tasks.settings import Matching

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import naive_losses
import naive_matching as naive
from matching_world import World

SETTINGS = Matching()
#: Classes of length, in tokens of the shorter side: from this to the next.
LENGTHS = (12, 30, 60, 120, 400)
#: Bands of similarity for tables.
BANDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Pairs:
    """Verified pairs left < right, sorted, their similarity as float32, and how many pairs in buckets were looked at."""

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float32]
    compared: int

    @property
    def keys(self) -> npt.NDArray[np.int64]:
        return (self.left << 32) | self.right


def ours(lines: list[str], settings: Matching, threshold: float) -> Pairs:
    """Our side: texts of distinct fold -> pairs at or above the threshold. The one function to change with the engine."""
    found = near_duplicates([pa.array(lines[at : at + 4096], pa.string()) for at in range(0, len(lines), 4096)], settings, threshold)
    return Pairs(found.left, found.right, found.similarity, found.counters["compared"])


# --- Pairs ----------------------------------------------------------------------------------------------------------------


def generated(each: int, seed: int) -> list[str]:
    """Passages of all lengths and languages, each with a copy of which up to 12 % of the characters are edited."""
    prose, rng = Prose(seed), random.Random(seed)  # noqa: S311
    lines = []
    for language in LANGUAGES:
        scale = 1 if language == "zh" else 1.3 if language == "mixed" else 1.67  # letters a token
        for low, high in zip(LENGTHS, (*LENGTHS[1:], 800), strict=True):
            for _ in range(each):
                text = paragraph(prose, rng, language, int(rng.uniform(low * 1.25, high * 1.1) * scale))
                lines += [text, characters(rng.uniform(0.005, 0.12))(text, rng)]
    return lines


def read_lines(folder: Path) -> list[str]:
    """Lines of all text and Markdown files, in order of paths."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".txt", ".md"):
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def comparable(lines: Iterable[str]) -> tuple[list[str], oracle.Sets]:
    """Texts long enough to be compared by similarity, one of each fold, with their shingle sets."""
    texts = list(dict.fromkeys(lines))
    rows = oracle.folds(texts)
    first: dict[tuple[naive.Element, ...], int] = {}
    for at, row in enumerate(rows):
        if sum(map(naive.weight, row)) > 5 * (SETTINGS.min_tokens - 1):
            first.setdefault(tuple(row), at)
    chosen = list(first.values())
    sets = oracle.sets([rows[at] for at in chosen])
    long = np.flatnonzero(sets.sizes >= SETTINGS.min_shingles)
    return [texts[chosen[at]] for at in long.tolist()], sets.take(long)


@dataclass(frozen=True)
class Recall:
    """All true pairs (from the report threshold up) with what ours found of them.

    similarity, tokens : (m,) of the pair; tokens of the shorter side.
    found, capped      : (m,) bool; found without a cap on buckets, and with it.
    alone              : texts with a true pair from the remove threshold, and those of them that the cap leaves without any.
    wrong, differing   : pairs that ours states and the oracle does not know; pairs whose similarity differs in any bit of float32.
    """

    similarity: oracle.Floats
    tokens: oracle.Ints
    found: npt.NDArray[np.bool_]
    capped: npt.NDArray[np.bool_]
    alone: tuple[int, int]
    wrong: int
    differing: int
    compared: int


def recall(lines: list[str], sets: oracle.Sets, settings: Matching = SETTINGS) -> Recall:
    """Compare ours with the oracle on texts of distinct fold."""
    left, right, similarity = oracle.similar_pairs(sets, settings.report_threshold)
    keys = (left << 32) | right
    free = ours(lines, settings.model_copy(update={"bucket_cap": 1 << 30}), settings.report_threshold)
    capped = ours(lines, settings, settings.report_threshold)
    at = np.searchsorted(keys, free.keys)
    known = keys[np.minimum(at, len(keys) - 1)] == free.keys if len(keys) else np.zeros(len(free.keys), np.bool_)
    is_capped = np.isin(keys, capped.keys)
    near = similarity >= settings.remove_threshold - oracle.HAIR
    paired, reached = (np.unique(np.concatenate([left[these], right[these]])) for these in (near, near & is_capped))
    differing = free.similarity[known] != similarity[at[known]].astype(np.float32)
    return Recall(
        similarity,
        np.minimum(sets.tokens[left], sets.tokens[right]),
        np.isin(keys, free.keys),
        is_capped,
        (len(paired), len(paired) - len(reached)),
        int((~known).sum()),
        int(differing.sum()),
        capped.compared,
    )


def pairs_page(what: str, texts: int, result: Recall) -> str:
    """Markdown: recall by length class and by similarity."""
    lines = [
        f"**{what}**: {texts:,} texts of distinct fold, {len(result.similarity):,} true pairs from {SETTINGS.report_threshold}, "
        f"{result.compared:,} looked at; {result.wrong} pairs that are none, {result.differing} similarities that differ from the oracle's; "
        f"of {result.alone[0]:,} texts with a pair from {SETTINGS.remove_threshold} the cap leaves {result.alone[1]} without any.",
        "",
        "| tokens of the shorter | pairs >= .7 | recall >= .7 | lost to the cap | pairs >= .6 | recall >= .6 | lost to the cap |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for low, high in [*zip(LENGTHS, (*LENGTHS[1:], None), strict=True), (0, None)]:
        inside = (result.tokens >= low) & ((result.tokens < high) if high else True)
        cells = []
        for threshold in (0.7, 0.6):
            these = inside & (result.similarity >= threshold - oracle.HAIR)
            count = int(these.sum())
            lost = int((result.found & ~result.capped)[these].sum())
            cells += [f"{count:,}", f"{result.found[these].mean():.4f}" if count else "-", f"{lost:,}"]
        lines.append(f"| {'all' if not low else f'{low}-{high}' if high else f'> {low}'} | {' | '.join(cells)} |")
    lines += ["", "| similarity | pairs | recall | expected of 32 x 4 |", "|---|---:|---:|---:|"]
    for low, high in zip(BANDS, (*BANDS[1:], 2.0), strict=True):
        these = (result.similarity >= low - oracle.HAIR) & (result.similarity < high - oracle.HAIR)
        if these.any():
            expected = np.mean([detection_probability(s, SETTINGS) for s in result.similarity[these].tolist()])
            lines.append(f"| {low:.1f}- | {int(these.sum()):,} | {result.found[these].mean():.4f} | {expected:.4f} |")
    return "\n".join(lines)


# --- Removals -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Removals:
    """Near removals of a snapshot computed again. Violations name the removed passage."""

    near: int
    same_fold: int
    unkept: list[str]
    dissimilar: list[str]
    misstated: list[str]
    slots_only: list[str]
    lost: list[str]

    @property
    def violations(self) -> int:
        return len(self.unkept) + len(self.dissimilar) + len(self.misstated) + len(self.slots_only) + len(self.lost)


def table(snapshot: Path, name: str, columns: list[str]) -> list[dict[str, Any]]:
    return ds.dataset(snapshot / name, format="parquet").to_table(columns=columns).to_pylist()


def removals(snapshot: Path, threshold: float = SETTINGS.remove_threshold) -> Removals:
    """Hold every near removal against the kept passage that it names, from the published raw texts alone."""
    kept = {row["passage_id"]: row["raw"] or row["text"] for row in table(snapshot, "passages", ["passage_id", "text", "raw"])}
    rows = table(snapshot, "removed", ["passage_id", "raw", "reason", "kept_passage_id", "similarity"])
    near = [row for row in rows if row["reason"] == "near_duplicate"]
    out = Removals(len(near), 0, [], [], [], [], [])
    same = 0
    for row in near:
        name, text, twin = row["passage_id"], row["raw"], kept.get(row["kept_passage_id"])
        if twin is None:
            out.unkept.append(name)
            continue
        exact = naive.jaccard(text, twin)
        if exact < threshold - oracle.HAIR and not naive.stands_in(text, twin):
            out.dissimilar.append(name)
        if abs(exact - row["similarity"]) > 6e-5:
            out.misstated.append(name)
        if naive.elements(text) == naive.elements(twin):
            same += 1
        elif naive.without_numbers(text) == naive.without_numbers(twin):
            out.slots_only.append(name)
        if not naive.slots(text) <= naive.slots(twin) or naive_losses.says_more(text, twin) > 1:
            out.lost.append(name)
    return Removals(len(near), same, out.unkept, out.dissimilar, out.misstated, out.slots_only, out.lost)


def removals_page(found: Removals) -> str:
    """Markdown: one row a promise."""
    promises = {
        "the passage it names is not kept": found.unkept,
        "similarity below the remove threshold, and not whole inside the kept one": found.dissimilar,
        "stated similarity is not the exact one": found.misstated,
        "differs in numbers, dates, addresses, identifiers only": found.slots_only,
        "says something that the kept one does not": found.lost,
    }
    lines = [f"{found.near:,} near removals, {found.same_fold:,} of them of equal fold.", "", "| violation | removals |", "|---|---:|"]
    lines += [f"| {name} | {len(rows)}{' ' + ', '.join(rows[:3]) if rows else ''} |" for name, rows in promises.items()]
    return "\n".join(lines)


# --- Edits ----------------------------------------------------------------------------------------------------------------

SIZES = (60, 100, 150, 200, 300, 400)
#: A document of hard-wrapped text has several paragraphs: one alone does not show at which column it was wrapped.
_TOGETHER = {"hard-wrapped": 8}


def edited_copies(language: str, size: int, count: int, seed: int) -> tuple[list[str], dict[str, list[str]]]:
    """Originals, and for each kind of edit the documents with their copies in order (several to a document where _TOGETHER says so)."""
    prose, rng = Prose(seed), random.Random(seed)  # noqa: S311
    originals = [paragraph(prose, rng, language, size) for _ in range(count)]
    copies = {}
    for kind, edit in KINDS.items():
        together = _TOGETHER.get(kind, 1)
        shared = [random.Random(at // together) for at in range(count)]  # noqa: S311 (one document is wrapped at one column)
        texts = [edit(text, one if together > 1 else rng) for text, one in zip(originals, shared, strict=True)]
        copies[kind] = ["\n\n".join(texts[at : at + together]) for at in range(0, count, together)]
    return originals, copies


def found_copies(originals: list[str], copies: dict[str, list[str]], **matching: Any) -> dict[str, tuple[float, float, float]]:
    """By kind: share of the originals whose copy stands in one class or pair with it; with a similarity for removal; and of which one goes
    for the other, because it says nothing more.

    The whole pipeline up to the pairs, each text a document of its own.
    """
    documents = [*originals, *(text for texts in copies.values() for text in texts)]
    records = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in documents)
    with tempfile.TemporaryDirectory(prefix="taosha-edits-") as folder:
        world = World.of(Path(folder), {"all.jsonl": records}, matching=matching)
        classes, pairs, doc = world.matched.classes, world.matched.pairs, world.index.doc
        able = pc.or_(pairs["a_for_b"], pairs["b_for_a"]).to_pylist()
        sides = zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True)
        similar = dict(zip(sides, zip(pairs["similarity"].to_pylist(), able, strict=True), strict=True))
    of: list[list[int]] = [[] for _ in documents]
    for document, one in zip(doc.tolist(), classes.tolist(), strict=True):
        of[document] += [one] * (one >= 0)
    out, base = {}, len(originals)
    for kind, texts in copies.items():
        together = -(-len(originals) // len(texts))
        found = [
            [
                (1.0, True) if a == b else similar.get((min(a, b), max(a, b)), (-1.0, False))
                for a in of[at]
                for b in of[base + at // together]
            ]
            for at in range(len(originals))
        ]
        best = [max((one for one, _ in these), default=-1.0) for these in found]
        goes = [any(able for _, able in these) for these in found]
        near = [b >= SETTINGS.remove_threshold - 1e-6 for b in best]
        out[kind] = (float(np.mean([b >= 0 for b in best])), float(np.mean(near)), float(np.mean(goes)))
        base += len(texts)
    return out


def edits_page(count: int, seed: int, languages: Iterable[str] = LANGUAGES, sizes: Iterable[int] = SIZES) -> str:
    """Markdown: a table a language; a cell is the share found / similar enough to be removed / removed."""
    lines = [f"{count} paragraphs a cell: found / similar enough to be removed / removed (1 = all)."]
    for language in languages:
        results = {size: found_copies(*edited_copies(language, size, count, seed)) for size in sizes}
        lines += ["", f"| {language} | {' | '.join(f'{size} characters' for size in results)} |", "|---|" + "---|" * len(results)]
        for kind in KINDS:
            lines.append(f"| {kind} | {' | '.join(_cell(*result[kind]) for result in results.values())} |")
    return "\n".join(lines)


def _cell(*shares: float) -> str:
    return " / ".join("1" if share == 1 else f"{share:.3f}".lstrip("0") if share else "0" for share in shares)


# --- The page -------------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    commands = parser.add_subparsers(dest="command", required=True)
    pairs = commands.add_parser("pairs", help="recall of pairs, generated text or a folder")
    pairs.add_argument("--input", type=Path, help="lines of this folder's txt and md files")
    pairs.add_argument("--each", type=int, default=800, help="generated passages of each length and language")
    removed = commands.add_parser("removals", help="near removals of a snapshot")
    removed.add_argument("snapshot", type=Path)
    edited = commands.add_parser("edits", help="found copies by kind of edit, length, language")
    edited.add_argument("--count", type=int, default=400, help="paragraphs a cell")
    edited.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="characters of a paragraph")
    options = parser.parse_args()
    pages: dict[str, Callable[[], str]] = {
        "pairs": lambda: _pairs(options),
        "removals": lambda: removals_page(removals(options.snapshot.resolve())),
        "edits": lambda: edits_page(options.count, options.seed, sizes=options.sizes),
    }
    print(f"`python tests/bench/quality.py {' '.join(sys.argv[1:])}`\n\n{pages[options.command]()}")


def _pairs(options: argparse.Namespace) -> str:
    lines, sets = comparable(read_lines(options.input) if options.input else generated(options.each, options.seed))
    return pairs_page(str(options.input.name if options.input else "generated"), len(lines), recall(lines, sets))


if __name__ == "__main__":
    main()
