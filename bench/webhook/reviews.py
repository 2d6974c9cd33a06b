"""Reviews as API servers send them, from a bare pod to one that a mesh has worked on already."""

import json
from typing import Any

POLICY = "claude-sidecar.dev/policy"
POLICIES = {
    "production": {
        "routes": [
            {"name": f"r{at}", "credential": {"secretKeyRef": {"name": f"team-{at % 3}", "key": "k"}}}
            for at in range(8)
        ]
    }
}


def reviews() -> list[bytes]:
    """One of each kind; a load goes round."""
    return [
        _review("", "Pod", _pod(1)),
        _review("", "Pod", _pod(3, inits=2)),
        _review("", "Pod", _pod(5, inits=4, mesh=True)),
        _review("apps", "Deployment", _deployment()),
    ]


def _review(group: str, kind: str, obj: dict[str, Any]) -> bytes:
    whole = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": obj,
            "oldObject": None,
        },
    }
    return json.dumps(whole).encode()


def _pod(apps: int, inits: int = 0, mesh: bool = False) -> dict[str, Any]:
    front = [_container("istio-init"), {**_container("istio-proxy"), "restartPolicy": "Always"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "web-7d4b9c-",
            "labels": {f"label-{at}": "value" for at in range(10)},
            "annotations": {
                POLICY: "production",
                **{f"example.com/note-{at}": "x" * 100 for at in range(20)},
            },
            "managedFields": [{"manager": "controller", "fieldsV1": {f"f:{at}": {} for at in range(100)}}],
        },
        "spec": {
            "initContainers": [*(front if mesh else ()), *(_container(f"init-{at}") for at in range(inits))],
            "containers": [_container(f"app-{at}") for at in range(apps)],
            "volumes": [{"name": f"volume-{at}", "emptyDir": {}} for at in range(10)],
        },
    }


def _container(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": "registry.example/app:1",
        "env": [{"name": f"VARIABLE_{at}", "value": "x" * 40} for at in range(30)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": f"volume-{at}", "mountPath": f"/mnt/{at}"} for at in range(10)],
    }


def _deployment() -> dict[str, Any]:
    pod = _pod(3, inits=1)
    template = {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {POLICY: "production"}},
        "spec": {"replicas": 3, "template": template},
    }
