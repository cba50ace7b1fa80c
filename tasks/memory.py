"""What the last match computed, remembered for passages that stand unchanged, so that a change costs what it touches.

Remembered are pure functions of one or two passages and the settings: sizes of sets, what two sets have in common, stretches that two
texts share. A passage is the same if its part is (the key of a part names everything that made it), so numbers of passages are carried
over part by part. Which pairs are looked at is found anew each time; so a run with a memory gives what one without would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.store import stage
from tasks.store.text import BoolArray, I32Array, I64Array, U64Array

FILE, VALUES = "memory.json", "memory.npz"


@dataclass
class Memory:
    """Numbers by kind of thing and passage, or pair of passages.

    parts, base : keys of the parts of this run, and the number of the first passage of each, (parts + 1,).
    old         : by kind, sorted codes of passages or pairs (see `_code`), and their values, in this run's numbers.
    blocks      : rows of the last run's `blocks.arrow`, in this run's numbers.
    """

    parts: list[str] = field(default_factory=list)
    base: I64Array = field(default_factory=lambda: np.zeros(1, np.int64))
    settings: str = ""
    old: dict[str, tuple[U64Array, I32Array]] = field(default_factory=dict)
    new: dict[str, list[tuple[U64Array, I32Array]]] = field(default_factory=dict)
    blocks: pa.Table | None = None

    @staticmethod
    def of(folders: Path, settings: str, parts: list[str], base: I64Array) -> Memory:
        """Memory for a run over these parts, of the last match under `folders` that was made with the same settings and code."""
        memory = Memory(parts, base, settings)
        found = [path for path in folders.glob("*") if (path / FILE).is_file() and not path.name.startswith(".")]
        for path in sorted(found, key=lambda path: -path.stat().st_mtime):
            if stage.read_json(path / FILE)["settings"] == settings and stage.stands(path):
                memory._load(path)
                break
        return memory

    def _load(self, folder: Path) -> None:
        about = stage.read_json(folder / FILE)
        place = {key: number for number, key in enumerate(self.parts)}
        before = np.array(about["base"], np.int64)
        now = np.full(int(before[-1]), -1, np.int64)
        for number, key in enumerate(about["parts"]):
            if key in place:
                first, last = before[number], before[number + 1]
                now[first:last] = self.base[place[key]] + np.arange(last - first)
        with np.load(folder / VALUES) as stored:
            for kind in about["kinds"]:
                codes, values = stored[f"{kind}.codes"], stored[f"{kind}.values"]
                sides = [now[(codes >> np.uint64(32)).astype(np.int64)], now[(codes & np.uint64(0xFFFFFFFF)).astype(np.int64)]]
                known = (sides[0] >= 0) & (sides[1] >= 0)
                moved = _code(sides[0][known], sides[1][known])
                order = np.argsort(moved, kind="stable")
                self.old[kind] = moved[order], values[known][order]
        blocks = stage.read_table(folder / "blocks.arrow")
        a, b = (now[stage.numbers(blocks[name])] for name in ("passage_a", "passage_b"))
        for name, column in (("passage_a", a), ("passage_b", b)):
            blocks = blocks.set_column(blocks.column_names.index(name), name, pa.array(column))
        self.blocks = blocks.filter(pa.array((a >= 0) & (b >= 0)))

    def recall(self, kind: str, left: I64Array, right: I64Array) -> tuple[I32Array, BoolArray]:
        """(n,) int32 values, and which of them are known."""
        codes, values = self.old.get(kind, (np.empty(0, np.uint64), np.empty(0, np.int32)))
        if not len(codes):
            return np.zeros(len(left), np.int32), np.zeros(len(left), np.bool_)
        wanted = _code(left, right)
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        return values[at], codes[at] == wanted

    def keep(self, kind: str, left: I64Array, right: I64Array, values: npt.NDArray[np.integer]) -> None:
        """Remember values for the next run."""
        self.new.setdefault(kind, []).append((_code(left, right), values.astype(np.int32)))

    def through(self, kind: str, left: I64Array, right: I64Array, compute: Callable[[I64Array], I32Array]) -> I32Array:
        """(n,) int32, recalled where known; `compute` gives the rest by their numbers among the n."""
        values, known = self.recall(kind, left, right)
        rest = np.flatnonzero(~known)
        if len(rest) or not len(left):
            values[rest] = compute(rest)
        self.keep(kind, left, right, values)
        return values

    def write(self, folder: Path) -> None:
        """Leave what was computed and recalled in this run for the next."""
        arrays = {}
        for kind, pieces in sorted(self.new.items()):
            codes, first = np.unique(np.concatenate([codes for codes, _ in pieces]), return_index=True)
            arrays[f"{kind}.codes"], arrays[f"{kind}.values"] = codes, np.concatenate([values for _, values in pieces])[first]
        np.savez(folder / VALUES, **arrays)  # type: ignore[arg-type]
        stage.write_json(
            folder / FILE, {"settings": self.settings, "parts": self.parts, "base": self.base.tolist(), "kinds": sorted(self.new)}
        )


def _code(left: I64Array, right: I64Array) -> U64Array:
    """left << 32 | right."""
    return (left.astype(np.uint64) << np.uint64(32)) | right.astype(np.uint64)
