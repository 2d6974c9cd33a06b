"""The admin port: probes, metrics and status for the pod network; details for loopback callers only."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import msgspec

from claude_sidecar import __version__, clock
from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.rate_limits import RateLimits
from claude_sidecar.proxy import web
from claude_sidecar.proxy.health import Health, LearntLimits
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.proxy.port import Bounds, Port, PortConnection
from claude_sidecar.proxy.web import RequestHandler
from claude_sidecar.schema.meaning import effective_spec
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.metrics import OPENMETRICS_CONTENT_TYPE

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_MODELS_SHOWN = 50
_HEAD_S = 10.0
_IDLE_S = 75.0
"""Scrapers come every minute or sooner."""
_ANSWER_S = 10.0

_Handler = Callable[[web.BaseRequest], web.Response]

_CONTENT_POLICY = "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


class Admin:
    """What the admin port answers; `ready` turns false when the process drains. ports: whose connections are
    counted, by name."""

    def __init__(
        self, policy: PolicyInForce, health: Health, telemetry: Telemetry, in_flight: Callable[[], int]
    ) -> None:
        """in_flight: how many calls have not ended."""
        self._in_flight = in_flight
        self._policy = policy
        self._health = health
        self._telemetry = telemetry
        self.ready = True
        self.ports: Mapping[str, Port] = {}
        self._handlers: dict[str, _Handler] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/status": self._status,
            "/policy": _local(self._policy_json),
            "/routes": _local(self._routes),
            "/requests": _local(self._requests),
            "/": _local(self._page),
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        handler = self._handlers.get(request.path)
        if handler is None:
            response = web.Response(status=404, text="there is nothing here; see / for what there is\n")
        elif request.method not in ("GET", "HEAD"):
            response = web.Response(status=405, text="only GET here\n", headers={"allow": "GET, HEAD"})
        else:
            response = handler(request)
        response.headers["cache-control"] = "no-store"
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["content-security-policy"] = _CONTENT_POLICY
        return response

    def _livez(self, _: web.BaseRequest) -> web.Response:
        return web.Response(text="ok\n")

    def _readyz(self, _: web.BaseRequest) -> web.Response:
        return web.Response(text="ok\n") if self.ready else web.Response(status=503, text="draining\n")

    def _metrics(self, _: web.BaseRequest) -> web.Response:
        self._telemetry.set_in_flight(self._in_flight())
        self._telemetry.set_policy_refused(self._policy.last_error is not None)
        for name, port in self.ports.items():
            self._telemetry.set_connections(name, len(port.connections))
        for route in self._policy.snapshot().routes:
            self._telemetry.set_breaker(route.name, self._health.breaker_state(route, clock.now()))
            for limits in list(self._learnt(route).values())[-1:]:
                self._telemetry.set_ratelimits(route.name, limits.read())
        body = self._telemetry.metrics.render_openmetrics()
        return web.Response(body=body, headers={"content-type": OPENMETRICS_CONTENT_TYPE})

    def _status(self, _: web.BaseRequest) -> web.Response:
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

    def _policy_json(self, _: web.BaseRequest) -> web.Response:
        loaded = self._policy.loaded
        return _json(
            {
                "apiVersion": "claude-sidecar.dev/v1alpha1",
                "kind": "ClaudePolicy",
                "metadata": {"name": loaded.snapshot.name, "namespace": loaded.snapshot.namespace},
                "spec": effective_spec(loaded.policy),
            }
        )

    def _routes(self, _: web.BaseRequest) -> web.Response:
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
            "limits": {
                model or "_none": _limits(learnt.read()) for model, learnt in self._learnt(route).items()
            },
            "serves": sorted(route.models) if route.models is not None else None,
            "modelsSeen": list(notes.models[:_MODELS_SHOWN]),
            "credential": "missing" if credential_missing else "own" if route.credential else "caller",
            "lastError": notes.last_error,
        }

    def _learnt(self, route: Route) -> Mapping[str, LearntLimits]:
        """A route's limits by model; none under a policy that learns none, whatever an earlier one learnt."""
        return self._health.notes(route).limits if self._policy.snapshot().pacing.learns else {}

    def _requests(self, _: web.BaseRequest) -> web.Response:
        return _json(self._telemetry.requests.describe())

    def _page(self, _: web.BaseRequest) -> web.Response:
        page = files("claude_sidecar.proxy").joinpath("admin_page.html").read_text("utf-8")
        return web.Response(text=page, content_type="text/html")


def _scope(breakers: dict[str, dict[str, dict[str, object]]]) -> str | None:
    """Whether a route's trouble is one model's or the whole route's; None where there is none."""
    ill, whole = [], True
    for model, kinds in sorted(breakers.items()):
        broken = [kind for kind, breaker in kinds.items() if breaker["state"] != BreakerState.CLOSED.value]
        if broken:
            ill.append(model if len(broken) == len(kinds) else f"{model} ({', '.join(sorted(broken))})")
        whole = whole and len(broken) == len(kinds)
    if not ill:
        return None
    return "route" if whole and len(ill) > 1 else f"model {', '.join(ill)}"


def _limits(limits: RateLimits) -> dict[str, Any]:
    return {name: said for name, said in asdict(limits).items() if said is not None}


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _local(handler: _Handler) -> _Handler:
    """Only for callers on this machine who mean this machine: a browser led here by a rebound name has
    another `Host`, and `kubectl port-forward` is loopback on both ends."""

    def guarded(request: web.BaseRequest) -> web.Response:
        ends = (_address(request, "peername"), _address(request, "sockname"))
        name = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
        if not all(ends) or name.lower() not in _LOCAL_NAMES:
            return web.Response(
                status=403,
                text="for loopback callers only: use `kubectl port-forward` and http://localhost\n",
            )
        return handler(request)

    return guarded


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


def _address(request: web.BaseRequest, end: str) -> bool:
    """Whether that end of the connection is a loopback address."""
    found = request.transport.get_extra_info(end) if request.transport is not None else None
    if not found:
        return False
    address = ipaddress.ip_address(found[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


class AdminPort(Port):
    """The admin port's connections: few, and none for long, as the pod network may reach it.

    aiohttp tells of what its parser refuses with the request's bytes and a traceback; here it is answered.
    """

    def __init__(self, admin: Admin, connections: int) -> None:
        """connections: the most that are kept open."""
        super().__init__(admin, Bounds(connections, _HEAD_S, _IDLE_S, _ANSWER_S))

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return _AdminConnection(self, loop=self._loop, **self._kwargs)


class _AdminConnection(PortConnection):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP; a bug of ours is logged."""
        if status == 500:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=400, text="this is not HTTP\n")
        response.force_close()
        return response
