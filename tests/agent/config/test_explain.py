"""`explain` tells the very steps that the decision takes, and why."""

import re
from pathlib import Path

import pytest

from claude_sidecar.cli.main import main

HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\n"
TWO_ROUTES = "routes: [{name: a}, {name: b, credential: {secretKeyRef: {key: b}}, models: [{name: m}]}]"


def steps(tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: str, *args: str) -> list[str]:
    """The steps that `explain` prints for a spec, and what the app sees of the last; their times apart."""
    told = explained(tmp_path, capsys, spec, *args)
    found = re.findall(r"^ *(?:\d+\. |(?=the app ))(.*)$", told, re.MULTILINE)
    return [re.sub(r" \[at [\d.]+s\]", "", line) for line in found]


def explained(tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: str, *args: str) -> str:
    """All that `explain` prints for a spec."""
    path = tmp_path / "p.yaml"
    path.write_text(f"{HEAD}spec: {{{spec}}}\n")
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(path), *args])
    assert not ended.value.code
    return capsys.readouterr().out


CASES = [
    (
        TWO_ROUTES,
        ("--status", "529", "--model", "m"),
        [
            "send to a",
            "send to b (next route: fallback.causes names Overloaded",
            "wait 1.5s",
            "send to a",
            "send to b",
            "deliver 529 unchanged after 4 attempts (attempts spent: 4 of 4 made; retry.maxAttempts = 4)",
            "the app",
        ],
    ),
    (
        TWO_ROUTES,
        ("--status", "529", "--times", "1"),
        ["send to a", "send to b", "deliver 200 after 2 attempts"],
    ),
    (
        TWO_ROUTES,
        ("--status", "529", "--model", "other", "--times", "1"),
        ["send to a", "wait 0s to 1s", "send to a", "deliver 200 after 2 attempts"],
    ),
    (
        TWO_ROUTES,
        ("--status", "429", "--header", "retry-after: 3", "--times", "1"),
        [
            "send to a",
            "wait 3s to 4s (rate limit: the upstream's retry-after",
            "send to a (same route: the same after the wait)",
            "deliver 200",
        ],
    ),
    (
        TWO_ROUTES,
        ("--status", "429", "--header", "retry-after: 403973"),
        [
            "send to a",
            "deliver 429 unchanged after 1 attempt (retry-after too long: 403973s is over retry.max",
            "the app sees",
        ],
    ),
    (
        TWO_ROUTES,
        ("--status", "429", "--header", "retry-after: 30", "--header", "x-stainless-timeout: 20"),
        [
            "send to a",
            "deliver 429 unchanged after 1 attempt (retry-after past the deadline: 30s ends after",
            "the app sees",
        ],
    ),
    (
        "",
        ("--status", "401"),
        [
            "send to",
            "deliver 401 unchanged after 1 attempt (cause not retried: retry.causes does not name",
            "the app sees",
        ],
    ),
    ("", ("--status", "204"), ["send to anthropic", "deliver 204 after 1 attempt"]),
    (
        "retry: {maxAttempts: 1}",
        ("--status", "500"),
        [
            "send to anthropic",
            "deliver 500 unchanged after 1 attempt (attempts spent: 1 of 1 made; retry.maxAttempts = 1)",
            "the app sees",
        ],
    ),
    (
        "",
        ("--status", "529", "--header", "x-stainless-retry-count: 3"),
        ["send to anthropic", "deliver 529 unchanged", "the app sees"],
    ),
    (
        "",
        ("--status", "529", "--header", "x-should-retry: false"),
        ["send to", "deliver 529", "the app sees"],
    ),
    ("", ("--error-type", "timeout"), ["send to anthropic", "answer gateway_timeout (504)"]),
    (
        "retry: {maxAttempts: 2}",
        ("--error-type", "connection_error"),
        [
            "send to",
            "wait",
            "send to",
            "answer gateway_unreachable (502)",
            "the app sees x-should-retry: false",
        ],
    ),
    (
        "",
        ("--status", "200", "--stream", "--error-type", "overloaded_error", "--times", "1"),
        [
            "send to anthropic (first of a round: the first route that serves the model): 200, Overloaded",
            "wait",
            "send",
            "deliver 200",
        ],
    ),
    (
        "",
        ("--status", "429", "--error-type", "enforced_spend_limit_reached"),
        [
            "send to anthropic (first of a round: the first route that serves the model): 429, SpendLimit",
            "deliver 429",
            "the app sees",
        ],
    ),
    (
        "routes: [{name: a, models: [{name: m}]}]",
        ("--status", "529", "--model", "n"),
        [
            "answer gateway_no_route (503) after 0 attempts (no route serves the model: neither routes[]",
            "the app",
        ],
    ),
    (
        "fallback: {substitutions: [{model: m, with: [n]}]}",
        ("--status", "529", "--model", "m", "--times", "1"),
        ["send to anthropic", "send to anthropic as n (next route: ", "deliver 200"],
    ),
]


