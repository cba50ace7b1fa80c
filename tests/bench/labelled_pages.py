"""Labelled pages: documents in which every line is said to be wanted, unwanted with its category, or either.

A file of `pages/dev` or `pages/held` is one made-up site. Its lines:

    %% def NAME SLOT ...        a frame that documents share, up to `%% end`; {SLOT} is filled in where it is used
    %% use NAME SLOT=VALUE ; ...
    %% doc NAME.txt             a document begins
    [category] text             an unwanted line (text alone stands in the document); [either] text counts for nothing
    anything else               a wanted line, blank ones too
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tasks.rulepack import CATEGORIES

PAGES = Path(__file__).resolve().parent / "pages"
#: Label of lines that may go or stay.
EITHER = "either"
_TAG = re.compile(rf"\[({'|'.join((*CATEGORIES, 'submission', 'contact', EITHER))})\] ?(.*)")


@dataclass
class Document:
    """A document of a site; `labels` has None for a wanted line."""

    site: str
    name: str
    lines: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def add(self, line: str) -> None:
        tagged = _TAG.fullmatch(line)
        self.lines.append(tagged[2] if tagged else line)
        self.labels.append(tagged[1] if tagged else None)


def read_site(path: Path) -> list[Document]:
    """Documents of one file, in order. Raises ValueError for a slot that is not filled and a frame that is not defined."""
    frames: dict[str, list[str]] = {}
    documents: list[Document] = []
    frame: list[str] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.removeprefix("%% ").partition(" ") if line.startswith("%% ") else ("", "", "")
        if word == "def":
            frame = frames.setdefault(rest.split()[0], [])
        elif word == "end":
            frame = None
        elif word == "doc":
            documents.append(Document(path.stem, rest))
        elif word == "use":
            for filled in _filled(frames, rest, path):
                documents[-1].add(filled)
        elif frame is not None:
            frame.append(line)
        elif documents:
            documents[-1].add(line)
    return documents


def read_set(name: str) -> list[Document]:
    """Documents of all sites of `dev` or `held`, by site."""
    return [document for path in sorted((PAGES / name).glob("*.txt")) for document in read_site(path)]


def _filled(frames: dict[str, list[str]], call: str, path: Path) -> list[str]:
    name, _, given = call.partition(" ")
    if name not in frames:
        raise ValueError(f"{path}: no frame {name!r}")
    slots = dict(pair.strip().split("=", 1) for pair in given.split(" ; ")) if given else {}
    text = "\n".join(frames[name])
    for slot, value in slots.items():
        text = text.replace("{" + slot + "}", value)
    if missing := re.search(r"\{[a-z]\w*\}", text):
        raise ValueError(f"{path}: %% use {call}: {missing[0]} is not filled")
    return text.split("\n")
