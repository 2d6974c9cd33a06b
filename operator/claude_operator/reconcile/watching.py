"""kopf's part: lists and watches. Everything it sees goes into the Store; it writes nothing itself."""

import asyncio
import logging
from collections.abc import Collection, Iterator
from typing import Any, cast

import aiohttp
import kopf

from claude_operator import names
from claude_operator.cluster.access import Access
from claude_operator.desired.world import Object
from claude_operator.reconcile.kinds import KINDS, Kind
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.seen import Seen

_LONGEST_BACKOFF_S = 30.0
_LONGEST_MESSAGE = 300
_LIST_PAGE = 500
_LONGEST_END_S = 10.0
_WATCHER = "watcher for "
"""How kopf names a task that watches one kind; it leaves these behind where another of them fails."""


class WatchingEnded(Exception):
    """kopf gave up, as it does when the API server no longer knows a kind; the message says why."""


class _Backoffs:
    """Pauses between requests that failed, without an end: what is taken away from us may be given back."""

    def __iter__(self) -> Iterator[float]:
        pause = 1.0
        while True:
            yield pause
            pause = min(_LONGEST_BACKOFF_S, pause * 2)


def registry(access: Access, seen: Seen, metrics: Metrics) -> kopf.OperatorRegistry:
    """A handler for every kind.

    None is an index, although kopf would say then when all was listed: it has each object wait for all others
    at that, with costs that grow with the square of their number.
    """
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def _login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=access.url, aiohttp_session=_session(access))

    for kind in KINDS:
        _register(handlers, kind, seen, metrics)
    return handlers


def _register(handlers: kopf.OperatorRegistry, kind: Kind, seen: Seen, metrics: Metrics) -> None:
    where: Any = {"group": kind.group, "version": kind.version, "plural": kind.plural, "registry": handlers}

    @kopf.on.event(id=f"told-{kind.plural}", **where)
    async def _told(type: str | None, uid: str, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf's name
        metrics.watched.labels(kind.plural).inc()
        if type == "DELETED":
            seen.drop(kind, uid)
        else:
            seen.put(kind, _plain(body))


def settings(watch_silence_s: float) -> kopf.OperatorSettings:
    """kopf without a trace of itself in the cluster. watch_silence_s: after that a watch is opened anew."""
    # It writes a line for each handler that is called.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.admission.managed = None
    chosen.persistence.finalizer = f"{names.GROUP}/never-set"
    # Each object has a task that keeps the object's last event until it has been idle for so long.
    chosen.queueing.idle_timeout = 0.1
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 330
    chosen.watching.connect_timeout = 10
    chosen.watching.inactivity_timeout = watch_silence_s
    chosen.watching.reconnect_backoff = 1.0
    chosen.watching.chunk_size = _LIST_PAGE
    chosen.networking.request_timeout = 60
    chosen.networking.connect_timeout = 10
    chosen.networking.error_backoffs = _Backoffs()
    # It would have the process killed while that gives back its Lease.
    chosen.process.ultimate_exiting_timeout = None
    for kind in KINDS:
        if kind.labels:
            chosen.watching.label_selectors[kind.group, kind.version, kind.plural] = kind.labels
        if kind.fields:
            chosen.watching.field_selectors[kind.group, kind.version, kind.plural] = kind.fields
    return chosen


async def watch(
    handlers: kopf.OperatorRegistry, chosen: kopf.OperatorSettings, stop: asyncio.Event, ready: asyncio.Event
) -> None:
    """Watch everything until `stop`; raises WatchingEnded, and it is for another process to try again."""
    tasks = await kopf.spawn_tasks(
        registry=handlers,
        settings=chosen,
        # Unused, as nothing is peered with; but kopf would ask for the user's name, and a pod has none.
        identity=cast(Any, "claude-operator"),
        standalone=True,
        clusterwide=True,
        stop_flag=stop,
        ready_flag=ready,
    )
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
        await _end([task for task in asyncio.all_tasks() if task.get_name().startswith(_WATCHER)])
    for reason in filter(None, map(_failure, ended)):
        raise WatchingEnded(reason[:_LONGEST_MESSAGE])


def _failure(task: asyncio.Task[None]) -> str:
    """Why a task that has ended should not have; empty where it had its reasons."""
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


def _plain(body: kopf.Body) -> Object:
    return {key: body[key] for key in body}


def _session(access: Access) -> aiohttp.ClientSession:
    async def signed(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # With each request, since the token in the file is renewed.
        request.headers.update(access.headers())
        return await handler(request)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=access.tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(signed,),
    )
