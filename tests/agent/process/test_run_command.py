"""`claude-sidecar run` as a process: ports, options as variables, signals, exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cluster.waiting import until
from tests.agent.process.conftest import Whole

pytestmark = pytest.mark.processes

PROGRAM = Path(sys.executable).parent / "claude-sidecar"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: NAME}}
spec:
  routes: [{{name: only, endpoint: "{upstream}"}}]
"""


def _run(
    *arguments: str, env: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, str(PROGRAM), "run", *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | (env or {}),
        check=False,
    )


@pytest.mark.parametrize(("option", "other"), [("--port", "--admin-port"), ("--admin-port", "--port")])
def test_a_taken_port_is_named_and_exit_is_1(option: str, other: str) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = _run(option, str(port), other, "0")
    assert ended.returncode == 1
    assert (
        f"cannot listen on port {port}: it is taken by another process. Choose another with {option}"
        in ended.stderr
    )
    assert "Traceback" not in ended.stderr


def test_a_privileged_port_is_refused_with_exit_1() -> None:
    prefix = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")
    ended = _run("--port", "81", "--admin-port", "0", prefix=prefix if os.geteuid() == 0 else ())
    assert ended.returncode == 1
    assert "port 81: it is privileged" in ended.stderr
    assert "--port" in ended.stderr


def test_a_missing_policy_ends_with_exit_1_and_its_name(tmp_path: Path) -> None:
    ended = _run("--policy", str(tmp_path / "none.yaml"), "--port", "0", "--admin-port", "0")
    assert ended.returncode == 1
    assert str(tmp_path / "none.yaml") in ended.stderr


def test_a_bad_policy_ends_with_exit_1_and_its_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\nspec:\n  retri: {}\n")
    ended = _run("--policy", str(bad), "--port", "0", "--admin-port", "0")
    assert ended.returncode == 1
    assert f"{bad}:4: spec.retri" in ended.stderr
    assert "retry" in ended.stderr


def test_options_are_variables_too() -> None:
    ended = _run(env={"CLAUDE_SIDECAR_POLICY": "/nowhere/policy.yaml"})
    assert ended.returncode == 1
    assert "/nowhere/policy.yaml" in ended.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = _run(env={"CLAUDE_SIDECAR_PORT": port, "CLAUDE_SIDECAR_ADMIN_PORT": "0"})
    assert ended.returncode == 1
    assert port in ended.stderr


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("HTTPS_PROXY", "http://user:hush@proxy.example:notaport", "`http://***@proxy.example:notaport`"),
        ("HTTPS_PROXY", "socks5://proxy.example:1080", "`socks5://proxy.example:1080`"),
        ("SSL_CERT_FILE", __file__, "holds no certificate"),
    ],
)
def test_an_unusable_environment_ends_with_exit_1_and_what_to_do(
    variable: str, value: str, shown: str
) -> None:
    ended = _run("--port", "0", "--admin-port", "0", env={variable: value})
    assert ended.returncode == 1
    assert f"{variable}=" in ended.stderr
    assert shown in ended.stderr
    assert "allowed: " in ended.stderr
    assert "hush" not in ended.stderr


def test_usage_errors_exit_with_2() -> None:
    assert _run("--port", "no-number").returncode == 2
    assert _run("--no-such-option").returncode == 2


def test_sighup_reads_the_policy_again_and_sigterm_ends_in_order(start_whole: Callable[..., Whole]) -> None:
    whole = start_whole("{}", POLICY.replace("NAME", "before"), {})
    assert _status(whole)["policy"] == "before"
    file = whole.folder / "policy.yaml"
    # The same instant and length as before: only the signal or the content can tell.
    file.write_text(POLICY.replace("NAME", "behind").format(upstream=whole.upstream))
    process = int(subprocess.check_output(["pgrep", "-f", f"run --policy {file}"], text=True).split()[0])
    os.kill(process, signal.SIGHUP)
    until(lambda: _status(whole)["policy"] == "behind", "the signal is heeded")
    whole.stop()
    assert '"message":"stopped"' in whole.log.read_text()


def _status(whole: Whole) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{whole.admin}/status", timeout=30) as answer:
        status: dict[str, Any] = json.load(answer)
    return status
