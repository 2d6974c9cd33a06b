"""Credentials by the last look at their sources; a look a second, in the background, renews them."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor

from claude_sidecar import clock
from claude_sidecar.credentials.source import Look, Source
from claude_sidecar.providers.secret import Secret
from claude_sidecar.schema.snapshot import CredentialRef

_LOOK_EVERY_S = 1.0


class CredentialStore:
    """Credentials by reference. Only the first look at one may hold up who asks."""

    def __init__(self, source: Source, executor: Executor | None = None) -> None:
        """executor: whose threads look, by default the event loop's own."""
        self._source = source
        self._executor = executor
        self._held: dict[CredentialRef, Look] = {}
        self._warned: set[str] = set()
        self._warnings: list[str] = []

    def secret(self, ref: CredentialRef) -> Secret | None:
        """The credential by the last look, or None where there is none to send."""
        held = self._held.get(ref)
        return (held or self._first(ref)).secret

    def trouble(self, ref: CredentialRef) -> str | None:
        """Why there is no credential to send, or None where there is one."""
        held = self._held.get(ref)
        return (held or self._first(ref)).trouble

    def follow(self, refs: Iterable[CredentialRef]) -> None:
        """Look at these from now on, and at those that lack now, which may have come with a new policy.

        All others are forgotten: no policy names them any more.
        """
        known, self._held = self._held, {}
        for ref in refs:
            look = known.get(ref)
            if look is None or look.secret is None:
                self._first(ref)
            else:
                self._held[ref] = look

    def take_warnings(self) -> tuple[str, ...]:
        """What should be logged and was not yet taken; each warning comes once."""
        taken = tuple(self._warnings)
        self._warnings.clear()
        return taken

    async def run(self) -> None:
        """Renew once a second until cancelled."""
        while True:
            await clock.sleep(_LOOK_EVERY_S)
            await self.renew()

    async def renew(self) -> None:
        """Look at all that may change; what is known stays in force until the looks have ended.

        In a thread, for a volume that hangs must hold up no call; where none can be started, the next second
        will do. A variable does not change while we run.
        """
        known = {ref: look for ref, look in self._held.items() if ref.source != "env"}
        if not known:
            return
        try:
            looks = await asyncio.get_running_loop().run_in_executor(self._executor, self._look_at, known)
        except RuntimeError as error:
            self._warn(f"credentials could not be looked at and stay as they were: {error}")
            return
        for ref, look in looks.items():
            if ref in self._held:
                self._keep(ref, look)

    def _look_at(self, known: Mapping[CredentialRef, Look]) -> dict[CredentialRef, Look]:
        return {ref: self._source.look(ref, before) for ref, before in known.items()}

    def _first(self, ref: CredentialRef) -> Look:
        look = self._source.look(ref, None)
        self._keep(ref, look)
        return look

    def _keep(self, ref: CredentialRef, look: Look) -> None:
        self._held[ref] = look
        if look.trimmed:
            self._warn(f"{ref.source} {ref.name}: a trailing newline was dropped from the credential")

    def _warn(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self._warnings.append(warning)
