"""The app: the official `anthropic` package, which knows nothing of the sidecar but its address."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anthropic

from claude_sidecar.demo.asked import Asked
from claude_sidecar.demo.outcome import Outcome

SDK = f"anthropic {anthropic.__version__}"


class App:
    """Calls as an app makes them: the SDK with its own retries, two, switched on."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client

    async def call(self, asked: Asked, key: str, traceparent: str) -> Outcome:
        """Make a call and tell how it ended; the SDK's errors are outcomes."""
        client = self._client.with_options(api_key=key)
        request: dict[str, Any] = {
            "model": asked.model,
            "max_tokens": 200,
            "messages": [{"role": "user", "content": asked.prompt}],
            "extra_headers": {"traceparent": traceparent},
        }
        deltas: list[str] = []
        try:
            if asked.stream:
                return await _stream(client, request, deltas)
            raw = await client.messages.with_raw_response.create(**request)
            message = await raw.parse()
        except anthropic.APIStatusError as error:
            return _failed(error, len(deltas))
        except anthropic.APIConnectionError as error:
            told = f"{type(error).__name__}: {error.__cause__ or error}"
            return Outcome(told, "connection_error", len(deltas))
        told = f"an answer of {message.usage.output_tokens} tokens"
        return Outcome(told, headers=_lower(raw.headers))


@asynccontextmanager
async def app(base_url: str) -> AsyncIterator[App]:
    """An app whose base URL is the sidecar's."""
    # Proxy variables are for the way to the internet, and this one leads to the same machine.
    http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
    async with anthropic.AsyncAnthropic(
        base_url=base_url, api_key="set by each call", http_client=http
    ) as client:
        yield App(client)


async def _stream(client: anthropic.AsyncAnthropic, request: dict[str, Any], deltas: list[str]) -> Outcome:
    async with client.messages.stream(**request) as stream:
        async for text in stream.text_stream:
            deltas.append(text)  # noqa: PERF401 - what came before an error counts, too
        message = await stream.get_final_message()
        whole = message.stop_reason is not None and "".join(deltas)
        told = f"a {'whole' if whole else 'broken'} stream of {len(deltas)} deltas"
        return Outcome(told, None if whole else "no_end", len(deltas), _lower(stream.response.headers))


def _failed(error: anthropic.APIStatusError, deltas: int) -> Outcome:
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error")
    error_type = str(inner.get("type")) if isinstance(inner, dict) else "unknown"
    status = error.status_code
    kind = type(error).__name__ + (f" {status}" if status >= 400 else "")
    told = f"{deltas} deltas, then {kind}: {error_type}" if deltas else f"{kind}: {error_type}"
    return Outcome(told, error_type, deltas, _lower(error.response.headers))


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
