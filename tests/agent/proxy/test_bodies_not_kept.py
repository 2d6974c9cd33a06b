"""Where the policy keeps no bodies they are sent as they come, under all the rules that hold for others."""

import asyncio
import gzip
import json
import random

import pytest
from support.fakes.raw_client import RawAnswer, connected, request_bytes
from support.fakes.scripted_upstream import Hang, ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, error, stream_answer, stream_events

pytestmark = pytest.mark.looptime

MIB = 1 << 20
LIMITS = {"maxBufferedMiB": 0, "spoolMiB": 0}
MAPPED = [{"models": [{"name": "claude-opus-4-8", "id": "up-id"}]}]
CHUNKED = (b"transfer-encoding", b"chunked")
GZIP = (b"content-encoding", b"gzip")
FILE = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
FRAMINGS = pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])


def body_of(mib: float, *, front: str = '"model":"claude-opus-4-8",', back: str = "") -> bytes:
    text = random.Random(1).randbytes(int(mib * MIB / 2)).hex()
    return f'{{{front}"messages":[{{"content":"{text}"}}]{back}}}'.encode()


def asked_with(body: bytes, lines=(), *, chunked: bool = False) -> bytes:
    if chunked:
        return request_bytes(lines=[*lines, CHUNKED]) + chunk(body) + LAST_CHUNK
    return request_bytes(lines=lines, body=body)


def error_of(got: RawAnswer) -> tuple[str, str]:
    told = json.loads(got.body)["error"]
    return told["type"], told["message"]


@FRAMINGS
@pytest.mark.parametrize("mib", [0, 0.9, 3])
async def test_it_is_sent_once_under_the_routes_name(mib, chunked, started) -> None:
    body = body_of(mib)
    upstream = ScriptedUpstream([error(529)], otherwise=answer())
    async with started(upstream, routes=MAPPED, limits=LIMITS) as bench:
        got = await bench.ask(asked_with(body, chunked=chunked))
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (529, "1")
        sent = upstream.requests[0]
        assert sent.body == body.replace(b"claude-opus-4-8", b"up-id")
        length = None if chunked else b"%d" % len(sent.body)
        assert sent.header(b"content-length") == length
        assert (await bench.ask(asked_with(body, chunked=chunked))).status == 200
        assert [request.connection for request in upstream.requests] == [0, 1]


async def test_it_is_sent_while_it_is_still_coming(started) -> None:
    body = body_of(3)
    async with started(ScriptedUpstream(otherwise=answer()), limits=LIMITS) as bench:
        async with connected(bench.port) as app:
            request = asked_with(body)
            await app.send(request[:-MIB])
            await asyncio.sleep(1)
            assert bench.first.connections == 1
            await app.send(request[-MIB:])
            assert (await app.receive()).status == 200
        assert bench.first.requests[0].body == body


async def test_a_stream_is_held_like_any_other(started) -> None:
    body = body_of(2, front='"stream":true,"model":"claude-opus-4-8",')
    async with started(ScriptedUpstream([stream_answer(stream_events()[:1])]), limits=LIMITS) as bench:
        assert (await bench.ask(asked_with(body))).status == 502
        assert bench.first.requests[0].header(b"accept-encoding") == b"identity"


@FRAMINGS
@pytest.mark.parametrize("coded", [False, True], ids=["plain", "gzip"])
async def test_a_model_behind_the_first_mib_is_refused_before_anything_is_sent(
    coded, chunked, started
) -> None:
    body = body_of(2, front="", back=',"model":"claude-opus-4-8"')
    request = (
        asked_with(gzip.compress(body), [GZIP], chunked=chunked)
        if coded
        else asked_with(body, chunked=chunked)
    )
    async with started(ScriptedUpstream(otherwise=answer()), limits=LIMITS) as bench:
        got = await bench.ask(request)
        assert (got.status, got.header("x-should-retry"), got.header("retry-after")) == (529, "true", "1")
        kind, message = error_of(got)
        assert kind == "gateway_busy"
        for words in ("`model` is not in its first MiB", "limits.maxBufferedMiB", "before `messages`"):
            assert words in message
        assert bench.first.connections == 0
        (call,) = await bench.admin_json("/requests")
        assert call["bodyKept"] is False


