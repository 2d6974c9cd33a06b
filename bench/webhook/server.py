"""The reviews port over TLS as a replica serves it, in a process of its own, without a cluster."""

import asyncio
import gc
import sys

import uvloop
from aiohttp import web

from bench.webhook.reviews import POLICIES
from claude_operator.admission.metrics import Metrics
from claude_operator.admission.server import review_app
from claude_operator.admission.serving_certificate import ServingCertificate
from claude_operator.certificates.issue import new_authority, new_leaf
from claude_operator.certificates.plan import Lifetimes
from claude_operator.certificates.secret import Held, data_of
from claude_operator.inject.place import Place
from claude_operator.inject.settings import Settings
from claude_operator.wall_clock import wall_now


async def main() -> None:
    """Print the port, serve until standard input ends."""
    certificate = ServingCertificate()
    times, now = Lifetimes(), wall_now()
    authority = new_authority(now, times.authority)
    leaf = new_leaf(authority, ("127.0.0.1",), now, times.leaf)
    certificate.offer(data_of(Held((authority.certificate,), authority.key, leaf)), None, now)
    place, settings = Place("shop", policies=POLICIES), Settings()
    app = review_app(lambda _namespace: place, lambda: settings, Metrics())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.tls).start()
    gc.collect()
    gc.freeze()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main())
