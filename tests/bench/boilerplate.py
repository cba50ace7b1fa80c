"""Measure what rules, and a whole run with its templates, take from labelled pages: Markdown tables on stdout.

    python tests/bench/boilerplate.py dev            pages the rules were written with
    python tests/bench/boilerplate.py held           pages written afterwards, then used too: figures are honest only the first time
    python tests/bench/boilerplate.py later          a few more, written after those were used
    python tests/bench/boilerplate.py dev --show     and every line that went or stayed against its label
    python tests/bench/boilerplate.py speed DIR      MB/s of all rules over the txt and md files of a folder, one core

Beside them stands exact paragraph deduplication (as in CCNet and dolma): a line that stood before, digits as 0, goes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from labelled_pages import EITHER, Document, read_set

from tasks.boilerplate import Lines, judge, load_rules
from tasks.foldline import fold_lines
from tasks.segment import Marks, segment
from tasks.settings import Settings
from tasks.store.text import Texts
from tasks.try_rules import try_rules

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import whole

SETTINGS = Settings()
#: Sets of labelled pages, in the order they were written.
SETS = ("dev", "held", "later", "round1", "round2", "round3", "round4")
#: Why a line goes, as far as this benchmark counts it: duplicates are another question.
COUNTED = ("boilerplate", "template", "extraction")
Gone = dict[tuple[int, int], str]


def by_rules(documents: list[Document]) -> Gone:
    """(document, line) -> category and rule that takes it, by the rules alone, each document by itself."""
    with tempfile.TemporaryDirectory() as folder:
        number = written(documents, Path(folder))
        return {
            (number[record["source"]], line["number"] - 1): f"{line['category']} {line['rule']}"
            for record in try_rules(Path(folder), SETTINGS)
            for line in record["lines"]
            if line["rule"]
        }


def by_run(documents: list[Document]) -> Gone:
    """The same by a whole run: rules, templates and what spreads from them, a site being a collection."""
    with tempfile.TemporaryDirectory() as folder:
        number = written(documents, Path(folder) / "input")
        run = whole.run([Path(folder) / "input"], Path(folder) / "out")
        return {
            (number[row["source"]], line): f"{row['category']} {row['rule']}"
            for row in run.rows("removed")
            if row["reason"] in COUNTED
            for line in range(row["line_start"] - 1, row["line_end"])
        }


def written(documents: list[Document], folder: Path) -> dict[str, int]:
    """Write each document to a file; the number of each by the name of its source."""
    for document in documents:
        path = folder / document.site / document.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document.text, encoding="utf-8")
    return {f"{document.site}/{document.name}": number for number, document in enumerate(documents)}


def by_exact_paragraphs(documents: list[Document]) -> Gone:
    """Lines that stood before anywhere, lower case, digits as 0."""
    seen: set[str] = set()
    gone: Gone = {}
    for number, document in enumerate(documents):
        for line, text in enumerate(document.lines):
            key = "".join("0" if c.isdigit() else c for c in text.strip().lower())
            if key in seen:
                gone[number, line] = "duplicate"
            seen.add(key)
    return gone


def size(text: str) -> int:
    return sum(not c.isspace() for c in text)


def score(documents: list[Document], gone: Gone) -> dict[str, tuple[int, int]]:
    """Label -> (characters that went, characters in all); wanted lines under `wanted`, all unwanted under `unwanted`."""
    counts: dict[str, npt.NDArray[np.int64]] = defaultdict(lambda: np.zeros(2, np.int64))
    for number, document in enumerate(documents):
        for line, (text, label) in enumerate(zip(document.lines, document.labels, strict=True)):
            if label == EITHER:
                continue
            pair = np.array([size(text) * ((number, line) in gone), size(text)])
            counts[label or "wanted"] += pair
            if label:
                counts["unwanted"] += pair
    return {label: (int(a), int(b)) for label, (a, b) in counts.items()}


def lost_documents(documents: list[Document], gone: Gone) -> Counter[str]:
    """Wanted characters lost, by document."""
    lost: Counter[str] = Counter()
    for (number, line), _ in gone.items():
        document = documents[number]
        if line < len(document.lines) and document.labels[line] is None:
            lost[f"{document.site}/{document.name}"] += size(document.lines[line])
    return +lost


def table(documents: list[Document], columns: dict[str, Gone]) -> None:
    """Shares by label, a column a way."""
    scores = {name: score(documents, gone) for name, gone in columns.items()}
    first = next(iter(scores.values()))
    print(f"{len(documents)} documents of {len({d.site for d in documents})} sites\n")
    print("| | characters | " + " | ".join(columns) + " |")
    print("|---|---:|" + "---:|" * len(columns))
    kept = [1 - s["wanted"][0] / s["wanted"][1] for s in scores.values()]
    print(f"| wanted kept | {first['wanted'][1]} | " + " | ".join(f"{share:.4f}" for share in kept) + " |")
    for label in ["unwanted", *sorted(set(first) - {"wanted", "unwanted"})]:
        name = "unwanted removed" if label == "unwanted" else f"{label}"
        print(f"| {name} | {first[label][1]} | " + " | ".join(f"{s[label][0] / s[label][1]:.3f}" for s in scores.values()) + " |")
    print("\nWanted text lost, by document:", {name: dict(lost_documents(documents, gone)) for name, gone in columns.items()})


def show(documents: list[Document], gone: Gone) -> None:
    """Every line against its label."""
    for number, document in enumerate(documents):
        for line, (text, label) in enumerate(zip(document.lines, document.labels, strict=True)):
            taken = gone.get((number, line))
            if text.strip() and label != EITHER and (taken is not None) != (label is not None):
                print(f"{'LOST ' if taken else 'stays'} {document.site}/{document.name}:{line + 1} [{label or taken}] {text[:90]}")


def speed(folder: Path) -> None:
    """Best of five over the folder: match form, rules, both."""
    rows = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.suffix in (".txt", ".md")]
    texts, rules = Texts.of(rows), load_rules(SETTINGS.boilerplate)
    size_mb = sum(len(row.encode()) for row in rows) / 1e6
    found = segment(texts, ["md"] * len(rows), Marks.none())
    lines = Lines.of(found)
    folded = fold_lines(texts.chars, found.line_start, found.line_end)
    ways = {
        "match form": lambda: fold_lines(texts.chars, found.line_start, found.line_end),
        "rules": lambda: judge(folded, lines, rules),
    }
    best = {}
    for name, work in ways.items():
        work()
        best[name] = min(_seconds(work) for _ in range(5))
    both = sum(best.values())
    print(
        f"{size_mb:.1f} MB, {len(lines.doc)} lines: "
        + ", ".join(f"{name} {size_mb / s:.1f} MB/s" for name, s in best.items())
        + f", both {size_mb / both:.1f} MB/s"
    )


def _seconds(work: object) -> float:
    begun = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*SETS, "speed"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--rules-only", action="store_true")
    asked = parser.parse_args()
    if asked.what == "speed":
        speed(asked.folder)
        return
    documents = read_set(asked.what)
    columns = {"rules": by_rules(documents)}
    if not asked.rules_only:
        columns["whole run"] = by_run(documents)
    columns["exact paragraphs"] = by_exact_paragraphs(documents)
    table(documents, columns)
    if asked.show:
        show(documents, columns["rules"])


if __name__ == "__main__":
    main()
