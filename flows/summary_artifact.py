"""The run's summary as Markdown for Prefect's interface: counts and paths, never text of a source."""

from __future__ import annotations

from typing import Any


def escape(text: str) -> str:
    """A name from outside as Markdown text: no markup, no line break, no control character.

    >>> escape("a|b`c")
    'a\\\\|b\\\\`c'
    """
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join("\\" + c if c in "\\`*_{}[]()<>#+-.!|~" and not c.isalnum() and c not in ".-_" else c for c in plain)


def markdown(outcome: dict[str, Any]) -> str:
    """Markdown of an outcome of `flows.curate.curate`."""
    snapshot = escape(str(outcome["snapshot"]))
    numbers = outcome.get("summary")
    if not numbers:
        return f"Nothing changed: snapshot {snapshot} stands.\n"
    characters = numbers["characters"]
    lines = [
        f"Snapshot {snapshot}",
        "",
        "| | characters |",
        "|---|---:|",
        f"| read | {characters['read']:,} |",
        f"| kept | {characters['kept']:,} |",
    ]
    lines += [f"| removed: {escape(reason)} | {count:,} |" for reason, count in sorted(characters["removed_by_reason"].items())]
    lines += [
        "",
        f"{numbers['documents']['with_kept_text']:,} documents, {numbers['passages']['kept']:,} passages, {numbers['families']['count']:,} repeated families",
    ]
    for status in ("quarantined", "needs_review"):
        for row in numbers[status]:
            lines.append(f"- {status}: {escape(row['source'])}: {escape(row['error'])}")
    return "\n".join(lines) + "\n"
