"""Who makes certificates. Those of others are gone by, and the operator has no hand in them."""

import base64
import contextlib
import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from support.cluster.api_client import JSON_PATCH, MERGE_PATCH
from support.cluster.claude_policies import define
from support.cluster.cluster import NAMESPACES, Cluster
from support.cluster.helm import NAMESPACE, by_template, template
from support.cluster.waiting import until
from support.operator.forwarder import Forwarder
from support.operator.operator_process import operator_process
from support.operator.rights import RECONCILE, WEBHOOK, may
from support.operator.webhook_process import PODS, PORT, fresh_addresses, has_sidecar, is_ready, replica
from support.release.chart_values import FLAGS

pytestmark = pytest.mark.helm

HERE = f"{NAMESPACES}/{NAMESPACE}"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/claude-sidecar"
HOST = f"claude-sidecar-webhook.{NAMESPACE}.svc"
POD = {
    "metadata": {"generateName": "p-", "annotations": {"claude-sidecar.dev/policy": "production"}},
    "spec": {"containers": [{"name": "app", "image": "localhost/none:1"}]},
}


class Made(NamedTuple):
    """A certificate, its key, and what is to be trusted for it, in PEM."""

    certificate: bytes
    key: bytes
    authority: bytes


def by_a_company(host: str = HOST) -> Made:
    """One with an intermediate, as a company's authority gives."""
    root = trustme.CA()
    leaf = root.create_child_ca().issue_cert(host)
    chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
    return Made(chain, leaf.private_key_pem.bytes(), root.cert_pem.bytes())


def self_signed() -> Made:
    """One like those of cert-manager's self-signed issuer: no authority, and trusted for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "claude-sidecar-webhook")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return Made(pem, key.private_bytes(serialization.Encoding.PEM, form, plain), pem)


MAKERS = {"Given": by_a_company, "CertManager": self_signed}
OPTIONS = ("--secret=", "--configuration=", "--webhook-", "--no-webhook-")
"""Of both processes, those about certificates."""


class Chart:
    """What the chart renders, put into a cluster part by part."""

    def __init__(
        self,
        cluster: Cluster,
        stack: contextlib.ExitStack,
        mode: str,
        made: Made | None = None,
        port: int = PORT,
    ) -> None:
        self.cluster, self.mode, self.made, self.port, self._stack = cluster, mode, made, port, stack
        (self.address,) = fresh_addresses(1)
        self._forwarder = stack.enter_context(Forwarder([(self.address, port)]).running())
        given = {"caBundle": _text(made.authority)} if made and mode == "Given" else {}
        webhook = {"port": port, "certificate": {"mode": mode, "secretName": "hook", **given}}
        self.parts = by_template(template({"webhook": webhook}, *FLAGS))

    def install(self) -> None:
        """Accounts, rights, the configuration, and what others than the operator make."""
        for part in ("serviceaccounts", "reconcile-rbac", "webhook-rbac"):
            self.cluster.apply(self.parts[part], namespace=NAMESPACE)
        (configuration,) = copy.deepcopy(self.parts["webhook-configuration"])
        for webhook in configuration["webhooks"]:
            webhook["clientConfig"]["service"]["port"] = self._forwarder.port
        self.cluster.apply(configuration)
        if self.made:
            self.keep(self.made)
        if self.made and self.mode == "CertManager":
            assert configuration["metadata"]["annotations"] == {
                "cert-manager.io/inject-ca-from": f"{NAMESPACE}/claude-sidecar-webhook"
            }
            self.trust(self.made)

    def keep(self, made: Made) -> None:
        """Put a certificate into the Secret that the values name."""
        data = {"tls.crt": _text(made.certificate), "tls.key": _text(made.key)}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"}, "data": data}
        self.cluster.apply({**secret, "type": "kubernetes.io/tls"}, namespace=NAMESPACE)

    def trust(self, made: Made) -> None:
        """Write `caBundle`, as cert-manager's injector does."""
        changes = [
            {"op": "add", "path": f"/webhooks/{at}/clientConfig/caBundle", "value": _text(made.authority)}
            for at in range(3)
        ]
        kind = JSON_PATCH
        self.cluster.request("PATCH", CONFIGURATION, changes, content_type=kind).expect()

    def start(self, component: str) -> Any:
        """Start a process under its own rights with what the chart says of certificates."""
        (deployment,) = [each for each in self.parts[component] if each["kind"] == "Deployment"]
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        options = [each for each in container["args"] if each.startswith(OPTIONS)]
        account = self.cluster.kubeconfig_for_service_account(NAMESPACE, f"claude-sidecar-{component}")
        if component == "webhook":
            self._stack.enter_context(pod_of(self.cluster, self.address, deployment))
            listens = f"--port={self.port}"
            return self._stack.enter_context(replica(account, self.address, listens, *options))
        return self._stack.enter_context(operator_process(account, NAMESPACE, *options))

    def trusted(self) -> list[x509.Certificate]:
        """The authorities in `caBundle`."""
        webhooks = self.cluster.request("GET", CONFIGURATION).expect()["webhooks"]
        (bundle,) = {each["clientConfig"].get("caBundle", "") for each in webhooks}
        return x509.load_pem_x509_certificates(base64.b64decode(bundle)) if bundle else []

    def injects(self) -> bool:
        """Whether the API server trusts the replica, which then puts a sidecar into a pod."""
        path = f"{NAMESPACES}/default/pods?dryRun=All"
        return has_sidecar(self.cluster.request("POST", path, POD).expect())


