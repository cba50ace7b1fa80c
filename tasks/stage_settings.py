"""Which settings the files of each stage depend on: what a change of one makes again, and what it leaves."""

from __future__ import annotations

from tasks.settings import DATA_SECTIONS, Settings

#: What the files of each stage depend on: sections, without the fields that only other stages read. A field that is added counts until
#: it is named here (tests/test_stage_keys.py watches what is read).
STAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "read": (("input",), ("input.collections", "input.priority")),
    "annotate": (
        ("normalize", "script", "language", "boilerplate", "matching"),
        (
            "language.keep", "boilerplate.decisions", "boilerplate.min_documents", "boilerplate.min_share", "matching.report_threshold", "matching.remove_threshold",
            "matching.containment_threshold", "matching.min_block_tokens", "matching.min_contained_tokens", "matching.min_length_ratio",
            "matching.bucket_cap",
        ),
    ),
    "match": (("input", "matching", "dedup"), ("input.collections", "input.max_source_bytes", "input.max_expansion", "input.text_fields")),
    "model": (("perplexity",), ()),
    "decide": (tuple(section for section in DATA_SECTIONS if section != "publish"), ()),
}  # fmt: skip


def digest(settings: Settings, stage: str) -> str:
    """Digest of the values that a stage's files depend on."""
    sections, without = STAGES[stage]
    return settings.digest(*sections, without=without)


def first_stage(name: str) -> str:
    """The first stage that a setting (`section.field`) touches; what follows it runs again too, as far as its input changed.

    >>> first_stage("script.target"), first_stage("quality.minimum"), first_stage("publish.signatures")
    ('annotate', 'decide', 'write')
    """
    if name == "publish.part_bytes":
        return "read"
    section = name.split(".")[0]
    return next((stage for stage, (sections, without) in STAGES.items() if section in sections and name not in without), "write")
