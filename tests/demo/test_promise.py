"""A promise held against what was seen: each side that disagrees is told."""

from dataclasses import replace
from typing import Any

import pytest

from claude_sidecar.demo.collector import Span, SpanEvent
from claude_sidecar.demo.outcome import Outcome
from claude_sidecar.demo.promise import Promise, Seen, Served, differences
from claude_sidecar.telemetry import names

PROMISE = Promise("one 429, one 200", "one", waits_s=(1.0, 1.5), hint="less")
HEADERS = {
    "x-claude-sidecar-route": "one",
    "x-claude-sidecar-attempts": "2",
    "x-claude-sidecar-hint": "send less",
}


def span(waited_s: float = 1.2, **attributes: Any) -> Span:
    told = {names.ROUTE: "one", names.ATTEMPTS: 2, **attributes}
    wait = SpanEvent(0, names.EVENT_WAIT, {names.EVENT_WAIT_SECONDS: waited_s})
    return Span("POST /v1/messages", "SERVER", "a", "", 0, 1, told, [wait])


SEEN = Seen(Outcome("an answer", headers=HEADERS), [span()], [Served("one", "429"), Served("one", "200")])


def test_scene_that_went_as_promised_has_no_difference() -> None:
    assert list(differences(PROMISE, SEEN)) == []


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (replace(SEEN, outcome=replace(SEEN.outcome, error_type="rate_limit_error")), "the app got"),
        (replace(SEEN, outcome=replace(SEEN.outcome, deltas=3)), "the app got"),
        (
            replace(SEEN, outcome=replace(SEEN.outcome, headers={**HEADERS, "x-claude-sidecar-hint": ""})),
            "hint",
        ),
        (replace(SEEN, served=[Served("one", "429"), Served("two", "200")]), "the upstream served"),
        (replace(SEEN, spans=[span(waited_s=0.2)]), "the sidecar waited"),
        (replace(SEEN, spans=[span(waited_s=1.0), span(waited_s=0.2)]), "calls that the SDK made"),
        (replace(SEEN, spans=[span(**{names.ATTEMPTS: 1})]), "attempts in the trace"),
        (replace(SEEN, spans=[span(**{names.ROUTE: "two"})]), "route in the trace"),
    ],
)
def test_each_side_that_tells_otherwise_is_named(seen: Seen, what: str) -> None:
    assert [difference.what for difference in differences(PROMISE, seen)] == [what]


def test_sends_that_only_the_ledger_knows_are_a_difference() -> None:
    seen = replace(SEEN, served=[*SEEN.served, Served("one", "200")])
    told = {
        difference.what: (difference.expected, difference.seen) for difference in differences(PROMISE, seen)
    }
    assert told["attempts in the answer's header"] == ("3", "2")
    assert told["attempts in the trace"] == ("3", "2")
