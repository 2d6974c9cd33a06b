"""Whatever callers send, the recorder stays small: rows, met things, bytes."""

import gc
import tracemalloc
from decimal import Decimal

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.names import OTHER
from claude_sidecar.telemetry.request_list import RequestList
from claude_sidecar.telemetry.rollups import Rollups
from claude_sidecar.wire.response_metadata import TokenUsage

START_S = 6000.0
RECORDER_BYTES = 4 << 20
WIDE = "\U0001f525"
"""A character of four bytes, in UTF-8 and in a Python string."""


def test_rows_past_the_bound_are_one_row_and_nothing_is_lost(make) -> None:
    rollups = Rollups()
    for number in range(3000):
        rollups.call_ended(make.call(ended_s=START_S + number / 10, feature=f"feature-{number}"))
    for window in rollups.read(START_S + 300)[:3]:
        rows = window.by["feature"]
        assert len(rows) == 51
        assert sum(row.calls for row in rows.values()) == window.total.calls
        assert rows[OTHER].calls == window.total.calls - 50
    assert len(window.by["key"]) == 1


def test_a_name_that_is_called_most_has_a_row_however_many_came_before_it(make) -> None:
    rollups = Rollups()
    for number in range(2000):
        rollups.call_ended(make.call(ended_s=START_S + number, conversation=f"c-{number}"))
    for number in range(200):
        rollups.call_ended(make.call(ended_s=START_S + 2000 + number, conversation="busy"))
    for window in rollups.read(START_S + 2200)[:3]:
        assert (
            next(iter(window.by["conversation"].items()))[1].calls == window.by["conversation"]["busy"].calls
        )
    assert window.by["conversation"]["busy"].calls == 200


def test_what_thousands_of_names_meet_with_is_bounded_too(make) -> None:
    rollups = Rollups()
    for number in range(2000):
        missing = make.refused(404, Cause.NOT_FOUND, "not_found_error")
        call = make.call(
            ended_s=START_S + number / 10,
            status=404,
            cause=Cause.NOT_FOUND,
            attempts=[missing],
            model=f"model-{number}",
        )
        rollups.call_ended(call)
    met = rollups.read(START_S + 200).recent.met["NotFound"]["model"]
    assert sum(each.calls for each in met.values()) == 2000
    assert met[OTHER].calls > 1500


def worst_call(make, number: int, ended_s: float, attempts: int):
    """As large as a record can be, and like no other."""
    wide, long = WIDE * 120, f"{number:06}" + "x" * 500
    send = make.refused(
        500,
        Cause.SERVER_ERROR,
        f"{number}{wide}",
        model=f"m{number}{'x' * 120}",
        url=long,
        request_id=f"{number}{wide}",
        response_model=f"{number}{wide}",
        response_id=f"{number}{wide}",
        stop_reason=f"{number}{wide}",
        because=WIDE * 500,
        key=f"{number:08x}",
        usage=TokenUsage(10**9 + number, 10**9 + number, 10**9 + number, 10**9 + number),
        cost_usd=Decimal("123.4567891") + number,
    )
    return make.call(
        ended_s=ended_s,
        path=long,
        model=f"m{number}{'x' * 120}",
        feature=f"{number}{'�' * 90}",
        conversation=f"{number}{'x' * 120}",
        agent=f"{number}{'x' * 120}",
        parent_agent=f"{number}{'x' * 120}",
        tracestate=long,
        status=100 + number % 500,
        cause=Cause.SERVER_ERROR,
        error_type=f"{number}{wide}",
        hint=WIDE * 500,
        request_id=f"{number}{wide}",
        end_because=WIDE * 500,
        attempts=[send] * attempts,
        key=f"{number:08x}",
        route=f"route-{number % 64}",
    )


@pytest.mark.long
@pytest.mark.parametrize("attempts", [0, 1, 10])
def test_the_recorder_keeps_to_its_bytes_whatever_comes_and_tells_how_many(attempts, make) -> None:
    """An hour with more names in each than are kept, and one minute with many more."""
    ends = [*(minute * 60.0 for minute in range(66) for _ in range(52)), *(66 * 60.0,) * 600]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    rollups, calls = Rollups(), RequestList(lambda: make.timebase)
    for number, end_s in enumerate(ends):
        record = worst_call(make, number, START_S + end_s, attempts)
        rollups.call_ended(record)
        if end_s == ends[-1]:
            calls.call_ended(record, f"{number:032x}")
    del record
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken <= RECORDER_BYTES
    assert rollups.bytes + calls.bytes == pytest.approx(taken, rel=0.15)
    assert len(calls) > 20
