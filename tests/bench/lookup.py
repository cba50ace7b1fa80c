"""Measure `taosha lookup`: start-up, preparing and opening the index, answers by kind of query, and how many are right.

    python tests/bench/lookup.py --mb 10
    python tests/bench/lookup.py --input DIR --queries 200

Runs the pipeline on the corpus with signatures published, then asks for passages that it holds, in six forms. A query is found when
the passage that it was made from is among its first 50 places. Seconds are processor seconds of one core.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from make_corpus import make
from run import PUBLISHED, machine, pin

#: What unrelated text is made of.
HAN = "山水林田湖草沙风雨雷电云雪霜露花鸟鱼虫石桥船灯书画琴棋诗酒茶米油盐酱醋柴门窗桌椅床柜碗筷刀叉锅瓢盆桶绳针线布衣帽鞋袜"
SHOWN = 50


@dataclass
class Asked:
    """Queries of one kind: how many, how many found, processor seconds of each."""

    kind: str
    asked: int
    found: int
    seconds: list[float]


def unrelated(rng: random.Random, size: int) -> str:
    return "".join(rng.choice(HAN) if (i + 1) % 20 else "。" for i in range(size))


def edited(rng: random.Random, text: str, share: float) -> str:
    """The text with a share of its characters replaced."""
    chars = list(text)
    for i in rng.sample(range(len(chars)), max(1, int(len(chars) * share))):
        chars[i] = rng.choice(HAN)
    return "".join(chars)


def kinds(rng: random.Random) -> dict[str, Callable[[str], str | None]]:
    """Query of each kind from a passage; None where it is too short for it."""
    from opencc import OpenCC

    traditional = OpenCC("s2t").convert

    def piece(text: str) -> str | None:
        start = rng.randrange(max(1, len(text) - 60))
        return text[start : start + 60] if len(text) >= 200 else None

    return {
        "verbatim": lambda text: text,
        "traditional": traditional,
        "2 % of characters edited": lambda text: edited(rng, text, 0.02),
        "5 % of characters edited": lambda text: edited(rng, text, 0.05),
        "60 characters of a passage of 200 and more": piece,
        "between two unrelated paragraphs of 150": lambda text: unrelated(rng, 150) + text + unrelated(rng, 150),
    }


def passages(snapshot: Path, rng: random.Random, count: int) -> Iterator[tuple[str, str]]:
    """Ids and raw texts of Chinese prose of 60 to 600 characters without addresses, in random order: half of them 200 and more."""
    table = pq.read_table(snapshot / "passages", columns=["passage_id", "raw", "text", "kind", "lang"]).to_pylist()
    rows = [
        (row["passage_id"], row["raw"] or row["text"]) for row in table if row["kind"] in ("prose", "list") and row["lang"] == "zh-Hans"
    ]
    rows = [row for row in rows if 60 <= len(row[1]) <= 600 and "://" not in row[1]]
    rng.shuffle(rows)
    long = [row for row in rows if len(row[1]) >= 200][:count]
    yield from long
    yield from (row for row in rows if len(row[1]) < 200)


def measure(snapshot: Path, rng: random.Random, count: int) -> tuple[dict[str, float], list[Asked], Any]:
    """Seconds of each step, queries by kind, and the index."""
    import datasketch  # noqa: F401 (lookup would import it later)

    from tasks.lookup import Search
    from tasks.lookup_index import open_index
    from tasks.lookup_query import read
    from tasks.manifest import load
    from tasks.settings import Settings

    settings = Settings.model_validate(load(snapshot)["settings"])
    read("千淘万漉虽辛苦，吹尽狂沙始到金。", settings)
    steps = {"start-up: imports, compiled kernels": time.process_time()}
    for step in ("preparing the index, once a snapshot", "opening it"):
        begin = time.process_time()
        search = Search(open_index(snapshot, settings), settings.matching)
        steps[step] = time.process_time() - begin
    results = []
    for kind, query in kinds(rng).items():
        result = Asked(kind, 0, 0, [])
        for own, text in passages(snapshot, rng, count):
            asked = query(text)
            if asked is None or result.asked == count:
                continue
            begin = time.process_time()
            (found,) = search.answer(read(f"{asked}\n", settings)[1], SHOWN)
            result.seconds.append(time.process_time() - begin)
            result.asked += 1
            result.found += own in {place.span["passage_id"] for place in found.places} or found.total > SHOWN
        results.append(result)
    return steps, results, search.known


def page(steps: dict[str, float], results: list[Asked], known: Any, mb: float, options: argparse.Namespace) -> str:
    lines = [f"`python tests/bench/lookup.py {' '.join(sys.argv[1:])}`", "", machine(options), ""]
    lines += [
        f"{mb:.1f} MB, {len(known.spans):,} spans, {len(known.matrix.sizes):,} distinct signatures.", "",
        "| step | CPU s |", "|---|---:|", *(f"| {step} | {seconds:.2f} |" for step, seconds in steps.items()), "",
        "| query | asked | found | CPU ms, median | worst |", "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for one in results:
        times = sorted(one.seconds) or [0.0]
        lines.append(
            f"| {one.kind} | {one.asked} | {one.found / max(one.asked, 1):.4f} | {1e3 * times[len(times) // 2]:.0f} | {1e3 * times[-1]:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=float, default=10, help="size of the generated corpus")
    parser.add_argument("--input", type=Path, help="a folder of sources instead")
    parser.add_argument("--queries", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args()
    options.workers, options.repeat, options.pinned = 1, 1, pin(options.cores)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = options.input
        if source is None:
            make(folder, options.mb, options.seed)
            source = folder / "input"
        (folder / "taosha.toml").write_text("[publish]\nsignatures = true\n")
        arguments = ["run", "--direct", "-i", str(source), "-o", str(folder / "out"), "-c", str(folder / "taosha.toml"), "--workers", "1"]
        done = subprocess.run([sys.executable, "-m", "flows.cli", *arguments], capture_output=True, text=True, check=False)
        if done.returncode not in PUBLISHED:
            sys.exit(f"taosha ended with {done.returncode}:\n{done.stderr[-2000:]}")
        mb = sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) / 1e6
        print(page(*measure((folder / "out" / "latest").resolve(), random.Random(options.seed), options.queries), mb, options))  # noqa: S311


if __name__ == "__main__":
    main()
