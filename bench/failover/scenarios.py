"""The sixteen scenarios. What is right was written down before any of them was run."""

from bench.failover.answers import refusal
from bench.failover.result import FIRST, SECOND, Result
from bench.failover.scenario import Play, Scenario
from bench.promise.answers import bad, good
from bench.promise.behaviour import Fault, Form, Ill, Kind, Pace, Wish
from bench.promise.outcome import End

_UNIX_S = 0.0
"""No answer here tells a date."""
_DAYS_S = 172_800.0
_SOON = Pace(head_s=0.05)


def _well(route: int, kind: Kind = Kind.MESSAGE, pace: Pace = _SOON) -> Play:
    return lambda number, now_s: good(kind, route, pace)


def _ill(fault: Fault, kind: Kind = Kind.MESSAGE) -> Play:
    return lambda number, now_s: bad(kind, FIRST, fault, _UNIX_S)


def _until(seconds: float, before: Play, after: Play) -> Play:
    return lambda number, now_s: (before if now_s < seconds else after)(number, now_s)


def _in_turn(*plays: Play) -> Play:
    """The last one from then on."""
    return lambda number, now_s: plays[min(number, len(plays) - 1)](number, now_s)


def _alternately(odd: Play, even: Play) -> Play:
    return lambda number, now_s: (even if number % 2 else odd)(number, now_s)


def _every(seconds: float, count: int) -> tuple[float, ...]:
    return tuple(round(number * seconds, 3) for number in range(count))


def _asked_for_a_second(result: Result) -> bool:
    first = result.sends[FIRST]
    waited = len(first) == 3 and first[2] - first[1] >= 1.0
    return waited and not result.sends[SECOND] and result.answered_by(FIRST, within_s=6)


def _told_at_once(result: Result) -> bool:
    return result.sends_in_all == 1 and result.ended(End.STATUS, 429, within_s=1)


def _broken_and_not_replayed(result: Result) -> bool:
    return result.sends_in_all == 1 and result.ended(End.BROKEN, 200, within_s=2)


def _probed_sparely(result: Result) -> bool:
    """Five failures open the breaker; then one probe each 3 s, over 8 s."""
    return len(result.sends[FIRST]) <= 5 + 3 and result.answered_by(SECOND, within_s=5)


def _taken_back(result: Result) -> bool:
    late = [call for call in result.calls if call.starts_s >= 8.5]
    return result.answered == len(result.calls) and all(call.route == FIRST for call in late)


def _refused_once(result: Result) -> bool:
    (call,) = result.calls
    return call.answered and call.stop_reason == "refusal" and result.sends_in_all == 1


def _all_answered(result: Result) -> bool:
    return result.answered == len(result.calls)


_OVERLOADED = Fault(Ill.STATUS, 0.02)
_WELL_STREAM = _well(SECOND, Kind.STREAM)

