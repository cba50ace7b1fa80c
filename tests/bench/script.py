"""Script conversion beside OpenCC and opencc-python-reimplemented, and how often the script of a text is called wrongly.

python tests/bench/script.py speed --hans DIR --hant DIR    MB/s of UTF-8, one core, same run
python tests/bench/script.py agree --hans DIR --hant DIR    bytes that differ from OpenCC 1.4.2, all configurations
python tests/bench/script.py labels [--hans DIR] [--hant DIR]    wrong, mixed and neutral labels by number of Han characters
python tests/bench/script.py start    tables built and loaded

DIR holds .md or .txt files. The peers live in environments of their own (see peers/peer_environments.py). Labels are measured on the
translations that the system's packages ship (zh_CN against zh_TW and zh_HK), which no dictionary of OpenCC made, and on DIR.
"""

from __future__ import annotations

import argparse
import gettext
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE / "peers")]

from peer_environments import Side, cache, python_of  # noqa: E402  # found by the line above

from tasks import dictionaries, script  # noqa: E402
from tasks.settings import Script  # noqa: E402
from tasks.store.text import Texts  # noqa: E402

OFFICIAL = Side("OpenCC", "side_opencc.py", "", "opencc")
REIMPLEMENTED = Side("opencc-python-reimplemented", "side_opencc.py")
LENGTHS = (2, 4, 6, 10, 20)
HAN = re.compile("[\u3400-\u9fff]")


def lines_of(folders: list[Path]) -> list[str]:
    """Lines of all texts, in the order of their paths."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".md", ".txt")]
    return [line for path in files for line in path.read_text("utf-8").split("\n") if line.strip()]


def corpora(options: argparse.Namespace, megabytes: float) -> dict[str, list[str]]:
    """Lines by name: both scripts as they are, the lines that are mostly Han, and text without any."""
    found = {"hans": lines_of(options.hans), "hant": lines_of(options.hant)}
    for name in ("hans", "hant"):
        found[f"{name} dense"] = [line for line in found[name] if len(line) > 10 and len(HAN.findall(line)) >= 0.6 * len(line)]
    found["without Han"] = [HAN.sub("", line) for line in found["hans"]]
    return {name: _sized(lines, megabytes) for name, lines in found.items() if lines}


def _sized(lines: list[str], megabytes: float) -> list[str]:
    size = sum(len(line.encode()) for line in lines)
    repeated = lines * max(1, round(megabytes * 1e6 / size))
    ends = np.cumsum([len(line.encode()) + 1 for line in repeated])
    return repeated[: int(np.searchsorted(ends, megabytes * 1e6 * 1.2)) + 1]


def best(work: Callable[[], object], repeat: int = 5) -> float:
    """Least processor seconds of some calls, after one that warms up."""
    work()
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def peer(side: Side, folder: Path, limit: int, configs: list[str]) -> dict[str, dict[str, list[float] | None]]:
    """What `side_opencc.py` prints."""
    command = [str(python_of(side, cache())), str(HERE / "peers" / side.script), str(folder), str(limit), *configs]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, dict[str, list[float] | None]] = json.loads(done.stdout)
    return answer


def write(texts: dict[str, list[str]], folder: Path) -> None:
    """One file a text, for the peers."""
    for name, lines in texts.items():
        (folder / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8", newline="")


def speed(options: argparse.Namespace) -> None:
    """MB/s of UTF-8 from code points to code points and from Arrow strings to Arrow strings, beside the libraries."""
    texts, configs = corpora(options, options.mb), options.config or ["s2t", "t2s", "s2twp"]
    with tempfile.TemporaryDirectory() as name:
        write(texts, Path(name))
        slow = peer(REIMPLEMENTED, Path(name), 60_000, configs)
        official = peer(OFFICIAL, Path(name), 600_000, configs)
    print(f"{'text':12} {'config':7} {'changed':>8} {'chars':>7} {'Arrow':>7} {'OpenCC':>7} {'reimpl.':>8} {'times':>6}")
    for text, lines in texts.items():
        column = pa.array(lines)
        points = Texts.from_arrow(column)
        size = sum(len(line.encode()) for line in lines) / 1e6
        for config in configs:
            changed = script.mapped_with(config, points).changed.sum() / len(points.chars)
            ours = size / best(lambda c=config, p=points: script.convert_with(c, p))  # type: ignore[misc]
            arrow = size / best(lambda c=config, a=column: script.convert_with(c, Texts.from_arrow(a)).to_arrow())  # type: ignore[misc]
            peers = [each[text][config] for each in (official, slow)]
            rates = [measured[1] / 1e6 / measured[0] if measured else float("nan") for measured in peers]
            print(
                f"{text:12} {config:7} {changed:8.2%} {ours:7.1f} {arrow:7.1f} {rates[0]:7.1f} {rates[1]:8.2f} {ours / rates[1]:6.0f}",
                flush=True,
            )


def agree(options: argparse.Namespace) -> None:
    """Bytes that differ from OpenCC's own conversion."""
    texts, configs = corpora(options, options.mb), options.config or dictionaries.config_names()
    with tempfile.TemporaryDirectory() as name:
        write(texts, Path(name))
        peer(OFFICIAL, Path(name), 0, configs)
        for config in configs:
            size = different = 0
            for text, lines in texts.items():
                ours = "\n".join(script.convert_with(config, Texts.of(lines)).to_arrow().to_pylist()).encode()
                theirs = (Path(name) / config / f"{text}.txt").read_bytes()
                size += len(theirs)
                different += abs(len(ours) - len(theirs)) + sum(a != b for a, b in zip(ours, theirs, strict=False)) if ours != theirs else 0
            print(f"{config:7} {size / 1e6:6.1f} MB, {different} bytes differ", flush=True)


