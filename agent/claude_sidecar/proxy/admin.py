"""What the admin port answers: probes, metrics, status for the pod network; details for loopback callers."""

from collections.abc import Callable, Mapping
from importlib.resources import files

import msgspec

from claude_sidecar import __version__, clock
from claude_sidecar.proxy import web
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.loopback_callers import is_loopback_call
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.proxy.port import Port
from claude_sidecar.proxy.route_view import RouteView
from claude_sidecar.schema.meaning import effective_spec
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.metrics import OPENMETRICS_CONTENT_TYPE

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
        self._route_view = RouteView(policy, health)
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
            for limits in list(self._route_view.learnt(route).values())[-1:]:
                self._telemetry.set_ratelimits(route.name, limits.read())
        unix_s = clock.unix_ns() / 1e9
        self._telemetry.set_limits_left(self._route_view.limits_of_late(unix_s), unix_s)
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
        return _json(self._route_view.describe(clock.now()))

    def _requests(self, _: web.BaseRequest) -> web.Response:
        return _json(self._telemetry.requests.describe())

    def _page(self, _: web.BaseRequest) -> web.Response:
        page = files("claude_sidecar.proxy").joinpath("admin_page.html").read_text("utf-8")
        return web.Response(text=page, content_type="text/html")


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _local(handler: _Handler) -> _Handler:
    def guarded(request: web.BaseRequest) -> web.Response:
        if not is_loopback_call(request):
            return web.Response(
                status=403,
                text="for loopback callers only: use `kubectl port-forward` and http://localhost\n",
            )
        return handler(request)

    return guarded
