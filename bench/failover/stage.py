"""Plays a scenario: two upstreams on sockets, and the app before the first or before a sidecar process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from bench.failover.app import App
from bench.failover.result import FIRST, SECOND, Result
from bench.failover.scenario import Play, Scenario
from bench.processes import free_ports, started
from bench.promise.answers import Script
from bench.promise.script_server import Lines, ScriptServer

POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: examined}}
spec:
  routes:
    - name: first
      endpoint: http://127.0.0.1:{first}
    - name: second
      endpoint: http://127.0.0.1:{second}
      credential: {{env: SECOND_KEY}}
  timeouts: {{connect: 2s, firstByte: 3s, firstDelta: 4s, idle: 5s, stalled: 6s, total: 20s}}
  circuitBreaker: {{minRequests: 5, window: 10s, openFor: 3s}}
"""
_SECOND_KEY = {"SECOND_KEY": "sk-ant-api03-second"}


class Route:
    """One upstream and when it was asked; nobody listens where it has no play."""

    def __init__(self, play: Play | None) -> None:
        self._play = play
        self._began_s = 0.0
        self._server = ScriptServer(self._answer)
        self.sends: list[float] = []

    @contextlib.asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        """Serve from now on, which is when the scenario begins."""
        self._began_s = time.perf_counter()
        if self._play is None:
            yield
            return
        async with self._server.running(port):
            yield

    def _answer(self, _: Lines) -> Script:
        assert self._play is not None
        now_s = time.perf_counter() - self._began_s
        self.sends.append(now_s)
        return self._play(len(self.sends) - 1, now_s)


async def alone(scenario: Scenario) -> Result:
    """The app calls the first route itself."""
    (port,) = free_ports(1)
    return await _play(scenario, {FIRST: port}, f"http://127.0.0.1:{port}")


async def through_sidecar(scenario: Scenario) -> Result:
    """The app calls a sidecar that knows both routes."""
    first, second = free_ports(2)
    starting = started(POLICY.format(first=first, second=second), more_environ=_SECOND_KEY)
    running = await asyncio.to_thread(starting.__enter__)
    try:
        return await _play(scenario, {FIRST: first, SECOND: second}, running.url)
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def _play(scenario: Scenario, ports: dict[int, int], base_url: str) -> Result:
    routes = {FIRST: Route(scenario.first), SECOND: Route(scenario.second)}
    app = App(base_url, stream=scenario.stream)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(app.close)
        for number, port in ports.items():
            await stack.enter_async_context(routes[number].running(port))
        calls = await asyncio.gather(*(app.call(starts_s) for starts_s in scenario.starts_s))
    return Result(tuple(calls), {number: tuple(route.sends) for number, route in routes.items()})
