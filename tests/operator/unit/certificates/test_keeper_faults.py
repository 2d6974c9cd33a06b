"""The keeper where the Secret is damaged, others write too, and the API server refuses."""

import asyncio
import base64

import pytest
from support.operator.kept_certificates import CONFIGURATION, SECRET, KeptCertificates, Rotation
from support.operator.scripted.api import ALWAYS, ScriptedApi
from support.operator.scripted.faults import overtaken, refused
from support.operator.serving_replicas import ServingReplicas
from support.wall import Wall

from claude_operator.certificates.trust import is_trusted
from claude_operator.cluster.api import ApiError
from claude_operator.reconcile.certificates import CertificateKeeper, CertificateOptions
from claude_sidecar import clock

DAMAGE: dict[str, dict[str, str | None]] = {
    "no base64": {"ca.crt": "%%%"},
    "no certificate": {"ca.crt": base64.b64encode(b"no certificate").decode()},
    "no keys": {"ca.key": None, "tls.key": None},
    "half a leaf": {"tls.crt": base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()},
    "nothing": {"ca.crt": None, "ca.key": None, "tls.crt": None, "tls.key": None},
}


async def until_settled(
    keeper: CertificateKeeper, kept: KeptCertificates, wall: Wall, replicas: ServingReplicas
) -> None:
    """Look on, while replicas take up a leaf as soon as it is trusted; what they serve is at each look."""
    serving = None
    while not await keeper.look():
        assert serving is None or is_trusted(serving.certificate, kept.trusted, wall.now)
        wall.move(seconds=10)
        leaf = kept.held.leaf
        if leaf is not None and is_trusted(leaf.certificate, kept.trusted, wall.now):
            serving = leaf
            replicas.serve(leaf, leaf)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_damaged_secret_is_made_right_and_what_else_it_holds_is_kept(
    settled: CertificateKeeper,
    api: ScriptedApi,
    kept: KeptCertificates,
    wall: Wall,
    replicas: ServingReplicas,
    damage: dict[str, str | None],
) -> None:
    before, serving = kept.trusted, kept.leaf
    api.edit(SECRET, {"data": {**damage, "theirs": "eA=="}})
    await settled.look()
    assert is_trusted(serving.certificate, kept.trusted, wall.now), "replicas serve it still"
    await until_settled(settled, kept, wall, replicas)
    assert kept.held.key is not None
    assert is_trusted(kept.leaf.certificate, kept.trusted, wall.now)
    assert len(kept.trusted) == 1
    assert (kept.trusted == before) == (damage.keys() == {"tls.crt"})
    assert api.at(SECRET)["data"]["theirs"] == "eA=="


async def test_secret_that_was_deleted_cuts_off_no_replica_that_serves_its_leaf(
    settled: CertificateKeeper,
    api: ScriptedApi,
    kept: KeptCertificates,
    wall: Wall,
    replicas: ServingReplicas,
) -> None:
    (old,), serving = kept.trusted, kept.leaf
    api.remove(SECRET)
    assert not await settled.look()
    assert old in kept.trusted
    assert is_trusted(serving.certificate, kept.trusted, wall.now)
    await until_settled(settled, kept, wall, replicas)
    assert old not in kept.trusted


async def test_what_another_process_made_first_is_taken(
    keeper: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, options: CertificateOptions
) -> None:
    elsewhere = ScriptedApi()
    await CertificateKeeper(elsewhere, options).look()
    data = elsewhere.at(SECRET)["data"]
    api.on("POST secrets", overtaken(lambda: api.edit(SECRET, {"data": data})))
    kept.configure()
    await keeper.look()
    assert api.at(SECRET)["data"] == data
    assert kept.trusted == kept.authorities
    assert await keeper.look()


async def test_two_keepers_at_once_agree(
    api: ScriptedApi, kept: KeptCertificates, options: CertificateOptions, wall: Wall
) -> None:
    kept.configure()
    both = [CertificateKeeper(api, options) for _ in range(2)]
    for _ in range(3):
        await asyncio.gather(*(each.look() for each in both))
    assert 409 in {request.status for request in api.requests}, "they were in each other's way"
    assert kept.trusted == kept.authorities
    assert is_trusted(kept.leaf.certificate, kept.trusted, wall.now)
    assert all(await asyncio.gather(*(each.look() for each in both)))


