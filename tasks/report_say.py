"""Words of the report page in two languages: English in the markup, Chinese from a dictionary that the page carries."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup


@cache
def chinese() -> dict[str, str]:
    """English sentence, with {} for each value -> Chinese sentence."""
    found: dict[str, str] = json.loads((files("tasks") / "assets" / "zh.json").read_text(encoding="utf-8"))
    return found


def say(text: str, *values: Any) -> Markup:
    """A `span` that holds the sentence in English and what the page's script needs to say it in Chinese. Values are escaped.

    >>> say("{} passages", 3)
    Markup('<span data-t="{} passages" data-v="[&#34;3&#34;]">3 passages</span>')
    """
    from markupsafe import Markup

    shown = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    extra = Markup(' data-v="{}"').format(json.dumps(shown, ensure_ascii=False)) if shown else ""
    return Markup('<span data-t="{}"{}>{}</span>').format(text, extra, text.format(*shown))


def name(value: str) -> Markup:
    """A name from the tables (a reason, a status, a kind) in words: known ones can be switched, others stand as they are."""
    from markupsafe import escape

    from tasks.summary import visible

    words = visible(str(value)).replace("_", " ")
    return say(words) if words in chinese() and "{" not in words else escape(words)
