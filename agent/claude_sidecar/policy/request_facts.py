"""What the policy must know of a request, made in one place for the proxy and for `explain`."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from claude_sidecar.policy.deadline import deadline_s
from claude_sidecar.schema.snapshot import Snapshot

_REPEATS_MOST = 1000


class Circuit(StrEnum):
    """Kinds of call that break apart from one another: an endpoint that can't count may well answer."""

    MESSAGES = "messages"
    COUNTS = "counts"


_CIRCUITS: dict[str | None, Circuit] = {
    "chat": Circuit.MESSAGES,
    "text_completion": Circuit.MESSAGES,
    "count_tokens": Circuit.COUNTS,
}


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for, by its target and its body.

    operation: `chat`, `text_completion`, `count_tokens` or None. repeatable: may be sent more than once.
    pinned: lives in one account, so only the first route may have it.
    """

    model: str | None
    operation: str | None = "chat"
    stream: bool = False
    is_post: bool = True
    repeatable: bool = True
    pinned: bool = False


class RequestFacts(msgspec.Struct, frozen=True):
    """The request as the decision sees it.

    model: None if the body names none. repeatable, pinned: as asked. answers_soon: silence tells of
    trouble; other calls may work for minutes before their first byte. timeout_repeats: false for calls
    whose timeout may mean "running and billed". max_sends: upstream sends in all.
    circuit: the kind of call that has a circuit breaker of its own, None where there is none.
    deadline_s: by when the call must be committed; total_by_s: the same by the policy's patience alone.
    Both on the loop's clock.
    """

    model: str | None
    repeatable: bool
    pinned: bool
    answers_soon: bool
    timeout_repeats: bool
    max_sends: int
    circuit: Circuit | None
    deadline_s: float
    total_by_s: float


def request_facts(
    snapshot: Snapshot, asked: Asked, headers: Mapping[bytes, bytes], arrival_s: float
) -> RequestFacts:
    """The facts of one request.

    headers: the request's, first values by lower-case name; arrival_s: on the loop's clock.
    """
    hints = headers.get(b"x-stainless-timeout"), headers.get(b"x-stainless-read-timeout")
    repeats = sdk_repeats(headers.get(b"x-stainless-retry-count"))
    answers_soon = asked.stream or asked.operation == "count_tokens"
    return RequestFacts(
        model=asked.model,
        repeatable=asked.repeatable,
        pinned=asked.pinned,
        answers_soon=answers_soon,
        timeout_repeats=answers_soon or not asked.is_post,
        circuit=_CIRCUITS.get(asked.operation),
        max_sends=max(1, snapshot.retry.max_attempts - repeats) if asked.repeatable else 1,
        deadline_s=deadline_s(arrival_s, snapshot.timeouts.total_s, hints),
        total_by_s=deadline_s(arrival_s, snapshot.timeouts.total_s, ()),
    )


def sdk_repeats(said: bytes | None) -> int:
    """How often the SDK has sent this call before, by its own word (`x-stainless-retry-count`).

    Bounded, so that no number of digits is too many; what is no number counts as none.
    """
    if said is None or said == b"0":
        return 0
    digits = said.strip()
    if not digits.isdigit():
        return 0
    digits = digits.lstrip(b"0") or b"0"
    return min(int(digits[:5]), _REPEATS_MOST)
