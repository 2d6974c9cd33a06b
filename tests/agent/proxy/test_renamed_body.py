"""A route's own name for the model is put into the body wherever and however that lies; all else stays."""

import gzip
import json
import random
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Request, ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, error

pytestmark = pytest.mark.looptime

MIB = 1 << 20
MAPPED = [{"models": [{"name": "anthropic/opus", "id": "up-id"}]}]
PACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda plain: bytes(brotli.compress(plain, quality=1)),
    "zstd": zstd.compress,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": lambda coded: bytes(brotli.decompress(coded)),
    "zstd": zstd.decompress,
}


def noise(mib: float) -> str:
    """Text that no coding makes much smaller."""
    return random.Random(1).randbytes(int(mib * MIB)).hex()[: int(mib * MIB)]


def body_of(text: str, model: str = '"anthropic/opus"') -> bytes:
    return (
        f'{{ "messages":[{{"role":"user","content":{json.dumps(text)}}}],"model" :{model},'
        '"metadata":{"model":"anthropic/opus"}}'
    ).encode()


def asked_with(body: bytes, coding: str = "identity", *, chunked: bool = False) -> bytes:
    lines = [(b"content-encoding", coding.encode())] if coding != "identity" else []
    if chunked:
        return request_bytes(lines=[*lines, (b"transfer-encoding", b"chunked")]) + chunk(body) + LAST_CHUNK
    return request_bytes(lines=lines, body=body)


def assert_framed(sent: Request) -> None:
    assert sent.header(b"content-length") == b"%d" % len(sent.body)
    assert sent.header(b"transfer-encoding") is None


@pytest.mark.parametrize("coding", list(PACK))
@pytest.mark.parametrize("mib", [0, 0.5, 3], ids=["small", "in memory", "spooled"])
async def test_the_body_is_renamed_through_its_coding_and_again_for_each_send(mib, coding, started) -> None:
    body = body_of(noise(mib))
    upstream = ScriptedUpstream([error(529), answer()])
    async with started(upstream, routes=MAPPED) as bench:
        got = await bench.ask(asked_with(PACK[coding](body), coding))
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
        for sent in upstream.requests:
            renamed = UNPACK[coding](sent.body)
            assert renamed == body.replace(b'"model" :"anthropic/opus"', b'"model" :"up-id"')
            assert sent.header(b"content-encoding") == (None if coding == "identity" else coding.encode())
            assert_framed(sent)


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
async def test_each_route_gets_its_own_name(chunked, started) -> None:
    names = ["first-id", "second-id"]
    routes = [{"models": [{"name": "anthropic/opus", "id": name}]} for name in names]
    first, second = ScriptedUpstream(otherwise=error(529)), ScriptedUpstream(otherwise=answer())
    async with started(first, second, routes=routes, retry={"maxAttempts": 2}) as bench:
        assert (await bench.ask(asked_with(body_of("x"), chunked=chunked))).status == 200
        for sent, name in zip(bench.sends, names, strict=True):
            assert json.loads(sent.body)["model"] == name
            assert_framed(sent)


async def test_every_one_of_repeated_names_is_replaced_however_it_is_spelt(started) -> None:
    body = b'\xef\xbb\xbf{"model":"x","mod\\u0065l":7,"model":"anthropic\\/opus"}'
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED) as bench:
        assert (await bench.ask(asked_with(body))).status == 200
        expected = b'\xef\xbb\xbf{"model":"up-id","mod\\u0065l":"up-id","model":"up-id"}'
        assert bench.first.requests[0].body == expected


async def test_a_name_that_cannot_be_replaced_goes_nowhere(started) -> None:
    body = b"{" + b'"stream":false,' * 300 + b'"model":"anthropic/opus"}'
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED) as bench:
        got = await bench.ask(asked_with(body))
        assert (got.status, json.loads(got.body)["error"]["type"]) == (400, "gateway_bad_request")
        assert bench.first.requests == []


async def test_a_body_of_several_gzip_members_is_read_and_renamed(started) -> None:
    body = body_of("x" * 100)
    coded = gzip.compress(body[:50]) + gzip.compress(body[50:])
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED) as bench:
        assert (await bench.ask(asked_with(coded, "gzip"))).status == 200
        assert json.loads(gzip.decompress(bench.first.requests[0].body))["model"] == "up-id"


async def test_a_body_with_thousands_of_empty_members_in_it_is_renamed(started) -> None:
    body = body_of("x" * 100)
    coded = gzip.compress(body[:50]) + gzip.compress(b"") * 5000 + gzip.compress(body[50:])
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED) as bench:
        assert (await bench.ask(asked_with(coded, "gzip"))).status == 200
        renamed = gzip.decompress(bench.first.requests[0].body)
        assert renamed == body.replace(b'"model" :"anthropic/opus"', b'"model" :"up-id"')


async def test_without_room_for_a_second_body_it_is_coded_as_it_is_sent(started) -> None:
    body = body_of(noise(1.2))
    coded = gzip.compress(body)
    assert MIB // 2 < len(coded) < MIB
    limits = {"maxBufferedMiB": 1, "spoolMiB": 0}
    upstream = ScriptedUpstream([error(529), answer()])
    async with started(upstream, routes=MAPPED, limits=limits) as bench:
        assert (await bench.ask(asked_with(coded, "gzip"))).status == 200
        assert [json.loads(gzip.decompress(sent.body))["model"] for sent in upstream.requests] == [
            "up-id"
        ] * 2
        assert [sent.header(b"transfer-encoding") for sent in upstream.requests] == [b"chunked"] * 2
        assert [sent.header(b"content-length") for sent in upstream.requests] == [None] * 2


async def test_a_file_of_the_account_is_asked_for_under_the_first_routes_name(started) -> None:
    block = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    body = {"model": "anthropic/opus", "messages": [{"role": "user", "content": [block]}]}
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED) as bench:
        assert (await bench.ask(asked_with(json.dumps(body).encode()))).status == 200
        assert json.loads(bench.first.requests[0].body) == body | {"model": "up-id"}


async def test_a_batch_keeps_its_body_byte_for_byte(started) -> None:
    body = b'{"requests":[{"custom_id":"a","params":' + body_of("x") + b"}]}"
    async with started(ScriptedUpstream(otherwise=answer()), routes=MAPPED) as bench:
        request = request_bytes(target="/v1/messages/batches", body=body)
        assert (await bench.ask(request)).status == 200
        assert bench.first.requests[0].body == body
