"""What `explain` makes of input that is odd, impossible, or decides nothing."""

from pathlib import Path
from typing import Any

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.cli.main import main
from claude_sidecar.providers.anthropic import Anthropic
from claude_sidecar.providers.provider import Failure
from claude_sidecar.providers.registry import PROVIDERS
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.wire.error_body import read_error

POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
spec: {routes: [{name: a}, {name: b, credential: {env: KEY_OF_B}}]}
"""


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Exit code, standard output and standard error of `explain` for that policy."""
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)

    def explain(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["explain", str(path), *args])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return explain


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--status", "103"), "103 is interim, and no call ends with it (RFC 9110, section 15.2)"),
        (("--status", "99"), "a status has three digits, from 200 on"),
        (("--status", "1000"), "a status has three digits, from 200 on"),
        (("--status", "teapot"), "is not a valid integer"),
        ((), "give --status, or --error-type connection_error or timeout"),
        (("--error-type", "overloaded_error"), "give --status, or --error-type connection_error or timeout"),
        (("--status", "529", "--header", "nonsense"), "number 1 is no header; write it as 'name: value'"),
        (("--status", "529", "--header", ": x"), "number 1 is no header; write it as 'name: value'"),
        (("--status", "529", "--header", "a b: x"), "number 1: a header's name has letters, digits"),
        (("--status", "529", "--header", "Überlast: x"), "number 1: a header's name has letters, digits"),
        (
            ("--status", "529", "--header", "a: x\r\nb: y"),
            "number 1: its value has characters that no header",
        ),
        (("--status", "529", "--header", "a: ✓"), "number 1: its value has characters that no header"),
    ],
)
def test_input_that_cannot_be_is_told_with_what_to_give(
    args: tuple[str, ...], says: str, explain: Any
) -> None:
    code, out, err = explain(*args)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize("header", ["x-api-key: {}", "Authorization: Bearer {}", "x-api-key {}", "{}"])
def test_a_key_in_a_header_is_refused_and_not_repeated(header: str, explain: Any) -> None:
    code, out, err = explain("--status", "401", "--header", header.format("sk-ant-api03-secret"))
    assert (code, out) == (2, "")
    assert "secret" not in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (
            ("--status", "401", "--error-type", "overloaded_error"),
            "the status decides, not the error type: 401",
        ),
        (("--status", "418", "--error-type", "of_tomorrow"), "the status decides, not the error type: 418"),
        (("--status", "200", "--error-type", "api_error"), "an error comes inside a 200 in streams alone"),
        (("--status", "307", "--error-type", "api_error"), "a redirect is delivered as it came"),
        (("--status", "777"), "HTTP has no status over 599 (RFC 9110, section 15)"),
        (("--status", "529", "--header", "retry-after: soon"), "retry-after is no number of seconds and no"),
        (
            ("--status", "529", "--header", "x-should-retry: maybe"),
            "x-should-retry is neither true nor false",
        ),
        (
            ("--status", "529", "--header", "x-stainless-retry-count: x"),
            "x-stainless-retry-count is no number",
        ),
        (
            ("--status", "529", "--header", "x-stainless-timeout: NOT_GIVEN"),
            "x-stainless-timeout is no number",
        ),
    ],
)
def test_what_decides_nothing_is_told(args: tuple[str, ...], says: str, explain: Any) -> None:
    code, out, _ = explain(*args)
    assert code == 0
    assert any(line.startswith(says) for line in out.splitlines()), out


@pytest.mark.parametrize(
    "args",
    [
        ("--status", "529"),
        ("--status", "529", "--error-type", "overloaded_error", "--header", "retry-after: 3"),
        ("--status", "429", "--error-type", "enforced_spend_limit_reached"),
        ("--status", "529", "--header", "x-should-retry: false", "--header", "x-stainless-retry-count: 0"),
        ("--status", "200"),
        ("--status", "200", "--stream", "--error-type", "overloaded_error"),
    ],
)
def test_what_decides_something_is_not_told_to_decide_nothing(args: tuple[str, ...], explain: Any) -> None:
    _, out, _ = explain(*args)
    assert "counts as" not in out
    assert "decides" not in out


@pytest.mark.parametrize("status", [200, 204, 299, 304, 399, 400, 418, 451, 499, 500, 526, 599, 600, 999])
def test_every_status_that_a_response_can_end_with_is_explained(status: int, explain: Any) -> None:
    code, out, err = explain("--status", str(status))
    assert (code, err) == (0, "")
    assert f"deliver {status}" in out


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("--status", "529"), "The provider is overloaded"),
        (("--status", "401"), "The key is well formed but refused"),
        (("--status", "404", "--model", "claude-opus-4.7"), "Model claude-opus-4.7: names have hyphens"),
        (
            ("--status", "429", "--message", "This request would exceed your spend limit"),
            "The message says",
        ),
        (("--status", "502", "--error-type", ""), "This 502 has no error body of the Claude API"),
        (("--error-type", "timeout"), "No answer came in time"),
    ],
)
def test_the_hint_that_the_answer_would_carry_is_told(args: tuple[str, ...], hint: str, explain: Any) -> None:
    _, out, _ = explain(*args)
    assert f"\nhint: {hint}" in out
    assert "\nto do: " in out


def test_a_success_needs_no_hint(explain: Any) -> None:
    _, out, _ = explain("--status", "200")
    assert "hint:" not in out
    assert "to do:" not in out


class Teapot(Anthropic):
    """An API whose 418 is a rate limit."""

    def failure(self, status: int, lines: Any, body: bytes) -> Failure:
        if status == 418:
            return Failure(429, Cause.RATE_LIMIT, read_error(body), "requests")
        return super().failure(status, lines, body)


def test_a_status_is_judged_by_the_provider_of_the_route(explain: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(PROVIDERS, ProviderName.ANTHROPIC, Teapot())
    _, out, _ = explain("--status", "418", "--times", "1")
    assert (
        "send to a [at 0s] (first of a round: the first route that serves the model): 429, RateLimit" in out
    )
    assert "deliver 200 after 2 attempts" in out


def test_terminal_escapes_in_a_models_name_are_not_repeated(explain: Any) -> None:
    _, out, _ = explain("--status", "529", "--model", "\x1b[31mred")
    assert "\x1b" not in out
