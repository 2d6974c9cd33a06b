"""What is told about requests."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from claude_sidecar.schema.fields import HeaderName, PerSecond
from claude_sidecar.schema.strict_model import StrictModel


class KeyAlias(StrEnum):
    """How a credential is named in what we emit."""

    FINGERPRINT = "Fingerprint"
    HIDDEN = "Hidden"


class UsageNames(StrEnum):
    """Under which names a trace tells its tokens."""

    AUTO = "Auto"
    ALWAYS = "Always"
    NEVER = "Never"


class Traces(StrictModel):
    """Which requests are traced."""

    successes_per_second: PerSecond = 10
    """Plain successes traced per second, at most; 0 traces none.

    A request whose caller samples its own trace (`traceparent`) is traced in any case and counts to no rate.
    """
    failures_per_second: PerSecond = 50
    """Failed, retried or rerouted requests traced per second, at most; 0 traces none.

    Keep it above `successesPerSecond`: these are the traces that explain something.
    """
    propagate: bool = False
    """Whether `traceparent` and `tracestate` are sent upstream.

    `false` strips them; `true` sends the attempt's own, so that a gateway behind the sidecar joins the
    trace.
    """
    usage: Annotated[UsageNames, Field(strict=False)] = UsageNames.AUTO
    """Under which names the `chat` span tells its tokens, so that a store that sums a trace counts them once.

    `Auto`: `claude_sidecar.usage.*` where the request comes with a `traceparent`, since the span of the
    app's SDK has `gen_ai.usage.*` then; without one, `gen_ai.usage.*`. `Always`: `gen_ai.usage.*`, for apps
    whose own spans tell no tokens. `Never`: `claude_sidecar.usage.*`.
    """


class Telemetry(StrictModel):
    """What is told about requests."""

    traces: Traces = Traces()
    """Which requests are traced."""
    key_alias: Annotated[KeyAlias, Field(strict=False)] = KeyAlias.FINGERPRINT
    """How a credential is named in metrics, spans and log lines; the key itself never is.

    `Fingerprint`: the first 8 hex digits of its SHA-256, so that you can tell keys apart. `Hidden`: `hidden`
    for all.
    """
    feature_header: HeaderName = "x-claude-feature"
    """Request header whose value says which feature of the app makes the request.

    The value is an attribute of spans and a label of `claude_sidecar_feature_requests_total`: the first 50
    values as they are, others as `_other`. A value that is not 128 printable ASCII characters at most is
    ignored. A header that carries a credential is refused.
    """
