"""Measure whole runs on floods of repetition: time by stage, memory, growth for four times the flood, and whether the result is right.

    python tests/bench/floods.py
    python tests/bench/floods.py --flood footer --full 2000

identical  a million records with the same text
variants   a hundred thousand records, variants of one sponsor line: numbers, names and a few words differ
footer     ten thousand documents with bodies of their own and one footer of forty lines

Each is run at a quarter and at full size, as `taosha run --direct` in a fresh process on one core. Processor time and the highest memory
of each stage are read from /proc when the run says that a stage is done (so: on Linux only). The result is Markdown on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from prose import Prose
from run import PUBLISHED, command, machine, pin

SENTENCE = "巷口的石榴树今年结得早，王婶摘下头一篮分给四邻，自己只留了两个放在窗台上看。"
RECORDS_A_FILE = 250_000


# --- The floods ------------------------------------------------------------------------------------------------------------


def identical(folder: Path, count: int, _seed: int) -> None:
    """Records with one and the same text."""
    line = json.dumps({"text": SENTENCE}, ensure_ascii=False) + "\n"
    for number, first in enumerate(range(0, count, RECORDS_A_FILE)):
        (folder / f"same-{number:03}.jsonl").write_text(line * min(RECORDS_A_FILE, count - first), encoding="utf-8")


def sponsor(rng: random.Random) -> str:
    """A sponsor line in one of its many forms: two of them have a similarity of about 0.7."""

    def one_of(*words: str) -> str:
        return words[0] if rng.random() < 0.9 else rng.choice(words)

    brand = "".join(rng.choice("青白云石竹松") for _ in range(2))
    return (
        f"{one_of('本期节目', '这一期', '今天的节目')}由{brand}茶铺赞助播出：他们把山里头一茬的春茶装进巴掌大的小罐，{one_of('三天之内', '两天之内', '当天')}寄到听众手里，"
        f"第 {rng.randrange(1, 10**6)} 位{one_of('下单', '结账')}的人报上{one_of('节目', '主播')}的名字可以减 {rng.randrange(1, 100)} 元，"
        f"罐子喝空了还能寄回去再装一次，装满之后茶铺自己出邮费，{one_of('优惠', '活动')}到 {rng.randrange(1, 13)} 月 {rng.randrange(1, 29)} 日{one_of('为止', '截止')}。"
    )


def variants(folder: Path, count: int, seed: int) -> None:
    """Records with a sponsor line each, hardly two the same."""
    rng = random.Random(seed)  # noqa: S311 (the point is that it is not secret)
    with (folder / "sponsor.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(count):
            file.write(json.dumps({"text": sponsor(rng)}, ensure_ascii=False) + "\n")


def block(prose: Prose) -> str:
    """Forty lines in eight paragraphs."""
    lines = [prose.paragraph()[0][:40].rstrip("，。；：") + "。" for _ in range(40)]
    return "\n\n".join("\n".join(lines[at : at + 5]) for at in range(0, 40, 5))


def footer(folder: Path, count: int, seed: int) -> None:
    """Documents of three paragraphs nobody else has, and forty lines that all have."""
    prose = Prose(seed)
    last = block(prose)
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.txt"
        path.parent.mkdir(exist_ok=True)
        body = "\n\n".join(prose.paragraph()[0] for _ in range(3))
        path.write_text(f"{body}\n\n{last}\n", encoding="utf-8")


# --- What must come out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Snapshot:
    """What a run published and counted."""

    folder: Path
    summary: dict[str, Any]
    counters: dict[str, int]

    def column(self, table: str, name: str) -> Any:
        """A column of a published table."""
        return pq.read_table(self.folder / table, columns=[name])[name]

    @property
    def largest_family(self) -> int:
        return max((row["occurrence_count"] for row in self.summary["top_families"]), default=0)


def _read(output: Path) -> Snapshot:
    folder = (output / "latest").resolve()
    counters: dict[str, int] = {}
    for path in sorted((output / "work" / "match").glob("*/done.json")):
        counters |= json.loads(path.read_text(encoding="utf-8"))
    return Snapshot(folder, json.loads((folder / "report" / "summary.json").read_text(encoding="utf-8")), counters)


def _identical(found: Snapshot, count: int, _seed: int) -> dict[str, bool]:
    copies = found.column("passages", "copies").to_pylist() if found.summary["passages"]["kept"] < 100 else []
    return {
        "one passage kept": found.summary["passages"]["kept"] == 1,
        f"with {count - 1:,} copies": copies == [count - 1],
        f"one family of {count:,}": found.summary["families"]["count"] == 1 and found.largest_family == count,
        "pairs grow with the passages": found.summary["pairs"]["total"] <= 2 * count,
    }


def _variants(found: Snapshot, count: int, _seed: int) -> dict[str, bool]:
    return {
        "nothing lost": found.summary["characters"]["unaccounted"] == 0,
        "pairs grow with the passages": found.summary["pairs"]["total"] <= 12 * count,
        "most of it one family": found.largest_family >= count // 2,
    }


def _footer(found: Snapshot, count: int, seed: int) -> dict[str, bool]:
    own = sum(not c.isspace() for c in block(Prose(seed)))
    removed = found.summary["characters"]["removed"]
    return {
        f"one family of {count:,}": found.largest_family == count,
        "the footers gone but one, and nothing else": own * (count - 1) <= removed <= own * count,
        "pairs grow with the passages": found.summary["pairs"]["total"] <= 12 * 43 * count,
    }


#: Writer, what must come out, and how many at full size.
FLOODS: dict[str, tuple[Callable[[Path, int, int], None], Callable[[Snapshot, int, int], dict[str, bool]], int]] = {
    "identical": (identical, _identical, 1_000_000),
    "variants": (variants, _variants, 100_000),
    "footer": (footer, _footer, 10_000),
}


def overflow(found: Snapshot) -> dict[str, tuple[int, bool]]:
    """Counters of what went over a cap: the number, and whether summary.json shows it."""
    text = json.dumps(found.summary)
    names = [name for name, number in found.counters.items() if number and any(word in name for word in ("hot", "cap", "over"))]
    return {name: (found.counters[name], f'"{name}": {found.counters[name]}' in text) for name in names}


# --- A run -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """What one stage took: processor and wall seconds, and the most memory that the process held during it, MB."""

    name: str
    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True)
class Run:
    """One run of the command; the first of `stages` has the start-up in it, the last is what comes after the last stage."""

    count: int
    mb: float
    cpu: float
    wall: float
    peak: float
    stages: list[Stage]
    found: Snapshot


def _used(pid: int) -> tuple[float, float]:
    """Processor seconds of a process so far, and the most memory since the last call, MB. (0, 0) when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the high-water mark begins again
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(line.split()[1]) * 1024 / 1e6
    except (OSError, StopIteration):
        return 0.0, 0.0


