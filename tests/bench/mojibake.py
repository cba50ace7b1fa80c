"""How much text read in the wrong charset is repaired exactly, flagged or missed, and what happens to sound text.

    python -m tests.bench.mojibake FOLDER [--rows N]

Paragraphs and sentences of the Markdown and text files under FOLDER are written in one charset and read in another. `whole`: no
byte was lost; `lossy`: what the other charset cannot read became U+FFFD, `dropped`: it was left out. A row that is not the
original after repair is `flagged` where `mojibake_share` or `replacement_count` is above 0, else `missed`; `wrong` is a repair to
something else than the original (in whole rows only: what lost bytes cannot be).
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.normalize import normalize
from tasks.settings import Normalize
from tasks.signals import measure
from tasks.store.text import Texts

KINDS = (
    ("utf-8", "gb18030"),
    ("utf-8", "cp950"),
    ("utf-8", "cp932"),
    ("utf-8", "latin-1"),
    ("utf-8", "cp1252"),
    ("gb18030", "utf-8"),
    ("gb18030", "latin-1"),
    ("gb18030", "cp950"),
    ("cp950", "gb18030"),
    ("cp950", "utf-8"),
    ("cp950", "latin-1"),
)
_SENTENCE = re.compile(r"[^。！？]+[。！？]?")


def paragraphs(folder: Path) -> list[str]:
    """Normalized lines of at least 8 Han characters, the same ones once, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".md", ".txt"))
    lines = {line.strip() for path in files for line in path.read_text(encoding="utf-8").split("\n")}
    rows = sorted(line for line in lines if len(re.findall("[\u4e00-\u9fff]", line)) >= 8)
    return clean(rows, Normalize(mojibake=False))


def clean(rows: list[str], settings: Normalize) -> list[str]:
    """Rows as they are published, before script conversion."""
    texts = Texts.of(rows)
    no = np.zeros(len(rows), np.bool_)
    out: list[str] = normalize(texts.chars, texts.offsets[:-1], texts.offsets[1:], no, no, settings).texts.to_arrow().to_pylist()
    return out


def flags(rows: list[str]) -> np.ndarray:
    """(n,) bool: what the signals say of each row."""
    signals = measure(Texts.of(rows), np.zeros(len(rows), np.uint8))
    return (signals.field("mojibake_share").to_numpy() > 0) | (signals.field("replacement_count").to_numpy() > 0)


def damaged(row: str, was: str, read_as: str) -> Iterator[tuple[str, str]]:
    """(how, damaged row) of one row in one charset read in another; nothing where the row cannot be written in the first."""
    try:
        data = row.encode(was)
    except UnicodeEncodeError:
        return
    try:
        yield "whole", data.decode(read_as)
    except UnicodeDecodeError:
        yield "lossy", data.decode(read_as, "replace")
        yield "dropped", data.decode(read_as, "ignore")


def table(rows: list[str]) -> Iterator[str]:
    """One line a kind of damage and a way of losing bytes."""
    for was, read_as in KINDS:
        found = [(row, how, broken) for row in rows for how, broken in damaged(row, was, read_as) if broken != row]
        after = clean([broken for _, _, broken in found], Normalize())
        before = clean([broken for _, _, broken in found], Normalize(mojibake=False))
        flagged = flags(after)
        for how in ("whole", "lossy", "dropped"):
            counts: Counter[str] = Counter()
            for (row, this, _), got, left, flag in zip(found, after, before, flagged, strict=True):
                if this == how:
                    counts[
                        "repaired" if got == row else "wrong" if got != left and how == "whole" else "flagged" if flag else "missed"
                    ] += 1
            total = counts.total()
            if total:
                shares = " | ".join(f"{counts[name] / total:.4f}" for name in ("repaired", "wrong", "flagged", "missed"))
                yield f"| {was} read as {read_as} | {how} | {total} | {shares} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    arguments = parser.parse_args()
    every = paragraphs(arguments.folder)
    sentences = sorted(
        {piece.strip() for row in every for piece in _SENTENCE.findall(row) if len(re.findall("[\u4e00-\u9fff]", piece)) >= 4}
    )
    for name, rows in (("paragraphs", every), ("sentences", sentences)):
        changed = [row for row, got in zip(rows, clean(rows, Normalize()), strict=True) if row != got]
        print(f"\n{name}: {len(rows)} sound, {len(changed)} changed, {int(flags(rows).sum())} flagged\n")
        sample = random.Random(11).sample(rows, min(arguments.rows, len(rows)))  # noqa: S311
        print("| damage | bytes | rows | repaired | wrong | flagged | missed |\n|---|---|---|---|---|---|---|")
        print("\n".join(table(sample)))


if __name__ == "__main__":
    main()
