"""Up to the commit: an answer is held back until it is certain enough to be the one."""

import asyncio

from claude_sidecar import clock
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.reply import Reply
from claude_sidecar.upstream.failure import ConnectionDied
from claude_sidecar.upstream.transport import Answer

HELD_BYTES = 1 << 20
"""Past this much an answer is committed as it stands."""


async def hold_body(reply: Reply, answer: Answer, limit_bytes: int = HELD_BYTES) -> None:
    """Read the whole body, or `limit_bytes` of it. Raises UpstreamFailure when it is cut before."""
    held = 0
    while held <= limit_bytes:
        data = await answer.read()
        if not data:
            answer.close()
            return
        held += len(data)
        reply.prefix.append(data)
    reply.rest = answer


async def hold_events(reply: Reply, view: EventView, answer: Answer, hold_max_s: float) -> None:
    """Read a stream until its first real delta, its end, `hold_max_s` or 1 MiB.

    Raises UpstreamFailure when the stream breaks off before any of these; so does a clean end without
    `message_stop`, which an SDK would take for success.
    """
    reply.rest = answer
    held = 0
    try:
        async with asyncio.timeout_at(clock.now() + hold_max_s):
            while not view.begun and view.error is None and held <= HELD_BYTES:
                data = await answer.read()
                if not data:
                    _finish(reply, view)
                    return
                held += len(data)
                reply.prefix += view.feed(data)
    except TimeoutError:
        return


def _finish(reply: Reply, view: EventView) -> None:
    rest = view.finish()
    if not view.ended:
        raise ConnectionDied(
            "the stream ended before its first delta and without message_stop",
            before_any_byte=False,
            reused=False,
        )
    if rest:
        reply.prefix.append(rest)
    reply.close()
