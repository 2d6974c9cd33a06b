"""`claude-sidecar doctor` as people run it."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable

import pytest
from support.documents import blocks
from support.project import ROOT
from tests.agent.process.conftest import PROGRAM, Whole

from claude_sidecar.cli.main import main

KEY = "sk-ant-api03-docs-example-only"
SCENARIO = "keys: [{name: gone, key: sk-ant-api03-revoked, state: revoked}]\n"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: production}}
spec: {{routes: [{{name: first, endpoint: "{upstream}"}}]}}
"""
_LEADS = ("ANTHROPIC_", "CLAUDE_", "OTEL_", "SSL_CERT")


def doctor(*arguments: str, key: str | None = KEY, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_LEADS) and not name.lower().endswith("_proxy")
    }
    given = environ if key is None else environ | {"ANTHROPIC_API_KEY": key}
    command = [PROGRAM, "doctor", *arguments]
    done = subprocess.run(
        command, env=given, input=stdin, capture_output=True, text=True, timeout=90, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def whole(start_whole: Callable[..., Whole]) -> Whole:
    return start_whole(SCENARIO, POLICY, {})


def test_the_documented_session_is_what_is_printed(whole: Whole) -> None:
    (session,) = blocks(ROOT / "docs" / "doctor.md", "console")
    line, *shown = session.splitlines()
    port = whole.upstream.rpartition(":")[2]
    arguments = shlex.split(line.removeprefix("$ claude-sidecar doctor ").replace("8789", port))
    code, out, err = doctor(*arguments)
    assert out.replace(port, "8789").splitlines() == shown
    assert (code, err) == (1, "")


def test_exit_codes_tell_healthy_fault_and_unknown_apart(whole: Whole) -> None:
    healthy = doctor("--base-url", whole.upstream)
    assert (healthy[0], healthy[1].splitlines()[-1]) == (0, "healthy: nothing wrong was found")
    assert doctor("--base-url", whole.upstream, key="sk-ant-api03-revoked")[0] == 1
    unknown = doctor("--policy", str(whole.folder / "policy.yaml"), key=None)
    assert (unknown[0], unknown[1].splitlines()[-1]) == (3, "unknown: could not tell key (the app's key)")


def test_json_is_one_object_and_what_it_costs_is_said_elsewhere(whole: Whole) -> None:
    code, out, err = doctor("--base-url", whole.upstream, "--json")
    told = json.loads(out)
    assert (code, told["verdict"]) == (0, "healthy")
    assert all(check.keys() == {"id", "target", "result", "finding", "fix"} for check in told["checks"])
    assert err.startswith("Next: 1 call of one output token")


def test_a_running_sidecar_is_examined_by_its_admin_port(whole: Whole) -> None:
    arguments = ("--sidecar", whole.admin, "--base-url", whole.sidecar, "--key-file", "-")
    code, out, _ = doctor(*arguments, key=None, stdin=f"{KEY}\n")
    assert code == 0, out
    assert re.search(r"^ok +policy .*policy production ", out, re.MULTILINE)
    assert "as the sidecar's /requests tells" in out
    assert "standard input" in out
    assert [call["status"] for call in whole.ledger()["calls"]] == [200, 200]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--key-env", "A", "--key-file", "-"),
        ("--policy", "a.yaml", "--base-url", "http://127.0.0.1:1"),
        ("--sidecar", "nowhere"),
        ("sk-ant-api03-as-an-argument",),
    ],
)
def test_a_command_line_that_is_wrong_exits_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", *arguments])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("Usage: claude-sidecar doctor")
    assert "as-an-argument" not in told
