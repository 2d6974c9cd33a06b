"""A call while it runs: what was asked, and what has happened so far; at its end, the record of it."""

from dataclasses import dataclass, field

import msgspec

from claude_sidecar import clock
from claude_sidecar.hints.clients import Client
from claude_sidecar.policy.actions import Deliver, GiveUp
from claude_sidecar.policy.holding import Opening
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.request_facts import Asked, RequestFacts, request_facts
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.providers.registry import unserved
from claude_sidecar.proxy.attempt import Attempt, Response
from claude_sidecar.proxy.buffer_space import HeldRoom
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.opener import Opener
from claude_sidecar.proxy.request_body import RequestBody
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.attempts import FallbackRecord, OpenedBy, WaitRecord
from claude_sidecar.telemetry.record import NO_RESPONSE, NO_ROUTE, CallRecord, RequestRecord, ResponseRecord
from claude_sidecar.wire.call import UNREAD, Call
from claude_sidecar.wire.credential import ALIAS_NONE, alias_of
from claude_sidecar.wire.headers import HeaderLines, id_in
from claude_sidecar.wire.model_name import safe_model_name
from claude_sidecar.wire.request_peek import NO_FACTS, BodyFacts
from claude_sidecar.wire.trace_context import TraceParent, read_traceparent

_STREAMED = frozenset({"chat", "text_completion"})
_BILLED = _STREAMED  # counting tokens is free


class Delivery(msgspec.Struct, frozen=True):
    """What a call came to, once nothing more is sent."""

    step: Deliver | GiveUp
    """The last of the decision's steps, which says why no more is sent."""

    response: Response | None
    """An upstream's response to hand on, None where an error of our own is to be made."""

    candidates: tuple[Candidate, ...]
    """What could be sent to."""

    stops_the_sdk: bool
    """Whether the caller's SDK must not repeat the call."""

    cut_after_s: float | None
    """Seconds of silence after which a route was found to cut this call again and again."""

    because: str
    """What the step's rule says, with the call's own figures."""


@dataclass(slots=True)
class CallContext:
    """One call while it runs; its record is made from this at the end, and is nowhere before."""

    snapshot: Snapshot
    """The policy that serves the whole call, whatever happens to the policy meanwhile."""

    down: Downstream
    """The caller's side."""

    room: HeldRoom
    """Room for what is held back."""

    method: str
    """As it came, `_OTHER` where the request can't be read."""

    path: str
    """Without its query."""

    lines: HeaderLines
    """The request's header lines."""

    call_id: str
    """`sc_...`"""

    started_s: float
    """When it arrived, on the loop's clock."""

    call: Call = UNREAD
    """The request's head, once it has been read."""

    callers_key: str = ALIAS_NONE
    """The alias of the caller's own credential."""

    parent: TraceParent | None = None
    """The caller's span, where it names one."""

    trace_id: str | None = None
    """The caller's, else ours, where one is sent upstream."""

    body_bytes: int = 0
    """Size of the body, as declared or as far as it was read."""

    body_kept: bool | None = None
    """Whether the body can be sent again, None where there is none."""

    body: RequestBody = field(init=False)
    """Set by `begin`."""

    body_facts: BodyFacts = NO_FACTS
    """What the body says of model, stream and account."""

    streams: bool = False
    """Whether a stream is asked for."""

    repeatable: bool = False
    """Whether the rules let this call be sent again."""

    facts: RequestFacts = field(init=False)
    """The request as the decision sees it; set by `begin`."""

    opener: Opener | None = None
    """Set where a stream is asked for."""

    attempts: list[Attempt] = field(default_factory=list)
    """Attempts, the last of which may be under way."""

    waits: list[WaitRecord] = field(default_factory=list)
    """Pauses that are over."""

    fallbacks: list[FallbackRecord] = field(default_factory=list)
    """Moves between routes."""

    last_failure: str = ""
    """What went wrong last, for an error of our own."""

    delivery: Delivery | None = None
    """Set once nothing more is sent."""

    response: ResponseRecord | None = None
    """What the caller gets, once that is known."""

    digest: bytes | None = None
    """Tells the request from others, where somebody has needed that."""

    blind_repeat: Client | None = None
    """Who sends again what was answered by a failure and `x-should-retry: false`; None for another call."""

    cancelled: bool = False
    """Whether the caller has gone."""

    def read(self, call: Call) -> None:
        """The request's head can be forwarded."""
        self.call = call
        self.callers_key = alias_of(call.credentials, self.snapshot.telemetry.key_alias)
        header = call.index.get(b"traceparent")
        if header is not None and (parent := read_traceparent(header)) is not None:
            self.parent, self.trace_id = parent, parent.trace_id

    def begin(self, body: RequestBody) -> None:
        """The body is here, or on its way: all is known that the decision needs."""
        asked, said = self.call.facts, body.facts
        self.body, self.body_facts = body, said
        self.streams = said.stream and asked.operation in _STREAMED
        self.repeatable = asked.repeatable and body.kept
        wanted = Asked(
            model=said.model,
            operation=asked.operation,
            stream=self.streams,
            is_post=asked.is_post,
            repeatable=self.repeatable,
            pinned=asked.one_account or said.account_bound,
        )
        left_out = unserved(self.snapshot, wanted)
        self.facts = request_facts(self.snapshot, wanted, self.call.sdk, self.started_s, left_out)
        if self.streams:
            stream, patience_s = self.snapshot.stream, self.call.sdk.timeout_s
            opening = Opening(stream.quiet_after_s, stream.keep_alive_s, self.started_s, patience_s)
            self.opener = Opener(self.down, opening)

    @property
    def opened(self) -> bool:
        """Whether the caller has been sent the head of a held response."""
        return self.opener is not None and self.opener.head is not None

    @property
    def deadline_s(self) -> float:
        """By when the call must be committed, on the loop's clock; who receives bytes is patient."""
        return self.facts.total_by_s if self.opened else self.facts.deadline_s

    @property
    def wants_hint(self) -> bool:
        """Whether a hint is told whatever the status: a route was found to cut this call again and again, or
        the client to repeat blindly."""
        cut = self.delivery is not None and self.delivery.cut_after_s is not None
        return cut or self.blind_repeat is not None

    def response_of(self, outcome: Outcome) -> Response | None:
        """The upstream's response of which an outcome tells."""
        return self.attempts[outcome.attempt - 1].response if outcome.attempt else None


