"""Runs kopf with the handlers of `handlers.py`, and ends it: its tasks, and what it leaves behind."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any, cast

import kopf

from claude_operator.reconcile.handlers import HANDLERS, Memo

_LONGEST_MESSAGE = 300
_LONGEST_END_S = 10.0
_WATCHER = "watcher for "
"""How kopf names a task that watches one kind; it leaves these behind where another of them fails."""


class WatchingEnded(Exception):
    """kopf gave up, as it does when the API server no longer knows a kind; the message says why."""


async def watch(memo: Memo, stop: asyncio.Event, take_signals_back: Callable[[], None]) -> None:
    """Watch everything until `stop`; raises WatchingEnded, and it is for another process to try again.

    take_signals_back: called once kopf has set handlers of its own for SIGTERM and SIGINT.
    """
    # It writes a line for each handler that is called.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    tasks = await kopf.spawn_tasks(
        registry=HANDLERS,
        memo=memo,
        # Unused, as nothing is peered with; but kopf would ask for the user's name, and a pod has none.
        identity=cast(Any, "claude-operator"),
        standalone=True,
        clusterwide=True,
        stop_flag=stop,
    )
    take_signals_back()
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
        await _end([task for task in asyncio.all_tasks() if task.get_name().startswith(_WATCHER)])
    for reason in filter(None, map(_failure, ended)):
        raise WatchingEnded(reason[:_LONGEST_MESSAGE])
    if not stop.is_set():
        raise WatchingEnded(f"{', '.join(task.get_name() for task in ended)} ended")


def _failure(task: asyncio.Task[None]) -> str:
    """What a task that has ended died of; empty where it ended by itself."""
    if task.cancelled():
        return f"{task.get_name()} was cancelled"
    error = task.exception()
    return "" if error is None else f"{type(error).__name__}: {error}"


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel and wait a while.

    kopf's own `run_tasks` would, after a failure, cancel each watcher together with the task that tells it of
    pauses. Whichever came first, a watcher could take the one for the other, go on, and never end.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        ended, _ = await asyncio.wait(tasks, timeout=_LONGEST_END_S)
        await asyncio.gather(*ended, return_exceptions=True)
