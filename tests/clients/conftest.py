"""Real processes for the contract tests: the simulator, the sidecar before it, and the SDKs as programs."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.free_ports import free_ports
from support.project import ROOT

PROGRAM = Path(sys.executable).parent / "claude-sidecar"
KEY = "sk-ant-api03-contract-test-key"
SDKS = ("python-new", "python-0x", "node-new", "node-0x", "go-v2", "go-v1")
Line = dict[str, Any]

SCENARIO = """\
seed: 7
record_headers: [x-scene]
rules:
  - name: always overloaded
    match: {model: claude-opus-5}
    status: 529
"""
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: contract, namespace: tests}}
spec:
  routes:
    - {{name: simulated, endpoint: "http://127.0.0.1:{port}"}}
  retry:
    maxAttempts: 4
    backoff: {{initial: 1ms, max: 5ms}}
    budget: {{percent: 100, minPerSecond: 1000}}
"""


def clean_environment() -> dict[str, str]:
    """The environment without what would lead an SDK or the sidecar elsewhere."""
    leads = ("ANTHROPIC_", "CLAUDE_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(leads)}
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}


def get_json(url: str) -> Any:
    """What a JSON endpoint on loopback says."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return json.load(answer)


def accepts(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def running(log: Path, port: int, *arguments: str) -> Iterator[int]:
    """`claude-sidecar ARGUMENTS` until the end of the block, from when *port* takes connections."""
    with log.open("wb") as out:
        process = subprocess.Popen([PROGRAM, *arguments], stdout=out, stderr=out, env=clean_environment())
    pause = threading.Event()
    try:
        for _ in range(600):
            if accepts(port):
                break
            assert process.poll() is None, f"{arguments} ended with {process.returncode}: {log.read_text()}"
            pause.wait(0.1)
        else:
            pytest.fail(f"{arguments} does not listen on {port}: {log.read_text()}")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _values(call: Line, header: str) -> list[str]:
    return [value for name, value in call["headers"] if name.lower() == header]


class Upstream:
    """The simulated Claude API, and what its ledger says."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    def calls_of(self, scene: str) -> list[Line]:
        """Calls that carried `x-scene: SCENE`, in order."""
        calls: list[Line] = get_json(f"{self.url}/_simulator/ledger")["calls"]
        return [call for call in calls if scene in _values(call, "x-scene")]


class Sidecar:
    """A sidecar whose one route is the simulator."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def drivers() -> dict[str, list[str]]:
    """How to start each SDK's driver; sets them up where `make test` has not yet."""
    asked = [sys.executable, str(ROOT / "tools" / "sdk_drivers.py")]
    ended = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    commands: dict[str, list[str]] = json.loads(ended.stdout)
    return commands


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """The simulator as a process."""
    folder = tmp_path_factory.mktemp("simulator")
    scenario = folder / "scenario.yaml"
    scenario.write_text(SCENARIO)
    (port,) = free_ports(1)
    asked = ("simulate", "--port", str(port), "--scenario", str(scenario))
    with running(folder / "log", port, *asked):
        yield Upstream(port)


@pytest.fixture(scope="session")
def sidecar(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """The sidecar as a process, in front of the simulator."""
    folder = tmp_path_factory.mktemp("sidecar")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.format(port=upstream.port))
    port, admin = free_ports(2)
    asked = ("run", "--policy", str(policy), "--port", str(port), "--admin-port", str(admin))
    with running(folder / "log", port, *asked):
        yield Sidecar(port)


Play = Callable[..., list[Line]]


@pytest.fixture(scope="session")
def play(drivers: dict[str, list[str]]) -> Play:
    """Have an SDK play scenes against a base URL; `max_retries` None leaves the SDK's own default."""

    def run(
        sdk: str, base_url: str, scenes: list[Line], max_retries: int | None = None, **more: Any
    ) -> list[Line]:
        asked: Line = {"base_url": base_url, "key": KEY, "scenes": scenes} | more
        if max_retries is not None:
            asked["max_retries"] = max_retries
        ended = subprocess.run(
            drivers[sdk],
            check=False,
            capture_output=True,
            text=True,
            timeout=100,
            input=json.dumps(asked),
            env=clean_environment(),
        )
        assert ended.returncode == 0, ended.stderr
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        assert [line["name"] for line in lines] == [scene["name"] for scene in scenes]
        return lines

    return run


@pytest.fixture(scope="module", params=SDKS)
def sdk(request: pytest.FixtureRequest) -> str:
    """Each official SDK in turn, both generations."""
    name: str = request.param
    return name
