"""Whatever comes in: a hint never raises, is one bounded ASCII line, and shows no key and no content."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from claude_sidecar.causes import Cause
from claude_sidecar.hints.hint import HEADER_STATUSES, HintFacts, hint_for

STATUSES = st.sampled_from([*HEADER_STATUSES, 409, 501, 502, 200, 0])
SMALL_TEXT = st.none() | st.text(max_size=60)
HEADER_NAMES = st.sampled_from(
    [
        b"x-api-key",
        b"X-Api-Key",
        b"Authorization",
        b"authorization",
        b"anthropic-version",
        b"anthropic-beta",
        b"api-key",
        b"anthropic-ratelimit-requests-remaining",
        b"anthropic-ratelimit-unified-status",
    ]
)
HEADERS = st.lists(st.tuples(HEADER_NAMES | st.binary(max_size=20), st.binary(max_size=60)), max_size=6)
PATHS = st.sampled_from(
    ["/v1/messages", "/v1/models/claude-x", "/v1/files", "/v1/messages/batches", "/v1/v1/messages", "/", ""]
)
NUMBERS = st.none() | st.integers(min_value=-10, max_value=10**20)


@st.composite
def any_facts(draw: st.DrawFn) -> HintFacts:
    """Facts as a hostile caller and a hostile upstream would make them."""
    return HintFacts(
        status=draw(STATUSES),
        cause=draw(st.none() | st.sampled_from(Cause)),
        error_type=draw(SMALL_TEXT | st.sampled_from(["not_found_error", "gateway_busy"])),
        error_code=draw(SMALL_TEXT),
        error_message=draw(SMALL_TEXT),
        path=draw(PATHS | st.text(max_size=40)),
        model=draw(SMALL_TEXT | st.from_regex(r"claude-[a-z0-9.-]{1,20}", fullmatch=True)),
        request_headers=draw(HEADERS),
        credentials_sent=draw(st.lists(st.text(max_size=20), max_size=3)),
        route_has_credential=draw(st.booleans()),
        request_has_max_tokens=draw(st.none() | st.booleans()),
        known_models=draw(st.lists(st.text(max_size=100), max_size=5)),
        body_bytes=draw(NUMBERS),
        base64_bytes=draw(NUMBERS),
        max_body_bytes=draw(NUMBERS),
        response_headers=draw(HEADERS),
        retry_after_s=draw(st.none() | st.floats()),
        one_model_only=draw(st.none() | st.booleans()),
        cut_after_s=draw(st.none() | st.floats(0, 1e6)),
        failing_for_s=draw(st.none() | st.floats(0, 1e9)),
        page=draw(st.binary(max_size=60) | st.just(b"<html>nginx")),
        own=draw(st.booleans()),
    )


@given(any_facts())
def test_any_facts_give_one_bounded_ascii_line_or_nothing(facts: HintFacts) -> None:
    hint = hint_for(facts)
    if facts.status in HEADER_STATUSES:
        assert hint
    if hint is not None:
        assert 0 < len(hint) <= 400
        assert hint.isascii()
        assert hint.isprintable()


PREFIXES = st.sampled_from([b"sk-ant-api03-", b"sk-ant-oat01-", b"sk-ant-admin01-", b"k-ant-api03-", b""])
SECRETS = st.text(string.ascii_uppercase + string.digits, min_size=12, max_size=40).map(str.encode)
WRAPPERS = st.sampled_from(
    [
        b"%s",
        b'"%s"',
        b" %s ",
        b"Bearer %s",
        b"bearer  %s",
        b"Bearer: %s",
        b"Bearer Bearer %s",
        b"KEY=%s",
        b"\xe2\x80\x8b%s",
        b"Basic %s x",
        b"%s %s",
    ]
)


@given(
    prefix=PREFIXES,
    secret=SECRETS,
    wrapper=WRAPPERS,
    header=st.sampled_from([b"x-api-key", b"authorization", b"api-key"]),
    status=STATUSES,
    key_is_the_model=st.booleans(),
    path=PATHS,
)
@example(b"sk-ant-api03-", b"ABCDEF012345", b"%s", b"x-api-key", 404, True, "/v1/messages")
def test_no_six_characters_of_the_key_appear_in_any_hint(
    prefix: bytes,
    secret: bytes,
    wrapper: bytes,
    header: bytes,
    status: int,
    key_is_the_model: bool,
    path: str,
) -> None:
    key = prefix + secret
    value = wrapper.replace(b"%s", key)
    text = key.decode()
    hint = hint_for(
        HintFacts(
            status,
            error_type="not_found_error",
            error_message=f"model: {text} for key {text}",
            model=text if key_is_the_model else "claude-opus-4.7",
            request_headers=[(header, value), (b"anthropic-version", value)],
            credentials_sent=(header.decode(), text),
            path=path,
        )
    )
    for start in range(len(text) - 5):
        assert text[start : start + 6] not in (hint or "")


@given(st.text(string.ascii_uppercase + " ", min_size=6, max_size=200), STATUSES)
def test_no_text_of_the_error_message_is_repeated(message: str, status: int) -> None:
    with_message = hint_for(HintFacts(status, error_type="some_error", error_message=message))
    words = [word for word in message.split() if len(word) > 5]
    assert not any(word in (with_message or "") for word in words)


def test_a_repr_of_the_facts_shows_no_key_and_no_message() -> None:
    facts = HintFacts(
        401, error_message="SECRET", model="SECRET", request_headers=[(b"x-api-key", b"SECRET")]
    )
    assert "SECRET" not in repr(facts)
