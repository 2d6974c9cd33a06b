"""The command claude-operator where its extra is not installed."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(("command", "missing"), [("reconcile", "kopf"), ("webhook", "cryptography")])
def test_a_missing_extra_is_named_with_what_to_do(command: str, missing: str) -> None:
    hidden = f"import sys; sys.modules[{missing!r}] = None; from claude_operator.cli.main import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", hidden, command, "--namespace", "x"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert f"{missing} is not installed" in ended.stderr
    assert "claude-sidecar[operator]" in ended.stderr
    assert "Traceback" not in ended.stderr
