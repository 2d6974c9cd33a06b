"""Credentials by the last look at their sources; a look a second, in the background, renews each."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor

from claude_sidecar import clock
from claude_sidecar.credentials.look_threads import LookThreads
from claude_sidecar.credentials.source import Look, Source
from claude_sidecar.providers.secret import Secret
from claude_sidecar.schema.snapshot import CredentialRef

_LOOK_EVERY_S = 1.0
_NOT_FOLLOWED = Look(None, "no policy in force names it")


class CredentialStore:
    """Credentials by reference. Only a reference that is new with a policy may hold up who asks."""

    def __init__(self, source: Source, executor: Executor | None = None) -> None:
        """executor: whose threads look, by default threads that nobody waits for."""
        self._source = source
        self._executor = executor or LookThreads()
        self._held: dict[CredentialRef, Look] = {}
        self._dropped: dict[CredentialRef, Look] = {}
        self._looked_at: set[CredentialRef] = set()
        self._warned: set[str] = set()
        self._warnings: list[str] = []

    def secret(self, ref: CredentialRef) -> Secret | None:
        """The credential by the last look, or None where there is none to send."""
        return self._last(ref).secret

    def trouble(self, ref: CredentialRef) -> str | None:
        """Why there is no credential to send, or None where there is one."""
        return self._last(ref).trouble

    def follow(self, refs: Iterable[CredentialRef]) -> None:
        """Look at these from now on, and at those that lack now, which may have come with a new policy.

        No others are looked at any more. What was known of those that end here stands until the next time,
        for the calls that go by an older policy.
        """
        self._dropped, self._held = self._held, {}
        for ref in refs:
            look = self._dropped.pop(ref, None)
            if look is None or look.secret is None:
                look = self._source.look(ref, None)
            self._keep(ref, look)

    def take_warnings(self) -> tuple[str, ...]:
        """What should be logged and was not yet taken; each warning comes once."""
        taken = tuple(self._warnings)
        self._warnings.clear()
        return taken

    async def run(self) -> None:
        """Renew once a second until cancelled."""
        async with asyncio.TaskGroup() as looks:
            while True:
                await clock.sleep(_LOOK_EVERY_S)
                looks.create_task(self.renew())

    async def renew(self) -> None:
        """Look at all that may change; what is known stays in force until its look has ended.

        In threads, for a volume that hangs must hold up no call and no other look; it is not looked at again
        before it has answered. A variable does not change while we run.
        """
        due = {ref: look for ref, look in self._held.items() if ref.source != "env"}
        await asyncio.gather(*[self._renew(ref, due[ref]) for ref in due.keys() - self._looked_at])

    async def _renew(self, ref: CredentialRef, before: Look) -> None:
        self._looked_at.add(ref)
        try:
            loop = asyncio.get_running_loop()
            look = await loop.run_in_executor(self._executor, self._source.look, ref, before)
        except RuntimeError as error:
            # No thread can be started; the next second will do.
            self._warn(f"credentials could not be looked at and stay as they were: {error}")
            return
        finally:
            self._looked_at.discard(ref)
        if ref in self._held:
            self._keep(ref, look)

    def _last(self, ref: CredentialRef) -> Look:
        return self._held.get(ref) or self._dropped.get(ref, _NOT_FOLLOWED)

    def _keep(self, ref: CredentialRef, look: Look) -> None:
        self._held[ref] = look
        if look.trimmed:
            self._warn(f"{ref.source} {ref.name}: a trailing newline was dropped from the credential")

    def _warn(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self._warnings.append(warning)
