"""A comparison of two snapshots for a person: as text, as JSON, and as one page that needs nothing beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks.diff import Diff
from tasks.errors import UsageError
from tasks.report_model import lookup
from tasks.summary import one_line, visible

_EXCERPT = 80


def snapshots(output: Path, names: list[str]) -> tuple[Path, Path]:
    """The two snapshots that are meant: by folder or by the beginning of an id; the last and the one before it when none is named.

    Raises UsageError where there are none such.
    """
    if len(names) not in (0, 2):
        raise UsageError("name two snapshots, or none for the last and the one before it")
    if names:
        before, after = (_named(output, name) for name in names)
        return before, after
    from tasks.publish import latest

    last = latest(output)
    if last is None:
        raise UsageError(f"{output} holds no snapshot; run `taosha run --output {output}` first")
    return _previous(output, last), last


def _named(output: Path, name: str) -> Path:
    if (Path(name) / "manifest.json").is_file():
        return Path(name).resolve()
    found = sorted(path for path in (output / "snapshots").glob("*") if path.name.startswith(name) and (path / "manifest.json").is_file())
    if len(found) != 1 or not name:
        known = ", ".join(sorted(path.name for path in (output / "snapshots").glob("[0-9a-f]*"))[:5])
        raise UsageError(f"{len(found)} snapshots of {output} begin with {one_line(name)!r}; there are {known or 'none'}")
    return found[0]


def _previous(output: Path, last: Path) -> Path:
    """The snapshot that history says came before, else the newest of the others by the time of its run."""
    try:
        name = json.loads((output / "history" / f"{last.name}.json").read_text(encoding="utf-8"))["previous"]
    except (OSError, ValueError, KeyError):
        name = None
    if name and (output / "snapshots" / str(name) / "manifest.json").is_file():
        return output / "snapshots" / str(name)
    others = [path for path in (output / "snapshots").glob("[0-9a-f]*") if path.name != last.name and (path / "manifest.json").is_file()]
    if not others:
        raise UsageError(f"{output} holds one snapshot only: there is nothing to compare it with")
    return max(others, key=lambda path: ((path / "manifest.json").stat().st_mtime_ns, path.name))


def model(diff: Diff, before: Path, after: Path, limit: int) -> dict[str, Any]:
    """Everything that is shown, as plain values; `changes` holds the first `limit` rows (all for 0) of `total`."""
    shown = diff.changes.slice(0, limit or len(diff.changes))
    rows = [_change(row) for row in shown.to_pylist()]
    for snapshot, side in ((after, "after"), (before, "before")):
        for table in ("passages", "removed"):
            wanted = [row[side]["passage_id"] for row in rows if row[side] and "text" not in row and row[side]["table"] == table]
            texts = lookup(snapshot, table, "passage_id", wanted, ["raw", "text"] if table == "passages" else ["raw"])
            for row in rows:
                if row[side] and "text" not in row and row[side]["table"] == table and row[side]["passage_id"] in texts:
                    found = texts[row[side]["passage_id"]]
                    row["text"] = one_line(found["raw"] if found["raw"] is not None else found["text"], _EXCERPT)
    for row in rows:
        for side in ("before", "after"):
            (row[side] or {}).pop("table", None)
    return {
        "before": diff.before,
        "after": diff.after,
        "factors": diff.factors,
        "sources": {state: {"count": len(names), "first": names.slice(0, 20).to_pylist()} for state, names in diff.sources.items()},
        "counts": diff.counts(),
        "total": len(diff.changes),
        "changes": rows,
    }


def _change(row: dict[str, Any]) -> dict[str, Any]:
    """One change: kind, cause, and what stood before and stands after."""

    def side(letter: str) -> dict[str, Any] | None:
        if row[f"passage_id_{letter}"] is None:
            return None
        names = [name.removesuffix("_a") for name in row if name.endswith("_a")]
        found = {name: row[f"{name}_{letter}"] for name in names if row[f"{name}_{letter}"] is not None}
        return {**found, "table": "passages" if found["verdict"] == "kept" else "removed"}

    return {"kind": row["kind"], "cause": row["cause"], "before": side("a"), "after": side("b")}


def where(row: dict[str, Any]) -> str:
    """`source:L12` of a change, after where there is one."""
    at = row["after"] or row["before"]
    return visible(f"{at['source']}{'#' + str(at['record']) if at['record'] else ''}:L{at['line_start']}").replace("\n", " ")


def verdicts(row: dict[str, Any]) -> str:
    """What was said of it before and after: `kept -> removed (template mined.3f)`."""

    def said(side: dict[str, Any] | None) -> str:
        if side is None:
            return "not there"
        why = " ".join(filter(None, (side.get("reason"), side.get("rule"), f"reviewed {side['reviewed']}" if side.get("reviewed") else "")))
        return side["verdict"] + (f" ({why})" if why else "")

    return visible(f"{said(row['before'])} -> {said(row['after'])}").replace("\n", " ")


def as_text(found: dict[str, Any]) -> str:
    """Lines for a terminal; no control character of the data reaches it."""
    lines = [f"{found['before']} -> {found['after']}: {found['total']:,} passages changed"]
    for cause, facts in found["factors"].items():
        lines += [f"  {cause:<9} {visible(fact)}" for fact in facts]
    for cause, kinds in found["counts"].items():
        lines.append(f"{sum(kinds.values()):>9,}  {cause}: " + ", ".join(f"{n:,} {kind}" for kind, n in kinds.items()))
    for row in found["changes"]:
        lines.append(f"{row['cause']}\t{row['kind']}\t{where(row)}\t{verdicts(row)}\t{row.get('text', '')}")
    if found["total"] > len(found["changes"]):
        lines.append(f"... and {found['total'] - len(found['changes']):,} more; --limit 0 lists all")
    return "\n".join(lines)


def as_json(found: dict[str, Any]) -> str:
    """The same as JSON, ASCII only, keys sorted."""
    return json.dumps(found, indent=2, sort_keys=True)


def as_page(found: dict[str, Any]) -> str:
    """One HTML page without script, font or picture: what data says stands in it as text only."""
    import base64
    import hashlib

    from jinja2 import Environment

    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    rows = [{**row, "where": where(row), "verdicts": verdicts(row)} for row in found["changes"]]
    page = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
    return page.render(**{**found, "changes": rows}, style=_STYLE, digest=style, visible=visible) + "\n"


_STYLE = (
    "body{font:15px/1.55 system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
    "color:#1d2327;background:#fff}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #d9dde1}td.n{text-align:right;font-variant-numeric:tabular-nums}.q{color:#5a646d}td{overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#e4e7ea;background:#15181b}td,th{border-color:#333a40}.q{color:#9aa4ad}}"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{{ digest }}'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>taosha diff {{ before }} {{ after }}</title>
<style>{{ style | safe }}</style></head><body>
<h1>{{ "{:,}".format(total) }} passages changed</h1><p class="q">from snapshot {{ before }} to {{ after }}</p>
<h2>What differs between the runs</h2><ul>
{% for cause, facts in factors.items() %}{% for fact in facts %}<li>{{ cause }}: <bdi>{{ visible(fact) }}</bdi></li>
{% endfor %}{% else %}<li>nothing that their manifests tell</li>
{% endfor %}</ul>
<h2>By cause</h2><table><thead><tr><th>Cause</th><th>Kind</th><th>Passages</th></tr></thead><tbody>
{% for cause, kinds in counts.items() %}{% for kind, n in kinds.items() %}<tr><td>{{ cause }}</td><td>{{ kind }}</td><td class="n">{{ "{:,}".format(n) }}</td></tr>
{% endfor %}{% endfor %}</tbody></table>
<h2>Passages</h2><p class="q">{{ "{:,}".format(changes | length) }} of {{ "{:,}".format(total) }} shown</p>
<table><thead><tr><th>Cause</th><th>Kind</th><th>Place</th><th>Before and after</th><th>Text</th></tr></thead><tbody>
{% for row in changes %}<tr><td>{{ row.cause }}</td><td>{{ row.kind }}</td><td><bdi>{{ row.where }}</bdi></td><td><bdi>{{ row.verdicts }}</bdi></td><td><bdi>{{ row.text }}</bdi></td></tr>
{% endfor %}</tbody></table></body></html>"""
