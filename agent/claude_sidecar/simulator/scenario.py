"""What a simulator is told to be: keys, limits, timing, answers and rules."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from claude_sidecar.simulator.rule import Count, Rule, Seconds, Strict, worded

Rate = Annotated[int, Field(ge=1, le=10**12)]


class Limits(Strict):
    """Rate limits of one key and model class, each a minute; so large by default that none is met.

    *burst_seconds* is how many seconds' worth a full bucket holds: 60 as the documentation describes it,
    1 to have 60 requests a minute enforced as one a second.
    """

    rpm: Rate = 1_000_000
    itpm: Rate = 1_000_000_000
    otpm: Rate = 1_000_000_000
    burst_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0


class Key(Strict):
    """A credential and what it may do. *name* is what ledger and rules call it, never the key itself.

    *state*: `revoked` and `wrong` are refused with 401. *models*: the only ones that it may use, asking for
    another gives *missing_model_status*. Keys of one *organization* share their limits, files and batches.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
    key: Annotated[str, Field(min_length=1, repr=False)]
    state: Literal["valid", "revoked", "wrong"] = "valid"
    kind: Literal["api", "admin", "oauth"] = "api"
    organization: Annotated[str, Field(min_length=1)] | None = None
    models: tuple[str, ...] | None = None
    missing_model_status: Literal[403, 404] = 404
    limits: Limits | None = None


class Timing(Strict):
    """How long things take, in seconds; 0 is at once. *ping_every* 0 sends no ping in silences."""

    first_token: Seconds = 0.0
    tokens_per_second: Annotated[float, Field(ge=0)] = 0.0
    ping_every: Seconds = 15.0
    batch: Seconds = 0.0


class AnswerShape(Strict):
    """What completions look like. *output_tokens*: a number, or [least, most] to choose from by the seed."""

    output_tokens: Annotated[int | tuple[int, int], worded("a number or [least, most]")] = (20, 120)
    tokens_per_event: Annotated[int, Field(ge=1)] = 4
    text: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        least, most = self.bounds
        if not 1 <= least <= most <= 1_000_000:
            raise ValueError("output_tokens is 1 or more, the least before the most")
        return self

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most tokens of an answer."""
        if isinstance(self.output_tokens, int):
            return self.output_tokens, self.output_tokens
        return self.output_tokens


class Scenario(Strict):
    """The whole of a scenario file; an empty one is a healthy API that takes any well-formed key."""

    seed: int = 0
    unknown_keys: Literal["accept", "refuse"] = "accept"
    keys: tuple[Key, ...] = ()
    limits: Limits = Limits()
    timing: Timing = Timing()
    answer: AnswerShape = AnswerShape()
    models: tuple[str, ...] = ()
    gzip: tuple[Literal["json", "stream", "error"], ...] = ()
    results_origin: Annotated[str, Field(pattern=r"^https?://[^/]+$")] | None = None
    record_headers: tuple[str, ...] = ()
    ledger_size: Count = 100_000
    rules: tuple[Rule, ...] = ()

    @field_validator("record_headers")
    @classmethod
    def _no_credentials(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(name.lower() for name in names)
        for name in lowered:
            if name in {"authorization", "x-api-key", "proxy-authorization", "cookie", "api-key"}:
                raise ValueError(f"{name} holds a secret and is never recorded")
        return lowered

    @model_validator(mode="after")
    def _distinct_keys(self) -> Self:
        for what in ("name", "key"):
            values = [getattr(key, what) for key in self.keys]
            if len(set(values)) < len(values):
                raise ValueError(f"two keys have one {what}")
        return self
