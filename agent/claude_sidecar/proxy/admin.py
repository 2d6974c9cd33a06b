"""The admin port: probes, metrics and status for the pod network; details for loopback callers only."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import msgspec
from aiohttp import web

from claude_sidecar import __version__, clock
from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.compile import effective_spec
from claude_sidecar.policy.ratelimit import RateLimits
from claude_sidecar.policy.snapshot import Route
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.metrics import OPENMETRICS_CONTENT_TYPE

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_MODELS_SHOWN = 50

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """What the admin port answers; `ready` turns false when the process drains."""

    def __init__(self, policy: PolicyInForce, health: Health, telemetry: Telemetry) -> None:
        self._policy = policy
        self._health = health
        self._telemetry = telemetry
        self.ready = True

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[_hardened])
        for path, handler in (
            ("/livez", self._livez),
            ("/readyz", self._readyz),
            ("/metrics", self._metrics),
            ("/status", self._status),
            ("/policy", _local(self._policy_json)),
            ("/routes", _local(self._routes)),
            ("/requests", _local(self._requests)),
            ("/", _local(self._page)),
        ):
            app.router.add_get(path, handler)
        return app

    async def _livez(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n") if self.ready else web.Response(status=503, text="draining\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        self._telemetry.set_policy_refused(self._policy.last_error is not None)
        for route in self._policy.snapshot().routes:
            self._telemetry.set_breaker(route.name, self._health.breaker_state(route, clock.now()))
            for limits in list(self._health.notes(route).limits.values())[-1:]:
                self._telemetry.set_ratelimits(route.name, limits)
        body = self._telemetry.metrics.render_openmetrics()
        return web.Response(body=body, headers={"content-type": OPENMETRICS_CONTENT_TYPE})

    async def _status(self, _: web.Request) -> web.Response:
        policy, snapshot = self._policy, self._policy.snapshot()
        return _json(
            {
                "policy": snapshot.name,
                "generation": snapshot.generation,
                "hash": snapshot.hash,
                "source": policy.loaded.source,
                "version": __version__,
                "lastError": policy.last_error,
                "credentialsMissing": policy.credentials_missing(),
                "restartRequired": policy.restart_required,
                **({"unknownFields": policy.loaded.unknown_fields} if policy.loaded.unknown_fields else {}),
            }
        )

    async def _policy_json(self, _: web.Request) -> web.Response:
        loaded = self._policy.loaded
        return _json(
            {
                "apiVersion": "claude-sidecar.dev/v1alpha1",
                "kind": "ClaudePolicy",
                "metadata": {"name": loaded.snapshot.name, "namespace": loaded.snapshot.namespace},
                "spec": effective_spec(loaded.policy),
            }
        )

    async def _routes(self, _: web.Request) -> web.Response:
        return _json([self._route(route) for route in self._policy.snapshot().routes])

    def _route(self, route: Route) -> dict[str, Any]:
        credential_missing = self._policy.lacks_credential(route)
        notes = self._health.notes(route)
        breakers = self._health.breakers_of(route, clock.now())
        return {
            "name": route.name,
            "endpoint": route.origin + route.base_path,
            "breaker": self._health.breaker_state(route, clock.now()).value,
            "breakers": breakers,
            "trouble": _scope(breakers),
            "limits": {model or "_none": _limits(limits) for model, limits in notes.limits.items()},
            "serves": sorted(route.models) if route.models is not None else None,
            "modelsSeen": list(notes.models[:_MODELS_SHOWN]),
            "credential": "missing" if credential_missing else "own" if route.credential else "caller",
            "lastError": notes.last_error,
        }

    async def _requests(self, _: web.Request) -> web.Response:
        return _json(self._telemetry.requests.describe())

    async def _page(self, _: web.Request) -> web.Response:
        page = files("claude_sidecar.proxy").joinpath("admin_page.html").read_text("utf-8")
        return web.Response(text=page, content_type="text/html")


def _scope(breakers: dict[str, dict[str, object]]) -> str | None:
    """Whether a route's trouble is one model's or the whole route's; None where there is none."""
    ill = [model for model, breaker in breakers.items() if breaker["state"] != BreakerState.CLOSED.value]
    if not ill:
        return None
    return "route" if len(ill) == len(breakers) and len(ill) > 1 else f"model {', '.join(sorted(ill))}"


def _limits(limits: RateLimits) -> dict[str, Any]:
    return {name: said for name, said in asdict(limits).items() if said is not None}


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _local(handler: _Handler) -> _Handler:
    """Only for callers on this machine who mean this machine: a browser led here by a rebound name has
    another `Host`, and `kubectl port-forward` is loopback on both ends."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        ends = (_address(request, "peername"), _address(request, "sockname"))
        name = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
        if not all(ends) or name.lower() not in _LOCAL_NAMES:
            return web.Response(
                status=403,
                text="for loopback callers only: use `kubectl port-forward` and http://localhost\n",
            )
        return await handler(request)

    return guarded


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


def _address(request: web.Request, end: str) -> bool:
    """Whether that end of the connection is a loopback address."""
    found = request.transport.get_extra_info(end) if request.transport is not None else None
    if not found:
        return False
    address = ipaddress.ip_address(found[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@web.middleware
async def _hardened(request: web.Request, handler: _Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["cache-control"] = "no-store"
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["content-security-policy"] = "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    return response
