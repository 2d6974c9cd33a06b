"""The processes that are measured: started, asked for their memory, and ended, each by its own id."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cores import Cores, running_on
from bench.programs import SIDECAR, CannotMeasure

_READY_WITHIN_S = 20.0
_BELOW_EPHEMERAL_PORTS = range(15_000, 30_000)
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
def sidecar(endpoint: str, cores: Cores, more_policy: str = "", program: Path = SIDECAR) -> Iterator[Running]:
    """A sidecar in front of the endpoint; all of its settings are the defaults but for `more_policy`."""
    with started(_POLICY.format(endpoint=endpoint) + more_policy, cores.sidecar, program=program) as running:
        yield running


@contextlib.contextmanager
def started(
    policy_text: str,
    cores: frozenset[int] | None = None,
    more_environ: Mapping[str, str] | None = None,
    program: Path = SIDECAR,
) -> Iterator[Running]:
    """A sidecar that goes by this policy; cores: None for any."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        policy = Path(folder) / "policy.yaml"
        policy.write_text(policy_text)
        port, admin_port = free_ports(2)
        command = [str(program), "run", "--policy", str(policy), "--port", str(port)]
        command += ["--admin-port", str(admin_port)]
        environ = {**_environment(), **(more_environ or {})}
        began = time.perf_counter()
        with running_on(cores or frozenset(os.sched_getaffinity(0))):
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
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


def free_ports(count: int) -> list[int]:
    """Loopback ports on which nobody listens; no outgoing connection takes one of these meanwhile."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(_BELOW_EPHEMERAL_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found
