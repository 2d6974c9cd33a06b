"""The keeper of certificates at a scripted API server, on a wall clock that stands until a test moves it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.operator.kept_certificates import SECRET, KeptCertificates, Rotation
from support.operator.scripted.api import ScriptedApi
from support.operator.serving_replicas import ServingReplicas
from support.wall import Wall

from claude_operator.reconcile.certificates import CertificateKeeper, CertificateOptions
from claude_sidecar import clock


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """What the keeper and the API server read."""
    made = Wall()
    monkeypatch.setattr(clock, "unix_ns", lambda: int(made.now.timestamp() * 1e9))
    return made


@pytest.fixture
def kept(api: ScriptedApi) -> KeptCertificates:
    """Secret and configuration."""
    return KeptCertificates(api)


@pytest.fixture
async def replicas(api: ScriptedApi, tmp_path: Path) -> AsyncIterator[ServingReplicas]:
    """The webhook's; none run yet."""
    async with ServingReplicas(api, tmp_path).running() as running:
        yield running


@pytest.fixture
def options(replicas: ServingReplicas) -> CertificateOptions:
    """Whose certificate it is."""
    return CertificateOptions(
        "ours", "hook-certificate", "hook", ("hook.ours.svc",), "app=hook", replicas.port
    )


@pytest.fixture
def keeper(api: ScriptedApi, options: CertificateOptions, wall: Wall) -> CertificateKeeper:
    """One that has seen nothing yet."""
    return CertificateKeeper(api, options)


@pytest.fixture
async def settled(
    keeper: CertificateKeeper,
    api: ScriptedApi,
    kept: KeptCertificates,
    replicas: ServingReplicas,
    wall: Wall,
) -> CertificateKeeper:
    """The same where all has been installed for a minute, and two replicas serve the leaf."""
    kept.configure()
    await keeper.look()
    replicas.serve(kept.leaf, kept.leaf)
    assert await keeper.look()
    wall.move(minutes=1)
    api.requests.clear()
    return keeper


@pytest.fixture
async def rotation(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> Rotation:
    """A rotation because the authority's key was lost."""
    old = kept.leaf
    api.edit(SECRET, {"data": {"ca.key": None}})
    for _ in range(3):  # the new authority is told, is seen to be told, has been told for long enough
        assert kept.leaf.certificate == old.certificate
        assert not await settled.look()
        wall.move(seconds=10)
    assert kept.leaf.certificate != old.certificate
    assert len(kept.trusted) == 2
    return Rotation(settled, old)
