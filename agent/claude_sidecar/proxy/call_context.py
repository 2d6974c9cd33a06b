"""Everything that belongs to one call while it runs."""

from dataclasses import dataclass, field

from claude_sidecar.policy.request_facts import Asked, RequestFacts, request_facts
from claude_sidecar.proxy.call import Call
from claude_sidecar.proxy.held_room import HeldRoom
from claude_sidecar.proxy.opener import Opener
from claude_sidecar.proxy.request_body import RequestBody
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.wire.request_peek import BodyFacts


@dataclass(slots=True)
class CallContext:
    """One snapshot serves the whole call, whatever happens to the policy meanwhile.

    callers_key: its alias; credentials_sent: names of the credential headers of the last send; facts: the
    request as the decision sees it; opener: set where the call asks for a stream.
    """

    call: Call
    snapshot: Snapshot
    body: RequestBody
    record: CallRecord
    room: HeldRoom
    callers_key: str = "none"
    credentials_sent: tuple[str, ...] = ()
    last_failure: str = ""
    opener: Opener | None = None
    facts: RequestFacts = field(init=False)

    def __post_init__(self) -> None:
        call = self.call.facts
        asked = Asked(
            model=self.body_facts.model,
            operation=call.operation,
            stream=self.streams,
            is_post=call.is_post,
            repeatable=self.repeatable,
            pinned=call.one_account or self.body_facts.account_bound,
        )
        self.facts = request_facts(self.snapshot, asked, self.call.index, self.record.started_s)

    @property
    def opened(self) -> bool:
        """Whether the caller has been sent the head of a held answer."""
        return self.record.opened_by is not None

    @property
    def body_facts(self) -> BodyFacts:
        """What the body says of model, stream and account."""
        return self.body.facts

    @property
    def repeatable(self) -> bool:
        """Whether the rules let this call be sent again."""
        return self.call.facts.repeatable and self.body.kept

    @property
    def streams(self) -> bool:
        """Whether the call asks for a stream."""
        return self.body_facts.stream and self.call.facts.operation in ("chat", "text_completion")

    @property
    def answers_soon(self) -> bool:
        """Whether silence tells of trouble: other calls may work for minutes before their first byte."""
        return self.facts.answers_soon

    @property
    def deadline_s(self) -> float:
        """By when the call must be committed, on the loop's clock; who receives bytes is patient."""
        return self.facts.total_by_s if self.opened else self.facts.deadline_s
