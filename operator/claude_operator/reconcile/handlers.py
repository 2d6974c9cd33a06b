"""kopf's handlers, all of them: how it is set up, how it logs in, what is done about an event.

kopf lists and watches, and says what it sees. The Store takes that in and says which policy or workload it
concerns; the Reconciler decides about these, and writes. So each kind has one event handler and no other, and
kopf itself leaves no trace in the cluster: no finalizer, no annotation, no event.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import kopf

from claude_operator import names
from claude_operator.cluster.access import Access
from claude_operator.desired.world import Object
from claude_operator.reconcile.kinds import KINDS, Kind
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.no_essence import NoEssence
from claude_operator.reconcile.seen import Seen

_LONGEST_BACKOFF_S = 30.0
_LIST_PAGE = 500

HANDLERS = kopf.OperatorRegistry()
"""What is decorated here; `watching.py` has kopf run it."""


@dataclass(frozen=True, slots=True)
class Memo:
    """What handlers share: kopf hands it to each of them as `memo`.

    watch_silence_s: a watch that is silent for so long is opened anew.
    """

    access: Access
    seen: Seen
    metrics: Metrics
    watch_silence_s: float

    def __copy__(self) -> "Memo":
        """The same: kopf makes a copy for each object, to keep the object's own things in."""
        return self


@kopf.on.startup(registry=HANDLERS)
async def configure(settings: kopf.OperatorSettings, memo: Memo, **_: Any) -> None:
    """How kopf works; whatever is not here is as kopf has it."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.admission.managed = None
    settings.persistence.finalizer = f"{names.GROUP}/never-set"
    settings.persistence.diffbase_storage = NoEssence()
    # Each object has a task that keeps the object's last event until it has been idle for so long.
    settings.queueing.idle_timeout = 0.1
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = memo.watch_silence_s
    settings.watching.reconnect_backoff = 1.0
    settings.watching.chunk_size = _LIST_PAGE
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = _Backoffs()
    # It would have the process killed while that gives back its Lease.
    settings.process.ultimate_exiting_timeout = None
    for kind in KINDS:
        if kind.labels:
            settings.watching.label_selectors[kind.group, kind.version, kind.plural] = kind.labels
        if kind.fields:
            settings.watching.field_selectors[kind.group, kind.version, kind.plural] = kind.fields


@kopf.on.login(registry=HANDLERS)
async def login(memo: Memo, **_: Any) -> kopf.AiohttpSession:
    """Where the API server is, and who we are there."""
    return kopf.AiohttpSession(server=memo.access.url, aiohttp_session=_session(memo.access))


# None is an index, although kopf would say then when all was listed: it has each object wait for all others
# at that, with costs that grow with the square of their number.
for _kind in KINDS:

    @kopf.on.event(
        _kind.group, _kind.version, _kind.plural, id=f"told-{_kind.plural}", param=_kind, registry=HANDLERS
    )
    async def told(event: kopf.RawEvent, uid: str, memo: Memo, param: Any = None, **_: Any) -> None:
        """An object was listed, made, changed or deleted."""
        kind: Kind = param
        memo.metrics.watched.labels(kind.plural).inc()
        if event["type"] == "DELETED":
            memo.seen.drop(kind, uid)
        else:
            memo.seen.put(kind, cast(Object, event["object"]))


class _Backoffs:
    """Pauses between requests that failed, without an end: what is taken away from us may be given back."""

    def __iter__(self) -> Iterator[float]:
        pause = 1.0
        while True:
            yield pause
            pause = min(_LONGEST_BACKOFF_S, pause * 2)


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
