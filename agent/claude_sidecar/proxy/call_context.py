"""Everything that belongs to one call while it runs."""

from dataclasses import dataclass

from claude_sidecar.policy.snapshot import Snapshot
from claude_sidecar.proxy.call import Call
from claude_sidecar.proxy.stored_body import RequestBody
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.wire.request_peek import BodyFacts


@dataclass(slots=True)
class CallContext:
    """One snapshot serves the whole call, whatever happens to the policy meanwhile.

    deadline_s: on the loop's clock; callers_key: its alias; credentials_sent: names of the
    credential headers of the last send.
    """

    call: Call
    snapshot: Snapshot
    body: RequestBody
    body_facts: BodyFacts
    record: CallRecord
    deadline_s: float
    callers_key: str = "none"
    credentials_sent: tuple[str, ...] = ()
    last_failure: str = ""

    @property
    def repeatable(self) -> bool:
        """Whether the rules let this call be sent again."""
        return self.call.facts.repeatable and self.body.repeatable

    @property
    def streams(self) -> bool:
        """Whether the call asks for a stream."""
        return self.body_facts.stream and self.call.facts.operation in ("chat", "text_completion")

    @property
    def answers_soon(self) -> bool:
        """Whether silence tells of trouble: other calls may work for minutes before their first byte."""
        return self.streams or self.call.facts.operation == "count_tokens"
