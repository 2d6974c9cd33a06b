"""What is told about calls, and what they cost."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from claude_sidecar.schema.fields import Dollars, HeaderName, ModelName, PerSecond
from claude_sidecar.schema.strict_model import StrictModel


class KeyAlias(StrEnum):
    """How a credential is named in what we emit."""

    FINGERPRINT = "Fingerprint"
    HIDDEN = "Hidden"


class Traces(StrictModel):
    """Which calls are traced."""

    successes_per_second: PerSecond = 10
    """Plain successes traced per second, at most."""
    failures_per_second: PerSecond = 50
    """Failed, repeated or rerouted calls traced per second, at most."""
    propagate: bool = False
    """Whether `traceparent` and `tracestate` are sent upstream."""


class Telemetry(StrictModel):
    """What is told about calls."""

    traces: Traces = Traces()
    """Which calls are traced."""
    key_alias: Annotated[KeyAlias, Field(strict=False)] = KeyAlias.FINGERPRINT
    """`Fingerprint`: the first 8 hex digits of the credential's SHA-256; `Hidden`: nothing."""
    feature_header: HeaderName = "x-claude-feature"
    """Request header whose value says which feature of the app makes the call."""


class Price(StrictModel):
    """US dollars per million tokens of one model, as decimal strings."""

    model: ModelName
    """The model's name."""
    input_per_mtok: Annotated[Dollars, Field(alias="inputPerMTok")] = Decimal("0")
    """Input that was neither read from nor written to the cache."""
    output_per_mtok: Annotated[Dollars, Field(alias="outputPerMTok")] = Decimal("0")
    """Output."""
    cache_read_per_mtok: Annotated[Dollars, Field(alias="cacheReadPerMTok")] = Decimal("0")
    """Input read from the cache."""
    cache_write_per_mtok: Annotated[Dollars, Field(alias="cacheWritePerMTok")] = Decimal("0")
    """Input written to the cache."""
