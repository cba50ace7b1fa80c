"""The whole story of a piece of text: where it lay, what was done to it, what was measured, and why it was kept or removed.

Read from a published snapshot alone. `explain` finds the row by a passage id or by a place in a source and gathers what the
tables say of it into a `Story`; `explain_text.render` prints it, `to_json` is the same for programs.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.dataset as ds

from tasks.errors import UsageError
from tasks.report_model import lookup, why_kept
from tasks.report_texts import PLACE, Limits, Row, Texts
from tasks.store.schemas import BLOCKS, CLUSTERS, FAMILIES, OCCURRENCES, PAIRS, PASSAGES, REMOVED, SOURCES, TEMPLATES
from tasks.summary import manifest_of, one_line, scan

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly

#: Rows of a list in a story; its total stands beside it.
LISTED = 10
VERDICTS = {"passages": "kept", "removed": "removed"}
_ID = re.compile(r"[0-9a-f]{6,32}\Z")
_PLACE = re.compile(r"(?P<source>.+?)(?:#(?P<record>\d+))?:(?P<line>L?)(?P<number>\d+)\Z", re.DOTALL)


_HIDDEN = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@dataclass(frozen=True)
class Story:
    """What the snapshot knows of one span. Fields of the tables keep their names; None or empty where there is nothing to say.

    verdict        : kept or removed; `why` is the same as one sentence, and for a kept passage with copies why it was the one.
    row            : its row in `passages` or `removed`. raw, text : as in the source, and as published (None when removed).
    before, after  : what stands around it in the source.
    source, rule   : rows of `sources` and `templates`. factors : (check, value, factor) of the quality score.
    twin           : the kept passage that a removed duplicate names. copies : removed passages that name this one.
    pairs, members : rows of `pairs` and `clusters` that touch it. family, occurrences : the repeated content it belongs to.
    parts          : the other spans that its parent passage was cut into. same_line: others on the line asked for.
    totals         : true lengths of the lists, which are cut at 10 rows.
    """

    verdict: str
    why: str
    row: Row
    raw: str
    text: str | None
    before: str
    after: str
    source: Row | None
    rule: Row | None
    factors: list[tuple[str, float, float]]
    twin: Row | None
    copies: list[Row]
    pairs: list[Row]
    blocks: list[Row]
    members: list[Row]
    family: Row | None
    occurrences: list[Row]
    parts: list[Row]
    same_line: list[Row]
    totals: dict[str, int]


def explain(snapshot: Path, ref: str) -> Story:
    """Story of the span that `ref` names: a passage id (or its first 6 or more digits), SOURCE:OFFSET or SOURCE:L12.

    A source of several documents needs its record: SOURCE#3:OFFSET. Raises UsageError, with what comes near, when nothing
    or more than one span answers.
    """
    snapshot = snapshot.resolve()
    manifest = manifest_of(snapshot)
    table, row, same_line = find(snapshot, ref)
    own = row["passage_id"]
    raw = (row["raw"] if row["raw"] is not None else row.get("text")) or ""
    texts = Texts(Limits())
    texts.want(row)
    texts.load(snapshot)
    around = texts.copy(row)
    totals: dict[str, int] = {}

    def some(name: str, table: str, columns: list[str], where: ds.Expression) -> list[Row]:
        rows, totals[name] = _some(snapshot, table, columns, where)
        return rows

    removed = table == "removed"
    rule = None
    if removed and row["rule"]:
        rules, _ = _some(snapshot, "templates", TEMPLATES.names, pc.field("rule") == row["rule"])
        rule = next((r for r in rules if r["collection"] in (None, row["collection"])), None)
    twin = None
    if removed and row["kept_passage_id"]:
        twin = lookup(snapshot, "passages", "passage_id", [row["kept_passage_id"]], [*PLACE, "locator", "text", "lang", "cluster_id"]).get(
            row["kept_passage_id"]
        )
    copies = (
        []
        if removed
        else some(
            "copies", "removed", ["passage_id", *PLACE, "reason", "similarity", "containment", "raw"], pc.field("kept_passage_id") == own
        )
    )
    pairs = some("pairs", "pairs", PAIRS.names, (pc.field("passage_a") == own) | (pc.field("passage_b") == own))
    blocks = some("blocks", "blocks", BLOCKS.names, (pc.field("kind") != "occurrence") & (_touches(row, "a") | _touches(row, "b")))
    members = (
        some("members", "clusters", CLUSTERS.names, (pc.field("cluster_id") == row["cluster_id"]) & (pc.field("passage_id") != own))
        if row["cluster_id"]
        else []
    )
    family, occurrences = None, []
    if row["family_id"]:
        families, _ = _some(snapshot, "families", FAMILIES.names, pc.field("family_id") == row["family_id"])
        family = families[0] if families else None
        occurrences = some("occurrences", "occurrences", OCCURRENCES.names, pc.field("family_id") == row["family_id"])
    source = next(iter(_some(snapshot, "sources", SOURCES.names, pc.field("source") == row["source"])[0]), None)
    return Story(
        verdict="removed" if removed else "kept",
        why=_why_removed(row, rule, twin, pairs) if removed else _why_kept(snapshot, row, copies, totals["copies"], manifest),
        row=row, raw=raw, text=None if removed else row["text"], before=around.before, after=around.after, source=source, rule=rule,
        factors=[] if removed else _factors(row), twin=twin, copies=copies, pairs=pairs, blocks=blocks, members=members, family=family,
        occurrences=occurrences, parts=_parts(snapshot, row), same_line=same_line, totals=totals,
    )  # fmt: skip


def to_json(story: Story) -> str:
    """The story as JSON, keys sorted, with invisible and direction-changing characters escaped."""
    # Published similarities are 32-bit: six digits are all they hold.
    values = json.loads(json.dumps(dataclasses.asdict(story), default=str), parse_float=lambda number: round(float(number), 6))
    text = json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True)
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def find(snapshot: Path, ref: str) -> tuple[str, Row, list[Row]]:
    """Table and row of the span that `ref` names (see `explain`), and the others on the line asked for."""
    ref = ref.strip()
    place = _PLACE.match(ref)
    if _ID.match(ref.lower()):
        return *_by_id(snapshot, ref.lower()), []
    if place:
        return _by_place(snapshot, ref, place)
    raise UsageError(f"{one_line(ref)!r} names no passage: give a passage id (6 or more of its 32 hex digits), SOURCE:OFFSET or SOURCE:L12")


def _by_id(snapshot: Path, prefix: str) -> tuple[str, Row]:
    found: list[tuple[str, str]] = []
    near = ""
    for table in VERDICTS:
        for batch in scan(snapshot, table, ["passage_id"]):
            ids = batch["passage_id"]
            found += [(table, one) for one in ids.filter(pc.starts_with(ids, prefix)).to_pylist()]
            if not found:
                near = _nearest(ids, prefix, near)
    if not found:
        hint = f"; the nearest is {near}" if near else ""
        raise UsageError(f"no passage id begins with {prefix}{hint}. Ids change with the text: look it up by SOURCE:L12")
    if len(found) > 1:
        shown = ", ".join(one for _, one in sorted(found, key=lambda hit: hit[1])[:5])
        raise UsageError(f"{prefix} begins {len(found):,} passage ids; give more digits: {shown}{' ...' if len(found) > 5 else ''}")
    table, own = found[0]
    return table, _row(snapshot, table, pc.field("passage_id") == own)


def _nearest(ids: Any, prefix: str, best: str) -> str:
    """The id that shares most leading digits with `prefix` (first by name among equals), of a batch and the best so far."""
    for size in range(len(prefix) - 1, 3, -1):
        if best[:size] == prefix[:size]:
            return best
        hits = ids.filter(pc.starts_with(ids, prefix[:size])).to_pylist()
        if hits:
            return str(min(hits))
    return best


def _by_place(snapshot: Path, ref: str, place: re.Match[str]) -> tuple[str, Row, list[Row]]:
    """Table and row of the first span at a place, and the other spans on the same line, when a line was asked for."""
    source, record = _source_of(snapshot, ref, place)
    number, by_line = int(place["number"]), bool(place["line"])
    low, high = ("line_start", "line_end") if by_line else ("char_start", "char_end")
    within = (pc.field("source") == source) & (pc.field("record") == record)
    here = within & (pc.field(low) <= number) & ((pc.field(high) >= number) if by_line else (pc.field(high) > number))
    spans = [
        {**span, "verdict": verdict}
        for table, verdict in VERDICTS.items()
        for span in _some(snapshot, table, ["passage_id", *PLACE], here)[0]
    ]
    if not spans:
        raise UsageError(f"{one_line(ref)}: {_nothing_at(snapshot, within, low, high, number, place['line'])}")
    first, *others = sorted(spans, key=lambda span: span["char_start"])
    table = next(table for table, verdict in VERDICTS.items() if verdict == first["verdict"])
    return table, _row(snapshot, table, pc.field("passage_id") == first["passage_id"]), others


def _nothing_at(snapshot: Path, within: ds.Expression, low: str, high: str, number: int, mark: str) -> str:
    """Why no span holds a place, and the places nearest to it that one does."""
    before, after = [], []
    for table in VERDICTS:
        for batch in scan(snapshot, table, [low, high], within):
            before.append(pc.max(batch[high].filter(pc.less_equal(batch[high], number))).as_py())
            after.append(pc.min(batch[low].filter(pc.greater(batch[low], number))).as_py())
    ends = [value - (not mark) for value in before if value is not None]
    starts = [value for value in after if value is not None]
    near = " and ".join(f"{mark}{value}" for value in (*([max(ends)] if ends else []), *([min(starts)] if starts else [])))
    what = f"no passage holds {'line' if mark else 'character'} {number} (white space, or past the end)"
    return f"{what}; the nearest are at {near}" if near else "this document has no text in this snapshot; the table `sources` says why"


def _source_of(snapshot: Path, ref: str, place: re.Match[str]) -> tuple[str, int]:
    """Source and record that a reference means; a name that really holds a # is taken as it stands."""
    plain = ref[: ref.rindex(":")]
    known = lookup(snapshot, "sources", "source", [plain, place["source"]], ["record_count"])
    source, record = (plain, None) if plain in known else (place["source"], place["record"])
    if source not in known:
        names = [name for batch in scan(snapshot, "sources", ["source"]) for name in batch["source"].to_pylist()]
        near = [name for name in names if name.endswith(source)][:3] or difflib.get_close_matches(source, names, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(one_line(name) for name in near)}?" if near else ""
        raise UsageError(f"no source is called {one_line(source)}{hint}")
    count = known[source]["record_count"] or 0
    if record is None and count > 1:
        raise UsageError(f"{one_line(source)} holds {count:,} documents; name one: {one_line(source)}#0:{place['line']}{place['number']}")
    return source, int(record or 0)


