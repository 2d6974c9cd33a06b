"""Bad specs against a real API server: what schema and CEL can refuse, it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from support.cluster.api_client import Reply
from support.policies.bad_specs import ONLY_JUDGED, ONLY_LOCAL, SAME_PLACE, SAME_WORDS

Try = Callable[[Any], Reply]


def refusal(reply: Reply) -> str:
    """Why a spec was refused; the test fails if it was admitted."""
    reply.expect(400, 422)
    return reply.message


@pytest.mark.parametrize(("spec", "words"), SAME_WORDS)
def test_rule_refuses_in_the_words_of_check(attempt: Try, spec: str, words: str) -> None:
    assert words in refusal(attempt(yaml.safe_load(spec)))


@pytest.mark.parametrize(("spec", "words"), SAME_WORDS)
def test_one_fault_breaks_one_rule(attempt: Try, spec: str, words: str) -> None:
    causes = attempt(yaml.safe_load(spec)).expect(422)["details"]["causes"]
    # An entry that is there twice also breaks the key of a list that is a map.
    told = {cause["message"] for cause in causes if "Duplicate value: {" not in cause["message"]}
    assert len(told) == 1, told


@pytest.mark.parametrize(("spec", "place"), SAME_PLACE + ONLY_LOCAL)
def test_schema_refuses_at_the_place_that_check_names(attempt: Try, spec: str, place: str) -> None:
    assert place in refusal(attempt(yaml.safe_load(spec)))


@pytest.mark.parametrize(("spec", "words"), ONLY_JUDGED)
def test_what_only_the_model_sees_is_admitted(attempt: Try, spec: str, words: str) -> None:
    attempt(yaml.safe_load(spec)).expect(201)


@pytest.mark.parametrize(
    "spec",
    [
        {"routes": [{"name": "a", "credential": {"secretKeyRef": {"key": "sk-ant-api03-canary"}}}]},
        {"routes": [{"name": "a", "credential": {"secretKeyRef": {"name": "sk-ant-canary", "key": "k"}}}]},
        {"routes": [{"name": "a", "endpoint": "https://canary:canary@h.example"}]},
        {"routes": [{"name": "a", "endpoint": "https://h.example?key=canary"}]},
    ],
)
def test_refusal_does_not_repeat_what_may_be_a_key(attempt: Try, spec: Any) -> None:
    assert "canary" not in refusal(attempt(spec))