async def test_secret_that_changed_under_its_hand_is_looked_at_again(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> None:
    wall.move(days=61)
    api.on("PUT secrets", overtaken(lambda: api.edit(SECRET, {"data": {"theirs": "eA=="}})))
    assert await settled.look()
    assert [request.status for request in api.requests if request.method == "PUT"] == [409, 200]
    assert api.at(SECRET)["data"]["theirs"] == "eA=="
    assert is_trusted(kept.leaf.certificate, kept.trusted, wall.now)


async def test_secret_that_was_deleted_under_its_hand_is_made_anew(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> None:
    serving = kept.leaf
    wall.move(days=61)
    api.on("PUT secrets", overtaken(lambda: api.remove(SECRET)))
    await settled.look()
    assert api.asked()[:2] == ["PUT secrets", "POST secrets"]
    assert is_trusted(serving.certificate, kept.trusted, wall.now)


@pytest.mark.parametrize("what", ["GET secrets", "GET mutatingwebhookconfigurations", "PUT secrets"])
async def test_refusal_is_told_to_the_caller_and_changes_nothing(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall, what: str
) -> None:
    before = kept.held
    wall.move(days=61)
    api.on(what, refused(403))
    with pytest.raises(ApiError):
        await settled.look()
    assert kept.leaf.certificate == before.leaf.certificate
    assert kept.authorities == before.authorities == kept.trusted
    assert await settled.look()
    assert kept.leaf.certificate != before.leaf.certificate


async def test_leaf_is_not_replaced_as_long_as_the_new_authority_cannot_be_told_to_api_servers(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> None:
    serving = kept.leaf
    api.edit(SECRET, {"data": {"ca.key": None}})
    api.on("PATCH mutatingwebhookconfigurations", refused(422), ALWAYS)
    for _ in range(3):
        with pytest.raises(ApiError):
            await settled.look()
        wall.move(seconds=20)
    assert kept.leaf.certificate == serving.certificate
    assert is_trusted(serving.certificate, kept.trusted, wall.now)


async def test_configuration_that_goes_before_it_is_given_the_bundle_is_waited_for(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates
) -> None:
    kept.configure()
    api.on("PATCH mutatingwebhookconfigurations", overtaken(lambda: api.remove(CONFIGURATION)))
    with pytest.raises(ApiError):
        await settled.look()
    assert not await settled.look()
    kept.configure()
    await settled.look()
    assert await settled.look()


async def test_old_authority_stays_while_nobody_says_which_replicas_there_are(
    rotation: Rotation,
    api: ScriptedApi,
    kept: KeptCertificates,
    replicas: ServingReplicas,
    caplog: pytest.LogCaptureFixture,
) -> None:
    replicas.serve(kept.leaf)
    api.on("GET pods", refused(403, "not yours"))
    assert not await rotation.keeper.look()
    assert len(kept.trusted) == 2
    assert "replicas are not known" in [record.message for record in caplog.records]
    assert not await rotation.keeper.look()
    assert len(kept.trusted) == 1


async def test_old_authority_stays_while_a_replica_ends_handshakes(
    rotation: Rotation, kept: KeptCertificates, replicas: ServingReplicas
) -> None:
    replicas.serve(kept.leaf)
    replicas.hang_up()
    assert not await rotation.keeper.look()
    assert len(kept.trusted) == 2


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual_wall_clock")
async def test_it_looks_every_ten_seconds_and_each_second_while_there_is_something_to_wait_for(
    api: ScriptedApi, kept: KeptCertificates, options: CertificateOptions
) -> None:
    keeper = CertificateKeeper(api, options)
    running = asyncio.create_task(keeper.run())

    async def looks(seconds: float) -> int:
        api.requests.clear()
        await clock.sleep(seconds)
        return sum(request.what == "GET mutatingwebhookconfigurations" for request in api.requests)

    assert 60 <= await looks(60) <= 63
    assert not keeper.is_settled
    kept.configure()
    await looks(3)
    assert keeper.is_settled
    assert await looks(60) == 6
    api.on("GET secrets", refused(500), ALWAYS)
    await looks(20)
    assert not keeper.is_settled
    api.recover()
    await looks(3)
    assert keeper.is_settled
    running.cancel()