def _row(snapshot: Path, table: str, where: ds.Expression) -> Row:
    columns = PASSAGES.names if table == "passages" else REMOVED.names
    return _some(snapshot, table, columns, where)[0][0]


def _some(snapshot: Path, table: str, columns: list[str], where: ds.Expression) -> tuple[list[Row], int]:
    """The first rows that hold, and how many there are."""
    rows: list[Row] = []
    total = 0
    for batch in scan(snapshot, table, columns, where):
        rows += batch.slice(0, max(LISTED - len(rows), 0)).to_pylist()
        total += batch.num_rows
    return rows, total


def _parts(snapshot: Path, row: Row) -> list[Row]:
    """Other spans of the passage that this span was cut out of."""
    if not row["parent_id"]:
        return []
    where = (pc.field("parent_id") == row["parent_id"]) & (pc.field("passage_id") != row["passage_id"])
    found = []
    for table, verdict in VERDICTS.items():
        rows, _ = _some(snapshot, table, ["passage_id", *PLACE], where)
        found += [{**part, "verdict": verdict} for part in rows]
    return sorted(found, key=lambda part: part["char_start"])


def _factors(row: Row) -> list[tuple[str, float, float]]:
    if not row["signals"] or any(value is None for value in row["signals"].values()):
        return []
    from tasks.quality import explain_score

    return explain_score(row)


