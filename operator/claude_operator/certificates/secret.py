"""The Secret that holds authorities and leaf, and the bundles that API servers are given."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from claude_operator.certificates.issue import Pair

CA, CA_KEY, LEAF, LEAF_KEY = "ca.crt", "ca.key", "tls.crt", "tls.key"


@dataclass(frozen=True, slots=True)
class Held:
    """What the Secret holds. authorities: the newest first; key: the newest's, None if unusable."""

    authorities: tuple[x509.Certificate, ...] = ()
    key: ec.EllipticCurvePrivateKey | None = None
    leaf: Pair | None = None


def held_in(data: Mapping[str, str] | None) -> Held:
    """Read a Secret's data; what is missing or damaged is absent from the result."""
    text = {name: decoded(value) for name, value in (data or {}).items()}
    authorities = certificates_in(text.get(CA, b""))
    key = _key(text.get(CA_KEY, b""))
    if not authorities or key is None or not _belongs(authorities[0], key):
        key = None
    return Held(authorities, key, leaf_in(text.get(LEAF, b""), text.get(LEAF_KEY, b"")))


def leaf_in(certificate: bytes, key: bytes) -> Pair | None:
    """A leaf and its key from PEM; None where one is damaged or they are not a pair."""
    chain, read = certificates_in(certificate), _key(key)
    if not chain or read is None or not _belongs(chain[0], read):
        return None
    return Pair(chain[0], read)


def data_of(held: Held) -> dict[str, str]:
    """A Secret's data, to be read by `held_in`; without a leaf there are no keys for one."""
    found = {CA: pem(held.authorities)}
    if held.key is not None:
        found[CA_KEY] = key_pem(held.key)
    if held.leaf is not None:
        found |= {LEAF: pem([held.leaf.certificate]), LEAF_KEY: key_pem(held.leaf.key)}
    return {name: base64.b64encode(text).decode() for name, text in found.items()}


def certificates_in(content: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text; none where it is damaged."""
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError:
        return ()


def bundle_in(encoded: object) -> tuple[x509.Certificate, ...]:
    """The certificates of a webhook's `caBundle`; none where it is absent or damaged."""
    return certificates_in(decoded(encoded))


def bundle_of(authorities: Iterable[x509.Certificate]) -> str:
    """A `caBundle`."""
    return base64.b64encode(pem(authorities)).decode()


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Certificates as text, one after the other."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as text."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def decoded(value: object) -> bytes:
    """A value of a Secret as it is meant; empty where it is absent or damaged."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _key(content: bytes) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _belongs(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
