"""From a policy to the snapshot that calls run on."""

from types import MappingProxyType

from claude_sidecar.schema.claude_policy import API_VERSION, KIND, ClaudePolicy
from claude_sidecar.schema.endpoint import parse_endpoint
from claude_sidecar.schema.meaning import spec_hash
from claude_sidecar.schema.prices import PriceList
from claude_sidecar.schema.routes import RouteSpec
from claude_sidecar.schema.snapshot import CredentialRef, Route, Snapshot


def default_policy() -> ClaudePolicy:
    """The built-in policy: one route `anthropic`, the caller's own credential."""
    return ClaudePolicy.model_validate({"apiVersion": API_VERSION, "kind": KIND})


def compile_policy(policy: ClaudePolicy) -> Snapshot:
    """A policy's snapshot; its `hash` is `spec_hash`, its file credentials are as written."""
    meta, spec = policy.metadata, policy.spec
    return Snapshot(
        name=meta.name,
        namespace=meta.namespace,
        generation=meta.generation,
        hash=spec_hash(policy),
        routes=tuple(_route(route) for route in spec.routes),
        retry=spec.retry,
        fallback=spec.fallback,
        timeouts=spec.timeouts,
        circuit_breaker=spec.circuit_breaker,
        stream=spec.stream,
        limits=spec.limits,
        pacing=spec.pacing,
        telemetry=spec.telemetry,
        prices=PriceList(spec.prices),
    )


def _route(route: RouteSpec) -> Route:
    endpoint = parse_endpoint(route.endpoint or route.provider.default_endpoint)
    models = None
    if route.models is not None:
        models = MappingProxyType({model.name: model.id or model.name for model in route.models})
    return Route(
        name=route.name,
        scheme=endpoint.scheme,
        host=endpoint.host,
        port=endpoint.port,
        base_path=endpoint.base_path,
        credential=_credential(route),
        models=models,
        provider=route.provider,
    )


def _credential(route: RouteSpec) -> CredentialRef | None:
    credential = route.credential
    if credential is None:
        return None
    if credential.secret_key_ref is not None:
        ref = credential.secret_key_ref
        return CredentialRef("secret", f"{ref.name}/{ref.key}", route.provider)
    if credential.file is not None:
        return CredentialRef("file", credential.file, route.provider)
    return CredentialRef("env", credential.env or "", route.provider)
