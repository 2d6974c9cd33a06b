"""An upstream's answer as far as it has come, ready to be relayed or kept as the last word."""

from dataclasses import dataclass, field

from claude_sidecar.policy.commit import CommitReason
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.held_room import HeldShare
from claude_sidecar.telemetry.record import AttemptRecord
from claude_sidecar.upstream.transport import Answer
from claude_sidecar.wire.answer_facts import AnswerFacts
from claude_sidecar.wire.content_coding import TeeDecoder
from claude_sidecar.wire.error_body import ErrorBody
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines, index_of


@dataclass(slots=True)
class Reply:
    """index: of the headers as they came. prefix: body bytes that have come (of a stream: whole events);
    rest: where more comes from, None when the body is complete. events: set for a stream; guarded: a
    stream that must end with `message_stop` or an error event. commit_reason: what ended a stream's hold;
    share: what the held bytes take of the room for them. tee: decodes a copy of a JSON body, kept
    in `copy`, for `facts`. credentials_sent: names of the credential headers of the send that it answers.
    """

    status: int
    reason: bytes
    headers: HeaderLines
    candidate: Candidate
    attempt: AttemptRecord
    index: HeaderIndex = field(init=False)
    prefix: list[bytes] = field(default_factory=list)
    rest: Answer | None = None
    events: EventView | None = None
    guarded: bool = False
    commit_reason: CommitReason | None = None
    share: HeldShare | None = None
    tee: TeeDecoder | None = None
    copy: bytearray = field(default_factory=bytearray)
    facts: AnswerFacts = field(default_factory=AnswerFacts)
    error: ErrorBody | None = None
    credentials_sent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.index = index_of(self.headers)

    @property
    def request_id(self) -> str | None:
        """The upstream's own name for the request."""
        value = self.index.get(b"request-id")
        return value.decode("ascii", "replace")[:100] if value is not None else None

    @property
    def is_partial(self) -> bool:
        """Whether it is a model's stream that has not ended whole: a message without `message_stop`, or a
        completion, which has no such event, without its body's end or with an error."""
        view = self.events
        if view is None or not view.inference:
            return False
        return not (view.stopped if self.guarded else view.finished and view.error is None)

    def see(self, data: bytes) -> None:
        """Take a decoded copy of body bytes that flow by."""
        if self.tee is not None:
            self.copy += self.tee.decode(data)

    def read_copy(self) -> None:
        """The body is as complete as it gets: read its facts."""
        if self.copy:
            self.facts.read_body(bytes(self.copy))
            self.copy.clear()

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
        """Let go of the upstream, and of what was held."""
        self.drop_held()
        rest, self.rest = self.rest, None
        if rest is not None:
            rest.close()
