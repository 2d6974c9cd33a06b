"""A policy's status: conditions, counts, and when they are written."""

from dataclasses import replace
from typing import Any

import pytest
from support.worlds.make import says, world
from support.worlds.objects import T0_UNIX, pod, policy
from support.worlds.server import after, appraise

from claude_operator.desired.decide import decide
from claude_operator.desired.world import Report, World
from claude_sidecar.schema.limits import ENFORCE_IS_NOT_IMPLEMENTED

GOOD = appraise(policy()).hash
POD = "uid-shop-web-1"
OTHER = "uid-shop-web-2"


def status_of(seen: World) -> dict[str, Any]:
    """The status of the only policy once everything was written."""
    written = after(seen, decide(seen, appraise))
    return written.policies[0]["status"]


def told(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


ONE = {POD: says(GOOD)}
CASES: list[tuple[str, dict[str, Report | None], str, str, str]] = [
    ("current", {POD: says(GOOD), OTHER: says(GOOD)}, "True/Programmed", "True/ResolvedRefs", "2/2"),
    ("stale", {POD: says(GOOD), OTHER: says("old")}, "False/Reconciling", "True/ResolvedRefs", "1/2"),
    ("unreachable", {POD: says(GOOD), OTHER: None}, "Unknown/Unreachable", "Unknown/Unreachable", "1/2"),
    (
        "restart",
        {POD: says(GOOD), OTHER: says("old", restart_required=True)},
        "False/RestartRequired",
        "True/ResolvedRefs",
        "1/2",
    ),
    (
        "refusing",
        {POD: says(GOOD), OTHER: says("old", refuses=True)},
        "False/Refused",
        "True/ResolvedRefs",
        "1/2",
    ),
    (
        "lacking",
        {POD: says(GOOD), OTHER: says(GOOD, credentials_missing=("anthropic",))},
        "True/Programmed",
        "False/CredentialMissing",
        "2/2",
    ),
]


@pytest.mark.parametrize(
    ("reports", "programmed", "refs", "summary"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_conditions_follow_what_the_sidecars_say(
    reports: dict[str, Report | None], programmed: str, refs: str, summary: str
) -> None:
    status = status_of(world([policy()], [pod(), pod("web-2")], reports=reports))
    conditions = told(status)
    assert "/".join(conditions["Programmed"]) == programmed
    assert "/".join(conditions["ResolvedRefs"]) == refs
    assert conditions["Accepted"] == ("True", "Accepted")
    assert status["podsSummary"] == summary


def test_policy_without_pods_is_programmed_and_its_references_are_unknown() -> None:
    status = status_of(world([policy()]))
    assert told(status)["Programmed"] == ("True", "Programmed")
    assert told(status)["ResolvedRefs"] == ("Unknown", "NoPods")
    assert status["podsSummary"] == "0/0"
    assert status["hash"] == GOOD
    assert status["routes"] == 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"retry": {"backoff": {"initial": "1m", "max": "1s"}}},
            "spec.retry.backoff.initial: `initial` must not be longer than `max`",
        ),
        # Stored before the definition refused them.
        ({"pacing": {"mode": "Enforce"}}, f"spec.pacing.mode: {ENFORCE_IS_NOT_IMPLEMENTED}"),
        (
            {"routes": [{"name": "a", "provider": "Bedrock"}]},
            "spec.routes[0].provider: `Bedrock` is not possible here; allowed: Anthropic",
        ),
        (
            {"retry": {"maxAttempts": 2.5}},
            "spec.retry.maxAttempts: must be a whole number from 1 to 10, not the number `2.5`; write 2 or 3",
        ),
    ],
)
def test_refused_policy_says_what_check_says_and_is_not_programmed(
    spec: dict[str, Any], message: str
) -> None:
    status = status_of(world([policy(spec=spec)]))
    accepted = next(each for each in status["conditions"] if each["type"] == "Accepted")
    assert accepted["message"] == message
    assert told(status)["Accepted"] == ("False", "Invalid")
    assert told(status)["Programmed"] == ("False", "Invalid")
    assert "hash" not in status


@pytest.mark.parametrize(
    "not_counted",
    [{"phase": "Pending"}, {"phase": "Succeeded"}, {"terminating": True}, {"started": False}],
    ids=str,
)
def test_only_running_pods_with_a_started_sidecar_count(not_counted: dict[str, Any]) -> None:
    seen = world([policy()], [pod(), pod("web-2", **not_counted)], reports=ONE)
    assert status_of(seen)["pods"]["total"] == 1


def test_older_sidecars_are_counted() -> None:
    seen = world([policy()], [pod()], reports={POD: says(GOOD, version="0.8.3")})
    assert status_of(seen)["pods"]["outdated"] == 1


