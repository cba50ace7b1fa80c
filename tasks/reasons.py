"""The verdicts by number, in order of precedence; a reviewer's stands above them all."""

from __future__ import annotations

REASONS = (
    "kept",
    "extraction",
    "boilerplate",
    "template",
    "language",
    "quality",
    "exact_duplicate",
    "near_duplicate",
    "duplicate_block",
    "reviewer",
)
KEPT, EXTRACTION, BOILERPLATE, TEMPLATE, LANGUAGE, QUALITY, EXACT, NEAR, BLOCK, REVIEWER = range(len(REASONS))
#: Stage that speaks each verdict.
STAGES = ("", "read", "rules", "templates", "language", "quality", "deduplicate", "deduplicate", "deduplicate", "review")
