"""Slow twins of the search kernels, from their written definitions: dictionaries, sets and sorted lists."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

#: Bits that tell two sets apart.
BITS = 1024


def classes(fold: list[int], order: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Class of each passage, first member and size of each class; classes are numbered as they appear in the order."""
    found: dict[int, list[int]] = {}
    for p in order:
        if fold[p]:
            found.setdefault(fold[p], []).append(p)
    number = {key: k for k, key in enumerate(found)}
    return [number.get(key, -1) for key in fold], [members[0] for members in found.values()], [len(members) for members in found.values()]


def bit_of(value: int) -> int:
    return (value >> 20) % BITS


def bitmap(values: set[int]) -> set[int]:
    return {bit_of(value) for value in values}


def apart(a: set[int], b: set[int]) -> int:
    """What two sets differ by at least, by their bitmaps alone: each bit that only one has is a value that only it has."""
    return len(bitmap(a) ^ bitmap(b))


def reachable(a: set[int], b: set[int], threshold: float) -> bool:
    """Whether sizes and bitmaps leave it possible that two sets are as similar as the threshold."""
    both, least = len(a) + len(b), apart(a, b)
    return both - least >= threshold * (both + least) - 1e-9


def follows(a: set[int], b: set[int], leading: float) -> bool:
    """Whether a member need not be a leader beside this one: whole numbers of shingles are asked for, and lengths that are alike."""
    even = min(len(a), len(b)) >= leading * max(len(a), len(b))
    return even and (len(a) + len(b) - apart(a, b)) // 2 >= leading / (1 + leading) * (len(a) + len(b)) - 1e-9


@dataclass
class Candidates:
    pairs: list[tuple[int, int]] = field(default_factory=list)
    compared: int = 0
    hot: int = 0
    hot_members: int = 0


def runs(keys: list[int], members: list[int]) -> list[list[int]]:
    """Members of each bucket, in the order of the keys."""
    return [[m for _, m in group] for _, group in itertools.groupby(sorted(zip(keys, members, strict=True)), key=lambda row: row[0])]


def bucket_pairs(buckets: list[list[int]], sets: list[set[int]], cap: int, threshold: float, leading: float) -> Candidates:
    """All pairs of a bucket of up to three; of a larger one those that are reachable; in one over the cap each member with the leaders
    before it only. One that is reachable from no leader that it follows becomes one, while there are fewer than the cap."""
    out = Candidates()
    for bucket in buckets:
        over = len(bucket) > cap
        out.hot += over
        out.hot_members += over * len(bucket)
        leaders: list[int] = []
        for y, right in enumerate(bucket):
            before = leaders if over else bucket[:y]
            out.compared += len(before)
            linked = [left for left in before if reachable(sets[left], sets[right], threshold)]
            out.pairs += [(left, right) for left in (linked if over or len(bucket) > 3 else before)]
            if over and len(leaders) < cap and not any(follows(sets[left], sets[right], leading) for left in linked):
                leaders.append(right)
    return out


def shared_pairs(keys: list[int], owners: list[int], cap: int) -> tuple[list[tuple[int, int]], int]:
    """Pairs of different owners of a key; a key of more than the cap links each with the first and with the one before."""
    out, hot = [], 0
    for group in runs(keys, owners):
        over = len(group) > cap
        hot += over
        places = [(x, y) for y in range(1, len(group)) for x in (sorted({0, y - 1}) if over else range(y))]
        out += [(group[x], group[y]) for x, y in places if group[x] != group[y]]
    return out, hot
