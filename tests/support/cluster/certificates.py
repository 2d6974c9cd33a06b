"""A certificate authority for one cluster, kept in its folder."""

import datetime
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOSTS = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
ADDRESSES = ("127.0.0.1", "10.96.0.1")


def write_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """A new private key, in PEM at *path*."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return key


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """A key that `write_key` wrote."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def subject(user: str, groups: Iterable[str] = ()) -> x509.Name:
    """How Kubernetes reads a name: user from CN, groups from O."""
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])


class Authority:
    """`folder/ca.crt` and `folder/ca.key` are its own: made, or those that are there.

    Args:
        folder: also for what it signs
        days: how long that holds
    """

    def __init__(self, folder: Path, *, days: int = 1) -> None:
        self.folder, self._days = folder, days
        self.certificate, self.key = folder / "ca.crt", folder / "ca.key"
        self._name = subject("claude-sidecar test cluster")
        if self.certificate.exists():
            self._key = read_key(self.key)
            return
        self._key = write_key(self.key)
        own = x509.BasicConstraints(ca=True, path_length=None)
        self._write(self.certificate, self._unsigned(self._name, self._key.public_key(), own))

    def server(self, name: str, *more_addresses: str) -> tuple[Path, Path]:
        """Certificate and key of a server on this machine that may also be asked by its name in a cluster."""
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in (*HOSTS, name)]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in (*ADDRESSES, *more_addresses)]
        return self._issue(
            name, subject(name), ExtendedKeyUsageOID.SERVER_AUTH, x509.SubjectAlternativeName(names)
        )

    def client(self, file_name: str, user: str, groups: Iterable[str]) -> tuple[Path, Path]:
        """Certificate and key with which somebody is *user* in *groups*."""
        return self._issue(file_name, subject(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self, file_name: str, name: x509.Name, purpose: x509.ObjectIdentifier, *more: x509.ExtensionType
    ) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{file_name}.crt", self.folder / f"{file_name}.key"
        public = write_key(key).public_key()
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        self._write(
            certificate, self._unsigned(name, public, constraints, x509.ExtendedKeyUsage([purpose]), *more)
        )
        return certificate, key

    def _unsigned(
        self, name: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=self._days))
        )
        for extension in extensions:
            critical = isinstance(extension, x509.BasicConstraints)
            builder = builder.add_extension(extension, critical=critical)
        return builder

    def _write(self, path: Path, builder: x509.CertificateBuilder) -> None:
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
