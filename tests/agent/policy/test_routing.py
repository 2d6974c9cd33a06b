"""The plan: which routes may carry a call, under which name of the model."""

from typing import Any

import pytest

from claude_sidecar.policy.request_facts import RequestFacts
from claude_sidecar.policy.routing import Candidate, plan

ROUTES: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b", "models": [{"name": "m", "id": "m-20250101"}, {"name": "s"}]},
    {"name": "c", "models": [{"name": "s", "id": "s-on-c"}]},
]


def asked(model: str | None, pinned: bool = False) -> RequestFacts:
    return RequestFacts(model, True, pinned, True, True, 4, None, 100.0, 100.0)


def test_routes_that_serve_the_model_in_order_with_their_own_name_for_it(snapshot: Any) -> None:
    assert plan(snapshot(ROUTES), asked("m")) == (Candidate(0, "a", "m"), Candidate(1, "b", "m-20250101"))


def test_a_model_that_only_an_open_route_serves_goes_there(snapshot: Any) -> None:
    assert plan(snapshot(ROUTES), asked("unheard-of")) == (Candidate(0, "a", "unheard-of"),)
    assert plan(snapshot(ROUTES[1:]), asked("unheard-of")) == ()


def test_a_call_without_a_model_may_go_anywhere(snapshot: Any) -> None:
    assert [candidate.route for candidate in plan(snapshot(ROUTES), asked(None))] == ["a", "b", "c"]


def test_substitutes_follow_and_say_what_they_are(snapshot: Any) -> None:
    policy = snapshot(ROUTES, fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    assert plan(policy, asked("m"))[2:] == (
        Candidate(0, "a", "s", substitute="s"),
        Candidate(1, "b", "s", substitute="s"),
        Candidate(2, "c", "s-on-c", substitute="s"),
    )


@pytest.mark.parametrize("model", ["s", None, "other"])
def test_no_substitute_without_the_policy_naming_it_for_that_model(model: str | None, snapshot: Any) -> None:
    policy = snapshot(ROUTES, fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    assert {candidate.substitute for candidate in plan(policy, asked(model))} == {None}


def test_a_call_of_one_account_has_the_first_route_alone(snapshot: Any) -> None:
    policy = snapshot(ROUTES[1:], fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    assert plan(policy, asked("m", pinned=True)) == (Candidate(0, "b", "m-20250101"),)
    assert plan(policy, asked("x", pinned=True)) == (Candidate(0, "b", "x"),)
    assert plan(policy, asked(None, pinned=True)) == (Candidate(0, "b", None),)
