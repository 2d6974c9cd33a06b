"""Every hint has a name, by which hints are counted: one of few, and free of what a call carried."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import anchors
from support.hint_cases import CASES
from support.project import ROOT

from claude_sidecar.causes import Cause
from claude_sidecar.hints.clients import OTHER_CLIENT
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.hint import hint_for, named_hint_for

SECTIONS = anchors(ROOT / "docs" / "errors.md")
NAMES = {case: hint.name for case, facts in CASES.items() if (hint := named_hint_for(facts)) is not None}


def test_every_kind_of_trouble_has_a_name() -> None:
    assert set(NAMES) == set(CASES)
    assert len(set(NAMES.values())) > 100


@pytest.mark.parametrize("case", CASES)
def test_name_is_a_section_of_the_errors_page_and_a_word_within_it(case: str) -> None:
    section, _, finding = NAMES[case].partition("/")
    assert section in SECTIONS
    assert re.fullmatch(r"[a-z0-9-]*", finding)
    assert (hint_for(CASES[case]) or "").endswith(f"[docs/errors.md#{section}]")


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("401 outer spaces", "401/outer-spaces"),
        ("401 quotes and outer spaces", "401/quotes"),
        ("403 model not entitled", "403/model-access"),
        ("404 dots", "404/misspelt-model"),
        ("429 output tokens", "429/output-tokens"),
        ("429 concurrency", "429/concurrency"),
        ("500 one model", "500/server-error-of-one-model"),
    ],
)
def test_name_is_of_what_the_hint_says_first(case: str, name: str) -> None:
    assert NAMES[case] == name


def test_blind_repeat_changes_the_name_only_where_there_was_none() -> None:
    overloaded = HintFacts(529, Cause.OVERLOADED, "overloaded_error", blind_repeat=OTHER_CLIENT)
    timed_out = HintFacts(408, Cause.TIMEOUT, blind_repeat=OTHER_CLIENT)
    assert [hint.name for facts in (overloaded, timed_out) if (hint := named_hint_for(facts))] == [
        "529/overloaded",
        "blind-repeat",
    ]


@given(
    st.sampled_from([400, 401, 402, 403, 404, 413, 429, 500, 503, 529]),
    st.one_of(st.none(), st.text(max_size=40)),
    st.text(max_size=60),
    st.text(max_size=40),
    st.booleans(),
)
def test_names_hold_nothing_of_what_strangers_send(
    status: int, code: str | None, message: str, model: str, own: bool
) -> None:
    facts = HintFacts(
        status, error_type="gateway_x" if own else "some_error", error_code=code, error_message=message,
        model=model, own=own,
    )  # fmt: skip
    hint = named_hint_for(facts)
    assert hint is None or hint.name in KNOWN


KNOWN = set(NAMES.values()) | {
    "400/cache-control",
    "400/claude-code-only",
    "400/image-too-large",
    "400/media-type",
    "400/no-max-tokens",
    "400/request-body-encoding-invalid",
    "400/request-body-timeout",
    "400/thinking-blocks",
    "400/tool-name-conflict",
    "402/payers-billing",
    "404/id-in-request",
    "404/right-name",
    "404/thread-not-found",
    "404/unknown-model",
    "5xx/cmek-context-unavailable",
    "5xx/server-error",
    "500/server-error",
    "gateway_bad_request/web-page",
    "the-sidecars-own-errors",
    "the-sidecars-own-errors/own-limit",
    "the-sidecars-own-errors/web-page",
}
"""With what has no case of its own."""
