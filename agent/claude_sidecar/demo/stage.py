"""All that runs while scenes are played: the upstream, the collector, the sidecar and the app."""

import asyncio
import contextlib
import importlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_sidecar.demo.collector import Collector
from claude_sidecar.demo.outcome import Outcome
from claude_sidecar.demo.promise import Difference, Seen, Served, differences
from claude_sidecar.demo.scenes import FIRST, FIRST_KEY, SECOND, SECOND_KEY, SECOND_KEY_VARIABLE, Scene, api
from claude_sidecar.demo.sidecar_process import SidecarProcess, sidecar_process
from claude_sidecar.simulator import Simulator
from claude_sidecar.simulator.ledger import Entry
from claude_sidecar.telemetry import names

if TYPE_CHECKING:
    from claude_sidecar.demo.app import App

_CALL_S = 15.0
_TRACE_S = 3.0
_LEDGER_LOOKS = 200
_LEDGER_EVERY_S = 0.01
_EXPORT_EVERY_MS = 50


@dataclass(frozen=True, slots=True)
class Played:
    """A scene, what was seen of it, what of that went otherwise than promised, and how long it took."""

    scene: Scene
    seen: Seen
    wrong: list[Difference]
    seconds: float


class Stage:
    """Plays scenes; made by `stage`."""

    def __init__(
        self, upstream: Simulator, collector: Collector, sidecar: SidecarProcess, app: "App"
    ) -> None:
        self.sidecar = sidecar
        self._upstream = upstream
        self._collector = collector
        self._app = app

    async def play(self, scene: Scene) -> Played:
        """Play one scene to its end; one that does not end is cut off and goes wrong."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        before = max((entry.n for entry in self._upstream.ledger.calls()), default=0)
        self._upstream.use(scene.scenario())
        trace_id = secrets.token_hex(16)
        outcome = await self._call(scene, f"00-{trace_id}-{secrets.token_hex(8)}-01")
        seconds = loop.time() - began
        spans = await self._collector.trace(trace_id, _TRACE_S)
        attempts = sum(int(span.attributes.get(names.ATTEMPTS, 0)) for span in spans)
        seen = Seen(outcome, spans, await self._served(before, attempts))
        return Played(scene, seen, list(differences(scene.promise, seen)), seconds)

    def open_to_all(self) -> None:
        """Let the upstream be well from now on and take any key."""
        self._upstream.use(api(strict=False))

    async def _call(self, scene: Scene, traceparent: str) -> Outcome:
        key = f'"{FIRST_KEY}"' if scene.asked.quoted_key else FIRST_KEY
        try:
            async with asyncio.timeout(_CALL_S):
                return await self._app.call(scene.asked, key, traceparent)
        except TimeoutError:
            return Outcome(f"nothing within {_CALL_S:.0f} s", "no_end")

    async def _served(self, before: int, attempts: int) -> list[Served]:
        """What the ledger has since. A call enters it when it ends, maybe after the app has its answer."""
        entries = self._upstream.ledger.calls(before)
        for _ in range(_LEDGER_LOOKS):
            if len(entries) >= attempts:
                break
            await asyncio.sleep(_LEDGER_EVERY_S)
            entries = self._upstream.ledger.calls(before)
        # Only the second route has a key of its own; the first one's is whatever the app sent.
        return [Served(SECOND if entry.key == SECOND else FIRST, _told(entry)) for entry in entries]


@contextlib.asynccontextmanager
async def stage(policy: str) -> AsyncIterator[Stage]:
    """Set everything up, and take it down whatever happens.

    policy: YAML in which UPSTREAM stands for the simulator's address. Raises DidNotStart.
    """
    upstream, collector = Simulator(api()), Collector()
    async with upstream.running() as base_url, collector.running() as endpoint:
        environ = {
            SECOND_KEY_VARIABLE: SECOND_KEY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": str(_EXPORT_EVERY_MS),
        }
        policy = policy.replace("UPSTREAM", base_url)
        # The SDK takes a second to import, the sidecar one to start: both at once.
        importing = asyncio.create_task(asyncio.to_thread(importlib.import_module, "claude_sidecar.demo.app"))
        async with sidecar_process(policy, environ) as sidecar:
            await importing
            from claude_sidecar.demo.app import app

            async with app(sidecar.url) as the_app:
                yield Stage(upstream, collector, sidecar, the_app)


def _told(entry: Entry) -> str:
    told = str(entry.status) if entry.status is not None else "no answer"
    if entry.status == 200 and entry.error_type is not None:
        return f"{told} with {entry.error_type} as event {entry.events}"
    return f"{told} cut after {entry.events} events" if entry.ended == "cut" else told
