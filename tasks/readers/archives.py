"""zip, tar: every member that some reader knows becomes records of the source. A bad member is counted and named; the others are read.

A member's rows go on only when all of it is known to be good, so that nothing must be taken back: what is longer than `PROVED`
is read twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from tasks.decode import resolve
from tasks.errors import Quarantine, StorageError
from tasks.readers import tars, zips
from tasks.readers.kinds import ARCHIVES, kind_of
from tasks.readers.members import Entry, Member, hold, is_hidden, shown
from tasks.readers.parts import MARK_BYTES, ROW_BYTES
from tasks.readers.records import Piece, scan
from tasks.readers.source import Feed
from tasks.readers.unpack import Budget

#: bytes of rows that are kept until the member that they come from has been read to its end.
PROVED = 16 << 20
#: Reasons that condemn the source and not only the member.
FATAL = frozenset(("bomb", "too_many_members", "unreadable", "changed_while_reading"))
#: Formats whose readers settle the encoding of the whole text first.
_TEXT = frozenset(("txt", "md", "csv", "tsv", "html", "srt", "vtt"))

Read = Callable[[Feed], Iterator[Piece]]


@dataclass(frozen=True)
class _Tools:
    """The readers of members, and the formats that may hold bad records."""

    readers: dict[str, Read]
    records: dict[str, tuple[str, str]]


def reader(readers: dict[str, Read], records: dict[str, tuple[str, str]], kind: str) -> Read:
    """The reader of an archive whose members `readers` read; `records` as in tasks.readers.RECORDS."""
    entries = zips.entries if kind == "zip" else tars.entries
    tools = _Tools(readers, records)

    def read(feed: Feed) -> Iterator[Piece]:
        base = 0
        for entry in entries(feed):
            feed.budget.member()
            if not _wanted(entry, feed):
                continue
            name, last = shown(entry.name), -1
            joint = "!/" if kind_of(entry.name)[0] in ARCHIVES else " "
            for piece in _rows(entry, feed, tools):
                last = piece.record
                locator = f"{name}{joint}{piece.locator}" if piece.locator else name
                yield piece._replace(record=base + last, locator=locator)
            base += last + 1

    return read


def _wanted(entry: Entry, feed: Feed) -> bool:
    """Whether a member is to be read; what is not is counted."""
    unknown = kind_of(entry.name)[2]
    omitted = entry.omitted or ("member (hidden)" if is_hidden(entry.name) else f"member ({shown(unknown[:16])})" if unknown else "")
    if omitted:
        feed.notes.omit(omitted)
        return False
    feed.notes.records += 1
    return True


def _refusal(entry: Entry, feed: Feed) -> str:
    """Why a member cannot or may not be opened; empty when it may."""
    deepest = feed.settings.max_depth
    if not entry.problem and kind_of(entry.name)[0] in ARCHIVES and feed.depth + 2 > deepest:
        return f"too_deep: archives inside archives are read to level {deepest}"
    return entry.problem


def _rows(entry: Entry, feed: Feed, tools: _Tools) -> Iterator[Piece]:
    """Rows of one member, or a complaint. Raises Quarantine only for what condemns the whole source."""
    name = shown(entry.name)
    if refusal := _refusal(entry, feed):
        feed.notes.complain(name, refusal)
        return
    try:
        file = hold(entry.blocks, feed)
    except Quarantine as problem:
        if entry.sequential or problem.reason in FATAL:
            raise
        feed.notes.complain(name, str(problem))
        return
    with file:
        try:
            yield from _proved(entry.name, file, feed, tools)
        except StorageError:
            raise
        except Quarantine as problem:
            if problem.reason in FATAL:
                raise
            feed.notes.complain(name, str(problem))
        except UnicodeError:
            feed.notes.complain(name, "undecodable: not in the encoding that its beginning suggests")
        except Exception as problem:  # as for a source: the others are read, this one is named
            feed.notes.complain(name, f"reader_failed: {type(problem).__name__}")


def _proved(name: str, file: IO[bytes], feed: Feed, tools: _Tools) -> Iterator[Piece]:
    """Rows of a member after it has been read to its end without a fault."""
    before = replace(feed.budget)
    member = _open(name, file, feed, feed.budget)
    kind = member.source.format or ""
    held: list[Piece] = []
    size = 0
    for piece in tools.readers[kind](member):
        size += len(piece.text) + ROW_BYTES + MARK_BYTES * len(piece.marks)
        if size > PROVED:
            held.clear()
        else:
            held.append(piece)
    _settle(name, member, feed, tools.records.get(kind))
    if size > PROVED:
        again = _open(name, file, feed, before)
        yield from (_stamped(piece, again) for piece in tools.readers[kind](again))
    elif held and not scan(b"".join(piece.text for piece in held))[2]:
        feed.notes.omit("empty_record", len(held))
    else:
        yield from (_stamped(piece, member) for piece in held)


def _open(name: str, file: IO[bytes], feed: Feed, budget: Budget) -> Member:
    kind, compression, _ = kind_of(name)
    member = Member(feed, file, kind or "", compression, budget)
    if kind in _TEXT:
        member.encoding = resolve(member.again, kind == "html")
    return member


def _settle(name: str, member: Member, feed: Feed, unit: tuple[str, str] | None) -> None:
    """Hand on what the member's reader noted; raises Quarantine when most of its records are bad."""
    flaw = member.notes.judge(*unit) if unit else None
    for what, count in sorted(member.notes.not_carried.items()):
        feed.notes.omit(what, count)
    if flaw:
        feed.notes.partly(shown(name), flaw)


def _stamped(piece: Piece, member: Member) -> Piece:
    encoding = member.encoding.name if member.encoding else ""
    return piece._replace(format=piece.format or member.source.format or "", encoding=piece.encoding or encoding)
