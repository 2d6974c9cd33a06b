"""A behaviour, met directly and through a sidecar: each in a world of its own, in memory, on virtual time."""

import asyncio
import contextlib
import json
import random
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.promise.behaviour import Behaviour
from bench.promise.outcome import Outcome
from bench.promise.scripted_upstream import ScriptedUpstream, Seen
from bench.promise.sdk_model import ModelClient
from bench.promise.virtual_loop import VirtualLoop
from claude_sidecar import clock
from claude_sidecar.proxy.sidecar import Settings, Sidecar

UPSTREAM_PORT = 11_000
_BEGAN_UNIX_S = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Side:
    """What came of a behaviour on one way: outcomes in the order of its calls, the upstream's ledger."""

    outcomes: tuple[Outcome, ...]
    ledger: tuple[Seen, ...]


class Client(Protocol):
    """An SDK, or the model of one, that makes a behaviour's calls."""

    async def call(self, number: int) -> Outcome:
        """Make the call of this number, with all repeats of its own."""

    async def close(self) -> None:
        """Let go of its connections."""


def unix_s() -> float:
    """The world's wall clock, which goes with its loop's."""
    return _BEGAN_UNIX_S + asyncio.get_running_loop().time()


def modelled(behaviour: Behaviour, port: int, chance: Callable[[], float]) -> Client:
    """The model of the Python SDK as a client of that port; chance: for its jitter."""
    return ModelClient(behaviour, port, chance, unix_s)


class World:
    """Plays behaviours; holds the policy file that its sidecars go by."""

    def __init__(self, folder: Path, spec: dict[str, Any]) -> None:
        """folder: for the policy file; spec: what differs from the default policy."""
        route = {"name": "only", "endpoint": f"http://127.0.0.1:{UPSTREAM_PORT}"}
        document = {
            "apiVersion": "claude-sidecar.dev/v1alpha1",
            "kind": "ClaudePolicy",
            "metadata": {"name": "promise"},
            "spec": {"routes": [route]} | spec,
        }
        self._policy = folder / "policy.yaml"
        self._policy.write_text(json.dumps(document))

    def direct(self, behaviour: Behaviour, seed: int, client: Callable[..., Client] = modelled) -> Side:
        """The app's SDK calls the upstream itself."""
        return _run(_play(behaviour, seed, client, None))

    def through(self, behaviour: Behaviour, seed: int) -> Side:
        """The same with a sidecar between the two, all of its code in use but for sockets."""
        return _run(_play(behaviour, seed, modelled, self._policy))


@contextlib.contextmanager
def world(spec: dict[str, Any] | None = None) -> Iterator[World]:
    """A world; spec: what differs from the default policy, nothing by default."""
    with tempfile.TemporaryDirectory(prefix="promise-") as folder:
        yield World(Path(folder), spec or {})


async def _play(behaviour: Behaviour, seed: int, client: Callable[..., Client], policy: Path | None) -> Side:
    random.seed(seed)
    upstream = ScriptedUpstream(behaviour, unix_s)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(upstream.running(UPSTREAM_PORT))
        port = UPSTREAM_PORT
        if policy is not None:
            sidecar = Sidecar(Settings(policy, 0, 0), {})
            await stack.enter_async_context(sidecar.running())
            port = sidecar.port
        outcomes = await asyncio.gather(
            *(_call(behaviour, number, seed, port, client) for number in range(len(behaviour.calls)))
        )
    return Side(tuple(outcomes), tuple(upstream.ledger))


async def _call(
    behaviour: Behaviour, number: int, seed: int, port: int, client: Callable[..., Client]
) -> Outcome:
    # A call's jitter is the same on both ways, so that no difference is luck.
    chance = random.Random(f"{seed} {number}").random
    await asyncio.sleep(behaviour.calls[number].starts_s)
    caller = client(behaviour, port, chance)
    try:
        return await caller.call(number)
    finally:
        await caller.close()


def _run(main: Coroutine[Any, Any, Side]) -> Side:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loops_time = runner.get_loop().time
        with clock.played(loops_time, int(_BEGAN_UNIX_S * 1e9), random.random):
            return runner.run(main)
