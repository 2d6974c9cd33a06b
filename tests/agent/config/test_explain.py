"""`explain` tells the very steps that the decision takes, and why."""

import re
from pathlib import Path

import pytest

from claude_sidecar.cli.main import main

HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\n"
TWO_ROUTES = "routes: [{name: a}, {name: b, credential: {secretKeyRef: {key: b}}, models: [{name: m}]}]"


def steps(tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: str, *args: str) -> list[str]:
    """The numbered steps that `explain` prints for a spec."""
    return re.findall(r"^ *\d+\. (.*)$", explained(tmp_path, capsys, spec, *args), re.MULTILINE)


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
            "send to b (at once",
            "wait 1.5s",
            "send to a",
            "send to b",
            "deliver 529 unchanged (4 sends are the most for this call, retry.maxAttempts; 4 sends)",
            "the app",
        ],
    ),
    (TWO_ROUTES, ("--status", "529", "--times", "1"), ["send to a", "send to b", "deliver 200 (2 sends)"]),
    (
        TWO_ROUTES,
        ("--status", "529", "--model", "other", "--times", "1"),
        ["send to a", "wait 0s to 1s", "send to a", "deliver 200 (2 sends)"],
    ),
    (
        TWO_ROUTES,
        ("--status", "429", "--header", "retry-after: 3", "--times", "1"),
        [
            "send to a",
            "wait 3s to 4s (the upstream's retry-after",
            "send to a (the same route",
            "deliver 200",
        ],
    ),
    (
        TWO_ROUTES,
        ("--status", "429", "--header", "retry-after: 403973"),
        [
            "send to a",
            "deliver 429 unchanged (retry-after of 403973s is over retry.maxRetryAfter, 60s",
            "the app sees",
        ],
    ),
    (
        TWO_ROUTES,
        ("--status", "429", "--header", "retry-after: 30", "--header", "x-stainless-timeout: 20"),
        [
            "send to a",
            "deliver 429 unchanged (retry-after of 30s ends after the deadline, 19.75s",
            "the app sees",
        ],
    ),
    (
        "",
        ("--status", "401"),
        ["send to", "deliver 401 unchanged (retry.causes does not name", "the app sees"],
    ),
    ("", ("--status", "204"), ["send to anthropic", "deliver 204 (1 send)"]),
    (
        "retry: {maxAttempts: 1}",
        ("--status", "500"),
        [
            "send to anthropic",
            "deliver 500 unchanged (1 send is the most for this call, retry.maxAttempts; 1 send)",
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
            "send to anthropic (the first route that serves the model): 200, Overloaded",
            "wait",
            "send",
            "deliver 200",
        ],
    ),
    (
        "",
        ("--status", "429", "--error-type", "enforced_spend_limit_reached"),
        [
            "send to anthropic (the first route that serves the model): 429, SpendLimit",
            "deliver 429",
            "the app sees",
        ],
    ),
    (
        "routes: [{name: a, models: [{name: m}]}]",
        ("--status", "529", "--model", "n"),
        ["answer gateway_no_route (503): no upstream gave one (no route's models name n", "the app"],
    ),
    (
        "fallback: {substitutions: [{model: m, with: [n]}]}",
        ("--status", "529", "--model", "m", "--times", "1"),
        ["send to anthropic", "send to anthropic as n (at once", "deliver 200"],
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
    lines = told.partition("a stream that keeps silent:\n")[2].splitlines()
    assert len(lines) == len(expected), lines
    for line, part in zip(lines, expected, strict=True):
        assert part in line


@pytest.mark.parametrize("header", ["nonsense", ": x"])
def test_header_that_is_none_is_a_usage_error(
    header: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(HEAD)
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(tmp_path / "p.yaml"), "--status", "529", "--header", header])
    assert ended.value.code == 2
    assert "write it as 'name: value'" in capsys.readouterr().err
