"""Properties of injection that hold for every pod."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.fakes.pods import OWN_KEYS

from claude_operator.inject.place import Place
from claude_operator.inject.pod import inject
from claude_operator.inject.settings import Settings

CONTAINER_NAMES = ["app", "worker", "istio-proxy", "linkerd-init", "claude-sidecar", "seed"]
VARIABLES = ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "NO_PROXY", "no_proxy", "HTTP_PROXY", "OTHER"]
VALUES = ["", "x", "127.0.0.1", "http://127.0.0.1:8787", "*"]

variables = st.fixed_dictionaries(
    {"name": st.sampled_from(VARIABLES)},
    optional={"value": st.sampled_from(VALUES), "valueFrom": st.just({"fieldRef": {"fieldPath": "x"}})},
)
quantities = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from(["1", "0", "250m", "1Gi"]))
containers = st.fixed_dictionaries(
    {"name": st.sampled_from(CONTAINER_NAMES)},
    optional={
        "env": st.lists(variables, max_size=4),
        "envFrom": st.just([{"secretRef": {"name": "s"}}]),
        "restartPolicy": st.just("Always"),
        "ports": st.lists(st.fixed_dictionaries({"containerPort": st.sampled_from([80, 8787])}), max_size=1),
        "resources": st.fixed_dictionaries({"limits": quantities, "requests": quantities}),
    },
)
lists_of_containers = st.lists(containers, max_size=3, unique_by=lambda each: each["name"])
annotations = st.dictionaries(
    st.sampled_from(
        [
            "claude-sidecar.dev/inject",
            "claude-sidecar.dev/containers",
            "claude-sidecar.dev/status",
            "claude-sidecar.dev/cpu-limit",
            "claude-sidecar.dev/memory-request",
            "traffic.sidecar.istio.io/excludeInboundPorts",
            "kubernetes.io/config.mirror",
        ]
    ),
    st.sampled_from(["false", "true", "app,seed", "injected", "300m", "1Gi", "8788", "1-2", "", "%"]),
    max_size=3,
)


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    """A pod of any shape that matters here, names unique as an API server sees to."""
    inits = draw(lists_of_containers)
    taken = {each["name"] for each in inits}
    apps = [each for each in draw(lists_of_containers) if each["name"] not in taken] or [{"name": "only"}]
    asked = {"claude-sidecar.dev/policy": draw(st.sampled_from(["keyed", "later", "Bad"]))}
    spec: dict[str, Any] = {"containers": apps}
    if inits or draw(st.booleans()):
        spec["initContainers"] = inits
    if draw(st.booleans()):
        spec["securityContext"] = {"runAsUser": draw(st.sampled_from([0, 1000]))}
    return {"metadata": {"annotations": {**draw(annotations), **asked}}, "spec": spec}


PLACE = Place("shop", policies={"keyed": OWN_KEYS})


@given(pods())
def test_injecting_twice_is_injecting_once(pod: dict[str, Any]) -> None:
    once = inject(pod, PLACE, Settings()).pod
    assert inject(once, PLACE, Settings()).pod == once


@given(pods())
def test_the_pod_that_was_given_is_not_changed(pod: dict[str, Any]) -> None:
    before = copy.deepcopy(pod)
    inject(pod, PLACE, Settings())
    assert pod == before


@given(pods())
def test_injection_only_adds(pod: dict[str, Any]) -> None:
    assert_contained(pod, inject(pod, PLACE, Settings()).pod, "")


@given(pods())
def test_outcome_is_on_the_pod_and_warnings_are_single_lines(pod: dict[str, Any]) -> None:
    done = inject(pod, PLACE, Settings())
    if done.status is None:  # one that has its sidecar already and asks for none: it stays as it came
        assert done.pod == pod
        assert pod["metadata"]["annotations"]["claude-sidecar.dev/inject"] == "false"
    else:
        assert done.pod["metadata"]["annotations"]["claude-sidecar.dev/status"] == done.status
    assert all(told.isprintable() for told in done.warnings)


GROWING = ("/excludeInboundPorts", "/skip-inbound-ports", "/claude-sidecar.dev/status")


def assert_contained(old: Any, new: Any, path: str) -> None:
    """Everything of the old is in the new, lists in their order; a few texts may have grown at the end."""
    if isinstance(old, dict):
        for key, value in old.items():
            assert key in new, f"{path}/{key} is gone"
            if old.get("name") in ("NO_PROXY", "no_proxy") and key == "value":
                assert new[key].startswith(value)
                continue
            assert_contained(value, new[key], f"{path}/{key}")
    elif isinstance(old, list):
        remaining = iter(new)
        for at, item in enumerate(old):
            if isinstance(item, dict) and "name" in item:
                match = next(each for each in remaining if each.get("name") == item["name"])
                assert_contained(item, match, f"{path}/{at}")
            else:
                assert item in new
    elif path.endswith(GROWING):
        assert path.endswith("status") or new.startswith(old)
    else:
        assert new == old, f"{path} changed"
