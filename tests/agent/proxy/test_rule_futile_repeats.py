"""Futile repeats: a middlebox that cuts silent calls at one age is named, not fed with repeats."""

import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Close, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_a_call_that_is_cut_twice_at_one_age_is_told_so_and_sent_no_third_time(end, started) -> None:
    upstream = ScriptedUpstream([[Pause(60), end], [Pause(62), end]], otherwise=answer())
    async with started(upstream) as bench:
        got = await bench.message()
        told = json.loads(got.body)["error"]
        assert (got.status, told["type"]) == (502, "gateway_unreachable")
        assert (got.header("x-claude-sidecar-attempts"), got.header("x-should-retry")) == ("2", "false")
        for text in (got.header("x-claude-sidecar-hint"), told["message"]):
            assert "Cold prompts are cut there at about 60 s" in text


async def test_the_hint_comes_with_the_answer_that_is_delivered(started) -> None:
    first = error(529, lines=[("connection", "close")])
    upstream = ScriptedUpstream([first, [Pause(60), Close()], [Pause(62), Close()]], otherwise=answer())
    async with started(upstream) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-should-retry")) == (529, "false")
        assert "Cold prompts" in got.header("x-claude-sidecar-hint")


async def test_quick_cuts_are_repeated_as_ever(started) -> None:
    upstream = ScriptedUpstream([[Pause(5), Close()], [Pause(5), Close()]], otherwise=answer())
    async with started(upstream) as bench:
        assert (await bench.message()).status == 200


async def test_a_reused_connection_that_died_does_not_count(started) -> None:
    upstream = ScriptedUpstream([answer(), [Pause(60), Close()], [Pause(60), Close()]], otherwise=answer())
    async with started(upstream) as bench:
        await bench.message()
        got = await bench.ask(request_bytes(body=message_body()))
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "3")