def _touches(row: Row, side: str) -> ds.Expression:
    """Rows of `blocks` of which one side lies over a span."""
    start, end = pc.field(f"char_start_{side}"), pc.field(f"char_end_{side}")
    return (pc.field(f"doc_id_{side}") == row["doc_id"]) & (start < row["char_end"]) & (end > row["char_start"])


def is_inside(row: Row, pairs: list[Row]) -> bool:
    """Whether a removed row went because all of it stands inside its kept twin."""
    twin = row.get("kept_passage_id")
    return any(pair["kind"] == "contained" and twin in (pair["passage_a"], pair["passage_b"]) for pair in pairs)


def _why_removed(row: Row, rule: Row | None, twin: Row | None, pairs: list[Row]) -> str:
    reason = (row["reason"] or "unknown").replace("_", " ")
    said = f": {row['evidence']}" if row["evidence"] else ""
    if twin and is_inside(row, pairs):
        return f"Removed as {reason}: contained in {where(twin)}, which keeps all of it{said}"
    if twin:
        same = next((pair for pair in pairs if twin["passage_id"] in (pair["passage_a"], pair["passage_b"])), None)
        kind = f", {same['kind'].replace('_', ' ')}" if same else ""
        similarity = f" (similarity {row['similarity']:.3f}{kind})" if row["similarity"] is not None else ""
        return f"Removed as {reason}{similarity}; the same content is kept in {where(twin)}{said}"
    if row["reason"] == "reviewer":
        return f"Removed {row['evidence']}"
    if row["rule"]:
        fired = f", which matched in {rule['document_count']:,} documents" if rule and rule["document_count"] else ""
        category = f" ({row['category']})" if row["category"] else ""
        return f"Removed as {reason}{category} by {row['rule']}{fired}{said}"
    return f"Removed as {reason}{said}"


