"""Bounds of the sidecar itself, and what it does with the limits of the API."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from claude_sidecar.schema.durations import Duration
from claude_sidecar.schema.strict_model import StrictModel

_MIB = 1 << 20


class Limits(StrictModel):
    """Bounds of the sidecar itself."""

    max_concurrent: Annotated[int, Field(ge=1, le=100_000)] = 512
    """Calls in flight; more are answered `gateway_busy`."""
    max_body_mib: Annotated[int, Field(alias="maxBodyMiB", ge=1, le=1024)] = 32
    """Largest repeatable request body, in MiB; a larger one is answered 413."""
    max_buffered_mib: Annotated[int, Field(alias="maxBufferedMiB", ge=0, le=65_536)] = 64
    """Memory for request bodies of all calls, in MiB."""
    spool_mib: Annotated[int, Field(alias="spoolMiB", ge=0, le=1_048_576)] = 256
    """Disk for request bodies of all calls, in MiB."""

    @property
    def max_body_bytes(self) -> int:
        """`maxBodyMiB` in bytes."""
        return self.max_body_mib * _MIB

    @property
    def max_buffered_bytes(self) -> int:
        """`maxBufferedMiB` in bytes."""
        return self.max_buffered_mib * _MIB

    @property
    def spool_bytes(self) -> int:
        """`spoolMiB` in bytes."""
        return self.spool_mib * _MIB


class PacingMode(StrEnum):
    """What is done with a learnt rate limit."""

    DISABLED = "Disabled"
    OBSERVE = "Observe"
    ENFORCE = "Enforce"


class Pacing(StrictModel):
    """What is done with rate limits learnt from answers."""

    mode: Annotated[PacingMode, Field(strict=False)] = PacingMode.OBSERVE
    """`Observe`: learn and report; `Enforce`: also wait before sending; `Disabled`: neither."""
    max_wait_s: Duration = Duration("60s")
    """Longest wait before sending."""
    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """Calls that may wait at once."""
