"""What another remove threshold would change, read from a published snapshot: the report's slider, without a rerun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from tasks.report_texts import Row, lang_of
from tasks.summary import scan, visible, visible_chars

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
#: Kinds of pair that a removal may rest on, and kinds of passage that near duplicates never remove.
KINDS, NEVER = ("identical", "script", "width_punctuation", "edited"), ("heading", "code", "table")
#: Pairs below the threshold that are looked at, texts shown of them, examples of one hundredth of similarity.
PAIRS, SHOWN, EACH = 200_000, 140, 10


def flips(snapshot: Path, thresholds: Row) -> Row:
    """Near-duplicate passages and characters removed at each threshold from the report threshold to 1 in hundredths, with examples.

    steps    : {at, passages, chars} a hundredth.  now : the threshold in force.
    examples : {sim, chars, gone, text, lang, place, twin, twin_text}, up to EACH a hundredth, the largest first; `gone` is what holds now.
    Above the threshold in force the numbers are exact up to stars (a copy that loses its twin might find another). Below it
    they are the pairs that would be accepted for their similarity, least first place staying; guards may hold some back.
    """
    report, remove = thresholds.get("report"), thresholds.get("remove")
    if not report or not remove:
        return {"now": None, "steps": [], "examples": []}
    events = [*_removed(snapshot, remove), *_kept(snapshot, report, remove)]
    low = round(report * 100)
    steps = [{"at": hundredth / 100, "passages": 0, "chars": 0} for hundredth in range(low, 101)]
    by_step: dict[int, list[Row]] = {}
    for event in events:
        by_step.setdefault(min(int(event["sim"] * 100 + 1e-4), 100), []).append(event)
    passages = chars = 0
    for hundredth in range(100, low - 1, -1):
        passages += len(by_step.get(hundredth, []))
        chars += sum(event["chars"] for event in by_step.get(hundredth, []))
        steps[hundredth - low] |= {"passages": passages, "chars": chars}
    chosen = [
        event
        for _, group in sorted(by_step.items())
        for event in sorted(group, key=lambda e: (-e["chars"], e["key"]))[:EACH]
        if event["sim"] < 1
    ]
    return {"now": remove, "steps": steps, "examples": _examples(snapshot, chosen)}


def _removed(snapshot: Path, remove: float) -> list[Row]:
    where = (pc.field("reason") == "near_duplicate") & (pc.field("similarity") >= remove - 1e-6)
    found = []
    for batch in scan(snapshot, "removed", ["passage_id", "kept_passage_id", "similarity", "raw"], where):
        shown = pc.utf8_slice_codeunits(batch["raw"], 0, SHOWN).to_pylist()
        chars = visible_chars(batch["raw"]).tolist()
        rows = zip(*(batch[name].to_pylist() for name in ("passage_id", "kept_passage_id", "similarity")), shown, chars, strict=True)
        found += [
            {"key": one, "twin": twin, "sim": round(sim, 4), "text": text, "chars": n, "gone": True} for one, twin, sim, text, n in rows
        ]
    return found


def _kept(snapshot: Path, report: float, remove: float) -> list[Row]:
    """Kept passages that a lower threshold would remove: pairs by falling similarity, the later side goes while the other stays."""
    where = (pc.field("similarity") >= report - 1e-6) & (pc.field("similarity") < remove - 1e-6) & pc.field("kind").isin(pa.array(KINDS))
    parts = [pa.Table.from_batches([batch]) for batch in scan(snapshot, "pairs", ["passage_a", "passage_b", "similarity"], where)]
    if not parts:
        return []
    pairs = (
        pa.concat_tables(parts)
        .sort_by([("similarity", "descending"), ("passage_a", "ascending"), ("passage_b", "ascending")])
        .slice(0, PAIRS)
    )
    ids = pc.unique(pa.chunked_array([*pairs["passage_a"].chunks, *pairs["passage_b"].chunks]))
    texts: dict[str, tuple[str, int]] = {}
    wanted = pc.field("passage_id").isin(ids.sort()) & ~pc.field("kind").isin(pa.array(NEVER))
    for batch in scan(snapshot, "passages", ["passage_id", "text", "kind"], wanted):
        shown = pc.utf8_slice_codeunits(batch["text"], 0, SHOWN).to_pylist()
        texts.update(zip(batch["passage_id"].to_pylist(), zip(shown, visible_chars(batch["text"]).tolist(), strict=True), strict=True))
    gone: set[str] = set()
    stays: set[str] = set()
    found = []
    for a, b, sim in zip(*(pairs[name].to_pylist() for name in ("passage_a", "passage_b", "similarity")), strict=True):
        if a not in texts or b not in texts or a in gone or b in gone or b in stays:
            continue
        gone.add(b)
        stays.add(a)
        found.append({"key": b, "twin": a, "sim": round(sim, 4), "text": texts[b][0], "chars": texts[b][1], "gone": False})
    return found


def _examples(snapshot: Path, events: list[Row]) -> list[Row]:
    ids = pa.array(sorted({one for event in events for one in (event["key"], event["twin"]) if one}), pa.string())
    places: dict[str, tuple[str, str]] = {}
    for table, text in (("passages", "text"), ("removed", "raw")):
        for batch in scan(snapshot, table, ["passage_id", "source", "line_start", text], pc.field("passage_id").isin(ids)):
            shown = pc.utf8_slice_codeunits(batch[text], 0, SHOWN).to_pylist()
            for one, source, line, words in zip(
                *(batch[name].to_pylist() for name in ("passage_id", "source", "line_start")), shown, strict=True
            ):
                places.setdefault(one, (f"{source}:{line}", words))
    return [
        {
            "sim": event["sim"], "chars": event["chars"], "gone": event["gone"], "text": visible(event["text"]), "lang": lang_of(event["text"]),
            "place": visible(places.get(event["key"], ("", ""))[0]), "twin": visible(places.get(event["twin"] or "", ("", ""))[0]),
            "twin_text": visible(places.get(event["twin"] or "", ("", ""))[1]),
        }
        for event in events
    ]  # fmt: skip
