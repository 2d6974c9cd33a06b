"""A call of an injected pod in a real trace store: the app's own span, and three levels beneath it."""

from collections.abc import Iterator

import pytest
from support.cluster.waiting import until
from support.cluster.whole.whole_cluster import WholeCluster
from support.release.app import POLICY, App
from support.release.shop import Shop
from support.release.stage import Stage
from support.release.trace_store import trace_store
from support.telemetry.jaeger import Jaeger, Span

pytestmark = pytest.mark.whole_cluster


@pytest.fixture(scope="module")
def store(on_stage: Stage, own_whole_cluster: WholeCluster) -> Iterator[Jaeger]:
    """A Jaeger in the cluster, to which sidecars export."""
    with trace_store(own_whole_cluster) as found:
        on_stage.release.upgrade({"sidecar": {"exits": {"otlpEndpoint": found.otlp}}})
        yield found
        on_stage.release.upgrade()


@pytest.fixture
def app(shop: Shop, store: Jaeger) -> App:
    """An app with spans of its own."""
    # The namespace's name, so that traces of other tests are told apart.
    names = {"OTEL_EXPORTER_OTLP_ENDPOINT": store.otlp, "OTEL_SERVICE_NAME": shop.namespace}
    found = shop.app(environ=names)
    found.deploy(**{POLICY: "production"})
    return found


def in_order(trace: list[Span]) -> list[Span]:
    """By level, then by the number of the send: a span may begin in the same microsecond as its parent."""
    parents = {span.span_id: span.parent_id for span in trace}

    def level(span_id: str | None) -> int:
        return 0 if span_id is None else 1 + level(parents.get(span_id))

    return sorted(
        trace, key=lambda span: (level(span.span_id), span.attributes.get("http.request.resend_count", 0))
    )


def whole_trace(store: Jaeger, service: str, spans: int) -> list[Span]:
    """The one trace of an app, once all of it has come: parents in front of children, sends in order."""

    def found() -> list[Span]:
        (trace,) = store.traces(service) or [[]]
        return in_order(trace) if len(trace) == spans else []

    return until(found, f"the app's trace has {spans} spans")


def test_call_that_route_two_answered_is_told_on_all_levels(shop: Shop, app: App, store: Jaeger) -> None:
    shop.upstream.play({"match": {"key": "first"}, "status": 529})
    assert app.ask()["ok"]
    own, top, middle, first, second = whole_trace(store, shop.namespace, spans=5)
    assert (own.service, own.name, own.parent_id) == (shop.namespace, "answer a customer", None)
    assert (top.name, top.kind, top.parent_id) == ("POST /v1/messages", "server", own.span_id)
    assert (middle.name, middle.parent_id) == ("chat claude-sonnet-4-6", top.span_id)
    assert [each.parent_id for each in (first, second)] == [middle.span_id] * 2
    assert {each.service for each in (top, middle, first, second)} == {"claude-sidecar"}
    told = [
        (each.attributes["http.response.status_code"], each.attributes["claude_sidecar.route"], each.failed)
        for each in (top, middle, first, second)
    ]
    assert told == [
        (200, "second", False),
        (200, "second", False),
        (529, "first", True),
        (200, "second", False),
    ]
    assert (first.attributes["error.type"], first.attributes["claude_sidecar.cause"]) == (
        "overloaded_error",
        "Overloaded",
    )
    assert second.attributes["http.request.resend_count"] == 1
    assert top.attributes["claude_sidecar.attempts"] == 2
    assert top.attributes["claude_sidecar.policy"] == "production"
    assert top.attributes["claude_sidecar.policy_hash"] == app.sidecar_status()["hash"]
    (moved,) = [each for each in middle.events if each.name == "claude_sidecar.fallback"]
    assert moved.attributes == {"from": "first", "to": "second", "cause": "Overloaded"}


def test_failed_call_is_told_on_all_levels_with_the_pod_it_came_from(
    shop: Shop, app: App, store: Jaeger
) -> None:
    assert not app.ask(simulate="401")["ok"]
    _, top, middle, send = whole_trace(store, shop.namespace, spans=4)
    for span in (top, middle, send):
        assert span.attributes["http.response.status_code"] == 401
        assert span.attributes["error.type"] == "authentication_error"
        assert span.attributes["claude_sidecar.cause"] == "Authentication"
        assert span.attributes["claude_sidecar.route"] == "first"
    assert (top.failed, middle.failed, send.failed) == (False, True, True)
    pod = app.pod()
    assert top.resource["k8s.pod.name"] == pod["metadata"]["name"]
    assert top.resource["k8s.namespace.name"] == shop.namespace
    assert top.resource["k8s.deployment.name"] == "web"
