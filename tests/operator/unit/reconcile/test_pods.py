"""What a policy's pods say of themselves: counted in its status at a bounded rate, and pods nudged once."""

import pytest
from support.operator.reconciling import Reconciling, Start
from support.operator.scripted.api import ALWAYS, ScriptedApi
from support.operator.scripted.faults import refused
from support.operator.scripted.policies import Policies
from support.worlds.objects import pod

from claude_operator import names
from claude_operator.desired.world import Report
from claude_operator.reconcile.event_writer import REPEAT_S
from claude_sidecar import __version__

pytestmark = pytest.mark.looptime

PODS = "/api/v1/namespaces/shop/pods"
STATUS = "PATCH claudepolicies/status"


def runs(policy_hash: str, **more: object) -> Report:
    """What a sidecar says that runs this."""
    return Report(policy_hash, __version__, **more)  # type: ignore[arg-type]


def add_pods(api: ScriptedApi, *pods: str) -> None:
    """Pods of the policy that run, older than all files."""
    for name in pods:
        api.edit(f"{PODS}/{name}", pod(name, created="2025-01-01T00:00:00Z"))


def nudged(api: ScriptedApi) -> dict[str, str]:
    """The annotation of each pod that was nudged."""
    found = {each["metadata"]["name"]: each["metadata"]["annotations"] for each in api.objects("pods")}
    return {name: value[names.NUDGE] for name, value in found.items() if names.NUDGE in value}


async def test_policy_is_programmed_once_every_pod_runs_it(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start(asks=True, nudges=True)
    add_pods(api, "a", "b")
    policies.apply()
    await operator.settled()
    assert policies.condition("Programmed")[:2] == ("False", "Reconciling")
    for name in ("a", "b"):
        operator.report(name, runs(policies.status()["hash"]))
        await operator.settled(40)
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")
    assert policies.condition("ResolvedRefs")[:2] == ("True", "ResolvedRefs")
    assert policies.status()["podsSummary"] == "2/2"


@pytest.mark.parametrize(
    ("said", "condition"),
    [
        (None, ("Unknown", "Unreachable")),
        (runs("older", restart_required=True), ("False", "RestartRequired")),
        (runs("older", refuses=True), ("False", "Refused")),
        (runs("older"), ("False", "Reconciling")),
    ],
)
async def test_one_pod_of_two_that_does_not_run_it_is_told_by_the_condition(
    start: Start,
    api: ScriptedApi,
    policies: Policies,
    said: Report | None,
    condition: tuple[str, str],
) -> None:
    operator = await start(asks=True, nudges=True)
    add_pods(api, "good", "other")
    policies.apply()
    await operator.settled()
    operator.report("good", runs(policies.status()["hash"]))
    operator.report("other", said)
    await operator.settled(40)
    assert policies.condition("Programmed")[:2] == condition
    assert policies.status()["podsSummary"] == "1/2"


@pytest.mark.parametrize(("kind", "most"), [("current", 3), ("older", 13)])
async def test_counts_that_move_all_the_time_are_written_now_and_then_and_faster_in_a_rollout(
    start: Start, api: ScriptedApi, policies: Policies, kind: str, most: int
) -> None:
    operator = await start(asks=True, nudges=True)
    policies.apply()
    add_pods(api, "first")
    await operator.settled()
    handed_out = policies.status()["hash"]
    operator.report("first", runs(handed_out if kind == "current" else "older"))
    await operator.settled(40)
    api.requests.clear()
    for number in range(60):
        name = f"pod-{number}"
        add_pods(api, name)
        await operator.settled(0.06)
        operator.report(name, runs(handed_out if kind == "current" else "older"))
        await operator.settled(0.94)
    assert 2 <= api.asked().count(STATUS) <= most
    await operator.settled(40)
    assert policies.status()["pods"]["total"] == 61


async def test_another_run_keeps_what_pods_said_until_they_were_asked(
    api: ScriptedApi, policies: Policies, virtual_wall_clock: None
) -> None:
    add_pods(api, "a")
    policies.apply()
    async with Reconciling(api, asks=True).running() as first:
        await first.settled()
        first.report("a", runs(policies.status()["hash"]))
        await first.settled(40)
    api.requests.clear()
    async with Reconciling(api, asks=True).running() as second:
        await second.settled(60)
        assert api.asked() == []
        assert policies.status()["podsSummary"] == "1/1"
        second.report("a", None)
        await second.settled(40)
        assert policies.condition("Programmed")[:2] == ("Unknown", "Unreachable")


async def test_edit_nudges_each_pod_that_runs_an_earlier_policy_once_and_after_the_file(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start(asks=True, nudges=True)
    add_pods(api, "a", "b")
    policies.apply()
    await operator.settled()
    first = policies.status()["hash"]
    for name in ("a", "b"):
        operator.report(name, runs(first))
    await operator.settled(40)
    assert nudged(api) == {}
    api.requests.clear()
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled(600)
    second = policies.status()["hash"]
    assert nudged(api) == {"a": second, "b": second}
    assert [each for each in api.asked() if each != STATUS] == [
        "PATCH configmaps",
        "PATCH pods",
        "PATCH pods",
    ]


async def test_no_pod_is_nudged_for_a_file_that_could_not_be_written(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start(asks=True, nudges=True)
    add_pods(api, "a")
    policies.apply()
    await operator.settled()
    operator.report("a", runs(policies.status()["hash"]))
    await operator.settled(40)
    api.on("PATCH configmaps", refused(403), ALWAYS)
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled(60)
    assert nudged(api) == {}


async def test_credential_that_pods_lack_is_told_each_time_that_it_is_lost(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start(asks=True, nudges=True)
    add_pods(api, "a")
    policies.apply()
    await operator.settled()
    well = runs(policies.status()["hash"])
    lacking = runs(well.hash, credentials_missing=("anthropic",))
    for said, count in ((lacking, 1), (well, 1), (lacking, 2)):
        operator.report("a", said)
        await operator.settled(60)
        assert policies.told() == [("CredentialMissing", count)]
        assert policies.condition("ResolvedRefs")[0] == ("True" if said is well else "False")
    await operator.settled(REPEAT_S)
    assert policies.told() == [("CredentialMissing", 3)], "it lasts, and API servers forget events"
