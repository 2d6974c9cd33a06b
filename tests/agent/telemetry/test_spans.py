"""Golden trees: what each kind of call looks like as a trace."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from claude_sidecar.causes import Cause
from claude_sidecar.policy.holding import CommitReason
from claude_sidecar.telemetry.attempts import FallbackRecord, OpenedBy, WaitRecord

START_NS = 1_700_000_000_000_000_000


def test_plain_stream_is_a_trace_of_three_levels(make, tree) -> None:
    server, chat, post = tree(make.call(feature="search", limit=None))
    assert [span.name for span in (server, chat, post)] == [
        "POST /v1/messages",
        f"chat {make.model}",
        "POST",
    ]
    assert [span.kind for span in (server, chat, post)] == [SpanKind.SERVER, SpanKind.CLIENT, SpanKind.CLIENT]
    assert server.parent is None
    assert chat.parent == server.context
    assert post.parent == chat.context
    assert {span.status.status_code for span in (server, chat, post)} == {StatusCode.UNSET}
    assert dict(server.attributes) == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "url.path": "/v1/messages",
        "http.route": "/v1/messages",
        "http.response.status_code": 200,
        "http.response.header.request-id": ("req_011",),
        "claude_sidecar.route": "anthropic",
        "claude_sidecar.policy": "production",
        "claude_sidecar.policy_hash": "abc123",
        "claude_sidecar.attempts": 1,
        "claude_sidecar.key": "1a2b3c4d",
        "claude_sidecar.feature": "search",
        "claude_sidecar.call_id": "sc_1",
        "claude_sidecar.added_latency_ms": 0.5,
    }
    assert dict(chat.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": make.model,
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.response.model": make.model,
        "gen_ai.response.id": "msg_01",
        "gen_ai.response.finish_reasons": ("end_turn",),
        "gen_ai.response.time_to_first_chunk": 0.75,
        "gen_ai.usage.input_tokens": 117,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_creation.input_tokens": 7,
        "claude_sidecar.cost_usd": 0.00038625,
        "http.response.status_code": 200,
        "server.address": "api.anthropic.com",
        "server.port": 443,
        "claude_sidecar.route": "anthropic",
    }
    assert dict(post.attributes) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.response.header.request-id": ("req_011",),
        "server.address": "api.anthropic.com",
        "server.port": 443,
        "url.full": "https://api.anthropic.com/v1/messages",
        "claude_sidecar.route": "anthropic",
        "claude_sidecar.key": "1a2b3c4d",
        "claude_sidecar.first_byte_seconds": 0.5,
        "claude_sidecar.attempt.usage.input_tokens": 117,
        "claude_sidecar.attempt.usage.output_tokens": 20,
        "claude_sidecar.attempt.usage.cache_read.input_tokens": 100,
        "claude_sidecar.attempt.usage.cache_creation.input_tokens": 7,
        "claude_sidecar.attempt.cost_usd": 0.00038625,
    }


def test_conversation_and_agents_are_on_every_level(make, tree) -> None:
    for span in tree(make.call(conversation="session-1", agent="agent-2", parent_agent="agent-1")):
        assert span.attributes["gen_ai.conversation.id"] == "session-1"
        assert span.attributes["claude_sidecar.agent.id"] == "agent-2"
        assert span.attributes["claude_sidecar.agent.parent_id"] == "agent-1"


def test_times_are_those_recorded(make, tree) -> None:
    server, chat, post = tree(make.call())
    assert (server.start_time, server.end_time) == (START_NS, START_NS + 2_000_000_000)
    assert (chat.start_time, chat.end_time) == (post.start_time, server.end_time)
    assert post.start_time == pytest.approx(START_NS + 100_000_000, abs=1000)
    assert post.end_time == server.end_time


def retried(make):
    return make.call(
        route="second-org",
        attempts=[
            make.refused(529, Cause.OVERLOADED, "overloaded_error", started_s=1000.1, ended_s=1000.2),
            make.refused(
                429,
                Cause.RATE_LIMIT,
                "rate_limit_error",
                route="second-org",
                limit="requests",
                started_s=1000.2,
                ended_s=1000.3,
            ),
            make.attempt(route="second-org", started_s=1001.3, ended_s=1002.0),
        ],
        waits=[WaitRecord(1000.3, 1.0, "retry-after")],
        fallbacks=[FallbackRecord(1000.2, "anthropic", "second-org", Cause.OVERLOADED)],
        retry_outcome="won",
    )


def test_cured_call_shows_failed_sends_under_a_good_operation(make, tree) -> None:
    server, chat, *posts = tree(retried(make))
    assert [span.status.status_code for span in (server, chat, *posts)] == [
        StatusCode.UNSET,
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert [post.attributes.get("http.request.resend_count") for post in posts] == [None, 1, 2]
    assert [post.attributes.get("error.type") for post in posts] == [
        "overloaded_error",
        "rate_limit_error",
        None,
    ]
    assert [post.attributes.get("claude_sidecar.cause") for post in posts] == [
        "Overloaded",
        "RateLimit",
        None,
    ]
    assert [post.attributes.get("claude_sidecar.limit") for post in posts] == [None, "requests", None]
    assert {post.parent.span_id for post in posts} == {chat.context.span_id}
    assert "error.type" not in server.attributes


def test_waits_and_moves_are_events_in_the_order_of_time(make, tree) -> None:
    _, chat, *_ = tree(retried(make))
    assert [(event.name, dict(event.attributes)) for event in chat.events] == [
        ("claude_sidecar.fallback", {"from": "anthropic", "to": "second-org", "cause": "Overloaded"}),
        ("claude_sidecar.wait", {"reason": "retry-after", "seconds": 1.0}),
    ]
    assert chat.events[1].timestamp == pytest.approx(START_NS + 300_000_000, abs=1000)


@pytest.mark.parametrize(
    ("status", "cause", "error", "server_status"),
    [
        (404, Cause.NOT_FOUND, "not_found_error", StatusCode.UNSET),
        (429, Cause.RATE_LIMIT, "rate_limit_error", StatusCode.UNSET),
        (529, Cause.OVERLOADED, "overloaded_error", StatusCode.ERROR),
    ],
)
def test_delivered_error_is_an_error_of_clients_and_from_500_of_the_server(
    make, tree, status, cause, error, server_status
) -> None:
    record = make.call(
        status=status,
        cause=cause,
        error_type=error,
        hint="what to do",
        limit="requests",
        attempts=[make.refused(status, cause, error)],
    )
    server, chat, post = tree(record)
    assert server.status.status_code is server_status
    assert chat.status.status_code is post.status.status_code is StatusCode.ERROR
    for span in (server, chat, post):
        assert span.attributes["http.response.status_code"] == status
        assert span.attributes["error.type"] == error
        assert span.attributes["claude_sidecar.route"] == "anthropic"
        assert span.attributes["claude_sidecar.cause"] == cause
    assert server.attributes["claude_sidecar.hint"] == "what to do"
    assert server.attributes["claude_sidecar.limit"] == "requests"
    assert server.status.description is None


def test_error_without_a_type_is_named_by_its_status(make, tree) -> None:
    sent = make.refused(502, Cause.SERVER_ERROR, None)
    spans = tree(make.call(status=502, cause=Cause.SERVER_ERROR, attempts=[sent]))
    assert [span.attributes["error.type"] for span in spans] == ["502"] * 3


def test_connection_failure_has_no_status_and_our_error_is_the_servers(make, tree) -> None:
    sent = make.refused(None, Cause.CONNECTION_FAILURE, "connection_error", first_byte_s=None)
    record = make.call(
        status=502,
        route="none",
        cause=Cause.CONNECTION_FAILURE,
        error_type="gateway_unreachable",
        attempts=[sent],
    )
    server, _, post = tree(record)
    assert "http.response.status_code" not in post.attributes
    assert post.attributes["error.type"] == "connection_error"
    assert server.attributes["error.type"] == "gateway_unreachable"
    assert server.attributes["claude_sidecar.route"] == "none"


def test_caller_that_leaves_is_no_error(make, tree) -> None:
    sent = make.attempt(cancelled=True, status=None, stop_reason=None)
    spans = tree(make.call(status=None, cancelled=True, attempts=[sent]))
    assert [span.status.status_code for span in spans] == [StatusCode.UNSET] * 3
    assert [span for span in spans if "error.type" in span.attributes] == []


def test_send_that_our_deadline_cancelled_is_an_error(make, tree) -> None:
    sent = make.refused(None, Cause.TIMEOUT, None, cancelled=True)
    *_, post = tree(make.call(status=504, error_type="gateway_timeout", attempts=[sent]))
    assert post.status.status_code is StatusCode.ERROR
    assert post.attributes["error.type"] == "timeout"


def test_stream_that_breaks_after_the_commit_is_an_error_despite_its_200(make, tree) -> None:
    sent = make.attempt(cause=Cause.CONNECTION_FAILURE, error_type="connection_error")
    record = make.call(interrupted=True, error_type="gateway_stream_interrupted", attempts=[sent])
    server, chat, post = tree(record)
    assert {span.status.status_code for span in (server, chat, post)} == {StatusCode.ERROR}
    assert server.attributes["error.type"] == "gateway_stream_interrupted"
    assert server.attributes["http.response.status_code"] == 200


@pytest.mark.parametrize("error_type", ["overloaded_error", None])
def test_error_inside_a_200_that_was_never_committed_is_an_error_of_all(make, tree, error_type) -> None:
    sent = make.refused(200, Cause.OVERLOADED, error_type)
    record = make.call(cause=Cause.OVERLOADED, error_type=error_type, attempts=[sent])
    for span in tree(record):
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes["error.type"] == (error_type or "_OTHER")
        assert span.attributes["http.response.status_code"] == 200


def test_opened_call_tells_who_opened_it_and_what_committed_it(make, tree) -> None:
    record = make.call(opened_by=OpenedBy("anthropic", 1), commit_reason=CommitReason.HOLD_MAX)
    server, *below = tree(record)
    told = {name: value for name, value in server.attributes.items() if "open" in name or "commit" in name}
    assert told == {
        "claude_sidecar.opened": True,
        "claude_sidecar.opened_by.route": "anthropic",
        "claude_sidecar.opened_by.attempt": 1,
        "claude_sidecar.commit_reason": "hold-max",
    }
    assert not any("open" in name for span in below for name in span.attributes)


def test_blind_repeat_is_told_on_the_top_span_alone(make, tree) -> None:
    server, *below = tree(make.call(blind_repeat="vercel-ai"))
    assert server.attributes["claude_sidecar.blind_repeat"] == "vercel-ai"
    assert not any("claude_sidecar.blind_repeat" in span.attributes for span in below)


def test_call_that_sent_nothing_still_has_server_and_operation(make, tree) -> None:
    record = make.call(status=529, error_type="gateway_busy", route="none", attempts=[])
    server, chat = tree(record)
    assert "server.address" not in chat.attributes
    assert server.attributes["claude_sidecar.attempts"] == 0


def test_call_without_a_model_has_no_gen_ai_attributes(make, tree) -> None:
    sent = make.attempt(
        model="", url="https://api.anthropic.com/v1/files/file_01/content?beta=true", response_model=None
    )
    record = make.call(
        method="GET", path="/v1/files/file_01/content", operation=None, model=None, attempts=[sent]
    )
    server, middle, get = tree(record)
    assert [server.name, middle.name, get.name] == ["GET /v1/files/{id}/content"] * 2 + ["GET"]
    assert middle.kind is SpanKind.INTERNAL
    assert get.attributes["url.full"] == "https://api.anthropic.com/v1/files/file_01/content"
    for span in (server, middle, get):
        assert not [name for name in span.attributes if name.startswith("gen_ai.")]


def test_answer_of_another_model_is_marked(make, tree) -> None:
    _, chat, _ = tree(make.call(attempts=[make.attempt(response_model="claude-haiku-4-5")]))
    assert chat.attributes["claude_sidecar.model_mismatch"] is True
    assert chat.attributes["gen_ai.response.model"] == "claude-haiku-4-5"


def test_named_substitution_is_told_and_no_mismatch(make, tree) -> None:
    sent = make.attempt(model="claude-haiku-4-5", response_model="claude-haiku-4-5-20251001")
    _, chat, _ = tree(make.call(substituted_model="claude-haiku-4-5", attempts=[sent]))
    assert chat.attributes["gen_ai.request.model"] == make.model
    assert chat.attributes["claude_sidecar.substituted_model"] == "claude-haiku-4-5"
    assert "claude_sidecar.model_mismatch" not in chat.attributes
