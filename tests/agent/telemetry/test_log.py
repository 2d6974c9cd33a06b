"""Log lines: JSON, constant messages, bounded facts, nothing that a call carried."""

import io
import json
import logging

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry import call_log
from claude_sidecar.telemetry.attempts import OpenedBy, WaitRecord
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.log import configure, event
from claude_sidecar.wire.model_name import same_model


@pytest.fixture
def lines():
    """What is logged at level info, as JSON values."""
    root, ours = logging.getLogger(), logging.getLogger("claude_sidecar")
    before = (root.handlers[:], root.level, ours.level)
    stream = io.StringIO()
    configure("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_line_has_time_level_message_and_facts(lines) -> None:
    event(logging.getLogger("claude_sidecar.x"), logging.WARNING, "it happened", count=3, name=None, ok=True)
    (line,) = lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "claude_sidecar.x",
        "message": "it happened",
        "count": 3,
        "ok": True,
    }


def test_values_are_cut_and_stay_on_one_line(lines) -> None:
    event(logging.getLogger("claude_sidecar"), logging.INFO, "m", text="a\n" + "x" * 10_000, many=["y"] * 100)
    (line,) = lines()
    assert len(line["text"]) == 512
    assert line["text"].startswith("a?x")
    assert len(line["many"]) == 20


def test_below_the_level_nothing_is_written(lines) -> None:
    event(logging.getLogger("claude_sidecar"), logging.DEBUG, "m")
    assert lines() == []


def test_exception_is_told_without_its_text(lines) -> None:
    try:
        raise ValueError("planted-secret")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling %s", "planted-secret")
    (line,) = lines()
    assert "planted" not in json.dumps(line)
    assert line["exception"] == "ValueError"
    assert line["frames"][0].endswith("test_exception_is_told_without_its_text")


def test_foreign_messages_lose_their_arguments_and_later_lines(lines) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: planted-secret")
    logging.getLogger("other").error("no header %s", "planted-secret")
    assert [line["message"] for line in lines()] == ["Task exception was never retrieved", "no header %s"]


def test_exporters_may_say_what_failed(lines) -> None:
    logging.getLogger("opentelemetry.exporter.otlp").error("reason: %s", "Connection refused")
    assert lines()[0]["message"] == "reason: Connection refused"


def test_call_that_failed_is_a_warning_with_its_facts(make, lines) -> None:
    record = make.call(
        status=404,
        cause=Cause.NOT_FOUND,
        error_type="not_found_error",
        hint="did you mean claude-opus-4-7?",
        trace_id="ab" * 16,
        attempts=[make.refused(404, Cause.NOT_FOUND, "not_found_error")],
    )
    call_log.call_ended(record, Labels())
    (line,) = lines()
    assert line["message"] == "request failed or was retried"
    assert line["level"] == "warning"
    assert line["hint"] == "did you mean claude-opus-4-7?"
    assert (line["status"], line["cause"], line["request_id"]) == (404, "NotFound", "req_011")
    assert line["sends"] == ["anthropic 404 NotFound"]
    assert line["trace_id"] == "ab" * 16


def test_call_that_a_retry_cured_is_information(make, lines) -> None:
    sends = [make.refused(None, Cause.CONNECTION_FAILURE, "connection_error"), make.attempt()]
    call_log.call_ended(make.call(attempts=sends, retry_outcome="won"), Labels())
    (line,) = lines()
    assert (line["level"], line["attempts"], line["retry_outcome"]) == ("info", 2, "won")
    assert line["sends"] == ["anthropic - ConnectionFailure", "anthropic 200 ok"]


def test_steps_of_a_call_are_told_in_their_order_each_with_its_rule(make, lines) -> None:
    sends = [
        make.refused(
            529,
            Cause.OVERLOADED,
            "overloaded_error",
            started_s=1000.0,
            ended_s=1000.25,
            rule="first",
            because="a",
        ),
        make.attempt(started_s=1000.75, ended_s=1002.0, rule="second", because="c"),
    ]
    waits = [WaitRecord(1000.25, 0.5, "backoff", "pause", "b")]
    call_log.call_ended(make.call(attempts=sends, waits=waits, end_rule="end", end_because="d"), Labels())
    (line,) = lines()
    first, wait, second = line["steps"]
    assert [step["at_ms"] for step in line["steps"]] == [0.0, 250.0, 750.0]
    assert (first["send"], first["for_ms"], first["status"], first["rule"]) == (
        "anthropic",
        250.0,
        529,
        "first",
    )
    assert wait == {"at_ms": 250.0, "wait": "backoff", "for_ms": 500.0, "rule": "pause", "because": "b"}
    assert (second["because"], second["request_id"]) == ("c", "req_011")
    assert "cause" not in second
    assert (line["end_rule"], line["end_because"]) == ("end", "d")


def test_error_inside_a_200_is_a_warning_after_one_send_too(make, lines) -> None:
    sent = make.refused(200, Cause.OVERLOADED, "overloaded_error")
    record = make.call(
        cause=Cause.OVERLOADED,
        error_type="overloaded_error",
        attempts=[sent],
        opened_by=OpenedBy("anthropic", 1),
    )
    call_log.call_ended(record, Labels())
    (line,) = lines()
    assert (line["level"], line["status"], line["error_type"]) == ("warning", 200, "overloaded_error")
    assert (line["opened"], line["opened_by"]) == (True, "anthropic 1")
    assert "commit_reason" not in line


def test_plain_call_and_one_that_the_caller_left_write_nothing(make, lines) -> None:
    call_log.call_ended(make.call(), Labels())
    call_log.call_ended(make.call(status=None, cancelled=True), Labels())
    assert lines() == []


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", True),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", True),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20260101", False),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001", True),
        ("claude-sonnet-4-0", "claude-sonnet-4-20250514", True),
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219", True),
        ("claude-opus-4-8", "claude-opus-4-7", False),
        ("claude-opus-4-8", "claude-sonnet-4-6", False),
        ("claude-opus-4", "claude-opus-4-8", False),
    ],
)
def test_dated_form_is_the_same_model(asked: str, answered: str, same: bool) -> None:
    assert same_model(asked, answered) is same
