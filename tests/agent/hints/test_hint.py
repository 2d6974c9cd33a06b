"""Which answers get a hint, and what the hint says where the table of the docs is silent."""

from dataclasses import replace

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.hints.hint import HEADER_STATUSES, HintFacts, hint_for
from claude_sidecar.hints.known_models import KNOWN_MODELS
from claude_sidecar.hints.retired_models import retirement_of

OLD = (b"anthropic-version", b"2023-06-01")


def test_the_header_statuses_are_those_of_the_contract() -> None:
    assert {400, 401, 402, 403, 404, 413, 429, 500, 529} == HEADER_STATUSES


@pytest.mark.parametrize(
    ("status", "cause"),
    [(200, None), (409, Cause.CONFLICT), (501, Cause.NOT_FOUND), (504, Cause.TIMEOUT)],
)
def test_other_answers_get_none(status: int, cause: Cause | None) -> None:
    assert hint_for(HintFacts(status, cause)) is None


def test_an_own_overload_is_not_called_the_providers() -> None:
    hint = hint_for(HintFacts(529, Cause.OVERLOADED, error_type="gateway_busy", own=True))
    assert hint is not None
    assert "not the provider" in hint


def test_a_gateway_error_of_an_upstream_is_not_called_ours() -> None:
    hint = hint_for(HintFacts(400, Cause.INVALID_REQUEST, error_type="gateway_bad_request"))
    assert hint is not None
    assert "Another gateway" in hint


@pytest.mark.parametrize(
    ("cause", "words"), [(Cause.RATE_LIMIT, "No rate-limit header"), (Cause.AUTHENTICATION, "well formed")]
)
def test_an_error_inside_a_200_is_explained_by_its_cause(cause: Cause, words: str) -> None:
    lines = [(b"x-api-key", b"sk-ant-api03-abcdefgh"), OLD]
    facts = HintFacts(200, cause, "some_error", request_headers=lines, credentials_sent=("x-api-key",))
    assert words in (hint_for(facts) or "")


def test_an_overload_inside_a_200_stream_gets_the_overload_hint() -> None:
    hint = hint_for(HintFacts(200, Cause.OVERLOADED, error_type="overloaded_error"))
    assert hint is not None
    assert hint.startswith("The provider is overloaded")


def test_an_api_key_as_bearer_with_the_newer_version_is_not_called_wrong() -> None:
    lines = [(b"Authorization", b"Bearer sk-ant-api03-abcdefgh"), (b"anthropic-version", b"2026-10-21")]
    facts = HintFacts(
        401, error_type="authentication_error", request_headers=lines, credentials_sent=("authorization",)
    )
    hint = hint_for(facts)
    assert hint is not None
    assert "well formed but refused" in hint


def test_the_oauth_beta_is_found_on_any_of_several_lines() -> None:
    lines = [
        (b"Authorization", b"Bearer sk-ant-oat01-abcdefgh"),
        (b"Anthropic-Beta", b"context-1m-2025-08-07"),
        (b"anthropic-beta", b"oauth-2025-04-20"),
        OLD,
    ]
    facts = HintFacts(
        401, error_type="authentication_error", request_headers=lines, credentials_sent=("authorization",)
    )
    hint = hint_for(facts)
    assert hint is not None
    assert "expired or revoked" in hint


def test_a_text_that_is_too_long_gives_way_to_the_section_to_read_on_in() -> None:
    facts = HintFacts(404, error_type="not_found_error", error_message="gone", model=f"claude-{'x' * 73}")
    known = [f"claude-{'x' * 72}{letter}" for letter in "abc"]
    hint = hint_for(replace(facts, known_models=known)) or ""
    assert hint.endswith("... [docs/errors.md#404]")
    assert len(hint) <= 400


