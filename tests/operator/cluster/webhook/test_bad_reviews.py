"""Reviews as large as there can be, and larger."""

import http.client
import ssl
from collections.abc import Callable
from typing import Any

from support.cluster.cluster import Cluster
from support.operator.webhook_process import PORT, has_sidecar

MakePod = Callable[..., Any]
# API servers take no request over 3 MiB.
LARGE = int(2.9 * 2**20)


def test_pod_as_large_as_api_servers_take_is_injected(webhook: Any, make_pod: MakePod) -> None:
    large = {"name": "app", "image": "localhost/none:1", "args": ["x" * LARGE]}
    assert has_sidecar(make_pod(dry_run=True, spec={"containers": [large]}))


def test_edit_of_a_workload_as_large_as_that_has_both_objects_in_its_review(
    webhook: Any, cluster: Cluster, namespace: str
) -> None:
    labels = {"app": "web"}
    # etcd keeps no more than this.
    container = {"name": "app", "image": "localhost/none:1", "args": ["x" * int(1.4 * 2**20)]}
    web: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"claude-sidecar.dev/policy": "production"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    cluster.request("POST", path, web).expect()
    container["args"] = ["y" * LARGE]
    web["metadata"]["annotations"] = {"claude-sidecar.dev/policy": "other"}
    edited = cluster.request("PUT", f"{path}/web?dryRun=All", web).expect()
    annotations = edited["spec"]["template"]["metadata"]["annotations"]
    assert annotations["claude-sidecar.dev/policy"] == "other"


def test_body_over_the_bound_is_refused_by_a_replica_that_goes_on(webhook: Any, make_pod: MakePod) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    for address in webhook.addresses:
        connection = http.client.HTTPSConnection(address, PORT, context=trusting, timeout=30)
        connection.request("POST", "/mutate", b"[" * (9 << 20))
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (400, b"the body is longer than 8388608 bytes\n")
        connection.close()
    assert has_sidecar(make_pod(dry_run=True))
