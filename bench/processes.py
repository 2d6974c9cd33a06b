"""The processes that are measured: started, asked for their memory, and ended, each by its own id."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cores import Cores, running_on
from bench.programs import SIDECAR, CannotMeasure

_READY_WITHIN_S = 20.0
_POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: bench}}
spec:
  routes:
    - name: anthropic
      endpoint: {endpoint}
"""
PATIENT = """\
  retry:
    backoff: {initial: 100ms, max: 1s}
    budget: {percent: 100, minPerSecond: 1000}
"""
"""For calls that are made to fail: the default budget would refuse most of their repeats."""


@dataclass(frozen=True, slots=True)
class Running:
    """A sidecar that is ready. ready_s: seconds from its start until /readyz said so."""

    url: str
    pid: int
    ready_s: float

    def memory_mb(self, field: str = "VmRSS") -> float:
        """Its memory in MB (10^6 bytes): VmRSS, now, or VmHWM, the highest since `forget_peak`."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024 / 1e6
        raise CannotMeasure(f"/proc tells no {field}")

    def forget_peak(self) -> None:
        """The peak begins anew at what is used now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def upstream(program: Path) -> Iterator[str]:
    """The upstream's URL while it runs."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://{process.stdout.readline().strip()}"
        finally:
            process.kill()


@contextlib.contextmanager
def sidecar(endpoint: str, cores: Cores, more_policy: str = "") -> Iterator[Running]:
    """A sidecar in front of the endpoint; all of its settings are the defaults but for `more_policy`."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        policy = Path(folder) / "policy.yaml"
        policy.write_text(_POLICY.format(endpoint=endpoint) + more_policy)
        port, admin_port = _free_ports()
        command = [str(SIDECAR), "run", "--policy", str(policy), "--port", str(port)]
        command += ["--admin-port", str(admin_port)]
        began = time.perf_counter()
        with running_on(cores.sidecar):
            process = subprocess.Popen(command, stdout=log, stderr=log, env=_environment())
        try:
            ready_s = _wait_ready(process, admin_port, began)
            if ready_s is None:
                log.seek(0)
                raise CannotMeasure(f"the sidecar did not get ready: {log.read().decode(errors='replace')}")
            yield Running(f"http://127.0.0.1:{port}", process.pid, ready_s)
        finally:
            _end(process)


def _wait_ready(process: subprocess.Popen[bytes], admin_port: int, began: float) -> float | None:
    while time.perf_counter() - began < _READY_WITHIN_S and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", admin_port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """Ours without what would change the sidecar: a collector, a proxy, settings of its own."""
    foreign = ("OTEL_", "CLAUDE_SIDECAR_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
