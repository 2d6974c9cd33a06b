"""What promises 5 and 6 say of a behaviour that was met on both ways; pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bench.promise.behaviour import Behaviour, Kind
from bench.promise.outcome import End, Outcome, Try
from bench.promise.scripted_upstream import Seen
from bench.promise.sides import Side

MAX_ATTEMPTS = 4
IDLE_S, STALLED_S, TOTAL_S = 300.0, 600.0, 600.0
FUTILE_FROM_S = 10.0
_MARGIN_S, _MARGIN_SHARE = 0.25, 0.05
_GRAIN_S = 0.002
_TIMED = frozenset({Kind.MESSAGE, Kind.STREAM, Kind.COUNT})
"""What the sidecar answers before its caller's time-out."""
_REPEATABLE = frozenset({Kind.MESSAGE, Kind.STREAM, Kind.COUNT, Kind.MODELS})


class Excepted(StrEnum):
    """Why promise 6 does not hold for a call, in its own words."""

    LATE = "an answer in the last 5 % of the caller's time-out"
    SILENCE = "silence beyond idle or stalled"
    WISH = "a wait that the upstream asks for beyond total"
    FUTILE = "a route that cuts calls at about the same age"


class Promise(StrEnum):
    """What does not hold."""

    NEVER_WORSE = "answered directly, not through the sidecar"
    NO_FALSE_SUCCESS = "a failure dressed as success"
    TRANSPARENT = "an answer that its upstream did not give"
    BOUNDED_SENDS = "more sends than the policy says"
    IN_TIME = "the SDK's own time-out came before the sidecar's answer"


@dataclass(frozen=True, slots=True)
class Breach:
    """A call for which a promise does not hold; told: what the app saw, or by how much."""

    call: int
    kind: Promise
    told: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """breaches: none where all is well; excepted: how many calls each exception let through."""

    breaches: tuple[Breach, ...]
    excepted: Counter[Excepted]


def judge(behaviour: Behaviour, direct: Side, through: Side) -> Verdict:
    """Hold one way against the other."""
    breaches: list[Breach] = []
    excepted: Counter[Excepted] = Counter()
    for call, (alone, ours) in enumerate(zip(direct.outcomes, through.outcomes, strict=True)):
        if ours.end is End.WRONG:
            breaches.append(Breach(call, Promise.TRANSPARENT, ours.told))
        elif ours.end is End.TRUNCATED:
            breaches.append(Breach(call, Promise.NO_FALSE_SUCCESS, ours.told))
        elif alone.answered and not ours.answered:
            reason = exception(behaviour, call, alone)
            if reason is None:
                breaches.append(Breach(call, Promise.NEVER_WORSE, f"{ours.end}: {ours.told}"))
            else:
                excepted[reason] += 1
        if behaviour.calls[call].kind in _TIMED and any(_unanswered(one) for one in ours.tries):
            breaches.append(Breach(call, Promise.IN_TIME, f"{ours.end}: {ours.told}"))
    breaches += _too_many_sends(behaviour, through.ledger)
    return Verdict(tuple(breaches), excepted)


def exception(behaviour: Behaviour, call: int, alone: Outcome) -> Excepted | None:
    """Which exception, if any, covers a call that is answered directly."""
    if not alone.tries:
        return None
    if any(one.wished_s is not None and one.wished_s > TOTAL_S for one in alone.tries):
        return Excepted.WISH
    if _is_cut_alike(alone):
        return Excepted.FUTILE
    plan = behaviour.calls[call]
    pace = plan.pace
    silent_s = max(pace.gap_s, pace.ping_s or pace.thinking_s)
    if plan.kind in (Kind.STREAM, Kind.COUNT) and (silent_s >= IDLE_S or pace.thinking_s >= STALLED_S):
        return Excepted.SILENCE
    if _is_late(behaviour, alone.tries[-1]) or _hung_until_late(behaviour, alone):
        return Excepted.LATE
    return None


def _is_cut_alike(alone: Outcome) -> bool:
    """Whether two tries were cut before any byte, after 10 s, at ages that differ by a quarter at most."""
    ages_s = [one.ends_s for one in alone.tries[:-1] if one.head_s is None and not one.timed_out]
    return len(ages_s) == 2 and min(ages_s) > FUTILE_FROM_S and max(ages_s) <= 1.25 * min(ages_s)


def _is_late(behaviour: Behaviour, last: Try) -> bool:
    """Whether head or end came within the margin that the sidecar keeps before the caller's time-out."""
    margin_s = _margin_s(behaviour) + _GRAIN_S
    patience_s = behaviour.patience_s
    return any(
        at_s is not None and patience_s - margin_s < at_s <= patience_s + _GRAIN_S
        for at_s in (last.head_s, last.ends_s)
    )


def _hung_until_late(behaviour: Behaviour, alone: Outcome) -> bool:
    """Whether hanging calls would have met the outage still, had they been given up a margin earlier each.

    What the sidecar answers a margin before the caller's time-out its SDK repeats that much sooner.
    """
    outage = behaviour.outage
    timed_out = sum(one.timed_out for one in alone.tries)
    if outage is None or not timed_out:
        return False
    last = alone.tries[-1]
    return last.starts_s - timed_out * _margin_s(behaviour) <= outage.ends_s + _GRAIN_S


def _margin_s(behaviour: Behaviour) -> float:
    return min(_MARGIN_S, _MARGIN_SHARE * behaviour.patience_s)


def _unanswered(one: Try) -> bool:
    """Whether the SDK gave up before there was a head; what its upstream leaves off later nobody can mend."""
    return one.timed_out and one.head_s is None


def _too_many_sends(behaviour: Behaviour, ledger: tuple[Seen, ...]) -> Iterator[Breach]:
    """At most 4 sends for the SDK's first try, 3 for its second, 2 for its third; else one each."""
    sends = Counter((seen.call, seen.repeats) for seen in ledger)
    for (call, repeats), count in sorted(sends.items()):
        allowed = MAX_ATTEMPTS - repeats if behaviour.calls[call].kind in _REPEATABLE else 1
        if count > allowed:
            told = f"{count} sends for the SDK's try {repeats}, allowed are {allowed}"
            yield Breach(call, Promise.BOUNDED_SENDS, told)
