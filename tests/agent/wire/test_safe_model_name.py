"""A model's name as it is shown: a key that was sent in its place is neither shown nor kept."""

import sys

import pytest

from claude_sidecar.wire.model_name import OTHER, safe_model_name


@pytest.mark.parametrize("name", ["claude-opus-4-1", "us.anthropic.claude@x/y:1", "m" * 128])
def test_a_name_is_shown_as_it_is(name: str) -> None:
    assert safe_model_name(name) == name


@pytest.mark.parametrize("name", ["", "sk-ant-api03-x", "my-SK-Ant-key", "two words", "m\n", "m" * 129])
def test_what_is_no_name_is_not_shown(name: str) -> None:
    assert safe_model_name(name) == OTHER


def test_a_call_that_names_none_has_none() -> None:
    assert safe_model_name(None) is None


def test_a_key_is_not_kept_in_memory() -> None:
    key = "-".join(("sk", "ant", "api03", "x" * 40))
    references = sys.getrefcount(key)
    safe_model_name(key)
    assert sys.getrefcount(key) == references
