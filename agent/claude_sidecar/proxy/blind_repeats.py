"""Recognises clients that repeat what `x-should-retry: false` told them not to; nothing else comes of it.

A request is the same if its method, target, credential and every byte of its body are. What is compared is a
digest under a key of this process, made only where a failure was delivered as final, and of later requests
only while such a one is remembered and their size fits: calls that go well cost a look at a flag.
"""

from hashlib import blake2b

from claude_sidecar import clock
from claude_sidecar.hints.clients import client_of
from claude_sidecar.policy.actions import GiveUp
from claude_sidecar.policy.final_failures import FinalFailures
from claude_sidecar.proxy.call_context import CallContext, Delivery
from claude_sidecar.proxy.gateway_errors import error_of

_DIGEST_BYTES = 16
_TURN_BYTES = 1 << 20
"""So much is digested, about a millisecond, before other calls have their turn."""


class BlindRepeats:
    """Of all calls through this sidecar. possible: a failure is remembered, which a request may repeat."""

    def __init__(self) -> None:
        self._failures = FinalFailures()
        self._key = clock.secret_bytes(32)
        self.possible = False

    async def recognise(self, context: CallContext) -> None:
        """Note in a call whose body is here whether it repeats a failure that was delivered as final."""
        may_know = self._failures.may_know(context.body_bytes, clock.now())
        self.possible = len(self._failures) > 0
        if not (may_know and _comparable(context)):
            return
        digest = context.digest = await self._digest(context)
        if self._failures.take(digest, clock.now()):
            counted = context.call.sdk.retry_count > 0
            context.blind_repeat = client_of(context.call.index.get(b"user-agent"), counted=counted)

    async def digest_if_final(self, context: CallContext, delivery: Delivery) -> bytes | None:
        """The digest of a request whose failure goes out as final, made while its body is here; else None."""
        if not (_comparable(context) and _is_final(context, delivery)):
            return None
        return context.digest or await self._digest(context)

    def remember(self, context: CallContext, digest: bytes) -> None:
        """The failure of the request with this digest has been delivered."""
        self._failures.remember(digest, context.body_bytes, clock.now())
        self.possible = True

    async def _digest(self, context: CallContext) -> bytes:
        call, digest = context.call, blake2b(key=self._key, digest_size=_DIGEST_BYTES)
        head = [call.method.encode("ascii", "replace"), call.target.encode("latin-1", "replace")]
        for credential in call.credentials:
            head += [credential.header.encode("ascii"), credential.value]
        digest.update(b"%d " % len(head) + b"".join(b"%d %b " % (len(part), part) for part in head))
        since_turn = 0
        async for piece in context.body.pieces():
            digest.update(piece)
            since_turn += len(piece)
            if since_turn >= _TURN_BYTES:
                await clock.sleep(0)
                since_turn = 0
        return digest.digest()


def _comparable(context: CallContext) -> bool:
    """Whether the body can be read a second time; where there is none, all calls would be the same."""
    return context.body.kept and context.body_bytes > 0


def _is_final(context: CallContext, delivery: Delivery) -> bool:
    """Whether the caller is told not to repeat, by us or the upstream; an opened stream can't be."""
    if context.opened:
        return False
    response, step = delivery.response, delivery.step
    if delivery.stops_the_sdk:
        return True
    if response is None:
        return isinstance(step, GiveUp) and error_of(step).should_retry is False
    return response.status >= 400 and response.index.get(b"x-should-retry") == b"false"
