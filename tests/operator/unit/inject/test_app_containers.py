"""What the app's containers get, and what of theirs is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from support.fakes.pods import container, env, make_pod

from claude_operator.inject.pod import Injected

Inject = Callable[..., Injected]
URL = "http://127.0.0.1:8787"
POLICY = "claude-sidecar.dev/policy"
CONTAINERS = "claude-sidecar.dev/containers"


def with_env(*entries: dict[str, Any], policy: str = "production", **more: Any) -> dict[str, Any]:
    """A pod whose only container has these variables."""
    return make_pod({POLICY: policy}, containers=[{"name": "app", "env": [*entries], **more}])


def literal(name: str, value: str) -> dict[str, Any]:
    """One variable."""
    return {"name": name, "value": value}


def test_all_app_containers_and_ordinary_inits_after_the_sidecar_are_led_to_it(injected: Inject) -> None:
    meshes = [{"name": "istio-proxy"}, {"name": "linkerd-proxy"}]
    pod = make_pod(
        initContainers=[{"name": "istio-init"}, {"name": "seed"}, {"name": "log", "restartPolicy": "Always"}],
        containers=[{"name": "app"}, {"name": "worker", "restartPolicy": "Always"}, *meshes],
    )
    done = injected(pod).pod
    led = [
        each["name"]
        for each in [*done["spec"]["initContainers"], *done["spec"]["containers"]]
        if any(entry["name"] == "ANTHROPIC_BASE_URL" for entry in each.get("env", []))
    ]
    assert led == ["seed", "app", "worker"]


def test_annotation_names_the_containers_that_are_led_to_it(injected: Inject) -> None:
    pod = make_pod(
        {POLICY: "production", CONTAINERS: " worker, log,nobody "},
        initContainers=[{"name": "log", "restartPolicy": "Always"}],
        containers=[{"name": "app"}, {"name": "worker"}],
    )
    done = injected(pod)
    assert env(done.pod, "worker") == env(done.pod, "log") == {"ANTHROPIC_BASE_URL": URL}
    assert "env" not in container(done.pod, "app")
    assert done.warnings == (
        f"{CONTAINERS} names 'nobody', which the pod does not have; it has app, log, worker",
    )


@pytest.mark.parametrize("value", ["", " , "])
def test_annotation_that_names_no_container_is_told(injected: Inject, value: str) -> None:
    done = injected(make_pod({POLICY: "production", CONTAINERS: value}))
    assert "env" not in container(done.pod, "app")
    assert "names no container" in done.warnings[0]


@pytest.mark.parametrize(
    "kept",
    [
        literal("ANTHROPIC_BASE_URL", "https://proxy.example"),
        {"name": "ANTHROPIC_BASE_URL", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
    ],
)
def test_a_base_url_that_is_there_is_kept_and_told(injected: Inject, kept: dict[str, Any]) -> None:
    done = injected(with_env(kept, policy="keyed"))
    assert container(done.pod, "app")["env"] == [kept]
    assert "is kept, and its calls bypass the sidecar" in done.warnings[0]
    assert "proxy.example" not in done.warnings[0]


@pytest.mark.parametrize("same", [URL, "http://localhost:8787", URL + "/"])
def test_a_base_url_that_already_leads_to_the_sidecar_is_nothing_to_tell(injected: Inject, same: str) -> None:
    done = injected(with_env(literal("ANTHROPIC_BASE_URL", same)))
    assert env(done.pod, "app") == {"ANTHROPIC_BASE_URL": same}
    assert done.warnings == ()


def test_what_env_from_may_hold_is_told_and_a_key_in_there_is_not_overridden(injected: Inject) -> None:
    done = injected(with_env(policy="keyed", envFrom=[{"secretRef": {"name": "app"}}]))
    assert env(done.pod, "app") == {"ANTHROPIC_BASE_URL": URL}
    assert "envFrom, which cannot be seen" in done.warnings[0]
    assert "set ANTHROPIC_API_KEY=provided-by-claude-sidecar" in done.warnings[1]


@pytest.mark.parametrize(
    ("policy", "own", "expected"),
    [
        ("keyed", [], "provided-by-claude-sidecar"),
        ("keyed", [literal("ANTHROPIC_API_KEY", "sk")], "sk"),
        ("keyed", [literal("ANTHROPIC_AUTH_TOKEN", "t")], None),
        ("mixed", [], None),
        ("production", [], None),
        ("not-there-yet", [], None),
    ],
)
def test_placeholder_only_where_every_route_has_a_key_and_the_container_none(
    injected: Inject, policy: str, own: list[dict[str, Any]], expected: str | None
) -> None:
    pod = injected(with_env(*own, policy=policy)).pod
    assert env(pod, "app").get("ANTHROPIC_API_KEY") == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, {}),
        ({"NO_PROXY": ".svc"}, {"NO_PROXY": ".svc,127.0.0.1"}),
        ({"no_proxy": "a", "NO_PROXY": "b"}, {"no_proxy": "a,127.0.0.1", "NO_PROXY": "b,127.0.0.1"}),
        ({"NO_PROXY": ""}, {"NO_PROXY": "127.0.0.1"}),
        ({"NO_PROXY": "a, 127.0.0.1"}, {"NO_PROXY": "a, 127.0.0.1"}),
        ({"NO_PROXY": "127.0.0.10"}, {"NO_PROXY": "127.0.0.10,127.0.0.1"}),
        ({"no_proxy": "*"}, {"no_proxy": "*"}),
        ({"HTTP_PROXY": "http://p"}, {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}),
        ({"all_proxy": "http://p"}, {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}),
        ({"https_proxy": "http://p", "NO_PROXY": "x"}, {"NO_PROXY": "x,127.0.0.1"}),
    ],
)
def test_calls_to_the_sidecar_go_without_a_proxy(
    injected: Inject, own: dict[str, str], expected: dict[str, str]
) -> None:
    pod = injected(with_env(*[literal(*item) for item in own.items()])).pod
    found = {name: value for name, value in env(pod, "app").items() if name.lower() == "no_proxy"}
    assert found == expected


def test_a_no_proxy_from_elsewhere_is_kept_and_told(injected: Inject) -> None:
    entry = {"name": "NO_PROXY", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    done = injected(with_env(entry))
    assert entry in container(done.pod, "app")["env"]
    assert "have 127.0.0.1 in it" in done.warnings[0]


def test_init_container_before_the_sidecar_that_calls_the_api_is_told(injected: Inject) -> None:
    pod = injected(make_pod()).pod
    pod["spec"]["initContainers"].insert(0, {"name": "warm-up", "env": [literal("ANTHROPIC_API_KEY", "sk")]})
    done = injected(pod)
    assert done.pod == pod
    assert done.warnings == ("init container warm-up runs before the sidecar and cannot call through it",)
