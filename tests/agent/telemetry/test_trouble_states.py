"""What needs a person, by how things stand: the policy, circuits, limits that are near."""

import pytest

from claude_sidecar.telemetry.trouble import Severity
from claude_sidecar.telemetry.trouble_states import NearLimit, PolicyState, RouteState, troubles_of_state

WELL = PolicyState(name="shop")


def lines(policy=WELL, routes=(), limits=()) -> list[tuple[str, str]]:
    found = troubles_of_state(policy, routes, limits)
    assert all(line.window == "now" and line.fix.endswith(".") and ".md" in line.link for line in found)
    return [(line.id, line.what) for line in found]


def test_nothing_is_told_where_all_is_well() -> None:
    limit = NearLimit(route="first", group="claude-opus-4-8", limit="requests", used=90.0)
    failing = RouteState(name="first", failing=[("claude-opus-4-8", 3600.0)], models=1)
    assert lines(WELL, [RouteState(name="first", models=3), failing], [limit]) == []


def test_a_refused_policy_is_told_with_its_error() -> None:
    state = PolicyState(name="shop", last_error="policy.yaml:3: spec.retry: no such field.")
    assert lines(state) == [
        ("policy/refused", "The newest policy is refused; shop of before stays in force.")
    ]
    (line,) = troubles_of_state(state, (), ())
    assert (line.severity, line.fix) == (Severity.FIX, "policy.yaml:3: spec.retry: no such field.")


def test_a_restart_that_is_needed_is_told_once_with_the_route_that_lacks_its_key() -> None:
    state = PolicyState(
        name="shop", last_error="not in force", restart_required=True, credentials_missing=["second"]
    )
    assert lines(state) == [
        ("policy/restart-required", "A newer policy waits for a credential; shop of before stays in force."),
        ("credential-missing/route/second", "The key of route second is not here."),
    ]


@pytest.mark.parametrize(
    ("failing", "models", "about"),
    [
        ([], 0, ""),
        ([("m", 59.0)], 1, ""),
        ([("m", 61.0)], 1, " (for a minute, nothing but failures)"),
        ([("m", 240.0)], 3, " (for 4 minutes, nothing but failures: only m)"),
        ([("m", 240.0), ("n", 700.0)], 2, " (for 12 minutes, nothing but failures: the whole route)"),
        ([("m", 240.0), ("n", 9000.0)], 3, " (for 2 hours, nothing but failures: only m, n)"),
        ([("m", 240.0), ("n", 10.0)], 2, " (for 4 minutes, nothing but failures: only m)"),
    ],
)
def test_an_open_circuit_tells_whether_it_is_one_model_or_the_whole_route(failing, models, about) -> None:
    state = RouteState(name="first", shut=["m"], failing=failing, models=models)
    assert lines(routes=[state]) == [
        ("circuit/route/first", f"Route first is left out for m: it failed too often{about}.")
    ]


def test_an_open_circuit_blames_the_provider_only_where_the_way_to_it_stands() -> None:
    (trouble,) = troubles_of_state(WELL, [RouteState(name="first", shut=["m"])], [])
    assert "If the way there stands, as `claude-sidecar doctor` tells, look at" in trouble.fix


def test_many_models_are_cut_short() -> None:
    ((_, what),) = lines(routes=[RouteState(name="first", shut=["a", "", "c", "d", "e"])])
    assert "left out for a, calls without a model, c and 2 more:" in what


@pytest.mark.parametrize(
    ("limit", "group", "what"),
    [
        ("input-tokens", "m", "4 % is left of the input-tokens limit of route first for m."),
        ("priority-output-tokens", "", "4 % is left of the priority-output-tokens limit of route first."),
    ],
)
def test_a_limit_that_is_near_is_told_before_it_is_met(limit, group, what) -> None:
    near = NearLimit(route="first", group=group, limit=limit, used=96.0)
    assert lines(limits=[near]) == [(f"limit-near/{limit}/first/{group}", what)]
