"""Makes a behaviour smaller as long as it still shows what it showed."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bench.promise.behaviour import PROMPT, Behaviour, CallPlan, Fault, Kind, Outage

_STEPS_MOST = 400


def shrunk(behaviour: Behaviour, shows: Callable[[Behaviour], bool]) -> Behaviour:
    """The smallest behaviour that single simplifications lead to; shows: whether it is still there."""
    left = _STEPS_MOST
    smaller: Behaviour | None = behaviour
    while smaller is not None:
        behaviour, smaller = smaller, None
        for candidate in _simpler(behaviour):
            left -= 1
            if left < 0:
                return behaviour
            if candidate != behaviour and shows(candidate):
                smaller = candidate
                break
    return behaviour


def _simpler(behaviour: Behaviour) -> Iterator[Behaviour]:
    yield from _fewer_calls(behaviour)
    if behaviour.outage is not None:
        yield replace(behaviour, outage=None)
        for outage in _simpler_outage(behaviour.outage):
            yield replace(behaviour, outage=outage)
    if behaviour.timeout_s is not None:
        yield replace(behaviour, timeout_s=None)
        yield replace(behaviour, timeout_s=float(round(behaviour.timeout_s * 2)))
    for number, plan in enumerate(behaviour.calls):
        for simpler in _simpler_call(plan):
            yield replace(
                behaviour, calls=(*behaviour.calls[:number], simpler, *behaviour.calls[number + 1 :])
            )


def _fewer_calls(behaviour: Behaviour) -> Iterator[Behaviour]:
    calls = behaviour.calls
    half = len(calls) // 2
    if half:
        yield replace(behaviour, calls=calls[:half])
        yield replace(behaviour, calls=calls[half:])
    if len(calls) <= 12:
        for number in range(len(calls) if len(calls) > 1 else 0):
            yield replace(behaviour, calls=calls[:number] + calls[number + 1 :])
    if len(set(calls)) > 1:
        for like in dict.fromkeys(calls):
            yield replace(behaviour, calls=(like,) * len(calls))


def _simpler_outage(outage: Outage) -> Iterator[Outage]:
    if outage.begins_s:
        yield Outage(0.0, outage.ends_s - outage.begins_s, outage.fault)
    for seconds in (1.0, float(round(outage.ends_s)), round(outage.ends_s, 1)):
        if seconds != outage.ends_s:
            yield replace(outage, ends_s=seconds)
    for fault in _simpler_fault(outage.fault):
        yield replace(outage, fault=fault)


def _simpler_call(plan: CallPlan) -> Iterator[CallPlan]:
    if plan.starts_s:
        yield replace(plan, starts_s=0.0)
    if plan.kind is not Kind.MESSAGE:
        yield replace(plan, kind=Kind.MESSAGE)
    for number, fault in enumerate(plan.faults):
        yield replace(plan, faults=plan.faults[:number] + plan.faults[number + 1 :])
        for simpler in _simpler_fault(fault):
            yield replace(plan, faults=(*plan.faults[:number], simpler, *plan.faults[number + 1 :]))
    if plan.pace != PROMPT:
        yield replace(plan, pace=PROMPT)
        for name in ("head_s", "thinking_s", "ping_s", "gap_s"):
            value = getattr(plan.pace, name)
            for simpler_s in (0.0, float(round(value)), round(value, 1)):
                if simpler_s != value:
                    yield replace(plan, pace=replace(plan.pace, **{name: simpler_s}))


def _simpler_fault(fault: Fault) -> Iterator[Fault]:
    plain = Fault(fault.ill)
    yield from (one for one in (Fault(plain.ill, fault.after_s), plain) if one != fault)
    for one in (
        replace(fault, after_s=0.0),
        replace(fault, after_s=float(round(fault.after_s))),
        replace(fault, status=529),
        replace(fault, html=False),
        replace(fault, wish=None),
        replace(fault, should_retry=None),
    ):
        if one != fault:
            yield one
