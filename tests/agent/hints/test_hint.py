"""Which answers get a hint, and what the hint says where the table of the docs is silent."""

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.hints.hint import HEADER_STATUSES, HintFacts, hint_for

OLD = (b"anthropic-version", b"2023-06-01")


def test_the_header_statuses_are_those_of_the_contract() -> None:
    assert {400, 401, 403, 404, 413, 429} == HEADER_STATUSES


@pytest.mark.parametrize(
    ("status", "cause"),
    [(200, None), (402, Cause.BILLING), (409, Cause.CONFLICT), (501, Cause.NOT_FOUND), (504, Cause.TIMEOUT)],
)
def test_other_answers_get_none(status: int, cause: Cause | None) -> None:
    assert hint_for(HintFacts(status, cause)) is None


def test_an_own_server_error_gets_none() -> None:
    assert hint_for(HintFacts(529, Cause.OVERLOADED, error_type="gateway_busy")) is None


def test_an_overload_inside_a_200_stream_gets_the_overload_hint() -> None:
    hint = hint_for(HintFacts(200, Cause.OVERLOADED, error_type="overloaded_error"))
    assert hint is not None
    assert hint.startswith("The provider is overloaded")


def test_an_api_key_as_bearer_with_the_newer_version_is_not_called_wrong() -> None:
    lines = [(b"Authorization", b"Bearer sk-ant-api03-abcdefgh"), (b"anthropic-version", b"2026-10-21")]
    hint = hint_for(HintFacts(401, request_headers=lines, credentials_sent=("authorization",)))
    assert hint is not None
    assert "well formed" in hint


def test_the_oauth_beta_is_found_on_any_of_several_lines() -> None:
    lines = [
        (b"Authorization", b"Bearer sk-ant-oat01-abcdefgh"),
        (b"Anthropic-Beta", b"context-1m-2025-08-07"),
        (b"anthropic-beta", b"oauth-2025-04-20"),
        OLD,
    ]
    hint = hint_for(HintFacts(401, request_headers=lines, credentials_sent=("authorization",)))
    assert hint is not None
    assert "expired or revoked" in hint


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
    assert hint.endswith("received: x-api-key, authorization; sent on: x-api-key, authorization.")


def test_headers_swallowed_on_the_way_up_are_seen_by_their_names() -> None:
    lines = [(b"x-api-key", b"sk-ant-api03-abcdefgh"), OLD]
    hint = hint_for(HintFacts(401, request_headers=lines))
    assert hint is not None
    assert hint.endswith("received: x-api-key; sent on: none.")


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
        HintFacts(400, error_message="temperature: must be between 0 and 1", request_headers=lines)
    )
    assert hint is not None
    assert "2026-10-21" not in hint


def test_a_missing_max_tokens_is_not_told_where_it_is_not_needed() -> None:
    facts = HintFacts(
        400, path="/v1/messages/count_tokens", request_headers=[OLD], request_has_max_tokens=False
    )
    assert "max_tokens" not in (hint_for(facts) or "")
