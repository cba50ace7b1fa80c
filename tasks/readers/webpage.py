"""html: all visible text in document order. What is main content is only labelled, so nothing leaves without a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import Quarantine
from tasks.readers.records import Mark, Notes, Piece, in_pieces, metadata, utf8
from tasks.readers.source import Feed

#: bytes of UTF-8. Larger pages are not pages.
MAX_PAGE = 64 << 20
#: levels and attributes of an element. libxml2 gives up at 2048 levels and is quadratic in attributes.
MAX_DEPTH, MAX_ATTRIBUTES = 2000, 2000
#: bytes, elements and levels up to which main content is looked for: the library took 84 s for 3 MB of nested empty boxes.
MAX_EXTRACTION, MAX_EXTRACTION_ELEMENTS, MAX_EXTRACTION_DEPTH = 1 << 20, 20_000, 100
#: An extraction that holds less than this says nothing about the rest: then no line is labelled.
MIN_EXTRACTED_CHARS, MIN_EXTRACTED_SHARE = 200, 0.25

INVISIBLE = frozenset(("script", "style", "noscript", "template", "head", "title", "iframe", "object"))
#: Elements on lines of their own; those of `APART` have an empty line around them (the HTML standard's innerText).
APART = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "ul", "ol", "dl", "table", "figure"))
BLOCK = APART | {
    "address", "article", "aside", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dt",
    "fieldset", "figcaption", "footer", "form", "frameset", "header", "hgroup", "hr", "html", "legend", "li", "main",
    "menu", "nav", "option", "optgroup", "section", "select", "summary", "tbody", "td", "textarea", "tfoot", "th",
    "thead", "tr", "video", "audio",
}  # fmt: skip
MARKS = {"li": "list", "dd": "list", "dt": "list", "table": "table", "pre": "code", "blockquote": "quote"}
_SPACES = re.compile("[ \t\n\f\r]+")
_ALL_SPACE = re.compile(r"\s+")
_INK = re.compile(r"\S")

_META = {
    "author": ("author", "article:author", "dc.creator", "og:article:author"),
    "publisher": ("og:site_name", "application-name", "dc.publisher", "publisher"),
    "url": ("og:url",),
    "published_at": (
        "article:published_time",
        "og:published_time",
        "datepublished",
        "pubdate",
        "publishdate",
        "publish_date",
        "dc.date",
        "date",
    ),
    "license": ("dc.rights", "license", "copyright"),
    "title": ("og:title", "dc.title", "twitter:title"),
}


@dataclass
class _Page:
    """Text as it grows. `gap` line feeds are owed before the next character, `space` a blank within the line."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    gap: int = 0
    space: bool = False
    tab: bool = False

    def add(self, text: str) -> None:
        if self.length and self.gap:
            self._put("\n" * self.gap)
        elif self.length and self.tab:
            self._put("\t")
        elif self.space and self.length:
            self._put(" ")
        self.gap, self.space, self.tab = 0, False, False
        self._put(text)

    def words(self, text: str) -> None:
        """Text node in which white space collapses."""
        inner = _SPACES.sub(" ", text).strip(" ")
        if inner:
            self.space |= text[0] in " \t\n\f\r"
            self.add(inner)
        if text[-1] in " \t\n\f\r":
            self.space = True

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)


def read(feed: Feed) -> Iterator[Piece]:
    """One document."""
    data = feed.whole(MAX_PAGE)
    notes = feed.notes
    if nul := data.count(b"\0"):
        notes.omit("nul", nul)  # no character of HTML; the parser would turn it into U+FFFD
        data = data.replace(b"\0", b"")
    shape = survey(data)
    if not shape.elements:
        return
    root = parse(data)
    text, marks, title = serialize(root, notes)
    notes.omit("comment", data.count(b"<!--"))
    stated = metadata({**_stated(root), **({"title": title} if title else {})}, notes)
    if len(data) <= MAX_EXTRACTION and shape.elements <= MAX_EXTRACTION_ELEMENTS and shape.deepest <= MAX_EXTRACTION_DEPTH:
        marks += beside_content(text, extract(data))
    document = Piece(0, "", utf8(text, notes), stated, tuple(sorted(marks)))
    yield from in_pieces(document)


