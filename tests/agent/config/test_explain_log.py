"""`explain --from-log` finds the call in what people paste and pipe, and says what is wrong with the rest."""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.cli.call_lines import first_call, lines_of
from claude_sidecar.cli.main import main
from claude_sidecar.cli.retelling import retold
from claude_sidecar.cli.timeline import text_of
from claude_sidecar.cli.told_call import CallUnreadable
from claude_sidecar.config.parse import parse_policy
from claude_sidecar.schema.compile import compile_policy

POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {name: production}
spec: {routes: [{name: a}]}
"""
HASH = compile_policy(parse_policy(POLICY.encode(), "p.yaml")).hash
CALL: dict[str, Any] = {
    "time": "2026-11-30T21:00:01.500+00:00",
    "level": "warning",
    "logger": "claude_sidecar.calls",
    "message": "request failed or was retried",
    "call_id": "sc_1",
    "method": "POST",
    "path": "/v1/messages",
    "model": "claude-opus-4-8",
    "stream": True,
    "route": "a",
    "status": 404,
    "cause": "NotFound",
    "error_type": "not_found_error",
    "hint": "use another name",
    "policy": "production",
    "policy_hash": HASH,
    "duration_s": 1.5,
    "end_rule": "cause not retried",
    "end_because": "retry.causes does not name NotFound",
    "steps": [
        {
            "at_ms": 0.2,
            "send": "a",
            "for_ms": 1500.0,
            "status": 404,
            "cause": "NotFound",
            "request_id": "req_1",
        }
    ],
    "secret": "sk-ant-api03-never-repeated",
}
LINE = json.dumps(CALL)
OTHER = json.dumps(CALL | {"call_id": "sc_2", "policy_hash": "another"})
MISMATCH = json.dumps(
    {"logger": "claude_sidecar.calls", "message": "answer names another model", "call_id": "sc_1"}
)


@pytest.fixture
def explain(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Any:
    """Exit code, standard output and standard error; FILE stands for the policy's."""
    (tmp_path / "p.yaml").write_text(POLICY)

    def explain(*args: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main(["explain", *(str(tmp_path / "p.yaml") if arg == "FILE" else arg for arg in args)])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return explain


def test_a_line_is_retold(explain: Any) -> None:
    code, out, _ = explain("FILE", "--from-log", LINE)
    assert code == 0
    told = out.splitlines()
    assert told[0] == "call sc_1, began 2026-11-30T21:00:00.000+00:00, the upstream's id not told"
    assert told[1] == "asked: POST /v1/messages, stream, model claude-opus-4-8, key none"
    assert told[2].startswith(f"policy production (hash {HASH}), as ")
    assert told[3].endswith("send to a [at 0s]: 404, NotFound, req_1 after 1.5s")
    assert told[4].endswith(
        "deliver 404 unchanged after 1 attempt [at 1.5s] "
        "(cause not retried: retry.causes does not name NotFound)"
    )
    assert told[-2] == "hint: use another name"
    assert told[-1].startswith("to do: ")
    assert "sk-ant" not in out


def test_json_is_one_object_with_the_same_steps(explain: Any) -> None:
    _, out, _ = explain("--from-log", LINE, "--json")
    told = json.loads(out)
    assert [step["rule"] for step in told["steps"]] == [None, "cause not retried"]
    assert told["hint"] == "use another name"


def test_a_policy_other_than_the_calls_is_told(explain: Any) -> None:
    _, out, _ = explain("FILE", "--from-log", OTHER)
    assert "policy production (hash another)\nthis call went by another policy: " in out
    assert f"has hash {HASH}" in out
    assert "another policy" not in explain("FILE", "--from-log", LINE)[1]
    assert "another policy" not in explain("--from-log", OTHER)[1]


@pytest.mark.parametrize(
    "piped",
    [
        LINE,
        f"{LINE}\r\n",
        f"starting\n\n{{}}\n{MISMATCH}\n{LINE}",
        f"[pod/web-0/claude-sidecar] {LINE}",
        f"2026-11-30T21:00:01.500000000Z {LINE}",
        f"2026-11-30T21:00:01.5Z stderr F {LINE}\n",
        f"web {{not json}} {LINE}",
        json.dumps({"log": f"{LINE}\n", "stream": "stderr", "time": "2026-11-30T21:00:01.5Z"}),
        json.dumps({"kubernetes": {"pod": "web"}, "message": json.dumps({"log": LINE})}),
        json.dumps(CALL | {"kubernetes": {"pod": "web"}, "of_tomorrow": [1]}),
    ],
)
def test_what_collectors_put_around_a_line_is_passed_over(piped: str, explain: Any) -> None:
    code, out, err = explain("--from-log", "-", stdin=piped.encode())
    assert (code, err) == (0, "")
    assert out.startswith("call sc_1, ")


@pytest.mark.parametrize("name", ["sc_2", "req_2"])
def test_of_many_calls_the_first_is_retold_or_the_one_that_is_named(name: str, explain: Any) -> None:
    other = OTHER.replace("req_1", "req_2")
    piped = f"{LINE}\n{other}\n".encode()
    assert explain("--from-log", "-", stdin=piped)[1].startswith("call sc_1, ")
    assert explain("--from-log", "-", "--request", name, stdin=piped)[1].startswith("call sc_2, ")


@pytest.mark.parametrize(
    ("piped", "says"),
    [
        (b"", "no call in 0 lines: a sidecar logs each that failed"),
        (b"hello\nworld\n", "no call in 2 lines: a sidecar logs each that failed"),
        (MISMATCH.encode(), "no call in 1 line: "),
        (LINE.encode()[:-90], "line 1: it is cut off, or not the JSON that a sidecar writes"),
        (b"x" * 300_000 + b"\n", "line 1 is over 256 KiB, so none of ours"),
        (b"{" * 200_000 + b"claude_sidecar.calls request failed or was retried}", "line 1: it is cut off"),
        (
            json.dumps(CALL | {"status": "sk-ant-x"}).encode(),
            "line 1: Expected `int | null`, got `str` - at `$.status`",
        ),
        (
            json.dumps(CALL | {"duration_s": -1}).encode(),
            "line 1: Expected `float` >= 0.0 - at `$.duration_s`",
        ),
        (json.dumps(CALL | {"steps": [{}] * 65}).encode(), "line 1: Expected `array` of length <= 64"),
        (json.dumps(CALL | {"hint": "x" * 5000}).encode(), "line 1: Expected `str` of length <= 1000"),
    ],
)
def test_what_tells_no_call_is_an_error_that_repeats_nothing_of_it(
    piped: bytes, says: str, explain: Any
) -> None:
    code, out, err = explain("--from-log", "-", stdin=piped)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {says}")
    assert "sk-ant" not in err


def test_an_id_that_no_call_of_the_log_has_is_told(explain: Any) -> None:
    code, _, err = explain("--from-log", "-", "--request", "sc_9", stdin=f"{LINE}\n{OTHER}\n".encode())
    assert (code, err) == (1, "Error: none of the 2 calls in 2 lines has that id\n")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("-", "--from-log", "-"), "standard input is the policy or the log, not both"),
        (
            ("--from-log", LINE, "--sidecar", "http://127.0.0.1:1"),
            "from --from-log or from --sidecar, not from both",
        ),
        (("--from-log", LINE, "--status", "529"), "leave out what might have been"),
        (("--request", "sc_1", "--stream"), "leave out what might have been"),
        (("--request", "sc_1", "--sidecar", "gopher://x"), "Invalid value for --sidecar"),
        (("--status", "529"), "give FILE, the policy; or --from-log or --request"),
        (("FILE", "--status", "529", "--sidecar", "http://127.0.0.1:1"), "--sidecar goes with --request"),
    ],
)
def test_options_that_exclude_one_another_are_told(args: tuple[str, ...], says: str, explain: Any) -> None:
    code, _, err = explain(*args)
    assert code == 2
    assert says in err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_key_in_a_line_is_withheld(options: tuple[str, ...], explain: Any) -> None:
    key = "sk-ant-api03-planted"
    planted = {**CALL, "call_id": key, "model": key, "hint": f"use {key}", "end_because": key}
    code, out, err = explain("--from-log", json.dumps(planted), *options)
    assert (code, err) == (0, "")
    assert "planted" not in out
    assert out.count("[withheld]") == 4


def test_escapes_in_a_line_do_not_reach_the_terminal(explain: Any) -> None:
    code, out, _ = explain("--from-log", json.dumps(CALL | {"model": "\x1b[2Jx", "hint": "a\nhint: forged"}))
    assert code == 0
    assert "\x1b" not in out
    assert "\nhint: forged" not in out


def test_a_log_that_goes_on_is_read_to_the_call_alone() -> None:
    def endless() -> Any:
        yield LINE.encode()
        raise AssertionError("no line behind the call is read")

    assert first_call(endless()).call_id == "sc_1"


def test_a_line_too_long_is_passed_over_and_not_kept() -> None:
    piped = io.BytesIO(b"x" * 3_000_000 + b"\n" + LINE.encode() + b"\n")
    assert [line is None for line in lines_of(piped)] == [True, False]


@given(st.binary(max_size=200), st.integers(0, len(LINE)), st.integers(0, 40))
def test_no_bytes_do_more_than_be_unreadable(noise: bytes, at: int, cut: int) -> None:
    spoilt = LINE.encode()[:at] + noise + LINE.encode()[at + cut :]
    with contextlib.suppress(CallUnreadable):
        assert text_of(retold(first_call(lines_of(io.BytesIO(spoilt))), None, ""))
