"""Keys where they are kept: variables, a file, standard input."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from claude_sidecar.credentials.text import MAX_CREDENTIAL_BYTES
from claude_sidecar.doctor.credential_lines import (
    CUSTOM_VARIABLE,
    KEY_VARIABLE,
    TOKEN_VARIABLE,
    GivenKey,
    custom_lines,
    given_key,
    header_of_variable,
    is_credential,
)

STDIN = "-"


class KeyUnreadable(Exception):
    """The source that was named gives no key; the message says why."""


def key_of_variable(environ: Mapping[str, str], name: str) -> GivenKey:
    """Raises KeyUnreadable where the variable is not set."""
    if name not in environ:
        raise KeyUnreadable(f"environment variable {_shown(name)} is not set")
    return given_key(name, _bytes(environ[name]), header_of_variable(name))


def key_of_file(path: str, stdin: BinaryIO) -> GivenKey:
    """One line end at the end is the file's, not the key's. Raises KeyUnreadable."""
    called = "standard input" if path == STDIN else _shown(path)
    try:
        if path == STDIN:
            content = stdin.read(MAX_CREDENTIAL_BYTES + 1)
        else:
            if not Path(path).is_file():
                raise KeyUnreadable(f"{called} is no regular file, or is not there")
            with Path(path).open("rb") as handle:
                content = handle.read(MAX_CREDENTIAL_BYTES + 1)
    except (OSError, ValueError) as error:
        raise KeyUnreadable(f"{called} cannot be read: {type(error).__name__}") from None
    if len(content) > MAX_CREDENTIAL_BYTES:
        raise KeyUnreadable(f"{called} is too large for a key: over {MAX_CREDENTIAL_BYTES} bytes")
    return given_key(called, content.removesuffix(b"\n").removesuffix(b"\r"))


def key_of_environment(environ: Mapping[str, str], *, foreign: bool) -> GivenKey | None:
    """What an SDK would take, with all that it would send beside it; None for nothing.

    foreign: it is for a gateway, which may want a second credential in ANTHROPIC_CUSTOM_HEADERS.
    """
    texts = {name: environ[name] for name in (KEY_VARIABLE, TOKEN_VARIABLE) if environ.get(name)}
    custom = custom_lines(environ.get(CUSTOM_VARIABLE, ""))
    beside = [line for line in custom if is_credential(line[0])]
    others = [line for line in custom if not is_credential(line[0])]
    if not texts:
        if not beside:
            return None
        found = given_key(CUSTOM_VARIABLE, beside[0][1])
        raw = (*beside, *found.raw[1:])
        return replace(found, raw=raw, sent=(*found.sent, *others))
    keys = [given_key(name, _bytes(text), header_of_variable(name)) for name, text in texts.items()]
    first = keys[0]
    raw = (*first.raw, *(key.raw[0] for key in keys[1:]), *(() if foreign else beside))
    sent = (*first.sent, *others, *(beside if foreign else ()))
    broken = any(key.broken for key in keys)
    return GivenKey(" and ".join(texts), raw, sent, first.bare, broken)


def _shown(name: str) -> str:
    """A name as it was given, unless it is the key itself, which belongs in there instead."""
    return "(a key, which is no name)" if "-ant-" in name.lower() or not name.isprintable() else name


def _bytes(text: str) -> bytes:
    """As the environment holds it."""
    return text.encode("utf-8", "surrogateescape")
