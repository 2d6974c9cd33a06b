"""Objects of the end-to-end tests that run our own test programs under Pod Security "restricted"."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).with_name("programs")
APP_IMAGE = "localhost/claude-app:1"
PORT = 8000
USER = 65532
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Labels of a namespace that takes no pods but restricted ones."""

POD_SECURITY = {"runAsNonRoot": True, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def variables(environ: Mapping[str, str]) -> list[dict[str, str]]:
    """A container's `env`."""
    return [{"name": name, "value": value} for name, value in environ.items()]


def program_map(name: str) -> dict[str, Any]:
    """The ConfigMap with a program of ours."""
    file = PROGRAMS / f"{name}.py"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"program-{name}"},
        "data": {file.name: file.read_text()},
    }


def program_pod(name: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The spec of a pod whose container `app` runs a program of ours."""
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 20,
        "securityContext": POD_SECURITY,
        "volumes": [{"name": "program", "configMap": {"name": f"program-{name}"}}],
        "containers": [
            {
                "name": "app",
                "image": APP_IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", f"/program/{name}.py"],
                "env": variables({"PYTHONUNBUFFERED": "1", **environ}),
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": [{"name": "program", "mountPath": "/program"}],
                "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": PORT}, "periodSeconds": 1},
            }
        ],
    }


def deployment(name: str, spec: Mapping[str, Any], *, replicas: int = 1) -> dict[str, Any]:
    """A Deployment of pods with this spec, labelled `app: NAME`."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": dict(spec)},
        },
    }


def service(name: str, port: int, *, app: str) -> dict[str, Any]:
    """A Service that leads to the pods labelled `app: APP`."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": [{"port": port, "targetPort": port}]},
    }
