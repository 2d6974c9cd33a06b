"""Clients that repeat in spite of `x-should-retry: false` are recognised, told, and treated like others."""

import asyncio
import json
import re
from hashlib import blake2b

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

from claude_sidecar.proxy import blind_repeats

pytestmark = pytest.mark.looptime

AI_SDK = (b"user-agent", b"ai/7.0.173 ai-sdk/anthropic/4.0.1 runtime/node.js/22")
ONCE = {"maxAttempts": 1}


def overloaded(**more) -> bytes:
    return error(529, "overloaded_error", **more)


@pytest.fixture
def digests(monkeypatch) -> list[int]:
    """Grows by one with each digest that is begun."""
    begun: list[int] = []

    def counted(**how):
        begun.append(1)
        return blake2b(**how)

    monkeypatch.setattr(blind_repeats, "blake2b", counted)
    return begun


async def repeats_of(bench) -> list[object]:
    """`blindRepeat` of every call, the first one first."""
    return [call["blindRepeat"] for call in reversed(await bench.admin_json("/requests"))]


async def counted_repeats(bench) -> list[tuple[str, float]]:
    """By client, as `/metrics` has them."""
    told = (await bench.admin("/metrics")).body.decode()
    rows = re.findall(r'^claude_sidecar_blind_repeats_total\{client="([^"]+)",key="\w+"\} (\S+)$', told, re.M)
    return [(client, float(count)) for client, count in rows]


async def test_repeat_is_told_in_hint_metric_and_list_with_the_clients_own_setting(started) -> None:
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        first, second = [await bench.message(lines=[AI_SDK]) for _ in range(2)]
        assert first.header("x-should-retry") == second.header("x-should-retry") == "false"
        assert "Sent again" not in (first.header("x-claude-sidecar-hint") or "")
        hint = second.header("x-claude-sidecar-hint") or ""
        assert hint.startswith("The provider is overloaded")
        assert "Sent again although told x-should-retry: false; the AI SDK" in hint
        assert "maxRetries: 0" in hint
        assert await repeats_of(bench) == [None, "vercel-ai"]
        assert await counted_repeats(bench) == [("vercel-ai", 1)]


async def test_repeat_is_sent_like_any_other_call(started) -> None:
    upstream = ScriptedUpstream([overloaded()] * 3, otherwise=answer())
    async with started(upstream, retry={"maxAttempts": 2}) as bench:
        assert (await bench.message()).status == 529
        cured = await bench.message()
        assert (cured.status, cured.header("x-claude-sidecar-attempts")) == (200, "2")
        assert cured.header("x-claude-sidecar-hint") is None
        assert await repeats_of(bench) == [None, "other"]
        # It went well, so what is sent next is no repeat of a failure.
        assert (await bench.message()).status == 200
        assert await repeats_of(bench) == [None, "other", None]


async def test_repeat_that_fails_again_is_repeated_blindly_once_more(started) -> None:
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        for _ in range(3):
            await bench.message()
        assert await repeats_of(bench) == [None, "other", "other"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"body": message_body(model="claude-opus-4-9")}, id="another body of that length"),
        pytest.param({"body": message_body(extra=1)}, id="another length"),
        pytest.param({"key": b"sk-ant-api03-another"}, id="another key"),
        pytest.param({"target": "/v1/messages/count_tokens"}, id="another path"),
    ],
)
async def test_what_differs_is_no_repeat(other, started) -> None:
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        await bench.message()
        await bench.ask(request_bytes(**{"body": message_body()} | other))
        assert await repeats_of(bench) == [None, None]


async def test_failure_of_half_a_minute_ago_is_forgotten(started) -> None:
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        await bench.message()
        await asyncio.sleep(31)
        await bench.message()
        assert await repeats_of(bench) == [None, None]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        pytest.param(error(400, "invalid_request_error"), None, id="left to the SDK"),
        pytest.param(error(409, "conflict_error"), None, id="a conflict"),
        pytest.param(overloaded(lines=[("x-should-retry", "true")]), "false", id="ours is said instead"),
        pytest.param(
            error(400, "invalid_request_error", lines=[("x-should-retry", "false")]), "false", id="its own"
        ),
    ],
)
async def test_only_what_the_caller_was_told_not_to_repeat_counts(failure, said, started) -> None:
    async with started(ScriptedUpstream(otherwise=failure), retry=ONCE) as bench:
        assert (await bench.message()).header("x-should-retry") == said
        await bench.message()
        assert await repeats_of(bench) == [None, None if said is None else "other"]


async def test_errors_of_our_own_count_too_and_have_the_hint_whatever_their_status(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Reset()]), retry=ONCE) as bench:
        assert (await bench.message()).status == 502
        assert "Sent again" in ((await bench.message()).header("x-claude-sidecar-hint") or "")
    served = [{"models": [{"name": "claude-sonnet-4-6"}]}]
    async with started(ScriptedUpstream(), routes=served) as bench:
        assert (await bench.message()).status == 503
        again = await bench.message()
        assert json.loads(again.body)["error"]["type"] == "gateway_no_route"
        assert "Sent again" in (again.header("x-claude-sidecar-hint") or "")


