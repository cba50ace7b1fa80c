"""How much of what is plainly boilerplate in real newsletters a run removes: by simple patterns of lines, not by our rules.

    python tests/bench/plain_boilerplate.py ../shared/corpora

The patterns are for measurement only and are never rules. For each corpus: lines and characters that a pattern calls
boilerplate, how many of them rules alone and a whole run with its templates remove, and what else goes, by rule.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import whole

from tasks.settings import Settings
from tasks.try_rules import try_rules

#: Corpus -> patterns of lines that a reader would call boilerplate at once.
PLAIN = {
    "pychina-weekly": (
        r"^(?:Title|Slug|Date|Tags|Category|Author): ",
        r"^- (?:原文|首发|改进|来自): ",
        r"^- \d{6} .*用时 ?\d+ ?分钟",
        r"^\(`大妈私人无责任播报`\)$",
        r"^Shared by @",
        r"^## (?:DAMA|是也乎)$",
    ),
    "hellogithub": (
        r"公众号，第一时间收到推送",
        r"^点击右上角的 \*\*「目录」",
        r"^\*\*Tips\*\*：",
        r"知识共享许可协议|license.*creativecommons",
        r"^> 兴趣是最好的老师",
    ),
    "hellogithub-articles": (
        r"^(?:<p align=\"center\">)?(?:本文)?作者：",
        r"下(?:期|起)再见",
        r"点(?:个|一个)?赞",
        r"^## .{0,4}参考(?:资料|文献|文章|链接)",
    ),
}


def removed_by_rules(folder: Path) -> dict[tuple[str, int], str]:
    """(source, line) -> rule."""
    return {
        (record["source"], line["number"]): line["rule"]
        for record in try_rules(folder, Settings())
        for line in record.get("lines", ())
        if line["rule"]
    }


def removed_by_run(folder: Path) -> dict[tuple[str, int], str]:
    """The same by a whole run; duplicates are not counted."""
    with tempfile.TemporaryDirectory() as out:
        run = whole.run([folder], Path(out) / "out")
        return {
            (row["source"], line): row["rule"] or row["reason"]
            for row in run.rows("removed")
            if row["reason"] in ("boilerplate", "template", "extraction")
            for line in range(row["line_start"], row["line_end"] + 1)
        }


def measure(folder: Path, patterns: tuple[str, ...]) -> None:
    """Print the figures of one corpus."""
    plain = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    lines = {
        (str(path.relative_to(folder)), number): line
        for path in sorted(folder.rglob("*.md"))
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
    }
    wanted = {place for place, line in lines.items() if plain.search(line)}
    total = sum(len(lines[place].strip()) for place in wanted)
    print(f"\n{folder.name}: {len(wanted)} plain lines, {total} characters")
    for name, gone in (("rules", removed_by_rules(folder)), ("whole run", removed_by_run(folder))):
        found = sum(len(lines[place].strip()) for place in wanted & gone.keys())
        others = Counter(rule for place, rule in gone.items() if place not in wanted and lines.get(place, "").strip())
        print(f"  {name}: {found / max(total, 1):.3f} of them; else {sum(others.values())} lines: {others.most_common(8)}")


if __name__ == "__main__":
    for name, chosen in PLAIN.items():
        measure(Path(sys.argv[1]) / name, chosen)