def run(count: int, source: Path, output: Path) -> Run:
    """Run taosha on a folder with one worker."""
    config = output.parent / "bench.toml"
    config.write_text("[run]\nworkers = 1\n")
    arguments = [*command(), "run", "--direct", "--input", str(source), "--output", str(output), "--config", str(config)]
    log, stages = "", list[Stage]()
    begin = before = time.perf_counter()
    spent = 0.0
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}  # this clone, whatever is installed
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=here) as process:
        for line in process.stderr or ():
            log += line
            if said := re.match(r"(\w+): \d+ groups?, [0-9.]+ s$", line):
                now, (cpu, peak) = time.perf_counter(), _used(process.pid)
                stages.append(Stage(said[1] if stages else f"start-up, {said[1]}", cpu - spent, now - before, peak))
                spent, before = cpu, now
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall, cpu = time.perf_counter() - begin, usage.ru_utime + usage.ru_stime
    if process.returncode not in PUBLISHED:
        sys.exit(f"taosha ended with {process.returncode} on {source}:\n{log[-2000:]}")
    stages.append(Stage("end", cpu - spent, begin + wall - before, 0))
    mb = sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) / 1e6
    return Run(count, mb, cpu, wall, max(stage.peak for stage in stages), stages, _read(output))


# --- The page --------------------------------------------------------------------------------------------------------------


