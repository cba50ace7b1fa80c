"""The version that stands in every published row."""

from __future__ import annotations

VERSION = "0.1.0"
