"""Plays drawn calls through a sidecar process and gathers what everybody wrote down."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from bench.ledger.app import App
from bench.ledger.books import Call, Sums, TracedCall, from_metrics, from_requests, from_spans
from bench.ledger.compare import Books
from bench.ledger.plans import drawn
from bench.ledger.setting import KEYS, OWN_KEY, policy, scenario
from claude_sidecar.demo.collector import Collector
from claude_sidecar.demo.sidecar_process import SidecarProcess, sidecar_process
from claude_sidecar.simulator import Simulator

_LISTED_MOST = 500
_LOOK_EVERY = 100
_PATIENCE_S = 30.0
_IN_FLIGHT = "claude_sidecar_requests_in_flight"


@dataclass(frozen=True, slots=True)
class Played:
    """What was played: the books, and the seconds that it took."""

    books: Books
    seconds: float


async def play(seed: int, calls: int, at_once: int, tell: Callable[[int], None]) -> Played:
    """Make so many calls. tell: called with how many are over. Raises DidNotStart."""
    simulator, collector = Simulator(scenario(seed)), Collector()
    async with (
        simulator.running() as upstream,
        collector.running() as endpoint,
        sidecar_process(policy(upstream), _environ(endpoint)) as sidecar,
        _Reader(sidecar) as reader,
    ):
        began, app = asyncio.get_running_loop().time(), App(sidecar.url, seed)
        await app.play((drawn(seed, n) for n in range(calls)), at_once, _each(reader, tell))
        listed, metrics = await reader.all()
        page = (await reader.json("/overview"))["rollups"]["start"]
        seconds = asyncio.get_running_loop().time() - began
        traces = await _traces(collector, listed)
    entries = {entry.request_id: entry for entry in simulator.ledger.calls() if entry.request_id}
    known = {call.conversation: call for call in listed.values()}
    return Played(Books(app.statuses, entries, known, traces, metrics, page), seconds)


def _environ(endpoint: str) -> dict[str, str]:
    return {
        OWN_KEY: KEYS["own"],
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "100000",
    }


def _each(reader: "_Reader", tell: Callable[[int], None]) -> Callable[[], None]:
    over = 0

    def one() -> None:
        nonlocal over
        over += 1
        if over % _LOOK_EVERY == 0:
            reader.look()
        tell(over)

    return one


class _Reader:
    """Reads `/requests` often enough that no call is lost to its bound."""

    def __init__(self, sidecar: SidecarProcess) -> None:
        self._admin = sidecar.admin_url
        self._session = aiohttp.ClientSession()
        self._looks: set[asyncio.Task[None]] = set()
        self._found: dict[str, Call] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._looks)
        await self._session.close()

    def look(self) -> None:
        """Read what is there, beside the calls."""
        task = asyncio.create_task(self._look())
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def all(self) -> tuple[dict[str, Call], dict[str, Sums]]:
        """Every call by its trace id, and the metrics, once no call is under way."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                metrics = from_metrics(await self._text("/metrics"))
                await self._look()
                ended = sum(metrics["claude_sidecar_requests_total"].values())
                if not metrics[_IN_FLIGHT] and len(self._found) == ended:
                    return self._found, metrics
                await asyncio.sleep(0.05)

    async def json(self, path: str) -> Any:
        """What the admin port tells."""
        return json.loads(await self._text(path))

    async def _text(self, path: str) -> str:
        async with self._session.get(self._admin + path) as answer:
            return await answer.text()

    async def _look(self) -> None:
        entries: list[dict[str, Any]] = await self.json("/requests")
        new = [entry for entry in entries if entry["traceId"] not in self._found]
        if self._found and len(new) >= _LISTED_MOST:
            raise RuntimeError("calls were lost between two looks at /requests: look more often")
        self._found.update((entry["traceId"], from_requests(entry)) for entry in new)


async def _traces(collector: Collector, listed: dict[str, Call]) -> dict[str, TracedCall]:
    """The spans of each call, by its conversation."""
    found: dict[str, TracedCall] = {}
    for trace_id, call in listed.items():
        spans = await collector.trace(trace_id, _PATIENCE_S)
        if spans:
            found[call.conversation] = from_spans(spans)
    return found
