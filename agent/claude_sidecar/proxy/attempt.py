"""One upstream attempt: where it was sent, and its response as far as it has come."""

from dataclasses import replace

import msgspec

from claude_sidecar.causes import Cause
from claude_sidecar.policy.holding import CommitReason
from claude_sidecar.policy.outcome import NO_HINTS, Outcome
from claude_sidecar.policy.rate_limits import Limit
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.providers.provider import Provider
from claude_sidecar.proxy.buffer_space import HeldShare
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.schema.prices import PriceList
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.cost import NOT_PRICED, Cost, cost_of
from claude_sidecar.upstream.transport import UpstreamResponse
from claude_sidecar.wire.content_coding import BoundedDecoder
from claude_sidecar.wire.error_body import ErrorBody
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines
from claude_sidecar.wire.model_name import safe_model_id, safe_model_name
from claude_sidecar.wire.response_metadata import NO_USAGE, ResponseMetadata, TokenUsage

_WITHOUT_ANSWER = {Cause.TIMEOUT: "timeout", Cause.CONNECTION_FAILURE: "connection_error"}
_NOTHING_SAID = ResponseMetadata()


class Response(msgspec.Struct):
    """An upstream's response as far as it has come, ready to be relayed or kept as the last word."""

    status: int
    reason: bytes
    headers: HeaderLines
    """As the Claude API would have sent them."""

    index: HeaderIndex
    """First values of these lines."""

    candidate: Candidate
    """What was sent to."""

    number: int
    """Of the attempt that it answers, counted from 1."""

    request_id: str | None = None
    """The upstream's own name for the request."""

    prefix: list[bytes] = []
    """Body bytes that have come; of a stream, whole events."""

    rest: UpstreamResponse | None = None
    """Where more comes from, None when the body is complete."""

    events: EventView | None = None
    """Set for a stream."""

    guarded: bool = False
    """Whether it is a stream that must end with `message_stop` or an error event."""

    commit_reason: CommitReason | None = None
    """What ended a stream's hold."""

    share: HeldShare | None = None
    """What the held bytes take of the room for them."""

    decoder: BoundedDecoder | None = None
    """Decodes a copy of a JSON body."""

    copy: bytearray = bytearray()
    """That copy, kept until it is read for its facts."""

    metadata: ResponseMetadata = msgspec.field(default_factory=ResponseMetadata)
    """Usage, model and the like, as far as they were told."""

    error: ErrorBody | None = None
    """What an error body or event says."""

    limit: Limit | None = None
    """Of a 429: which limit was hit."""

    def __post_init__(self) -> None:
        name = self.index.get(b"request-id")
        self.request_id = name.decode("ascii", "replace")[:100] if name is not None else None

    @property
    def is_partial(self) -> bool:
        """Whether it is a model's stream that has not ended whole: a message without `message_stop`, or a
        completion, which has no such event, without its body's end or with an error."""
        view = self.events
        if view is None or not view.inference:
            return False
        return not (view.stopped if self.guarded else view.finished and view.error is None)

    def observe(self, data: bytes) -> None:
        """Take a decoded copy of body bytes that flow by."""
        if self.decoder is not None:
            self.copy += self.decoder.decode(data)

    def drop_held(self) -> None:
        """Give back the room for what was held: it is on its way to the caller, or never will be."""
        self.prefix.clear()
        if self.share is not None:
            self.share.release()

    def discard(self) -> None:
        """Let go of an upstream that answered amiss: its connection is not used again."""
        rest, self.rest = self.rest, None
        if rest is not None:
            rest.discard()

    def close(self) -> None:
        """Let go of the upstream, and of what was held; a body is read for its facts, as far as it came."""
        self.drop_held()
        rest, self.rest = self.rest, None
        if rest is not None:
            rest.close()
        if self.copy:
            self.metadata.read_body(bytes(self.copy))
            self.copy.clear()


