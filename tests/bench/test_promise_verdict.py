"""What counts as a breach of a promise, what is excepted, and how a find is made small."""

from collections import Counter

import pytest
from bench.promise.behaviour import Behaviour, CallPlan, Fault, Ill, Kind, Outage, Pace
from bench.promise.draw import drawn, drawn_brief
from bench.promise.outcome import End, Outcome, Try
from bench.promise.scripted_upstream import Seen
from bench.promise.sdk_model import read_stream
from bench.promise.shrink import shrunk
from bench.promise.sides import Side
from bench.promise.verdict import Breach, Excepted, Promise, judge

PATIENT = 600.0


def answered(*tries: Try) -> Outcome:
    return Outcome(End.ANSWERED, 200, tries or (Try(0.0, 0.1, 0.1),))


def refused(end: End = End.STATUS, *tries: Try) -> Outcome:
    return Outcome(end, 529, tries, "told")


def judged(
    direct: Outcome, through: Outcome, plan: CallPlan | None = None, outage: Outage | None = None
) -> tuple[list[Promise], Counter[Excepted]]:
    behaviour = Behaviour((plan or CallPlan(Kind.MESSAGE),), outage)
    verdict = judge(behaviour, Side((direct,), ()), Side((through,), ()))
    return [breach.kind for breach in verdict.breaches], verdict.excepted


def test_answered_directly_and_not_through_is_a_breach_and_the_reverse_is_none() -> None:
    assert judged(answered(), refused()) == ([Promise.NEVER_WORSE], {})
    assert judged(refused(), answered()) == ([], {})
    assert judged(refused(), refused()) == ([], {})


@pytest.mark.parametrize("end", [End.TRUNCATED, End.WRONG])
def test_success_that_is_none_is_a_breach_whatever_came_directly(end) -> None:
    expected = Promise.NO_FALSE_SUCCESS if end is End.TRUNCATED else Promise.TRANSPARENT
    for direct in (answered(), refused(end)):
        assert judged(direct, refused(end))[0] == [expected]


@pytest.mark.parametrize(
    ("last", "excepted"),
    [
        (Try(0.0, 599.76, 599.76), True),
        (Try(0.0, 599.76, 620.0), True),
        (Try(0.0, 500.0, 599.9), True),
        (Try(0.0, 599.74, 599.74), False),
        (Try(0.0, 10.0, 620.0), False),
        (Try(0.0, 599.4, 599.4), False),
    ],
)
def test_only_the_margin_before_the_time_out_is_late(last, excepted) -> None:
    found = judged(answered(last), refused())
    assert found == (([], {Excepted.LATE: 1}) if excepted else ([Promise.NEVER_WORSE], {}))


@pytest.mark.parametrize(
    ("pace", "excepted"),
    [
        (Pace(thinking_s=300.0), True),
        (Pace(thinking_s=299.0), False),
        (Pace(thinking_s=600.0, ping_s=15.0), True),
        (Pace(thinking_s=599.0, ping_s=15.0), False),
        (Pace(gap_s=301.0), True),
    ],
)
def test_silence_of_a_stream_is_excepted_from_idle_and_stalled_on(pace, excepted) -> None:
    found = judged(answered(), refused(), CallPlan(Kind.STREAM, pace=pace))
    assert found == (([], {Excepted.SILENCE: 1}) if excepted else ([Promise.NEVER_WORSE], {}))


@pytest.mark.parametrize(("wished_s", "excepted"), [(600.5, True), (600.0, False)])
def test_a_wait_is_excepted_beyond_total(wished_s, excepted) -> None:
    tries = (Try(0.0, 0.1, 0.1, wished_s=wished_s), Try(wished_s, 0.1, 0.1))
    found = judged(answered(*tries), refused())
    assert found == (([], {Excepted.WISH: 1}) if excepted else ([Promise.NEVER_WORSE], {}))


@pytest.mark.parametrize(("starts_s", "excepted"), [(600.6, True), (600.8, False)])
def test_an_outage_of_silence_may_be_met_a_margin_earlier(starts_s, excepted) -> None:
    outage = Outage(0.0, 600.5, Fault(Ill.HANG))
    tries = (Try(0.0, None, 600.0, timed_out=True), Try(starts_s, 0.0, 0.0))
    found = judged(answered(*tries), refused(), outage=outage)
    assert found == (([], {Excepted.LATE: 1}) if excepted else ([Promise.NEVER_WORSE], {}))


