"""Routes' own credentials: read from files, variables or mounted Secrets, and followed when they change."""

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from claude_sidecar.schema.snapshot import CredentialRef

PLACEHOLDER = "provided-by-claude-sidecar"
"""What an app is given for a key so that its SDK starts; never sent upstream."""

MAX_CREDENTIAL_BYTES = 16 * 1024
SECRETS_DIR_VARIABLE = "CLAUDE_SIDECAR_SECRETS_DIR"
DEFAULT_SECRETS_DIR = Path("/var/run/claude-sidecar/secrets")
_CHECK_EVERY_S = 1.0


class CredentialUnusable(Exception):
    """There is no credential to send; the message says why and never holds any of it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential. trimmed: a trailing newline was dropped from it.

    fingerprint: the first 8 hex digits of its SHA-256, the only trace of it that may be told.
    """

    value: str = field(repr=False)
    fingerprint: str
    trimmed: bool


@dataclass(slots=True)
class _Held:
    """What was last read for a reference, and the file's identity then."""

    checked_s: float
    identity: tuple[int, ...] | None
    secret: Secret | None
    trouble: str | None


def read_source(
    ref: CredentialRef, env: Mapping[str, str], secrets_dir: Path = DEFAULT_SECRETS_DIR
) -> Secret:
    """Read a credential now; raises CredentialUnusable.

    ref: a file's path must be absolute. A Secret's key is the file `secrets_dir/NAME/KEY`.
    """
    if ref.source == "env":
        value = env.get(ref.name)
        if value is None:
            raise CredentialUnusable(f"environment variable {ref.name} is not set; set it, or name another")
        return _secret(value, f"environment variable {ref.name}")
    path = _path(ref, secrets_dir)
    try:
        # Looked at first, since opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise CredentialUnusable(f"{path} is not a regular file; name a file that holds the key")
        with path.open("rb") as handle:
            content = handle.read(MAX_CREDENTIAL_BYTES + 1)
    except FileNotFoundError:
        raise CredentialUnusable(f"there is no file {path}; put the key there, or name another") from None
    except (OSError, ValueError):
        raise CredentialUnusable(f"{path} may not be read by this user; allow it, or name another") from None
    if len(content) > MAX_CREDENTIAL_BYTES:
        raise CredentialUnusable(f"{path} is too large for a key; allowed: {MAX_CREDENTIAL_BYTES} bytes")
    return _secret(content.decode("utf-8", "replace"), str(path))


def _path(ref: CredentialRef, secrets_dir: Path) -> Path:
    return secrets_dir / ref.name if ref.source == "secret" else Path(ref.name)


def _secret(content: str, where: str) -> Secret:
    value = content.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise CredentialUnusable(f"{where} is empty; put the key there")
    if value.strip() == PLACEHOLDER:
        raise CredentialUnusable(f"{where} holds the placeholder {PLACEHOLDER}; put a real key there")
    if not value.isascii() or not value.isprintable():
        raise CredentialUnusable(
            f"{where} holds a character that no header may carry, such as a line break; put the key alone"
        )
    digest = hashlib.sha256(value.encode()).hexdigest()
    return Secret(value, digest[:8], trimmed=value != content)


class CredentialStore:
    """Credentials by reference, fresh to the second.

    env: the process's environment; secrets_dir: where Secrets are mounted, one folder each.
    """

    def __init__(self, env: Mapping[str, str], secrets_dir: Path | None = None) -> None:
        self._env = env
        self._secrets_dir = secrets_dir or Path(env.get(SECRETS_DIR_VARIABLE) or DEFAULT_SECRETS_DIR)
        self._held: dict[CredentialRef, _Held] = {}
        self._warned: set[str] = set()
        self._warnings: list[str] = []

    def secret(self, ref: CredentialRef, now: float) -> Secret | None:
        """The credential as it is now, or None where there is none to send.

        now: seconds on any one clock; files are looked at again once a second at most.
        """
        held = self._held.get(ref)
        if held is None or not 0 <= now - held.checked_s < _CHECK_EVERY_S:
            held = self._look(ref, held, now)
        return held.secret

    def trouble(self, ref: CredentialRef, now: float) -> str | None:
        """Why there is no credential to send, or None where there is one."""
        self.secret(ref, now)
        return self._held[ref].trouble

    def take_warnings(self) -> tuple[str, ...]:
        """What should be logged and was not yet taken; each warning comes once."""
        taken = tuple(self._warnings)
        self._warnings.clear()
        return taken

    def _look(self, ref: CredentialRef, held: _Held | None, now: float) -> _Held:
        identity = self._identity(ref)
        if held is not None and identity is not None and identity == held.identity:
            held.checked_s = now
            return held
        try:
            secret = read_source(ref, self._env, self._secrets_dir)
            held = _Held(now, identity, secret, None)
        except CredentialUnusable as unusable:
            # Not to be believed for longer than a second: reading fails for passing reasons, too.
            held = _Held(now, None, None, str(unusable))
        self._held[ref] = held
        if held.secret is not None and held.secret.trimmed:
            self._warn(f"{ref.source} {ref.name}: a trailing newline was dropped from the credential")
        return held

    def _identity(self, ref: CredentialRef) -> tuple[int, ...] | None:
        """What changes when a file's content does; None where only reading can tell."""
        if ref.source == "env":
            return ()
        try:
            status = _path(ref, self._secrets_dir).stat()
        except (OSError, ValueError):
            return None
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def _warn(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self._warnings.append(warning)
