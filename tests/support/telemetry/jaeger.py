"""A real Jaeger as a child process: traces go in over OTLP, and come out of its query API."""

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.cluster.component import Component
from support.cluster.waiting import until
from support.free_ports import free_ports
from support.project import ROOT

TOOL = ROOT / "tools" / "jaeger_binary.py"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def program() -> Path:
    """The program; AssertionError with what to do where it is missing."""
    ended = subprocess.run([sys.executable, TOOL, "--only-look"], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    return Path(ended.stdout.strip())


@dataclass(frozen=True)
class Event:
    """Something that happened within a span; at_us: microseconds since 1970."""

    at_us: int
    name: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Span:
    """A span as Jaeger tells it. kind: `server`, `client`, ...; failed: its status is Error; resource: the
    attributes of the process that made it."""

    name: str
    service: str
    kind: str
    span_id: str
    parent_id: str | None
    start_us: int
    failed: bool
    attributes: dict[str, Any]
    events: tuple[Event, ...] = field(default_factory=tuple)
    resource: dict[str, Any] = field(default_factory=dict)


class Jaeger:
    """A store. otlp: where exporters send to (OTLP over HTTP); query: base URL of what it answers."""

    def __init__(self, host: str, otlp_port: int, query_port: int) -> None:
        self.otlp, self.query = f"http://{host}:{otlp_port}", f"http://{host}:{query_port}"

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace that have come, those that began first in front; none where it is unknown."""
        try:
            with _DIRECT.open(f"{self.query}/api/traces/{trace_id}", timeout=10) as answer:
                (trace,) = json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            if refused.code == 404:
                return []
            raise
        spans = [_span(each, trace["processes"][each["processID"]]) for each in trace["spans"]]
        return sorted(spans, key=lambda span: span.start_us)

    def traces(self, service: str) -> list[list[Span]]:
        """The latest hundred traces in which a service has a part."""
        with _DIRECT.open(f"{self.query}/api/traces?service={service}&limit=100", timeout=10) as answer:
            found = json.load(answer)["data"] or []
        return [self.trace(each["traceID"]) for each in found]

    def is_ready(self) -> bool:
        """Whether it answers queries."""
        with contextlib.suppress(OSError):
            return bool(_DIRECT.open(f"{self.query}/api/services", timeout=5).status == 200)
        return False


def _span(told: dict[str, Any], process: dict[str, Any]) -> Span:
    attributes = _tags(told["tags"])
    parents = [each["spanID"] for each in told["references"] if each["refType"] == "CHILD_OF"]
    events = [_tags(each["fields"]) | {"at": each["timestamp"]} for each in told["logs"]]
    return Span(
        name=told["operationName"],
        service=process["serviceName"],
        kind=attributes.pop("span.kind", "internal"),
        span_id=told["spanID"],
        parent_id=parents[0] if parents else None,
        start_us=told["startTime"],
        failed=attributes.pop("otel.status_code", None) == "ERROR",
        attributes=attributes,
        events=tuple(Event(each.pop("at"), each.pop("event"), each) for each in events),
        resource=_tags(process.get("tags") or []),
    )


def _tags(tags: list[dict[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}


def configuration(host: str, otlp_port: int, query_port: int, grpc_port: int) -> dict[str, Any]:
    """Jaeger's: all in memory, nothing listens but what is named here."""
    return {
        "extensions": {
            "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": 100_000}}}},
            "jaeger_query": {
                "storage": {"traces": "memory"},
                "enable_tracing": False,  # of itself
                "http": {"endpoint": f"{host}:{query_port}"},
                "grpc": {"endpoint": f"{host}:{grpc_port}"},
            },
        },
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{host}:{otlp_port}"}}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
        },
    }


@contextlib.contextmanager
def jaeger(folder: Path, host: str = "127.0.0.1") -> Iterator[Jaeger]:
    """Run one on free ports until the end of the block.

    folder: for its files. host: the address that it listens at, so that pods can reach it where they must.
    """
    otlp_port, query_port, grpc_port = free_ports(3)
    file = folder / "jaeger.yaml"
    file.write_text(yaml.safe_dump(configuration(host, otlp_port, query_port, grpc_port)))
    process = Component(program(), [f"--config={file}"], folder / "jaeger.log")
    process.start()
    try:
        running = Jaeger(host, otlp_port, query_port)

        def is_ready() -> bool:
            process.check()
            return running.is_ready()

        until(is_ready, "Jaeger is ready")
        yield running
    finally:
        process.stop(kill=True)  # what it holds is in memory
