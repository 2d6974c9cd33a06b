"""What is counted of calls, and of those among them that met with something."""

from decimal import Decimal

import msgspec

from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.cost import WEB_SEARCH, left_out


class Tally(msgspec.Struct, omit_defaults=True, gc=False):
    """Counts of some calls."""

    calls: int = 0
    """That ended."""

    failed: int = 0
    """Of these, how many the caller got an error of, or a stream that broke, or nothing."""

    cured: int = 0
    """Of these, how many went well after an attempt that had failed."""

    left: int = 0
    """Of these, how many callers went away from."""

    moved_on: int = 0
    """Calls that were tried here and ended elsewhere: with another key, on another route, another model."""

    attempts: int = 0
    """Upstream attempts; a failed connect counts."""

    waited_s: float = 0.0
    """Pauses between attempts, in seconds."""

    input_tokens: int = 0
    """Input of all attempts, discarded ones too, without what was read from or written to the cache."""

    output_tokens: int = 0
    """Output of all attempts."""

    cache_read_tokens: int = 0
    """Input of all attempts that was read from the cache."""

    cache_creation_tokens: int = 0
    """Input of all attempts that was written to the cache."""

    cost_usd: Decimal | None = None
    """Of all attempts, as far as they have a price; None where none has."""

    unpriced_tokens: int = 0
    """Of the tokens of all attempts, those without a price, where the policy has prices."""

    @property
    def tried(self) -> int:
        """Calls that ended here or were tried here: of these something is a share."""
        return self.calls + self.moved_on

    def add(self, other: "Tally") -> None:
        """Count what another has counted."""
        self.calls += other.calls
        self.failed += other.failed
        self.cured += other.cured
        self.left += other.left
        self.moved_on += other.moved_on
        self.attempts += other.attempts
        self.waited_s += other.waited_s
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_creation_tokens += other.cache_creation_tokens
        if other.cost_usd is not None:
            self.cost_usd = other.cost_usd + (self.cost_usd or 0)
        self.unpriced_tokens += other.unpriced_tokens

    def use(self, attempt: AttemptRecord) -> None:
        """Count what an attempt used."""
        usage = attempt.usage
        if usage.input_tokens:
            self.input_tokens += usage.input_tokens
        if usage.output_tokens:
            self.output_tokens += usage.output_tokens
        if usage.cache_read_input_tokens:
            self.cache_read_tokens += usage.cache_read_input_tokens
        if usage.cache_creation_input_tokens:
            self.cache_creation_tokens += usage.cache_creation_input_tokens
        if attempt.cost_usd is not None:
            self.cost_usd = attempt.cost_usd + (self.cost_usd or 0)
        if attempt.unpriced:
            kinds = left_out(usage, attempt.unpriced)
            self.unpriced_tokens += sum(amount for kind, amount in kinds if kind != WEB_SEARCH)


class Met(msgspec.Struct, omit_defaults=True, gc=False):
    """Calls that met with the same thing."""

    calls: int = 0
    """How many."""

    failed: int = 0
    """How many of them failed of it in the end."""

    detail: str = ""
    """What was special about the last one."""

    def add(self, other: "Met") -> None:
        """Count what another, later one has counted."""
        self.calls += other.calls
        self.failed += other.failed
        self.detail = other.detail or self.detail
