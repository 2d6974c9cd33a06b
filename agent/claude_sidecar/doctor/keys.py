"""The keys of an examination: the caller's, and those of routes."""

from claude_sidecar.credentials.source import LocalSource, Look
from claude_sidecar.doctor.check import Check, Result
from claude_sidecar.doctor.credential_lines import VERSION_LINE, GivenKey, given_key
from claude_sidecar.doctor.probes.api import Target
from claude_sidecar.doctor.probes.bounded_read import FILE_BOUND_S, STDIN_BOUND_S, ReadHangs, bounded_read
from claude_sidecar.doctor.probes.key_source import (
    STDIN,
    KeyUnreadable,
    key_of_environment,
    key_of_file,
    key_of_variable,
)
from claude_sidecar.doctor.subject import OFFICIAL, Subject
from claude_sidecar.doctor.surroundings import Asked, Surroundings
from claude_sidecar.doctor.verdicts.key import key_check, no_key_check, placeholder_check, unusable_check
from claude_sidecar.schema.snapshot import CredentialRef, Route
from claude_sidecar.wire.credential import CredentialKind, find_credentials, kind_of_key

_NO_KEYS = (CredentialKind.EMPTY, CredentialKind.PLACEHOLDER)
_CLEANED, _AS_IT_IS = "the key cleaned", "the key as it is, as the sidecar does"


class Keys:
    """Reads keys and judges them; remembers what may never be printed."""

    def __init__(self, asked: Asked, surroundings: Surroundings) -> None:
        self._asked = asked
        self._environ = surroundings.environ
        self._stdin = surroundings.stdin
        self._readers = surroundings.readers
        self.secrets: list[bytes] = []
        self.caller: GivenKey | None = None
        self._whose = "the key"

    async def look(self, *, foreign: bool, injected: bool, needed: bool) -> Check:
        """The caller's key.

        foreign: it is for a gateway, whose keys may be of another kind; needed: some route forwards it.
        """
        try:
            key = await self._read(foreign=foreign)
        except KeyUnreadable as unreadable:
            return no_key_check(injected=injected, policy=False, needed=needed, why=str(unreadable))
        kind = kind_of_key(key.bare) if key is not None else None
        if key is None or (kind in _NO_KEYS and not needed):
            policy = self._asked.policy is not None
            return no_key_check(injected=injected, policy=policy, needed=needed, why=None)
        if kind is CredentialKind.PLACEHOLDER and foreign:
            self.caller, self._whose = key, "the sidecar's placeholder"
            return placeholder_check(key.called)
        if kind not in _NO_KEYS:
            found = find_credentials((*key.raw, *key.sent))
            self.secrets += {key.bare, *(credential.bare for credential in found)}
            self.caller = key if key.sendable else None
        check = key_check(key.called, key.raw, broken=key.broken, foreign=foreign, used=_CLEANED)
        self._whose = f"the key of {key.called}{' (cleaned)' if check.result is Result.FAULT else ''}"
        return check

    async def _read(self, *, foreign: bool) -> GivenKey | None:
        if self._asked.key_env is not None:
            return key_of_variable(self._environ, self._asked.key_env)
        if self._asked.key_file is not None:
            return await self._read_file(self._asked.key_file)
        return key_of_environment(self._environ, foreign=foreign)

    async def _read_file(self, path: str) -> GivenKey:
        bound_s = STDIN_BOUND_S if path == STDIN else FILE_BOUND_S
        try:
            return await bounded_read(self._readers, bound_s, key_of_file, path, self._stdin)
        except ReadHangs as hangs:
            raise KeyUnreadable(f"{'standard input' if path == STDIN else '--key-file'}: {hangs}") from None

    async def subject_of(self, called: str, route: Route) -> tuple[Subject, Check | None]:
        """A route with the key that it takes, and what is to be said of its own one."""
        if route.credential is None:
            return self.callers_subject(called, route), None
        look = await self._look_at(route.credential)
        if look.secret is None:
            keyless = "not asked: the route's credential is not there."
            subject = Subject(Target(called, route, ()), route.models, keyless=keyless, own_credential=True)
            return subject, unusable_check(called, look.trouble or "there is no credential")
        own = given_key(f"the credential of route {called}", look.secret.value.encode("ascii"))
        self.secrets.append(own.bare)
        check = key_check(
            own.called, own.raw, broken=own.broken, foreign=route.host != OFFICIAL, used=_AS_IT_IS
        )
        target = Target(called, route, (VERSION_LINE,), look.secret, f"the key of route {called}")
        return Subject(target, route.models, own_credential=True), check

    async def _look_at(self, ref: CredentialRef) -> Look:
        source = LocalSource(self._environ)
        try:
            return await bounded_read(self._readers, FILE_BOUND_S, source.look, ref, None)
        except ReadHangs as hangs:
            return Look(None, f"the credential: {hangs}")

    def callers_subject(self, called: str, route: Route) -> Subject:
        """A route with the caller's key."""
        if self.caller is None:
            keyless = "not asked: there is no usable key to ask with."
            return Subject(Target(called, route, ()), route.models, keyless=keyless)
        return Subject(Target(called, route, self.caller.sent, whose=self._whose), route.models)
