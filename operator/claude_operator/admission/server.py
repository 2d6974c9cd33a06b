"""The webhook's two ports: reviews over TLS for API servers, health and metrics in the clear."""

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web

from claude_operator.admission.decide import decide
from claude_operator.admission.metrics import Metrics
from claude_operator.admission.review import NotAReview, read_review, write_answer
from claude_operator.inject.place import Place
from claude_operator.inject.settings import Settings
from claude_operator.inject.workload import TEMPLATE_PATHS
from claude_sidecar import clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 8 << 20
# Bodies that are in memory at once. A review takes a millisecond or two, so others wait, and few.
_AT_ONCE = 16
_MOST_WAITING = 1024
_KINDS = {"Pod", *TEMPLATE_PATHS}


def review_app(
    place_of: Callable[[str], Place], settings: Callable[[], Settings], metrics: Metrics
) -> web.Application:
    """The application that answers reviews; settings: asked at each review, so that they can change."""
    turn = asyncio.Semaphore(_AT_ONCE)
    waiting = 0

    async def mutate(request: web.Request) -> web.Response:
        nonlocal waiting
        if waiting >= _MOST_WAITING:
            return _bad(503, "too many reviews at once")
        waiting += 1
        try:
            async with turn:
                return await answer(request)
        finally:
            waiting -= 1

    async def answer(request: web.Request) -> web.Response:
        try:
            content = await request.read()
            began = clock.now()
            review = read_review(content)
        except web.HTTPRequestEntityTooLarge:
            metrics.refused()
            return _bad(400, f"the body is longer than {MAX_BODY_BYTES} bytes")
        except NotAReview as wrong:
            metrics.refused()
            return _bad(400, str(wrong))
        decided = decide(review, place_of, settings())
        body = write_answer(review.uid, list(decided.operations), decided.warnings)
        kind = review.kind if review.kind in _KINDS else "other"
        metrics.answered(kind, decided.outcome, clock.now() - began)
        level = logging.INFO if decided.operations else logging.DEBUG
        event(logger, level, "reviewed", kind=kind, namespace=review.namespace, outcome=decided.outcome)
        return web.Response(body=body, content_type="application/json")

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/mutate", mutate)
    return app


def health_app(
    is_ready: Callable[[], bool], expires: Callable[[], float], metrics: Metrics
) -> web.Application:
    """The application for the kubelet and Prometheus; expires: of the certificate, seconds since 1970."""

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ok\n")
        return _bad(503, "API servers do not trust the certificate in use")

    async def page(_request: web.Request) -> web.Response:
        body = metrics.text(expires(), is_ready())
        return web.Response(body=body, headers={"Content-Type": metrics.content_type})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", page)])
    return app


def _bad(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
