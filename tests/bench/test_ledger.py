"""Mixed calls with faults: the API's ledger, /requests, spans and metrics agree to the last digit."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from bench.ledger.books import Attempt, Call, TracedAttempt, TracedCall
from bench.ledger.compare import Books, differences
from bench.ledger.plans import drawn
from bench.ledger.play import play
from bench.ledger.setting import CONVERSATION, alias
from bench.ledger.usage import NOTHING, Bill, Used, billed, parts_of

from claude_sidecar.simulator.answer import Usage
from claude_sidecar.simulator.ledger import Entry

CALLS = 300
SONNET = "claude-sonnet-4-6"


@pytest.mark.processes
def test_books_agree_on_mixed_calls_with_faults() -> None:
    books = asyncio.run(play(11, CALLS, 20, lambda _: None)).books
    assert list(differences(books)) == []
    sent = [attempt for call in books.calls.values() for attempt in call.attempts]
    assert CALLS * 0.95 < len(books.calls) < len(sent)
    # All that is compared was there to be compared.
    told = NOTHING
    for attempt in sent:
        told = told.plus(attempt.used)
    assert min(told) > 0
    assert {kind for attempt in sent for kind in attempt.bill.unpriced} == set(parts_of(told))
    assert any(attempt.used != NOTHING for attempt in sent if attempt.cause is not None)
    assert any(call.left and call.usd for call in books.calls.values())
    assert any(attempt.label != attempt.model for attempt in sent)
    assert "claude_sidecar_traces_dropped_total" not in books.metrics


def test_plans_are_the_same_for_a_seed_and_of_every_kind() -> None:
    plans = [drawn(3, number) for number in range(500)]
    assert plans == [drawn(3, number) for number in range(500)]
    assert len(Counter(plan.path for plan in plans)) == 4
    for what in ("stream", "thinking", "tools", "system"):
        assert {bool(plan.body.get(what)) for plan in plans} == {True, False}
    assert 10 < sum(plan.leaves_after is not None for plan in plans) < 60


@pytest.mark.parametrize(
    ("used", "model", "usd", "unpriced"),
    [
        (Used(input=1_000_000, output=2), SONNET, "3.00003", ()),
        (Used(cache_creation=3, cache_creation_1h=1), SONNET, "0.000014500001", ()),
        (Used(cache_creation=1, cache_creation_1h=1), "our-sonnet", "0.0000066666672", ()),
        (
            Used(input=1, cache_read=1, web_search=1),
            "claude-haiku-4-5",
            "0.000001",
            ("cache_read", "web_search"),
        ),
        (Used(input=1), "claude-opus-4-7", None, ("input",)),
    ],
)
def test_the_examiner_reckons_by_itself(used, model, usd, unpriced) -> None:
    assert billed(used, model) == Bill(None if usd is None else Decimal(usd), unpriced)


USED = Used(input=100, output=20, cache_creation=8, cache_creation_1h=8)
USD = Decimal("0.000656000008")


def books(**changes: Any) -> Books:
    """One stream that went well, in all books."""
    served = Usage(100, 20, 8, 0, cache_creation_1h_input_tokens=8)
    entry = Entry(1, 0.0, 1, False, "POST", "/v1/messages", "", "one", [], [], None, SONNET, stream=True,
                  status=200, request_id="req_1", reported_usage=served)  # fmt: skip
    sent = Attempt("req_1", SONNET, SONNET, alias("one"), "callers", 200, None, USED, Bill(USD, ()))
    call = Call("c", SONNET, alias("one"), "callers", 200, USD, (), (sent,), "req_1")
    span = TracedAttempt("req_1", 200, alias("one"), USED, float(USD))
    trace = TracedCall(200, USED, float(USD), (), (span,))
    metrics = {
        "claude_sidecar_requests_total": {(alias("one"), SONNET, "callers", "200"): 1.0},
        "claude_sidecar_attempts_total": {("none", SONNET, "callers", "200"): 1.0},
        "claude_sidecar_tokens_total": {
            (alias("one"), "input", SONNET): 100.0,
            (alias("one"), "output", SONNET): 20.0,
            (alias("one"), "cache_creation", SONNET): 8.0,
        },
        "claude_sidecar_cost_usd_total": {(alias("one"), SONNET): float(USD)},
    }
    whole = {
        "statuses": {"c": 200},
        "entries": {"req_1": entry},
        "calls": {"c": call},
        "traces": {"c": trace},
        "metrics": metrics,
        "page": page(str(USD)),
    }
    return Books(**(whole | changes))


def page(usd: str | None, status: str = "200", **total: int) -> dict[str, Any]:
    """What the page shows of that stream, which costs so much."""
    row = {"calls": 1, "failed": 0, "attempts": 1, "inputTokens": 100, "outputTokens": 20, "costUsd": usd}
    names = {
        "key": alias("one"),
        "model": SONNET,
        "route": "callers",
        "status": status,
        "conversation": "c",
    }
    by = {dimension: [{"name": name, **row}] for dimension, name in names.items()}
    cached = {"cacheReadTokens": 0, "cacheCreationTokens": 8, "unpricedTokens": 0, "left": 0}
    return {**row, **cached, **total, "by": by}


WELL = books()
ENTRY, CALL, TRACE = WELL.entries["req_1"], WELL.calls["c"], WELL.traces["c"]
SENT, SPAN = CALL.attempts[0], TRACE.attempts[0]
LESS = USED._replace(output=19)


def with_attempt(**changes: Any) -> Books:
    return books(calls={"c": replace(CALL, attempts=(replace(SENT, **changes),))})


def with_metric(name: str, place: tuple[str, ...], value: float) -> Books:
    return books(metrics={**WELL.metrics, name: {**WELL.metrics[name], place: value}})


def test_books_that_agree_have_no_differences() -> None:
    assert list(differences(WELL)) == []


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (books(statuses={"c": 529}), "the app got 529"),
        (books(statuses={"c": 200, "d": 200}), "d: the app got 200, /requests says None"),
        (books(traces={}), "no trace"),
        (with_attempt(used=LESS), "c req_1: used"),
        (with_attempt(used=USED._replace(thinking=1)), "c req_1: used"),
        (with_attempt(bill=Bill(USD + Decimal("1e-12"), ())), "costs"),
        (with_attempt(bill=Bill(USD, ("web_search",))), "unpriced"),
        (with_attempt(key=alias("two")), "told under"),
        (with_attempt(partial=True), "partial is True"),
        (with_attempt(request_id="req_2"), "the API knows nothing"),
        (books(calls={"c": replace(CALL, usd=USD * 2)}), "its attempts"),
        (books(calls={"c": replace(CALL, unpriced=("input",))}), "unpriced ('input',)"),
        (books(traces={"c": replace(TRACE, used=LESS)}), "its span tells"),
        (books(traces={"c": replace(TRACE, usd=0.1)}), "on its span 0.1"),
        (books(traces={"c": replace(TRACE, status=500)}), "on its span 500"),
        (books(traces={"c": replace(TRACE, attempts=(replace(SPAN, usd=None),))}), "on spans"),
        (books(entries={"req_1": ENTRY, "req_9": ENTRY}), "req_9: served 200"),
        (books(entries={"req_1": replace(ENTRY, ended="cut")}), "partial is False"),
        (books(page=page("0.000656")), "the page, model claude-sonnet-4-6"),
        (books(page=page(str(USD), unpricedTokens=1)), "the page, in all"),
        (books(page=page(str(USD), status="529")), "the page, status 529"),
        (with_metric("claude_sidecar_cost_usd_total", (alias("one"), SONNET), 0.1), "0.1 counted"),
        (with_metric("claude_sidecar_tokens_total", (alias("two"), "input", SONNET), 1.0), "1.0 counted"),
    ],
)
def test_each_difference_is_told(spoilt: Books, told: str) -> None:
    assert [line for line in differences(spoilt) if told in line]


def test_a_call_that_nobody_answered_tells_what_its_last_attempt_used() -> None:
    lost = replace(SENT, request_id=None, used=NOTHING, bill=Bill(None, ()), status=None)
    told = replace(SPAN, request_id=None, used=NOTHING, usd=None, status=None)
    call = replace(CALL, request_id=None, attempts=(lost, SENT))
    trace = replace(TRACE, attempts=(told, SPAN))
    spoilt = replace(trace, used=NOTHING)
    for each, wrong in ((trace, False), (spoilt, True)):
        lines = differences(books(calls={"c": call}, traces={"c": each}))
        assert any("its span tells" in line for line in lines) is wrong


@pytest.mark.parametrize(
    ("used", "wrong"), [(NOTHING, False), (LESS, False), (USED._replace(output=21), True)]
)
def test_of_a_stream_that_the_app_left_any_part_may_have_been_seen(used: Used, wrong: bool) -> None:
    bill = billed(used, SONNET)
    sent = replace(SENT, used=used, bill=bill, partial=True)
    left = books(
        entries={"req_1": replace(ENTRY, ended="caller_left")},
        calls={"c": replace(CALL, attempts=(sent,), usd=bill.usd, left=True)},
    )
    assert bool([line for line in differences(left) if "served" in line]) is wrong


def test_what_an_app_was_gone_from_before_it_came_is_told_by_nobody() -> None:
    named = replace(ENTRY, headers=[(CONVERSATION, "c")])
    gone = replace(CALL, left=True, usd=None, attempts=(), status=None)
    lines = list(differences(books(entries={"req_1": named}, calls={"c": gone})))
    assert not [line for line in lines if "nobody" in line]
    stayed = list(differences(books(entries={"req_1": named}, calls={"c": replace(gone, left=False)})))
    assert [line for line in stayed if "nobody" in line]
