"""Liveness, readiness and metrics on a port of their own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from claude_operator.reconcile.metrics import CONTENT_TYPE, Metrics


class PortUnusable(Exception):
    """The port for probes and metrics cannot be listened on."""


@asynccontextmanager
async def probes(
    port: int, metrics: Metrics, ill: Callable[[], list[str]], busy: Callable[[], list[str]]
) -> AsyncIterator[int]:
    """Serve until the end of the block; yields the port.

    ill: why the process should be restarted; busy: why it is not ready; both empty where all is well.
    """

    async def livez(_: web.Request) -> web.Response:
        return _answer(ill())

    async def readyz(_: web.Request) -> web.Response:
        return _answer(ill() + busy())

    async def shown(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"content-type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", shown)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=port)
        try:
            await site.start()
        except OSError as error:
            raise PortUnusable(
                f"cannot listen on port {port}: {error.strerror}; choose another with --port"
            ) from None
        # With port 0 each family has a port of its own.
        yield next(address[1] for address in sorted(runner.addresses, key=len))
    finally:
        await runner.cleanup()


def _answer(troubles: list[str]) -> web.Response:
    if troubles:
        return web.Response(status=503, text="".join(f"{trouble}\n" for trouble in troubles))
    return web.Response(text="ok\n")
