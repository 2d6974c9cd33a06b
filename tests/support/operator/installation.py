"""The operator's parts in a cluster: reconciler, webhook replicas, a Service that leads to them."""

import contextlib
from collections.abc import Iterator

from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.forwarder import Forwarder
from support.operator.installed import NAMESPACE, documents
from support.operator.operator_process import OperatorProcess, operator_process
from support.operator.webhook_process import PORT, fresh_addresses, has_sidecar, is_ready, pod_of, replica

from claude_operator import names

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/claude-operator-webhook"
TRIED_PODS = "/api/v1/namespaces/default/pods?dryRun=All"
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"


class Installation:
    """Parts of the operator that can be started and stopped one by one."""

    def __init__(self, cluster: Cluster, stack: contextlib.ExitStack) -> None:
        self.cluster, self._stack = cluster, stack
        *self.addresses, self.extra_address = fresh_addresses(3)
        self.forwarder = stack.enter_context(Forwarder([(each, PORT) for each in self.addresses]).running())
        for address in self.addresses:
            stack.enter_context(pod_of(cluster, address))
        self._account = cluster.kubeconfig_for_service_account

    def reconcile(self) -> OperatorProcess:
        """Start the reconciler, which looks after the certificates."""
        account = self._account(NAMESPACE, "claude-sidecar-reconcile")
        return self._stack.enter_context(operator_process(account, NAMESPACE))

    def replica(self, at: int) -> OperatorProcess:
        """Start one of the two replicas."""
        account = self._account(NAMESPACE, "claude-sidecar-webhook")
        return self._stack.enter_context(replica(account, self.addresses[at]))

    def extra_replica(self) -> OperatorProcess:
        """Start a third replica, which no Service leads to."""
        account = self._account(NAMESPACE, "claude-sidecar-webhook")
        return self._stack.enter_context(replica(account, self.extra_address))

    def configure(self, timeout_s: int = 30) -> None:
        """Install the configuration as it is shipped, but for the port of the Service and the timeout.

        timeout_s: so long that no pod goes without a sidecar only because the machine is busy.
        """
        # An API server without kube-proxy reaches a Service only by the name that it stands for.
        service = {
            "metadata": {"name": "claude-sidecar-webhook"},
            "spec": {"type": "ExternalName", "externalName": "127.0.0.1"},
        }
        self.cluster.request("POST", SERVICES, service).expect(201, 409)
        (configuration,) = documents("webhook-configuration")
        for webhook in configuration["webhooks"]:
            webhook["clientConfig"]["service"]["port"] = self.forwarder.port
            webhook["timeoutSeconds"] = timeout_s
        self.cluster.apply(configuration)

    def wait_until_ready(self) -> None:
        """Both replicas say that API servers trust them, and this API server does."""
        until(lambda: all(is_ready(address) for address in self.addresses), "both replicas are ready")
        until(self._injects, "the API server knows the webhook's bundle")

    def _injects(self) -> bool:
        """Whether a pod that is only tried gets a sidecar."""
        pod = {
            "metadata": {"name": "tried", "annotations": {names.POLICY: "production"}},
            "spec": {"containers": [{"name": "app", "image": "localhost/none:1"}]},
        }
        return has_sidecar(self.cluster.request("POST", TRIED_PODS, pod).expect())

    def remove(self) -> None:
        """Leave nothing that the next test would stumble over."""
        with contextlib.suppress(OSError):
            self.cluster.request("DELETE", f"{CONFIGURATIONS}/claude-sidecar").expect(200, 404)
            self.cluster.request("DELETE", SECRET).expect(200, 404)
            self.cluster.request("DELETE", f"{SERVICES}/claude-sidecar-webhook").expect(200, 404)


@contextlib.contextmanager
def installation(cluster: Cluster) -> Iterator[Installation]:
    """Nothing runs yet; all is gone at the end of the block."""
    with contextlib.ExitStack() as stack:
        found = Installation(cluster, stack)
        stack.callback(found.remove)
        yield found
