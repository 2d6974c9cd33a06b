"""The patch: what it makes of the old object, and how little it touches."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes.pods import make_pod, patched

from claude_operator.inject.patch import patch
from claude_operator.inject.place import Place
from claude_operator.inject.pod import inject
from claude_operator.inject.settings import Settings

LEAVES = st.none() | st.integers() | st.text(max_size=3)
NAMED = st.fixed_dictionaries({"name": st.sampled_from("abc")}, optional={"value": LEAVES})
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b/c", "~d", ""]), inner, max_size=4)
        | st.lists(NAMED, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.long
@given(DOCUMENTS, DOCUMENTS)
def test_patched_document_is_the_new_one(before: Any, after: Any) -> None:
    assert patched(before, patch(before, after)) == after


@given(DOCUMENTS)
def test_nothing_changed_is_no_operation(document: Any) -> None:
    assert patch(document, document) == []


def test_an_inserted_container_does_not_rewrite_those_behind_it() -> None:
    before = {"inits": [{"name": "a", "env": []}, {"name": "b", "env": [{"name": "X"}]}]}
    added = {"name": "Y", "value": "1"}
    after = {
        "inits": [{"name": "new"}, {"name": "a", "env": []}, {"name": "b", "env": [{"name": "X"}, added]}]
    }
    assert patch(before, after) == [
        {"op": "add", "path": "/inits/0", "value": {"name": "new"}},
        {"op": "add", "path": "/inits/2/env/1", "value": added},
    ]


@pytest.mark.parametrize("key", ["a/b", "a~b", "~1", "claude-sidecar.dev/status"])
def test_keys_are_escaped(key: str) -> None:
    (operation,) = patch({}, {key: 1})
    assert patched({}, [operation]) == {key: 1}
    assert operation["path"].count("/") == 1


def test_injection_only_adds_and_changes_single_values() -> None:
    pod = make_pod(
        initContainers=[{"name": "migrate", "env": [{"name": "A", "value": "b"}]}],
        volumes=[{"name": "data", "emptyDir": {}}],
    )
    done = inject(pod, Place("shop"), Settings())
    operations = patch(pod, done.pod)
    assert {each["op"] for each in operations} == {"add"}
    assert patched(pod, operations) == done.pod
