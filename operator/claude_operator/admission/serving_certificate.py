"""The leaf that a webhook replica serves: changed while it serves, and never for one that is trusted less."""

import logging
import ssl
import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from cryptography import x509

from claude_operator.certificates.secret import LEAF, LEAF_KEY, bundle_in, certificates_in, decoded
from claude_operator.certificates.trust import is_chain_trusted, is_for
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)


class ServingCertificate:
    """A TLS context and the chain in it; connections that are open already are not touched by a change."""

    def __init__(self) -> None:
        self.tls = _server_context()
        self.chain: tuple[x509.Certificate, ...] = ()
        self._refused: tuple[bytes, bytes] | None = None

    def offer(
        self,
        data: Mapping[str, str],
        bundles: Sequence[object] | None,
        now: datetime,
        hosts: Collection[str] = (),
    ) -> None:
        """Take the leaf of a Secret, unless the one in use is trusted and this one is not yet.

        data: of the Secret, whoever wrote it; bundles: what the live configuration trusts, by webhook; hosts:
        what API servers ask for by it.
        """
        certificate, key = decoded(data.get(LEAF)), decoded(data.get(LEAF_KEY))
        chain = certificates_in(certificate)
        if not chain or chain == self.chain or (certificate, key) == self._refused:
            return
        if self.is_trusted(bundles, now, hosts) and not _trusted(chain, bundles, now, hosts):
            return
        facts = {"serial": f"{chain[0].serial_number:x}", "until": chain[0].not_valid_after_utc.isoformat()}
        try:
            _load(_server_context(), certificate, key)  # a try-out: a bad pair must not spoil the one in use
            _load(self.tls, certificate, key)
        except (ssl.SSLError, ValueError):
            self._refused = (certificate, key)
            event(logger, logging.ERROR, "certificate and key are no pair", **facts)
            return
        self.chain = chain
        event(logger, logging.INFO, "certificate in use", **facts)

    def is_trusted(
        self, bundles: Sequence[object] | None, now: datetime, hosts: Collection[str] = ()
    ) -> bool:
        """Whether API servers accept the leaf in use, for each webhook of the configuration."""
        return bool(self.chain) and _trusted(self.chain, bundles, now, hosts)

    def strangers(self, hosts: Collection[str]) -> list[str]:
        """Those of these hosts that the leaf in use is not for."""
        return [host for host in sorted(hosts) if self.chain and not is_for(self.chain[0], host)]


def _trusted(
    chain: tuple[x509.Certificate, ...],
    bundles: Sequence[object] | None,
    now: datetime,
    hosts: Collection[str],
) -> bool:
    known = bool(bundles) and all(is_chain_trusted(chain, bundle_in(each), now) for each in bundles or ())
    return known and all(is_for(chain[0], host) for host in hosts)


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:  # ssl takes files only; this one is ours alone
        file.write(key + b"\n" + certificate)
        file.flush()
        # An encrypted key would be asked for on the terminal.
        context.load_cert_chain(file.name, password=b"")
