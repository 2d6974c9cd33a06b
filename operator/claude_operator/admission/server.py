"""The webhook's two ports: reviews over TLS for API servers, health and metrics in the clear."""

import asyncio
import contextlib
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
_MOST_AT_ONCE = 1024
# Nearly all reviews are smaller. Of others few are in memory at a time; they wait for each other and hold up
# nobody else.
_SMALL_BYTES = 64 << 10
_LARGE_AT_ONCE = 4
# No API server takes longer to send one; somebody else may want to keep us busy.
_READ_S = 5.0
_KINDS = {"Pod", *TEMPLATE_PATHS}


def review_app(
    place_of: Callable[[str], Place], settings: Callable[[], Settings], metrics: Metrics
) -> web.Application:
    """The application that answers reviews; settings: asked at each review, so that they can change."""
    large = asyncio.Semaphore(_LARGE_AT_ONCE)
    under_way = 0

    async def mutate(request: web.Request) -> web.Response:
        nonlocal under_way
        began = clock.now()
        if under_way >= _MOST_AT_ONCE:
            metrics.refused()
            return _bad(503, "too many reviews at once")
        under_way += 1
        try:
            is_small = request.content_length is not None and request.content_length <= _SMALL_BYTES
            async with contextlib.nullcontext() if is_small else large:
                return await _answer(request, began, place_of, settings, metrics)
        finally:
            under_way -= 1

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/mutate", mutate)
    return app


async def _answer(
    request: web.Request,
    began: float,
    place_of: Callable[[str], Place],
    settings: Callable[[], Settings],
    metrics: Metrics,
) -> web.Response:
    try:
        async with asyncio.timeout(_READ_S):
            content = await request.read()
        review = read_review(content)
    except web.HTTPRequestEntityTooLarge:
        metrics.refused()
        return _bad(400, f"the body is longer than {MAX_BODY_BYTES} bytes")
    except TimeoutError:
        metrics.refused()
        return _bad(408, f"the body did not come within {_READ_S:g} s")
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


def health_app(trouble: Callable[[], str], expires: Callable[[], float], metrics: Metrics) -> web.Application:
    """The application for the kubelet and Prometheus.

    trouble: why the replica is not ready, empty where it is; expires: of the certificate, seconds since 1970.
    """

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        why_not = trouble()
        return _bad(503, why_not) if why_not else web.Response(text="ok\n")

    async def page(_request: web.Request) -> web.Response:
        body = metrics.text(expires(), not trouble())
        return web.Response(body=body, headers={"Content-Type": metrics.content_type})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", page)])
    return app


def _bad(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
