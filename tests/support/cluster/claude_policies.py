"""ClaudePolicy in a cluster of the tests: the definition of this tree, applied and served."""

from typing import Any

import yaml
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.project import ROOT

DEFINITION = ROOT / "crds" / "claude-sidecar.dev_claudepolicies.yaml"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/claude-sidecar.dev/v1alpha1/namespaces/{}/claudepolicies"
"""Path of a namespace's policies."""


def define(cluster: Cluster) -> dict[str, Any]:
    """Apply the definition and wait until policies can be listed; returns it as the server shows it.

    It may be there already, and it stays: other tests of the same cluster want it too.
    """
    wanted = yaml.safe_load(DEFINITION.read_text())
    cluster.apply(wanted)
    path = f"{DEFINITIONS}/{wanted['metadata']['name']}"

    def established() -> dict[str, Any] | None:
        shown: dict[str, Any] = cluster.request("GET", path).expect()
        states = {each["type"]: each["status"] for each in (shown["status"].get("conditions") or ())}
        served = cluster.request("GET", POLICIES.format("default")).status == 200
        return shown if states.get("Established") == "True" and served else None

    return until(established, "ClaudePolicy is served") or {}


def policy(spec: Any, name: str = "p") -> dict[str, Any]:
    """A policy with this spec, to be sent."""
    return {
        "apiVersion": "claude-sidecar.dev/v1alpha1",
        "kind": "ClaudePolicy",
        "metadata": {"name": name},
        "spec": spec,
    }