def _why_kept(snapshot: Path, row: Row, copies: list[Row], total: int, manifest: Row) -> str:
    if row["reviewed"] == "keep":
        return "Kept by a reviewer's decision (keep), whatever rules, filters and duplicates say."
    if not total and row["reviewed"]:
        return f"Kept; a reviewer's decision ({row['reviewed']}) holds it against rules and templates."
    if not total:
        return "Kept: no rule, filter or duplicate took it."
    if row["reviewed"] == "keep_only":
        return f"Kept by a reviewer's decision (keep_only): it stands for its {total + 1:,} copies."
    documents = lookup(snapshot, "documents", "doc_id", (r["doc_id"] for r in (row, *copies)), ["collection", "published_at", "char_count"])
    collections = lookup(snapshot, "sources", "source", (copy["source"] for copy in copies), ["collection"])
    priority = list(((manifest.get("settings") or {}).get("input") or {}).get("priority") or ())
    own = {**row, **documents.get(row["doc_id"], {})}
    others = [
        {**collections.get(copy["source"], {"collection": row["collection"]}), **documents.get(copy["doc_id"], {}), **_place(copy)}
        for copy in copies
    ]
    seen = f" (of the first {len(copies)})" if total > len(copies) else ""
    return f"Kept as the one of its {total + 1:,} copies that comes first{seen}: {why_kept(own, others, priority)}."


def _place(row: Row) -> Row:
    return {name: row[name] for name in PLACE}


def where(row: Row, suffix: str = "") -> str:
    """`source:line` of a row, for a person; of one side of a pair with a suffix."""
    record = f"#{row['record' + suffix]}" if row["record" + suffix] else ""
    return f"{row['source' + suffix]}{record}:L{row['line_start' + suffix]}"