def record_of(context: CallContext) -> CallRecord:
    """What happened in a call that ends now."""
    head = context.opener.head if context.opener is not None else None
    response = context.response or head or NO_RESPONSE
    attempts, delivery = context.attempts, context.delivery
    # Not always the last: a later route's refusal of our own key gives way to an earlier response.
    sent = attempts[response.attempt - 1 if response.attempt else -1] if attempts else None
    prices = context.snapshot.prices if context.call.facts.operation in _BILLED else None
    has_chunk = response.route != NO_ROUTE and (response.status or 500) < 400
    return CallRecord(
        call_id=context.call_id,
        policy=context.snapshot.name,
        policy_hash=context.snapshot.hash,
        started_s=context.started_s,
        ended_s=clock.now(),
        request=_request(context),
        response=response,
        attempts=tuple([attempt.record(context.body_facts.model, prices) for attempt in attempts]),
        waits=tuple(context.waits),
        fallbacks=tuple(context.fallbacks),
        cancelled=context.cancelled,
        key=sent.key if sent is not None else context.callers_key,
        substituted_model=sent.candidate.substitute if sent is not None else None,
        opened_by=OpenedBy(head.route, head.attempt) if head is not None else None,
        retry_outcome=_retry_outcome(context),
        first_chunk_s=context.down.first_chunk_at if has_chunk else None,
        added_s=_added_s(context, response, head),
        trace_id=context.trace_id,
        end_rule=delivery.step.why.name if delivery is not None else None,
        end_because=delivery.because if delivery is not None else None,
    )


def _request(context: CallContext) -> RequestRecord:
    call, said, parent = context.call, context.body_facts, context.parent
    state = call.index.get(b"tracestate") if parent is not None else None
    index, feature_header = call.index, context.snapshot.telemetry.feature_header
    return RequestRecord(
        method=context.method,
        path=context.path,
        operation=call.facts.operation,
        model=safe_model_name(said.model),
        stream=context.streams,
        max_tokens=said.max_tokens,
        body_bytes=context.body_bytes,
        body_kept=context.body_kept,
        sdk_retry_count=call.sdk.retry_count,
        sdk_timeout_s=call.sdk.timeout_s,
        account_bound=call.facts.one_account or said.account_bound,
        feature=id_in(index, feature_header.lower().encode("ascii")),
        conversation=id_in(index, b"x-claude-code-session-id"),
        agent=id_in(index, b"x-claude-code-agent-id"),
        parent_agent=id_in(index, b"x-claude-code-parent-agent-id"),
        blind_repeat=context.blind_repeat.name if context.blind_repeat is not None else None,
        parent_span_id=parent.span_id if parent is not None else None,
        parent_sampled=parent is not None and parent.sampled,
        tracestate=state.decode("ascii", "replace") if state is not None else None,
    )


def _retry_outcome(context: CallContext) -> str | None:
    """What came of the call's repeats: `won`, `exhausted`, None without any; `refused`: the budget had no
    turn in time."""
    delivery = context.delivery
    if delivery is None:
        return None
    if delivery.step.reason is StopReason.TURN_TOO_LATE:
        return "refused"
    if len(context.attempts) < 2:
        return None
    return "won" if delivery.step.reason is StopReason.SUCCESS else "exhausted"


def _added_s(context: CallContext, response: ResponseRecord, head: ResponseRecord | None) -> float:
    """The time to the response's first byte, less what the attempt that gave it took to answer."""
    began = context.down.first_byte_at
    if began is None:
        return 0.0
    spent = began - context.started_s
    if context.attempts and response.route != NO_ROUTE:
        answered = context.attempts[(head or response).attempt - 1]
        if answered.first_byte_s is not None:
            spent -= answered.first_byte_s - answered.started_s
    return max(0.0, spent)
