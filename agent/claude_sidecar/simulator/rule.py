"""One scripted fault or answer: when it applies and what then happens."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
HeaderLines = tuple[tuple[str, str], ...]


def _header_lines(given: object) -> object:
    """A mapping or a list of [name, value] pairs; the latter may repeat a name."""
    if isinstance(given, dict):
        given = list(given.items())
    if not isinstance(given, list | tuple):
        raise ValueError("a mapping of name to value, or a list of [name, value]")
    lines = []
    for item in given:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise ValueError("a mapping of name to value, or a list of [name, value]")
        name, value = item
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"the value of {name!r} is text or a number; quote it")
        line = (str(name), str(value))
        if any(mark in part for part in line for mark in "\r\n\0"):
            raise ValueError(f"header {name!r} must not hold a line break")
        lines.append(line)
    return tuple(lines)


def worded(allowed: str) -> WrapValidator:
    """For a field of several forms: one error that lists them, instead of one for each form."""

    def check(value: object, parse: ValidatorFunctionWrapHandler) -> object:
        try:
            return parse(value)
        except ValidationError:
            raise ValueError(f"{allowed} is wanted") from None

    return WrapValidator(check)


class Strict(BaseModel):
    """Frozen, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Strict):
    """Which calls a rule is for; every condition given must hold, none given means every call.

    *key*, *model*, *path* and *method* take `*` and `?`. *call* counts, from 1, the calls that meet the
    other conditions: a number, a list of numbers, `"2..5"`, `"3.."` or `"every 3"`. *window* is seconds
    since the scenario began, [from, to], to exclusive and null for no end. *reused*: true for any request
    but the first on its connection.
    """

    key: str | None = None
    model: str | None = None
    path: str | None = None
    method: str | None = None
    call: Annotated[
        int | list[int] | Annotated[str, Field(pattern=r"^(every [1-9]\d*|\d+\.\.\d*)$")] | None,
        worded("a number, a list of numbers, '2..5', '3..' or 'every 3'"),
    ] = None
    window: Annotated[
        tuple[Seconds, Seconds | None] | None, worded("[from, to] in seconds, to may be null,")
    ] = None
    stream: bool | None = None
    reused: bool | None = None

    def on(self, *, key: str, model: str, path: str, method: str, stream: bool, reused: bool) -> bool:
        """Whether a call has what is asked for, apart from *call* and *window*."""
        wanted = ((self.key, key), (self.model, model), (self.path, path), (self.method, method))
        if any(pattern is not None and not fnmatchcase(value, pattern) for pattern, value in wanted):
            return False
        return self.stream in (None, stream) and self.reused in (None, reused)

    def on_count(self, n: int) -> bool:
        """Whether the *n*-th call that meets the other conditions is meant."""
        match self.call:
            case None:
                return True
            case int(only):
                return n == only
            case list(several):
                return n in several
            case str(text) if text.startswith("every "):
                return n % int(text[6:]) == 0
            case text:
                low, high = text.split("..")
                return int(low) <= n and (not high or n <= int(high))

    def on_time(self, now_s: float) -> bool:
        """Whether *now_s* seconds since the scenario began are inside the window."""
        if self.window is None:
            return True
        begin, end = self.window
        return begin <= now_s and (end is None or now_s < end)


class Action(Strict):
    """What happens to a call; the `x-simulate` header takes the same names."""

    name: Annotated[str, Field(max_length=100)] | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None

    delay: Seconds = 0.0
    early: bool = False
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    reason: Annotated[str, Field(pattern=r"^[^\r\n]*$")] | None = None
    error_type: str | None = None
    message: str | None = None
    error_code: str | None = None
    retry_after: Annotated[float | str | None, worded("seconds, a date or none")] = None
    headers: Annotated[HeaderLines, BeforeValidator(_header_lines)] = ()
    only_headers: bool = False
    body: str | None = None
    body_base64: str | None = None
    html: bool = False
    gzip: bool | None = None

    reset: bool = False
    close: bool = False
    garbage: bool | str = False
    endless_headers: bool = False
    endless_body: bool = False
    wrong_length: int | None = None
    truncate_body_at: Count | None = None

    truncate_at_event: Count | None = None
    error_at_event: Count | None = None
    stall_at_event: Count | None = None
    mode: Literal["clean", "cut", "reset"] = "cut"
    stall: Annotated[Seconds | Literal["forever"], worded("seconds or forever")] = "forever"
    pings: bool = False

    first_token: Seconds | None = None
    tokens_per_second: Annotated[float, Field(ge=0)] | None = None
    output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tokens_per_event: Annotated[int, Field(ge=1, le=100_000)] | None = None
    text: str | None = None
    stop_reason: str | None = None
    answer_model: str | None = None

    @property
    def needs_stream(self) -> bool:
        """Whether it is about events, so that only streams can be meant."""
        at = (self.truncate_at_event, self.error_at_event, self.stall_at_event)
        return any(n is not None for n in at)

    @property
    def answers(self) -> bool:
        """Whether it replaces the answer instead of shaping the one that the call would get."""
        return self.status is not None or self.html or self.body is not None or self.body_base64 is not None

    @property
    def replaces(self) -> bool:
        """Whether the endpoint has no part in what the caller gets."""
        wild = self.reset or self.close or self.garbage or self.endless_headers or self.endless_body
        return self.answers or bool(wild)

    @model_validator(mode="after")
    def _one_ending(self) -> Self:
        flags = ("reset", "close", "garbage", "endless_headers", "endless_body")
        counts = ("truncate_body_at", "wrong_length", "truncate_at_event", "error_at_event")
        ends = [f for f in flags if getattr(self, f)] + [c for c in counts if getattr(self, c) is not None]
        if len(ends) > 1:
            raise ValueError(f"an answer ends in one way only, here {' and '.join(ends)}")
        if self.answers and self.needs_stream:
            raise ValueError("a status or body replaces the stream; *_at_event needs the stream")
        if self.early and not (self.answers or self.reset or self.close or self.garbage):
            raise ValueError("early needs a status, body, html, reset, close or garbage")
        if self.body is not None and self.body_base64 is not None:
            raise ValueError("body or body_base64, not both")
        return self


class Rule(Action):
    """An action and the calls that it is for."""

    match: Match = Match()

    @model_validator(mode="after")
    def _early_sees_no_body(self) -> Self:
        if self.early and (self.match.model is not None or self.match.stream is not None):
            raise ValueError("early answers before the body is read, so match cannot name model or stream")
        if self.needs_stream and self.match.stream is False:
            raise ValueError("*_at_event is for streams, but match.stream is false")
        return self
