"""Durations as policies write them (`500ms`, `1m30s`): Go's style, whole numbers only."""

import re
from typing import Any

from pydantic import GetCoreSchemaHandler, SerializationInfo
from pydantic_core import CoreSchema, core_schema

DURATION_PATTERN = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
"""What a duration looks like; the CRD carries the same pattern."""

DURATION_MAX_LENGTH = 28
"""Four parts of five digits and two letters."""

_PART = re.compile("([0-9]{1,5})(ms|h|m|s)")
_WHOLE = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


class Duration(float):
    """A length of time in seconds, which remembers the text that it was written as.

    `1m` and `60s` are equal. Dumped to JSON it is its text, to Python its seconds. Raises ValueError for text
    that is not of DURATION_PATTERN.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Duration":
        duration = super().__new__(cls, _seconds(text))
        duration.text = text
        return duration

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        """A copy is made from the text."""
        return (self.text,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Text in, text out; what is between is a number."""
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(pattern=DURATION_PATTERN, max_length=DURATION_MAX_LENGTH),
            serialization=core_schema.plain_serializer_function_ser_schema(_dumped, info_arg=True),
        )


def _dumped(duration: Duration, info: SerializationInfo) -> Duration | str:
    return duration.text if info.mode == "json" else duration


def _seconds(text: str) -> float:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"not a duration: {text[:40]!r}")
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(text)) / 1000
