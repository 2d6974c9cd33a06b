"""From a policy to the snapshot that calls run on, and the hash that names its meaning."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from claude_sidecar.policy.durations import seconds
from claude_sidecar.policy.endpoint import parse_endpoint
from claude_sidecar.policy.fields import CAUSE_ORDER
from claude_sidecar.policy.model import API_VERSION, KIND, ClaudePolicy, PriceSpec
from claude_sidecar.policy.model_route import DEFAULT_ENDPOINTS, Credential, RouteSpec
from claude_sidecar.policy.snapshot import CredentialRef, Price, Route, Snapshot

_MIB = 1024 * 1024


def default_policy() -> ClaudePolicy:
    """The built-in policy: one route `anthropic`, the caller's own credential."""
    return ClaudePolicy.model_validate({"apiVersion": API_VERSION, "kind": KIND})


def effective_spec(policy: ClaudePolicy) -> dict[str, Any]:
    """The spec with every default filled in, as JSON-able data; two specs of one meaning give one result."""
    spec: dict[str, Any] = policy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for route, model in zip(spec["routes"], policy.spec.routes, strict=True):
        route["endpoint"] = model.endpoint or DEFAULT_ENDPOINTS[model.provider]
        for entry in route.get("models", ()):
            entry.setdefault("id", entry["name"])
    order = [cause.value for cause in CAUSE_ORDER]
    for part in ("retry", "fallback"):
        spec[part]["causes"] = sorted(spec[part]["causes"], key=order.index)
    return spec


def spec_hash(policy: ClaudePolicy) -> str:
    """The first 16 hex digits of the SHA-256 over the effective spec's canonical JSON."""
    canonical = json.dumps(effective_spec(policy), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def compile_policy(policy: ClaudePolicy) -> Snapshot:
    """A policy's snapshot; its `hash` is `spec_hash`, its file credentials are as written."""
    spec = policy.spec
    return Snapshot(
        name=policy.metadata.name,
        namespace=policy.metadata.namespace,
        generation=policy.metadata.generation,
        hash=spec_hash(policy),
        routes=tuple(_route(route) for route in spec.routes),
        max_attempts=spec.retry.max_attempts,
        retry_causes=frozenset(spec.retry.causes),
        backoff_initial_s=seconds(spec.retry.backoff.initial),
        backoff_max_s=seconds(spec.retry.backoff.max),
        max_retry_after_s=seconds(spec.retry.max_retry_after),
        budget_percent=spec.retry.budget.percent,
        budget_min_per_s=spec.retry.budget.min_per_second,
        fallback_causes=frozenset(spec.fallback.causes),
        substitutions=MappingProxyType({each.model: each.with_ for each in spec.fallback.substitutions}),
        connect_s=seconds(spec.timeouts.connect),
        first_byte_s=seconds(spec.timeouts.first_byte),
        first_delta_s=seconds(spec.timeouts.first_delta),
        idle_s=seconds(spec.timeouts.idle),
        stalled_s=seconds(spec.timeouts.stalled),
        total_s=seconds(spec.timeouts.total),
        breaker_failure_percent=spec.circuit_breaker.failure_percent,
        breaker_min_requests=spec.circuit_breaker.min_requests,
        breaker_window_s=seconds(spec.circuit_breaker.window),
        breaker_open_for_s=seconds(spec.circuit_breaker.open_for),
        hold=spec.stream.hold,
        quiet_after_s=seconds(spec.stream.quiet_after),
        hold_max_s=seconds(spec.stream.hold_max),
        keep_alive_s=seconds(spec.stream.keep_alive),
        max_concurrent=spec.limits.max_concurrent,
        max_body_bytes=spec.limits.max_body_mi_b * _MIB,
        max_buffered_bytes=spec.limits.max_buffered_mi_b * _MIB,
        spool_bytes=spec.limits.spool_mi_b * _MIB,
        pacing_mode=spec.pacing.mode,
        pacing_max_wait_s=seconds(spec.pacing.max_wait),
        pacing_max_queued=spec.pacing.max_queued,
        traces_successes_per_s=spec.telemetry.traces.successes_per_second,
        traces_failures_per_s=spec.telemetry.traces.failures_per_second,
        traces_propagate=spec.telemetry.traces.propagate,
        key_alias=spec.telemetry.key_alias,
        feature_header=spec.telemetry.feature_header.lower(),
        prices=_prices(spec.prices),
    )


def _route(route: RouteSpec) -> Route:
    endpoint = parse_endpoint(route.endpoint or DEFAULT_ENDPOINTS[route.provider])
    models = None
    if route.models is not None:
        models = MappingProxyType({model.name: model.id or model.name for model in route.models})
    return Route(
        name=route.name,
        scheme=endpoint.scheme,
        host=endpoint.host,
        port=endpoint.port,
        base_path=endpoint.base_path,
        credential=_credential(route.credential),
        models=models,
    )


def _credential(credential: Credential | None) -> CredentialRef | None:
    if credential is None:
        return None
    if credential.secret_key_ref is not None:
        return CredentialRef("secret", f"{credential.secret_key_ref.name}/{credential.secret_key_ref.key}")
    if credential.file is not None:
        return CredentialRef("file", credential.file)
    return CredentialRef("env", credential.env or "")


def _prices(prices: tuple[PriceSpec, ...]) -> Mapping[str, Price]:
    return MappingProxyType(
        {
            price.model: Price(
                input_per_mtok=Decimal(price.input_per_m_tok),
                output_per_mtok=Decimal(price.output_per_m_tok),
                cache_read_per_mtok=Decimal(price.cache_read_per_m_tok),
                cache_write_per_mtok=Decimal(price.cache_write_per_m_tok),
            )
            for price in prices
        }
    )
