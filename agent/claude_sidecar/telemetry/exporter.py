"""Trace export set up from the standard `OTEL_*` variables.

The OpenTelemetry SDK and the OTLP exporter are imported only where traces are exported: a process that
exports none pays neither memory nor start-up time for them.
"""

import logging
from collections.abc import Callable, Mapping

from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.log import event
from claude_sidecar.telemetry.metrics import Metrics
from claude_sidecar.telemetry.record import Timebase
from claude_sidecar.telemetry.traces import Traces

logger = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def exporter_kind(environ: Mapping[str, str]) -> str | None:
    """`otlp`, `console` or None (nothing is exported), as the standard variables say.

    OTLP is the standard's default, but here only where an endpoint is named: without one every sidecar
    would knock at its own localhost for ever.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if not named:
        return "otlp" if _first(environ, _ENDPOINTS) else None
    if named in ("otlp", "console"):
        return named
    if named != "none":
        _not_understood("OTEL_TRACES_EXPORTER", named, ["otlp", "console", "none"], "no traces are exported")
    return None


def start_traces(
    environ: Mapping[str, str],
    *,
    version: str,
    metrics: Metrics,
    labels: Labels,
    timebase: Callable[[], Timebase],
    random_hex: Callable[[int], str],
) -> Traces | None:
    """The listener that exports traces, or None where the environment asks for none.

    environ: must be the process's own, since the SDK reads it too. A setting that cannot be used is logged
    and leaves traces off: telemetry never keeps the proxy from starting.
    """
    kind = exporter_kind(environ)
    if kind is None:
        return None
    protocol = _first(environ, _PROTOCOLS)
    if kind == "otlp" and protocol not in ("", "http/protobuf"):
        _not_understood("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, ["http/protobuf"], "http/protobuf is used")
    try:
        from claude_sidecar.telemetry.spans import SpanBuilder
        from claude_sidecar.telemetry.trace_export import open_export, service_resource

        resource = service_resource(version, instance_id=random_hex(32))
        export = open_export(kind, environ, metrics.export_failed)
    except Exception as error:
        event(logger, logging.ERROR, names.LOG_EXPORT_FAILED, error=type(error).__name__, reason=str(error))
        return None
    event(logger, logging.INFO, names.LOG_EXPORT, exporter=kind)
    builder = SpanBuilder(resource, version, labels, timebase, random_hex)
    return Traces(builder.build, export, metrics)


def _first(environ: Mapping[str, str], variables: tuple[str, ...]) -> str:
    return next((value for name in variables if (value := environ.get(name, "").strip())), "")


def _not_understood(variable: str, value: str, allowed: list[str], instead: str) -> None:
    event(
        logger,
        logging.WARNING,
        names.LOG_EXPORT_SETTING,
        variable=variable,
        value=value,
        allowed=allowed,
        instead=instead,
    )
