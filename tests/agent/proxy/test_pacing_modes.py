"""`pacing.mode` by its effect: what is learnt from answers, what is told of it, and what is refused."""

import asyncio
import json

import pytest
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer

pytestmark = pytest.mark.looptime

GAUGE = b"claude_sidecar_ratelimit_remaining{"
TOLD = [
    ("anthropic-ratelimit-requests-limit", "50"),
    ("anthropic-ratelimit-requests-remaining", "17"),
]


def upstream() -> ScriptedUpstream:
    """Each answer tells its limits."""
    return ScriptedUpstream(otherwise=answer(lines=TOLD))


async def told_limits(bench) -> tuple[dict, bool]:
    """The limits that `/routes` and `/metrics` tell."""
    route = (await bench.admin_json("/routes"))[0]
    return route["limits"], GAUGE in (await bench.admin("/metrics")).body


@pytest.mark.parametrize("spec", [{}, {"pacing": {"mode": "Observe", "maxWait": "0s", "maxQueued": 0}}])
async def test_observe_learns_limits_and_tells_them(spec, started) -> None:
    async with started(upstream(), **spec) as bench:
        await bench.message()
        limits, in_metrics = await told_limits(bench)
        assert limits["claude-opus-4-8"]["requests"]["remaining"] == 17
        assert in_metrics


async def test_observe_delays_and_refuses_no_call(started) -> None:
    none_left = [("anthropic-ratelimit-requests-remaining", "0"), ("retry-after", "5")]
    async with started(ScriptedUpstream(otherwise=answer(lines=none_left))) as bench:
        began = asyncio.get_running_loop().time()
        assert [(await bench.message()).status for _ in range(3)] == [200, 200, 200]
        assert asyncio.get_running_loop().time() - began < 1


async def test_disabled_learns_nothing_and_hands_the_headers_on(started) -> None:
    async with started(upstream(), pacing={"mode": "Disabled"}) as bench:
        assert (await bench.message()).header("anthropic-ratelimit-requests-remaining") == "17"
        assert await told_limits(bench) == ({}, False)


async def test_what_was_learnt_is_told_no_longer_once_pacing_is_disabled(started) -> None:
    async with started(upstream()) as bench:
        await bench.message()
        policy = json.loads(bench.policy_file.read_text())
        policy["spec"]["pacing"] = {"mode": "Disabled"}
        bench.policy_file.write_text(json.dumps(policy))
        await asyncio.sleep(1.1)
        assert await told_limits(bench) == ({}, False)


async def test_enforce_is_refused_and_the_last_good_policy_stays(started) -> None:
    async with started(upstream()) as bench:
        before = await bench.admin_json("/status")
        policy = json.loads(bench.policy_file.read_text())
        policy["spec"]["pacing"] = {"mode": "Enforce"}
        bench.policy_file.write_text(json.dumps(policy))
        await asyncio.sleep(1.1)
        status = await bench.admin_json("/status")
        assert status["hash"] == before["hash"]
        assert "spec.pacing.mode: Enforce is not implemented yet; write Observe" in status["lastError"]
        assert (await bench.message()).status == 200
