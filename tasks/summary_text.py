"""The summary for a terminal: the numbers a person wants at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.summary import STATUSES, one_line, overflow, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def render_text(summary: dict[str, Any], console: Console) -> None:
    """Print what a person wants to know at the end of a run; plain when the console is no terminal."""
    from rich.text import Text

    console.print(
        Text.assemble(
            ("taosha ", "bold"), visible(str(summary["pipeline_version"])), ("  snapshot ", "dim"), visible(str(summary["snapshot_id"]))[:16],
            ("  settings ", "dim"), visible(str(summary["settings_digest"])),
        )
    )  # fmt: skip
    console.print()
    console.print(_counts_table(summary))
    console.print()
    console.print(_ledger_table(summary, bars=console.is_terminal))
    missing = summary["characters"]["unaccounted"]
    if missing:
        console.print(Text(f"  does not add up: {missing:,} characters are in neither table", "bold red"))
    else:
        console.print(Text("  kept + removed = read, to the character", "green"))
    for line in overflow(summary):
        console.print(Text(f"  {line}", "dim"))
    for title, rows, style in (
        ("Repeated most", summary["top_families"], "cyan"),
        ("Rules that removed most", summary["top_rules"], "magenta"),
    ):
        if rows:
            console.print(Text(f"\n  {title}", "bold"))
            console.print(_top_table(rows[:5], style, quoted=console.is_terminal))
    for status, style in (("quarantined", "red"), ("needs_review", "yellow")):
        _print_troubled(console, status, summary, style)


def _grid() -> Table:
    from rich.table import Table

    return Table.grid(padding=(0, 2))


def _counts_table(summary: dict[str, Any]) -> Table:
    from rich.text import Text

    sources, grid = summary["sources"], _grid()
    grid.add_column(style="bold")
    grid.add_column(justify="right")
    grid.add_column(style="dim")
    states = " · ".join(f"{sources[status]:,} {status.replace('_', ' ')}" for status in STATUSES if sources[status])
    rows = (
        ("Sources", sources["total"], states),
        ("Documents", summary["documents"]["read"], f"{summary['documents']['with_kept_text']:,} with kept text"),
        ("Passages kept", summary["passages"]["kept"], f"{summary['passages']['removed']:,} spans removed"),
        (
            "Repeated families",
            summary["families"]["count"],
            f"{summary['families']['occurrences']:,} occurrences · {summary['families']['across']:,} across collections",
        ),
        (
            "Clusters",
            summary["clusters"]["count"],
            f"{summary['clusters']['members']:,} members · {summary['pairs']['total']:,} verified pairs",
        ),
    )
    for name, count, note in rows:
        grid.add_row(f"  {name}", f"{count:,}", Text(note))
    return grid


def _ledger_table(summary: dict[str, Any], *, bars: bool) -> Table:
    """Characters read, removed by reason, and kept, each with its share."""
    from rich.text import Text

    characters, grid = summary["characters"], _grid()
    read = characters["read"]
    for justify in ("left", "right", "right", "left"):
        grid.add_column(justify=justify)
    removed = sorted(characters["removed_by_reason"].items(), key=lambda item: -item[1])
    rows = [("Characters read", read, "bold"), *((f"- {visible(name).replace('_', ' ')}", n, "red") for name, n in removed)]
    for name, count, style in [*rows, ("= kept", characters["kept"], "yellow")]:
        share = count / read if read else 0.0
        bar = "█" * max(round(24 * share), 1 if count else 0) if bars else ""
        grid.add_row(Text(f"  {name}", style), f"{count:,}", f"{100 * share:.1f} %", Text(bar, style))
    return grid


def _top_table(rows: list[dict[str, Any]], style: str, quoted: bool) -> Table:
    """Families are quoted to a person at a terminal and named in a log, which holds no text of the sources."""
    from rich.text import Text

    sizes = [f"    {row['characters']:,} chars" for row in rows]
    places = [f"{row['occurrence_count']:,} places" if "text" in row else f"{row['document_count']:,} documents" for row in rows]
    known = ["rule" if "rule" in row else "text" if quoted else "family_id" for row in rows]
    names = [row["text"] if name == "text" else one_line(str(row[name])) for name, row in zip(known, rows, strict=True)]
    grid = _grid()
    # Numbers keep their width; a long text gives way.
    grid.add_column(justify="right", no_wrap=True, min_width=max(map(len, sizes)))
    grid.add_column(justify="right", no_wrap=True, min_width=max(map(len, places)), style="dim")
    grid.add_column(overflow="ellipsis", no_wrap=True)
    for size, place, name in zip(sizes, places, names, strict=True):
        grid.add_row(size, place, Text(name, style))
    return grid


def _print_troubled(console: Console, status: str, summary: dict[str, Any], style: str) -> None:
    from rich.text import Text

    rows, total = summary[status], summary["sources"][status]
    if not total:
        return
    console.print()
    console.print(Text(f"  {total:,} {status.replace('_', ' ')}", f"bold {style}"))
    for row in rows[:10]:
        console.print(
            Text.assemble("    ", (one_line(row["source"], 80), style), "  ", one_line(row["error"] or "no reason recorded", 160))
        )
    if total > 10:
        console.print(Text(f"    and {total - 10:,} more: report/summary.json lists them", "dim"))
