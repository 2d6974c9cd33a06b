"""Which conversation and which agents a call belongs to: told of it, counted nowhere, sent on as it came."""

import json
import logging

import pytest
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import error

pytestmark = pytest.mark.looptime

AGENTS = [
    (b"X-Claude-Code-Session-Id", b"5ab1-session"),
    (b"X-Claude-Code-Agent-Id", b"agent-2"),
    (b"X-Claude-Code-Parent-Agent-Id", b"agent-1"),
]


async def test_a_call_is_listed_under_its_conversation_and_agents(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        await bench.message(AGENTS)
        await bench.message()
        without, named = await bench.admin_json("/requests")
        assert [named[key] for key in ("conversation", "agent", "parentAgent")] == [
            "5ab1-session",
            "agent-2",
            "agent-1",
        ]
        assert [without[key] for key in ("conversation", "agent", "parentAgent")] == [None] * 3


async def test_the_log_line_names_conversation_and_agents(started, caplog) -> None:
    caplog.set_level(logging.INFO, "claude_sidecar.calls")
    async with started(ScriptedUpstream(otherwise=error(400, "invalid_request_error"))) as bench:
        await bench.message(AGENTS)
        (line,) = [record.facts for record in caplog.records if record.name == "claude_sidecar.calls"]
        assert (line["conversation"], line["agent"], line["parent_agent"]) == (
            "5ab1-session",
            "agent-2",
            "agent-1",
        )


async def test_conversations_and_agents_are_no_labels_of_metrics(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        await bench.message(AGENTS)
        told = (await bench.admin("/metrics")).body.decode()
        assert "claude_sidecar_requests_total{" in told
        assert not [value for _, value in AGENTS if value.decode() in told]


async def test_their_headers_go_upstream_as_they_came_also_those_that_are_ignored(started) -> None:
    strange = [(b"X-Claude-Code-Session-Id", b"s" * 129), (b"x-claude-feature", "é".encode())]
    async with started(ScriptedUpstream()) as bench:
        for lines in (AGENTS, strange):
            await bench.message(lines)
            assert [line for line in bench.first.requests[-1].lines if line in lines] == lines
        ignored = (await bench.admin_json("/requests"))[0]
        assert (ignored["conversation"], ignored["feature"]) == (None, None)
        assert "s" * 100 not in json.dumps(ignored)
