"""What the admin port answers: probes, metrics, status for the pod network; details for loopback callers."""

from collections.abc import Callable, Mapping

import msgspec

from claude_sidecar import __version__, clock
from claude_sidecar.proxy import web
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.live_events import MOST_READERS, LiveEvents
from claude_sidecar.proxy.loopback_callers import is_loopback_call
from claude_sidecar.proxy.overview import Overview, describe_policy
from claude_sidecar.proxy.page_files import page_paths, page_response
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.proxy.port import Port
from claude_sidecar.proxy.route_view import RouteView
from claude_sidecar.schema.meaning import effective_spec
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.metrics import OPENMETRICS_CONTENT_TYPE

_Handler = Callable[[web.BaseRequest], web.Response]

_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
"""Of every response; the page loads nothing but its own files, and nothing that is shown can be a script."""


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
        self._overview = Overview(policy, self._route_view, telemetry)
        self._events = LiveEvents(self._overview.describe, telemetry.requests)
        self.ready = True
        self.ports: Mapping[str, Port] = {}
        self._open: dict[str, _Handler] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/status": self._status,
        }
        self._local: dict[str, _Handler] = {
            "/policy": self._policy_json,
            "/routes": self._routes,
            "/requests": self._requests,
            "/overview": self._overview_json,
            **{path: _file(name) for path, name in page_paths().items()},
        }

    def start(self, connections: int) -> None:
        """The process begins to serve now. connections: the most that the port keeps; pages may take half."""
        self._overview.start()
        self._events.most_readers = min(MOST_READERS, connections // 2)

    def drain(self) -> None:
        """The process ends: probes are told, and open pages let go."""
        self.ready = False
        self._events.drain()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        response = await self._respond(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        handler = self._open.get(path) or self._local.get(path)
        if handler is None and path != "/events":
            return web.Response(status=404, text="there is nothing here; see / for what there is\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="only GET here\n", headers={"allow": "GET, HEAD"})
        if path not in self._open and not is_loopback_call(request):
            return web.Response(
                status=403,
                text="for loopback callers only: use `kubectl port-forward` and http://localhost\n",
            )
        return handler(request) if handler is not None else await self._events.respond(request, _HEADERS)

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
        told = describe_policy(self._policy)
        return _json({"policy": told.pop("name"), "version": __version__, **told})

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

    def _overview_json(self, _: web.BaseRequest) -> web.Response:
        return _json(self._overview.describe())


def _file(name: str) -> _Handler:
    return lambda _: page_response(name)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
