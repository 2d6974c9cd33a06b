"""How far one call goes through the code: what a reader must follow, and much of what it costs."""

import asyncio
import json

import pytest
from support.fakes.raw_client import ask, request_bytes
from support.fakes.wire_bytes import message_body
from support.walk import Walk, walked

from claude_sidecar.proxy.sidecar import Settings, Sidecar
from claude_sidecar.simulator.app import Simulator

pytestmark = pytest.mark.looptime

MODULES_MOST = 66
FUNCTIONS_MOST = 292
"""As it is where events come apart, the longer way. Whoever makes it shorter lowers these."""


async def walk_of_a_streamed_call(sidecar: Sidecar, request: bytes) -> Walk:
    with walked() as walk:
        answer = await ask(sidecar.port, request)
        await asyncio.sleep(0.1)
    assert (answer.status, answer.end, sidecar.handler.in_flight) == (200, "whole", 0)
    assert b"event: message_stop" in answer.body
    return walk


async def test_a_streamed_call_goes_through_so_many_modules_and_functions(tmp_path) -> None:
    """The caller's own key, no tracing, a connection to the upstream that is there already."""
    policy = tmp_path / "policy.yaml"
    request = request_bytes(
        lines=[
            (b"content-type", b"application/json"),
            (b"anthropic-version", b"2023-06-01"),
            (b"x-stainless-timeout", b"600"),
            (b"x-stainless-retry-count", b"0"),
        ],
        body=message_body(stream=True),
    )
    async with Simulator().running() as upstream:
        policy.write_text(
            json.dumps(
                {
                    "apiVersion": "claude-sidecar.dev/v1alpha1",
                    "kind": "ClaudePolicy",
                    "metadata": {"name": "test", "namespace": "here"},
                    "spec": {"routes": [{"name": "simulator", "endpoint": upstream}]},
                }
            )
        )
        async with Sidecar(Settings(policy, 0, 0), {}).running() as sidecar:
            # What the process does every second besides may fall into one of them, not into all.
            walks = [await walk_of_a_streamed_call(sidecar, request) for _ in range(4)]
    shortest = min(walks, key=lambda walk: walk.count)
    assert len(shortest.functions) <= MODULES_MOST, str(shortest)
    assert shortest.count <= FUNCTIONS_MOST, str(shortest)
    assert {"proxy/handler.py", "policy/decide.py", "telemetry/record.py"} <= shortest.functions.keys()
