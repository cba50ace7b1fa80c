"""Where a new text, or a part of it, already stands in a snapshot: kept, or removed and in favour of what.

Candidates come from the published signatures through datasketch's MinHashLSH (similar passages) and MinHashLSHEnsemble (longer
passages that hold the text, or a part of it), and from equal folds, which need no signature. Nothing is said of a candidate but
what was computed exactly from the two texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from tasks.lookup_bands import Indexes
from tasks.lookup_compare import INSIDE, SAME, Compared, compare
from tasks.lookup_fold import folds
from tasks.lookup_index import SPAN, Known, open_index
from tasks.lookup_query import Asked, Units, read
from tasks.manifest import load
from tasks.settings import Matching, Settings
from tasks.store.text import I64Array, Texts, U64Array

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
Row = dict[str, Any]

#: Signatures that one passage or part of the query is compared with at most, those that agree most first.
MOST_COMPARED = 2000
#: Answers that account for the whole passage: its parts are then not asked for.
WHOLE = (SAME, INSIDE)
#: Standard errors below its expectation at which an estimate is no longer worth an exact comparison: 1 in 2,000 falls there.
_DOUBT = 3.3


@dataclass(frozen=True)
class Place:
    """One place where the text, or a part of it, stands. `compared` says how near it is.

    span : the passage: its id and place as in the published tables, `kept`, and for a removed one reason, category, rule, twin.
    twin : the kept passage that a removed duplicate names.
    """

    compared: Compared
    span: Row
    twin: Row | None


@dataclass(frozen=True)
class Found:
    """What is known of one passage of the query.

    places : the best ones, as many as were asked for; total : how many there are.
    short  : too short for a signature, so that only an equal fold was looked for.
    capped : more texts came up than are compared; total is a lower bound.
    """

    asked: Asked
    places: list[Place]
    total: int
    short: bool
    capped: bool


@dataclass(frozen=True)
class Answer:
    """Everything that was found, by passage of the query."""

    snapshot: str
    query: str
    passages: list[Found]


def lookup(snapshot: Path, what: str, limit: int = 10) -> Answer:
    """Where `what` (a file, `-` for standard input, else the words themselves) stands in a snapshot.

    Similarity counts from matching.report_threshold, containment from matching.containment_threshold, as in the table `pairs`.
    Raises UsageError when there is nothing to look up, or no signatures to look it up in.
    """
    snapshot = snapshot.resolve()
    settings = Settings.model_validate(load(snapshot)["settings"])
    name, asked = read(what, settings)
    known = open_index(snapshot, settings)
    return Answer(snapshot.name, name, Search(known, settings.matching).answer(asked, limit))


#: What is shown of a twin.
_TWIN = ["passage_id", "source", "record", "locator", "char_start", "char_end", "line_start", "line_end"]


@dataclass(frozen=True)
class _Texts:
    """Distinct texts of the snapshot, and what each has of a passage. Their spans are fold_order[low : high] of the index."""

    low: I64Array
    high: I64Array
    texts: list[str]
    results: list[Compared | None]


class Search:
    """A prepared index, ready to be asked."""

    def __init__(self, known: Known, settings: Matching) -> None:
        self.known, self.settings = known, settings
        self.indexes = Indexes.over(known.matrix, known.bounds, settings.seed) if known.bounds else None

    def answer(self, asked: list[Asked], limit: int) -> list[Found]:
        """What is known of each passage of a query, with its `limit` best places."""
        units = Units.of(asked, self.settings)
        found = [self._one(units, number, limit) for number in range(len(asked))]
        twins = self._spans_of({place.span["kept_passage_id"] for one in found for place in one.places} - {None})
        return [
            replace(one, places=[replace(place, twin=twins.get(place.span["kept_passage_id"])) for place in one.places]) for one in found
        ]

    def _one(self, units: Units, number: int, limit: int) -> Found:
        """A passage as a whole; where it stands nowhere as a whole, with its parts."""
        first, last = units.first[number], units.first[number + 1]
        digests, capped = self._candidates(units, first)
        found = self._compared(units, first, first + 1, digests)
        if last > first + 1 and not any(one.how in WHOLE for one in found.results if one):
            more = [self._candidates(units, unit) for unit in range(first + 1, last)]
            found = self._compared(units, first, last, np.concatenate([digests, *(of_part for of_part, _ in more)]))
            capped |= any(too_many for _, too_many in more)
        places, total = self._places(found, limit)
        return Found(units.asked[number], places, total, units.signature[first] is None, capped)

    def _candidates(self, units: Units, unit: int) -> tuple[U64Array, bool]:
        """Fold digests that may answer a unit, and whether there were too many to compare."""
        signature, capped = units.signature[unit], False
        own = units.fold[unit : unit + 1]
        if signature is None or self.indexes is None:
            return own, False
        known, matrix = self.known, self.known.matrix
        size = int(units.shingle_count[unit])
        columns = self.indexes.candidates(signature, size)
        agreement = np.count_nonzero(matrix.values[:, columns] == signature[:, None], axis=0)
        worth = agreement >= self._least_agreement(matrix.sizes[columns], size)
        columns, agreement = columns[worth], agreement[worth]
        if len(columns) > MOST_COMPARED:
            columns, capped = columns[np.argsort(-agreement, kind="stable")[:MOST_COMPARED]], True
        spans = [known.members[known.member_of[column] : known.member_of[column + 1]] for column in columns.tolist()]
        return np.concatenate([own, *(known.fold[rows] for rows in spans)]), capped

    def _least_agreement(self, sizes: Any, size: int) -> Any:
        """Equal entries of the signature below which a set of each size is hardly similar to one of `size`, inside or around it."""
        count, share = self.settings.permutations, self.settings.containment_threshold
        small, large = np.minimum(sizes, size), np.maximum(sizes, size)
        least = np.minimum(self.settings.report_threshold, share * small / (large + (1 - share) * small))
        return np.maximum(1, np.floor(count * least - _DOUBT * np.sqrt(count * least * (1 - least))))

    def _compared(self, units: Units, first: int, last: int, digests: U64Array) -> _Texts:
        """The texts that have one of these fold digests, compared with a passage."""
        fold, order = self.known.fold, self.known.fold_order
        digests = np.unique(digests[digests != 0])
        low = np.searchsorted(fold, digests, "left", sorter=order)
        high = np.searchsorted(fold, digests, "right", sorter=order)
        there = high > low
        digests, low, high = digests[there], low[there], high[there]
        texts = [span["text"] for span in self.known.at(order[low], ["text"])]
        return _Texts(low, high, texts, compare(units, first, last, texts, digests.tolist(), self.settings))

    def _places(self, found: _Texts, limit: int) -> tuple[list[Place], int]:
        """The best places of the texts that answer, and how many there are: nearest first, kept before removed, then as published."""
        results, texts = found.results, found.texts
        hits = [(one, number) for number, one in enumerate(results) if one is not None]
        ranked = sorted(
            (-one.containment_query, -one.similarity, row, number)
            for one, number in hits
            for row in self.known.fold_order[found.low[number] : min(found.high[number], found.low[number] + limit)].tolist()
        )[:limit]
        spans = self.known.at(np.array([row for *_, row, _ in ranked], np.int64), SPAN.names)
        places = []
        for span, (*_, number) in zip(spans, ranked, strict=True):
            one, text = results[number], span.pop("text")
            if one is not None and (text == texts[number] or len({*folds(Texts.of([text, texts[number]]))}) == 1):
                places.append(Place(one, {**span, "text": text}, None))  # equal digests of unequal folds: never seen, never shown
        total = sum(int(found.high[number] - found.low[number]) for _, number in hits)
        return places, total - (len(ranked) - len(places))

    def _spans_of(self, ids: set[str]) -> dict[str, Row]:
        """Places of kept spans by their id."""
        if not ids:
            return {}
        there = pc.is_in(self.known.spans["passage_id"], value_set=pa.array(sorted(ids), pa.string())).to_numpy()
        return {span["passage_id"]: span for span in self.known.at(np.flatnonzero(there), _TWIN)}
