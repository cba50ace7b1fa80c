"""The decide stage on disk: verdicts of each part for the writer, and the tables that span all parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks import blocks, duplicates, families, links
from tasks.decide import Lines, Verdicts, decide, gather_lines, guard, line_ranges
from tasks.guards import yields
from tasks.index import Index
from tasks.job import Job
from tasks.kernels import decide as kernel
from tasks.reasons import BLOCK, EXACT, KEPT, NEAR, REASONS
from tasks.reviewed import replay
from tasks.rule_table import mine_templates, template_categories, templates_table
from tasks.store.stage import numbers, read_json, read_table, write_json, write_table
from tasks.store.text import I64Array
from tasks.write import PartVerdicts

#: Tables over all parts, written as they will be published.
SPANNING = ("pairs", "clusters", "families", "occurrences", "blocks", "templates")
NAMED = ("removed", "spread", "kept", "family")


@dataclass(frozen=True)
class Matched:
    """What the match stage left."""

    classes: Any
    first: I64Array
    size: I64Array
    pairs: pa.Table
    overlaps: pa.Table


def load_matched(folder: Path) -> Matched:
    """Classes and pairs of classes."""
    return Matched(
        np.load(folder / "classes.npy"),
        np.load(folder / "first.npy"),
        np.load(folder / "size.npy"),
        read_table(folder / "pairs.arrow"),
        read_table(folder / "blocks.arrow"),
    )


def decide_all(index: Index, matched_folder: Path, folder: Path, job: Job) -> None:
    """Decide everything and write it into `folder`."""
    settings = job.settings
    rules = job.rules
    matched = load_matched(matched_folder)
    mined = mine_templates(index, settings, job.decisions.refused)
    lines = gather_lines(index, mined.of_line, mined.between)
    replayed = replay(index, lines, line_ranges(index, lines), job.decisions, (matched.classes, matched.pairs), settings)
    review = guard(lines, index.places(np.arange(index.doc_base[-1]))["source"], settings)
    found = families.find(index, matched.classes, len(matched.first), matched.pairs, settings.matching)
    verdicts = decide(index, lines, review, (matched.classes, matched.pairs, found), rules, settings)
    ids = duplicates.family_ids(index, found)
    categories: list[str | None] = [rule.category for rule in rules.rules]
    shared = blocks.overlap_blocks(index, matched.overlaps, found, ids, settings.matching)
    family_count = _write_families(duplicates.family_tables(index, found, ids, verdicts, categories), shared, folder)
    # One table at a time: of a million copies each is some 200 MB.
    write_table(folder / "pairs.arrow", duplicates.pairs_table(index, matched.classes, matched.first, matched.pairs, verdicts))
    write_table(folder / "clusters.arrow", duplicates.clusters_table(index, verdicts, matched.classes, matched.size, matched.pairs))
    templates = templates_table(index, lines, mined, rules)
    write_table(folder / "templates.arrow", templates)
    _write_parts(index, lines, verdicts, links.link(index, verdicts, found, ids, matched.classes, matched.pairs), folder)
    write_json(
        folder / "templates.json",
        {"names": mined.names, "categories": template_categories(index, mined, templates), "evidence": mined.evidence},
    )
    write_json(folder / "review.json", review)
    write_json(folder / "decisions.json", {"replayed": replayed, **_said(job)})
    write_json(folder / "yields.json", yields(index, verdicts, [rule.id for rule in rules.rules], mined.names))
    counts = np.bincount(verdicts.reason, minlength=len(REASONS))
    duplicate = int(counts[EXACT] + counts[NEAR] + counts[BLOCK])
    write_json(
        folder / "done.json",
        {
            "kept": int(counts[KEPT]),
            "removed": int(counts[1:].sum()),
            "duplicates": duplicate,
            "families": family_count,
            "review": len(review),
        },
    )


def _write_families(tables: tuple[pa.Table, pa.Table, pa.Table], shared: pa.Table, folder: Path) -> int:
    """Write `families`, `occurrences` and `blocks`, those that passages share among them; how many families."""
    family, occurrence, repeated = tables
    write_table(folder / "families.arrow", family)
    write_table(folder / "occurrences.arrow", occurrence)
    write_table(folder / "blocks.arrow", pa.concat_tables([repeated, shared]))
    return len(family)


def _write_parts(index: Index, lines: Lines, verdicts: Verdicts, linked: links.Links, folder: Path) -> None:
    """Arrays and ids of each part, numbered within the part."""
    ordinals = _ordinal_bases(index, lines, verdicts)
    for number in range(len(index.parts)):
        p, q = index.passage_base[number], index.passage_base[number + 1]
        a, b = lines.base[number], lines.base[number + 1]
        anchor = lines.anchor[a:b]
        np.savez(
            folder / f"part-{number:05d}.npz",
            reason=verdicts.reason[p:q],
            split=verdicts.split[p:q],
            rule=verdicts.rule[p:q],
            line_reason=lines.reason[a:b],
            line_rule=lines.rule[a:b],
            line_anchor=np.where(anchor >= 0, anchor - a, -1),
            line_support=lines.support[a:b],
            line_decided=lines.decided[a:b],
            ordinal_base=ordinals[index.doc_base[number] : index.doc_base[number + 1]],
        )
        for name in NAMED:
            table: pa.Table = getattr(linked, name)
            gid = numbers(table["gid"])
            first, last = np.searchsorted(gid, [p, q])
            piece = table.slice(first, last - first)
            rows = pa.array(numbers(piece["gid"]) - p)
            write_table(folder / f"part-{number:05d}.{name}.arrow", piece.drop_columns(["gid"]).append_column("row", rows).combine_chunks())


def _said(job: Job) -> dict[str, list[str]]:
    """Action and note by number of the decision."""
    actions, notes = job.decisions.actions, job.decisions.notes
    return {"actions": list(actions.values()), "notes": [notes.get(content, "") for content in actions]}


def _ordinal_bases(index: Index, lines: Lines, verdicts: Verdicts) -> I64Array:
    """(document rows,) kept rows in earlier pieces of the same document; 0 but for documents that were cut into pieces."""
    piece = index.document_column("piece")
    base = np.zeros(len(piece), np.int64)
    if not piece.any():
        return base
    kept = np.zeros(len(piece), np.int64)
    first, last = line_ranges(index, lines)
    kernel.count_kept(verdicts.reason, verdicts.split, first, last, lines.reason, index.doc, kept)
    for row in np.flatnonzero(piece > 0).tolist():
        base[row] = base[row - 1] + kept[row - 1]
    return base


def part_verdicts(folder: Path, number: int) -> PartVerdicts:
    """What the writer needs of one part."""
    arrays = np.load(folder / f"part-{number:05d}.npz")
    named = {name: read_table(folder / f"part-{number:05d}.{name}.arrow") for name in NAMED}
    templates, decisions = read_json(folder / "templates.json"), read_json(folder / "decisions.json")
    return PartVerdicts(
        **{name: arrays[name] for name in arrays.files},
        named=named,
        template_names=templates["names"],
        template_categories=templates["categories"],
        template_evidence=templates["evidence"],
        actions=decisions["actions"],
        notes=decisions["notes"],
    )