SCENARIOS = (
    Scenario(
        "hard down",
        "nobody listens on the first route",
        "the second route answers, within 2 s",
        None,
        _well(SECOND),
        lambda result: result.answered_by(SECOND, within_s=2),
        starts_s=_every(0.2, 3),
    ),
    Scenario(
        "500s",
        "the first route answers 500, always",
        "the second route answers, within 2 s",
        _ill(Fault(Ill.STATUS, 0.02, 500)),
        _well(SECOND),
        lambda result: result.answered_by(SECOND, within_s=2),
        starts_s=_every(0.2, 3),
    ),
    Scenario(
        "429, without and with words",
        "a bare 429, one with `retry-after: 1`, then all is well",
        "the first route answers, after a wait no shorter than it asked for",
        _in_turn(
            _ill(Fault(Ill.STATUS, status=429)),
            _ill(Fault(Ill.STATUS, status=429, wish=Wish(Form.SECONDS, 1.0))),
            _well(FIRST),
        ),
        _well(SECOND),
        _asked_for_a_second,
    ),
    Scenario(
        "`retry-after` of days",
        "a 429 that asks for two days",
        "the 429 at once, and no SDK that sleeps on it",
        _ill(Fault(Ill.STATUS, status=429, wish=Wish(Form.SECONDS, _DAYS_S))),
        _well(SECOND),
        _told_at_once,
    ),
    Scenario(
        "silent route",
        "the first route takes the call and says nothing",
        "the second route answers, within 5 s",
        _ill(Fault(Ill.HANG)),
        _WELL_STREAM,
        lambda result: result.answered_by(SECOND, within_s=5),
        stream=True,
    ),
    Scenario(
        "slow first token",
        "the first route pings for 12 s before its first delta",
        "the second route answers, within 6 s",
        _well(FIRST, Kind.STREAM, Pace(0.05, thinking_s=12.0, ping_s=1.0)),
        _WELL_STREAM,
        lambda result: result.answered_by(SECOND, within_s=6),
        stream=True,
    ),
    Scenario(
        "cut amid the answer",
        "the connection breaks behind some deltas",
        "an error in the stream, within 2 s; nothing is sent again",
        _ill(Fault(Ill.CUT_LATE), Kind.STREAM),
        _WELL_STREAM,
        _broken_and_not_replayed,
        stream=True,
    ),
    Scenario(
        "truncation shown as success",
        "the stream ends in order behind some deltas, without `message_stop`",
        "an error in the stream, within 2 s; nothing is sent again",
        _ill(Fault(Ill.UNENDED_LATE), Kind.STREAM),
        _WELL_STREAM,
        _broken_and_not_replayed,
        stream=True,
    ),
    Scenario(
        "garbage",
        "the first route speaks no HTTP",
        "the second route answers, within 2 s",
        _ill(Fault(Ill.GARBAGE)),
        _well(SECOND),
        lambda result: result.answered_by(SECOND, within_s=2),
    ),
    Scenario(
        "wrong type",
        "200 and a web page in place of the stream",
        "the second route answers, within 2 s",
        _ill(Fault(Ill.PAGE), Kind.STREAM),
        _WELL_STREAM,
        lambda result: result.answered_by(SECOND, within_s=2),
        stream=True,
    ),
    Scenario(
        "everything down",
        "both routes answer 529, always",
        "the 529, within 10 s and 4 sends in all",
        _ill(_OVERLOADED),
        _ill(_OVERLOADED),
        lambda result: result.sends_in_all <= 4 and result.ended(End.STATUS, 529, within_s=10),
    ),
    Scenario(
        "flapping",
        "the first route answers 500 every other time; 20 calls",
        "all are answered, none by more than 2 sends",
        _alternately(_ill(Fault(Ill.STATUS, 0.02, 500)), _well(FIRST)),
        _well(SECOND),
        lambda result: _all_answered(result) and result.sends_in_all <= 2 * len(result.calls),
        starts_s=_every(0.1, 20),
    ),
    Scenario(
        "probe discipline",
        "the first route answers 500, always; 40 calls over 8 s",
        "the second route answers all; the first one sees 5 failures and then a probe each 3 s",
        _ill(Fault(Ill.STATUS, 0.02, 500)),
        _well(SECOND),
        _probed_sparely,
        starts_s=_every(0.2, 40),
    ),
    Scenario(
        "recovery",
        "the first route answers 500 for 4 s, then all is well; 48 calls over 12 s",
        "all are answered, by the first route again from 8.5 s on",
        _until(4.0, _ill(Fault(Ill.STATUS, 0.02, 500)), _well(FIRST)),
        _well(SECOND),
        _taken_back,
        starts_s=_every(0.25, 48),
    ),
    Scenario(
        "refusal",
        "the model refuses: 200 with `stop_reason: refusal`",
        "the refusal as it came, by one send",
        lambda number, now_s: refusal(FIRST),
        _well(SECOND),
        _refused_once,
    ),
    Scenario(
        "storm of 50",
        "50 calls at once; the first route answers 529 always, the second one for 1.2 s",
        "all are answered, by no more than 4 sends each",
        _ill(_OVERLOADED),
        _until(1.2, _ill(_OVERLOADED), _well(SECOND)),
        lambda result: _all_answered(result) and result.sends_in_all <= 4 * len(result.calls),
        starts_s=(0.0,) * 50,
    ),
)
