"""Many behaviours, one after the other, each held to the promises."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench.promise.behaviour import Behaviour
from bench.promise.draw import drawn
from bench.promise.shrink import shrunk
from bench.promise.sides import Side, World
from bench.promise.verdict import Breach, Excepted, Verdict, judge


@dataclass(slots=True)
class Tally:
    """What came of all behaviours so far, in calls."""

    behaviours: int = 0
    calls: int = 0
    answered_directly: int = 0
    answered_through: int = 0
    sends_directly: int = 0
    sends_through: int = 0
    excepted: Counter[Excepted] = field(default_factory=Counter)

    def add(self, direct: Side, through: Side, excepted: Counter[Excepted] | None = None) -> None:
        """Count one behaviour."""
        self.behaviours += 1
        self.calls += len(direct.outcomes)
        self.answered_directly += sum(one.answered for one in direct.outcomes)
        self.answered_through += sum(one.answered for one in through.outcomes)
        self.sends_directly += len(direct.ledger)
        self.sends_through += len(through.ledger)
        self.excepted += excepted or Counter()


@dataclass(frozen=True, slots=True)
class Find:
    """A behaviour for which a promise does not hold; seed: of the behaviour and of all chance."""

    seed: int
    behaviour: Behaviour
    breaches: tuple[Breach, ...]
    direct: Side
    through: Side


def hunt(world: World, seeds: Iterable[int], tally: Tally) -> Iterator[Find | None]:
    """Play each seed's behaviour on both ways; a find where a promise does not hold, else None."""
    for seed in seeds:
        behaviour = drawn(seed)
        direct, through = world.direct(behaviour, seed), world.through(behaviour, seed)
        verdict = judge(behaviour, direct, through)
        tally.add(direct, through, verdict.excepted)
        yield Find(seed, behaviour, verdict.breaches, direct, through) if verdict.breaches else None


def held(world: World, behaviour: Behaviour, seed: int) -> Verdict:
    """One behaviour on both ways."""
    return judge(behaviour, world.direct(behaviour, seed), world.through(behaviour, seed))


def made_small(world: World, find: Find) -> Find:
    """The smallest behaviour that breaks the same promise, with the same seed."""
    kinds = {breach.kind for breach in find.breaches}

    def shows(behaviour: Behaviour) -> bool:
        return any(breach.kind in kinds for breach in held(world, behaviour, find.seed).breaches)

    small = shrunk(find.behaviour, shows)
    direct, through = world.direct(small, find.seed), world.through(small, find.seed)
    return Find(find.seed, small, judge(small, direct, through).breaches, direct, through)