async def test_status_without_a_hint_header_has_one_for_a_blind_repeat(started) -> None:
    async with started(ScriptedUpstream(otherwise=error(503)), retry=ONCE) as bench:
        assert (await bench.message()).header("x-claude-sidecar-hint") is None
        assert "Sent again" in ((await bench.message()).header("x-claude-sidecar-hint") or "")


async def test_an_sdks_own_counted_repeat_counts_and_is_named_as_such(started) -> None:
    lines = [(b"user-agent", b"Anthropic/Python 0.1.0"), (b"x-stainless-retry-count", b"1")]
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        await bench.message()
        hint = (await bench.message(lines=lines)).header("x-claude-sidecar-hint") or ""
        assert "its SDK counts this repeat but does not read the header" in hint
        assert await counted_repeats(bench) == [("anthropic-sdk", 1)]


async def test_as_many_repeats_count_as_failures_were_delivered(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Pause(1), overloaded()])
    async with started(upstream, retry=ONCE) as bench:
        await asyncio.gather(*(bench.message() for _ in range(3)))
        upstream.otherwise = answer()
        for _ in range(5):
            await bench.message()
        assert await repeats_of(bench) == [None] * 3 + ["other"] * 3 + [None] * 2


async def test_bodies_that_are_not_kept_are_not_compared(started, digests) -> None:
    bounds = {"maxBufferedMiB": 0, "spoolMiB": 0}
    async with started(ScriptedUpstream(otherwise=overloaded()), limits=bounds, retry=ONCE) as bench:
        for _ in range(2):
            await bench.message()
        assert await repeats_of(bench) == [None, None]
        assert digests == []


async def test_calls_that_carry_nothing_are_not_compared(started, digests) -> None:
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        for _ in range(2):
            await bench.ask(request_bytes("GET", "/v1/models"))
        assert await repeats_of(bench) == [None, None]
        assert digests == []


async def test_nothing_is_digested_but_final_failures_and_calls_of_their_size(started, digests) -> None:
    upstream = ScriptedUpstream([answer(), error(400), overloaded(), answer(), answer()])
    async with started(upstream, retry=ONCE) as bench:
        await bench.message()
        await bench.message()
        assert len(digests) == 0  # nothing that goes well, nothing that was not final
        await bench.message()
        assert len(digests) == 1
        await bench.message(extra=1)
        assert len(digests) == 1  # of another size
        await bench.message(model="claude-opus-4-9")
        assert len(digests) == 2


async def test_large_bodies_are_compared_to_their_last_byte(started) -> None:
    filler = "x" * (3 << 20)
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        for last in ("a", "a", "b"):
            await bench.message(system=filler + last)
        assert await repeats_of(bench) == [None, "other", None]


async def test_a_caller_that_left_before_the_failure_came_was_told_nothing(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Pause(5), overloaded()])
    async with started(upstream, retry=ONCE) as bench:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await bench.message()
        await bench.message()
        await bench.message()
        assert await repeats_of(bench) == [None, None, "other"]


async def test_one_line_a_minute_is_written_for_each_kind_of_client(started, caplog) -> None:
    message = "a client repeats in spite of x-should-retry: false"
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        for _ in range(5):
            await bench.message(lines=[AI_SDK])
        await bench.message(lines=[(b"user-agent", b"DSPy/3.4.1")])
        await asyncio.sleep(29)
        await bench.message(lines=[AI_SDK])
        await asyncio.sleep(29)
        await bench.message(lines=[AI_SDK])
        await asyncio.sleep(5)
        await bench.message(lines=[AI_SDK])
    lines = [record.facts for record in caplog.records if record.getMessage() == message]
    assert [(line["client"], line["repeats"]) for line in lines] == [
        ("vercel-ai", 1),
        ("dspy", 1),
        ("vercel-ai", 6),
    ]
    assert "maxRetries: 0" in lines[0]["do"]


async def test_line_and_hint_of_a_repeat_that_the_sdk_counts_say_the_same(started, caplog) -> None:
    lines = [(b"user-agent", b"Anthropic/Python 0.30.0"), (b"x-stainless-retry-count", b"1")]
    async with started(ScriptedUpstream(otherwise=overloaded()), retry=ONCE) as bench:
        await bench.message(lines=lines)
        hint = (await bench.message(lines=lines)).header("x-claude-sidecar-hint") or ""
    (line,) = [record.facts for record in caplog.records if "in spite of" in record.getMessage()]
    assert line["do"] in hint
    assert "its SDK counts this repeat" in line["do"]
