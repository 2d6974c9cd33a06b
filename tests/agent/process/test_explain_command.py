"""`claude-sidecar explain` of calls that a running sidecar has carried."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from tests.agent.process.conftest import PROGRAM, Whole

POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: production}}
spec: {{routes: [{{name: first, endpoint: "{upstream}"}}], retry: {{backoff: {{initial: 100ms, max: 1s}}}}}}
"""
BODY = {
    "model": "claude-haiku-4-5",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "planted-words"}],
}


def explain(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = subprocess.run(
        [PROGRAM, "explain", *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def call(whole: Whole, fault: str) -> str:
    """The upstream's id of the answer to a call that meets this fault."""
    headers = {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": "sk-ant-api03-planted",
        "x-simulate": fault,
    }
    request = urllib.request.Request(f"{whole.sidecar}/v1/messages", json.dumps(BODY).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return str(answer.headers["request-id"])
    except urllib.error.HTTPError as failed:
        with failed:
            return str(failed.headers["request-id"])


@pytest.fixture
def whole(start_whole: Callable[..., Whole]) -> Whole:
    return start_whole("{}", POLICY, {})


def test_a_call_is_retold_by_its_id_from_the_sidecar_and_from_its_log(whole: Whole) -> None:
    for fault in ("", "529; times=1", "404"):
        request_id = call(whole, fault)
    policy = str(whole.folder / "policy.yaml")
    asked = explain("--request", request_id, "--sidecar", whole.admin)
    assert (asked[0], asked[2]) == (0, "")
    assert "deliver 404 unchanged after 1 attempt [at " in asked[1]
    assert ", as the policy in force\n" in asked[1]
    whole.stop()
    log = whole.log.read_text()
    code, out, err = explain(policy, "--from-log", "-", "--request", request_id, stdin=log)
    assert (code, err) == (0, "")
    steps = [line for line in asked[1].splitlines() if line.startswith(("  ", "hint: ", "to do: "))]
    assert [line for line in out.splitlines() if line.startswith(("  ", "hint: ", "to do: "))] == steps
    assert f", as {policy}\n" in out
    assert (
        explain("--from-log", "-", stdin=log)[1].count("send to first ") == 2
    )  # the first, of which a success is none
    assert "planted" not in asked[1] + out


def test_what_the_sidecar_does_not_remember_is_told_with_what_it_does(whole: Whole) -> None:
    code, _, err = explain("--request", "sc_gone", "--sidecar", whole.admin)
    assert (code, err) == (1, "Error: the sidecar has had no call yet\n")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    call(whole, "")
    _, _, err = explain("--request", "sc_gone", "--sidecar", whole.admin)
    assert err.startswith(
        f"Error: no such call among the 1 call that the sidecar remembers, which began from {today}T"
    )
    code, _, err = explain("--request", "sc_gone", "--sidecar", whole.sidecar)
    assert (code, "this is a sidecar's data port" in err) == (1, True)
    code, _, err = explain("--request", "sc_gone", "--sidecar", whole.upstream)
    assert (code, "whoever answers there is no sidecar of ours" in err) == (1, True)