@contextlib.contextmanager
def pod_of(cluster: Cluster, address: str, deployment: Any) -> Iterator[None]:
    """The object that a replica's pod would be."""
    pod = {"metadata": {"name": "replica", "labels": deployment["spec"]["template"]["metadata"]["labels"]}}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", **pod, "spec": POD["spec"]}, namespace=NAMESPACE)
    status = {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}
    cluster.request("PATCH", f"{PODS}/replica/status", status, content_type=MERGE_PATCH).expect()
    try:
        yield
    finally:
        cluster.request("DELETE", f"{PODS}/replica?gracePeriodSeconds=0").expect()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def stack(cluster: Cluster) -> Iterator[contextlib.ExitStack]:
    """A place for a chart's parts; all that it does not end itself is gone afterwards."""
    define(cluster)
    cluster.request("POST", NAMESPACES, {"metadata": {"name": NAMESPACE}}).expect(201, 409)
    # An API server without kube-proxy reaches a Service only by the name that it stands for.
    service = {
        "metadata": {"name": "claude-sidecar-webhook"},
        "spec": {"type": "ExternalName", "externalName": "127.0.0.1"},
    }
    cluster.request("POST", f"{HERE}/services", service).expect(201, 409)
    with contextlib.ExitStack() as found:
        for what in (CONFIGURATION, f"{HERE}/secrets/hook"):
            found.callback(cluster.request, "DELETE", what)
        yield found


@pytest.fixture(params=MAKERS)
def chart(request: pytest.FixtureRequest, cluster: Cluster, stack: contextlib.ExitStack) -> Chart:
    """The chart with certificates of others, in both ways."""
    return Chart(cluster, stack, request.param, MAKERS[request.param]())


def test_certificate_of_others_is_served_trusted_and_renewed_without_a_restart(chart: Chart) -> None:
    chart.install()
    webhook = chart.start("webhook")
    until(lambda: is_ready(chart.address), "the replica is ready")
    until(chart.injects, "the API server trusts it")
    before = webhook.wait_until_said("certificate in use")["serial"]
    renewed = MAKERS[chart.mode]()
    chart.keep(renewed)
    chart.trust(renewed)
    until(lambda: _newest_serial(webhook) != before, "the new one is served")
    until(lambda: is_ready(chart.address), "the replica is ready again")
    until(chart.injects, "the API server trusts the new one")


def _newest_serial(webhook: Any) -> str:
    (*_, newest) = [line["serial"] for line in webhook.lines if line["message"] == "certificate in use"]
    return str(newest)


def test_certificate_for_another_name_is_told_and_makes_nobody_ready(
    cluster: Cluster, stack: contextlib.ExitStack
) -> None:
    elsewhere = "claude-sidecar-webhook.elsewhere.svc"
    chart = Chart(cluster, stack, "Given", by_a_company(elsewhere))
    chart.install()
    webhook = chart.start("webhook")
    line = webhook.wait_until_said("not ready")
    assert line["reason"] == f"the certificate in use is not for {HOST}, by which API servers ask"
    assert not is_ready(chart.address)
    right = by_a_company()
    chart.keep(right)
    chart.trust(right)
    until(lambda: is_ready(chart.address), "the replica is ready with the right one")


def test_operator_leaves_certificates_of_others_alone_and_may_not_touch_them(chart: Chart) -> None:
    chart.install()
    before = chart.cluster.request("GET", f"{HERE}/secrets/hook").expect()
    reconcile = chart.start("reconcile")
    until(lambda: reconcile.probe("/readyz")[0] == 200, "the reconciler is ready")
    assert reconcile.said("certificates not looked after") is None
    assert reconcile.said("certificate step") is None
    assert chart.cluster.request("GET", f"{HERE}/secrets/hook").expect() == before
    configuration = ("mutatingwebhookconfigurations", "admissionregistration.k8s.io")
    for verb in ("get", "list", "create", "update", "patch", "delete"):
        assert not may(chart.cluster, RECONCILE, verb, "secrets", namespace=NAMESPACE), verb
        assert not may(chart.cluster, RECONCILE, verb, "secrets", namespace=NAMESPACE, name="hook"), verb
        assert not may(chart.cluster, RECONCILE, verb, *configuration, name="claude-sidecar"), verb


def test_nothing_but_the_certificate_of_its_secret_may_be_read_by_the_webhook(chart: Chart) -> None:
    chart.install()

    def may_watch(**named: str) -> bool:
        return may(chart.cluster, WEBHOOK, "watch", "secrets", namespace=NAMESPACE, **named)

    until(lambda: may_watch(name="hook"), "the rights are in force")
    assert not may_watch(name="claude-operator-webhook")
    assert not may_watch()


def test_operators_rotation_comes_to_its_end_on_another_port(
    cluster: Cluster, stack: contextlib.ExitStack
) -> None:
    chart = Chart(cluster, stack, "Operator", port=9443)
    chart.install()
    chart.start("webhook")
    chart.start("reconcile")
    until(lambda: is_ready(chart.address), "the replica is ready")
    until(chart.injects, "the API server trusts it")
    (old,) = chart.trusted()
    cluster.request("DELETE", f"{HERE}/secrets/hook").expect()
    until(lambda: len(chart.trusted()) == 2, "a new authority is trusted as well")
    until(lambda: len(chart.trusted()) == 1, "what the replica serves is seen", seconds=60)
    assert chart.trusted() != [old]
    assert is_ready(chart.address)
