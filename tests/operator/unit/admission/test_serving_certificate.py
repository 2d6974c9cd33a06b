"""Which leaf a replica serves while Secret and configuration change under it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from claude_operator.admission.serving_certificate import ServingCertificate
from claude_operator.certificates.issue import Pair, new_authority, new_leaf
from claude_operator.certificates.secret import Held, bundle_of, data_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)
YEAR, MONTH = timedelta(days=365), timedelta(days=30)


def leaf_of(authority: Pair, host: str = "hook.ns.svc") -> dict[str, str]:
    """A Secret with a fresh leaf of this authority."""
    leaf = new_leaf(authority, (host,), NOW, MONTH)
    return data_of(Held((authority.certificate,), authority.key, leaf))


@pytest.fixture
def authorities() -> tuple[Pair, Pair]:
    """An old authority and a new one."""
    return new_authority(NOW, YEAR), new_authority(NOW, YEAR)


def test_first_leaf_is_taken_whoever_trusts_it(authorities: tuple[Pair, Pair]) -> None:
    serving = ServingCertificate()
    serving.offer(leaf_of(authorities[0]), None, NOW)
    assert serving.chain
    assert not serving.is_trusted(None, NOW)
    assert not serving.is_trusted([], NOW)
    assert serving.is_trusted([bundle_of([authorities[0].certificate])], NOW)


@pytest.mark.parametrize(
    ("name", "is_for"),
    [
        ("hook.ns.svc", True),
        ("HOOK.ns.svc", True),
        ("*.ns.svc", True),
        ("hook.other.svc", False),
        ("*.svc", False),
        ("hook.ns.svc.cluster.local", False),
    ],
)
def test_leaf_is_trusted_for_its_own_hosts_only(
    authorities: tuple[Pair, Pair], name: str, is_for: bool
) -> None:
    serving, bundles = ServingCertificate(), [bundle_of([authorities[0].certificate])]
    serving.offer(leaf_of(authorities[0], name), bundles, NOW, {"hook.ns.svc"})
    assert serving.is_trusted(bundles, NOW, {"hook.ns.svc"}) is is_for
    assert serving.strangers({"hook.ns.svc"}) == ([] if is_for else ["hook.ns.svc"])


UNREADABLE = {
    "CA:FALSE in full": ("2.5.29.19", bytes.fromhex("3003010100")),
    "a name that is no kind of name": ("2.5.29.17", bytes.fromhex("3004a3023000")),
    "an address of three bytes": ("2.5.29.17", bytes.fromhex("30058703010203")),
}


@pytest.mark.parametrize("extension", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_leaf_whose_extensions_only_others_can_read_is_served_and_trusted(
    authorities: tuple[Pair, Pair], extension: tuple[str, bytes]
) -> None:
    authority, oid, content = authorities[0], *extension
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), content)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .issuer_name(authority.certificate.subject)
        .subject_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + MONTH)
        .add_extension(odd, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    serving, bundles = ServingCertificate(), [bundle_of([authority.certificate])]
    serving.offer(
        data_of(Held((authority.certificate,), authority.key, Pair(leaf, key))), bundles, NOW, {"hook.ns.svc"}
    )
    assert serving.strangers({"hook.ns.svc"}) == []
    assert serving.is_trusted(bundles, NOW, {"hook.ns.svc"})


def test_leaf_for_its_host_stays_where_a_new_one_is_for_another(authorities: tuple[Pair, Pair]) -> None:
    serving, bundles = ServingCertificate(), [bundle_of([authorities[0].certificate])]
    serving.offer(leaf_of(authorities[0]), bundles, NOW, {"hook.ns.svc"})
    chain = serving.chain
    serving.offer(leaf_of(authorities[0], "hook.other.svc"), bundles, NOW, {"hook.ns.svc"})
    assert serving.chain == chain


def test_trusted_leaf_stays_until_the_new_one_is_trusted_too(authorities: tuple[Pair, Pair]) -> None:
    old, new = authorities
    serving, both = ServingCertificate(), bundle_of([new.certificate, old.certificate])
    only_old = [bundle_of([old.certificate])]
    serving.offer(leaf_of(old), only_old, NOW)
    chain, secret = serving.chain, leaf_of(new)
    serving.offer(secret, only_old, NOW)
    assert serving.chain == chain
    serving.offer(secret, [both, *only_old], NOW)  # one of the webhooks does not know it yet
    assert serving.chain == chain
    serving.offer(secret, [both, both], NOW)
    assert serving.chain != chain


def test_expired_leaf_gives_way_to_any_other(authorities: tuple[Pair, Pair]) -> None:
    serving, only_old = ServingCertificate(), [bundle_of([authorities[0].certificate])]
    serving.offer(leaf_of(authorities[0]), only_old, NOW)
    chain, later = serving.chain, NOW + MONTH + timedelta(days=1)
    assert not serving.is_trusted(only_old, later)
    serving.offer(leaf_of(authorities[1]), only_old, later)
    assert serving.chain != chain


def test_certificate_and_key_that_are_no_pair_change_nothing(authorities: tuple[Pair, Pair]) -> None:
    serving = ServingCertificate()
    good, other = leaf_of(authorities[0]), leaf_of(authorities[0])
    serving.offer(good, None, NOW)
    chain = serving.chain
    for key in (good["tls.key"], "", "%", base64.b64encode(b"no key").decode()):
        serving.offer({**other, "tls.key": key}, None, NOW)
        assert serving.chain == chain
    serving.offer(other, None, NOW)
    assert serving.chain != chain


def test_damaged_or_missing_certificate_changes_nothing() -> None:
    serving = ServingCertificate()
    for data in ({}, {"tls.crt": "%", "tls.key": ""}, {"tls.crt": base64.b64encode(b"x").decode()}):
        serving.offer(data, None, NOW)
    assert serving.chain == ()


@pytest.mark.parametrize("key_type", list(trustme.KeyType))
def test_secrets_that_others_made_are_served_intermediates_and_all_kinds_of_keys(
    key_type: trustme.KeyType,
) -> None:
    root = trustme.CA(key_type=key_type)
    leaf = root.create_child_ca(key_type=key_type).issue_cert("hook.ns.svc", key_type=key_type)
    data = {
        "tls.crt": base64.b64encode(b"".join(each.bytes() for each in leaf.cert_chain_pems)).decode(),
        "tls.key": base64.b64encode(leaf.private_key_pem.bytes()).decode(),
    }
    serving = ServingCertificate()
    serving.offer(data, None, NOW)
    assert len(serving.chain) == 2
    assert serving.is_trusted([base64.b64encode(root.cert_pem.bytes()).decode()], datetime.now(UTC))
