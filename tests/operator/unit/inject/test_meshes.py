"""Pods as Istio and Linkerd leave them, and what is asked of meshes that come later."""

from collections.abc import Callable
from typing import Any

import pytest
from support.fakes.pods import make_pod

from claude_operator.inject.mesh import merged
from claude_operator.inject.pod import Injected

Inject = Callable[..., Injected]
ISTIO = [
    {"name": "istio-init", "image": "istio/proxyv2"},
    {"name": "istio-proxy", "image": "istio/proxyv2", "restartPolicy": "Always"},
]
LINKERD = [
    {"name": "linkerd-init", "image": "linkerd/proxy-init"},
    {"name": "linkerd-proxy", "image": "linkerd/proxy", "restartPolicy": "Always"},
]


@pytest.mark.parametrize("mesh", [ISTIO, LINKERD, [{"name": "istio-validation"}, *ISTIO]])
def test_sidecar_comes_right_after_the_leading_containers_of_a_mesh(
    injected: Inject, mesh: list[dict[str, Any]]
) -> None:
    pod = make_pod(initContainers=[*mesh, {"name": "migrate"}, {"name": "istio-later"}])
    found = [each["name"] for each in injected(pod).pod["spec"]["initContainers"]]
    assert found == [*[each["name"] for each in mesh], "claude-sidecar", "migrate", "istio-later"]


def test_containers_of_a_mesh_are_left_as_they_are(injected: Inject) -> None:
    pod = make_pod(initContainers=[*ISTIO], containers=[{"name": "app"}, {"name": "linkerd-proxy"}])
    done = injected(pod).pod["spec"]
    assert done["initContainers"][:2] == ISTIO
    assert done["containers"][1] == {"name": "linkerd-proxy"}


def test_a_mesh_that_comes_later_and_goes_to_the_front_moves_nothing(injected: Inject) -> None:
    pod = injected(make_pod()).pod
    pod["spec"]["initContainers"] = [*ISTIO, *pod["spec"]["initContainers"]]
    assert injected(pod).pod == pod


def test_admin_port_is_kept_out_of_the_mesh(injected: Inject) -> None:
    pod = make_pod()
    pod["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] = "15020"
    annotations = injected(pod).pod["metadata"]["annotations"]
    assert annotations["traffic.sidecar.istio.io/excludeInboundPorts"] == "15020,8788"
    assert annotations["config.linkerd.io/skip-inbound-ports"] == "8788"


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ("", "8788"),
        (" ", "8788"),
        ("25", "25,8788"),
        ("8788", "8788"),
        ("25, 8788 ", "25, 8788 "),
        ("8000-9000", "8000-9000"),
        ("1-2", "1-2,8788"),
        ("*", "*,8788"),
        ("18788", "18788,8788"),
    ],
)
def test_port_is_merged_once_into_ports_and_ranges(there: str, expected: str) -> None:
    assert merged(there, 8788) == expected
    assert merged(expected, 8788) == expected
