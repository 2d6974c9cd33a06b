"""`claude-sidecar run`: the proxy as a process."""

import asyncio
import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path

import click

from claude_sidecar import __version__, clock
from claude_sidecar.config.own_address import ADMIN_PORT, DATA_PORT
from claude_sidecar.proxy.open_files import raise_limit
from claude_sidecar.proxy.sidecar import PortUnusable, Settings, Sidecar
from claude_sidecar.telemetry.log import configure, event

logger = logging.getLogger(__name__)

_GARBAGE_OBJECTS = 20_000

_PORT_TROUBLE = {
    errno.EADDRINUSE: "it is taken by another process",
    errno.EACCES: "it is privileged: below 1024 only root may listen",
}


@click.command("run")
@click.option(
    "--policy",
    envvar="CLAUDE_SIDECAR_POLICY",
    type=click.Path(path_type=Path),
    help="ClaudePolicy file; default: one route to api.anthropic.com with the caller's key.",
)
@click.option(
    "--port",
    envvar="CLAUDE_SIDECAR_PORT",
    default=DATA_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port the application connects to.",
)
@click.option(
    "--admin-port",
    envvar="CLAUDE_SIDECAR_ADMIN_PORT",
    default=ADMIN_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port for probes, metrics and status.",
)
@click.option(
    "--drain-seconds",
    envvar="CLAUDE_SIDECAR_DRAIN_SECONDS",
    default=25.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Time for requests in flight to end after SIGTERM.",
)
@click.option(
    "--log-level",
    envvar="CLAUDE_SIDECAR_LOG_LEVEL",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
)
def command(policy: Path | None, port: int, admin_port: int, drain_seconds: float, log_level: str) -> None:
    """Serve the app on 127.0.0.1; set ANTHROPIC_BASE_URL=http://127.0.0.1:8787 there.

    Each option is also a variable: CLAUDE_SIDECAR_POLICY, _PORT, _ADMIN_PORT, _DRAIN_SECONDS, _LOG_LEVEL.
    SIGTERM drains, SIGHUP re-reads the policy.
    """
    configure(log_level)
    raise_limit()
    settings = Settings(policy, port, admin_port, drain_seconds)
    try:
        _loop_run(_serve(settings))
    except PortUnusable as unusable:
        why = _PORT_TROUBLE.get(unusable.errno or 0, str(unusable))
        _fail(f"cannot listen on port {unusable.port}: {why}. Choose another with {unusable.option}")
    except ValueError as wrong:
        _fail(str(wrong))


async def _serve(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    sidecar = Sidecar(settings, os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, sidecar.reload)
    async with sidecar.running():
        event(
            logger,
            logging.INFO,
            "ready",
            port=sidecar.port,
            admin_port=sidecar.admin_port,
            version=__version__,
        )
        # What was made at start lives as long as the process: the collector need not look at it again.
        # Calls leave few cycles behind, so it need not look for them at every other call either.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE_OBJECTS)
        await stop.wait()
        event(logger, logging.INFO, "draining", in_flight=sidecar.handler.in_flight)
        done = await sidecar.drain()
        event(logger, logging.INFO, "stopped", cut_off=0 if done else sidecar.handler.in_flight)


def _loop_run(main: Coroutine[None, None, None]) -> None:
    import uvloop

    clock.only_uvloop()
    uvloop.run(main)


def _fail(message: str) -> None:
    print(f"claude-sidecar: {message}", file=sys.stderr)
    raise SystemExit(1)