@pytest.mark.parametrize(("spec", "args", "expected"), CASES, ids=[" ".join(case[1]) for case in CASES])
def test_steps_are_told_in_order(
    spec: str, args: tuple[str, ...], expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = steps(tmp_path, capsys, spec, *args)
    assert len(told) == len(expected), told
    for step, beginning in zip(told, expected, strict=True):
        assert step.startswith(beginning), told


def test_one_is_told_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(tmp_path, capsys, "retry: {maxAttempts: 1}", "--status", "500")
    assert ", 1 attempt at most, " in told
    assert " after 1 attempt [at 0s] (" in told
    assert "1 attempts" not in told


def test_an_end_that_depends_on_what_is_drawn_is_told_for_both_extremes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Backoff has room for three attempts by its middle, four by its shortest, two by its longest waits."""
    told = explained(tmp_path, capsys, "", "--status", "529", "--header", "x-stainless-timeout: 3")
    assert "deliver 529 unchanged after 3 attempts [at 1.5s] (wait past the deadline" in told
    assert "with the shortest: deliver 529 unchanged after 4 attempts (attempts spent" in told
    assert "with the longest: deliver 529 unchanged after 2 attempts (wait past the deadline" in told
    assert "with the" not in explained(tmp_path, capsys, "", "--status", "529")


@pytest.mark.parametrize(
    ("args", "by"),
    [
        (("--stream",), "Timeout after 120s (timeouts.firstByte: there is a route to go to)"),
        ((), "Timeout after 599.75s (the deadline)"),
        (("--stream", "--header", "x-stainless-timeout: 20"), "Timeout after 19.75s (the deadline)"),
    ],
)
def test_silence_is_ended_by_what_ends_it_in_the_proxy(
    args: tuple[str, ...], by: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a stream or a count with a route to go to is given up before the deadline."""
    assert (
        by in steps(tmp_path, capsys, "routes: [{name: a}, {name: b}]", "--error-type", "timeout", *args)[0]
    )


def test_what_is_not_kept_is_sent_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = steps(tmp_path, capsys, "limits: {maxBufferedMiB: 0, spoolMiB: 0}", "--status", "529")
    assert told[1].endswith("(sent once: no body is kept: limits.maxBufferedMiB = 0, limits.spoolMiB = 0)")


def test_a_redirect_of_a_stream_is_no_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ("--status", "307", "--stream", "--error-type", "overloaded_error")
    assert steps(tmp_path, capsys, "", *args)[-1].startswith("deliver 307 after 1 attempt (answered: ")


def test_connections_that_fail_are_told_to_be_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(tmp_path, capsys, "", "--error-type", "connection_error")
    assert "connections: all are new" in told
    assert "connections:" not in explained(tmp_path, capsys, "", "--status", "529")


SILENT = [
    ("", (), ["it is opened once", "content that was held for 300s", "from its head on", "600s without"]),
    (
        "",
        ("--header", "x-stainless-read-timeout: 4"),
        ["or 2s after arrival", "timeouts.total, 600s", "whenever 2s passed", "600s without"],
    ),
    (
        "stream: {quietAfter: 0s, keepAlive: 0s}, timeouts: {stalled: 0s}",
        ("--header", "x-stainless-timeout: 60"),
        ["it is never opened", "the call's deadline, 60s", "there are no pings of ours"],
    ),
    ("stream: {hold: Headers}", (), ["at once (stream.hold: Headers)", "from its head on", "600s without"]),
    ("timeouts: {firstDelta: 20s}", (), ["opened", "held for", "first delta after 20s", "head on", "600s"]),
]


@pytest.mark.parametrize(("spec", "args", "expected"), SILENT)
def test_silence_of_a_stream_is_told_behind_the_steps(
    spec: str, args: tuple[str, ...], expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(tmp_path, capsys, spec, "--status", "200", "--stream", *args)
    lines = re.findall("^  - .*$", told.partition("a stream that keeps silent:\n")[2], re.MULTILINE)
    assert len(lines) == len(expected), lines
    for line, part in zip(lines, expected, strict=True):
        assert part in line
