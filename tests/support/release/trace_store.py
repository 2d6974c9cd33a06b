"""A real Jaeger in the cluster, under the image's name that the quickstart uses."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support.cluster.waiting import until
from support.cluster.whole.images import program_archive
from support.cluster.whole.whole_cluster import WholeCluster
from support.release.manifests import CONTAINER_SECURITY, POD_SECURITY, RESTRICTED, deployment
from support.release.rollout import roll_out
from support.telemetry.jaeger import Jaeger, program

IMAGE = "docker.io/jaegertracing/jaeger:2.13.0"
OTLP_PORT, QUERY_PORT = 4318, 16686


def archive() -> Path:
    """The image around the program that was built from Go modules: no registry is needed."""
    return program_archive(program(), IMAGE)


@contextlib.contextmanager
def trace_store(cluster: WholeCluster) -> Iterator[Jaeger]:
    """One that pods reach by its Service's address, and this machine as well, until the end of the block."""
    cluster.import_image(archive())
    namespace = cluster.namespace(labels=RESTRICTED, prefix="traces")
    try:
        pod = {
            "automountServiceAccountToken": False,
            "securityContext": POD_SECURITY,
            "containers": [
                {
                    "name": "jaeger",
                    "image": IMAGE,
                    "env": [{"name": "JAEGER_LISTEN_HOST", "value": "0.0.0.0"}],
                    "securityContext": CONTAINER_SECURITY,
                }
            ],
        }
        ports = [{"name": f"p{port}", "port": port} for port in (OTLP_PORT, QUERY_PORT)]
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "jaeger"},
            "spec": {"selector": {"app": "jaeger"}, "ports": ports},
        }
        cluster.apply([deployment("jaeger", pod), service], namespace=namespace)
        roll_out(cluster, namespace, "jaeger")
        seen = cluster.api.get(f"/api/v1/namespaces/{namespace}/services/jaeger")
        found = Jaeger(seen["spec"]["clusterIP"], OTLP_PORT, QUERY_PORT)
        until(found.is_ready, "Jaeger answers through its Service")
        yield found
    finally:
        cluster.remove_namespace(namespace)
