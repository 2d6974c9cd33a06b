"""From the edit of a policy to its being in force in each of its pods, as the sidecars themselves tell."""

import concurrent.futures
import http.client
import json
import time
from typing import Any

from deployed.app import App
from deployed.shop import Shop

_ASK_EVERY_S = 0.02


def until_in_force(shop: Shop, app: App, attempts: int, *, within_s: float) -> list[float]:
    """Edit the policy so that `maxAttempts` is new; seconds until each pod's sidecar runs another hash."""
    pods = app.pods()
    with concurrent.futures.ThreadPoolExecutor(len(pods)) as askers:
        before = [_hash(pod) for pod in pods]
        shop.policies.apply(**shop.two_routes(retry={"maxAttempts": attempts}))
        began = time.monotonic()
        waits = [
            askers.submit(_until_other, pod, was, began, within_s)
            for pod, was in zip(pods, before, strict=True)
        ]
        return [each.result() for each in waits]


def _until_other(pod: dict[str, Any], was: str, began: float, within_s: float) -> float:
    while _hash(pod) == was:
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"the edit did not reach {pod['metadata']['name']} within {within_s:g} s")
        time.sleep(_ASK_EVERY_S)
    return time.monotonic() - began


def _hash(pod: dict[str, Any]) -> str:
    """From the pod itself: asked through the API server, the asking would be part of what is measured."""
    connection = http.client.HTTPConnection(pod["status"]["podIP"], 8788, timeout=5)
    try:
        connection.request("GET", "/status")
        return str(json.loads(connection.getresponse().read())["hash"])
    finally:
        connection.close()
