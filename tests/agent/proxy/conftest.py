"""A sidecar before scripted upstreams, all on loopback sockets within the test's own loop."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.fakes.inline_executor import InlineExecutor
from support.fakes.raw_client import Lines, RawAnswer, ask, request_bytes
from support.fakes.scripted_upstream import Request, ScriptedUpstream
from support.fakes.wire_bytes import message_body

from claude_sidecar.credentials.source import LocalSource
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.proxy.open_files import OpenFiles
from claude_sidecar.proxy.sidecar import Settings, Sidecar
from claude_sidecar.upstream.resolver import Resolver

NO_PAUSE = {"initial": "0s", "max": "0s"}


@dataclass
class Bench:
    """A running sidecar, its upstreams in the policy's order, and short ways to ask."""

    sidecar: Sidecar
    upstreams: tuple[ScriptedUpstream, ...]
    policy_file: Path

    @property
    def port(self) -> int:
        return self.sidecar.port

    @property
    def first(self) -> ScriptedUpstream:
        return self.upstreams[0]

    @property
    def sends(self) -> list[Request]:
        """Requests of all upstreams, in the order in which they came."""
        return sorted((r for u in self.upstreams for r in u.requests), key=lambda request: request.at)

    async def ask(self, request: bytes, *, bodiless: bool = False) -> RawAnswer:
        return await ask(self.port, request, bodiless=bodiless)

    async def message(self, lines: Lines = (), **fields: Any) -> RawAnswer:
        """POST /v1/messages on a connection of its own."""
        return await self.ask(request_bytes(lines=lines, body=message_body(**fields)))

    async def admin(self, path: str, lines: Lines = ((b"Host", b"localhost"),)) -> RawAnswer:
        return await ask(self.sidecar.admin_port, request_bytes("GET", path, lines, key=None))

    async def admin_json(self, path: str) -> Any:
        answer = await self.admin(path)
        assert answer.status == 200, answer
        return json.loads(answer.body)


Started = Callable[..., AbstractAsyncContextManager[Bench]]


def policy_text(spec: Mapping[str, Any]) -> str:
    """A policy file; JSON is YAML too."""
    return json.dumps(
        {
            "apiVersion": "claude-sidecar.dev/v1alpha1",
            "kind": "ClaudePolicy",
            "metadata": {"name": "test", "namespace": "here"},
            "spec": spec,
        }
    )


def spec_for(
    upstreams: tuple[ScriptedUpstream, ...], routes: list[dict[str, Any]] | None, spec: Mapping[str, Any]
) -> dict[str, Any]:
    """One route an upstream, called first, second, third; without upstreams the routes as they are given.

    Backoff is off unless `spec` says otherwise.
    """
    given = [] if upstreams else list(routes or ())
    for name, upstream, more in zip(
        ("first", "second", "third", "fourth"), upstreams, routes or [{}] * len(upstreams), strict=False
    ):
        given.append({"name": name, "endpoint": f"http://127.0.0.1:{upstream.port}"} | more)
    retry = {"backoff": NO_PAUSE} | spec.get("retry", {})
    return {"routes": given} | spec | {"retry": retry}


@pytest.fixture
def started(tmp_path: Path) -> Started:
    """`async with started(upstream, ..., spec={...}) as bench:` runs upstreams and a sidecar."""

    @asynccontextmanager
    async def start(
        *upstreams: ScriptedUpstream,
        routes: list[dict[str, Any]] | None = None,
        environ: Mapping[str, str] | None = None,
        resolver: Resolver | None = None,
        drain_s: float = 25.0,
        files: OpenFiles | None = None,
        **spec: Any,
    ) -> AsyncIterator[Bench]:
        async with AsyncExitStack() as stack:
            for upstream in upstreams:
                await stack.enter_async_context(upstream.running())
            policy = tmp_path / "policy.yaml"
            policy.write_text(policy_text(spec_for(upstreams, routes, spec)))
            credentials = CredentialStore(LocalSource(environ or {}), InlineExecutor())
            sidecar = Sidecar(Settings(policy, 0, 0, drain_s), environ or {}, files, resolver, credentials)
            await stack.enter_async_context(sidecar.running())
            yield Bench(sidecar, upstreams, policy)

    return start
