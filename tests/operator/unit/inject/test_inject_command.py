"""`claude-operator inject`: manifests from a file or standard input, with the sidecar in their pods."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.fakes.pods import make_workload

from claude_operator.cli.main import main

MIXED = """\
# what the shop runs
kind: ConfigMap   # untouched
data: {odd:   "1e3", 'on': "yes"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1e0
  template:
    spec:
      containers:
        - name: app   # lost
          env: &env
            - name: MODE
              value: "0644"
            - name: VALUE
              value: '1e3'
        - {name: two, env: *env}
---
# between
---
kind: Rollout
apiVersion: argoproj.io/v1alpha1
spec: {template: {spec: {containers: [{name: a}]}}}
...
"""
JOB = {"apiVersion": "batch/v1", **make_workload("Job")}


class Ran:
    """How the command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a text, as a file or as standard input."""

    def run(text: str, *more: str, policy: str = "production", standard_input: bool = False) -> Ran:
        file = tmp_path / "in.yaml"
        file.write_text(text)
        if standard_input:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        with pytest.raises(SystemExit) as end:
            main(["inject", "-f", "-" if standard_input else str(file), "--policy", policy, *more])
        out, err = capfd.readouterr()
        return Ran(int(end.value.code or 0), out, err)

    return run


def template_of(document: dict[str, Any]) -> dict[str, Any]:
    """The pod template of a printed Deployment or Job."""
    found: dict[str, Any] = document["spec"]["template"]
    return found


@pytest.mark.parametrize("standard_input", [False, True])
def test_documents_without_pods_come_out_letter_for_letter_and_in_order(
    run: Any, standard_input: bool
) -> None:
    ran = run(MIXED, standard_input=standard_input)
    assert ran.code == 0
    before, after = MIXED.split("---\napiVersion: apps/v1")[0], MIXED[MIXED.index("---\n# between") :]
    assert ran.out.startswith(before)
    assert ran.out.endswith(after)
    assert "comments of this document are lost" in ran.err


def test_changed_document_keeps_how_its_values_were_written(run: Any) -> None:
    out = run(MIXED).out
    assert "replicas: 1e0" in out
    assert out.count("value: '1e3'") == out.count('value: "0644"') == 2


def test_every_container_of_a_shared_list_of_variables_is_led_to_the_sidecar_once(run: Any) -> None:
    (deployment,) = [
        each for each in yaml.safe_load_all(run(MIXED).out) if each and each["kind"] == "Deployment"
    ]
    for container in template_of(deployment)["spec"]["containers"]:
        assert [entry["name"] for entry in container["env"]] == ["MODE", "VALUE", "ANTHROPIC_BASE_URL"]


def test_template_names_the_policy_so_that_the_cluster_knows_whose_pods_these_are(run: Any) -> None:
    job = yaml.safe_load(run(json.dumps(JOB)).out)
    annotations = template_of(job)["metadata"]["annotations"]
    assert annotations["claude-sidecar.dev/policy"] == "production"
    assert annotations["claude-sidecar.dev/status"] == "injected"


def test_what_comes_out_goes_in_again_unchanged(run: Any) -> None:
    once = run(MIXED).out
    assert run(once).out == once


def test_objects_in_a_list_are_injected_in_their_order(run: Any) -> None:
    items = [{"kind": "Service", "apiVersion": "v1"}, JOB, {"kind": "Unknown"}]
    out = yaml.safe_load(run(json.dumps({"apiVersion": "v1", "kind": "List", "items": items})).out)
    assert [each["kind"] for each in out["items"]] == ["Service", "Job", "Unknown"]
    assert "initContainers" in template_of(out["items"][1])["spec"]


def test_policy_of_the_same_input_is_taken_into_account(run: Any) -> None:
    credential = {"secretKeyRef": {"name": "team-keys", "key": "k"}}
    policy = {
        "apiVersion": "claude-sidecar.dev/v1alpha1",
        "kind": "ClaudePolicy",
        "metadata": {"name": "production"},
        "spec": {"routes": [{"name": "a", "credential": credential}]},
    }
    out = run(f"{json.dumps(JOB)}\n---\n{json.dumps(policy)}\n").out
    pod = template_of(next(yaml.safe_load_all(out)))["spec"]
    assert {"name": "ANTHROPIC_API_KEY", "value": "provided-by-claude-sidecar"} in pod["containers"][0]["env"]
    assert any(each.get("secret", {}).get("secretName") == "team-keys" for each in pod["volumes"])


def test_policy_that_a_template_names_itself_counts(run: Any) -> None:
    job = {"apiVersion": "batch/v1", **make_workload("Job", template={"claude-sidecar.dev/policy": "own"})}
    ran = run(json.dumps(job))
    assert "claude-policy-own" in ran.out
    assert "Job web: names the policy own itself" in ran.err


def test_pod_that_cannot_be_injected_is_printed_as_it_came_and_told(run: Any) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, containers: []}\n"
    ran = run(text)
    assert (ran.code, ran.out) == (0, text)
    assert "Pod p: no sidecar is injected: hostNetwork" in ran.err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n# nothing\n",
        "---\n---\n",
        "just text\n",
        "[1, 2]\n",
        "kind: Pod\napiVersion: v1\n",
        "kind: Pod\napiVersion: v1\nspec: {containers: 3}\n",
        "kind: Deployment\napiVersion: apps/v1\nspec: [1]\n",
        "kind: Deployment\napiVersion: extensions.example/v1\nspec: {template: {spec: {containers: []}}}\n",
    ],
)
def test_what_is_no_workload_of_known_shape_stays(run: Any, text: str) -> None:
    ran = run(text)
    assert (ran.code, ran.out) == (0, text)


def test_text_that_is_no_yaml_is_refused_with_its_line(run: Any) -> None:
    ran = run("a: 1\nb: [\n")
    assert ran.code == 1
    assert "in.yaml:3: " in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("policy", ["", "Bad Name"])
def test_what_cannot_be_a_policys_name_is_a_usage_error(run: Any, policy: str) -> None:
    ran = run("a: 1\n", policy=policy)
    assert ran.code == 2
    assert "lower-case letters" in ran.err


def test_settings_are_those_of_the_chart(run: Any, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "image: mirror.example/claude-sidecar:2\nresources: {cpuRequest: 20m, cpuLimit: null}\n"
    )
    out = yaml.safe_load(run(json.dumps(JOB), "--settings", str(settings)).out)
    sidecar = template_of(out)["spec"]["initContainers"][0]
    assert sidecar["image"] == "mirror.example/claude-sidecar:2"
    assert sidecar["resources"]["limits"] == {"memory": "256Mi"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("imge: x", "unknown field `imge`"),
        ("image: 3", "Expected `str`, got `int`"),
        ("resources: {cpuRequest: lots}", "cpu_request is 'lots'"),
        ("uid: 0", "`int` >= 1"),
        ("- a", "Expected `object`, got `array`"),
    ],
)
def test_settings_that_cannot_be_used_say_why(run: Any, tmp_path: Path, text: str, told: str) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(text)
    ran = run("a: 1\n", "--settings", str(settings))
    assert ran.code == 1
    assert told in ran.err
