"""Other mutating webhooks on the same pods, asked before ours and after it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.other_injector import other_injector
from support.operator.webhook_process import has_sidecar

MakePod = Callable[..., Any]
BASE_URL = {"name": "ANTHROPIC_BASE_URL", "value": "http://127.0.0.1:8787"}

pytestmark = pytest.mark.usefixtures("webhook")


@pytest.fixture(params=["a-mesh", "z-mesh"], ids=["before ours", "after ours"])
def injected(
    request: pytest.FixtureRequest, cluster: Cluster, namespace: str, make_pod: MakePod
) -> Iterator[dict[str, Any]]:
    """A pod that both webhooks worked on."""
    with other_injector(cluster, request.param, namespace):

        def by_both() -> dict[str, Any] | None:
            pod: dict[str, Any] = make_pod(dry_run=True)
            is_other = any(each["name"] == "helper" for each in pod["spec"]["containers"])
            return pod if is_other and has_sidecar(pod) else None

        until(by_both, "both are in force")
        yield make_pod()


def test_there_is_one_sidecar_and_the_meshs_proxy_is_before_it(injected: dict[str, Any]) -> None:
    assert [each["name"] for each in injected["spec"]["initContainers"]] == ["istio-proxy", "claude-sidecar"]


def test_containers_of_the_other_are_led_to_the_sidecar_too_and_its_proxy_is_not(
    injected: dict[str, Any],
) -> None:
    env = {each["name"]: each.get("env", []) for each in injected["spec"]["containers"]}
    assert env == {"app": [BASE_URL], "helper": [BASE_URL]}
    assert "env" not in injected["spec"]["initContainers"][0]


def test_each_volume_is_there_once(injected: dict[str, Any]) -> None:
    volumes = [each["name"] for each in injected["spec"]["volumes"]]
    assert len(volumes) == len(set(volumes))
    assert injected["metadata"]["annotations"]["config.linkerd.io/skip-inbound-ports"] == "8788"
