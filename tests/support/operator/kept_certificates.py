"""The Secret and the configuration that the keeper of certificates looks after, on a scripted API server."""

from typing import Any, NamedTuple

from cryptography import x509
from support.operator.scripted.api import ScriptedApi

from claude_operator.certificates.issue import Pair
from claude_operator.certificates.secret import Held, bundle_in, held_in
from claude_operator.reconcile.certificates import CertificateKeeper

SECRET = "/api/v1/namespaces/ours/secrets/hook-certificate"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/hook"


class KeptCertificates:
    """What they hold, and the deeds of others."""

    def __init__(self, api: ScriptedApi) -> None:
        self._api = api

    def configure(self) -> None:
        """Install two webhooks whose bundles are empty, or take what these hold away."""
        client = {"service": {"name": "hook", "namespace": "ours"}}
        webhooks = [{"name": name, "clientConfig": client, "sideEffects": "None"} for name in ("a", "b")]
        self._api.edit(CONFIGURATION, {"webhooks": webhooks})

    @property
    def webhooks(self) -> list[dict[str, Any]]:
        return list(self._api.at(CONFIGURATION)["webhooks"])

    @property
    def held(self) -> Held:
        """What the Secret holds."""
        return held_in((self._api.at(SECRET) or {}).get("data"))

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        return self.held.authorities

    @property
    def leaf(self) -> Pair:
        found = self.held.leaf
        assert found is not None
        return found

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """What API servers trust, the same for each webhook."""
        (bundle,) = {each["clientConfig"].get("caBundle") for each in self.webhooks}
        return bundle_in(bundle)


class Rotation(NamedTuple):
    """One under way: there is a leaf of a new authority, and replicas serve the old one yet."""

    keeper: CertificateKeeper
    old: Pair