class _Shape:
    """Counts of a page, taken while its tags go by and before any tree is built."""

    def __init__(self) -> None:
        self.elements = self.depth = self.deepest = self.attributes = 0

    def start(self, _tag: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        self.attributes = max(self.attributes, len(attributes))

    def end(self, _tag: str) -> None:
        self.depth -= 1

    def close(self) -> _Shape:
        return self


def survey(data: bytes) -> _Shape:
    """Shape of a page; raises Quarantine for one that the tree would choke on."""
    from lxml import etree

    shape = _Shape()
    try:
        etree.fromstring(data, etree.HTMLParser(target=shape, encoding="utf-8", huge_tree=True, no_network=True))
    except (etree.LxmlError, ValueError, AssertionError) as error:
        if data.strip():
            raise Quarantine("bad_html", type(error).__name__) from None
    if shape.deepest > MAX_DEPTH:
        raise Quarantine("too_deep", f"{shape.deepest} levels of elements, {MAX_DEPTH} are read")
    if shape.attributes > MAX_ATTRIBUTES:
        raise Quarantine("bad_html", f"an element of {shape.attributes} attributes")
    return shape


def parse(data: bytes) -> Any:
    """Tree of a page; raises Quarantine where the parser gives up, since it would drop the rest without a word. Comments are
    left out by the parser: walking over a long run of them is quadratic."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    if any(entry.level_name == "FATAL" for entry in parser.error_log):
        raise Quarantine("bad_html", "the parser gave up")
    return root


def serialize(root: Any, notes: Notes) -> tuple[str, list[Mark], str]:
    """Text of all visible nodes, marks of headings, lists, tables, code and quotations, and the title.

    Nothing but white space is added: line feeds around blocks, a tab between the cells of a row.
    """
    from lxml import etree

    page, marks, title = _Page(), [], ""
    open_marks: list[int] = []
    pre = 0
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        name = node.tag
        kind = MARKS.get(name) or ("heading" if _level(name) else "")
        if event == "start":
            if name in INVISIBLE:
                if name in ("head", "title") and not title:
                    found = node if name == "title" else next(node.iter("title"), None)
                    title = "" if found is None else _SPACES.sub(" ", "".join(found.itertext())).strip()
                notes.omit(name, sum(len(_ALL_SPACE.sub("", t)) for t in node.itertext()))
                walk.skip_subtree()
                continue
            _break(page, name)
            if name == "pre":
                pre += 1
            if kind:
                open_marks.append(page.length)
            if node.text:
                _text(page, node.text, pre)
        else:
            if name not in INVISIBLE:
                if kind:
                    marks.append(Mark(open_marks.pop(), page.length, kind, _level(name)))
                if name == "pre":
                    pre -= 1
                _break(page, name, closing=True)
            _tail(page, node, pre)
    text = "".join(page.parts)
    return text, [_trimmed(mark, text) for mark in marks if mark.end > mark.start], title


def _trimmed(mark: Mark, text: str) -> Mark:
    """The mark from its first character on: a break that was owed when the element began stands before it."""
    inside = _INK.search(text, mark.start)
    return mark._replace(start=min(inside.start() if inside else mark.start, mark.end))


def _text(page: _Page, text: str, pre: int) -> None:
    if not pre:
        page.words(text)
    elif text.strip("\n"):
        lead = len(text) - len(text.lstrip("\n"))
        page.gap = max(page.gap, lead) if page.length else 0
        body = text.strip("\n")
        page.add(body)
        page.gap = len(text) - lead - len(body)
    else:
        page.gap += len(text)


def _tail(page: _Page, node: Any, pre: int) -> None:
    if node.tail:
        _text(page, node.tail, pre)


def _break(page: _Page, name: str, closing: bool = False) -> None:
    if name == "br":
        page.gap += 0 if closing else 1
    elif name in ("td", "th"):
        page.tab = True
    elif name in APART:
        page.gap = max(page.gap, 2)
    elif name in BLOCK:
        page.gap = max(page.gap, 1)


def _level(name: str) -> int:
    return int(name[1]) if len(name) == 2 and name[0] == "h" and name[1] in "123456" else 0


def _stated(root: Any) -> dict[str, str | None]:
    """Metadata that the page states in its head, by role."""
    said: dict[str, str] = {}
    for node in root.iter("meta"):
        key = (node.get("property") or node.get("name") or node.get("itemprop") or "").strip().casefold()
        if key and node.get("content"):
            said.setdefault(key, node.get("content"))
    links = {(n.get("rel") or "").strip().casefold(): n.get("href") for n in root.iter("link") if n.get("href")}
    values: dict[str, str | None] = {role: next((said[n] for n in names if n in said), None) for role, names in _META.items()}
    values["url"] = links.get("canonical") or values["url"]
    values["license"] = links.get("license") or values["license"]
    return values


def extract(data: bytes) -> str:
    """Main content by trafilatura, favouring recall; empty where it finds none or fails."""
    import logging

    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        return trafilatura.extract(data.decode(), favor_recall=True, include_comments=False, include_tables=True) or ""
    except Exception:  # a label is all it gives: whatever fails in there, the text stands
        return ""


def beside_content(text: str, content: str) -> list[Mark]:
    """`extraction` marks of the lines that the extraction does not contain, white space aside."""
    whole = len(_ALL_SPACE.sub("", text))
    lines = {_ALL_SPACE.sub("", line) for line in content.split("\n")}
    joined = _ALL_SPACE.sub("", content)
    if len(joined) < max(MIN_EXTRACTED_CHARS, MIN_EXTRACTED_SHARE * whole):
        return []
    marks, at, budget = [], 0, 200_000_000  # characters compared: a hostile page has a million lines
    for line in text.split("\n"):
        plain = _ALL_SPACE.sub("", line)
        if plain and plain not in lines:
            budget -= len(joined)
            if budget < 0 or plain not in joined:
                marks.append(Mark(at, at + len(line), "extraction"))
        at += len(line) + 1
    return marks