@pytest.mark.parametrize(
    ("facts", "section"),
    [
        (HintFacts(200, Cause.OVERLOADED, "overloaded_error"), "529"),
        (HintFacts(503, Cause.OVERLOADED, "overloaded_error"), "5xx"),
        (HintFacts(529, Cause.OVERLOADED, "overloaded_error", cut_after_s=61.0), "silence"),
        (HintFacts(529, Cause.OVERLOADED, "gateway_busy"), "another-gateways"),
        (HintFacts(529, Cause.OVERLOADED, "gateway_busy", own=True), "gateway_busy"),
        (HintFacts(500, Cause.SERVER_ERROR, "gateway_new", own=True), "the-sidecars-own-errors"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hint_ends_with_the_section_of_what_it_explains(facts: HintFacts, section: str) -> None:
    assert (hint_for(facts) or "").endswith(f" [docs/errors.md#{section}]")


def test_two_defects_are_both_named() -> None:
    lines = [(b"x-api-key", b'"Bearer sk-ant-api03-abcdefgh"'), OLD]
    hint = hint_for(HintFacts(401, request_headers=lines, credentials_sent=("x-api-key",)))
    assert hint is not None
    assert "quotes" in hint
    assert "holds the word Bearer" in hint


def test_many_defects_leave_room_for_the_names_of_the_headers() -> None:
    lines = [
        (b"x-api-key", b"' Bearer Bearer a b\xe2\x80\x8b'"),
        (b"authorization", b"bearer:  'c d\xc2\xa0 '"),
    ]
    sent = ("x-api-key", "authorization")
    hint = hint_for(HintFacts(401, request_headers=lines, credentials_sent=sent))
    assert hint is not None
    assert len(hint) <= 400
    assert "received: x-api-key, authorization; sent on: x-api-key, authorization. [" in hint


def test_headers_swallowed_on_the_way_up_are_seen_by_their_names() -> None:
    lines = [(b"x-api-key", b"sk-ant-api03-abcdefgh"), OLD]
    hint = hint_for(HintFacts(401, request_headers=lines))
    assert hint is not None
    assert "received: x-api-key; sent on: none. [" in hint


def test_a_model_that_does_not_look_like_a_name_is_not_repeated() -> None:
    hint = hint_for(HintFacts(404, error_type="not_found_error", model="please say hello"))
    assert hint is not None
    assert "hello" not in hint


def test_a_model_name_of_81_characters_is_not_repeated() -> None:
    hint = hint_for(HintFacts(404, error_type="not_found_error", model="m" * 81))
    assert hint is not None
    assert "mmm" not in hint


def test_a_known_name_that_is_no_name_is_not_suggested() -> None:
    known = ["claude-opus-4-7 <b>", "claude-opus-4-7"]
    hint = hint_for(HintFacts(404, error_type="not_found_error", model="claude-opus-4.7", known_models=known))
    assert hint is not None
    assert "<b>" not in hint
    assert "Use claude-opus-4-7 (by the last /v1/models answer)" in hint


def test_the_model_in_the_path_of_a_models_call_is_compared() -> None:
    hint = hint_for(HintFacts(404, error_type="not_found_error", path="/v1/models/claude-opus-4.7"))
    assert hint is not None
    assert "Use claude-opus-4-7" in hint


def test_a_404_for_a_file_named_in_a_message_is_not_blamed_on_the_model() -> None:
    facts = HintFacts(
        404, error_type="not_found_error", model="claude-opus-4-8", error_message="file_id not found"
    )
    hint = hint_for(facts)
    assert hint is not None
    assert "Model" not in hint


def test_the_probe_is_another_model_than_the_one_refused() -> None:
    hint = hint_for(HintFacts(403, error_type="permission_error", model="claude-haiku-4-5"))
    assert hint is not None
    assert "claude-haiku-4-5 " not in hint


def test_the_newer_versions_refusals_are_not_told_to_the_older_one() -> None:
    lines = [OLD]
    hint = hint_for(
        HintFacts(
            400,
            error_type="invalid_request_error",
            error_message="temperature: must be between 0 and 1",
            request_headers=lines,
        )
    )
    assert hint is not None
    assert "2026-10-21" not in hint


def test_a_missing_max_tokens_is_not_told_where_it_is_not_needed() -> None:
    facts = HintFacts(
        400,
        error_type="e",
        path="/v1/messages/count_tokens",
        request_headers=[OLD],
        request_has_max_tokens=False,
    )
    assert "max_tokens" not in (hint_for(facts) or "")


@pytest.mark.parametrize(
    "asked",
    [
        "claude-3.5-sonnet",
        "claude-3-5-sonnet-20240229",
        "anthropic/claude-3.7-sonnet",
        "claude-opus-4",
        "claude-2.1",
        "claude-sonnet-4-20250514[1m]",
    ],
)
def test_a_retired_model_is_known_however_its_name_is_written(asked: str) -> None:
    hint = hint_for(HintFacts(404, error_type="not_found_error", model=asked))
    assert hint is not None
    assert "is retired" in hint
    assert "character off" not in hint


def test_a_model_that_the_last_list_has_is_not_called_retired() -> None:
    name = "claude-sonnet-4-5-20250929"
    hint = hint_for(HintFacts(404, error_type="not_found_error", model=name, known_models=[name]))
    assert hint is not None
    assert "retired" not in hint


@pytest.mark.parametrize("name", KNOWN_MODELS)
def test_no_known_model_is_called_retired(name: str) -> None:
    assert retirement_of(name) is None


@pytest.mark.parametrize("asked", ["claude-opus-4-8[1m]", "claude-opus-4-8[1M][1m]", "claude-opus-4-8 [1m]"])
def test_claude_codes_mark_is_taken_off_a_name(asked: str) -> None:
    hint = hint_for(HintFacts(404, error_type="not_found_error", model=asked))
    assert hint is not None
    assert "[1m] is Claude Code's own mark" in hint
    assert "Use claude-opus-4-8 (" in hint


@pytest.mark.parametrize("path", ["/v1/messages/", "/v1//messages", "//v1/messages", "/v1/messages//batches"])
def test_a_slash_too_many_is_told_and_the_model_is_not(path: str) -> None:
    facts = HintFacts(404, error_type="not_found_error", error_message="Not found", path=path, model="m")
    hint = hint_for(facts) or ""
    assert "a slash too many" in hint
    assert "odel" not in hint


def test_a_coded_body_is_not_called_below_the_limit() -> None:
    lines = [(b"content-encoding", b"gzip")]
    facts = HintFacts(413, body_bytes=1_000_000, request_headers=lines, error_type="request_too_large")
    assert "below" not in (hint_for(facts) or "")


@pytest.mark.parametrize("failing_for_s", [None, 1.0, 119.0])
def test_the_status_page_is_not_named_for_what_may_pass(failing_for_s: float | None) -> None:
    facts = HintFacts(500, Cause.SERVER_ERROR, "api_error", one_model_only=False, failing_for_s=failing_for_s)
    assert "status" not in (hint_for(facts) or "")
