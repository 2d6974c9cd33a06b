"""Plays an outage under a policy: the proxy's own engine and all that it shares, on virtual time."""

import asyncio
from collections.abc import Callable
from functools import lru_cache

from claude_sidecar import clock
from claude_sidecar.credentials.source import Look
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.policy.request_facts import read_sdk_headers
from claude_sidecar.providers.registry import PROVIDERS
from claude_sidecar.proxy.attempt_sender import AttemptSender
from claude_sidecar.proxy.buffer_space import BufferSpace, HeldRoom
from claude_sidecar.proxy.call_context import CallContext, record_of
from claude_sidecar.proxy.deliver import deliver
from claude_sidecar.proxy.engine import Engine
from claude_sidecar.proxy.gateway_errors import GatewayError, Refusal
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.refusals import refuse, without_answer
from claude_sidecar.replay.asked_body import AskedBody
from claude_sidecar.replay.chance import drawn, draws
from claude_sidecar.replay.course import CallEnd, Course, end_of
from claude_sidecar.replay.load import PATHS, AskedCall
from claude_sidecar.replay.outage import Outage
from claude_sidecar.replay.transport import PlayedTransport
from claude_sidecar.replay.unheard import Unheard
from claude_sidecar.replay.virtual_time import VirtualTimeLoop
from claude_sidecar.schema.snapshot import CredentialRef, Snapshot
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.credential import find_credentials
from claude_sidecar.wire.headers import names_index_and_size
from claude_sidecar.wire.request_peek import read_target

Progress = Callable[[int], None]
"""Told how many calls have ended."""

_NO_KEY = "sk-ant-api03-played"


def play(outage: Outage, snapshot: Snapshot, seed: int, progress: Progress = lambda ended: None) -> Course:
    """What comes of the outage's calls under the policy.

    seed: of all chance, the calls' own and the world's. Takes no time but the processor's.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_played(outage, snapshot, seed, progress))


async def _played(outage: Outage, snapshot: Snapshot, seed: int, progress: Progress) -> Course:
    loops_time = asyncio.get_running_loop().time
    with clock.played(loops_time, int(outage.began_unix_s * 1e9), drawn):
        return await _Play(outage, snapshot, seed, progress).run()


class _CredentialsThere:
    """Every credential that a policy names is there."""

    def look(self, ref: CredentialRef, before: Look | None) -> Look:
        return Look(PROVIDERS[ref.provider].secret(_NO_KEY))


class _Play:
    def __init__(self, outage: Outage, snapshot: Snapshot, seed: int, progress: Progress) -> None:
        self._outage = outage
        self._snapshot = snapshot
        self._seed = seed
        self._progress = progress
        self._credentials = CredentialStore(_CredentialsThere())
        self._credentials.follow(each.credential for each in snapshot.routes if each.credential is not None)
        self._health = Health()
        self._world = outage.world(seed, snapshot)
        sender = AttemptSender(PlayedTransport(self._world), b"replay")
        self._engine = Engine(sender, self._health, self._credentials)
        self._room = HeldRoom(BufferSpace())
        self._in_flight = 0
        self._ended = 0
        self._course = Course(snapshot, [])

    async def run(self) -> Course:
        """Let all calls come, each at its time, and come to their ends."""
        began_s = clock.now()
        ends: list[CallEnd | None] = [None] * len(self._outage.calls)
        async with asyncio.TaskGroup() as calls:
            for index, asked in enumerate(self._outage.calls):
                if (ahead_s := began_s + asked.at_s - clock.now()) > 0:
                    await clock.sleep(ahead_s)
                calls.create_task(self._one(index, asked, ends))
        self._course.ends = [end for end in ends if end is not None]
        self._course.assumed = self._world.assumed()
        return self._course

    async def _one(self, index: int, asked: AskedCall, ends: list[CallEnd | None]) -> None:
        draws(self._seed, index + 1)
        context = CallContext(
            snapshot=self._snapshot,
            down=Unheard(),
            room=self._room,
            method="POST",
            path=PATHS[asked.operation],
            lines=(),
            call_id=f"sc_{index + 1:024d}",
            started_s=clock.now(),
        )
        self._in_flight += 1
        try:
            if asked.leaves_after_s is None:
                await self._serve(context, asked)
            else:
                await self._serve_until(context, asked, asked.leaves_after_s)
        finally:
            self._in_flight -= 1
            if context.opener is not None:
                context.opener.close()
        record = record_of(context)
        self._course.spent.add(record)
        ends[index] = end_of(record)
        self._ended += 1
        self._progress(self._ended)

    async def _serve_until(self, context: CallContext, asked: AskedCall, leaves_after_s: float) -> None:
        try:
            async with asyncio.timeout(leaves_after_s):
                await self._serve(context, asked)
        except TimeoutError:
            context.cancelled = True

    async def _serve(self, context: CallContext, asked: AskedCall) -> None:
        """As the handler does, for a request that has come whole."""
        context.read(_head(asked.operation, asked.sdk_timeout_s))
        body = AskedBody(asked, asked.model)
        context.begin(body)
        if self._in_flight > self._snapshot.limits.max_concurrent:
            refuse(context, Refusal(GatewayError.BUSY, "limits.maxConcurrent"))
            return
        delivery = context.delivery = await self._engine.run(context)
        if delivery.response is None:
            refuse(context, without_answer(context, delivery, self._credentials))
        else:
            await deliver(context, delivery.response, self._health, stops=delivery.stops_the_sdk)


@lru_cache(maxsize=1024)
def _head(operation: str, timeout_s: float | None) -> Call:
    """The head of a request as an official SDK writes it; one for all calls that are alike."""
    lines = [
        (b"host", b"127.0.0.1:8787"),
        (b"content-type", b"application/json"),
        (b"content-length", b"0"),
        (b"anthropic-version", b"2023-06-01"),
        (b"x-api-key", _NO_KEY.encode()),
        (b"x-stainless-retry-count", b"0"),
    ]
    if timeout_s is not None:
        lines.append((b"x-stainless-timeout", b"%.17g" % timeout_s))
    names, index, _ = names_index_and_size(lines)
    return Call(
        method="POST",
        target=PATHS[operation],
        authority=None,
        lines=lines,
        names=names,
        index=index,
        facts=read_target("POST", PATHS[operation]),
        credentials=find_credentials(lines),
        sdk=read_sdk_headers(index),
        declared_bytes=0,
        has_body=True,
        expects_continue=False,
    )
