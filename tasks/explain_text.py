"""A story for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.explain import Story, where
from tasks.published import passed_over
from tasks.summary import one_line, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def render(story: Story, console: Console) -> None:
    """Print the story. Nothing of the data is taken as markup, and no control character reaches the terminal."""
    from rich.text import Text

    row, kept = story.row, story.verdict == "kept"
    console.print(Text.assemble((f" {story.verdict.upper()} ", "bold black on " + ("yellow" if kept else "red")), " ", _safe(story.why)))
    console.print()
    console.print(_text_block(story))
    console.print()
    for title, facts in _facts(story):
        if facts:
            console.print(Text(f"  {title}", "bold"))
            console.print(_pairs_grid(facts))
    for title, name, rows in _lists(story):
        if rows:
            more = story.totals.get(name, len(rows)) - len(rows)
            console.print(Text(f"  {title}", "bold"))
            console.print(_pairs_grid(rows + ([("", f"and {more:,} more")] if more > 0 else [])))
    console.print(Text(f"  passage {row['passage_id']}  content {row['content_id']}", "dim"))


def _text_block(story: Story) -> RenderableType:
    from rich.padding import Padding
    from rich.text import Text

    shown = Text()
    for words, style in ((story.before, "dim"), (story.raw, "bold" if story.verdict == "kept" else "red"), (story.after, "dim")):
        if words:
            shown.append(_safe(words).strip("\n") + "\n", style)
    if story.text is not None and story.text != story.raw:
        shown.append("published as\n", "dim italic")
        shown.append(_safe(story.text) + "\n", "yellow")
    shown.rstrip()
    return Padding(shown, (0, 0, 0, 4))


def _facts(story: Story) -> list[tuple[str, list[tuple[str, str]]]]:
    row, source = story.row, story.source or {}
    size = f"characters {row['char_start']:,} to {row['char_end']:,}, lines {row['line_start']:,} to {row['line_end']:,}"
    place = [
        ("source", row["source"]), ("record", f"{row['record']} {row['locator'] or ''}".strip() if row["record"] or row["locator"] else ""),
        ("place", size), ("collection", row["collection"]), ("format", " ".join(str(source[key]) for key in ("format", "encoding", "encoding_how") if source.get(key))),
        ("sha256", source.get("sha256") or ""), ("status", source.get("status") or ""), ("error", source.get("error") or ""),
        *((key, str(row[key])) for key in ("title", "author", "publisher", "url", "published_at", "license") if row.get(key)),
        ("time", f"{row['time_start_ms']} to {row['time_end_ms']} ms" if row.get("time_start_ms") is not None else ""),
    ]  # fmt: skip
    kind = [
        ("kind", f"{row['kind']} in {row['layout']}"),
        ("section", row.get("section") or ""),
        ("speaker", row.get("speaker") or ""),
        ("reviewed", row.get("reviewed") or ""),
    ]
    edits = ", ".join(f"{edit['name']} {edit['count']:,}" for edit in row.get("edits") or [])
    language = []
    if story.verdict == "kept":
        shares = ", ".join(f"{share['lang']} {100 * share['share']:.1f} %" for share in row["lang_shares"] or [])
        mixed = ", mixed" if row["is_mixed"] else ""
        script = f"{row['script_source']} to {row['script']}" if row["script_source"] != row["script"] else row["script"]
        language = [
            ("language", f"{row['lang']} (confidence {row['lang_confidence'] or 0:.2f}{mixed}) {shares}"),
            ("script", str(script)),
            ("edits", edits or "none"),
        ]
    rule = [
        (key, str(value))
        for key, value in (
            ("rule", row.get("rule")), ("stage", row.get("stage")), ("origin", (story.rule or {}).get("origin")),
            ("pattern", (story.rule or {}).get("skeleton")), ("evidence", row.get("evidence")),
        ) if value
    ]  # fmt: skip
    quality = [("score", f"{row['quality']:.3f}")] if row.get("quality") is not None else []
    factors = [(name, f"{value:g} gives × {factor:g}") for name, value, factor in story.factors if factor < 1]
    signals = [(name, f"{value:g}") for name, value in (row.get("signals") or {}).items() if value]
    objections = passed_over(row.get("signals") or {}, row.get("lang") or "")
    twin = (
        [("kept in", where(story.twin)), ("its id", story.twin["passage_id"]), ("its text", one_line(story.twin["text"], 300))]
        if story.twin
        else []
    )
    return [
        ("Where it lay", _filled(place)), ("What it is", _filled([*kind, *language])), ("Rule", rule), ("Kept twin", twin),
        ("Quality", [*quality, *factors]), ("Signals", [("", ", ".join(f"{name} {value}" for name, value in signals))] if signals else []),
        ("Bounds of other pipelines", [("", sentence) for sentence in objections]),
    ]  # fmt: skip


def _filled(facts: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in facts if value not in ("", None)]


def _lists(story: Story) -> list[tuple[str, str, list[tuple[str, str]]]]:
    own, family = story.row["passage_id"], story.family
    pairs = []
    for pair in story.pairs:
        other = "_b" if pair["passage_a"] == own else "_a"
        estimate = f", estimated {pair['estimate']:.3f}" if pair["estimate"] is not None else ""
        said = _contained(pair, other) if pair["kind"] == "contained" else f"{pair['kind'].replace('_', ' ')}{estimate}"
        pairs.append((f"{pair['similarity']:.3f}", f"{where(pair, other)}  {said}{'' if pair['accepted'] else ', reported only'}"))
    copies = [
        (f"{c['similarity'] or 0:.3f}", f"{where(c)}  {c['reason'].replace('_', ' ')}  {one_line(c['raw'] or '', 60)}")
        for c in story.copies
    ]
    members = [
        (m["role"], f"{where(m)}  " + ("contained" if m["kind"] == "contained" else f"{m['similarity'] or 0:.3f} {m['kind'] or ''}"))
        for m in story.members
    ]
    places = [(f"{o['similarity'] or 0:.3f}", f"{where(o)}  {o['verdict']}") for o in story.occurrences]
    title = (
        f"Family: {family['occurrence_count']:,} places in {family['document_count']:,} documents, {family['verdict']}" if family else ""
    )
    return [
        ("Copies that name it", "copies", copies), ("Verified pairs", "pairs", pairs),
        ("Stretches that stand elsewhere too", "blocks", [_block(story, block) for block in story.blocks]), ("Others of its cluster", "members", members),
        (title, "occurrences", places), ("Others on the same line", "same_line", [(p["verdict"], f"{where(p)}  {p['passage_id']}") for p in story.same_line]),
        ("Other parts of the same passage", "parts", [(p["verdict"], where(p)) for p in story.parts]),
    ]  # fmt: skip


def _contained(pair: dict[str, Any], other: str) -> str:
    """Which side of a pair lies in the other, from this passage's point of view."""
    theirs, mine = (pair[f"containment{side}"] for side in (other, "_a" if other == "_b" else "_b"))
    return f"{theirs:.0%} of it in this one" if theirs >= mine else f"contains {mine:.0%} of this one"


def _block(story: Story, block: dict[str, Any]) -> tuple[str, str]:
    """Where a stretch stands here and elsewhere."""
    row = story.row
    here = block["doc_id_a"] == row["doc_id"] and block["char_start_a"] < row["char_end"] and block["char_end_a"] > row["char_start"]
    mine, other = ("_a", "_b") if here else ("_b", "_a")
    span = f"characters {block['char_start' + mine]:,} to {block['char_end' + mine]:,}"
    return f"{block['similarity']:.3f}", f"{where(block, other)}  {block['char_count']:,} characters, here {span}"


def _safe(text: str) -> str:
    return visible(text)


def _pairs_grid(rows: list[tuple[str, str]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0), expand=False)
    grid.add_column(min_width=12, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(Text(f"    {_safe(name)}", "dim"), Text(_safe(value)))
    return grid
