"""A real call as its sidecar tells it: in a line of its log, or in an entry of `/requests`.

Both come from outside, so they are read with bounds; what a newer sidecar says beyond this is passed over.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

_Number = Annotated[float, msgspec.Meta(ge=0, le=2**40)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
_Text = Annotated[str, msgspec.Meta(max_length=1_000)]
_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])")


class CallUnreadable(Exception):
    """It is not as a sidecar tells a call. The message says where, and repeats nothing of it."""


class ToldStep(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt or a pause, as the log tells it.

    at_ms: after the call's arrival; for_ms: how long it was. send: the route of an attempt; wait: the reason
    of a pause.
    """

    at_ms: _Number
    for_ms: _Number
    send: _Text | None = None
    wait: _Text | None = None
    model: _Text | None = None
    status: _Count | None = None
    cause: _Text | None = None
    error_type: _Text | None = None
    request_id: _Text | None = None
    cancelled: bool = False
    rule: _Text | None = None
    because: _Text | None = None


class ToldCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as the log tells it; time: when it ended, in ISO 8601; steps: in the order of time."""

    call_id: _Text
    duration_s: _Number
    time: _Text = ""
    method: _Text = ""
    path: _Text = ""
    model: _Text | None = None
    stream: bool = False
    sdk_retry_count: _Count = 0
    key: _Text = "none"
    route: _Text = "none"
    status: _Count | None = None
    cause: _Text | None = None
    error_type: _Text | None = None
    request_id: _Text | None = None
    hint: _Text | None = None
    policy: _Text = ""
    policy_hash: _Text = ""
    opened: bool = False
    cancelled: bool = False
    interrupted: bool = False
    end_rule: _Text | None = None
    end_because: _Text | None = None
    steps: Annotated[list[ToldStep], msgspec.Meta(max_length=64)] = []

    @property
    def sends(self) -> Sequence[ToldStep]:
        """Its attempts."""
        return [step for step in self.steps if step.send is not None]

    @property
    def began(self) -> datetime | None:
        """When it arrived, None where that is not told."""
        try:
            return datetime.fromisoformat(self.time) - timedelta(seconds=self.duration_s)
        except (ValueError, OverflowError):
            return None

    @property
    def has_failed(self) -> bool:
        """Whether the caller got an error."""
        return self.interrupted or self.cause is not None or (self.status or 0) >= 400

    def is_called(self, name: str) -> bool:
        """Whether a name is this call's, or the upstream's for one of its requests."""
        return name in (self.call_id, self.request_id) or any(name == sent.request_id for sent in self.sends)


def logged_call(line: Mapping[str, Any]) -> ToldCall:
    """The call of a log line. Raises CallUnreadable."""
    try:
        return msgspec.convert(line, ToldCall)
    except (msgspec.ValidationError, ValueError) as error:
        raise CallUnreadable(str(error)) from None


def listed_call(entry: Mapping[str, Any]) -> ToldCall:
    """The call of an entry of `/requests`. Raises CallUnreadable."""
    try:
        sends = [
            {**_snake(sent), "send": sent["route"], "for_ms": sent["durationMs"]}
            for sent in entry["attempts"]
        ]
        waits = [
            {**_snake(wait), "wait": wait["reason"], "for_ms": 1000.0 * wait["seconds"]}
            for wait in entry["waits"]
        ]
        steps = sorted(sends + waits, key=lambda step: step["at_ms"])  # stable: attempts before their waits
        duration_s = entry["durationMs"] / 1000
        ended = datetime.fromisoformat(entry["startedAt"]) + timedelta(seconds=duration_s)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise CallUnreadable("it lacks what an entry of /requests has") from None
    return logged_call({**_snake(entry), "time": ended.isoformat(), "duration_s": duration_s, "steps": steps})


def _snake(document: Mapping[str, Any]) -> dict[str, Any]:
    return {_UPPER.sub("_", name).lower(): value for name, value in document.items()}