@FRAMINGS
@pytest.mark.parametrize(
    ("back", "named"),
    [
        (',"stream":true', "`stream`"),
        (',"model":"other"', "`model`"),
        (',"mod\\u0065l":"claude-opus-4-8"', "`model`"),
    ],
)
async def test_a_fact_that_comes_too_late_ends_the_send_before_its_body_is_whole(
    back, named, chunked, started
) -> None:
    body = body_of(3, back=back)
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED, limits=LIMITS) as bench:
        got = await bench.ask(asked_with(body, chunked=chunked))
        kind, message = error_of(got)
        assert (got.status, kind) == (529, "gateway_busy")
        assert named in message
        assert [sent.body for sent in bench.first.requests] == [b""]


async def test_what_binds_to_an_account_is_looked_for_in_the_first_mib(started) -> None:
    block = json.dumps(FILE)
    early = body_of(2, front=f'"model":"claude-opus-4-8","system":[{block}],')
    late = body_of(2, back=f',"system":[{block}]')
    first, second = ScriptedUpstream(otherwise=answer()), ScriptedUpstream(otherwise=answer())
    routes = [{"credential": {"secretKeyRef": {"key": "none"}}}, {}]
    async with started(first, second, routes=routes, limits=LIMITS) as bench:
        assert error_of(await bench.ask(asked_with(early)))[0] == "gateway_credential_missing"
        assert (await bench.ask(asked_with(late))).status == 200


@FRAMINGS
async def test_a_coded_body_is_renamed_on_its_way(chunked, started) -> None:
    body = body_of(3)
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED, limits=LIMITS) as bench:
        got = await bench.ask(asked_with(gzip.compress(body), [GZIP], chunked=chunked))
        assert got.status == 200
        sent = bench.first.requests[0]
        assert gzip.decompress(sent.body) == body.replace(b"claude-opus-4-8", b"up-id")
        assert sent.header(b"transfer-encoding") == b"chunked"


async def test_a_coded_body_that_breaks_on_its_way_is_refused(started) -> None:
    coded = gzip.compress(body_of(3))
    broken = coded[: len(coded) // 2]
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED, limits=LIMITS) as bench:
        got = await bench.ask(asked_with(broken, [GZIP]))
        assert (got.status, error_of(got)[0]) == (400, "gateway_bad_request")
        assert [sent.body for sent in bench.first.requests] == [b""]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"no JSON " * MIB, id="no JSON"),
        pytest.param(b"[" * 3 * MIB, id="no object"),
        pytest.param(b'{"x":1}' + b" " * 3 * MIB, id="an object that names none"),
    ],
)
async def test_what_names_no_model_anywhere_passes_as_it_is(body, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), limits=LIMITS) as bench:
        assert (await bench.ask(asked_with(body))).status == 200
        assert bench.first.requests[0].body == body


@FRAMINGS
async def test_the_limit_of_a_body_holds(chunked, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), limits=LIMITS | {"maxBodyMiB": 2}) as bench:
        got = await bench.ask(asked_with(body_of(3), chunked=chunked))
        assert (got.status, error_of(got)[0]) == (413, "gateway_request_too_large")
        assert [sent.body for sent in bench.first.requests] == ([b""] if chunked else [])


async def test_the_callers_deadline_holds(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Hang()]), limits=LIMITS) as bench:
        began = asyncio.get_running_loop().time()
        got = await bench.ask(asked_with(body_of(0), [(b"x-stainless-timeout", b"20")]))
        assert (got.status, error_of(got)[0]) == (504, "gateway_timeout")
        assert asyncio.get_running_loop().time() - began <= 20


async def test_the_list_of_requests_says_whether_a_body_was_kept(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        await bench.message()
        await bench.ask(request_bytes(target="/v1/files", body=b"x"))
        await bench.ask(request_bytes("GET", "/v1/models"))
        calls = await bench.admin_json("/requests")
        assert [call["bodyKept"] for call in calls] == [None, False, True]
