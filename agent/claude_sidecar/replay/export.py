"""Outages recorded: the list of calls that `/requests` gives, as who asked when and what each send met."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise

import msgspec

from claude_sidecar.causes import Cause
from claude_sidecar.replay.answer import Answer, Piece
from claude_sidecar.replay.export_form import AttemptEntry, CallEntry
from claude_sidecar.replay.load import AskedCall
from claude_sidecar.replay.outage import MOST_CALLS, AsRecorded, Outage, OutageInvalid, World
from claude_sidecar.replay.recorded_answer import answer_of
from claude_sidecar.replay.recorded_world import Met, RecordedWorld, Timelines
from claude_sidecar.schema.snapshot import Snapshot

_OPERATIONS = frozenset({"chat", "text_completion", "count_tokens"})
_CALLS_OWN = frozenset({Cause.INVALID_REQUEST, Cause.TOO_LARGE, Cause.CONFLICT})
"""What these say is the request's fault, wherever it is sent."""

_NEVER_SENT = frozenset({"gateway_bad_request", "gateway_request_too_large"})
_GAP_S = 3600.0
_SPAN_DAYS = 31
"""A sidecar's last 500 calls may well have come over weeks; years are a clock that was set."""

_DAY_S = 86_400.0
_MS = 1e-3
_ABOUT_A_PATTERN = "Expected `str` matching regex"


