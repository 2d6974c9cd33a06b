"""A webhook replica as a whole: its copies of the cluster, its certificate and its ports."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from claude_operator.admission.knowledge import Knowledge
from claude_operator.admission.metrics import Metrics
from claude_operator.admission.server import health_app, review_app
from claude_operator.admission.serving_certificate import ServingCertificate
from claude_operator.cluster.api import Api
from claude_operator.inject.settings import Settings
from claude_operator.wall_clock import wall_now
from claude_sidecar import clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

# Endpoints hear of a replica that is no longer ready a little later.
_LEAVE_S = 5.0
_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """Of the process. host: which addresses it listens at; port: for reviews."""

    namespace: str
    secret: str
    configuration: str
    host: str | None = None
    port: int = 10250
    health_port: int = 8081
    leave_s: float = _LEAVE_S


class Webhook:
    """A replica; `running` serves."""

    def __init__(self, api: Api, options: Options, settings: Settings) -> None:
        self._options, self._settings = options, settings
        self._certificate = ServingCertificate()
        self._knowledge = Knowledge(
            api, (options.namespace, options.secret), options.configuration, self._on_change
        )
        self._metrics = Metrics()
        self._certified = asyncio.Event()
        self._leaving = False
        self._listening = False
        self._told = ""

    @property
    def trouble(self) -> str:
        """Why reviews are not answered here so that API servers trust the answer; empty where they are."""
        if self._leaving:
            return "this replica is leaving"
        return self._mistrusted() or (
            "" if self._listening and self._knowledge.is_complete else "not everything was listed yet"
        )

    def _mistrusted(self) -> str:
        options, bundles, hosts = self._options, self._knowledge.bundles, self._knowledge.hosts
        if not self._certificate.chain:
            return f"no certificate in Secret {options.namespace}/{options.secret} yet"
        if bundles is None:
            return f"there is no MutatingWebhookConfiguration {options.configuration} yet"
        if strangers := self._certificate.strangers(hosts):
            return f"the certificate in use is not for {', '.join(strangers)}, by which API servers ask"
        if not self._certificate.is_trusted(bundles, wall_now(), hosts):
            return "API servers do not trust the certificate in use: caBundle lacks its CA, or it has expired"
        return ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Webhook"]:
        """Serve health at once and reviews as soon as there is a certificate; at the end leave in order.

        Raises ExceptionGroup of OSError where a port cannot be had.
        """
        options = self._options
        health = web.AppRunner(
            health_app(lambda: self.trouble, self._expires, self._metrics), access_log=None
        )
        reviews = web.AppRunner(
            review_app(self._knowledge.place, lambda: self._settings, self._metrics), access_log=None
        )
        await health.setup()
        await reviews.setup()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._knowledge.follow()),
                    group.create_task(self._listen(reviews)),
                    group.create_task(self._look()),
                ]
                await web.TCPSite(health, options.host, options.health_port).start()
                try:
                    yield self
                    self._leaving = True
                    await clock.sleep(options.leave_s)
                finally:
                    for task in tasks:
                        task.cancel()
        finally:
            await reviews.cleanup()
            await health.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        await self._certified.wait()
        options = self._options
        await web.TCPSite(runner, options.host, options.port, ssl_context=self._certificate.tls).start()
        self._listening = True

    async def _look(self) -> None:
        """Time alone changes what is trusted."""
        while True:
            await clock.sleep(_LOOK_S)
            self._on_change()
            told, self._told = self._told, self._mistrusted()
            if self._told and self._told != told:
                event(logger, logging.WARNING, "not ready", reason=self._told)

    def _on_change(self) -> None:
        known = self._knowledge
        self._certificate.offer(known.certificate, known.bundles, wall_now(), known.hosts)
        if self._certificate.chain:
            self._certified.set()

    def _expires(self) -> float:
        chain = self._certificate.chain
        return chain[0].not_valid_after_utc.timestamp() if chain else 0.0
