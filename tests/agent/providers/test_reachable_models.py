"""Which models calls can reach, by which routes, under which ids."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.request_facts import Asked, SdkHeaders, request_facts
from claude_sidecar.policy.routing import plan
from claude_sidecar.providers.reachable_models import ANY, reachable_models
from claude_sidecar.schema.claude_policy import API_VERSION, KIND, ClaudePolicy
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Snapshot

OPEN: dict[str, Any] = {"name": "open"}
CLOSED: dict[str, Any] = {"name": "closed", "models": [{"name": "m", "id": "our-m"}, {"name": "n"}]}
SWAP = {"substitutions": [{"model": "m", "with": ["n"]}]}


def snapshot(*routes: dict[str, Any], **fallback: Any) -> Snapshot:
    spec = {"routes": list(routes), "fallback": fallback}
    return compile_policy(
        ClaudePolicy.model_validate({"apiVersion": API_VERSION, "kind": KIND, "spec": spec})
    )


def reached(policy: Snapshot, **listed: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    """By model the route, the id and the source of each way, and the substitute where there is one."""
    return {
        each.model: [
            (way.route, way.id, way.source) + (() if way.substitute is None else (way.substitute,))
            for way in each.ways
        ]
        for each in reachable_models(policy, listed)
    }


def test_models_stand_by_name_with_their_routes_in_the_policys_order_and_each_routes_own_id() -> None:
    assert reached(snapshot(OPEN, CLOSED)) == {
        "m": [("open", "m", "policy"), ("closed", "our-m", "policy")],
        "n": [("open", "n", "policy"), ("closed", "n", "policy")],
        ANY: [("open", ANY, "policy")],
    }


def test_a_list_adds_names_where_the_route_takes_any_and_no_others() -> None:
    assert reached(snapshot(OPEN, CLOSED), open=["m", "x"], closed=["our-m", "y"]) == {
        "m": [("open", "m", "models-api"), ("closed", "our-m", "policy")],
        "n": [("open", "n", "policy"), ("closed", "n", "policy")],
        "x": [("open", "x", "models-api")],
        ANY: [("open", ANY, "policy")],
    }


def test_without_a_route_that_takes_any_name_nothing_else_is_reached() -> None:
    assert list(reached(snapshot(CLOSED), closed=["x"])) == ["m", "n"]


def test_substitutes_follow_the_routes_of_the_model_itself() -> None:
    assert reached(snapshot(CLOSED, OPEN, **SWAP), open=["n"])["m"] == [
        ("closed", "our-m", "policy"),
        ("open", "m", "policy"),
        ("closed", "n", "policy", "n"),
        ("open", "n", "models-api", "n"),
    ]


def test_a_model_that_only_a_substitute_answers_for_is_reached_by_that() -> None:
    assert reached(snapshot(CLOSED, substitutions=[{"model": "gone", "with": ["n"]}]))["gone"] == [
        ("closed", "n", "policy", "n")
    ]


def test_a_policy_without_routes_reaches_nothing() -> None:
    assert reachable_models(dataclasses.replace(snapshot(OPEN), routes=()), {"open": ["m"]}) == ()


names = st.sampled_from(["m", "n", "x", "claude-opus-4-8"])
routes = st.lists(st.none() | st.lists(names, min_size=1, unique=True), min_size=1, max_size=4)


@pytest.mark.parametrize("fallback", [{}, SWAP])
@given(routes=routes, lists=st.lists(st.lists(names), min_size=4, max_size=4))
def test_what_is_told_is_what_calls_are_sent_by(
    fallback: dict[str, Any], routes: list[list[str] | None], lists: list[list[str]]
) -> None:
    made = [
        {"name": f"r{number}"} | ({"models": [{"name": name} for name in models]} if models else {})
        for number, models in enumerate(routes)
    ]
    policy = snapshot(*made, **fallback)
    told = reachable_models(policy, {f"r{number}": models for number, models in enumerate(lists)})
    for each in told:
        facts = request_facts(policy, Asked(each.model), SdkHeaders(), 0.0)
        sent = [(one.route, one.model, one.substitute) for one in plan(policy, facts)]
        assert [(way.route, way.id, way.substitute) for way in each.ways] == sent
    assert sum(each.model == ANY for each in told) == any(models is None for models in routes)
