"""Lines of a log among which a call's is looked for: a sidecar's own, or as log collectors hand them on."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from claude_sidecar.cli.told_call import CallUnreadable, ToldCall, logged_call
from claude_sidecar.telemetry.names import LOG_CALL

_LOGGER = "claude_sidecar.calls"
_LONGEST_BYTES = 256 << 10
"""Ours are a tenth of that; collectors escape them once or twice."""

_BRACES_TRIED = 8
_WRAPPERS = ("log", "message")
"""In which member of their own object collectors put a line: Docker's json-file, Fluent Bit, and the like."""


def lines_of(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each line without its end; None in the place of one that is too long to be ours."""
    while line := stream.readline(_LONGEST_BYTES):
        if len(line) < _LONGEST_BYTES or line.endswith(b"\n"):
            yield line.rstrip(b"\r\n")
            continue
        while (rest := stream.readline(_LONGEST_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def first_call(lines: Iterator[bytes | None], name: str | None = None) -> ToldCall:
    """The first call that the lines tell; what comes behind it is not read.

    name: of the one that is wanted: our call id, or an upstream's request id. Raises CallUnreadable where
    there is none, which says what there was.
    """
    count, trouble, others = 0, "", 0
    for count, line in enumerate(lines, 1):
        if line is None:
            trouble = trouble or f"line {count} is over {_LONGEST_BYTES >> 10} KiB, so none of ours"
            continue
        try:
            call = _call_in(line)
        except CallUnreadable as unreadable:
            trouble = trouble or f"line {count}: {unreadable}"
            continue
        if call is not None and (name is None or call.is_called(name)):
            return call
        others += call is not None
    raise CallUnreadable(_nothing(count, others, trouble))


def _nothing(count: int, others: int, trouble: str) -> str:
    read = "1 line" if count == 1 else f"{count} lines"
    if others:
        return f"none of the {others} calls in {read} has that id"
    if trouble:
        return trouble
    return (
        f'no call in {read}: a sidecar logs each that failed, was repeated or moved, as "{LOG_CALL}"; '
        "pipe its log, as of `kubectl logs POD -c claude-sidecar`"
    )


def _call_in(line: bytes) -> ToldCall | None:
    """The call of a line, None where it is another line. Raises CallUnreadable."""
    document = _object_in(line)
    for _ in range(2):  # a collector's line may have been collected again
        if document is None or _is_a_calls(document):
            break
        wrapped = next((document[key] for key in _WRAPPERS if isinstance(document.get(key), str)), "")
        document = _object_in(wrapped.encode("utf-8", "replace"))
    if document is not None and _is_a_calls(document):
        return logged_call(document)
    if document is None and _LOGGER.encode() in line and LOG_CALL.encode() in line:
        raise CallUnreadable("it is cut off, or not the JSON that a sidecar writes")
    return None


def _is_a_calls(document: dict[str, Any]) -> bool:
    return document.get("logger") == _LOGGER and document.get("message") == LOG_CALL


def _object_in(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line, whatever stands before it: a pod's name, a time, a stream's name."""
    end, start = line.rfind(b"}") + 1, line.find(b"{")
    for _ in range(_BRACES_TRIED):
        if not 0 <= start < end:
            return None
        try:
            document = msgspec.json.decode(line[start:end])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            start = line.find(b"{", start + 1)
            continue
        return document if isinstance(document, dict) else None
    return None
