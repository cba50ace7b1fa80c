"""Stars, not chains: text that drifts does not collapse, of mirrored articles one stays whole, and no order of input changes a row."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from pathlib import Path
from typing import Any

import naive_matching as naive
import numpy as np
import pytest
import whole
from matching_world import World, edited, paragraph, reworded, sentence
from opencc import OpenCC
from test_decide import article, check_invariants

DUPLICATE = {"exact_duplicate", "near_duplicate", "duplicate_block"}


def kept(world: World) -> list[int]:
    return [p for p, (_, _, reason) in enumerate(world.said) if reason == "kept"]


# ---- ladders -------------------------------------------------------------------------------------------------------------


def reworded_ladder(rng: np.random.Generator, steps: int) -> list[str]:
    """Each step with a particle after 5 % of the characters of the one before."""
    out = [paragraph(rng, 240)]
    while len(out) < steps:
        out.append(reworded(rng, out[-1], 0.05))
    return out


def edited_ladder(rng: np.random.Generator, steps: int) -> list[str]:
    """Each step with 3 % of the characters of the one before replaced by others as common."""
    out = [paragraph(rng, 240)]
    while len(out) < steps:
        out.append(edited(rng, out[-1], 0.03))
    return out


def sliding_ladder(rng: np.random.Generator, steps: int) -> list[str]:
    """Each step without the first sentence of the one before, and with a new one at the end."""
    lines = [sentence(rng) for _ in range(steps + 11)]
    return ["".join(lines[at : at + 12]) for at in range(steps)]


def growing_ladder(rng: np.random.Generator, steps: int) -> list[str]:
    """Each step with a sentence more: every one contains all before it."""
    lines = [sentence(rng) for _ in range(steps + 5)]
    return ["".join(lines[: at + 6]) for at in range(steps)]


@pytest.mark.parametrize("ladder", [edited_ladder, sliding_ladder])
def test_steps_that_each_say_something_of_their_own_all_stay(ladder: Any, tmp_path: Path) -> None:
    steps = ladder(np.random.default_rng(1), 12)
    world = World.of(tmp_path, {f"{at:02d}.txt": text for at, text in enumerate(steps)})
    assert len(kept(world)) == len(steps)
    assert len(world.spanning("pairs")) >= len(steps) - 1  # and they are reported


@pytest.mark.parametrize("seed", [1, 2])
def test_a_drifting_ladder_does_not_collapse_in_whatever_order_it_comes(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    steps = reworded_ladder(rng, 24)
    names = rng.permutation(len(steps)).tolist()
    world = World.of(tmp_path, {f"{name:02d}.txt": text for name, text in zip(names, steps, strict=True)})
    check_invariants(world)  # every removed step is at .7 or over to the kept one that it names
    stay = kept(world)
    assert len(stay) > 1
    gone = [p for p in range(len(steps)) if p not in stay]
    assert gone  # neighbours on the ladder are near enough
    for a, b in itertools.combinations(stay, 2):
        assert naive.jaccard(world.texts[a], world.texts[b]) < 0.7
    reach = max(sum(naive.jaccard(world.texts[p], other) >= 0.7 for other in steps) for p in stay)
    assert len(stay) >= len(steps) / reach  # as a star no kept step stands for more than its own neighbours


def test_of_a_growing_ladder_the_longest_step_stands_for_all_that_it_holds_whole(tmp_path: Path) -> None:
    steps = growing_ladder(np.random.default_rng(1), 24)
    world = World.of(tmp_path, {f"{at:02d}.txt": text for at, text in enumerate(steps)})
    (stays,) = kept(world)
    assert world.texts[stays] == steps[-1]  # documents are ranked by length
    assert all(text in steps[-1] for text in world.texts)


def test_the_clusters_of_a_ladder_are_published_as_stars(tmp_path: Path) -> None:
    steps = reworded_ladder(np.random.default_rng(3), 20)
    world = World.of(tmp_path, {f"{at:02d}.txt": text for at, text in enumerate(steps)})
    by_cluster: dict[str, list[dict[str, Any]]] = {}
    for row in world.spanning("clusters"):
        by_cluster.setdefault(row["cluster_id"], []).append(row)
    assert len(by_cluster) > 1
    ids = world.column("passage_id")
    text = dict(zip(ids, world.texts, strict=True))
    for rows in by_cluster.values():
        (centre,) = [row for row in rows if row["role"] == "kept"]
        for row in rows:
            assert row["similarity"] == pytest.approx(naive.jaccard(text[centre["passage_id"]], text[row["passage_id"]]), abs=6e-5)
            assert row["similarity"] >= 0.7
    assert sum(map(len, by_cluster.values())) < 2 * len(steps)  # nobody is in two


# ---- mirrors -------------------------------------------------------------------------------------------------------------


def retyped(rng: np.random.Generator, text: str) -> str:
    """A mirror by other hands: each long paragraph with some particles more, what is short as it was."""
    return "\n\n".join(reworded(rng, part, 0.03) if len(part) > 60 else part for part in text.split("\n\n"))


def in_traditional(_: np.random.Generator, text: str) -> str:
    return OpenCC("s2t").convert(text)


@pytest.mark.parametrize("mirror", [retyped, in_traditional], ids=["retyped", "traditional"])
@pytest.mark.parametrize("names", [("a.md", "b.md"), ("b.md", "a.md")], ids=["original first", "mirror first"])
def test_of_two_mirrored_articles_one_stays_whole_and_the_other_leaves_no_husk(mirror: Any, names: tuple[str, str], tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    text = article(rng)
    world = World.of(tmp_path, {names[0]: text, names[1]: mirror(rng, text), "other.md": paragraph(rng, 300)})
    check_invariants(world)
    whole_one, gone = ("a.md", "b.md") if set(world.reasons("a.md")) == {"kept"} else ("b.md", "a.md")
    assert set(world.reasons(whole_one)) == {"kept"}
    assert set(world.reasons(gone)) <= DUPLICATE  # headings, one-liners, code and table too
    assert set(world.reasons("other.md")) == {"kept"}
    twins = {world.sources[t] for p, t in enumerate(world.verdicts.twin.tolist()) if world.sources[p] == gone}
    assert twins == {whole_one}


def test_of_mirrors_with_dates_the_earliest_stays_whole_whatever_its_name_and_length(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    text = article(rng)
    copies = {
        "c.jsonl": (text, "2024-01-02"),
        "a.jsonl": (retyped(rng, text), "2024-01-03"),
        "b.jsonl": (text + "\n\n又及。", "2024-01-04"),
    }
    world = World.of(tmp_path, {n: json.dumps({"text": t, "date": d}, ensure_ascii=False) + "\n" for n, (t, d) in copies.items()})
    check_invariants(world)
    assert set(world.reasons("c.jsonl")) == {"kept"}
    assert set(world.reasons("a.jsonl")) <= DUPLICATE
    own = [t for source, t, reason in world.said if source == "b.jsonl" and reason == "kept"]
    assert own == ["又及。"]


def test_of_mirrors_whose_paragraphs_are_each_longer_on_another_side_what_one_says_more_stays(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    parts = [paragraph(rng, 160) for _ in range(8)]
    sides = ["\n\n".join(part + (sentence(rng, 12) if at % 2 == side else "") for at, part in enumerate(parts)) for side in (0, 1)]
    world = World.of(tmp_path, {"a.txt": sides[0], "b.txt": sides[1]})
    check_invariants(world)
    stay = {name: set(world.reasons(name)) for name in ("a.txt", "b.txt")}
    assert {"kept"} in stay.values()
    (other,) = [name for name, reasons in stay.items() if reasons != {"kept"}]
    own = [sides[other == "b.txt"].split("\n\n")[at] for at in range(other == "b.txt", 8, 2)]
    assert [text for name, text, reason in world.said if name == other and reason == "kept"] == own


# ---- any order -----------------------------------------------------------------------------------------------------------


def crowd(seed: int) -> dict[str, str]:
    """Ladders, mirrors, sponsor lines and strangers: sources with a date each, so that their names decide nothing."""
    rng = np.random.default_rng(seed)
    text = article(rng)
    texts = [*edited_ladder(rng, 8), *sliding_ladder(rng, 6), text, retyped(rng, text), OpenCC("s2t").convert(text)]
    block = "\n\n".join(sentence(rng, 30) for _ in range(4))
    texts += [f"{paragraph(rng, 200)}\n\n{block}" for _ in range(4)] + [paragraph(rng, 200)] * 3
    return {
        f"{at:02d}.jsonl": json.dumps({"text": one, "date": f"2024-02-{1 + at:02d}"}, ensure_ascii=False) + "\n"
        for at, one in enumerate(texts)
    }


#: What stays the same of a row when its source is renamed.
_NAMES = ("source", "doc_id", "passage_id", "parent_id", "cluster_id", "family_id", "kept_passage_id", "block_id", "also_in", "evidence")


def nameless(world: World) -> list[tuple[str, str, str, str]]:
    """(date of the source, text, verdict, text of the kept one) of every passage, in order of dates."""
    dates = [str(d) for d in world.index.places(world.index.doc)["published_at"].to_pylist()]
    twins = [world.texts[t] if t >= 0 else "" for t in world.verdicts.twin.tolist()]
    return sorted((d, text, reason, twin) for d, (_, text, reason), twin in zip(dates, world.said, twins, strict=True))


def test_renamed_sources_keep_their_decisions_where_dates_decide(tmp_path: Path) -> None:
    sources = crowd(4)
    first = World.of(tmp_path / "first", sources)
    assert {"kept", "near_duplicate", "exact_duplicate", "duplicate_block"} <= {reason for _, _, reason in first.said}
    names = list(sources)
    random.Random(5).shuffle(names)  # noqa: S311
    second = World.of(tmp_path / "second", dict(zip(names, sources.values(), strict=True)))
    assert nameless(first) == nameless(second)


def test_sources_renamed_alike_keep_every_published_row(tmp_path: Path) -> None:
    """Undated sources: names break ties, so the new names keep the old order."""
    sources = {name.replace(".jsonl", ".txt"): json.loads(row)["text"] for name, row in crowd(5).items()}
    one = World.of(tmp_path / "one", sources)
    other = World.of(tmp_path / "other", {f"moved/z-{name}": text for name, text in sources.items()})

    def rows(world: World) -> dict[str, list[dict[str, Any]]]:
        tables = {**world.tables, **{name: world.spanning(name) for name in ("pairs", "clusters", "families", "occurrences", "blocks")}}
        hidden = {f"{n}{side}" for n in _NAMES for side in ("", "_a", "_b")} | {"passage_a", "passage_b", "collection", "locator"}
        return {
            name: sorted(({k: v for k, v in row.items() if k not in hidden} for row in table), key=repr) for name, table in tables.items()
        }

    before, after = rows(one), rows(other)
    for name in before:
        assert before[name] == after[name], name
    assert len(before["removed"]) > 20


def test_published_bytes_depend_neither_on_the_order_files_were_made_in_nor_on_the_order_of_arguments(tmp_path: Path) -> None:
    sources = list(crowd(6).items())
    half = len(sources) // 2
    runs = []
    for turn in range(2):
        folders = [tmp_path / str(turn) / name for name in ("early", "late")]
        for folder in folders:
            folder.mkdir(parents=True)
        written = list(zip([folders[0]] * half + [folders[1]] * (len(sources) - half), sources, strict=True))
        random.Random(turn).shuffle(written)  # noqa: S311
        for folder, (name, text) in written:
            (folder / name).write_text(text, encoding="utf-8")
        runs.append(whole.run(folders[:: 1 if turn else -1], tmp_path / str(turn) / "out"))
        shutil.rmtree(tmp_path / str(turn) / "out" / "work")
    assert runs[0].sums == runs[1].sums
    assert len(runs[0].rows("removed")) > 20
