"""The keeper of the webhook's certificates: from nothing, and through rotations that cut off no replica."""

import pytest
from support.operator.kept_certificates import CONFIGURATION, SECRET, KeptCertificates, Rotation
from support.operator.scripted.api import ScriptedApi
from support.operator.serving_replicas import ServingReplicas
from support.wall import Wall

from claude_operator import names
from claude_operator.certificates.issue import Pair, new_authority
from claude_operator.certificates.plan import Lifetimes
from claude_operator.certificates.secret import Held, bundle_of, data_of
from claude_operator.certificates.trust import is_for, is_trusted
from claude_operator.reconcile.certificates import FIELD_MANAGER, CertificateKeeper

TIMES = Lifetimes()
BUNDLE_WRITTEN = "PATCH mutatingwebhookconfigurations"


async def test_from_nothing_the_secret_is_made_before_there_is_a_configuration(
    keeper: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> None:
    assert not await keeper.look(), "nobody trusts it yet"
    assert api.asked() == ["POST secrets", "PUT secrets"]
    leaf = kept.leaf.certificate
    assert len(kept.authorities) == 1
    assert is_trusted(leaf, kept.authorities, wall.now)
    assert is_for(leaf, "hook.ours.svc")
    made = api.at(SECRET)
    assert made["metadata"]["labels"] == {names.MANAGED_BY: names.OPERATOR}
    assert made["type"] == "Opaque"


async def test_configuration_that_comes_later_is_given_the_bundle_and_nothing_else(
    keeper: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates
) -> None:
    await keeper.look()
    kept.configure()
    before = kept.webhooks
    api.requests.clear()
    assert not await keeper.look()
    assert api.asked() == [BUNDLE_WRITTEN]
    assert kept.trusted == kept.authorities
    for was, now in zip(before, kept.webhooks, strict=True):
        del now["clientConfig"]["caBundle"]
        assert now == was
    managers = [each["manager"] for each in api.at(CONFIGURATION)["metadata"]["managedFields"]]
    assert managers == ["somebody", FIELD_MANAGER]


async def test_look_at_a_settled_cluster_writes_nothing(settled: CertificateKeeper, api: ScriptedApi) -> None:
    for _ in range(3):
        assert await settled.look()
    assert api.asked() == []
    assert "GET pods" not in api.asked("GET"), "only a rotation asks what replicas serve"


async def test_configuration_without_webhooks_is_waited_for(
    keeper: CertificateKeeper, api: ScriptedApi
) -> None:
    api.edit(CONFIGURATION, {"webhooks": []})
    assert not await keeper.look()
    assert BUNDLE_WRITTEN not in api.asked()


async def test_bundle_that_an_upgrade_took_from_one_webhook_comes_back(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates
) -> None:
    webhooks = kept.webhooks
    del webhooks[1]["clientConfig"]["caBundle"]
    api.edit(CONFIGURATION, {"webhooks": webhooks})
    assert not await settled.look()
    assert kept.trusted == kept.authorities
    assert await settled.look()
    assert api.asked() == [BUNDLE_WRITTEN]


async def test_leaf_near_its_end_is_renewed_under_the_same_authority(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> None:
    before, old = kept.authorities, kept.leaf
    wall.move(days=59)
    assert await settled.look()
    assert kept.leaf.certificate == old.certificate
    wall.move(days=2)
    assert await settled.look()
    assert api.asked() == ["PUT secrets"]
    assert kept.authorities == before == kept.trusted
    assert kept.leaf.certificate.not_valid_after_utc == wall.now + TIMES.leaf


async def test_authority_near_its_end_is_rotated_and_every_replica_trusted_at_each_step(
    settled: CertificateKeeper, kept: KeptCertificates, wall: Wall, replicas: ServingReplicas
) -> None:
    serving: list[Pair] = []
    (old,) = kept.authorities

    def serve(*leaves: Pair) -> None:
        serving[:] = leaves
        replicas.serve(*leaves)

    async def look() -> bool:
        found = await settled.look()
        assert all(is_trusted(leaf.certificate, kept.trusted, wall.now) for leaf in serving)
        return found

    for _ in range(4):  # leaves are renewed meanwhile
        await look()
        serve(kept.leaf, kept.leaf)
        wall.move(days=61)
    last = kept.leaf
    assert not await look()
    new = kept.authorities[0]
    assert kept.trusted == kept.authorities == (new, old)
    for _ in range(10):
        assert not await look()
        assert kept.leaf.certificate == last.certificate, "not every API server may know the new one yet"
        wall.move(seconds=1)
    assert not await look()
    assert is_trusted(kept.leaf.certificate, [new], wall.now)
    for at in range(2):
        serve(*[kept.leaf, last][:at], last)  # replicas take it up one by one
        assert not await look()
        assert kept.trusted == (new, old)
    serve(kept.leaf, kept.leaf)
    assert not await look()
    assert kept.trusted == kept.authorities == (new,)
    assert await look()


@pytest.mark.parametrize("replica", ["has no address", "serves the old leaf"])
async def test_old_authority_stays_as_long_as_one_replica_is_not_seen_to_serve_the_new_leaf(
    rotation: Rotation, kept: KeptCertificates, wall: Wall, replicas: ServingReplicas, replica: str
) -> None:
    replicas.serve(kept.leaf, rotation.old if replica == "serves the old leaf" else None)
    for _ in range(3):
        wall.move(days=1)
        assert not await rotation.keeper.look()
        assert len(kept.trusted) == 2


async def test_pods_that_end_do_not_run_yet_or_are_no_replicas_hold_up_no_rotation(
    rotation: Rotation, api: ScriptedApi, kept: KeptCertificates, replicas: ServingReplicas
) -> None:
    replicas.serve(kept.leaf, None, None)
    api.edit(replicas.path(1), {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}})
    api.edit(replicas.path(2), {"status": {"phase": "Pending"}})
    api.edit(replicas.path(3), {"metadata": {"labels": {"app": "other"}}, "status": {"phase": "Running"}})
    await rotation.keeper.look()
    assert len(kept.trusted) == 1


@pytest.mark.parametrize("webhooks", [1, 2])
async def test_new_authority_that_is_taken_out_of_a_bundle_has_its_time_counted_anew(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall, webhooks: int
) -> None:
    old, only_old = kept.leaf, kept.webhooks
    api.edit(SECRET, {"data": {"ca.key": None}})
    await settled.look()
    for bundles_then in (only_old, None):
        await settled.look()
        wall.move(seconds=9)
        await settled.look()
        assert kept.leaf.certificate == old.certificate
        if bundles_then:  # as a rollback does
            api.edit(CONFIGURATION, {"webhooks": [*kept.webhooks[:-webhooks], *bundles_then[-webhooks:]]})
            await settled.look()
    wall.move(seconds=1)
    await settled.look()
    assert kept.leaf.certificate != old.certificate


async def test_authority_of_another_process_is_given_its_time_too(
    settled: CertificateKeeper, api: ScriptedApi, kept: KeptCertificates, wall: Wall
) -> None:
    old, theirs = kept.leaf, new_authority(wall.now, TIMES.authority)
    authorities = (theirs.certificate, *kept.authorities)
    api.edit(SECRET, {"data": data_of(Held(authorities, theirs.key, old))})
    webhooks = [
        each | {"clientConfig": each["clientConfig"] | {"caBundle": bundle_of(authorities)}}
        for each in kept.webhooks
    ]
    api.edit(CONFIGURATION, {"webhooks": webhooks})
    await settled.look()
    assert kept.leaf.certificate == old.certificate
    wall.move(seconds=10)
    await settled.look()
    assert is_trusted(kept.leaf.certificate, [theirs.certificate], wall.now)
