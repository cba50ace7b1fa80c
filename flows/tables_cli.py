"""Commands that read what was published: `taosha diff` and `taosha export`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.places import ARTIFACTS, Output, snapshot_of


class Table(StrEnum):
    """Tables that can be exported."""

    FAMILIES = "families"
    CLUSTERS = "clusters"
    PAIRS = "pairs"
    REMOVED = "removed"


class Form(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    JSONL = "jsonl"
    MD = "md"


def diff(
    snapshots: Annotated[
        list[str] | None, typer.Argument(metavar="[BEFORE AFTER]", help="Ids (or beginnings) or folders. Default: the last two.")
    ] = None,
    output: Output = ARTIFACTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    page: Annotated[Path | None, typer.Option("--page", help="Write one HTML page into this file.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Passages listed; 0 = all.")] = 200,
) -> None:
    """Say which passages changed between two snapshots, each with its cause."""
    from tasks import diff_text
    from tasks.decisions import write_whole
    from tasks.diff import compare

    before, after = diff_text.snapshots(output, snapshots or [])
    found = diff_text.model(compare(before, after), before, after, limit)
    if page is not None:
        write_whole(page, diff_text.as_page(found))
        print(page)
    else:
        print(diff_text.as_json(found) if as_json else diff_text.as_text(found))


def export(
    table: Annotated[Table, typer.Argument(help="What to export.")],
    form: Annotated[
        Form, typer.Option("--format", "-f", help="csv for spreadsheets, jsonl for programs, md for a pull request.")
    ] = Form.CSV,
    file: Annotated[Path | None, typer.Option("--to", "-t", help="File to write. Default: standard output.")] = None,
    output: Output = ARTIFACTS,
) -> None:
    """Write a table of the last snapshot as CSV that no spreadsheet runs, JSON lines, or a Markdown summary."""
    from tasks import exports

    snapshot = snapshot_of(output)
    if file is None:
        exports.export(snapshot, table.value, form.value, sys.stdout.buffer)
        return
    rows = exports.export_file(snapshot, table.value, form.value, file)
    print(f"{rows:,} rows", file=sys.stderr)
    print(file)


def serve(snapshot: Path, port: int, open_page: bool) -> None:
    """Serve the tables of a snapshot until interrupted; the address goes to stdout first."""
    from flows import serve_report

    listener = serve_report.listen(port)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    print(address, flush=True)
    if open_page:
        import webbrowser

        webbrowser.open(address)
    serve_report.serve(snapshot, listener)
