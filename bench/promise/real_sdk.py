"""The official Python SDK itself, making a behaviour's calls; nothing in it is changed."""

import ssl
from functools import cache
from typing import Any

import anthropic

from bench.promise.answers import MODEL, good_events
from bench.promise.behaviour import Behaviour, Kind
from bench.promise.outcome import End, Outcome
from bench.promise.scripted_upstream import CALL_HEADER


def plain_client() -> Any:
    """The SDK's own HTTP client; nothing here speaks TLS, so that its CAs need not be read anew each time."""
    return anthropic.DefaultAsyncHttpxClient(verify=_no_tls())


@cache
def _no_tls() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


_ASK: Any = [{"role": "user", "content": "Where?"}]
_BATCH: Any = [{"custom_id": "a", "params": {"model": MODEL, "max_tokens": 5, "messages": _ASK}}]


class RealClient:
    """Makes the calls of one behaviour; its outcomes tell of no tries, the upstream's ledger does."""

    def __init__(self, behaviour: Behaviour, port: int) -> None:
        self._behaviour = behaviour
        given: Any = {} if behaviour.timeout_s is None else {"timeout": behaviour.timeout_s}
        url = f"http://127.0.0.1:{port}"
        self._client = anthropic.AsyncAnthropic(
            base_url=url, api_key="sk-ant-api03-real", http_client=plain_client(), **given
        )

    async def close(self) -> None:
        """Let go of its connections."""
        await self._client.close()

    async def call(self, number: int) -> Outcome:
        """Make the behaviour's call of this number."""
        kind = self._behaviour.calls[number].kind
        try:
            answer = await self._ask(kind, {"extra_headers": {CALL_HEADER: str(number)}})
        except anthropic.APIStatusError as error:
            return Outcome(End.STATUS, error.status_code, (), str(error))
        except anthropic.APIConnectionError as error:
            return Outcome(End.UNREACHED, None, (), type(error).__name__)
        if kind is Kind.STREAM:
            return await _read(answer, number)
        # What is no JSON the SDK hands on as text.
        wrong = isinstance(answer, str) or (
            kind not in (Kind.COUNT, Kind.MODELS) and answer.id != f"{kind}_{number}"
        )
        return Outcome(End.WRONG if wrong else End.ANSWERED, 200, (), repr(answer) if wrong else "")

    async def _ask(self, kind: Kind, more: Any) -> Any:
        client = self._client
        match kind:
            case Kind.MESSAGE:
                return await client.messages.create(model=MODEL, max_tokens=5, messages=_ASK, **more)
            case Kind.STREAM:
                return await client.messages.create(
                    model=MODEL, max_tokens=5, messages=_ASK, stream=True, **more
                )
            case Kind.COUNT:
                return await client.messages.count_tokens(model=MODEL, messages=_ASK, **more)
            case Kind.BATCH:
                return await client.messages.batches.create(requests=_BATCH, **more)
            case Kind.UPLOAD:
                return await client.files.upload(file=("sea.txt", b"waves", "text/plain"), **more)
            case Kind.DELETE:
                return await client.files.delete("file_1", **more)
            case Kind.MODELS:
                return await client.models.list(**more)


async def _read(stream: Any, number: int) -> Outcome:
    names: list[str] = []
    try:
        names.extend([event.type async for event in stream])
    except Exception as error:
        return Outcome(End.BROKEN, 200, (), f"{type(error).__name__}: {error}")
    expected = [one.split(b"\n", 1)[0].removeprefix(b"event: ").decode() for one in good_events(number)]
    if names == expected:
        return Outcome(End.ANSWERED, 200, ())
    end = End.TRUNCATED if names == expected[: len(names)] else End.WRONG
    return Outcome(end, 200, (), f"{len(names)} of {len(expected)} events")
