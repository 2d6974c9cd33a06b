"""Behaviours drawn from a seed: what upstreams have been seen to do, and every mixture of it."""

from dataclasses import replace
from random import Random

from bench.promise.behaviour import Behaviour, CallPlan, Fault, Form, Ill, Kind, Outage, Pace, Wish

_CALLS_MOST = 40
_ERROR_STATUSES = (529, 529, 529, 500, 500, 502, 503, 504, 520, 408, 409, 429)
_TIMEOUTS_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 300.0)
_REPEATABLE = (Kind.MESSAGE, Kind.STREAM, Kind.COUNT, Kind.MODELS)
_ONCE = (Kind.BATCH, Kind.UPLOAD, Kind.DELETE)


def drawn(seed: int) -> Behaviour:
    """The behaviour of a seed."""
    chance = Random(seed)
    timeout_s = None if chance.random() < 0.6 else chance.choice(_TIMEOUTS_S)
    patience_s = timeout_s or 600.0
    outage = _outage(chance, patience_s) if chance.random() < 0.6 else None
    # A call that its own faults delay would meet an outage that begins later by luck.
    late = outage is not None and outage.begins_s > 0
    crowd = _crowd(chance)
    spread_s = 0.0 if chance.random() < 0.6 else chance.choice((0.5, 2.0, 10.0))
    kinds = _kinds(chance)
    alike = _pace(chance, patience_s) if chance.random() < 0.5 else None
    calls = tuple(
        CallPlan(
            kind=chance.choice(kinds),
            starts_s=_rounded(chance.uniform(0, spread_s)),
            faults=() if late else _faults(chance, patience_s),
            pace=alike or _pace(chance, patience_s),
        )
        for _ in range(crowd)
    )
    return Behaviour(calls, outage, timeout_s)


def drawn_brief(seed: int) -> Behaviour:
    """A behaviour of the seed that is over in seconds, and whose times keep away from each other.

    In real time a machine's hiccup must not decide what comes first.
    """
    chance = Random(seed)
    timeout_s = None if chance.random() < 0.7 else 3.0
    outage = _brief_outage(chance, timeout_s) if chance.random() < 0.6 else None
    kinds = _kinds(chance)
    calls = tuple(
        CallPlan(
            kind=chance.choice(kinds),
            faults=tuple(_brief_fault(chance, timeout_s) for _ in range(chance.choice((0, 0, 1, 1, 2)))),
            pace=Pace(
                _rounded(chance.uniform(0, 0.5)),
                _rounded(chance.uniform(0, 1)),
                0.4,
                _rounded(chance.uniform(0, 0.1)),
            ),
        )
        for _ in range(chance.choice((1, 1, 2, 5, 10)))
    )
    return Behaviour(calls, outage, timeout_s)


def _brief_outage(chance: Random, timeout_s: float | None) -> Outage:
    fault = _brief_fault(chance, timeout_s, refusing=True)
    lasts_s = chance.choice((0.2, 0.7, 1.0, 2.5))
    if fault.ill is Ill.HANG and timeout_s is not None:
        lasts_s = chance.choice((0.5, 1.5)) * timeout_s
    return Outage(0.0, lasts_s, fault)


def _brief_fault(chance: Random, timeout_s: float | None, *, refusing: bool = False) -> Fault:
    fault = _fault(chance, 1.0, refusing=refusing)
    if fault.ill is Ill.HANG and timeout_s is None:
        return Fault(Ill.RESET)
    wish = fault.wish
    if wish is not None and wish.seconds > 3:
        wish = Wish(wish.form, 2.0)
    return replace(fault, after_s=min(fault.after_s, 0.5), wish=wish)


def _crowd(chance: Random) -> int:
    most = chance.choice((1, 1, 1, 1, 4, 4, 12, _CALLS_MOST))
    return chance.randint(1, most)


def _kinds(chance: Random) -> tuple[Kind, ...]:
    drawn_as = chance.random()
    if drawn_as < 0.3:
        return (Kind.MESSAGE,)
    if drawn_as < 0.6:
        return (Kind.STREAM,)
    return _ONCE if drawn_as < 0.7 else _REPEATABLE if drawn_as < 0.85 else tuple(Kind)


