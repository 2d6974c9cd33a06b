"""Troubles of upstreams, told at /overview: what the engine makes of each is what the table knows."""

from collections.abc import Callable
from typing import Any

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Close, Hang, Reset, ScriptedUpstream
from support.fakes.wire_bytes import STREAM_HEAD, answer, chunk, error, message_body, stream_events

from claude_sidecar.wire.credential import PLACEHOLDER

pytestmark = pytest.mark.looptime

NO_REPEATS = {"retry": {"maxAttempts": 1}, "timeouts": {"firstByte": "5s"}}
OUTPUT_IS_SPENT = [
    ("anthropic-ratelimit-requests-remaining", "40"),
    ("anthropic-ratelimit-output-tokens-limit", "80000"),
    ("anthropic-ratelimit-output-tokens-remaining", "0"),
]
KEY = "key/fe0c24f0"
MODEL = "model/claude-opus-4-8"
BEGUN = [STREAM_HEAD, *(chunk(event) for event in stream_events()[:5])]
SPENT = error(429, "rate_limit_error", code="enforced_spend_limit_reached")
OTHER_MODEL = answer(body=b'{"type":"message","model":"claude-haiku-4-5"}')
OVERLOADED_LATER = [
    *BEGUN,
    chunk(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'),
]

TROUBLES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "401": (error(401, "authentication_error"), {}, f"authentication/{KEY}"),
    "402": (error(402, "billing_error"), {}, f"billing/{KEY}"),
    "403": (error(403, "permission_error"), {}, f"permission/{MODEL}"),
    "404": (error(404, "not_found_error"), {}, f"not-found/{MODEL}"),
    "413": (error(413, "request_too_large"), {}, f"too-large/{MODEL}"),
    "400": (error(400, "invalid_request_error"), {}, f"invalid-request/{MODEL}"),
    "429": (error(429, "rate_limit_error"), {}, f"limit/unknown/{MODEL}"),
    "429 of output": (error(429, "rate_limit_error", OUTPUT_IS_SPENT), {}, f"limit/output-tokens/{MODEL}"),
    "429 of money": (SPENT, {}, f"limit/spend/{KEY}"),
    "500": (error(500, "api_error"), {}, "server-error/route/first"),
    "a gateway's 502": (answer(502, b"<html>", kind="text/html"), {}, "server-error/route/first"),
    "529": (error(529, "overloaded_error"), {}, "overloaded/route/first"),
    "a reset": ([Reset()], {}, "unreachable/route/first"),
    "silence": ([Hang()], {}, "time-out/route/first"),
    "a cut stream": ([*BEGUN, Close()], {"stream": True}, "cut-stream/route/first"),
    "an error within a stream": ([*OVERLOADED_LATER, Close()], {"stream": True}, "overloaded/route/first"),
    "another model": (OTHER_MODEL, {}, f"wrong-{MODEL.replace('model/', 'model/model/')}"),
}


async def ids(bench) -> list[str]:
    return [line["id"] for line in (await bench.admin_json("/overview"))["troubles"]]


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_trouble_of_the_upstream_is_one_line(name, started) -> None:
    script, fields, line = TROUBLES[name]
    async with started(
        ScriptedUpstream(otherwise=script), circuitBreaker={"minRequests": 100}, **NO_REPEATS
    ) as bench:
        for number in range(6):
            await bench.message(max_tokens=number + 1, **fields)
        told = [each for each in await ids(bench) if not each.startswith("limit-near/")]
        assert told == [line]


async def test_a_limit_is_told_of_the_feature_that_meets_it(started) -> None:
    spent = error(429, "rate_limit_error", [*OUTPUT_IS_SPENT, ("retry-after", "0")])
    script = [*[spent, answer()] * 6, *[answer()] * 70]
    async with started(ScriptedUpstream(script)) as bench:
        for number in range(76):
            feature = b"search" if number < 36 else b"chat"
            await bench.message([(b"x-claude-feature", feature)], max_tokens=number + 1)
        lines = (await bench.admin_json("/overview"))["troubles"]
        (line,) = [each for each in lines if not each["id"].startswith("limit-near/")]
        assert (
            line["what"] == "17 % of calls of feature search meet the output-token limit; repeats cured them."
        )
        assert line["fix"].startswith("Bound max_tokens")


OWN: dict[str, tuple[dict[str, Any], Callable[[int], bytes], list[str]]] = {
    "no route for the model": (
        {"routes": [{"models": [{"name": "claude-haiku-4-5"}]}]},
        lambda number: request_bytes(body=message_body(max_tokens=number + 1)),
        [f"no-route/{MODEL}"],
    ),
    "no key to send": (
        {},
        lambda number: request_bytes(body=message_body(max_tokens=number + 1), key=PLACEHOLDER),
        [f"credential-missing/{MODEL}"],
    ),
    "a body over the limit": (
        {"limits": {"maxBodyMiB": 1}},
        lambda number: request_bytes(body=message_body(system="x" * (2 << 20), max_tokens=number + 1)),
        ["too-large-here/all/all"],
    ),
}


@pytest.mark.parametrize("name", OWN)
async def test_a_trouble_of_the_sidecars_own_is_told(name, started) -> None:
    spec, request_of, lines = OWN[name]
    async with started(ScriptedUpstream(otherwise=answer()), **spec) as bench:
        for number in range(5):
            await bench.ask(request_of(number))
        assert await ids(bench) == lines
