"""Bounds of the sidecar itself, and what it does with the limits of the API."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from claude_sidecar.schema.durations import Duration
from claude_sidecar.schema.strict_model import StrictModel

_MIB = 1 << 20


class Limits(StrictModel):
    """Bounds of the sidecar itself."""

    max_concurrent: Annotated[int, Field(ge=1, le=100_000)] = 512
    """Calls in flight at once; one more is answered 529 `gateway_busy`.

    The limit of open files may allow fewer; the sidecar logs it if so.
    """
    max_body_mib: Annotated[int, Field(alias="maxBodyMiB", ge=1, le=1024)] = 32
    """Largest body of a request that may be retried, in MiB; a larger one is answered 413.

    Calls that are sent once (batches, files) pass whatever their size.
    """
    max_buffered_mib: Annotated[int, Field(alias="maxBufferedMiB", ge=0, le=65_536)] = 64
    """Memory for the bodies and held streams of all requests, in MiB.

    Bodies of up to 1 MiB are kept there until a response is committed; what finds no room goes to disk
    (`spoolMiB`). With 0 for both nothing is kept, and every body is sent once, as it comes.
    """
    spool_mib: Annotated[int, Field(alias="spoolMiB", ge=0, le=1_048_576)] = 256
    """Disk for the bodies of all requests, in MiB.

    About the largest body times the requests that wait for their first delta. Without room a request waits,
    up to 10 s, and is answered 529 `gateway_busy` then. In a pod no more is used than its volume at /tmp
    has.
    """

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


ENFORCE_IS_NOT_IMPLEMENTED = (
    "Enforce is not implemented yet; write Observe, which learns the limits and reports them"
)

_ALLOWED = {"type": "string", "enum": [PacingMode.DISABLED.value, PacingMode.OBSERVE.value]}


def _implemented(mode: PacingMode) -> PacingMode:
    if mode is PacingMode.ENFORCE:
        raise PydanticCustomError("policy", "{message}", {"message": ENFORCE_IS_NOT_IMPLEMENTED})
    return mode


ImplementedMode = Annotated[
    PacingMode, Field(strict=False), AfterValidator(_implemented), WithJsonSchema(_ALLOWED)
]


class Pacing(StrictModel):
    """What is done with rate limits learnt from answers."""

    mode: ImplementedMode = PacingMode.OBSERVE
    """What is done with the rate limits that responses tell.

    `Observe`: they are learnt and reported, in `/routes` and as the metric
    `claude_sidecar_ratelimit_remaining`; no request waits for them. `Disabled`: nothing is learnt.
    `Enforce` is refused: not implemented yet. It is to wait before a limit is met.
    """
    max_wait_s: Duration = Duration("60s")
    """How long a request may wait for a limit under `Enforce`, which is not implemented yet; without
    effect."""
    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """How many requests may wait at once under `Enforce`, which is not implemented yet; without effect."""

    @property
    def learns(self) -> bool:
        """Whether limits are learnt from answers."""
        return self.mode is not PacingMode.DISABLED
