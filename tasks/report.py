"""The report page: one self-contained HTML file made from a published snapshot, readable from disk without a network.

Nothing from the data is ever markup: the template escapes, the script only sets text, and a content security policy by
hash lets nothing else run. Data the page needs only when something is opened stands in islands of JSON that are parsed then.
The page has no clock: what it says of the run stands in run.json, where there is one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks import report_model as model
from tasks import report_parts as parts
from tasks.drift import HISTORY
from tasks.report_documents import documents
from tasks.report_flips import flips
from tasks.report_repeats import Budget, cluster_repeats, family_repeats
from tasks.report_rows import columns, listing
from tasks.report_say import chinese, name, say
from tasks.report_shared import changes, shared
from tasks.report_texts import Limits, Row, Texts, lang_of
from tasks.summary import Tally, manifest_of, one_line, overflow, summarize, tally, visible, write_summary

if TYPE_CHECKING:
    from markupsafe import Markup

#: Families and clusters whose details share an island of JSON.
CHUNK = 40
SCRIPTS = ("say.js", "diff.js", "list.js", "detail.js", "views.js")


def build(snapshot: Path, out: Path, limits: Limits | None = None, counts: Tally | None = None) -> Path:
    """Write out/index.html and out/summary.json from the snapshot on disk; the page's path.

    counts : what a run counted already; counted from the tables when None.
    Raises UsageError when `snapshot` is no snapshot, StorageError when its files cannot be read.
    """
    limits, snapshot = limits or Limits(), snapshot.resolve()
    manifest, counts = manifest_of(snapshot), counts or tally(snapshot)
    summary = summarize(snapshot, counts)
    repeats, removed = _details(snapshot, manifest, summary, counts, limits)
    islands: dict[str, Any] = {
        f"detail-{n}": [row for _, row in repeats[n * CHUNK : (n + 1) * CHUNK]] for n in range(-(-len(repeats) // CHUNK))
    }
    chunks = {key: number // CHUNK for number, (key, _) in enumerate(repeats)}
    rows = listing(snapshot, limits)
    wanted = (copy["document"] for _, row in repeats for copy in (row["first"], *row["copies"][:3]))
    shown = documents(snapshot, wanted, limits)
    islands |= {
        "rows": columns(rows, chunks),
        "flips": flips(snapshot, summary["thresholds"]),
        "document-texts": shown,
        "facts": {"snapshot": visible(manifest.get("snapshot_id") or ""), "documents": {row["id"]: n for n, row in enumerate(shown)}},
        "chinese": chinese(),
    }
    page = _render(
        {key: island(value) for key, value in islands.items()},
        manifest=manifest,
        run=_run(snapshot),
        summary=summary,
        overflow=overflow(summary),
        waterfall=parts.waterfall(summary),
        histogram=parts.histogram(model.similarity_bins(snapshot), summary["thresholds"]),
        yields=parts.yields(counts),
        shared=shared(snapshot, counts),
        changes=changes(snapshot),
        removed=removed,
        templates=model.templates(snapshot, limits),
        sources=[parts.source(row) for row in model.sources(snapshot, counts, limits)],
        listed=rows[:20],
        totals={"rows": summary["families"]["count"] + summary["clusters"]["count"], "listed": len(rows), "detailed": len(repeats)},
        documents=[{key: row[key] for key in ("id", "name")} for row in shown],
        limits=limits,
    )
    out.mkdir(parents=True, exist_ok=True)
    write_summary(summary, out)
    path = out / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def with_changes(snapshot: Path) -> Path | None:
    """The page again with what changed against the snapshot before, in history/, where history names one; else None.

    It cannot stand in the snapshot: a snapshot is the same whatever came before it.
    """
    snapshot = snapshot.resolve()
    if changes(snapshot) is None:
        return None
    return build(snapshot, snapshot.parents[1] / HISTORY / f"{snapshot.name}-report")


def _details(snapshot: Path, manifest: Row, summary: Row, counts: Tally, limits: Limits) -> tuple[list[tuple[str, Row]], list[Row]]:
    """Details of the first families and clusters by key ("f" or "c" and the id), most characters x sources first; removals by reason."""
    texts, half = Texts(limits), limits.characters // 2
    families, exemplars, occurrences = model.families(snapshot, limits, texts)
    clusters, members = model.clusters(snapshot, limits, texts)
    rules = model.removals(snapshot, counts, limits, texts)
    texts.load(snapshot)
    found = [
        *(("f", row) for row in Budget(half).repeats(family_repeats(snapshot, families, exemplars, occurrences, texts, limits))),
        *(("c", row) for row in Budget(half).repeats(cluster_repeats(snapshot, clusters, members, texts, manifest))),
    ]
    found.sort(key=lambda one: (-one[1]["chars"] * one[1]["sources"], one[0], one[1]["id"]))
    removed = parts.removed(snapshot, rules, texts, Budget(half), summary["thresholds"]["remove"] or 0.0)
    return [(which + row["id"], row) for which, row in found], removed


def _run(snapshot: Path) -> Row:
    """run.json beside the manifest, when there is one."""
    try:
        run = json.loads((snapshot / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in run.items() if isinstance(value, str | int | float)} if isinstance(run, dict) else {}


def island(data: Any) -> str:
    """JSON that is inert inside a `script` element: no character of it can end the element or start markup.

    >>> island("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _asset(*names: str) -> Markup:
    from markupsafe import Markup

    text = "\n".join((files("tasks") / "assets" / name).read_text(encoding="utf-8") for name in names)
    if "</s" in text.lower():
        raise ValueError(f"tasks/assets: {', '.join(names)} must not hold a closing tag: they are put inline")
    return Markup(text)  # noqa: S704 (our own files)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _render(islands: dict[str, str], **context: Any) -> str:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    sources = {
        one: (files("tasks") / "assets" / one).read_text(encoding="utf-8") for one in ("page.html.j2", "charts.html.j2", "lists.html.j2")
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=DictLoader(sources))
    environment.globals |= {"say": say, "known": ["read", "kept", *parts.MEANING], "meaning": parts.MEANING}
    environment.filters |= {
        "visible": lambda value: visible(str(value)),
        "line": one_line,
        "number": lambda value: f"{value:,}",
        "percent": lambda value: f"{100 * value:.1f} %",
        "label": lambda value: visible(str(value)).replace("_", " "),
        "name": name,
        "lang": lang_of,
    }
    script, style = _asset(*SCRIPTS), _asset("report.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    safe = {key: Markup(text) for key, text in islands.items()}  # noqa: S704 (escaped by `island`)
    return environment.get_template("page.html.j2").render(script=script, style=style, policy=policy, islands=safe, **context)
