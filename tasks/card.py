"""The dataset card: README.md of a snapshot, as Hugging Face reads it and a person too. No clock, no host."""

from __future__ import annotations

from tasks.manifest import Manifest
from tasks.store.schemas import TABLES

#: Upper bounds of Hugging Face's size categories, in rows of the main table.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)
_DEFAULT = "documents"


def render(manifest: Manifest) -> str:
    """Markdown with a YAML header: one config a table, then what the tables mean, how many rows they have, how to read them."""
    tables = {name: entry for name, entry in manifest["tables"].items() if name in TABLES}
    names = [name for name in TABLES if name in tables]
    full = [name for name in names if tables[name]["rows"]]
    empty = [name for name in names if not tables[name]["rows"]]
    return "\n".join([*_header(full, tables["passages"]["rows"] if "passages" in tables else 0), *_body(manifest, names, empty), ""])


def _header(names: list[str], rows: int) -> list[str]:
    """YAML that `datasets` reads. Tables without rows are left out: `datasets` raises on a file of zero rows."""
    size = next((label for bound, label in _SIZES if rows < bound), "n>1B")
    lines = [
        "---",
        "language:",
        "- zh",
        "task_categories:",
        "- text-generation",
        "size_categories:",
        f"- {size}",
        "pretty_name: taosha snapshot",
    ]
    if names:
        lines.append("configs:")
    for name in names:
        lines += [
            f"- config_name: {name}",
            *(["  default: true"] if name == _DEFAULT else []),
            "  data_files:",
            "  - split: train",
            f"    path: {name}/*.parquet",
        ]
    return [*lines, "---"]


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 10**6 else f"{count / 1e3:,.1f} kB"


def _body(manifest: Manifest, names: list[str], empty: list[str]) -> list[str]:
    """What the snapshot is, for a reader who has nothing else."""
    tables = manifest["tables"]
    lines = [
        "",
        f"# taosha snapshot {manifest['snapshot_id']}",
        "",
        f"Clean text of {manifest['input_count']:,} sources, made by taosha {manifest['pipeline_version']}. Every row names its source, its place there (code points",
        "of the document text, half-open) and what was done to it; `removed` holds everything that was taken out, and why.",
        "",
        "| Table | Rows | Size | Meaning |",
        "|---|---:|---:|---|",
    ]
    lines += [f"| {name} | {tables[name]['rows']:,} | {_size(tables[name]['bytes'])} | {TABLES[name][1]} |" for name in names]
    lines += [
        "",
        "Every column is described in the Parquet files themselves (`pyarrow.parquet.read_schema(path).field(name).metadata`).",
        "Resolve `latest` once before reading several files: it may point to another snapshot a moment later.",
        "",
        "```sql",
        "SELECT source, char_start, text FROM 'passages/*.parquet' WHERE quality > 0.5;                    -- DuckDB",
        "SELECT reason, category, count(*) FROM 'removed/*.parquet' GROUP BY ALL ORDER BY count(*) DESC;",
        "```",
    ]
    if empty:
        lines += [
            "",
            f"Without rows in this snapshot: {', '.join(empty)}. Each has a file with the schema, which every reader but Hugging Face `datasets`",
            "opens (it raises on zero rows), so they are not among the configs above.",
        ]
    return [
        *lines,
        "",
        f"`manifest.json` lists files, digests and settings (`settings_digest` {manifest['settings_digest']}); `sha256sum -c SHA256SUMS` checks every byte,",
        "and `taosha verify` every promise.",
    ]