def translations(locale: str) -> list[str]:
    """Translated messages that the system's packages ship for a locale, sorted, each once."""
    found: set[str] = set()
    for path in sorted(Path("/usr/share/locale").glob(f"{locale}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            found.update(str(value) for value in gettext.GNUTranslations(file)._catalog.values())  # type: ignore[attr-defined]
    return sorted(found)


def labels(options: argparse.Namespace) -> None:
    """Labels of pieces of so many Han characters, and of whole texts of 40 and more."""
    sets = {name: (lang, translations(name)) for name, lang in (("zh_CN", "hans"), ("zh_TW", "hant"), ("zh_HK", "hant"))}
    sets |= {f"given {lang}": (lang, lines_of(folders)) for lang, folders in (("hans", options.hans), ("hant", options.hant))}
    print(f"{'text':10} {'Han':>5} {'pieces':>7} {'right':>8} {'wrong':>8} {'mixed':>8} {'neutral':>8} {'tw':>7} {'hk':>7}")
    for name, (lang, lines) in sets.items():
        runs = [run for line in lines for run in re.findall("[\u3400-\u9fff]+", line)]
        for length in (*LENGTHS, 0):
            pieces = [line for line in lines if len(HAN.findall(line)) >= 40]
            if length:
                pieces = [run[i : i + length] for run in runs for i in range(0, len(run) - length + 1, length)]
            if not pieces:
                continue
            texts = Texts.of(pieces)
            found = script.label(texts, Script())
            share = np.bincount(found, minlength=4) / len(found)
            right = script.SCRIPTS.index(lang)
            region = script.region_evidence(texts, found)
            hints = [(region[:, i] > region[:, 1 - i]).mean() for i in range(2)]
            print(
                f"{name:10} {length or '40+':>5} {len(pieces):7} {share[right]:8.2%} {share[3 - right]:8.2%} {share[3]:8.2%} "
                f"{share[0]:8.2%} {hints[0]:7.2%} {hints[1]:7.2%}",
                flush=True,
            )


def start(options: argparse.Namespace) -> None:
    """Processor seconds to build all tables and to load them again, in processes of their own, and their size on disk."""
    code = "import time; from tasks import dictionaries as d; t = time.process_time()\n"
    code += "for name in {!r}: d.converter(name)\nprint(round(time.process_time() - t, 3))"
    with tempfile.TemporaryDirectory() as name:
        for what in ("built", "loaded"):
            for configs in (["t2s", "hans"], ["s2t"], ["s2twp"], dictionaries.config_names()):
                place = Path(name) / "-".join(configs)[:40]
                environment = os.environ | {"TAOSHA_CACHE": str(place), "PYTHONPATH": str(HERE.parent.parent)}
                done = subprocess.run(
                    [sys.executable, "-c", code.format(configs)], env=environment, capture_output=True, text=True, check=True
                )
                size = sum(path.stat().st_size for path in place.iterdir()) / 1e6
                print(f"{what:7} {', '.join(configs)[:40]:42} {done.stdout.strip()} s, {size:.1f} MB", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "agree", "labels", "start"])
    parser.add_argument("--hans", type=Path, nargs="+", default=[])
    parser.add_argument("--hant", type=Path, nargs="+", default=[])
    parser.add_argument("--config", nargs="+")
    parser.add_argument("--mb", type=float, default=8)
    options = parser.parse_args()
    {"speed": speed, "agree": agree, "labels": labels, "start": start}[options.what](options)


if __name__ == "__main__":
    main()
