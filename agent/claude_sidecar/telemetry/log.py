"""JSON lines on stderr: a constant message, facts as fields, never content or a credential."""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

import msgspec

from claude_sidecar.telemetry.bounds import clean

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""What the log level may be set to."""

_OURS = "claude_sidecar"
_VALUE_CHARS = 512
_MOST_ITEMS = 20
"""Of a list: a call has twenty steps at most."""

# Their arguments say what failed (an address, a reason), never anything of a call.
_TRUSTED_ARGUMENTS = ("opentelemetry.exporter.", "opentelemetry.sdk.")

Fact = str | int | float | bool | None
Facts = Fact | Sequence[str] | Sequence[Mapping[str, Fact]]


def event(logger: logging.Logger, level: int, message: str, **facts: Facts) -> None:
    """Write one line. message: constant; facts: fields of the line; what is None is left out."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"facts": facts})


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send the process's log lines to stderr as JSON. level: one of `LEVELS`.

    Raises KeyError for another level: settings are checked before this is called.
    """
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(LEVELS[level], logging.INFO))
    logging.getLogger(_OURS).setLevel(LEVELS[level])


class JsonLines(logging.Formatter):
    """One JSON object a line.

    Messages of other libraries are written without their arguments, and exceptions as type and frames
    without their text: either could hold what a call carried.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        facts = getattr(record, "facts", None)
        if isinstance(facts, dict):
            for name, value in facts.items():
                if value is not None and name not in line:
                    line[name] = _bounded(value)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__qualname__
            line["frames"] = _frames(record.exc_info[2])
        return msgspec.json.encode(line).decode()


def _message(record: logging.LogRecord) -> str:
    if record.name.startswith(_TRUSTED_ARGUMENTS):
        return clean(record.getMessage(), _VALUE_CHARS)
    message = str(record.msg)
    if record.name.split(".", 1)[0] != _OURS:
        # asyncio writes the task or exception itself into the lines that follow the first.
        message = message.split("\n", 1)[0]
    return clean(message, _VALUE_CHARS)


def _bounded(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_bounded(item) for item in value[:_MOST_ITEMS]]
    if isinstance(value, Mapping):
        return {name: _bounded(each) for name, each in value.items() if each is not None}
    return clean(str(value), _VALUE_CHARS)


def _frames(traceback: TracebackType | None) -> list[str]:
    frames: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-_MOST_ITEMS:]
