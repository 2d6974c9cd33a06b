"""Promise 6 on virtual time: what the SDK gets answered directly, it gets answered through the sidecar.

The long form is `python -m bench.promise`.
"""

import pytest
from bench.promise.behaviour import Behaviour, CallPlan, Fault, Form, Ill, Kind, Outage, Pace, Wish
from bench.promise.differential import Tally, held, hunt, made_small
from bench.promise.sides import world
from bench.promise.verdict import Promise

pytestmark = pytest.mark.long

DRAWN = 200
OVERLOADED = Fault(Ill.STATUS)
ASKED_AWAY = Fault(Ill.STATUS, status=429, wish=Wish(Form.SECONDS, 9.0))


def calls(count: int, *faults: Fault, kind: Kind = Kind.MESSAGE, **pace: float) -> tuple[CallPlan, ...]:
    """So many alike, all at once."""
    return (CallPlan(kind, 0.0, faults, Pace(**pace)),) * count


def overload(seconds: float) -> Outage:
    return Outage(0.0, seconds, OVERLOADED)


CURED = {
    "a 529 of one second met by ten calls at once": Behaviour(calls(10), overload(1.0)),
    "a 529 that the SDK's third try outlives by a hair": Behaviour(calls(40), overload(1.1)),
    "a 529 of two seconds met by forty calls at once": Behaviour(calls(40), overload(2.0)),
    "streams over the same": Behaviour(calls(40, kind=Kind.STREAM), overload(2.0)),
    "a refused connection for a second": Behaviour(calls(10), Outage(0.0, 1.0, Fault(Ill.REFUSED))),
    "a batch whose first send is overloaded": Behaviour(calls(1, OVERLOADED, kind=Kind.BATCH)),
    "an upload whose first two sends are overloaded": Behaviour(
        calls(1, OVERLOADED, OVERLOADED, kind=Kind.UPLOAD)
    ),
    "a delete whose first send is reset": Behaviour(calls(1, Fault(Ill.RESET), kind=Kind.DELETE)),
    "a first send that hangs": Behaviour(calls(1, Fault(Ill.HANG)), timeout_s=3.0),
    "a stream whose first send hangs": Behaviour(calls(1, Fault(Ill.HANG), kind=Kind.STREAM), timeout_s=3.0),
    "two hanging sends and a time-out of ten minutes": Behaviour(calls(1, Fault(Ill.HANG), Fault(Ill.HANG))),
    "a 529 that takes two thirds of the time-out": Behaviour(
        calls(1, OVERLOADED, Fault(Ill.STATUS, 2.0)), timeout_s=4.0
    ),
    "an overload of a second and a time-out of four": Behaviour(calls(1), overload(1.0), 4.0),
    "an overload of a second and a time-out of one": Behaviour(calls(1), overload(1.0), 1.0),
    "a 429 that asks for longer than the deadline leaves": Behaviour(calls(1, ASKED_AWAY), timeout_s=8.0),
    "a 429 that asks for six minutes": Behaviour(
        calls(1, Fault(Ill.STATUS, status=429, wish=Wish(Form.SECONDS, 360.0)))
    ),
    "a 409, which the SDK repeats and we do not": Behaviour(calls(1, Fault(Ill.STATUS, status=409))),
    "a 400 that is to be repeated": Behaviour(calls(1, Fault(Ill.STATUS, status=400, should_retry=True))),
    "a 401 that is to be repeated": Behaviour(calls(1, Fault(Ill.STATUS, status=401, should_retry=True))),
    "an answer of eight minutes": Behaviour(calls(1, head_s=490.0)),
    "a stream whose head takes eight minutes": Behaviour(calls(1, kind=Kind.STREAM, head_s=490.0)),
    "a count that takes seven minutes": Behaviour(calls(1, kind=Kind.COUNT, head_s=420.0)),
    "a stream that is silent for over four minutes": Behaviour(calls(1, kind=Kind.STREAM, thinking_s=250.0)),
    "eight minutes of thought with pings, and a time-out of half a minute": Behaviour(
        calls(1, kind=Kind.STREAM, thinking_s=480.0, ping_s=15.0), timeout_s=30.0
    ),
    "a silent stream in whose middle the time-out falls": Behaviour(
        calls(1, kind=Kind.STREAM, head_s=3.0, thinking_s=3.0), timeout_s=4.0
    ),
    "a head just in time, then thought": Behaviour(
        calls(1, kind=Kind.STREAM, head_s=14.7, thinking_s=10.0), timeout_s=15.0
    ),
    "an overload of a second, then an answer that takes nearly the whole time-out": Behaviour(
        calls(1, head_s=29.1), Outage(0.0, 1.0, Fault(Ill.RESET)), 30.0
    ),
    "an upstream that closes every connection for over a second": Behaviour(
        calls(3), Outage(0.0, 1.4, Fault(Ill.CLOSE))
    ),
    "a short overload and one more fault": Behaviour(calls(20, Fault(Ill.STATUS, 0.001)), overload(0.2)),
    "a body that comes in pieces for longer than the time-out": Behaviour(calls(1, gap_s=6.0), timeout_s=8.0),
}
"""What was found, and shrunk."""


@pytest.fixture(scope="module")
def stage():
    with world() as made:
        yield made


@pytest.mark.parametrize("name", CURED)
def test_call_is_answered_as_it_is_directly(name, stage) -> None:
    for seed in range(4):
        verdict = held(stage, CURED[name], seed)
        assert (verdict.breaches, verdict.excepted) == ((), {}), seed


@pytest.mark.parametrize("kind", [Kind.MESSAGE, Kind.STREAM])
def test_forty_calls_at_once_are_all_carried_over_two_seconds_of_overload(kind, stage) -> None:
    side = stage.through(Behaviour(calls(40, kind=kind), overload(2.0)), seed=1)
    assert [outcome.told for outcome in side.outcomes if not outcome.answered] == []


def test_promises_hold_on_drawn_behaviours(stage) -> None:
    tally = Tally()
    finds = [made_small(stage, find) for find in hunt(stage, range(DRAWN), tally) if find is not None]
    assert [(find.seed, find.behaviour, find.breaches) for find in finds] == []
    assert tally.answered_through > tally.answered_directly > tally.calls / 2


def test_a_seed_gives_the_same_course_again(stage) -> None:
    behaviour = CURED["a 529 of two seconds met by forty calls at once"]
    assert stage.through(behaviour, 7) == stage.through(behaviour, 7)


@pytest.mark.parametrize(
    ("spec", "behaviour"),
    [
        ({"retry": {"maxAttempts": 1}}, Behaviour(calls(2, OVERLOADED))),
        ({"retry": {"causes": ["RateLimit"]}}, Behaviour(calls(2, OVERLOADED))),
        ({"timeouts": {"idle": "10s"}}, Behaviour(calls(1, kind=Kind.STREAM, thinking_s=20.0))),
    ],
)
def test_a_policy_that_does_harm_is_found_out(spec, behaviour) -> None:
    with world(spec) as harmful:
        breaches = held(harmful, behaviour, seed=1).breaches
    assert {breach.kind for breach in breaches} == {Promise.NEVER_WORSE}
