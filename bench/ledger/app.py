"""An app that makes the planned calls, some at once, and goes away from some of them."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable

import aiohttp

from bench.ledger.plans import Plan, key_of
from bench.ledger.setting import CONVERSATION

_BATCHES = "/v1/messages/batches"


class App:
    """Calls a sidecar; statuses: what each call that was not left was answered, by its conversation.

    A connection is closed behind an interrupted stream: no call may run into that by reusing it, or it would
    be the app that sends it twice. So each call has a connection of its own.
    """

    def __init__(self, base_url: str, seed: int) -> None:
        self._base_url = base_url
        self._dice = random.Random(seed)
        self.statuses: dict[str, int] = {}

    async def play(self, plans: Iterable[Plan], at_once: int, each: Callable[[], None]) -> None:
        """Make all calls. each: called after every one of them."""
        queue = iter(plans)

        async def worker(session: aiohttp.ClientSession) -> None:
            for plan in queue:
                await self._call(session, plan)
                each()

        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0)
        ) as session:
            await asyncio.gather(*(worker(session) for _ in range(at_once)))

    async def _call(self, session: aiohttp.ClientSession, plan: Plan) -> None:
        stays = plan.leaves_after is None
        # Of what is no stream the app goes away by the clock: there is nothing of it to count. It may be
        # gone before the sidecar knows of the call.
        patience_s = None if stays or plan.body.get("stream") else (1 + plan.leaves_after) / 200
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                asyncio.timeout(patience_s),
                session.post(
                    self._base_url + plan.path, json=plan.body, headers=self._headers(plan)
                ) as answer,
            ):
                if not stays:
                    await _read_some(answer, plan.leaves_after)
                    answer.close()
                    return
                self.statuses[plan.conversation] = answer.status
                if plan.path == _BATCHES and answer.status == 200:
                    await self._results(session, plan, (await answer.json())["id"])
                await answer.read()

    async def _results(self, session: aiohttp.ClientSession, plan: Plan, batch: str) -> None:
        """What a batch came to: it tells usage that is of no call."""
        url, named = f"{self._base_url}{_BATCHES}/{batch}/results", f"{plan.conversation}-results"
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(url, headers=self._headers(plan, named)) as answer:
                self.statuses[named] = answer.status
                await answer.read()

    def _headers(self, plan: Plan, conversation: str = "") -> dict[str, str]:
        trace = {"traceparent": f"00-{self._dice.getrandbits(128):032x}-00000000000000aa-01"}
        return {
            "x-api-key": key_of(plan),
            "anthropic-version": "2023-06-01",
            CONVERSATION: conversation or plan.conversation,
            **(trace if plan.traced else {}),
            **plan.headers,
        }


async def _read_some(answer: aiohttp.ClientResponse, events: int) -> None:
    """So many events, or all where there are fewer."""
    seen = 0
    async for line in answer.content:
        seen += line == b"\n"
        if seen >= events:
            return
