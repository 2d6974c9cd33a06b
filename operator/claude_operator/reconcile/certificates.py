"""Keeps the webhook's Secret and the `caBundle` of its configuration as the plan wants them."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from claude_operator import names
from claude_operator.certificates.carry_out import carried_out
from claude_operator.certificates.plan import Lifetimes, Seen, Step, next_step
from claude_operator.certificates.secret import bundle_in, bundle_of, data_of, held_in
from claude_operator.cluster.api import APPLY_PATCH, ApiError, Requests
from claude_operator.wall_clock import wall_now
from claude_sidecar import clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

FIELD_MANAGER = "claude-operator-certificates"
_CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
_LOOK_S = 10.0
_LOOK_IN_ROTATION_S = 1.0
_HANDSHAKE_S = 3.0
_MOST_STEPS = 4
_CONFLICT = (404, 409)


@dataclass(frozen=True, slots=True)
class CertificateOptions:
    """Whose certificate it is. hosts: its names; selector: of the webhook's pods; port: that they serve."""

    namespace: str
    secret: str
    configuration: str
    hosts: tuple[str, ...]
    selector: str
    port: int = 10250
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


class CertificateKeeper:
    """Looks every few seconds, more often while a rotation goes on."""

    def __init__(self, api: Requests, options: CertificateOptions) -> None:
        self._api, self._options = api, options
        self._secret_path = f"/api/v1/namespaces/{options.namespace}/secrets"
        self._trusted: tuple[x509.Certificate, datetime] | None = None
        self.is_settled = False
        """Whether the last look found nothing to do or to wait for."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                self.is_settled = await self.look()
            except ApiError as error:
                self.is_settled = False
                event(logger, logging.WARNING, "certificates not looked after", error=str(error))
            await clock.sleep(_LOOK_S if self.is_settled else _LOOK_IN_ROTATION_S)

    async def look(self) -> bool:
        """Do what there is to do; False while something is to be waited for. Raises ApiError."""
        options = self._options
        for _ in range(_MOST_STEPS):
            secret = await self._secret()
            configuration = await self._configuration()
            seen = await self._seen(secret, configuration)
            step = next_step(seen, options.hosts, options.lifetimes, wall_now())
            if step is Step.NOTHING:
                return await self._trust(seen, configuration) and len(seen.held.authorities) == 1
            held = carried_out(step, seen, options.hosts, options.lifetimes, wall_now())
            event(logger, logging.INFO, "certificate step", step=step.value)
            try:
                await self._write(secret, data_of(held))
            except ApiError as error:
                if error.status not in _CONFLICT:  # somebody else wrote it; the next look sees what
                    raise
        return False

    async def _secret(self) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = await self._api.get(f"{self._secret_path}/{self._options.secret}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def _configuration(self) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = await self._api.get(f"{_CONFIGURATIONS}/{self._options.configuration}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def _seen(self, secret: Mapping[str, Any] | None, configuration: Mapping[str, Any] | None) -> Seen:
        held = held_in(secret.get("data") if secret else None)
        bundle = _common_bundle(configuration)
        newest = held.authorities[0] if held.authorities else None
        if newest is None or newest not in bundle:
            self._trusted = None
        elif self._trusted is None or self._trusted[0] != newest:
            self._trusted = (newest, wall_now())
        trusted_for = None if self._trusted is None else wall_now() - self._trusted[1]
        # Only a rotation asks what replicas serve.
        asks = len(held.authorities) != 1 or held.leaf is None
        return Seen(held, bundle, trusted_for, await self._replicas() if asks else None)

    async def _write(self, secret: Mapping[str, Any] | None, data: Mapping[str, str]) -> None:
        options = self._options
        if secret is None:
            made = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": options.secret, "labels": {names.MANAGED_BY: names.OPERATOR}},
                "type": "Opaque",
                "data": data,
            }
            await self._api.send("POST", self._secret_path, made)
            return
        path = f"{self._secret_path}/{options.secret}"
        # With its resourceVersion, so that of two writers one loses and looks again.
        await self._api.send("PUT", path, {**secret, "data": {**(secret.get("data") or {}), **data}})

    async def _trust(self, seen: Seen, configuration: Mapping[str, Any] | None) -> bool:
        """Make API servers trust the Secret's authorities; False while there is no configuration."""
        webhooks = (configuration or {}).get("webhooks") or ()
        if not webhooks:
            return False
        wanted = bundle_of(seen.held.authorities)
        if all(each["clientConfig"].get("caBundle") == wanted for each in webhooks):
            return True
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self._options.configuration},
            "webhooks": [{"name": each["name"], "clientConfig": {"caBundle": wanted}} for each in webhooks],
        }
        path = f"{_CONFIGURATIONS}/{self._options.configuration}"
        await self._api.send("PATCH", path, body, APPLY_PATCH, fieldManager=FIELD_MANAGER, force="true")
        event(logger, logging.INFO, "bundle written", authorities=len(seen.held.authorities))
        return False

    async def _replicas(self) -> tuple[x509.Certificate | None, ...] | None:
        """The leaf of each replica; None where nobody says which replicas there are."""
        path = f"/api/v1/namespaces/{self._options.namespace}/pods"
        try:
            pods = await self._api.get(path, labelSelector=self._options.selector)
        except ApiError as error:
            event(logger, logging.WARNING, "replicas are not known", error=str(error))
            return None
        running = [
            pod
            for pod in pods.get("items") or ()
            if (pod.get("status") or {}).get("phase") == "Running"
            and not pod["metadata"].get("deletionTimestamp")
        ]
        addresses = [pod["status"].get("podIP") for pod in running]
        return tuple(
            await asyncio.gather(*(_served_leaf(address, self._options.port) for address in addresses))
        )


def _common_bundle(configuration: Mapping[str, Any] | None) -> tuple[x509.Certificate, ...]:
    """The authorities that every webhook of the configuration trusts."""
    webhooks = (configuration or {}).get("webhooks") or ()
    bundles = [bundle_in(each["clientConfig"].get("caBundle")) for each in webhooks]
    if not bundles:
        return ()
    return tuple(each for each in bundles[0] if all(each in bundle for bundle in bundles))


async def _served_leaf(address: str | None, port: int) -> x509.Certificate | None:
    """The certificate that is served there; it is only compared, so nothing is trusted for it."""
    if not address:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(_HANDSHAKE_S):
            _reader, writer = await asyncio.open_connection(address, port, ssl=context)
    except (OSError, TimeoutError):
        return None
    try:
        content = writer.get_extra_info("ssl_object").getpeercert(True)
        return x509.load_der_x509_certificate(content) if content else None
    except ValueError:
        return None
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_HANDSHAKE_S):
                await writer.wait_closed()
