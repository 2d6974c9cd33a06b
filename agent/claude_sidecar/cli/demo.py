"""`claude-sidecar demo`: simulator, sidecar and the official SDK on one machine."""

import asyncio
import importlib.util
import os
import signal
import sys
from typing import NoReturn

import click

from claude_sidecar.demo.play import play
from claude_sidecar.demo.sidecar_process import DidNotStart, undisturbed

_TERMINATED = 128 + signal.SIGTERM


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave simulator and sidecar running until Ctrl-C.")
def command(keep: bool) -> None:
    """Show what goes wrong upstream and what an app sees of it: no key, no network, about ten seconds.

    A simulated Claude API, the real sidecar with a policy of two routes, and the official `anthropic`
    package as the app. Exits with 1 if a scene goes otherwise than the policy promises.
    """
    if importlib.util.find_spec("anthropic") is None:
        _fail(
            "the demo's app is the official `anthropic` package, which is not installed. "
            "Install it with: pip install 'claude-sidecar[demo]'"
        )
    kept = undisturbed(os.environ)
    for name in set(os.environ) - set(kept):
        del os.environ[name]
    try:
        went_well = asyncio.run(_until_terminated(keep))
    except DidNotStart as why:
        _fail(f"the sidecar did not start: {why}")
    except asyncio.CancelledError:
        raise SystemExit(_TERMINATED) from None
    sys.exit(0 if went_well else 1)


async def _until_terminated(keep: bool) -> bool:
    """Play; SIGTERM and a closed terminal end it in order, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await play(_say, keep=keep)


def _say(text: str, end: str) -> None:
    print(text, end=end, flush=True)


def _fail(message: str) -> NoReturn:
    print(f"claude-sidecar: {message}", file=sys.stderr)
    raise SystemExit(1)