def test_older_sidecar_that_took_up_what_it_could_is_current() -> None:
    older = {POD: says("unknown to us", version="0.8.3", generation=4)}
    assert status_of(world([policy(generation=4)], [pod()], reports=older))["podsSummary"] == "1/1"
    assert status_of(world([policy(generation=5)], [pod()], reports=older))["podsSummary"] == "0/1"


def test_route_names_that_the_policy_does_not_have_are_not_believed() -> None:
    reports = {POD: says(GOOD, credentials_missing=("<script>",))}
    assert told(status_of(world([policy()], [pod()], reports=reports)))["ResolvedRefs"][0] == "True"


def test_sidecars_that_are_not_asked_leave_counts_of_pods_alone() -> None:
    status = status_of(world([policy()], [pod()], asking=False))
    assert status["pods"]["total"] == 1
    assert "podsSummary" not in status
    assert told(status)["Programmed"] == ("True", "Programmed")
    assert told(status)["ResolvedRefs"] == ("Unknown", "NotAsked")


def test_every_condition_is_about_the_generation_that_was_seen() -> None:
    status = status_of(world([policy(generation=7)]))
    assert {each["observedGeneration"] for each in status["conditions"]} == {7}
    assert status["observedGeneration"] == 7


def test_transition_time_stays_until_the_status_flips_and_other_writers_conditions_stay() -> None:
    other = {"type": "Reviewed", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "T"}
    first = status_of(world([policy()]))
    first["conditions"].append(other)
    seen = world([policy(status=first)], [pod()], reports={POD: None}, now=T0_UNIX + 9999)
    second = status_of(seen)
    times = {each["type"]: each["lastTransitionTime"] for each in second["conditions"]}
    assert times["Accepted"] == "2026-01-01T01:00:00Z"
    assert times["Programmed"] == "2026-01-01T02:46:39Z"
    assert times["ResolvedRefs"] == "2026-01-01T01:00:00Z"  # Unknown before and after
    assert other in second["conditions"]


def test_pods_that_were_not_asked_yet_leave_what_was_said_of_them() -> None:
    first = status_of(world([policy()], [pod()], reports=ONE))
    assert not decide(world([policy(status=first)], [pod()]), appraise).statuses


def test_edited_policy_does_not_wait_for_pods_to_be_asked() -> None:
    first = status_of(world([policy()], [pod()], reports=ONE))
    edited = policy(generation=2, spec={"retry": {"maxAttempts": 2}}, status=first)
    status = status_of(world([edited], [pod()]))
    assert status["observedGeneration"] == 2
    assert told(status)["Programmed"] == ("False", "Reconciling")


def test_config_map_that_is_refused_is_told_of_before_pods_were_asked() -> None:
    first = status_of(world([policy()], [pod()], reports=ONE))
    refused = world([policy(status=first)], [pod()], not_written={"uid-shop-production": "quota"})
    status = status_of(refused)
    assert told(status)["Programmed"] == ("False", "NotWritten")
    allowed = world([policy(status=status)], [pod()])
    assert told(status_of(allowed))["Programmed"] == ("False", "Reconciling")


def settled_then(pods: int, reports: dict[str, Report | None], since_s: float) -> World:
    """A settled policy with one current pod, whose status was written so long ago; then this is seen."""
    first = world([policy()], [pod()], reports=ONE)
    first = after(first, decide(first, appraise))
    later = world(pods=[pod(f"web-{number + 1}") for number in range(pods)]).pods
    return replace(first, pods=later, reports=reports, now=first.now + since_s)


def test_bare_counts_are_written_every_thirty_seconds_at_most() -> None:
    both = {POD: says(GOOD), OTHER: says(GOOD)}
    early = decide(settled_then(2, both, 10), appraise)
    assert not early.writes
    assert early.again_at == T0_UNIX + 3600 + 30
    assert decide(settled_then(2, both, 30), appraise).statuses


def test_condition_that_pods_change_is_written_within_two_seconds() -> None:
    gone = {POD: None}
    assert decide(settled_then(1, gone, 1), appraise).again_at == T0_UNIX + 3600 + 2
    assert decide(settled_then(1, gone, 2), appraise).statuses


def test_edit_is_answered_at_once_however_short_ago_the_last_was() -> None:
    seen = settled_then(1, ONE, 0.1)
    edited = policy(generation=2, spec={"retry": {"maxAttempts": 2}}, status=seen.policies[0]["status"])
    assert decide(replace(seen, policies=(edited,)), appraise).statuses


def test_status_names_the_version_it_was_made_for() -> None:
    (status,) = decide(world([policy(version=41)]), appraise).statuses
    assert status.version == "41"


def test_config_map_that_the_api_server_refuses_leaves_what_was_handed_out_in_force() -> None:
    edited = policy(spec={"retry": {"maxAttempts": 2}}, status={"hash": GOOD})
    status = status_of(world([edited], not_written={"uid-shop-production": "quota"}))
    assert told(status)["Programmed"] == ("False", "NotWritten")
    assert status["hash"] == GOOD
