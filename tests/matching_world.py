"""A small corpus through the real stages up to the verdicts, for the tests of matching, deciding and families."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tasks import families, stages, verdict_files
from tasks.decide import Verdicts, decide, gather_lines, guard
from tasks.index import Index
from tasks.job import Job
from tasks.reasons import REASONS
from tasks.rule_table import mine_templates
from tasks.settings import Settings
from tasks.write import part_tables

#: Characters to write filler with: common, unlike each other, no numerals.
HAN = "山水林田湖草沙风雨雷电云雪霜露花鸟鱼虫石桥船灯书画琴棋诗酒茶米油盐酱醋柴门窗桌椅床柜碗筷刀叉锅瓢盆桶绳针线布衣帽鞋袜"


def sentence(rng: np.random.Generator, size: int = 20) -> str:
    return "".join(rng.choice(list(HAN), size)) + "。"


def paragraph(rng: np.random.Generator, size: int = 120) -> str:
    return "".join(sentence(rng, 20) for _ in range(-(-size // 20)))


def edited(rng: np.random.Generator, text: str, share: float) -> str:
    """The text with a share of its characters replaced."""
    chars = list(text)
    for i in rng.choice(len(chars), max(1, int(len(chars) * share)), replace=False):
        chars[i] = str(rng.choice(list(HAN)))
    return "".join(chars)


def reworded(rng: np.random.Generator, text: str, share: float) -> str:
    """The text with a particle after a share of its characters: another text that says the same."""
    places = set(rng.choice(len(text), max(1, int(len(text) * share)), replace=False).tolist())
    return "".join(char + str(rng.choice(list("的了着过"))) * (at in places) for at, char in enumerate(text))


@dataclass(frozen=True)
class World:
    """Sources as text, by name, and settings; everything else follows."""

    folder: Path
    job: Job

    @staticmethod
    def of(folder: Path, sources: dict[str, str | bytes], rules: str = "", **sections: dict[str, Any]) -> World:
        """rules : a rule file that stands for all packs."""
        inputs = folder / "in"
        inputs.mkdir(parents=True)
        for name, text in sources.items():
            path = inputs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if rules:
            (folder / "rules.toml").write_text(rules, encoding="utf-8")
            sections["boilerplate"] = {"packs": (), "files": ("rules.toml",), **sections.get("boilerplate", {})}
        settings = Settings.model_validate(sections)
        return World(folder, Job((str(inputs),), str(folder / "out"), settings.model_dump(mode="json"), str(folder)))

    @cached_property
    def parts(self) -> list[stages.PartFiles]:
        plan = stages.discover(self.job)
        cells = stages.read(self.job, plan, list(range(len(plan.cells))))
        return stages.annotate(self.job, [part for cell in cells for part in cell["parts"]])

    @cached_property
    def index(self) -> Index:
        return stages._index(self.job, self.parts)  # type: ignore[no-any-return]

    @cached_property
    def counters(self) -> dict[str, Any]:
        return stages.match(self.job, self.parts)

    @cached_property
    def matched(self) -> verdict_files.Matched:
        return verdict_files.load_matched(Path(self.counters["folder"]))

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """Pairs of classes, each side as the text of its best-ranked member."""
        first = self.matched.first
        return [row | {"left": self.texts[first[row["a"]]], "right": self.texts[first[row["b"]]]} for row in self.matched.pairs.to_pylist()]

    def column(self, name: str) -> list[Any]:
        return self.index.lookup(np.arange(len(self.index.doc)), [name])[name].to_pylist()

    @cached_property
    def texts(self) -> list[str]:
        return self.column("text")

    @cached_property
    def sources(self) -> list[str]:
        return self.index.places(self.index.doc)["source"].to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def verdicts(self) -> Verdicts:
        job, index, matched = self.job, self.index, self.matched
        mined = mine_templates(index, job.settings, job.decisions.refused)
        lines = gather_lines(index, mined.of_line, mined.between)
        names = np.asarray(index.places(np.arange(index.doc_base[-1]))["source"].to_pylist(), dtype=object)
        review = guard(lines, names, job.settings)
        return decide(index, lines, review, (matched.classes, matched.pairs, self.families), job.rules, job.settings)

    @cached_property
    def said(self) -> list[tuple[str, str, str]]:
        """(source, text, verdict) of every passage; cut ones are `split`."""
        verdicts = self.verdicts
        names = ["split" if s else REASONS[r] for r, s in zip(verdicts.reason, verdicts.split, strict=True)]
        return list(zip(self.sources, self.texts, names, strict=True))

    def reasons(self, source: str) -> list[str]:
        return [reason for name, _, reason in self.said if name == source]

    @cached_property
    def families(self) -> families.Families:
        matched = self.matched
        return families.find(self.index, matched.classes, len(matched.first), matched.pairs, self.job.settings.matching)

    @cached_property
    def decided(self) -> dict[str, Any]:
        return stages.decide(self.job, self.parts, stages.model(self.job, self.parts, self.counters), [])

    def spanning(self, name: str) -> list[dict[str, Any]]:
        """A table over all parts, as it is published."""
        from tasks.store.stage import read_table

        return read_table(Path(self.decided["folder"]) / f"{name}.arrow").to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of passages, removed and documents over all parts."""
        out: dict[str, list[dict[str, Any]]] = {"passages": [], "removed": [], "documents": []}
        for number, part in enumerate(self.parts):
            batch = stages.stage.read_table(Path(part.documents))
            verdicts = verdict_files.part_verdicts(Path(self.decided["folder"]), number)
            written = part_tables(
                batch, stages.part_of(self.parts, number, self.decided["model"]), verdicts, self.job.rules, self.job.settings
            )
            for name, table in zip(out, written, strict=True):
                out[name] += table.to_pylist()
        return out
