"""Events on policies: refused, a credential missing in pods, restart required."""

from dataclasses import replace

from support.worlds.make import says, world
from support.worlds.objects import pod, policy
from support.worlds.server import after, appraise

from claude_operator.desired.decide import decide
from claude_operator.desired.world import Report, World

GOOD = appraise(policy()).hash
POD = "uid-shop-web-1"


def with_report(report: Report | None) -> World:
    return world([policy()], [pod()], reports={POD: report})


def reasons(seen: World) -> list[str]:
    return [event.reason for event in decide(seen, appraise).events]


def test_refused_policy_is_told_with_all_its_problems() -> None:
    bad = policy(spec={"retry": {"maxAttempts": 99}, "stream": {"holdMax": "soon"}})
    (event,) = decide(world([bad]), appraise).events
    assert (event.type, event.reason) == ("Warning", "PolicyRefused")
    assert "spec.retry.maxAttempts" in event.message
    assert "spec.stream.holdMax" in event.message


def test_missing_credential_is_told_with_the_route() -> None:
    (event,) = decide(with_report(says(GOOD, credentials_missing=("anthropic",))), appraise).events
    assert event.reason == "CredentialMissing"
    assert "route anthropic" in event.message


def test_required_restart_is_told() -> None:
    assert reasons(with_report(says("old", restart_required=True))) == ["RestartRequired"]


def test_sidecar_that_does_not_put_the_policy_in_force_is_told() -> None:
    assert reasons(with_report(says("old", refuses=True))) == ["SidecarRefuses"]
    assert reasons(with_report(says(GOOD, refuses=True))) == []  # it runs what it should all the same


def test_pods_that_do_not_answer_are_no_event() -> None:
    assert reasons(with_report(None)) == []


def test_state_is_told_once_however_the_number_of_pods_moves() -> None:
    lacking = says(GOOD, credentials_missing=("anthropic",))
    first = with_report(lacking)
    seen = after(first, decide(first, appraise))
    both = world([policy()], [pod(), pod("web-2")], reports={POD: lacking, "uid-shop-web-2": lacking})
    more = World(
        policies=seen.policies,
        config_maps=seen.config_maps,
        pods=both.pods,
        reports=both.reports,
        namespaces=seen.namespaces,
        told=seen.told,
        now=seen.now,
        version=seen.version,
    )
    assert not decide(more, appraise).events


def test_other_problem_is_another_event() -> None:
    first = decide(world([policy(spec={"retry": {"maxAttempts": 99}})]), appraise).events[0]
    second = decide(world([policy(spec={"retry": {"maxAttempts": 98}})]), appraise).events[0]
    other = decide(world([policy(spec={"stream": {"holdMax": "soon"}})]), appraise).events[0]
    assert len({first.name, second.name, other.name}) == 3


def test_list_of_standing_events_is_not_certain_before_pods_were_asked() -> None:
    assert not decide(world([policy()], [pod()]), appraise).certain
    assert decide(with_report(None), appraise).certain


QUOTA = "exceeded quota: maps, requested: count/configmaps=1, used: count/configmaps=5"


def test_config_map_that_the_api_server_refuses_is_told_with_its_words() -> None:
    refused = world([policy()], not_written={"uid-shop-production": QUOTA})
    (event,) = decide(refused, appraise).events
    assert event.reason == "NotWritten"
    assert QUOTA in event.message
    assert decide(refused, appraise).create  # it is tried again


def test_refusal_is_over_once_there_is_nothing_to_write() -> None:
    seen = after(world([policy()]), decide(world([policy()]), appraise))
    late = replace(seen, not_written={"uid-shop-production": QUOTA})
    assert reasons(late) == []
