"""Families in plain Python, from their written definition: lists, dicts and sets. Slow, and easy to check by eye.

Shares no code with `tasks.kernels`. A passage is its number; what is known of it stands in a `World`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

GAP, TOGETHER, OVERLAP, HALF, BRIDGED = 2, 0.6, 0.8, 0.5, 0.2
AGAIN = -2


@dataclass(frozen=True)
class World:
    """Everything by passage; `like` : similarity by pair of classes, either way round."""

    doc: list[int]
    classes: list[int]
    label: list[int]
    tokens: list[int]
    plain: list[int]
    rank: list[int]
    like: dict[tuple[int, int], float]

    def similar(self, p: int, x: int) -> float:
        a, b = self.classes[p], self.classes[x]
        return 1.0 if a == b else self.like.get((a, b), self.like.get((b, a), 0.0))


@dataclass
class Run:
    """A candidate occurrence. `to` : passage -> the exemplar's passage that it stands for by label, or AGAIN; `claims` : passage -> the
    exemplar's passage in whose place it is, and how sure that is; `distinct` : labels, as it was found."""

    owner: int
    own: list[int]
    distinct: int = 0
    exemplar: Run | None = None
    to: dict[int, int] = field(default_factory=dict)
    claims: dict[int, tuple[int, float]] = field(default_factory=dict)

    @property
    def first(self) -> int:
        return self.own[0]

    @property
    def last(self) -> int:
        return self.own[-1]


def follow_pairs(doc: list[int], label: list[int]) -> Counter[tuple[int, int]]:
    """How often one label stands at most GAP passages before another; a place of the later one counts once."""
    found: Counter[tuple[int, int]] = Counter()
    for p in range(len(doc)):
        near = {label[q] for q in range(max(0, p - GAP - 1), p) if doc[q] == doc[p] and label[q] >= 0}
        found.update((a, label[p]) for a in near if label[p] >= 0 and a != label[p])
    return found


def groups(doc: list[int], label: list[int]) -> list[int]:
    """Group of each passage: the smallest label that is reached by strong links, -1 for what is not repeated."""
    count = Counter(x for x in label if x >= 0)
    repeated = [x if x >= 0 and count[x] >= 2 else -1 for x in label]
    links = defaultdict(set)
    for (a, b), times in follow_pairs(doc, repeated).items():
        if times >= 2 and times >= TOGETHER * max(count[a], count[b]):
            links[a].add(b)
            links[b].add(a)
    group: dict[int, int] = {}
    for start in sorted({x for x in repeated if x >= 0}):
        reach = [start]
        while reach:
            x = reach.pop()
            if x not in group:
                group[x] = start
                reach += links[x]
    return [group[x] if x >= 0 else -1 for x in repeated]


def runs(doc: list[int], group: list[int]) -> list[tuple[int, list[int]]]:
    """(group, its passages) of each maximal run with at most GAP others between two."""
    found = []
    for g in sorted(set(group) - {-1}):
        own = [p for p in range(len(doc)) if group[p] == g]
        start = 0
        for i in range(1, len(own) + 1):
            if i == len(own) or doc[own[i]] != doc[own[i - 1]] or own[i] - own[i - 1] > GAP + 1:
                found.append((g, own[start:i]))
                start = i
    return found


def cut_repeats(own: list[int], label: list[int]) -> list[list[int]]:
    """A run cut where most of its labels come again, starting with one of its first three."""
    pieces: list[list[int]] = [[]]
    single = len({label[p] for p in own}) == 1
    for i, p in enumerate(own):
        piece = pieces[-1]
        seen = [label[q] for q in piece]
        if label[p] in seen and seen.index(label[p]) < 3 and (single or len(set(seen)) > 1):
            ahead = {label[q] for q in own[i : i + min(len(piece), 64)]}
            if len(ahead & set(seen)) >= TOGETHER * min(len(set(seen)), 64):
                pieces.append([])
        pieces[-1].append(p)
    return pieces


def overlaps(mass: int, count: int, whole: int, parts: int) -> bool:
    return whole > 0 and (mass >= OVERLAP * whole - 1e-9 or (parts >= 3 and count >= parts - 1 and mass >= HALF * whole))