def parse_export(raw: bytes, source: str) -> list[CallEntry]:
    """Read the list; source: what errors call it. Raises OutageInvalid."""
    try:
        calls = msgspec.json.decode(raw, type=list[CallEntry])
    except msgspec.ValidationError as error:
        problem = f"{_place(error)}. Give the list that /requests of the admin port gives"
        raise _invalid(source, problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(source, f"is no whole JSON: {error}. Was it cut while it was written?") from None
    if not calls:
        raise _invalid(source, "holds no call; get it again when there are some")
    if len(calls) > MOST_CALLS:
        raise _invalid(source, f"holds {len(calls):,} calls; allowed are {MOST_CALLS:,}: cut the list")
    return calls


def outage_of(calls: Sequence[CallEntry], source: str) -> Outage:
    """What is played. Raises OutageInvalid where a time can't be read, or nothing is left to be asked."""
    timed = _timed(calls, source)
    began_s = timed[0][0]
    asked = [(at_s - began_s, call) for at_s, call in timed if _is_asked(call)]
    if not asked:
        raise _invalid(source, "holds no call to /v1/messages, /v1/complete or count_tokens to be played")
    sends = [met for at_s, call in timed for met in _sends(at_s - began_s, call)]
    recorded = _recorded([call for _, call in asked])
    return Outage(
        about=f"{len(calls):,} recorded calls",
        began_unix_s=began_s,
        lasts_s=max(asked[-1][0], 1.0),
        calls=tuple(_asked(at_s, call) for at_s, call in asked),
        world=partial(_world, Timelines(sends), _well(sends)),
        known=(*_known(timed, sends), _came_of_it(recorded, len(asked))),
        recorded=recorded,
    )


def _timed(calls: Sequence[CallEntry], source: str) -> list[tuple[float, CallEntry]]:
    """The calls with the moments at which they came, in order; the list has the newest first."""
    timed = [(_unix_s(call, number, source), call) for number, call in enumerate(calls, 1)][::-1]
    timed.sort(key=lambda pair: pair[0])
    if (days := (timed[-1][0] - timed[0][0]) / _DAY_S) > _SPAN_DAYS:
        problem = (
            f"its calls are {days:,.0f} days apart; allowed are {_SPAN_DAYS}. Was a clock set meanwhile?"
        )
        raise _invalid(source, f"{problem} Leave out the calls whose startedAt is not of the outage")
    return timed


def _recorded(asked: Sequence[CallEntry]) -> AsRecorded:
    return AsRecorded(
        policy=asked[-1].policy,
        policy_hash=asked[-1].policy_hash,
        answered=sum(call.answered for call in asked),
        sends=dict(Counter(attempt.route for call in asked for attempt in call.attempts)),
    )


def _came_of_it(recorded: AsRecorded, calls: int) -> str:
    sends = ", ".join(f"{route} {count:,}" for route, count in sorted(recorded.sends.items())) or "none"
    return (
        f"what really came of the calls played: {recorded.answered:,} of {calls:,} answered; sends: {sends}"
    )


def _world(timelines: Timelines, well: Answer, seed: int, snapshot: Snapshot) -> World:
    return RecordedWorld(timelines, well)


def _unix_s(call: CallEntry, number: int, source: str) -> float:
    try:
        moment = datetime.fromisoformat(call.started_at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        wanted = "a time such as 2026-03-01T12:00:00.000+00:00 is wanted"
        raise _invalid(source, f"call {number}: startedAt: {call.started_at[:40]!r}: {wanted}")
    return moment.timestamp()


def _is_asked(call: CallEntry) -> bool:
    """Whether it is a call that the app would make under another policy too, and that can be played."""
    return (
        call.operation in _OPERATIONS
        and call.sdk_retry_count == 0
        and not (not call.attempts and call.error_type in _NEVER_SENT)
    )


def _asked(at_s: float, call: CallEntry) -> AskedCall:
    own = next((attempt for attempt in call.attempts if attempt.cause in _CALLS_OWN), None)
    return AskedCall(
        at_s=at_s,
        model=call.model,
        stream=call.stream,
        operation=call.operation or "chat",
        sdk_timeout_s=call.sdk_timeout_seconds or None,
        account_bound=call.account_bound,
        leaves_after_s=call.duration_ms * _MS if call.cancelled else None,
        everywhere=answer_of(call, own) if own is not None else None,
    )


def _sends(at_s: float, call: CallEntry) -> Iterator[Met]:
    """What the call's sends tell of the routes; nothing where the call's own fault was the answer."""
    for attempt in call.attempts:
        if _tells(call, attempt):
            yield Met(at_s + attempt.at_ms * _MS, attempt.route, attempt.model, answer_of(call, attempt))


def _tells(call: CallEntry, attempt: AttemptEntry) -> bool:
    given_up = attempt.cancelled and attempt.cause is None
    return (
        call.operation in _OPERATIONS
        and not given_up
        and not attempt.reused_connection_died
        and attempt.cause not in _CALLS_OWN
    )


def _well(sends: Sequence[Met]) -> Answer:
    """The answer of a route of which nothing is known: that of the middle success, else one at once."""
    good = sorted(
        (met.answer for met in sends if met.answer.status < 400 and met.answer.head_s is not None),
        key=lambda answer: answer.end_s,
    )
    if good:
        return good[len(good) // 2]
    return Answer(headers=((b"content-type", b"application/json"),), pieces=(Piece(0.0, b"{}", 0.0),))


def _known(timed: Sequence[tuple[float, CallEntry]], sends: Sequence[Met]) -> Iterator[str]:
    calls = [call for _, call in timed]
    policies = sorted({f"{call.policy} (hash {call.policy_hash})" for call in calls})
    yield f"recorded under policy {', then '.join(policies[:3])}{' and others' * (len(policies) > 3)}"
    asked = Counter(met.route for met in sends)
    told = ", ".join(f"{route} {count:,}" for route, count in sorted(asked.items())) or "none"
    yield f"recorded sends that tell how a route was: {told}"
    repeats = sum(call.sdk_retry_count > 0 for call in calls)
    if repeats:
        yield f"{repeats:,} calls are an SDK's repeats: they tell what was met, and are not asked again"
    others = sum(call.operation not in _OPERATIONS for call in calls)
    if others:
        yield f"{others:,} calls are no messages, completions or counts: they are left out"
    yield from _guessed(timed)


def _guessed(timed: Sequence[tuple[float, CallEntry]]) -> Iterator[str]:
    """What the list does not say, or says strangely."""
    calls = [call for _, call in timed]
    untold = sum(a.retry_after_seconds is msgspec.UNSET for call in calls for a in call.attempts)
    if untold:
        yield f"{untold:,} sends are told by an older sidecar, without retry-after: they are played without"
    silent = sum(a.status is None and a.cause == Cause.TIMEOUT for call in calls for a in call.attempts)
    if silent:
        yield f"{silent:,} sends were given up in silence: they are taken to be silent for ever"
    gap_s = max((b - a for (a, _), (b, _) in pairwise(timed)), default=0.0)
    if gap_s > _GAP_S:
        yield f"between two calls lie {gap_s / 3600:,.1f} h: the list has a gap, or the clock was set"


def _place(error: msgspec.ValidationError) -> str:
    """`call 3: durationMs: Expected ...`, out of msgspec's path, which counts from 0."""
    message, _, path = str(error).partition(" - at `$")
    if message.startswith(_ABOUT_A_PATTERN):
        message = "this looks like a key, which no name is"
    index, _, field = path.rstrip("`").removeprefix("[").partition("]")
    if not index.isdigit():
        return message
    where = f"call {int(index) + 1}"
    return f"{where}: {field.lstrip('.')}: {message}" if field else f"{where}: {message}"


def _invalid(source: str, problem: str) -> OutageInvalid:
    return OutageInvalid([f"{source}: {problem}"])
