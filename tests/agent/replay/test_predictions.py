"""What a replay predicts of each outage that ships is what the real process does against the simulator.

The outages are made brief, so that they can be lived through. Sends by route and the end of each call are
exact, under the same seed; a seed whose course hangs on milliseconds is passed over, since no machine keeps
them: which seeds these are is told by plays whose answers come some milliseconds later.
"""

import asyncio
import random
from functools import partial

import pytest
import yaml
from support.brief_outages import brief
from support.lived_outage import End, live
from support.project import ROOT

from claude_sidecar.config.parse import parse_data
from claude_sidecar.replay.play import play
from claude_sidecar.replay.written import WrittenOutage, WrittenRoute, outage_of
from claude_sidecar.schema.compile import compile_policy

pytestmark = [pytest.mark.processes, pytest.mark.long]

OUTAGES = sorted((ROOT / "examples" / "outages").glob("*.yaml"))
ONE = ["one"]
TWO = ["one", "two"]
ROUTES = {
    "answers-cut": ONE,
    "bad-deploy": TWO,
    "both-routes": TWO,
    "one-model": ONE,
    "overloaded": ONE,
    "overloaded-streams": ONE,
    "rate-limit-burst": ONE,
    "slow-route": TWO,
    "spend-limit": TWO,
    "streams-cut-late": TWO,
}
CAUSES = ["Overloaded", "ServerError", "ConnectionFailure", "Timeout", "SpendLimit"]
PLACES = ["first", "second"]
LATE_S = (0.0, 0.015, 0.04)
TRIES = 3


def policy_of(routes):
    return {
        "apiVersion": "claude-sidecar.dev/v1alpha1",
        "kind": "ClaudePolicy",
        "metadata": {"name": "lived"},
        "spec": {
            "routes": [{"name": name} for name in routes],
            "retry": {"maxAttempts": 3, "backoff": {"initial": "200ms", "max": "1s"}},
            "fallback": {"causes": CAUSES},
            "timeouts": {"firstByte": "560ms"},
            "circuitBreaker": {"minRequests": 5, "window": "2s", "openFor": "1070ms"},
        },
    }


class Late:
    """A world whose answers come up to so much later."""

    def __init__(self, world, most_s, chance):
        self.world, self.most_s, self.chance = world, most_s, chance

    def answer(self, route, sent):
        answer = self.world.answer(route, sent)
        late_s = self.chance.uniform(0, self.most_s)
        head_s = None if answer.head_s is None else answer.head_s + late_s
        pieces = tuple(piece._replace(at_s=piece.at_s + late_s) for piece in answer.pieces)
        return type(answer)(answer.status, answer.headers, head_s, pieces, answer.end_s + late_s, answer.dies)

    def assumed(self):
        return []


def late_world(world, most_s, seed, snapshot):
    return Late(world(seed, snapshot), most_s, random.Random(seed))


def ends_of(course):
    return tuple(End(end.status, end.error, end.sends) for end in course.ends)


def predicted(outage, snapshot, seed):
    """The ends, or None where they hang on milliseconds."""
    told = set()
    for most_s in LATE_S:
        late = type(outage)(
            outage.about,
            outage.began_unix_s,
            outage.lasts_s,
            outage.calls,
            partial(late_world, outage.world, most_s),
        )
        told.add(ends_of(play(late, snapshot, seed)))
    return told.pop() if len(told) == 1 else None


def steady(outage, snapshot):
    return next(
        (seed, ends) for seed in range(500) if (ends := predicted(outage, snapshot, seed)) is not None
    )


@pytest.mark.parametrize("file", OUTAGES, ids=lambda file: file.stem)
def test_the_real_process_does_what_was_predicted(file) -> None:
    written = WrittenOutage.model_validate(brief(yaml.safe_load(file.read_text())))
    routes = ROUTES[file.stem]
    snapshot = compile_policy(parse_data(policy_of(routes), "policy"))
    outage = outage_of(written)
    seed, ends = steady(outage, snapshot)
    scenarios = {
        name: written.scenario(written.routes.get(place, WrittenRoute()), seed)
        for name, place in zip(routes, PLACES, strict=False)
    }
    for _ in range(TRIES):
        lived = asyncio.run(live(outage.calls, scenarios, policy_of(routes), seed))
        if lived.ends == ends:
            break
        # A machine's hiccup is not seen twice.
    assert lived.ends == ends
    assert lived.ledger == {name: sum(end.sends.count(name) for end in ends) for name in routes}


def test_ten_outages_ship_and_each_is_lived_through() -> None:
    assert {file.stem for file in OUTAGES} == ROUTES.keys()
    assert len(OUTAGES) == 10
