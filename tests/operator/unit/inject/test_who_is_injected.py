"""Which pods get a sidecar, which are skipped with what reason, and which are left alone."""

from collections.abc import Callable
from typing import Any

import pytest
from support.fakes.pods import container, make_pod

from claude_operator.inject.place import Place, place_of
from claude_operator.inject.pod import Injected

Inject = Callable[..., Injected]
POLICY = "claude-sidecar.dev/policy"
INJECT = "claude-sidecar.dev/inject"
STATUS = "claude-sidecar.dev/status"


def has_sidecar(pod: dict[str, Any]) -> bool:
    """Whether our container is in the pod."""
    return any(each["name"] == "claude-sidecar" for each in pod["spec"].get("initContainers", []))


@pytest.mark.parametrize("annotations", [{}, {"other": "x"}])
def test_a_pod_that_does_not_ask_is_the_same_object_afterwards(
    injected: Inject, annotations: dict[str, str]
) -> None:
    pod = make_pod(annotations)
    done = injected(pod)
    assert (done.pod, done.status, done.warnings) == (pod, None, ())


def test_a_pod_that_asks_says_afterwards_that_it_is_injected(injected: Inject) -> None:
    done = injected(make_pod())
    assert has_sidecar(done.pod)
    assert done.pod["metadata"]["annotations"][STATUS] == done.status == "injected"


def test_label_of_the_namespace_is_the_default_and_the_pods_annotation_wins(injected: Inject) -> None:
    place = place_of("shop", {POLICY: "house"}, None)
    plain = injected(make_pod({}), place=place).pod
    own = injected(make_pod(), place=place).pod
    mounted = [
        [each["configMap"]["name"] for each in pod["spec"]["volumes"] if "configMap" in each]
        for pod in (plain, own)
    ]
    assert mounted == [["claude-policy-house"], ["claude-policy-production"]]


@pytest.mark.parametrize("where", ["annotation", "label", "namespace"])
def test_inject_false_beats_everything(injected: Inject, where: str) -> None:
    pod = make_pod()
    place = place_of("shop", {POLICY: "house"} | ({INJECT: "false"} if where == "namespace" else {}), None)
    if where == "annotation":
        pod["metadata"]["annotations"][INJECT] = "false"
    if where == "label":
        pod["metadata"]["labels"] = {INJECT: "false"}
    done = injected(pod, place=place)
    assert done.status == 'skipped: inject is "false"'
    assert done.pod["spec"] == pod["spec"]
    assert done.warnings == ()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"os": {"name": "windows"}}, "Windows"),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, "Windows"),
        (
            {"containers": [{"name": "app", "ports": [{"containerPort": 8787}]}]},
            "port 8787 is declared by container app",
        ),
        (
            {"initContainers": [{"name": "old", "ports": [{"containerPort": 8788, "protocol": "TCP"}]}]},
            "port 8788 is declared by container old",
        ),
        (
            {"containers": [{"name": "claude-sidecar", "image": "theirs"}]},
            "a container named claude-sidecar is already there",
        ),
        (
            {"initContainers": [{"name": "claude-sidecar", "restartPolicy": "Always"}]},
            "a container named claude-sidecar is already there",
        ),
        (
            {"volumes": [{"name": "claude-sidecar-tmp", "hostPath": {"path": "/"}}]},
            "the pod has a volume named claude-sidecar-tmp of its own",
        ),
    ],
)
def test_pod_that_cannot_have_a_sidecar_is_skipped_with_the_reason(
    injected: Inject, spec: dict[str, Any], reason: str
) -> None:
    pod = make_pod(**spec)
    done = injected(pod)
    assert done.status == done.pod["metadata"]["annotations"][STATUS] == f"skipped: {reason}"
    assert done.pod["spec"] == pod["spec"]
    assert reason in done.warnings[0]


def test_mirror_pod_is_skipped(injected: Inject) -> None:
    pod = make_pod({POLICY: "production", "kubernetes.io/config.mirror": "hash"})
    assert injected(pod).status == "skipped: mirror pod"


def test_a_port_of_another_protocol_is_no_clash(injected: Inject) -> None:
    pod = make_pod(containers=[{"name": "app", "ports": [{"containerPort": 8787, "protocol": "UDP"}]}])
    assert injected(pod).status == "injected"


@pytest.mark.parametrize("name", ["", "Prod", "a b", "-a", "a" * 64, "a/b", "a\n"])
def test_what_cannot_be_a_policys_name_is_skipped(injected: Inject, name: str) -> None:
    done = injected(make_pod({POLICY: name}))
    assert done.status is not None
    assert done.status.startswith("skipped: ")
    assert "not the name of a policy" in done.warnings[0]


def test_policy_that_is_not_there_yet_is_injected_with_a_warning(injected: Inject) -> None:
    done = injected(make_pod({POLICY: "later"}))
    assert done.status == "injected"
    (warning,) = done.warnings
    assert warning.startswith("there is no ClaudePolicy later in namespace shop yet; ")


def test_nothing_is_said_of_policies_where_they_are_not_known(injected: Inject) -> None:
    done = injected(make_pod({POLICY: "later"}), place=Place("shop"))
    assert (done.status, done.warnings) == ("injected", ())


@pytest.mark.parametrize(
    ("annotations", "warning"),
    [
        ({INJECT: "no"}, "'no' and was ignored"),
        ({INJECT: "true"}, "nothing is injected without a policy"),
        ({"claude-sidecar.dev/polcy": "x"}, "did you mean claude-sidecar.dev/policy?"),
    ],
)
def test_unknown_annotations_and_values_are_told(
    injected: Inject, annotations: dict[str, str], warning: str
) -> None:
    done = injected(make_pod(annotations))
    assert done.status is None
    assert warning in done.warnings[0]


def test_pod_with_a_forged_status_and_no_sidecar_gets_one(injected: Inject) -> None:
    assert has_sidecar(injected(make_pod({POLICY: "production", STATUS: "injected"})).pod)


def test_ephemeral_containers_are_left_alone(injected: Inject) -> None:
    ephemeral = [{"name": "debug", "image": "busybox"}]
    assert injected(make_pod(ephemeralContainers=ephemeral)).pod["spec"]["ephemeralContainers"] == ephemeral


def test_sidecar_that_is_there_keeps_its_place_and_content(injected: Inject) -> None:
    pod = injected(make_pod()).pod
    pod["spec"]["initContainers"].insert(0, {"name": "vault-agent-init"})
    pod["spec"]["containers"].append({"name": "added-later", "image": "x"})
    container(pod, "claude-sidecar")["image"] = "mirror.example/claude-sidecar:1"
    again = injected(pod).pod
    assert again["spec"]["initContainers"] == pod["spec"]["initContainers"]
    assert container(again, "added-later")["env"]