def _outage(chance: Random, patience_s: float) -> Outage:
    """Most end about when an SDK's patience does: within its two pauses of 1.1 to 1.5 s in all."""
    begins_s = 0.0 if chance.random() < 0.8 else _rounded(chance.uniform(0, 3))
    fault = _fault(chance, patience_s, refusing=True)
    lasts_s = chance.choice(
        (
            chance.uniform(0.05, 0.5),
            chance.uniform(0.3, 1.6),
            chance.uniform(0.3, 1.6),
            chance.uniform(1.6, 12),
            chance.uniform(0, 2.2) * min(patience_s, 60),
        )
    )
    if fault.ill is Ill.HANG:
        lasts_s = chance.uniform(0.1, 2.2) * patience_s
    elif fault.wish is not None and chance.random() < 0.7:
        lasts_s = fault.wish.seconds * chance.uniform(0.2, 2.1) + 0.01
    return Outage(begins_s, _rounded(begins_s + lasts_s), fault)


def _faults(chance: Random, patience_s: float) -> tuple[Fault, ...]:
    count = chance.choice((0, 0, 0, 1, 1, 2, 2, 3))
    if not count:
        return ()
    if chance.random() < 0.4:
        return (_fault(chance, patience_s),) * count
    return tuple(_fault(chance, patience_s) for _ in range(count))


def _fault(chance: Random, patience_s: float, *, refusing: bool = False) -> Fault:
    ills = [Ill.STATUS] * 8 + [Ill.RESET, Ill.RESET, Ill.CLOSE, Ill.HANG, Ill.GARBAGE, Ill.CUT, Ill.CUT_LATE]
    ills += [Ill.UNENDED, Ill.UNENDED_LATE, Ill.EVENT, Ill.EVENT, Ill.PAGE] + [Ill.REFUSED] * (
        2 if refusing else 0
    )
    ill = chance.choice(ills)
    after_s = 0.0
    if chance.random() < 0.4:
        after_s = _rounded(
            chance.choice((chance.uniform(0, 0.3), chance.uniform(0, 1.1) * min(patience_s, 60)))
        )
    if ill is not Ill.STATUS:
        return Fault(ill, after_s)
    return _status_fault(chance, after_s)


def _status_fault(chance: Random, after_s: float) -> Fault:
    if chance.random() < 0.06:
        # Not repeated, unless the upstream insists.
        return Fault(
            Ill.STATUS, after_s, chance.choice((400, 401, 404)), should_retry=chance.choice((None, True))
        )
    status = chance.choice(_ERROR_STATUSES)
    wish = _wish(chance) if chance.random() < (0.7 if status == 429 else 0.1) else None
    should_retry = chance.choice((True, True, False)) if chance.random() < 0.1 else None
    html = status in (502, 503, 504) and chance.random() < 0.5
    return Fault(Ill.STATUS, after_s, status, html, wish, should_retry)


def _wish(chance: Random) -> Wish:
    form = chance.choice(tuple(Form))
    seconds = chance.choice((0, 1, 1, 2, 3, 5, 9, 20, 45, 60, 61, 120, 400, 599, 700, 3600, 86_400))
    if form is Form.MILLISECONDS:
        return Wish(form, _rounded(chance.uniform(0, 3)))
    return Wish(form, float(seconds))


def _pace(chance: Random, patience_s: float) -> Pace:
    """Prompt, or slow in one or more of the ways that a model can be."""
    if chance.random() < 0.5:
        return Pace(head_s=_rounded(chance.uniform(0, 0.2)))
    head_s = chance.choice((chance.uniform(0, 2), chance.uniform(0, 1.02) * patience_s))
    thinking_s = ping_s = gap_s = 0.0
    if chance.random() < 0.5:
        ping_s = min(chance.choice((2.0, 5.0, 15.0, 25.0)), 0.9 * patience_s)
        thinking_s = chance.choice((chance.uniform(0, 40), chance.uniform(0, 150), chance.uniform(0, 500)))
        if chance.random() < 0.3:
            ping_s, thinking_s = 0.0, min(thinking_s, patience_s * chance.uniform(0.1, 1.05))
    if chance.random() < 0.4:
        gap_s = chance.choice((chance.uniform(0, 0.5), chance.uniform(0, 1.02) * min(patience_s, 60)))
    return Pace(_rounded(head_s), _rounded(thinking_s), _rounded(ping_s), _rounded(gap_s))


def _rounded(seconds: float) -> float:
    """Milliseconds are fine enough, and short to read."""
    return round(seconds, 3)
