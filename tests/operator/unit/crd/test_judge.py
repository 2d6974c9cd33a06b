"""The operator's judging of admitted policies refuses what check refuses, in check's words."""

import json
from typing import Any

import pytest
import yaml
from support.policies.bad_specs import ONLY_JUDGED, ONLY_LOCAL, SAME_PLACE, SAME_WORDS
from support.policies.examples import EXAMPLES
from support.policies.good_specs import ENDPOINTS, PARTS

from claude_operator.crd.judge import judge
from claude_sidecar.config.parse import parse_policy
from claude_sidecar.config.problem import PolicyInvalid

HEAD = (
    "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\nmetadata: {name: p, namespace: n}\nspec: "
)


def check(spec: str) -> list[str]:
    """What `claude-sidecar check` says of a spec, without file and line."""
    try:
        parse_policy((HEAD + spec + "\n").encode(), "p.yaml")
    except PolicyInvalid as invalid:
        return [f"{problem.path}: {problem.message}" for problem in invalid.problems]
    return []


def judged(spec: str) -> list[str]:
    """What the operator says of the same spec."""
    return judge(yaml.safe_load(spec), "p", "n")


@pytest.mark.parametrize(("spec", "words"), SAME_WORDS + ONLY_JUDGED)
def test_bad_spec_is_refused_in_these_words(spec: str, words: str) -> None:
    assert any(words in problem for problem in check(spec)), check(spec)
    assert any(words in problem for problem in judged(spec)), judged(spec)


@pytest.mark.parametrize(("spec", "place"), SAME_PLACE)
def test_bad_spec_is_refused_at_this_place(spec: str, place: str) -> None:
    assert any(place in problem for problem in check(spec)), check(spec)
    assert any(place in problem for problem in judged(spec)), judged(spec)


# A cluster knows one source of credentials; what it says where none is given has a test of its own.
WORDED_ALIKE = [spec for spec, _ in SAME_WORDS + ONLY_JUDGED + SAME_PLACE if "credential: {}" not in spec]


@pytest.mark.parametrize("spec", WORDED_ALIKE)
def test_judging_speaks_with_the_words_of_check(spec: str) -> None:
    # check knows how the file spelt a value and says so; data from an API server has no spelling.
    told = [problem.partition("; quote it")[0].partition("; add a unit")[0] for problem in check(spec)]
    assert sorted(judged(spec)) == sorted(told)


@pytest.mark.parametrize("spec", PARTS)
def test_good_spec_has_no_problem(spec: str) -> None:
    assert check(spec) == []
    assert judged(spec) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_good_endpoint_has_no_problem(endpoint: str) -> None:
    assert check(json.dumps({"routes": [{"name": "a", "endpoint": endpoint}]})) == []


@pytest.mark.parametrize(("spec", "place"), ONLY_LOCAL)
def test_local_source_of_a_credential_is_refused_in_a_cluster_alone(spec: str, place: str) -> None:
    assert check(spec) == []
    assert judged(spec) == [f"{place}: is for local use; in a cluster give secretKeyRef"]


def test_credential_without_a_source_is_not_sent_to_a_local_one() -> None:
    [problem] = judged("{routes: [{name: a, credential: {}}]}")
    assert problem == (
        "spec.routes[0].credential: names no source; give secretKeyRef, "
        "or leave `credential` out to forward the caller's own"
    )


def test_local_source_beside_a_secret_is_one_problem() -> None:
    spec = "{routes: [{name: a}, {name: b, credential: {env: 1X, secretKeyRef: {key: k}}}]}"
    assert judged(spec) == ["spec.routes[1].credential.env: is for local use; in a cluster give secretKeyRef"]


def test_name_longer_than_a_label_is_refused() -> None:
    assert judge({}, "p" * 63, "n") == []
    assert judge({}, "p" * 64, "n") == ["metadata.name: is 64 characters long; allowed: up to 63"]


@pytest.mark.parametrize("spec", [3, "x", [], [{}], {"routes": 3}, {"routes": [None, {"credential": 1}]}])
def test_spec_of_any_other_shape_is_refused_without_a_crash(spec: object) -> None:
    assert judge(spec, "p", "n")


def test_no_spec_is_the_default_one() -> None:
    assert judge(None, "p", "n") == []


@pytest.mark.parametrize(("file", "policy"), EXAMPLES)
def test_every_example_is_good_but_for_local_sources(file: str, policy: dict[str, Any]) -> None:
    told = judge(policy["spec"], "p", "n")
    assert [line for line in told if "is for local use" not in line] == []
