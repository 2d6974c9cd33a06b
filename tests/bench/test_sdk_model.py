"""The model of the Python SDK's retry loop is the SDK: the same sends at the same times, the same ends."""

import random
from dataclasses import replace

import pytest
from bench.promise.behaviour import Behaviour, CallPlan, Fault, Form, Ill, Kind, Wish
from bench.promise.draw import drawn
from bench.promise.real_sdk import RealClient
from bench.promise.sdk_model import ModelClient
from bench.promise.sides import Side, World, unix_s, world

pytestmark = pytest.mark.long

HEADERS = (
    "x-stainless-retry-count",
    "x-stainless-timeout",
    "x-stainless-read-timeout",
    "x-call",
    "anthropic-version",
    "idempotency-key",
)
DRAWN = 300


@pytest.fixture(scope="module")
def stage():
    with world() as made:
        yield made


def told(side: Side) -> tuple[object, ...]:
    """What the upstream saw, and how the call ended."""
    (outcome,) = side.outcomes
    sends = [(round(seen.at_s, 6), *(seen.lines.get(name) for name in HEADERS)) for seen in side.ledger]
    return outcome.end, outcome.status, sends


def both(
    stage: World, behaviour: Behaviour, seed: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[object, object]:
    """Model and SDK, both with the chance that the SDK draws its jitter from, and the loop's wall clock."""
    model = stage.direct(behaviour, seed, lambda be, port, _: ModelClient(be, port, random.random, unix_s))
    with monkeypatch.context() as patched:
        patched.setattr("time.time", unix_s)
        real = stage.direct(behaviour, seed, lambda be, port, _: RealClient(be, port))
    return told(model), told(real)


def test_model_and_sdk_do_the_same_on_three_hundred_drawn_behaviours(stage, monkeypatch) -> None:
    ends = set()
    for seed in range(DRAWN):
        behaviour = drawn(seed)
        model, real = both(stage, replace(behaviour, calls=behaviour.calls[:1]), seed, monkeypatch)
        assert model == real, (seed, behaviour)
        ends.add(model[0])
    assert {end.value for end in ends} == {"answered", "status", "unreached", "broken", "truncated", "wrong"}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("timeout_s", [None, 4.0])
def test_each_kind_of_call_sends_the_headers_of_the_sdk(kind, timeout_s, stage, monkeypatch) -> None:
    faults = (Fault(Ill.STATUS), Fault(Ill.RESET))
    model, real = both(stage, Behaviour((CallPlan(kind, 0.0, faults),), None, timeout_s), 1, monkeypatch)
    assert model == real
    assert [send[1] for send in model[2]] == ["0", "1", "2"]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("seconds", [0.0, 2.0, 61.0, 86_400.0])
def test_the_upstreams_wish_is_read_as_the_sdk_reads_it(form, seconds, stage, monkeypatch) -> None:
    fault = Fault(Ill.STATUS, status=429, wish=Wish(form, seconds))
    model, real = both(stage, Behaviour((CallPlan(Kind.MESSAGE, 0.0, (fault,)),)), 1, monkeypatch)
    assert model == real
    assert model[0].value == "answered"
    if seconds:
        assert model[2][1][0] == pytest.approx(seconds)
