"""Header lines as `--header` gives them."""

import re
from collections.abc import Sequence

import click

from claude_sidecar.wire.credential import CREDENTIAL_HEADERS, STRAY_HEADERS

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
"""A token and a field value: RFC 9110, sections 5.6.2 and 5.5."""

_CREDENTIALS = frozenset(name.encode() for name in CREDENTIAL_HEADERS) | STRAY_HEADERS


def header_lines(given: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Lower-case name and value of each. Raises click.BadParameter, which repeats none: it may hold a key."""
    return [_line(f"--header number {number}", text) for number, text in enumerate(given, 1)]


def _line(where: str, text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{where} is no header; write it as 'name: value'")
    if not _NAME.fullmatch(name):
        raise click.BadParameter(f"{where}: a header's name has letters, digits and hyphens alone")
    if not _VALUE.fullmatch(value):
        raise click.BadParameter(f"{where}: its value has characters that no header can carry")
    lowered = name.lower().encode("ascii")
    if lowered in _CREDENTIALS:
        raise click.BadParameter(
            f"{where} holds a key, which has no place on a command line and changes no step; what is wrong "
            "with a key: claude-sidecar doctor"
        )
    return lowered, value.strip(" \t").encode("latin-1")
