"""Where credentials come from: what one look gives, and when it need not read anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from claude_sidecar.credentials.text import DEFAULT_SECRETS_DIR, CredentialUnusable, path_of, read_text
from claude_sidecar.providers.registry import PROVIDERS
from claude_sidecar.providers.secret import Secret
from claude_sidecar.schema.snapshot import CredentialRef

SECRETS_DIR_VARIABLE = "CLAUDE_SIDECAR_SECRETS_DIR"

Identity = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a source gave."""

    secret: Secret | None
    """None where there is none to send."""

    trouble: str | None = None
    """Why there is none."""

    trimmed: bool = False
    """Whether a trailing newline was dropped from it."""

    identity: Identity | None = None
    """What changes when a file's content does; None where only reading can tell."""


class Source(Protocol):
    """Where credentials come from."""

    def look(self, ref: CredentialRef, before: Look | None) -> Look:
        """Look at a reference now; may wait for a disk.

        before: what the last look gave. It stands where nothing has changed, and where that cannot be seen
        for a passing reason.
        """


class LocalSource:
    """The process's environment and file system."""

    def __init__(self, env: Mapping[str, str], secrets_dir: Path | None = None) -> None:
        """secrets_dir: where Secrets are mounted, one folder each."""
        self._env = env
        self._secrets_dir = secrets_dir or Path(env.get(SECRETS_DIR_VARIABLE) or DEFAULT_SECRETS_DIR)

    def look(self, ref: CredentialRef, before: Look | None) -> Look:
        """As Source.look."""
        try:
            identity = self._identity(ref)
            if before is not None and identity is not None and identity == before.identity:
                return before
            text, trimmed = read_text(ref, self._env, self._secrets_dir)
        except CredentialUnusable as unusable:
            if unusable.passing and before is not None and before.secret is not None:
                return before
            return Look(None, str(unusable))
        return Look(PROVIDERS[ref.provider].secret(text), trimmed=trimmed, identity=identity)

    def _identity(self, ref: CredentialRef) -> Identity | None:
        if ref.source == "env":
            return ()
        try:
            status = path_of(ref, self._secrets_dir).stat()
        except (OSError, ValueError):
            return None
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
