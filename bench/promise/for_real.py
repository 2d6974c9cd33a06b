"""Behaviours met by the official SDK in real time, on real sockets, each with its own sidecar process."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

from bench.processes import free_ports, started
from bench.promise.behaviour import Behaviour
from bench.promise.differential import Find
from bench.promise.draw import drawn_brief
from bench.promise.outcome import Outcome
from bench.promise.real_sdk import RealClient
from bench.promise.scripted_upstream import ScriptedUpstream
from bench.promise.sides import Side
from bench.promise.verdict import judge

_AGAIN = 2
_POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: promise}}
spec:
  routes:
    - name: only
      endpoint: http://127.0.0.1:{port}
"""


async def hunt_for_real(seeds: Iterable[int], at_once: int) -> AsyncIterator[tuple[Side, Side, Find | None]]:
    """Both ways of each seed's brief behaviour, and a find where a promise does not hold; in no order."""
    room = asyncio.Semaphore(at_once)

    async def one(seed: int) -> tuple[Side, Side, Find | None]:
        behaviour = drawn_brief(seed)
        async with room:
            played = await _both(seed, behaviour)
            for _ in range(_AGAIN):
                # What does not show again was a hiccup of the machine's, which moved a send past an outage.
                if played[2] is not None:
                    played = await _both(seed, behaviour)
        return played

    for ended in asyncio.as_completed([one(seed) for seed in seeds]):
        yield await ended


async def _both(seed: int, behaviour: Behaviour) -> tuple[Side, Side, Find | None]:
    direct, through = await asyncio.gather(_direct(behaviour), _through(behaviour))
    breaches = judge(behaviour, direct, through).breaches
    return direct, through, Find(seed, behaviour, breaches, direct, through) if breaches else None


async def _direct(behaviour: Behaviour) -> Side:
    upstream = ScriptedUpstream(behaviour, time.time)
    async with upstream.running():
        return await _calls(behaviour, upstream, upstream.port)


async def _through(behaviour: Behaviour) -> Side:
    (port,) = free_ports(1)
    upstream = ScriptedUpstream(behaviour, time.time)
    starting = started(_POLICY.format(port=port))
    running = await asyncio.to_thread(starting.__enter__)
    try:
        # A sidecar looks for no upstream before there is a call, and the behaviour's clock begins with it.
        async with upstream.running(port):
            return await _calls(behaviour, upstream, int(running.url.rpartition(":")[2]))
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def _calls(behaviour: Behaviour, upstream: ScriptedUpstream, port: int) -> Side:
    client = RealClient(behaviour, port)
    numbers = range(len(behaviour.calls))
    try:
        outcomes = await asyncio.gather(*(_call(behaviour, client, number) for number in numbers))
    finally:
        await client.close()
    return Side(tuple(outcomes), tuple(upstream.ledger))


async def _call(behaviour: Behaviour, client: RealClient, number: int) -> Outcome:
    await asyncio.sleep(behaviour.calls[number].starts_s)
    return await client.call(number)
