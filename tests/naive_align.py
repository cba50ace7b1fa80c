"""Alignment in plain Python, from its written definition: lists, slices and loops over all places. Slow, and easy to check by eye.

A row is a list of (element, weight). Shares no code with `tasks.kernels`.
"""

from __future__ import annotations

CROWD, MOST, LOOK_BACK, REACH = 16, 16, 64, 4

Row = list[tuple[int, int]]
#: first and last + 1 element in one row and in the other
Block = tuple[int, int, int, int]


def weigh(row: Row) -> int:
    return sum(weight for _, weight in row)


def equal(one: Row, i: int, other: Row, j: int) -> int:
    """Equal elements from i and from j on."""
    n = 0
    while i + n < len(one) and j + n < len(other) and one[i + n] == other[j + n]:
        n += 1
    return n


def seeds(row: Row, seed: int) -> list[Row]:
    """From each element the shortest run that weighs at least `seed`."""
    found = []
    for i in range(len(row)):
        size = next((n for n in range(1, len(row) - i + 1) if weigh(row[i : i + n]) >= seed), None)
        if size is None:
            break
        found.append(row[i : i + size])
    return found


def parse(one: Row, other: Row, seed: int) -> list[tuple[int, int, int]]:
    """(i, j, length) of the longest run that a seed opens at each element of the other row, from left to right."""
    mine, theirs = seeds(one, seed), seeds(other, seed)
    runs: list[tuple[int, int, int]] = []
    j = 0
    while j < len(theirs):
        places = [i for i, gram in enumerate(mine) if gram == theirs[j]][:CROWD]
        if runs:
            i = runs[-1][0] + j - runs[-1][1]
            if i < len(mine) and mine[i] == theirs[j]:
                places = [i, *places]  # first, so that it wins where others are equally long
        best = max(places, key=lambda i: equal(one, i, other, j), default=None)
        if best is None:
            j += 1
            continue
        runs.append((best, j, equal(one, best, other, j)))
        j += runs[-1][2]
    return runs


def chain(one: Row, other: Row, runs: list[tuple[int, int, int]], gap: int) -> tuple[list[float], list[int | None]]:
    """Score of the best chain that ends with each run, and the run before."""
    scores: list[float] = []
    before: list[int | None] = []
    for m, (i, j, size) in enumerate(runs):
        best, link = 0.0, None
        for p in range(m - 1, max(-1, m - 1 - LOOK_BACK), -1):
            k, at, length = runs[p]
            apart = weigh(other[at + length : j])
            overlap = weigh(one[i : k + length])
            apart_one = weigh(one[k + length : i]) - overlap
            if apart > gap:
                break
            if k >= i or k + length >= i + size or apart_one > gap:
                continue
            cost = min(max(apart_one, 0), apart) + abs(apart_one - apart) / 2 + overlap
            if scores[p] - cost > best:
                best, link = scores[p] - cost, p
        scores.append(weigh(other[j : j + size]) + best)
        before.append(link)
    return scores, before


def extend(one: Row, i: int, other: Row, j: int, weight: int) -> tuple[int, int, int]:
    """How far both rows go on together from i and j: the new i and j, and the weight of what is equal."""
    gained = 0
    while True:
        size = equal(one, i, other, j)
        gained += weigh(one[i : i + size])
        i, j = i + size, j + size
        for p, q in sorted(((p, q) for p in range(REACH + 1) for q in range(REACH + 1) if p + q), key=lambda leap: (sum(leap), leap)):
            size = equal(one, i + p, other, j + q)
            if size > max(p, q) and weigh(one[i + p : i + p + size]) >= weight:
                i, j = i + p, j + q
                break
        else:
            return i, j, gained


def blocks(left: Row, right: Row, seed: int, least: int, gap: int, weight: int) -> list[tuple[Block, int]]:
    """Blocks of two rows with the weight of what is equal in each, sorted."""
    swap = (len(right), [e for e, _ in right]) < (len(left), [e for e, _ in left])
    one, other = (right, left) if swap else (left, right)
    if weigh(one) < least or weigh(other) < least:
        return []
    runs = parse(one, other, seed)
    scores, before = chain(one, other, runs, gap)
    taken: set[int] = set()
    found: list[tuple[Block, int]] = []
    for _ in range(2 * MOST):
        free = [m for m in range(len(runs)) if m not in taken]
        last = max(free, key=lambda m: scores[m], default=None)
        if last is None or 2 * scores[last] < least:
            break
        members, m = [], last
        while m is not None and m not in taken:
            members.append(m)
            taken.add(m)
            m = before[m]
        first = members[-1]
        same = sum(weigh(other[runs[m][1] : runs[m][1] + runs[m][2]]) for m in members)
        i, j = runs[last][0] + runs[last][2], runs[last][1] + runs[last][2]
        p, q = runs[first][0], runs[first][1]
        if any(c < j and q < d for (_, _, c, d), _ in found):
            continue
        high = min((c for (_, _, c, _), _ in found if c >= j), default=len(other))
        low = max((d for (_, _, _, d), _ in found if d <= q), default=0)
        i, j, more = extend(one, i, other[:high], j, weight)
        back_i, back_j, fore = extend(one[:p][::-1], 0, other[low:q][::-1], 0, weight)
        p, q = p - back_i, q - back_j
        if same + more + fore >= least:
            found.append(((p, i, q, j), same + more + fore))
            if len(found) == MOST:
                break
    return sorted((((c, d, a, b) if swap else (a, b, c, d)), same) for (a, b, c, d), same in found)


def stands_in(small: Row, large: Row, marks: list[str]) -> bool:
    """Whether a row is a part of another that begins and ends between words and between numbers.

    marks : for each element of the larger row "a" (letter), " " (between words), "0" (slot or numeral) or "T".
    """
    if not small:
        return False

    def amid(at: int) -> bool:
        return 0 < at < len(large) and marks[at - 1] == marks[at] and marks[at] in "a0"

    return any(large[i : i + len(small)] == small and not amid(i) and not amid(i + len(small)) for i in range(len(large) - len(small) + 1))
