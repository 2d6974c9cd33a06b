"""An outage lived through: a sidecar process, a simulated API for each route, an app that calls in time."""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import aiohttp
from support.free_ports import free_ports
from support.project import ROOT

from claude_sidecar.replay.load import AskedCall
from claude_sidecar.simulator import Scenario, Simulator

_PROGRAM = ROOT / "tests" / "support" / "seeded_sidecar.py"
_READY_WITHIN_S = 30


class End(NamedTuple):
    """How a call ended: as the app saw it, and where it was sent."""

    status: int
    error: str | None
    sends: tuple[str, ...]


class Lived(NamedTuple):
    """Ends in the order of the calls; sends that each route's API counted."""

    ends: tuple[End, ...]
    ledger: dict[str, int]


async def live(calls: Sequence[AskedCall], scenarios: dict[str, Scenario], policy: dict, seed: int) -> Lived:
    """Live through it. policy: without endpoints, which become the simulators'."""
    async with contextlib.AsyncExitStack() as stack:
        simulators = {name: Simulator(scenario) for name, scenario in scenarios.items()}
        for route in policy["spec"]["routes"]:
            route["endpoint"] = (
                await stack.enter_async_context(simulators[route["name"]].running())
            ).replace("localhost", "127.0.0.1")
        port, admin = await stack.enter_async_context(_sidecar(policy, seed))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for simulator, scenario in zip(simulators.values(), scenarios.values(), strict=True):
            simulator.use(scenario)
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(
            *(_call(session, port, number, call, began) for number, call in enumerate(calls, 1))
        )
        listed = await (await session.get(f"http://127.0.0.1:{admin}/requests")).json()
        by_number = {int(entry["feature"]): entry for entry in listed}
        ends = [
            End(status, error, tuple(sent["route"] for sent in by_number[number]["attempts"]))
            for number, (status, error) in enumerate(answers, 1)
        ]
        return Lived(tuple(ends), {name: len(each.ledger.calls()) for name, each in simulators.items()})


async def _call(
    session: aiohttp.ClientSession, port: int, number: int, call: AskedCall, began: float
) -> tuple[int, str | None]:
    await asyncio.sleep(began + call.at_s - asyncio.get_running_loop().time())
    body = {
        "model": call.model,
        "max_tokens": 4096,
        "stream": call.stream,
        # The simulator counts a token for four letters, and four for the message.
        "messages": [{"role": "user", "content": "a" * 4 * (call.input_tokens - 4)}],
    }
    headers = {
        "x-api-key": "sk-ant-api03-lived",
        "anthropic-version": "2023-06-01",
        "x-call": str(number),
        "x-claude-feature": str(number),
    }
    async with session.post(f"http://127.0.0.1:{port}/v1/messages", json=body, headers=headers) as answer:
        return answer.status, _error(await answer.read())


def _error(body: bytes) -> str | None:
    """`error.type` of a body, or of the event that ends a stream."""
    last = body.strip().rpartition(b"\ndata: ")[2]
    try:
        said = json.loads(last)
    except ValueError:
        return None if b"message_stop" in body else "no JSON"
    return said["error"]["type"] if said.get("type") == "error" else None


@contextlib.asynccontextmanager
async def _sidecar(policy: dict, seed: int) -> AsyncIterator[tuple[int, int]]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(policy, file)
        file.flush()
        port, admin = free_ports(2)
        command = (sys.executable, str(_PROGRAM), str(seed), "run", "--policy", file.name)
        ports = ("--port", str(port), "--admin-port", str(admin))
        process = await asyncio.create_subprocess_exec(*command, *ports, stderr=asyncio.subprocess.DEVNULL)
        try:
            await _ready(admin)
            yield port, admin
        finally:
            process.terminate()
            await process.wait()


async def _ready(admin: int) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < until:
            with contextlib.suppress(aiohttp.ClientError):
                if (await session.get(f"http://127.0.0.1:{admin}/readyz")).status == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError("the sidecar did not get ready")
