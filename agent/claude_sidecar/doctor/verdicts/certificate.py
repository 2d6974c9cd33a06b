"""Who a certificate is for and who vouches for it, read without trusting it (RFC 5280 section 4.1).

The standard library decodes certificates that it trusts only, and those that it does not are of interest.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from claude_sidecar.doctor.observed import Certificate

_SEQUENCE, _SET, _OID, _VERSION = 0x30, 0x31, 0x06, 0xA0
_UTC_TIME = 0x17
_COMMON_NAME, _ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_MOST_CHARS = 60


class _Value(NamedTuple):
    tag: int
    content: bytes


def read_certificate(der: bytes) -> Certificate | None:
    """None for what is no certificate."""
    try:
        (certificate,) = _values(der)
        signed = [*_values(next(_values(certificate.content)).content)]
        if signed[0].tag == _VERSION:
            del signed[0]
        _, _, issuer, validity, subject = signed[:5]
        begin, end = _values(validity.content)
        names = _name(subject, _COMMON_NAME), _name(issuer, _COMMON_NAME, _ORGANISATION)
        return Certificate(*names, _time_s(begin), _time_s(end))
    except (ValueError, IndexError, StopIteration):
        return None


def _values(data: bytes) -> Iterator[_Value]:
    """The values that stand one after the other (X.690 section 8.1)."""
    at = 0
    while at < len(data):
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            width = size & 0x7F
            size = int.from_bytes(data[at : at + width], "big")
            at += width
        if at + size > len(data):
            raise ValueError("cut off")
        yield _Value(tag, data[at : at + size])
        at += size


def _name(name: _Value, *kinds: bytes) -> str:
    """Its parts of these kinds, each once, as text that may be printed."""
    found: dict[bytes, str] = {}
    for relative in _values(name.content):
        for pair in _values(relative.content):
            kind, value = _values(pair.content)
            found[kind.content] = value.content.decode("utf-8", "replace")
    texts = dict.fromkeys(found[kind] for kind in kinds if kind in found)
    shown = " of ".join(texts)
    return "".join(char if char.isprintable() and char.isascii() else "?" for char in shown)[:_MOST_CHARS]


def _time_s(time: _Value) -> float:
    """UTCTime has two digits of the year: 50 and more are of the last century."""
    text = time.content.decode("ascii")
    if time.tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
