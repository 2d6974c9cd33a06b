"""Answers in several gzip members or zstd frames are read like any other, and passed on as they came."""

import asyncio
import gzip
import json
from collections.abc import Callable

import pytest
from backports import zstd
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, STREAM_HEAD, answer, chunk, message_body, stream_events

pytestmark = pytest.mark.looptime

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
CODINGS = pytest.mark.parametrize("coding", list(PACK))


def in_two(body: bytes, coding: str) -> bytes:
    return PACK[coding](body[:40]) + PACK[coding](body[40:])


@CODINGS
async def test_usage_is_read_from_all_members(coding, started) -> None:
    usage = {"input_tokens": 5, "output_tokens": 6}
    body = in_two(
        json.dumps({"id": "msg_1", "type": "message", "model": "m", "usage": usage}).encode(), coding
    )
    upstream = ScriptedUpstream(otherwise=answer(200, body, [("content-encoding", coding)]))
    async with started(upstream) as bench:
        assert (await bench.message()).body == body
        await asyncio.sleep(0.1)
        (call,) = await bench.admin_json("/requests")
        found = call["attempts"][0]["usage"]
        assert (found["inputTokens"], found["outputTokens"]) == (5, 6)


@CODINGS
async def test_an_errors_code_is_read_from_all_members(coding, started) -> None:
    error = {
        "type": "rate_limit_error",
        "message": "m",
        "details": {"error_code": "enforced_spend_limit_reached"},
    }
    body = in_two(json.dumps({"type": "error", "error": error}).encode(), coding)
    upstream = ScriptedUpstream(otherwise=answer(429, body, [("content-encoding", coding)]))
    async with started(upstream) as bench:
        got = await bench.message()
        assert (got.header("x-claude-sidecar-cause"), got.body) == ("SpendLimit", body)
        assert len(upstream.requests) == 1


@CODINGS
async def test_a_stream_with_a_member_an_event_is_seen_to_its_end(coding, started) -> None:
    head = STREAM_HEAD.replace(b"transfer-", b"content-encoding: %b\r\ntransfer-" % coding.encode())
    packed = [PACK[coding](event) for event in stream_events()]
    upstream = ScriptedUpstream(otherwise=head + b"".join(map(chunk, packed)) + LAST_CHUNK)
    async with started(upstream) as bench:
        got = await bench.ask(request_bytes(body=message_body(stream=True)))
        assert (got.status, got.body, got.end) == (200, b"".join(packed), "whole")
        assert len(upstream.requests) == 1


async def test_an_answer_of_empty_members_is_passed_on_as_it_came_and_never_read_whole(started) -> None:
    body = gzip.compress(b"") * 30_000
    lines = [("content-encoding", "gzip")]
    upstream = ScriptedUpstream([answer(200, body, lines), answer(429, body, lines)])
    async with started(upstream, retry={"maxAttempts": 1}) as bench:
        for status in (200, 429):
            got = await bench.message()
            assert (got.status, got.body) == (status, body)


async def test_a_stream_of_empty_members_passes_unread(started) -> None:
    head = STREAM_HEAD.replace(b"transfer-", b"content-encoding: gzip\r\ntransfer-")
    packed = gzip.compress(b"") * 5000 + gzip.compress(b"".join(stream_events()))
    async with started(ScriptedUpstream(otherwise=head + chunk(packed) + LAST_CHUNK)) as bench:
        got = await bench.ask(request_bytes(body=message_body(stream=True)))
        assert (got.status, got.body, got.end) == (200, packed, "whole")
