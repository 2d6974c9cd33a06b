"""One reconciling process at a time: whoever holds the Lease."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from claude_operator import names
from claude_operator.cluster import paths
from claude_operator.cluster.api import JSON, ApiError, Requests
from claude_sidecar import clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

NAME = f"{names.OPERATOR}-reconcile"


class LeaseLost(Exception):
    """Another process may hold the Lease now, so this one must not write any more."""


class LeaseKeeper:
    """The Lease of a namespace, taken and held. seconds: how long it is good for after a renewal."""

    def __init__(self, api: Requests, namespace: str, identity: str, seconds: float) -> None:
        self._api, self._namespace, self._identity, self._seconds = api, namespace, identity, seconds
        self._lease: dict[str, Any] | None = None
        self._renewed_at = 0.0
        self._seen: tuple[str, str] | None = None
        self._seen_at = 0.0

    async def take(self) -> None:
        """Wait until the Lease is ours; says so once for each process that holds it meanwhile."""
        told = None
        while True:
            try:
                holder = await self._try()
                if holder is None:
                    return
                trouble = f"another operator holds Lease {self._namespace}/{NAME}: {holder}"
            except ApiError as error:
                trouble = f"Lease {self._namespace}/{NAME} cannot be taken: {error}"
            if trouble != told:
                event(logger, logging.WARNING, "waiting to be the only operator", reason=trouble)
                told = trouble
            await clock.sleep(self._seconds / 5)

    async def hold(self) -> None:
        """Renew it until cancelled; raises LeaseLost, before another process may take it."""
        pause_s, trouble = self._seconds / 3, "no answer"
        while True:
            try:
                # A request that gets no answer must not outlast the Lease.
                async with asyncio.timeout(self._renewed_at + self._seconds - clock.now()):
                    await clock.sleep(pause_s)
                    holder = await self._try()
            except TimeoutError:
                raise LeaseLost(f"it could not be renewed for {self._seconds:g} s: {trouble}") from None
            except ApiError as error:
                pause_s, trouble = self._seconds / 5, str(error)
                continue
            if holder is not None:
                raise LeaseLost(f"{holder} holds it now")
            pause_s, trouble = self._seconds / 3, "no answer"

    async def release(self) -> None:
        """Give it back, so that the next process need not wait until it runs out. Raises ApiError."""
        if self._lease is None:
            return
        try:
            await self._clear()
        except ApiError as error:
            if error.status != 409:
                raise
            # A renewal whose answer was not waited for, somebody's annotation, or another holder.
            self._lease = await self._api.get(f"{paths.leases(self._namespace)}/{NAME}")
            if self._lease["spec"].get("holderIdentity") == self._identity:
                await self._clear()

    async def _try(self) -> str | None:
        """Take or renew it; the holder's name where that is another one. Raises ApiError."""
        path = f"{paths.leases(self._namespace)}/{NAME}"
        try:
            lease = await self._api.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            lease = {"metadata": {"name": NAME, "namespace": self._namespace}, "spec": {}}
        spec = lease.setdefault("spec", {})
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._has_run_out(holder, spec):
            return str(holder)
        if holder != self._identity:
            spec["acquireTime"] = _now()
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + bool(holder)
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._seconds)),
            "renewTime": _now(),
        }
        self._lease = lease
        began = clock.now()
        await self._write()
        self._renewed_at = began
        return None

    def _has_run_out(self, holder: str, spec: dict[str, Any]) -> bool:
        """Whether a holder stopped renewing, by our own clock: theirs may be wrong."""
        seen = holder, str(spec.get("renewTime"))
        if seen != self._seen:
            self._seen, self._seen_at = seen, clock.now()
        return clock.now() - self._seen_at > float(spec.get("leaseDurationSeconds") or self._seconds)

    async def _clear(self) -> None:
        assert self._lease is not None
        self._lease["spec"]["holderIdentity"] = ""
        await self._write()

    async def _write(self) -> None:
        assert self._lease is not None
        path = paths.leases(self._namespace)
        if "resourceVersion" in self._lease["metadata"]:
            answer = await self._api.send("PUT", f"{path}/{NAME}", self._lease, JSON)
        else:
            answer = await self._api.send("POST", path, self._lease, JSON)
        self._lease = answer


def _now() -> str:
    return datetime.fromtimestamp(clock.unix_ns() / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