def test_the_sdks_own_time_out_must_not_come_first() -> None:
    waited = Try(0.0, None, PATIENT, timed_out=True)
    assert judged(refused(), refused(End.UNREACHED, waited))[0] == [Promise.IN_TIME]
    assert judged(refused(), refused(End.UNREACHED, waited), CallPlan(Kind.BATCH))[0] == []
    begun = Try(0.0, 599.75, 1199.75, timed_out=True)
    assert judged(refused(), refused(End.UNREACHED, begun))[0] == []


@pytest.mark.parametrize(
    ("kind", "sends", "breaches"),
    [
        (Kind.MESSAGE, {0: 4}, 0),
        (Kind.MESSAGE, {0: 5}, 1),
        (Kind.MESSAGE, {0: 4, 1: 3, 2: 2}, 0),
        (Kind.STREAM, {0: 1, 1: 4}, 1),
        (Kind.MODELS, {2: 3}, 1),
        (Kind.BATCH, {0: 1, 1: 1, 2: 1}, 0),
        (Kind.UPLOAD, {0: 2}, 1),
    ],
)
def test_sends_are_bounded_for_each_try_of_the_sdk(kind, sends, breaches) -> None:
    ledger = tuple(Seen(0, repeats, 0.0, {}) for repeats, count in sends.items() for _ in range(count))
    verdict = judge(Behaviour((CallPlan(kind),)), Side((refused(),), ()), Side((refused(),), ledger))
    assert [breach.kind for breach in verdict.breaches] == [Promise.BOUNDED_SENDS] * breaches


@pytest.mark.parametrize(
    ("body", "end"),
    [
        (b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", End.ANSWERED),
        (b"event: a\ndata: 1\n\nevent: ping\ndata: {}\n\n: word\n\nevent: b\ndata: 2\n\n", End.ANSWERED),
        (b": word\nevent: a\ndata: 1\n\nevent: b\ndata: 2\n\n", End.ANSWERED),
        (b"event: a\ndata: 1\n\n", End.TRUNCATED),
        (b"", End.TRUNCATED),
        (b"event: a\ndata: 1\n\nevent: a\ndata: 1\n\nevent: b\ndata: 2\n\n", End.WRONG),
        (b"event: a\ndata: 1\n\nevent: error\ndata: {}\n\n", End.BROKEN),
    ],
)
def test_a_stream_is_judged_by_its_events(body, end) -> None:
    expected = (b"event: a\ndata: 1\n\n", b"event: b\ndata: 2\n\n")
    assert read_stream(body, expected)[0] is end


def test_a_find_is_made_small() -> None:
    needed = Fault(Ill.RESET, 2.0)
    behaviour = Behaviour(
        tuple(CallPlan(Kind.STREAM, 1.5, (Fault(Ill.CUT), needed), Pace(3.0)) for _ in range(30)),
        Outage(0.5, 2.0, Fault(Ill.STATUS)),
        4.0,
    )
    shows = lambda one: any(Ill.RESET in [fault.ill for fault in plan.faults] for plan in one.calls)  # noqa: E731
    assert shrunk(behaviour, shows) == Behaviour((CallPlan(Kind.MESSAGE, 0.0, (Fault(Ill.RESET),)),))


def test_drawn_behaviours_are_many_and_the_same_for_a_seed() -> None:
    assert [drawn(seed) for seed in range(300)] == [drawn(seed) for seed in range(300)]
    assert len({drawn(seed) for seed in range(300)}) == 300
    calls = [plan for seed in range(300) for plan in drawn(seed).calls]
    assert {plan.kind for plan in calls} == set(Kind)
    ills = {fault.ill for plan in calls for fault in plan.faults}
    ills |= {outage.fault.ill for seed in range(300) if (outage := drawn(seed).outage)}
    assert ills == set(Ill)
    assert max(len(drawn(seed).calls) for seed in range(300)) > 30


def test_brief_behaviours_are_over_in_seconds() -> None:
    for seed in range(300):
        behaviour = drawn_brief(seed)
        assert behaviour.outage is None or behaviour.outage.ends_s < 5
        for plan in behaviour.calls:
            assert all(fault.after_s <= 0.5 for fault in plan.faults)
            assert all(fault.wish is None or fault.wish.seconds <= 3 for fault in plan.faults)
            assert plan.pace.head_s + plan.pace.thinking_s < 2


def test_a_breach_tells_which_call_and_how() -> None:
    behaviour = Behaviour((CallPlan(Kind.MESSAGE), CallPlan(Kind.MESSAGE)))
    verdict = judge(behaviour, Side((answered(), answered()), ()), Side((answered(), refused()), ()))
    assert verdict.breaches == (Breach(1, Promise.NEVER_WORSE, "status: told"),)
