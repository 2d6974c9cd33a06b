"""The app: the official Python SDK with its own repeats, as it comes but for a shorter time-out."""

import asyncio
import time
from typing import Any

import anthropic

from bench.failover.result import LONGEST_S, CallResult
from bench.promise.answers import MODEL, good_events
from bench.promise.outcome import End, Outcome
from bench.promise.real_sdk import plain_client

TIMEOUT_S = 8.0
_ASK: Any = [{"role": "user", "content": "Where?"}]
_EVENTS = [one.split(b"\n", 1)[0].removeprefix(b"event: ").decode() for one in good_events(0)]


class App:
    """Makes calls to one base URL."""

    def __init__(self, base_url: str, *, stream: bool) -> None:
        self._stream = stream
        self._client = anthropic.AsyncAnthropic(
            base_url=base_url, api_key="sk-ant-api03-examiner", timeout=TIMEOUT_S, http_client=plain_client()
        )

    async def close(self) -> None:
        """Let go of its connections."""
        await self._client.close()

    async def call(self, starts_s: float) -> CallResult:
        """One call, so many seconds from now; given up after 30 s."""
        await asyncio.sleep(starts_s)
        began = time.perf_counter()
        seen: list[Any] = []
        try:
            async with asyncio.timeout(LONGEST_S):
                outcome = await (self._read(seen) if self._stream else self._ask(seen))
        except TimeoutError:
            return CallResult(starts_s, LONGEST_S, None)
        except anthropic.APIStatusError as error:
            # An `error` event in a stream is raised as one, too, with the status of the stream's head.
            end = End.BROKEN if error.status_code < 400 else End.STATUS
            outcome = Outcome(end, error.status_code, (), str(error))
        except anthropic.APIConnectionError as error:
            outcome = Outcome(End.UNREACHED, None, (), type(error).__name__)
        except Exception as error:  # what the SDK's HTTP library raises amid a stream comes through as it is
            outcome = Outcome(End.BROKEN, 200, (), type(error).__name__)
        message = next((one for one in seen if getattr(one, "id", None)), None)
        return CallResult(
            starts_s,
            time.perf_counter() - began,
            outcome,
            int(message.id[-1]) if message is not None else None,
            getattr(message, "stop_reason", None),
        )

    async def _ask(self, seen: list[Any]) -> Outcome:
        answer = await self._client.messages.create(model=MODEL, max_tokens=5, messages=_ASK)
        seen.append(answer)
        kind = getattr(answer, "type", None)  # the SDK hands on what it can't read
        return Outcome(End.ANSWERED if kind == "message" else End.WRONG, 200, ())

    async def _read(self, seen: list[Any]) -> Outcome:
        stream = await self._client.messages.create(model=MODEL, max_tokens=5, messages=_ASK, stream=True)
        names = []
        async for event in stream:
            names.append(event.type)
            if event.type == "message_start":
                seen.append(event.message)
        if names == _EVENTS:
            return Outcome(End.ANSWERED, 200, ())
        end = End.TRUNCATED if names == _EVENTS[: len(names)] else End.WRONG
        return Outcome(end, 200, (), f"{len(names)} of {len(_EVENTS)} events")