class Attempt(msgspec.Struct):
    """One attempt of a call, from its beginning on."""

    number: int
    """Counted from 1."""

    candidate: Candidate
    route: Route

    provider: Provider
    """Whose API the route speaks."""

    target: str
    """Path and query as the route is asked for them."""

    rule: str
    """The rule of the decision by which it is made."""

    because: str
    """What that rule says, with the call's own figures."""

    key: str
    """The alias of the credential that it carries."""

    credentials_sent: tuple[str, ...]
    """Names of the headers with that credential."""

    started_s: float
    """On the loop's clock."""

    span_id: str | None = None
    """Set where it carries a `traceparent` of ours."""

    first_byte_s: float | None = None
    """When the response's status line came."""

    response: Response | None = None
    """Its response, once the head has come."""

    outcome: Outcome | None = None
    """How it ended; None while it goes on, and where it was given up."""

    error_type: str | None = None
    """The provider's, `connection_error` or `timeout`."""

    ended_s: float = 0.0
    """When nothing more came, or nothing more was wanted."""

    @property
    def cause(self) -> Cause | None:
        """Why it failed; None on success, and while nothing is known."""
        return self.outcome.cause if self.outcome is not None else None

    @property
    def limit(self) -> str | None:
        """Which rate limit a 429 hit."""
        return self.response.limit if self.response is not None else None

    def judged(self, outcome: Outcome) -> None:
        """It was held until it could be judged."""
        self.outcome = outcome
        if outcome.cause is None:
            return
        if not outcome.has_response:
            self.error_type = _WITHOUT_ANSWER.get(outcome.cause)
        elif self.response is not None and self.response.error is not None:
            self.error_type = self.response.error.type

    def broken(self, cause: Cause, error_type: str | None) -> None:
        """It was judged a success, and its stream did not come to a good end."""
        assert self.outcome is not None  # only what was judged is delivered
        self.outcome, self.error_type = replace(self.outcome, cause=cause), error_type

    def record(self, asked: str | None, prices: PriceList | None) -> AttemptRecord:
        """What it was, once it has ended; asked: the caller's model; prices: None where tokens are free."""
        route, response, outcome = self.route, self.response, self.outcome
        metadata = response.metadata if response is not None else _NOTHING_SAID
        cause = outcome.cause if outcome is not None else None
        hints = outcome.hints if outcome is not None else NO_HINTS
        usage, cost = self._used(metadata.usage, asked, prices)
        return AttemptRecord(
            route=route.name,
            provider=self.provider.name,
            model=self._model(asked),
            substitute=self.candidate.substitute,
            rule=self.rule,
            because=self.because,
            started_s=self.started_s,
            server_address=route.host,
            server_port=route.port,
            url=f"{route.origin}{self.target.partition('?')[0]}",
            ended_s=self.ended_s,
            first_byte_s=self.first_byte_s,
            status=response.status if response is not None else None,
            cause=cause,
            error_type=self.error_type,
            limit=self.limit if cause is not None else None,
            request_id=response.request_id if response is not None else None,
            reused_connection_died=outcome is not None and outcome.reused_connection_died,
            retry_after_s=hints.retry_after_s,
            should_retry=hints.should_retry,
            cut_after_s=outcome.cut_after_s if outcome is not None else None,
            cancelled=outcome is None,
            span_id=self.span_id,
            key=self.key,
            usage=usage,
            cost_usd=cost.usd,
            unpriced=cost.unpriced,
            partial=response is not None and response.is_partial,
            response_model=metadata.model,
            response_id=metadata.message_id,
            stop_reason=metadata.stop_reason,
        )

    def _model(self, asked: str | None) -> str:
        """What was asked for, fit to be shown: a policy's ids are freer than what is believed of a caller."""
        sent = self.candidate.model
        if sent is None:
            return ""
        return safe_model_id(sent) if sent != asked else safe_model_name(sent) or ""

    def _used(self, told: TokenUsage, asked: str | None, prices: PriceList | None) -> tuple[TokenUsage, Cost]:
        """The usage that counts, and its cost: what stands beside a count of tokens was not used."""
        if prices is None:
            return NO_USAGE, NOT_PRICED
        if not prices or told is NO_USAGE:
            return told, NOT_PRICED
        sent = self.candidate
        return told, cost_of(told, prices.of(sent.model, sent.substitute or asked))
