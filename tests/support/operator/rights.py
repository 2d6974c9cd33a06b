"""What accounts may do, as the API server says when it is asked."""

from support.cluster.cluster import Cluster
from support.cluster.helm import NAMESPACE

RECONCILE = f"system:serviceaccount:{NAMESPACE}:claude-sidecar-reconcile"
WEBHOOK = f"system:serviceaccount:{NAMESPACE}:claude-sidecar-webhook"


def may(cluster: Cluster, user: str, verb: str, resource: str, group: str = "", **more: str) -> bool:
    """Whether a user may do something; more: namespace, name, subresource."""
    asked = {"verb": verb, "resource": resource, "group": group, **more}
    body = {"spec": {"user": user, "resourceAttributes": asked}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    allowed: bool = cluster.request("POST", path, body).expect()["status"]["allowed"]
    return allowed
