"""Answers of the webhook: what is patched, and that nothing is ever refused or crashes."""

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes.pods import make_pod, make_workload, patched

from claude_operator.admission.decide import decide
from claude_operator.admission.metrics import Metrics
from claude_operator.admission.review import NotAReview, read_review
from claude_operator.inject.place import Place
from claude_operator.inject.settings import Settings

Ask = Callable[[bytes], Awaitable[tuple[int, Any]]]
GROUPS = {"Pod": "", "Job": "batch", "CronJob": "batch"}


def review(obj: Any, of: str | None = None, *, operation: str = "CREATE", **request: Any) -> bytes:
    """An AdmissionReview as an API server sends it."""
    kind = of or obj["kind"]
    asked = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": GROUPS.get(kind, "apps"), "version": "v1", "kind": kind},
        "namespace": "shop",
        "operation": operation,
        "object": obj,
        **request,
    }
    whole = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked}
    return json.dumps(whole).encode()


def operations(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The patch of an answer."""
    response = answer["response"]
    if "patch" not in response:
        return []
    assert response["patchType"] == "JSONPatch"
    found: list[dict[str, Any]] = json.loads(base64.b64decode(response["patch"]))
    return found


async def test_a_pod_that_asks_is_patched_and_admitted(ask: Ask) -> None:
    pod = make_pod()
    status, answer = await ask(review(pod))
    assert status == 200
    assert answer["apiVersion"] == "admission.k8s.io/v1"
    assert answer["response"]["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert answer["response"]["allowed"] is True
    after = patched(pod, operations(answer))
    assert after["spec"]["initContainers"][0]["name"] == "claude-sidecar"


async def test_answer_to_a_patched_pod_is_no_patch(ask: Ask) -> None:
    pod = make_pod()
    _, first = await ask(review(pod))
    _, second = await ask(review(patched(pod, operations(first))))
    assert operations(second) == []


def test_warnings_about_a_pod_are_on_the_pod_and_stay_the_same_when_asked_again() -> None:
    place = Place("shop", policies={})
    pod = make_pod({"claude-sidecar.dev/policy": "theirs", "claude-sidecar.dev/contaners": "a"})

    def noted(before: dict[str, Any]) -> dict[str, Any]:
        decided = decide(read_review(review(before)), lambda namespace: place, Settings())
        return patched(before, list(decided.operations))

    once = noted(pod)
    misspelt, missing = once["metadata"]["annotations"]["claude-sidecar.dev/warnings"].splitlines()
    assert misspelt.startswith("annotation claude-sidecar.dev/contaners is not known; did you mean")
    assert missing.startswith("there is no ClaudePolicy theirs in namespace shop yet;")
    assert noted(once) == once


def test_pod_that_nothing_is_to_be_told_of_has_no_warnings() -> None:
    place = Place("shop", policies={"production": {}})
    pod = make_pod({"claude-sidecar.dev/policy": "production"})
    decided = decide(read_review(review(pod)), lambda namespace: place, Settings())
    annotations = patched(pod, list(decided.operations))["metadata"]["annotations"]
    assert set(annotations) & {"claude-sidecar.dev/status", "claude-sidecar.dev/warnings"} == {
        "claude-sidecar.dev/status"
    }


async def test_a_workload_gets_the_copy_in_its_template_and_its_pods_warnings(ask: Ask) -> None:
    workload = make_workload("Deployment", {"claude-sidecar.dev/policy": "production"})
    workload["spec"]["template"]["spec"]["hostNetwork"] = True
    _, answer = await ask(review(workload, operation="UPDATE"))
    annotations = patched(workload, operations(answer))["spec"]["template"]["metadata"]["annotations"]
    assert annotations["claude-sidecar.dev/policy-from"] == "workload"
    assert answer["response"]["warnings"] == ["claude-sidecar: no sidecar is injected: hostNetwork"]


@pytest.mark.parametrize(
    "body",
    [
        review({"metadata": {}}, "ConfigMap"),
        review(make_pod(), operation="DELETE"),
        review(None, "Pod", operation="DELETE"),
        review(make_pod(), operation="UPDATE"),
        review(make_pod(), subResource="status"),
        review(None, "Pod"),
        review([1], "Pod"),
        review(make_pod(), "Deployment", kind={"group": "apps.example", "kind": "Deployment"}),
        review(make_pod(), "Pod", kind="Pod"),
        review(make_pod(), "Pod", kind=None, namespace=3, operation=None),
    ],
)
async def test_what_is_not_for_us_is_admitted_with_a_warning(ask: Ask, body: bytes) -> None:
    status, answer = await ask(body)
    assert (status, answer["response"]["allowed"], operations(answer)) == (200, True, [])
    assert "nothing to be injected into" in answer["response"]["warnings"][0]


@pytest.mark.parametrize(
    "pod",
    [
        {**make_pod(), "spec": None},
        {**make_pod(), "spec": {"containers": 3}},
        {**make_pod(), "spec": {"containers": [1]}},
        {**make_pod(), "metadata": {"annotations": {"claude-sidecar.dev/policy": 7}}},
        {**make_pod(), "metadata": {"annotations": ["claude-sidecar.dev/policy"]}},
    ],
)
async def test_object_that_breaks_injection_is_admitted_as_it_came_and_counted(
    ask: Ask, metrics: Metrics, pod: dict[str, Any]
) -> None:
    status, answer = await ask(review(pod, "Pod"))
    assert (status, answer["response"]["allowed"], operations(answer)) == (200, True, [])
    assert "left it as it is" in answer["response"]["warnings"][0]
    assert b'claude_operator_reviews_total{kind="Pod",outcome="failed"} 1.0' in metrics.text(0, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"kind": "AdmissionReview"}',
        review(make_pod()).replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1"),
        review(make_pod(), uid=""),
        review(make_pod(), uid=3),
        review(make_pod(), uid="x" * 10_000),
        json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": []}).encode(),
    ],
)
async def test_what_is_no_review_is_told_so(ask: Ask, metrics: Metrics, body: bytes) -> None:
    status, _ = await ask(body)
    assert status == 400
    assert b"claude_operator_bad_requests_total 1.0" in metrics.text(0, True)


async def test_a_review_of_four_mebibytes_is_answered_and_one_of_nine_is_told_so(ask: Ask) -> None:
    pod = make_pod()
    pod["metadata"]["annotations"]["big"] = "x" * (4 << 20)
    assert (await ask(review(pod)))[0] == 200
    pod["metadata"]["annotations"]["big"] *= 2
    status, text = await ask(review(pod))
    assert status == 400
    assert "longer than 8388608 bytes" in text


@pytest.mark.long
async def test_bodies_that_never_come_are_given_up_and_keep_nobody_waiting(ask: Ask, port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        slow = []
        for length in [1000] * 50 + [1 << 20] * 10:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(b"POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n{" % length)
            slow.append(reader)
        given_up = asyncio.create_task(slow[0].readline())
        status, answer = await ask(review(make_pod()))
        assert (status, bool(operations(answer))) == (200, True)
        assert not given_up.done()
        assert await asyncio.wait_for(given_up, 60) == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_warnings_are_few_short_and_single_lines(ask: Ask) -> None:
    annotations = {f"claude-sidecar.dev/{'x' * 200}\n{at}": "" for at in range(50)}
    pod = make_pod({"claude-sidecar.dev/policy": "production", **annotations})
    warnings = (await ask(review(pod)))[1]["response"]["warnings"]
    assert len(warnings) == 15
    assert all(len(each) <= 250 and each.isprintable() for each in warnings)


def test_warnings_on_a_pod_are_few_and_short() -> None:
    annotations = {f"claude-sidecar.dev/{'x' * 2000}\n{at}": "" for at in range(50)}
    pod = make_pod({"claude-sidecar.dev/policy": "production", **annotations})
    decided = decide(read_review(review(pod)), Place, Settings())
    noted = patched(pod, list(decided.operations))["metadata"]["annotations"]["claude-sidecar.dev/warnings"]
    assert len(noted) < 15 * 251


@given(st.binary(max_size=200))
def test_any_bytes_are_a_review_or_are_not(content: bytes) -> None:
    with pytest.raises(NotAReview):
        read_review(content)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "annotations", "spec", "containers", "name", "env", "template"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(
    ANYTHING, st.sampled_from(["Pod", "Deployment", "CronJob", "Job"]), st.sampled_from(["CREATE", "UPDATE"])
)
def test_no_object_makes_the_decision_raise(obj: Any, kind: str, operation: str) -> None:
    asked = read_review(review(obj, kind, operation=operation))
    decide(asked, lambda namespace: Place(namespace, "house"), Settings())
