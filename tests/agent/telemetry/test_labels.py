"""Label values stay few, whatever callers and upstreams send."""

import pytest

from claude_sidecar.schema.retry import Fallback
from claude_sidecar.telemetry.bounds import clean
from claude_sidecar.telemetry.labels import Labels


def test_models_of_the_policy_are_labels_whatever_they_look_like(make) -> None:
    labels = Labels()
    labels.policy_in_force(
        make.snapshot(
            routes=(make.route("bedrock", models={"house-model": "anthropic.claude-x-v1:0"}),),
            fallback=Fallback(substitutions=[{"model": "first", "with": ["second"]}]),
        )
    )
    assert [labels.model(name) for name in ("house-model", "first", "second", make.model)] == [
        "house-model",
        "first",
        "second",
        make.model,
    ]


def test_a_routes_own_id_of_a_model_is_labelled_by_the_callers_name(make) -> None:
    labels = Labels()
    labels.policy_in_force(make.snapshot(routes=(make.route("b", models={"name": "anthropic.id-v1:0"}),)))
    assert labels.model("anthropic.id-v1:0") == "name"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("claude-opus-4-8", "claude-opus-4-8"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5@20251001"),
        ("claude-opus-4.7", "_other"),
        ("gpt-9", "_other"),
        ("claude-" + "x" * 100, "_other"),
        ("claude-opus-4-8\n", "_other"),
        ("", "_other"),
        (None, "none"),
    ],
)
def test_only_names_that_look_like_claudes_are_learnt(name: str | None, label: str) -> None:
    assert Labels().model(name) == label


def test_a_name_that_the_api_does_not_know_is_not_learnt() -> None:
    labels = Labels()
    assert labels.model("claude-sonet-4-6", learn=False) == "_other"
    assert labels.model("claude-sonet-4-6") == "claude-sonet-4-6"
    assert labels.model("claude-sonet-4-6", learn=False) == "claude-sonet-4-6"


def test_models_beyond_64_are_other() -> None:
    labels = Labels()
    seen = {labels.model(f"claude-model-{number}") for number in range(1000)}
    assert len(seen) == 65
    assert "_other" in seen


def test_keys_beyond_32_are_other_and_oauth_takes_no_place() -> None:
    labels = Labels()
    assert labels.key("oauth") == "oauth"
    seen = {labels.key(f"{number:08x}") for number in range(100)}
    assert len(seen) == 33
    assert labels.key("oauth") == "oauth"
    assert labels.key("none") == "none"


def test_features_beyond_50_are_other() -> None:
    labels = Labels()
    seen = {labels.feature(f"feature {number}") for number in range(100)}
    assert len(seen) == 51
    assert labels.feature("x" * 65) == "_other"
    assert labels.feature("") == ""


def test_routes_are_those_of_policies_and_none(make) -> None:
    labels = Labels()
    labels.policy_in_force(make.snapshot())
    labels.policy_in_force(make.snapshot(routes=(make.route("new"),)))
    assert [labels.route(name) for name in ("anthropic", "new", "none", "made-up")] == [
        "anthropic",
        "new",
        "none",
        "_other",
    ]


def test_error_types_and_statuses_are_bounded() -> None:
    labels = Labels()
    assert labels.error_type("overloaded_error") == "overloaded_error"
    assert labels.error_type('a"b\n') == "_other"
    assert len({labels.error_type(f"error_{number}") for number in range(200)}) == 64
    assert [labels.status(status) for status in (None, 200, 529, 999)] == ["none", "200", "529", "_other"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("plain", "plain"), ("a\nb\x00", "a?b?"), ("caf\udce9", "caf?"), ("x" * 20, "x" * 10), ("é", "é")],
)
def test_text_is_cut_and_made_printable(text: str, cleaned: str) -> None:
    assert clean(text, 10) == cleaned


def test_a_record_keeps_nothing_that_is_long(make) -> None:
    long = "x" * 1_000_000
    sent = make.attempt(
        model=long,
        url=long,
        error_type=long,
        request_id=long,
        response_model=long,
        response_id=long,
        stop_reason=long,
    )
    record = make.call(model=long, path=long, feature=long, hint=long, tracestate=long, attempts=[sent])
    asked, got = record.request, record.response
    kept = [asked.model, asked.path, asked.feature, got.hint, sent.model, sent.url, sent.stop_reason]
    assert max(len(text) for text in kept if text is not None) <= 512
    assert asked.tracestate is None
