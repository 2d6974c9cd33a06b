"""Whatever a policy file holds, it is either understood or refused with problems that can be shown."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.config.load import load_bytes
from claude_sidecar.config.problem import PolicyInvalid, Problem
from claude_sidecar.schema.json_schema import places

FIELDS = sorted({place[-1] for place in places()})

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1s", "Timeout", "Anthropic", "https://h.example", "http://h", "claude-keys", "0.3"])
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), inner)
    ),
    max_leaves=25,
)


def judge(content: bytes) -> None:
    """Load a file and look at the problems, if it has any."""
    problems: tuple[Problem, ...] = ()
    try:
        load_bytes(content, "p.yaml", Path("/nowhere"), env={})
    except PolicyInvalid as invalid:
        problems = invalid.problems or (Problem("", 0, "", "refused without a reason"),)
    lines = content.count(b"\n") + content.count(b"\r") + 2
    for problem in problems:
        assert 1 <= problem.line <= lines
        assert "\n" not in str(problem)
        assert len(str(problem)) < 2000


@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    judge(content)


@given(st.text(alphabet=st.sampled_from("abc:-{}[]&*!?|>'\"%@#,\n\t <1.~"), max_size=60))
def test_any_text_in_yamls_own_signs(text: str) -> None:
    judge(text.encode())


@given(values)
def test_any_data_as_the_spec(spec: Any) -> None:
    head = {"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy", "spec": spec}
    judge(yaml.safe_dump(head).encode())


@pytest.mark.long
@given(st.sampled_from(sorted(places())), values)
def test_any_data_in_any_field(place: tuple[str, ...], value: Any) -> None:
    data = value
    for name in reversed(place):
        data = {name: data}
        if name in ("routes", "models", "prices", "substitutions") and isinstance(data[name], dict):
            data = {name: [data[name]]}
    head = {"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy"}
    judge(yaml.safe_dump({**head, **data}).encode())
