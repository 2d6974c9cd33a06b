"""Which pods are nudged, and at which rate."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.make import says, world
from support.worlds.objects import T0_UNIX, pod, policy
from support.worlds.server import after, appraise

from claude_operator import names
from claude_operator.desired.decide import decide
from claude_operator.desired.token_bucket import TokenBucket
from claude_operator.desired.world import Report, World

GOOD = appraise(policy()).hash
POD = "uid-shop-web-1"
OLD = "2025-12-31T00:00:00Z"
YOUNG = "2026-01-01T12:00:00Z"


def handed_out(report: Report | None, asked: bool = True, **of_pod: str) -> World:
    """A policy whose ConfigMap holds it, written at T0, and one pod."""
    seen = world([policy()])
    seen = after(seen, decide(seen, appraise))
    annotations = {names.NUDGE: of_pod.pop("nudge")} if "nudge" in of_pod else {}
    pods = world(pods=[pod(annotations=annotations, **of_pod)]).pods
    return replace(seen, pods=pods, reports={POD: report} if asked else {})


def test_pod_that_runs_an_earlier_policy_is_nudged_once() -> None:
    seen = handed_out(says("old"))
    (nudge,) = decide(seen, appraise).nudges
    assert (nudge.pod, nudge.value) == ("web-1", GOOD)
    assert not decide(after(seen, decide(seen, appraise)), appraise).nudges


def test_pod_that_was_nudged_for_another_policy_is_nudged_again() -> None:
    assert decide(handed_out(says("old"), nudge="0123456789abcdef"), appraise).nudges


@pytest.mark.parametrize(
    "seen",
    [
        handed_out(says(GOOD)),
        handed_out(says("old", restart_required=True)),
        handed_out(None, created=YOUNG),
        handed_out(None, asked=False, created=OLD),
        replace(handed_out(None, asked=False, created=YOUNG), asking=False),
        handed_out(says("old"), phase="Pending"),
        replace(handed_out(says("old")), nudging=False),
    ],
    ids=[
        "current",
        "restart required",
        "unreachable, young",
        "not asked yet",
        "never asked, young",
        "not running",
        "off",
    ],
)
def test_pods_that_would_gain_nothing_are_not_nudged(seen: World) -> None:
    assert not decide(seen, appraise).nudges


def test_pod_that_does_not_say_is_nudged_when_it_is_older_than_the_file() -> None:
    assert decide(handed_out(None, created=OLD), appraise).nudges
    assert decide(replace(handed_out(None, asked=False, created=OLD), asking=False), appraise).nudges


def test_nobody_is_nudged_before_the_file_holds_the_policy() -> None:
    seen = handed_out(says("old"))
    assert not decide(replace(seen, config_maps=()), appraise).nudges


@given(
    per_second=st.floats(0.1, 100),
    burst=st.integers(1, 50),
    steps=st.lists(st.floats(0, 5), max_size=80),
)
def test_bucket_never_grants_more_than_burst_and_rate(
    per_second: float, burst: int, steps: list[float]
) -> None:
    now, granted = T0_UNIX, 0
    bucket = TokenBucket.full(per_second, burst, now)
    for step in steps:
        now += step
        bucket, wait = bucket.taken(now)
        granted += wait == 0
        assert wait <= 1 / per_second + 1e-6
        assert granted <= burst + per_second * (now - T0_UNIX) + 1e-3


def test_bucket_says_how_long_to_wait() -> None:
    bucket, _ = TokenBucket.full(2, 1, 0).taken(0)
    assert bucket.taken(0)[1] == 0.5
    assert bucket.taken(0.5)[1] == 0
