"""The whole process: both ports, the policy's watcher, draining."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_sidecar import __version__, clock
from claude_sidecar.config.egress import usable_environment
from claude_sidecar.config.load import Loaded, load_default
from claude_sidecar.config.own_address import ADMIN_PORT, DATA_PORT, leads_here
from claude_sidecar.config.problem import PolicyInvalid
from claude_sidecar.config.watch import PolicyWatcher
from claude_sidecar.credentials.source import LocalSource
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.proxy.admin import Admin
from claude_sidecar.proxy.admin_port import AdminPort
from claude_sidecar.proxy.admission import Admission, allowed_origins
from claude_sidecar.proxy.attempt_sender import AttemptSender
from claude_sidecar.proxy.engine import Engine
from claude_sidecar.proxy.handler import Handler
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.open_files import OpenFiles
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.proxy.port import Port
from claude_sidecar.proxy.server import DataPort
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.telemetry.listener import Telemetry, start_telemetry
from claude_sidecar.telemetry.log import event
from claude_sidecar.telemetry.record import Timebase
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.names import Names
from claude_sidecar.upstream.out_of_files import files_are_spent
from claude_sidecar.upstream.resolver import Resolver
from claude_sidecar.upstream.system_resolver import SystemResolver
from claude_sidecar.upstream.transport import HttpTransport

logger = logging.getLogger(__name__)

_DRAIN_LOOKS_S = 0.05
_LOOK_S = 1.0
_STOP_S = 1.0
_BACKLOG = 1024


class PortUnusable(Exception):
    """A port can't be listened on."""

    def __init__(self, port: int, option: str, error: OSError) -> None:
        super().__init__(f"port {port}: {error.strerror or error}")
        self.port = port
        self.option = option
        self.errno = error.errno


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the process, not of the policy. drain_s: how long calls in flight may go on after SIGTERM."""

    policy_file: Path | None = None
    port: int = DATA_PORT
    admin_port: int = ADMIN_PORT
    drain_s: float = 25.0


class Sidecar:
    """A running sidecar; made by `running`."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        files: OpenFiles | None = None,
        resolver: Resolver | None = None,
        credentials: CredentialStore | None = None,
    ) -> None:
        """Raises PolicyInvalid, and EnvironmentInvalid for an unusable HTTPS_PROXY or SSL_CERT_FILE.

        files: what may be open, by default as the process's limit says; resolver: of upstreams' names, by
        default the system's; credentials: of routes, by default from `environ` and the file system.
        """
        self._settings = settings
        self._files = files or OpenFiles()
        self.port, self.admin_port = settings.port, settings.admin_port
        egress, self._environment_faults = usable_environment(environ)
        self.transport = HttpTransport(Dialer(egress, Names(resolver or SystemResolver())))
        self._credentials = credentials = credentials or CredentialStore(LocalSource(environ))
        self._watcher: PolicyWatcher | None = None
        loaded = load_default(environ)
        if settings.policy_file is not None:
            self._watcher = PolicyWatcher(
                settings.policy_file, self._on_policy, self._on_error, environ, leads_back=self._leads_back
            )
            loaded = self._watcher.load_first()
        self.telemetry = _telemetry(environ)
        self.policy = PolicyInForce(loaded, credentials, self.telemetry)
        self.health = Health()
        instance = clock.random_hex(32).encode()
        self.handler = Handler(
            self.policy.snapshot,
            Admission(instance, allowed_origins(environ), self._files),
            Engine(AttemptSender(self.transport, instance), self.health, credentials),
            self.health,
            credentials,
            self.telemetry,
            self._files,
        )
        self.admin = Admin(self.policy, self.health, self.telemetry, lambda: self.handler.in_flight)

    def _leads_back(self, route: Route) -> bool:
        return route.port in (self.port, self.admin_port) and leads_here(route.host)

    def _on_policy(self, loaded: Loaded) -> None:
        self.policy.on_policy(loaded)
        self._files.tell_of(loaded.snapshot.limits.max_concurrent)

    def _on_error(self, invalid: PolicyInvalid) -> None:
        self.policy.on_error(invalid)

    def reload(self) -> None:
        """Re-read the policy file now."""
        if self._watcher is not None:
            self._watcher.reload()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Sidecar"]:
        """Serve both ports. Raises PortUnusable. At the end what is still in flight is cut off."""
        loop = asyncio.get_running_loop()
        self._files.tell_of(self.policy.snapshot().limits.max_concurrent)
        for fault in self._environment_faults:
            event(logger, logging.WARNING, "environment", variable=fault.variable, trouble=str(fault))
        data = DataPort(self.handler, self._files.connections)
        admin = AdminPort(self.admin, self._files.admin_connections)
        self.admin.ports = {"data": data, "admin": admin}
        self.admin.start(self._files.admin_connections)
        rounds = [self._look(), self._credentials.run(), self.transport.keep_warm()]
        if self._watcher is not None:
            rounds.append(self._watcher.run())
        looking = [asyncio.ensure_future(each) for each in rounds]
        listeners: list[asyncio.Server] = []
        try:
            listeners.append(await _listen(loop, data, "127.0.0.1", self._settings.port, "--port"))
            listeners.append(await _listen(loop, admin, None, self._settings.admin_port, "--admin-port"))
            self.port, self.admin_port = (_port_of(listener) for listener in listeners)
            yield self
        finally:
            for task in looking:
                task.cancel()
            for listener in listeners:
                listener.close()
            self.admin.drain()
            await data.shutdown(_STOP_S)
            await admin.shutdown(_STOP_S)
            self.transport.close()
            await asyncio.get_running_loop().run_in_executor(None, self.telemetry.close)

    async def _look(self) -> None:
        while True:
            self.policy.look()
            if files_are_spent():
                # Whoever connects now is turned away by the event loop, which tells nobody.
                self._files.tell_spent()
                self.transport.close_idle()
                for port in self.admin.ports.values():
                    port.make_room()
            await clock.sleep(_LOOK_S)

    async def drain(self) -> bool:
        """Take no new calls and wait for those in flight; False when some were still going on at the end."""
        self.admin.drain()
        self.handler.admission.draining = True
        self.transport.drain()
        until = clock.now() + self._settings.drain_s
        while self.handler.in_flight and clock.now() < until:
            await clock.sleep(_DRAIN_LOOKS_S)
        return self.handler.in_flight == 0


def _telemetry(environ: Mapping[str, str]) -> Telemetry:
    return start_telemetry(
        environ,
        version=__version__,
        timebase=lambda: Timebase(clock.now(), clock.unix_ns()),
        random_hex=clock.random_hex,
    )


async def _listen(
    loop: asyncio.AbstractEventLoop, protocol: Port, host: str | None, port: int, option: str
) -> asyncio.Server:
    try:
        return await loop.create_server(
            protocol, host, port, backlog=_BACKLOG, reuse_address=os.name == "posix"
        )
    except OSError as error:
        raise PortUnusable(port, option, error) from None


def _port_of(listener: asyncio.Server) -> int:
    """Of IPv4, where a free port was asked for and each family was given its own."""
    first = min(listener.sockets, key=lambda sock: sock.family != socket.AF_INET)
    port: int = first.getsockname()[1]
    return port
