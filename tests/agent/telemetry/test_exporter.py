"""Export: over a real loopback receiver, to a dead collector, and not at all."""

import logging
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.exporter import exporter_kind
from claude_sidecar.telemetry.listener import start_telemetry
from claude_sidecar.telemetry.trace_export import OneLineAMinute, TraceExport, service_resource


@pytest.fixture
def started(make, counted_hex, monkeypatch):
    """Telemetry of a process whose environment has these variables."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    opened = []

    def start(**variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        telemetry = start_telemetry(
            os.environ, version="1.2.3", timebase=lambda: make.timebase, random_hex=counted_hex
        )
        telemetry.policy_in_force(make.snapshot())
        opened.append(telemetry)
        return telemetry

    yield start
    for telemetry in opened:
        telemetry.close(5.0)


@pytest.fixture
def collector():
    """An OTLP receiver on loopback: its address, and the requests it took."""
    taken: list[tuple[str, ExportTraceServiceRequest]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()
        thread.join()


def test_collector_gets_the_trace_over_http_protobuf(make, started, collector) -> None:
    address, taken = collector
    telemetry = started(
        OTEL_EXPORTER_OTLP_ENDPOINT=address,
        OTEL_RESOURCE_ATTRIBUTES="k8s.namespace.name=shop,k8s.pod.name=web-1,k8s.container.name=sidecar",
    )
    record = make.call(trace_id="ab" * 16, parent_span_id="cd" * 8, parent_sampled=True)
    telemetry.call_ended(record, make.snapshot())
    telemetry.close(5.0)
    ((path, request),) = taken
    assert path == "/v1/traces"
    (resource_spans,) = request.resource_spans
    resource = {item.key: item.value.string_value for item in resource_spans.resource.attributes}
    assert resource["service.name"] == "claude-sidecar"
    assert resource["service.version"] == "1.2.3"
    assert resource["service.instance.id"] == "shop.web-1.sidecar"
    (scope_spans,) = resource_spans.scope_spans
    assert scope_spans.schema_url == names.SCHEMA_URL
    by_name = {span.name: span for span in scope_spans.spans}
    assert set(by_name) == {"POST /v1/messages", f"chat {make.model}", "POST"}
    assert by_name["POST /v1/messages"].parent_span_id == bytes.fromhex("cd" * 8)
    assert by_name["POST"].trace_id == bytes.fromhex("ab" * 16)
    assert telemetry.metrics.value(names.M_EXPORT_FAILURES) == 0


def test_dead_collector_changes_nothing_but_a_counter(make, started, free_port, caplog) -> None:
    telemetry = started(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port}", OTEL_EXPORTER_OTLP_TIMEOUT="0.2"
    )
    telemetry.call_ended(make.call(), make.snapshot())
    telemetry.close(5.0)
    assert telemetry.metrics.value(names.M_EXPORT_FAILURES) == 1
    assert telemetry.metrics.value(names.M_TRACES_DROPPED) == 0
    assert telemetry.metrics.value(names.M_LISTENER_ERRORS) == 0
    assert len([line for line in caplog.records if line.name.startswith("opentelemetry")]) <= 1


_EXIT_WITH_DEAD_COLLECTOR = """
import os, sys, time
from claude_sidecar.telemetry.listener import start_telemetry
from claude_sidecar.telemetry.record import CallRecord, RequestRecord, Timebase
telemetry = start_telemetry(os.environ, version="1", timebase=lambda: Timebase(0.0, 1),
                            random_hex=lambda digits: "7" * digits)
request = RequestRecord(method="POST", path="/v1/messages", parent_sampled=True)
record = CallRecord(call_id="c", policy="p", policy_hash="h", started_s=1.0, ended_s=0.0, request=request)
class Snapshot: traces_failures_per_s = traces_successes_per_s = 1.0; prices = {}
telemetry.call_ended(record, Snapshot)
began = time.monotonic()
telemetry.close(0.2)
print(time.monotonic() - began)
"""


@pytest.mark.processes
def test_silent_collector_does_not_hold_up_the_exit() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        done = subprocess.run(
            [sys.executable, "-c", _EXIT_WITH_DEAD_COLLECTOR],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert float(done.stdout) < 5  # the exporter itself would wait for 10 s


@pytest.mark.processes
def test_without_a_setting_the_sdk_is_not_even_imported() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    code = (
        "import os, sys\n"
        "from claude_sidecar.telemetry.listener import start_telemetry\n"
        "start_telemetry(os.environ, version='1', timebase=None, random_hex=lambda digits: '7' * digits)\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'requests'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, None),
    ],
)
def test_standard_variables_decide_what_is_exported(environ: dict[str, str], kind: str | None) -> None:
    assert exporter_kind(environ) == kind


def test_setting_that_cannot_be_used_is_told_and_stops_nothing(make, started, caplog) -> None:
    telemetry = started(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_MAX_QUEUE_SIZE="many")
    telemetry.call_ended(make.call(), make.snapshot())
    (line,) = [line for line in caplog.records if line.message == names.LOG_EXPORT_FAILED]
    assert "OTEL_BSP_MAX_QUEUE_SIZE is 'many'; allowed is a whole number from 1" in line.facts["reason"]


def test_unsupported_protocol_is_told(started, collector, caplog) -> None:
    started(OTEL_EXPORTER_OTLP_ENDPOINT=collector[0], OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    (line,) = [line for line in caplog.records if line.message == names.LOG_EXPORT_SETTING]
    assert line.facts["allowed"] == ["http/protobuf"]


def test_console_writes_a_span_a_line(make, started, capsys) -> None:
    telemetry = started(OTEL_TRACES_EXPORTER="console")
    telemetry.call_ended(make.call(), make.snapshot())
    telemetry.close(5.0)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_standard_variables_overrule_who_we_are(monkeypatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "checkout-claude")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=9,team=a%20b")
    attributes = service_resource("1.2.3", "id").attributes
    assert attributes["service.name"] == "checkout-claude"
    assert attributes["service.version"] == "9"
    assert attributes["team"] == "a b"
    assert attributes["service.instance.id"] == "id"


class StalledExporter(SpanExporter):
    """Takes batches only once it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.spans: list[str] = []

    def export(self, spans):
        self.go.wait(10)
        self.spans += [span.name for span in spans]
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.go.set()


def test_full_queue_refuses_whole_traces_and_breaks_none(make, tree) -> None:
    exporter = StalledExporter()
    export = TraceExport(exporter, failed=lambda: None, queue_spans=8, batch_spans=8)
    taken = [export.offer(tree(make.call())) for _ in range(4)]
    assert taken == [True, True, False, False]
    exporter.go.set()
    export.close(5.0)
    assert len(exporter.spans) == 6
    assert not export.offer(tree(make.call()))


def test_exporter_that_raises_has_failed(make, tree) -> None:
    class Broken(InMemorySpanExporter):
        def export(self, spans):
            raise RuntimeError

    failures = []
    export = TraceExport(Broken(), failed=lambda: failures.append(1))
    export.offer(tree(make.call()))
    export.close(5.0)
    assert failures == [1]


def test_noise_is_one_line_a_minute() -> None:
    quiet = OneLineAMinute()

    def passes(created: float) -> bool:
        line = logging.LogRecord("x", logging.ERROR, "", 0, "m", (), None)
        line.created = created
        return quiet.filter(line)

    assert [passes(second) for second in (100.0, 101.0, 159.9, 160.0, 161.0, 220.1)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
