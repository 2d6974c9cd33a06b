"""The real sidecar as a process of its own, from when it is ready until the end of a block."""

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

_READY_S = 40.0
_STOP_S = 5.0
_LINES_KEPT = 5
_LEADS_ELSEWHERE = ("ANTHROPIC_", "CLAUDE_", "OTEL_")


class DidNotStart(Exception):
    """The sidecar ended before it was ready, or took too long."""


@dataclass(frozen=True, slots=True)
class SidecarProcess:
    """A sidecar that serves: url for the app, admin_url for people, errors: the last of them in its log."""

    url: str
    admin_url: str
    pid: int
    errors: deque[str]


def undisturbed(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without what would lead the SDK or the sidecar away from this machine."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_LEADS_ELSEWHERE) and not name.lower().endswith("_proxy")
    }


@contextlib.asynccontextmanager
async def sidecar_process(policy: str, extra_environ: Mapping[str, str]) -> AsyncIterator[SidecarProcess]:
    """Run `claude-sidecar run` on free ports with a policy, given as YAML text. Raises DidNotStart."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "claude_sidecar.demo.leash"),
        *("--port", "0", "--admin-port", "0", "--drain-seconds", "1"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**undisturbed(os.environ), **extra_environ},
        # A Ctrl-C reaches the demo alone, which then ends the sidecar in order.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    reading: asyncio.Task[None] | None = None
    try:
        process.stdin.write(policy.encode() + b"\0")
        ports = await _ready(process.stderr)
        errors: deque[str] = deque(maxlen=_LINES_KEPT)
        reading = asyncio.create_task(_read_on(process.stderr, errors))
        url, admin_url = (f"http://127.0.0.1:{port}" for port in ports)
        yield SidecarProcess(url, admin_url, process.pid, errors)
    finally:
        await _stop(process)
        if reading is not None:
            reading.cancel()


async def _ready(log: asyncio.StreamReader) -> tuple[int, int]:
    """The ports, data and admin, that the log's line `ready` tells."""
    last: deque[str] = deque(maxlen=_LINES_KEPT)
    try:
        async with asyncio.timeout(_READY_S):
            while line := (await log.readline()).decode("utf-8", "replace").strip():
                last.append(line)
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    facts = json.loads(line)
                    if facts["message"] == "ready":
                        return facts["port"], facts["admin_port"]
    except TimeoutError:
        raise DidNotStart("\n".join([f"it was not ready after {_READY_S:.0f} s", *last])) from None
    raise DidNotStart("\n".join(["it ended before it was ready", *last]))


async def _read_on(log: asyncio.StreamReader, errors: deque[str]) -> None:
    """Keep the pipe empty, since a full one would stop the sidecar; lines are never longer than its limit."""
    while line := await log.readline():
        if b'"level":"error"' in line:
            errors.append(line.decode("utf-8", "replace").strip())


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    # Not by terminate(), which may reap a process that has just ended and so take its exit code from asyncio.
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
