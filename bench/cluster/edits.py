"""From the edit of a policy to its being in force in each of its pods, as the sidecars' logs have it."""

import json
import time
from datetime import datetime
from typing import Any

from support.cluster.api_client import MERGE_PATCH
from support.cluster.claude_policies import POLICIES
from support.cluster.waiting import until
from support.release.shop import Shop


def until_in_force(shop: Shop, pods: list[dict[str, Any]], attempts: int, *, within_s: float) -> list[float]:
    """Edit the policy so that `maxAttempts` is new; seconds until each pod's sidecar runs another hash.

    No sidecar is asked meanwhile: on a machine with few cores the asking would be part of what is measured.
    """
    policy = f"{POLICIES.format(shop.namespace)}/production"
    edit = {"spec": {"retry": {"maxAttempts": attempts}}}
    began = time.time()
    shop.cluster.request("PATCH", policy, edit, content_type=MERGE_PATCH).expect()
    everywhere = f"{len(pods)}/{len(pods)}"
    until(lambda: _in_force(shop) == everywhere, "the edit is in force everywhere", seconds=within_s)
    return [_taken_up(shop, pod) - began for pod in pods]


def _in_force(shop: Shop) -> str:
    """Current and total pods of the policy as it is now; empty until the operator has seen that."""
    policy = shop.policies.get()
    status = policy.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    programmed = conditions.get("Programmed") or {}
    if programmed.get("observedGeneration") != policy["metadata"]["generation"]:
        return ""
    return f"{status['pods']['current']}/{status['pods']['total']}" if programmed["status"] == "True" else ""


def _taken_up(shop: Shop, pod: dict[str, Any]) -> float:
    """When the sidecar in a pod took up its last policy, in seconds since the epoch."""
    path = f"/api/v1/namespaces/{shop.namespace}/pods/{pod['metadata']['name']}/log?container=claude-sidecar"
    lines = map(json.loads, str(shop.cluster.request("GET", path).expect()).splitlines())
    *_, last = (line["time"] for line in lines if line["message"] == "policy in force")
    return datetime.fromisoformat(last).timestamp()
