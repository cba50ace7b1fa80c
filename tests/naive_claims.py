"""Which family a passage belongs to, in plain Python, from the written definition (see naive_families)."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass

from naive_families import AGAIN, TOGETHER, Search, World, overlaps


@dataclass(frozen=True)
class Claim:
    """`run` has `passage` where its exemplar has `model`; `own` : that is of the exemplar's group."""

    run: int
    passage: int
    model: int
    own: bool
    score: float


class Settlement:
    """Claims of a search settled; runs and exemplars by number."""

    def __init__(self, search: Search) -> None:
        self.search, self.world, self.runs = search, search.world, search.runs
        number = {id(run): k for k, run in enumerate(self.runs)}
        self.family = [number[id(run.exemplar)] if run.exemplar else -1 for run in self.runs]
        self.number = number
        self.claims = []
        for k, run in enumerate(self.runs):
            if run.exemplar:
                own = set(run.exemplar.own)
                self.claims += [Claim(k, p, x, x in own, score) for p, (x, score) in run.claims.items()]
        models = {(self.family[c.run], c.model) for c in self.claims if not c.own}
        self.claims += [Claim(e, x, x, False, math.inf) for e, x in sorted(models)]

    def members(self) -> dict[int, int]:
        """Passage -> run, of those that stand for one of the exemplar's by label."""
        return {p: k for k, run in enumerate(self.runs) if self.family[k] >= 0 for p, x in run.to.items() if x >= 0}

    def size(self) -> Counter[int]:
        return Counter(e for e in self.family if e >= 0)

    def has(self, k: int, claims: list[Claim]) -> tuple[int, int]:
        """Tokens and passages of the exemplar that a run has something for."""
        weight = self.search.weights(self.runs[self.family[k]])
        met = [weight[x] for x in self.runs[k].to.values() if x >= 0]
        met += [weight[c.model] if c.own else self.world.tokens[c.model] for c in claims if c.run == k]
        return sum(met), sum(map(bool, met))

    def enough(self, claims: list[Claim]) -> dict[int, bool]:
        have = {k: self.has(k, claims) for k, e in enumerate(self.family) if e >= 0}
        return {k: overlaps(*have[k], *have[self.family[k]]) for k in have}

    def on_both_sides(self, claims: list[Claim]) -> list[Claim]:
        size = self.size()
        by = defaultdict(set)
        for c in claims:
            by[self.family[c.run], c.model].add(c.run)

        def good(c: Claim, all_of_them: set[int]) -> bool:
            e = self.family[c.run]
            who = by[e, c.model]
            edge = not self.runs[e].first <= c.model <= self.runs[e].last
            fits = e in who and len(who) >= 2 and (not edge or len(who) >= TOGETHER * size[e] - 1e-9)
            return c.own or (fits and (e not in all_of_them or len(who) == size[e]))

        first = [c for c in claims if good(c, set())]
        short = {self.family[k] for k, enough in self.enough(first).items() if not enough}
        return [c for c in claims if good(c, short)]

    def honoured(self, claims: list[Claim]) -> tuple[list[Claim], set[int]]:
        """Claims that stand, and the runs whose passages all went to greater families."""
        home, size = self.members(), self.size()

        def merit(e: int) -> tuple[int, int, int]:
            mass, count = self.has(e, [])
            return count, mass, -self.runs[e].first

        def greater(c: Claim) -> bool:
            e, rival = self.family[c.run], self.family[home[c.passage]] if c.passage in home else -1
            return rival < 0 or (rival != e and merit(e) > merit(rival))

        claims = [c for c in claims if greater(c)]
        broken: set[int] = set()
        for _ in range(16):
            taken = {c.passage for c in claims if c.passage in home and self.family[c.run] not in broken}
            lost = {k for k in set(home.values()) if all(p in taken for p, r in home.items() if r == k)}
            now = {e for e in size if sum(self.family[k] == e for k in lost) >= TOGETHER * size[e] - 1e-9}
            gone = {k for k in lost if self.family[k] in now}
            if now == broken:
                break
            broken = now
        label = self.world.label
        inside = set(home) | {c.passage for c in claims}
        places, there = Counter(x for x in label if x >= 0), Counter(label[p] for p in inside)

        def stands(c: Claim) -> bool:
            if self.family[c.run] in broken:
                return False
            if c.passage in home:
                return home[c.passage] in gone
            return label[c.passage] < 0 or there[label[c.passage]] >= TOGETHER * places[label[c.passage]] - 1e-9

        best: dict[int, Claim] = {}
        for c in claims:
            if stands(c):
                order = [(tuple(-v for v in merit(self.family[x.run])), -x.score, x.run) for x in (c, best.get(c.passage, c))]
                if order[0] <= order[1]:
                    best[c.passage] = c
        return list(best.values()), gone

    def settle(self) -> None:
        claims = self.claims
        for _ in range(16):
            claims = self.on_both_sides(claims)
            honoured, gone = self.honoured(claims)
            if len(honoured) == len(claims):
                break
            claims = honoured
        broken = {self.family[k] for k in gone}
        left = [k for k, e in enumerate(self.family) if e in broken and k not in gone]
        self.release([*gone, *left])
        claims = honoured
        for _ in range(2):
            self.search.star([self.runs[k] for k in left], False)
            self.family = [self.number[id(run.exemplar)] if run.exemplar else -1 for run in self.runs]
            home = self.members()
            claims = [c for c in claims if c.passage not in home]
            enough = self.enough(claims)
            size = Counter(self.family[k] for k in enough if enough[k])
            left = [k for k in enough if not enough[k] or size[self.family[k]] < 2]
            self.release(left)
            claims = [c for c in claims if c.run not in left]
        home = self.members() | {c.passage: c.run for c in claims}
        again = {p: k for k, run in enumerate(self.runs) if self.family[k] >= 0 for p, x in run.to.items() if x == AGAIN}
        self.home = again | home

    def release(self, some: list[int]) -> None:
        for k in some:
            self.runs[k].exemplar = None
            self.family[k] = -1

    def occurrences(self, short: int) -> list[tuple[int, list[int]]]:
        """(first passage of its exemplar's, its passages) of every occurrence, families of fewer tokens left out."""
        rows = {k: sorted(p for p, r in self.home.items() if r == k) for k, e in enumerate(self.family) if e >= 0}
        ends = sorted((self.family[k], self.runs[k].first, k) for k in rows)
        for (e, _, a), (f, _, b) in itertools.pairwise(ends):
            if e == f and self.world.doc[self.runs[a].first] == self.world.doc[self.runs[b].first] and rows[a][-1] >= rows[b][0]:
                for k in (a, b):
                    rows[k] = [p for p in rows[k] if self.runs[k].first <= p <= self.runs[k].last]
        tokens = {k: sum(self.world.tokens[p] for p in row) for k, row in rows.items()}
        return sorted((rows[self.family[k]][0], row) for k, row in rows.items() if tokens[self.family[k]] >= short)


def families(world: World, short: int) -> list[tuple[int, list[int]]]:
    """All occurrences: (first passage of the exemplar, passages)."""
    search = Search(world, short)
    search.star(search.runs, True)
    settlement = Settlement(search)
    settlement.settle()
    return settlement.occurrences(short)
