"""The last calls: all that was recorded of them, newest first, within a number and a size."""

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.attempts import FallbackRecord, OpenedBy, WaitRecord
from claude_sidecar.telemetry.packing import Packing
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.telemetry.request_list import MOST_BYTES, RequestList


def test_nothing_of_a_record_is_lost_while_it_is_kept(make) -> None:
    failed = make.refused(529, Cause.OVERLOADED, "overloaded_error", key="k")
    rich = make.call(
        attempts=[failed, make.attempt()],
        waits=[WaitRecord(1000.5, 0.25, "backoff")],
        fallbacks=[FallbackRecord(1000.7, "first", "anthropic", Cause.OVERLOADED)],
        opened_by=OpenedBy("first", 1),
        conversation="c-1",
        attempt=2,
    )
    packing = Packing(CallRecord)
    for record in (rich, make.call(), make.call(status=None, attempts=[], model=None, cancelled=True)):
        assert packing.unpack(packing.pack(record)) == record


def test_calls_are_told_newest_first(make) -> None:
    calls = RequestList(lambda: make.timebase)
    for number in range(7):
        calls.call_ended(make.call(call_id=f"sc_{number}"), f"trace-{number}")
    assert [call["callId"] for call in calls.describe()] == [f"sc_{number}" for number in range(6, -1, -1)]
    assert [call["traceId"] for call in calls.describe(most=2)] == ["trace-6", "trace-5"]
    assert (len(calls), calls.ended) == (7, 7)


def test_500_plain_calls_are_kept_and_the_oldest_goes_first(make) -> None:
    calls = RequestList(lambda: make.timebase)
    for number in range(501):
        calls.call_ended(make.call(call_id=f"sc_{number}"))
    told = calls.describe()
    assert (len(told), told[0]["callId"], told[-1]["callId"]) == (500, "sc_500", "sc_1")
    assert calls.bytes < MOST_BYTES / 2


def test_large_calls_are_kept_within_a_size(make) -> None:
    calls = RequestList(lambda: make.timebase, most_bytes=100_000)
    large = make.call(hint="x" * 500, attempts=[make.refused(500, Cause.SERVER_ERROR, "y" * 128)] * 10)
    for _ in range(100):
        calls.call_ended(large)
    assert 90_000 < calls.bytes <= 100_000
    assert 10 < len(calls) < 100
    for _ in range(500):
        calls.call_ended(make.call())
    assert large.response.hint not in [call["hint"] for call in calls.describe()]