def page(runs: dict[str, list[Run]], seed: int) -> list[str]:
    """Tables: a row a run, then time and memory by stage, then what went over a cap."""
    lines = ["| flood | passages | MB | CPU s | ratio | wall s | peak RSS MB | pairs | kept | largest family | not as expected |"]
    lines.append("|---|" + "---:|" * 9 + "---|")
    for name, sizes in runs.items():
        for one in sizes:
            wrong = [what for what, good in FLOODS[name][1](one.found, one.count, seed).items() if not good]
            numbers = one.found.summary["passages"]
            lines.append(
                f"| {name}, {one.count:,} | {numbers['kept'] + numbers['removed']:,} | {one.mb:.1f} | {one.cpu:.1f} "
                f"| {one.cpu / sizes[0].cpu:.2f} | {one.wall:.1f} | {one.peak:.0f} | {one.found.summary['pairs']['total']:,} "
                f"| {numbers['kept']:,} | {one.found.largest_family:,} | {', '.join(wrong) or '-'} |"
            )
    names = [stage.name for stage in next(iter(runs.values()))[0].stages]
    for what, unit in (("cpu", "CPU seconds"), ("peak", "Peak memory, MB,")):
        lines += ["", f"{unit} by stage:", "", f"| flood | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
        for name, sizes in runs.items():
            for one in sizes:
                cells = [f"{getattr(stage, what):.{1 if what == 'cpu' else 0}f}" for stage in one.stages]
                lines.append(f"| {name}, {one.count:,} | {' | '.join(cells)} |")
    lines += ["", "Over a cap, and whether summary.json shows it:", "", "| flood | counter | number | shown |", "|---|---|---:|---|"]
    for name, sizes in runs.items():
        for one in sizes:
            rows = overflow(one.found) or {"nothing": (0, True)}
            lines += [
                f"| {name}, {one.count:,} | {what} | {number:,} | {'yes' if shown else 'NO'} |" for what, (number, shown) in rows.items()
            ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--flood", nargs="+", choices=FLOODS, default=list(FLOODS))
    parser.add_argument("--full", type=int, help="records or documents at full size; default: as above")
    parser.add_argument("--cores", type=int, default=1, help="cores to stay on; 0 = all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for inputs and results; default: a temporary one that is removed")
    options = parser.parse_args()
    options.pinned, options.workers, options.repeat = pin(options.cores), 1, 1
    runs: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory(prefix="taosha-floods-") as temporary:
        scratch = options.keep or Path(temporary)
        for name in options.flood:
            write, _, standard = FLOODS[name]
            for part in (0, 4, 1):  # 0: a small one first, which compiles the kernels
                full = options.full or standard
                count = full // part if part else 400
                folder = scratch / f"{name}-{count}"
                if not (folder / "input").is_dir():
                    (folder / "making").mkdir(parents=True)
                    write(folder / "making", count, options.seed)
                    (folder / "making").rename(folder / "input")
                output = Path(tempfile.mkdtemp(prefix="out-", dir=folder)) / "run"
                print(f"{name}: {count:,}", file=sys.stderr, flush=True)
                one = run(count, folder / "input", output)
                if part:
                    runs.setdefault(name, []).append(one)
        print(f"`python tests/bench/floods.py {' '.join(sys.argv[1:])}`\n\n{machine(options)}\n")
        print("\n".join(page(runs, options.seed)))


if __name__ == "__main__":
    main()
