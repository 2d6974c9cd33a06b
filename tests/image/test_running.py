"""The image's programs as process 1, without rights, on a root file system that nobody can write to."""

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster.waiting import until
from support.free_ports import free_ports
from tests.image.archive import Archive
from tests.image.restricted import Restricted, status, terminate

pytestmark = pytest.mark.image

DRAIN_S = 25
"""How long it would wait for calls in flight."""
SCENARIO = "timing: {first_token: 0.2, tokens_per_second: 40}\nanswer: {output_tokens: [60, 60]}\n"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: contained}}
spec:
  routes: [{{name: only, endpoint: "http://127.0.0.1:{port}"}}]
"""


@pytest.fixture
def restricted(archive: Archive, root: Path) -> Restricted:
    return Restricted(archive.config, root)


@pytest.fixture
def ports() -> tuple[int, int, int]:
    """For simulator, app and admin."""
    first, second, third = free_ports(3)
    return first, second, third


@pytest.fixture
def sidecar(
    restricted: Restricted, root: Path, ports: tuple[int, int, int]
) -> Iterator["subprocess.Popen[str]"]:
    """A simulator and a sidecar that leads to it, each from the image."""
    upstream, port, admin = ports
    (root / "scenario.yaml").write_text(SCENARIO)
    (root / "policy.yaml").write_text(POLICY.format(port=upstream))
    simulate = ("simulate", "--port", str(upstream), "--scenario", "/scenario.yaml")
    run = ("run", "--policy", "/policy.yaml", "--port", str(port), "--admin-port", str(admin))
    with restricted.start(*simulate) as simulator, restricted.start(*run) as running:
        until(lambda: answers(upstream, "/_simulator/health"), f"simulator: {simulator.args}")
        until(lambda: answers(admin, "/readyz"), f"sidecar: {running.args}")
        yield running


def answers(port: int, path: str, host: str = "127.0.0.1") -> bool:
    """Whether a GET there is a 200."""
    with contextlib.suppress(OSError):
        return bool(opened(urllib.request.Request(f"http://{host}:{port}{path}")).status == 200)
    return False


def opened(request: urllib.request.Request) -> Any:
    """The answer; proxies of this machine are passed by."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)


def message(port: int, text: str = "hello", *, stream: bool) -> Any:
    """The answer to a call of the Messages API."""
    body = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 100,
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    }
    heads = {"x-api-key": "sk-ant-contained", "anthropic-version": "2023-06-01"}
    heads["content-type"] = "application/json"
    url = f"http://127.0.0.1:{port}/v1/messages"
    return opened(urllib.request.Request(url, json.dumps(body).encode(), heads))


@pytest.mark.parametrize("command", ["claude-sidecar", "claude-operator"])
def test_a_command_runs(restricted: Restricted, command: str) -> None:
    ended = restricted.run("--help", command=[command])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: {command} ")


def test_any_user_will_do(restricted: Restricted) -> None:
    ended = restricted.run("--version", uid=1_000_660_000)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_sidecar_is_process_1_and_has_no_rights(sidecar: "subprocess.Popen[str]") -> None:
    told = status(sidecar)
    assert told["NSpid"].split()[-1] == "1"
    assert set(told["Uid"].split()) == {"65532"}
    assert int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 0
    assert told["NoNewPrivs"] == "1"


def test_an_idle_sidecar_does_not_wait_for_calls(sidecar: "subprocess.Popen[str]") -> None:
    begun = time.monotonic()
    terminate(sidecar)
    assert sidecar.wait(timeout=30) == 0
    assert time.monotonic() - begun < DRAIN_S / 2


def test_a_call_in_flight_is_brought_to_its_end(
    sidecar: "subprocess.Popen[str]", ports: tuple[int, int, int]
) -> None:
    with message(ports[1], stream=True) as answer:
        first = answer.readline()
        terminate(sidecar)
        until(lambda: not answers(ports[2], "/readyz"), "the sidecar drains")
        rest = answer.read()
    assert first == b"event: message_start\n"
    assert b"event: message_stop\n" in rest
    assert sidecar.wait(timeout=30) == 0


@pytest.mark.usefixtures("sidecar")
def test_a_big_body_is_kept_in_the_one_folder_that_can_be_written(ports: tuple[int, int, int]) -> None:
    with message(ports[1], "x" * 3_000_000, stream=False) as answer:
        assert answer.status == 200
        assert answer.headers["x-claude-sidecar-attempts"] == "1"
        assert json.load(answer)["usage"]["input_tokens"] > 500_000


def test_the_simulator_serves_other_pods_and_ends_when_told(restricted: Restricted) -> None:
    (port,) = free_ports(1)
    with restricted.start("simulate", "--host", "0.0.0.0", "--port", str(port)) as simulator:
        # Not 127.0.0.1, where it listens by default.
        until(lambda: answers(port, "/_simulator/health", "127.0.0.2"), "the simulator answers")
        terminate(simulator)
        assert simulator.wait(timeout=30) == 0
