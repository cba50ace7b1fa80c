"""What a lookup found, for a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tasks.lookup import Answer, Found, Place
from tasks.lookup_compare import HOLDS, INSIDE, PART, SAME
from tasks.summary import one_line

if TYPE_CHECKING:
    from rich.console import Console

#: Characters that do not show, or turn what follows.
HIDDEN = re.compile("[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
#: Digits of a passage id that are shown: enough for `taosha explain`.
_ID = 12


def render(answer: Answer, console: Console) -> None:
    """Print the places of each passage that was found. Nothing of the data is taken as markup or reaches the terminal as a control."""
    from rich.text import Text

    found = [one for one in answer.passages if one.places]
    for one in found:
        _one(one, console)
    asked, several = len(answer.passages), len(answer.passages) > 1
    what = (
        f"{one_line(answer.query)}: {len(found):,} of {asked:,} passages stand"
        if several
        else "it stands"
        if found
        else "it does not stand"
    )
    console.print(
        Text(f"{what} in snapshot {answer.snapshot}{'' if found or several else ', nor does a part of it'}", "bold"), soft_wrap=True
    )
    short = sum(one.short for one in answer.passages if not one.places)
    if short:
        which = f"{short:,} of the others are" if several else "it is"
        console.print(
            Text(f"{which} too short to be found inside other text: only a passage of the very same words would show", "dim"),
            soft_wrap=True,
        )


def to_json(answer: Answer) -> str:
    """The answer as JSON, keys sorted, with invisible and direction-changing characters escaped."""
    passages = [
        {
            "text": one.asked.text, "place": one.asked.place, "total": one.total, "total_is_lower_bound": one.capped, "too_short": one.short,
            "places": [{**asdict(place.compared), **place.span, "twin": place.twin} for place in one.places],
        }
        for one in answer.passages
    ]  # fmt: skip
    record = {"snapshot": answer.snapshot, "query": answer.query, "passages": passages}
    text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)
    return HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _one(found: Found, console: Console) -> None:
    from rich.text import Text

    place = found.asked.place
    where = f"L{place['line_start']}  " if place else ""
    console.print(Text.assemble((where, "dim"), (one_line(found.asked.text, 72), "bold")), soft_wrap=True)
    for one in found.places:
        console.print(_line(one), soft_wrap=True)
        console.print(Text.assemble("    ", (one_line(one.span["text"], 72), "dim")), soft_wrap=True)
    more = found.total - len(found.places)
    if more:
        console.print(Text(f"  and {more:,} more places; --limit shows more", "dim"), soft_wrap=True)
    if found.capped:
        console.print(Text("  more texts look like it than are compared: there may be further places", "dim"), soft_wrap=True)
    console.print()


def _line(place: Place) -> Any:
    from rich.text import Text

    span = place.span
    kept = span["kept"]
    verdict = ("kept", "black on yellow") if kept else ("removed", "black on red")
    return Text.assemble(
        "  ", (f" {verdict[0]} ", verdict[1]), f"  {_where(span)}  ", (span["passage_id"][:_ID], "cyan"), f"  {_nearness(place)}", "" if kept else f"; {_why(place)}",
    )  # fmt: skip


def _nearness(place: Place) -> str:
    """How near, in words with exact numbers."""
    one = place.compared
    if one.how == SAME:
        return "the same words"
    if one.how == PART:
        return f"{one.part_containment:.0%} of this part stands in it: {one_line(one.part or '', 40)}"
    if one.how == INSIDE:
        return f"{one.containment_query:.0%} of the text stands in it (similarity {one.similarity:.2f})"
    if one.how == HOLDS:
        return f"{one.containment_place:.0%} of it stands in the text (similarity {one.similarity:.2f})"
    return f"similarity {one.similarity:.2f}: {one.containment_query:.0%} of the text, {one.containment_place:.0%} of the passage"


def _why(place: Place) -> str:
    span, twin = place.span, place.twin
    reason = (span["reason"] or "removed").replace("_", " ")
    if twin:
        return f"{reason}, kept in {_where(twin)}  {twin['passage_id'][:_ID]}"
    return f"{reason} by {one_line(span['rule'])}" if span["rule"] else reason


def _where(span: dict[str, Any]) -> str:
    """`source:L12`, as `taosha explain` takes it, with the record of a source of several documents."""
    record = f"#{span['record']}" if span["record"] else ""
    return f"{one_line(span['source'], 200)}{record}:L{span['line_start']}"
