"""What the policy must know of a request, made in one place for the proxy and for `explain`."""

import math
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec

from claude_sidecar.schema.snapshot import Snapshot


class Circuit(StrEnum):
    """Kinds of call that break apart from one another: an endpoint that can't count may well answer."""

    MESSAGES = "messages"
    COUNTS = "counts"


_REPEATS_MOST = 1000
_LONGEST_S = 86_400.0 * 365
_MARGIN_S = 0.25
_MARGIN_SHARE = 0.05

_CIRCUITS: dict[str | None, Circuit] = {
    "chat": Circuit.MESSAGES,
    "text_completion": Circuit.MESSAGES,
    "count_tokens": Circuit.COUNTS,
}


class SdkHeaders(NamedTuple):
    """retry_count: how often the SDK has sent this call before, by `x-stainless-retry-count`.

    timeout_s: the smaller of its time-outs, by `x-stainless-timeout` and `x-stainless-read-timeout`; None
    where it tells none.
    """

    retry_count: int = 0
    timeout_s: float | None = None


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for, by its target and its body.

    operation: `chat`, `text_completion`, `count_tokens` or None. repeatable: may be sent more than once, by
    its target and since its body is kept. pinned: lives in one account, so only the first route may have it.
    """

    model: str | None
    operation: str | None = "chat"
    stream: bool = False
    is_post: bool = True
    repeatable: bool = True
    pinned: bool = False


class RequestFacts(msgspec.Struct, frozen=True):
    """The request as the decision sees it.

    model: None if the body names none. repeatable, pinned: as asked. responds_soon: silence tells of
    trouble; other calls may work for minutes before their first byte. timeout_repeats: false for calls
    whose timeout may mean "running and billed". max_attempts: attempts in all.
    circuit: the kind of call that has a circuit breaker of its own, None where there is none.
    deadline_s: by when the call must be committed; total_by_s: the same by the policy's patience alone.
    Both on the loop's clock, as is arrival_s, when the call came. sdk: what the caller's SDK says of itself;
    unserved: the routes, by their index, whose provider cannot do what is asked.
    """

    model: str | None
    repeatable: bool
    pinned: bool
    responds_soon: bool
    timeout_repeats: bool
    max_attempts: int
    circuit: Circuit | None
    deadline_s: float
    total_by_s: float
    sdk: SdkHeaders = SdkHeaders()
    unserved: frozenset[int] = frozenset()
    arrival_s: float = 0.0


def request_facts(
    snapshot: Snapshot,
    asked: Asked,
    sdk: SdkHeaders,
    arrival_s: float,
    unserved: frozenset[int] = frozenset(),
) -> RequestFacts:
    """The facts of one request.

    sdk: what its SDK says of itself; arrival_s: on the loop's clock; unserved: the routes whose provider
    cannot do what is asked.
    """
    responds_soon = asked.stream or asked.operation == "count_tokens"
    return RequestFacts(
        model=asked.model,
        repeatable=asked.repeatable,
        pinned=asked.pinned,
        responds_soon=responds_soon,
        timeout_repeats=responds_soon or not asked.is_post,
        circuit=_CIRCUITS.get(asked.operation),
        max_attempts=max(1, snapshot.retry.max_attempts - sdk.retry_count) if asked.repeatable else 1,
        deadline_s=deadline_s(arrival_s, snapshot.timeouts.total_s, sdk.timeout_s),
        total_by_s=deadline_s(arrival_s, snapshot.timeouts.total_s, None),
        sdk=sdk,
        unserved=unserved,
        arrival_s=arrival_s,
    )


def deadline_s(arrival_s: float, total_s: float, callers_timeout_s: float | None) -> float:
    """By when a call must be committed, on the loop's clock: by the policy's or the caller's patience.

    total_s: `timeouts.total`; callers_timeout_s: as its SDK tells it, None where it tells none. The margin
    lets the response reach the caller before it gives up.
    """
    patience = total_s if callers_timeout_s is None or total_s < callers_timeout_s else callers_timeout_s
    return arrival_s + patience - min(_MARGIN_S, patience * _MARGIN_SHARE)


def keeps_bodies(snapshot: Snapshot) -> bool:
    """Whether a request's body is kept, so that it can be sent again."""
    return snapshot.limits.max_buffered_bytes > 0 or snapshot.limits.spool_bytes > 0


def first_byte_s(snapshot: Snapshot, facts: RequestFacts, *, elsewhere: bool) -> float | None:
    """How long an attempt may be without a byte of its response, None where the deadline alone ends it.

    elsewhere: the call has a route to go to that it has not tried; else it is better served by waiting.
    """
    return snapshot.timeouts.first_byte_s if facts.responds_soon and elsewhere else None


def read_sdk_headers(headers: Mapping[bytes, bytes]) -> SdkHeaders:
    """Read them; what does not parse (the Python SDK sends the text NOT_GIVEN) counts as not said.

    headers: the request's, first values by lower-case name.
    """
    timeout_s = _smaller(headers.get(b"x-stainless-timeout"), headers.get(b"x-stainless-read-timeout"))
    return SdkHeaders(_count(headers.get(b"x-stainless-retry-count")), timeout_s)


@lru_cache(maxsize=64)
def _smaller(timeout: bytes | None, read_timeout: bytes | None) -> float | None:
    """The smaller of both time-outs; an app's calls all tell the same ones."""
    seconds = [each for each in (_positive(timeout), _positive(read_timeout)) if each is not None]
    return min(seconds, default=None)


def _count(value: bytes | None) -> int:
    """Bounded, so that no number of digits is too many."""
    if value is None or value == b"0":
        return 0
    digits = value.strip()
    if not digits.isdigit():
        return 0
    digits = digits.lstrip(b"0") or b"0"
    return min(int(digits[:5]), _REPEATS_MOST)


def _positive(value: bytes | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds < _LONGEST_S else None
