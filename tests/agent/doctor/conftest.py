"""A stage for the doctor: simulators, bad proxies and sidecars on loopback, names as the test says."""

import io
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.fakes.bad_proxy import BadProxy
from support.fakes.connect_proxy import ConnectProxy
from support.fakes.inline_executor import InlineExecutor
from support.fakes.scripted_resolver import ScriptedResolver

from claude_sidecar.credentials.source import LocalSource
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.doctor.check import Check
from claude_sidecar.doctor.examination import Examination
from claude_sidecar.doctor.report import json_of, line_of
from claude_sidecar.doctor.surroundings import Asked, Surroundings
from claude_sidecar.proxy.sidecar import Settings, Sidecar
from claude_sidecar.simulator import Scenario, Simulator

KEY = "sk-ant-api03-Qm7ZxV2kPwR9tYbN4sLcJ8dF"
API = "api.anthropic.com"
GATEWAY = "gateway.example.com"


@dataclass
class Examined:
    """What came of an examination: its checks, what was said, and all that would be printed."""

    checks: list[Check]
    said: list[str]

    @property
    def printed(self) -> str:
        return "\n".join([*map(line_of, self.checks), *self.said, json_of(self.checks)])


@dataclass
class Stage:
    """Where an examination takes place; what is not said is as on a healthy machine."""

    folder: Path
    stack: AsyncExitStack
    environ: dict[str, str] = field(default_factory=lambda: {"ANTHROPIC_API_KEY": KEY})
    resolver: ScriptedResolver = field(default_factory=ScriptedResolver)
    stdin: bytes = b""
    resolv_conf: str = "nameserver 127.0.0.1\n"
    asked: dict[str, Any] = field(default_factory=dict)
    ca: trustme.CA = field(default_factory=trustme.CA)
    on_say: Callable[[], object] = lambda: None
    readers: Executor = field(default_factory=InlineExecutor)

    async def simulator(self, wall: Callable[[], float] | None = None, **scenario: Any) -> int:
        """A simulated API on a port."""
        made = Scenario.model_validate(json.loads(json.dumps(scenario)))
        simulator = Simulator(made) if wall is None else Simulator(made, wall=wall)
        url = await self.stack.enter_async_context(simulator.running())
        return int(url.rpartition(":")[2])

    async def proxy(self, leads_to: int, **bad: Any) -> int:
        """A reverse proxy on a port."""
        return (await self.stack.enter_async_context(BadProxy(leads_to, **bad).running())).port

    async def egress(self, leads_to: int, **bad: Any) -> int:
        """An egress proxy that leads everything to one port, named in HTTPS_PROXY."""
        proxy = await self.stack.enter_async_context(ConnectProxy(leads_to=leads_to, **bad).running())
        self.environ["HTTPS_PROXY"] = f"http://someone:proxy-password@127.0.0.1:{proxy.port}"
        return proxy.port

    def certificate(self, *names: str, trusted: bool = True, **more: Any) -> ssl.SSLContext:
        """What a server needs to speak for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, **more).configure_cert(context)
        if trusted:
            file = self.folder / "ca.pem"
            self.ca.cert_pem.write_to_path(str(file))
            self.environ["SSL_CERT_FILE"] = str(file)
        return context

    async def official(self, leads_to: int, **bad: Any) -> None:
        """The API's own name, by an egress proxy, with a certificate that is trusted here."""
        port = await self.proxy(leads_to, tls=self.certificate(API), **bad)
        await self.egress(port)

    def base_url(self, port: int, path: str = "", host: str = "127.0.0.1", scheme: str = "http") -> None:
        self.environ["ANTHROPIC_BASE_URL"] = f"{scheme}://{host}:{port}{path}"

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def policy(self, *routes: Mapping[str, Any], **spec: Any) -> Path:
        document = {
            "apiVersion": "claude-sidecar.dev/v1alpha1",
            "kind": "ClaudePolicy",
            "metadata": {"name": "test", "namespace": "here"},
            "spec": {"routes": routes} | spec,
        }
        return self.file("policy.yaml", json.dumps(document))

    async def sidecar(self, policy: Path, environ: Mapping[str, str] | None = None) -> Sidecar:
        """A running sidecar, which the doctor is told of."""
        environ = environ or {}
        credentials = CredentialStore(LocalSource(environ), InlineExecutor())
        sidecar = Sidecar(Settings(policy, 0, 0), environ, None, self.resolver, credentials)
        await self.stack.enter_async_context(sidecar.running())
        self.asked["sidecar"] = f"http://127.0.0.1:{sidecar.admin_port}"
        self.asked["base_url"] = f"http://127.0.0.1:{sidecar.port}"
        return sidecar

    async def examine(self) -> Examined:
        told: list[Check] = []
        said: list[str] = []

        def say(text: str) -> None:
            said.append(text)
            self.on_say()

        around = Surroundings(
            self.environ,
            io.BytesIO(self.stdin),
            self.resolver,
            told.append,
            say,
            self.file("resolv.conf", self.resolv_conf),
            self.readers,
        )
        checks = await Examination(Asked(**self.asked), around).run()
        assert list(checks) == told
        return Examined(told, said)


Setting = Callable[[Stage], Awaitable[None]]
"""Puts on a stage what is to be examined."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield Stage(tmp_path, stack)