class Search:
    """One search for families; `runs` are all candidates, sorted by group and place."""

    def __init__(self, world: World, short: int) -> None:
        self.world, self.short = world, short
        self.group = groups(world.doc, world.label)
        cut = [(g, piece) for g, own in runs(world.doc, self.group) for piece in cut_repeats(own, world.label)]
        self.runs = [Run(g, own, len({world.label[p] for p in own})) for g, own in sorted(cut)]
        self.dead: set[int] = set()

    # ---- exemplars -------------------------------------------------------------------------------------------------------

    def firsts(self, run: Run) -> dict[int, int]:
        """Label -> first own passage with it."""
        return {self.world.label[p]: p for p in reversed(run.own)}

    def models(self, left: list[Run], tried: list[Run]) -> list[tuple[Run, Run]]:
        """(run, exemplar it is compared with): the best runs that have no label in common, and for each run the one it has most of."""
        tokens, of = self.world.tokens, {}
        models: list[Run] = []
        for run in left:
            if not any(run is other for other in tried) and not any(a in of for a in self.firsts(run)):
                models.append(run)
                of.update(dict.fromkeys(self.firsts(run), run))
        out = []
        for run in left:
            shares = []
            for number, model in enumerate(models):
                common = [p for a, p in self.firsts(run).items() if of.get(a) is model]
                whole = sum(tokens[x] for x in self.firsts(model).values())
                if common:
                    shares.append((-(sum(tokens[p] for p in common) / whole if whole else 0), number))
            if shares:
                out.append((run, models[min(shares)[1]]))
        return out

    def star(self, left: list[Run], bridging: bool) -> None:
        world = self.world
        merit = sorted(left, key=lambda r: (r.owner, -r.distinct, world.rank[r.first]))
        tried = [r for r in left if not any(world.tokens[p] for p in r.own)]
        while True:
            merit = [r for r in merit if r.exemplar is None and id(r) not in self.dead]
            several = Counter(r.owner for r in merit)
            compared = self.models([r for r in merit if several[r.owner] >= 2], tried)
            if not compared:
                return
            models = [model for run, model in compared if run is model]
            tried += models
            for model in models:
                self.compare(model, [run for run, other in compared if other is model], bridging)

    def compare(self, model: Run, chosen: list[Run], bridging: bool) -> None:
        """Make `model` the exemplar of the runs that overlap with it, if it has two."""
        chosen = sorted(chosen, key=lambda r: r.first)
        for run in chosen:
            self.match(run, model)
        joined = self.join(chosen)
        weight = self.weights(model)
        good = []
        for parts in joined:
            own = [p for run in parts for p in run.own]
            to = {p: x for run in parts for p, x in run.to.items()}
            whole = Run(model.owner, own, to=to)
            have = {x for x in to.values() if weight.get(x)}
            if (
                bridging
                and 4 * len(have) >= sum(map(bool, weight.values()))
                and sum(weight.values()) >= self.short
                and parts[0] is not model
            ):
                whole.claims = self.bridge(whole, parts, model)
            mass, count = self.has(whole, model)
            if overlaps(mass, count, sum(weight.values()), sum(map(bool, weight.values()))):
                good.append((parts, whole))
        if len(good) >= 2:
            for parts, whole in good:
                parts[0].own, parts[0].to, parts[0].claims, parts[0].exemplar = whole.own, whole.to, whole.claims, model
                self.dead |= {id(run) for run in parts[1:]}

    def weights(self, model: Run) -> dict[int, int]:
        """Tokens of each own passage of an exemplar, none for one that has the label of an earlier one."""
        firsts = self.firsts(model)
        return {x: self.world.tokens[x] if firsts[self.world.label[x]] == x else 0 for x in model.own}

    def has(self, run: Run, model: Run) -> tuple[int, int]:
        weight = self.weights(model)
        met = [weight[x] for x in [*run.to.values(), *(x for x, _ in run.claims.values())] if weight.get(x)]
        return sum(met), len(met)

    def match(self, run: Run, model: Run) -> None:
        """The first passage with a label stands for the exemplar's first, and so on, unless they are unlike."""
        world, run.to, run.claims = self.world, {}, {}
        turn: Counter[int] = Counter()
        for p in run.own:
            a = world.label[p]
            places = [x for x in model.own if world.label[x] == a]
            if places:
                run.to[p] = places[turn[a]] if turn[a] < len(places) else AGAIN
                turn[a] += 1
        for p, x in list(run.to.items()):
            if x != AGAIN and world.plain[p] != world.plain[x] and world.similar(p, x) < BRIDGED:
                del run.to[p]

    def join(self, chosen: list[Run]) -> list[list[Run]]:
        """Runs that follow one another and stand for parts of the exemplar that do, with little more between."""
        every = [id(run) for run in self.runs]
        out: list[list[Run]] = []
        for run in chosen:
            if out:
                before = out[-1][-1]
                mine, theirs = ([x for x in r.to.values() if x >= 0] for r in (run, before))
                between = run.first - before.last
                if (
                    every.index(id(run)) == every.index(id(before)) + 1
                    and self.world.doc[run.first] == self.world.doc[before.first]
                    and mine
                    and theirs
                    and min(mine) > max(theirs)
                    and between <= 2 * GAP + 2
                    and between - (min(mine) - max(theirs)) <= GAP
                ):
                    out[-1].append(run)
                    continue
            out.append([run])
        return out

    # ---- what stands in the same place -----------------------------------------------------------------------------------

    def room(self, parts: list[Run]) -> range:
        """The run, and GAP + 1 passages on either side inside its document, not into its neighbours of the group."""
        doc, at = self.world.doc, [next(i for i, r in enumerate(self.runs) if r is run) for run in (parts[0], parts[-1])]
        before, after = at[0] - 1, at[1] + 1
        low, high = parts[0].first, parts[-1].last
        floor = self.runs[before].last if before >= 0 and self.runs[before].owner == parts[0].owner else -1
        roof = self.runs[after].first if after < len(self.runs) and self.runs[after].owner == parts[0].owner else len(doc)
        while low - 1 > floor and parts[0].first - low < GAP + 1 and doc[low - 1] == doc[parts[0].first]:
            low -= 1
        while high + 1 < roof and high - parts[-1].last < GAP + 1 and doc[high + 1] == doc[parts[-1].last]:
            high += 1
        return range(low, high + 1)

    def bridge(self, run: Run, parts: list[Run], model: Run) -> dict[int, tuple[int, float]]:
        """Passage -> exemplar's passage and score: best pairs first, each passage once."""
        matched = {p: x for p, x in run.to.items() if x >= 0}
        rows = []
        for p in self.room(parts):
            if p in matched:
                continue
            left = next((q for q in range(p - 1, p - GAP - 2, -1) if q in matched), None)
            right = next((q for q in range(p + 1, p + GAP + 2) if q in matched), None)
            for x in self.room([model]):
                expected = [matched[q] + p - q for q in (left, right) if q is not None]
                if x in matched.values() or not any(abs(x - e) <= GAP for e in expected):
                    continue
                score = self.score(p, x, left == p - 1 and right == p + 1 and matched[p - 1] == x - 1 and matched[p + 1] == x + 1)
                if score is not None:
                    rows.append((-score, p, x))
        claims: dict[int, tuple[int, float]] = {}
        for score, p, x in sorted(rows):
            if p not in claims and x not in {y for y, _ in claims.values()}:
                claims[p] = (x, -score)
        return claims

    def score(self, p: int, x: int, alone: bool) -> float | None:
        world = self.world
        small, large = sorted([world.tokens[p], world.tokens[x]])
        if world.classes[p] == world.classes[x] >= 0:
            return 3.0
        if world.tokens[p] > 0 and world.plain[p] == world.plain[x]:
            return 2.0
        if alone and small > 0 and large < self.short:
            return 0.0
        alike = world.similar(p, x)
        return alike if small > 0 and small >= BRIDGED / 2 * large and alike >= BRIDGED else None
