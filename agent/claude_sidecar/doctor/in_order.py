"""Several streams of checks at once, told one stream after the other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from claude_sidecar.doctor.check import Check


async def tell_in_order(streams: Iterable[AsyncIterator[Check]], tell: Callable[[Check], None]) -> None:
    """Each runs at once, so that one that hangs costs no other its time."""
    queues: list[asyncio.Queue[Check | None]] = []
    tasks: list[asyncio.Task[None]] = []
    # No task group: whoever reads our output may leave, and that must not come in a group of exceptions.
    try:
        for stream in streams:
            queue: asyncio.Queue[Check | None] = asyncio.Queue()
            queues.append(queue)
            tasks.append(asyncio.create_task(_pour(stream, queue)))
        for queue in queues:
            while (check := await queue.get()) is not None:
                tell(check)
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _pour(stream: AsyncIterator[Check], queue: asyncio.Queue[Check | None]) -> None:
    try:
        async for check in stream:
            queue.put_nowait(check)
    finally:
        queue.put_nowait(None)
