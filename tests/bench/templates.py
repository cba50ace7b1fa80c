"""How much of the frames of made-up sites mining removes, and how much text it takes with them, by site.

    python tests/bench/templates.py [--seed 1 2 3] [--packs] [--show 20]

Characters without white space. *unwanted removed*: of the lines labelled as frame; *wanted kept*: of the lines labelled as text. Rule
packs are off unless asked for: this is about what nobody wrote a rule for. *exact paragraphs* is the baseline of CCNet and dolma: every
paragraph that stood before, anywhere, goes. The page is what stands at the end of a run; only the decide stage is timed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from template_sites import EITHER, FRAME, TEXT, Labels, write

from tasks import stages
from tasks.decide import gather_lines
from tasks.job import Job
from tasks.reasons import BOILERPLATE
from tasks.rule_table import mine_templates
from tasks.settings import Settings
from tasks.store.stage import numbers, read_table

Place = tuple[str, int, int]


@dataclass
class Score:
    """Characters by label: all, and removed; and the lines on the wrong side."""

    total: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gone: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: list[str] = field(default_factory=list)

    def add(self, label: str, line: str, removed: bool) -> None:
        size = len("".join(line.split()))
        self.total[label] += size
        self.gone[label] += size * removed
        if label != EITHER and removed != (label == FRAME):
            self.wrong.append(f"{'removed' if removed else 'kept'}  {line[:80]}")

    def shares(self) -> str:
        found = self.gone[FRAME] / self.total[FRAME] if self.total[FRAME] else float("nan")
        return f"{found:8.4f} {1 - self.gone[TEXT] / max(self.total[TEXT], 1):8.4f}"


def mined(folder: Path, work: Path, packs: bool) -> tuple[set[Place], float, int]:
    """Lines that rules (when they are on) and templates take, seconds of processor time of mining, bytes."""
    settings = Settings() if packs else Settings.model_validate({"boilerplate": {"packs": ()}})
    job = Job((str(folder),), str(work), settings.model_dump(mode="json"), str(work))
    plan = stages.discover(job)
    parts = [part for cell in stages.read(job, plan, list(range(len(plan.cells)))) for part in cell["parts"]]
    index = stages._index(job, stages.annotate(job, parts))
    mine_templates(index, settings)
    start = time.process_time()
    found = mine_templates(index, settings)
    seconds = time.process_time() - start
    lines = gather_lines(index, found.of_line, found.between)
    places = index.places(np.arange(index.doc_base[-1])).select(["source", "record"]).to_pylist()
    number = np.concatenate([numbers(read_table(part.notes / "lines.arrow")["number"]) for part in index.parts])
    gone = np.flatnonzero(lines.reason >= BOILERPLATE)
    taken = {(places[d]["source"], places[d]["record"], int(at)) for d, at in zip(lines.doc[gone], number[gone], strict=True)}
    return taken, seconds, plan.byte_count


def repeated(labels: Labels) -> set[Place]:
    """Lines of which an equal one stood before."""
    seen: set[str] = set()
    out = set()
    for place, (_, line) in labels.items():
        key = "".join(line.split()).lower()
        if key in seen:
            out.add(place)
        seen.add(key)
    return out


def score(labels: Labels, gone: set[Place]) -> dict[str, Score]:
    """Score of each site and of all."""
    found: dict[str, Score] = defaultdict(Score)
    for place, (label, line) in labels.items():
        for name in (place[0].split("/")[0], "all"):
            found[name].add(label, line, place in gone)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--packs", action="store_true", help="rule packs too")
    parser.add_argument("--show", type=int, default=0, help="lines on the wrong side to print, of each site")
    options = parser.parse_args()
    for seed in options.seed:
        with tempfile.TemporaryDirectory() as name:
            labels = write(Path(name) / "in", seed)
            gone, seconds, size = mined(Path(name) / "in", Path(name) / "out", options.packs)
        ours, baseline = score(labels, gone), score(labels, repeated(labels))
        print(f"seed {seed}: {len(labels):,} lines, {size / 1e6:.1f} MB, mining {seconds:.3f} s CPU ({size / 1e6 / seconds:.0f} MB/s)")
        print(f"{'site':<12} {'unwanted':>8} {'wanted':>8}   exact paragraphs")
        print(f"{'':<12} {'removed':>8} {'kept':>8} {'removed':>8} {'kept':>8}")
        for site in ours:
            print(f"{site:<12} {ours[site].shares()} {baseline[site].shares()}")
            if site != "all":
                for line in ours[site].wrong[: options.show]:
                    print(f"    {line}")


if __name__ == "__main__":
    main()
