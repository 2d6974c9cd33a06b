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


ENFORCE_IS_NOT_BUILT = "Enforce is not built yet; write Observe, which learns the limits and reports them"

_BUILT = {"type": "string", "enum": [PacingMode.DISABLED.value, PacingMode.OBSERVE.value]}


def _built(mode: PacingMode) -> PacingMode:
    if mode is PacingMode.ENFORCE:
        raise PydanticCustomError("policy", "{message}", {"message": ENFORCE_IS_NOT_BUILT})
    return mode


BuiltMode = Annotated[PacingMode, Field(strict=False), AfterValidator(_built), WithJsonSchema(_BUILT)]


class Pacing(StrictModel):
    """What is done with rate limits learnt from answers."""

    mode: BuiltMode = PacingMode.OBSERVE
    """`Observe`: learn limits from answers and report them; `Disabled`: learn nothing; `Enforce`, to wait
    before sending as well, is not built yet and refused."""
    max_wait_s: Duration = Duration("60s")
    """For `Enforce`, which is not built yet; without effect."""
    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """For `Enforce`, which is not built yet; without effect."""

    @property
    def learns(self) -> bool:
        """Whether limits are learnt from answers."""
        return self.mode is not PacingMode.DISABLED
