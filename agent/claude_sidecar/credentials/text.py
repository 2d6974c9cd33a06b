"""A credential's text, read from a file, a variable or a mounted Secret."""

import errno
import stat
from collections.abc import Mapping
from pathlib import Path

from claude_sidecar.schema.snapshot import CredentialRef
from claude_sidecar.wire.credential import PLACEHOLDER

MAX_CREDENTIAL_BYTES = 16 * 1024
DEFAULT_SECRETS_DIR = Path("/var/run/claude-sidecar/secrets")

_PLACEHOLDER = PLACEHOLDER.decode()
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.ETIMEDOUT})
"""What says nothing of the file itself: out of open files, out of memory, a volume that is away for now."""


class CredentialUnusable(Exception):
    """There is no credential to send; the message says why and never holds any of it.

    passing: reading failed for a reason that has nothing to do with the credential.
    """

    def __init__(self, why: str, *, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


def read_text(
    ref: CredentialRef, env: Mapping[str, str], secrets_dir: Path = DEFAULT_SECRETS_DIR
) -> tuple[str, bool]:
    """Read a credential now, and whether a newline was dropped from it; raises CredentialUnusable.

    ref: a file's path must be absolute. A Secret's key is the file `secrets_dir/NAME/KEY`.
    """
    if ref.source == "env":
        text = env.get(ref.name)
        if text is None:
            raise CredentialUnusable(f"environment variable {ref.name} is not set; set it, or name another")
        return _usable(text, f"environment variable {ref.name}")
    path = path_of(ref, secrets_dir)
    content = _content(path)
    if len(content) > MAX_CREDENTIAL_BYTES:
        raise CredentialUnusable(f"{path} is too large for a key; allowed: {MAX_CREDENTIAL_BYTES} bytes")
    return _usable(content.decode("utf-8", "replace"), str(path))


def path_of(ref: CredentialRef, secrets_dir: Path) -> Path:
    """The file of a reference that is no variable."""
    return secrets_dir / ref.name if ref.source == "secret" else Path(ref.name)


def _content(path: Path) -> bytes:
    try:
        # Looked at first, since opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise CredentialUnusable(f"{path} is not a regular file; name a file that holds the key")
        with path.open("rb") as handle:
            return handle.read(MAX_CREDENTIAL_BYTES + 1)
    except FileNotFoundError:
        raise CredentialUnusable(f"there is no file {path}; put the key there, or name another") from None
    except (OSError, ValueError) as error:
        passing = isinstance(error, OSError) and error.errno in _PASSING
        words = f"{path} may not be read by this user; allow it, or name another"
        raise CredentialUnusable(words, passing=passing) from None


def _usable(content: str, where: str) -> tuple[str, bool]:
    value = content.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise CredentialUnusable(f"{where} is empty; put the key there")
    if value.strip() == _PLACEHOLDER:
        raise CredentialUnusable(f"{where} holds the placeholder {_PLACEHOLDER}; put a real key there")
    if not value.isascii() or not value.isprintable():
        raise CredentialUnusable(
            f"{where} holds a character that no header may carry, such as a line break; put the key alone"
        )
    return value, value != content
