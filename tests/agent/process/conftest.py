"""Real processes for tests of the whole: simulator, sidecar, and a collector that keeps every span."""

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
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.cluster.waiting import until
from support.free_ports import free_ports

PROGRAM = Path(sys.executable).parent / "claude-sidecar"
_LEADS = ("ANTHROPIC_", "CLAUDE_", "OTEL_")


class Collector:
    """An OTLP/HTTP receiver on loopback."""

    def __init__(self) -> None:
        self.batches: list[ExportTraceServiceRequest] = []
        self.raw: list[bytes] = []
        collector = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.raw.append(body)
                collector.batches.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def spans(self) -> list[Any]:
        return [
            span
            for batch in self.batches
            for resource in batch.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Whole:
    """What a test drives: base URLs, the collector, the sidecar's log once it has stopped."""

    folder: Path
    upstream: str
    sidecar: str
    admin: str
    collector: Collector
    log: Path
    stop: Callable[[], None] = field(repr=False)

    def admin_text(self, path: str) -> str:
        with _direct().open(self.admin + path, timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def ledger(self) -> dict[str, Any]:
        with _direct().open(f"{self.upstream}/_simulator/ledger", timeout=30) as answer:
            ledger: dict[str, Any] = json.load(answer)
        return ledger


@pytest.fixture
def start_whole(tmp_path: Path) -> Iterator[Callable[..., Whole]]:
    """Starts simulator and sidecar; `{upstream}` in the policy stands for the simulator's address."""
    with contextlib.ExitStack() as stack:

        def start(scenario: str, policy: str, env: dict[str, str]) -> Whole:
            collector = Collector()
            stack.callback(collector.close)
            ports = list(free_ports(3))
            upstream = f"http://127.0.0.1:{ports[0]}"
            (tmp_path / "scenario.yaml").write_text(scenario)
            (tmp_path / "policy.yaml").write_text(policy.format(upstream=upstream))
            temporary = tmp_path / "temporary"
            temporary.mkdir()
            otel = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_BSP_SCHEDULE_DELAY": "50",
                "OTEL_BSP_MAX_QUEUE_SIZE": "50000",
                "TMPDIR": str(temporary),
            }
            simulate = ("simulate", "--port", str(ports[0]), "--scenario", str(tmp_path / "scenario.yaml"))
            _start(stack, tmp_path / "simulator.log", ports[:1], {}, *simulate)
            run = ("run", "--policy", str(tmp_path / "policy.yaml"), "--port", str(ports[1]))
            admin_port = ("--admin-port", str(ports[2]))
            stop = _start(stack, tmp_path / "sidecar.log", ports[1:], env | otel, *run, *admin_port)
            sidecar, admin = (f"http://127.0.0.1:{port}" for port in ports[1:])
            return Whole(tmp_path, upstream, sidecar, admin, collector, tmp_path / "sidecar.log", stop)

        yield start


def _start(
    stack: contextlib.ExitStack, log: Path, ports: list[int], env: dict[str, str], *arguments: str
) -> Callable[[], None]:
    """Start a program and wait until it listens on each of its ports; what stops it."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(_LEADS) and not k.lower().endswith("_proxy")
    }
    with log.open("wb") as out:
        process = subprocess.Popen([PROGRAM, *arguments], stdout=out, stderr=out, env=clean | env)

    def stop() -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)

    stack.callback(stop)

    def listens() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), contextlib.ExitStack() as connections:
            for port in ports:
                connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=1))
            return True
        return False

    until(listens, f"{arguments[0]} listens, see {log}")
    return stop


def _direct() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
