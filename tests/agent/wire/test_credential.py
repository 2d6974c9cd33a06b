"""The caller's credential: found in any spelling of the header, told apart by kind, named by its alias."""

import string
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.schema.telemetry import KeyAlias
from claude_sidecar.wire.credential import CredentialKind, alias_of, bare_key, find_credentials

KEY = b"sk-ant-api03-QzX9vB7mK2pL5nR8tW4yJ6"
OAUTH = b"sk-ant-oat01-QzX9vB7mK2pL5nR8tW4yJ6"
FINGERPRINT = sha256(KEY).hexdigest()[:8]
KEYS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=120).map(
    lambda tail: b"sk-ant-api03-" + tail.encode()
)
LINES = st.lists(
    st.tuples(
        st.sampled_from([b"x-api-key", b"AUTHORIZATION", b"accept"]) | st.binary(max_size=15),
        st.binary(max_size=80),
    ),
    max_size=8,
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (KEY, CredentialKind.API_KEY),
        (OAUTH, CredentialKind.OAUTH_TOKEN),
        (b"sk-ant-admin01-abc", CredentialKind.ADMIN_KEY),
        (b"provided-by-claude-sidecar", CredentialKind.PLACEHOLDER),
        (b"'provided-by-claude-sidecar'", CredentialKind.PLACEHOLDER),
        (b"", CredentialKind.EMPTY),
        (b"Bearer", CredentialKind.EMPTY),
        (b"Bearer ", CredentialKind.EMPTY),
        (b'""', CredentialKind.EMPTY),
        (b"sk-proj-abc", CredentialKind.UNKNOWN),
        (b"Basic abc=", CredentialKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("header", [b"x-api-key", b"X-Api-Key", b"authorization", b"Authorization"])
def test_a_credential_is_found_with_its_kind(header: bytes, value: bytes, kind: CredentialKind) -> None:
    lines = [(b"accept", b"*/*"), (header, value), (b"x-api-kez", KEY)]
    (found,) = find_credentials(lines)
    assert (found.header, found.kind, found.value) == (header.decode().lower(), kind, value)


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        b"Bearer " + KEY,
        b"bearer " + KEY,
        b"Bearer:  " + KEY,
        b"Bearer Bearer " + KEY,
        b'"' + KEY + b'"',
        b"'Bearer " + KEY + b"'",
        b"  " + KEY + b"\t",
        b"\xe2\x80\x8b" + KEY + b"\xef\xbb\xbf",
        b"\xe2\x80\x9c" + KEY + b"\xe2\x80\x9d",
    ],
)
def test_a_key_has_one_alias_however_it_is_wrapped(value: bytes) -> None:
    for header in (b"x-api-key", b"authorization"):
        assert alias_of(find_credentials([(header, value)]), KeyAlias.FINGERPRINT) == FINGERPRINT


def test_oauth_tokens_share_one_alias() -> None:
    assert (
        alias_of(find_credentials([(b"authorization", b"Bearer " + OAUTH)]), KeyAlias.FINGERPRINT) == "oauth"
    )


@pytest.mark.parametrize(
    "lines", [[], [(b"x-api-key", b"")], [(b"x-api-key", b"provided-by-claude-sidecar")]]
)
@pytest.mark.parametrize("mode", KeyAlias)
def test_no_key_is_called_none(lines: list[tuple[bytes, bytes]], mode: KeyAlias) -> None:
    assert alias_of(find_credentials(lines), mode) == "none"


@pytest.mark.parametrize("key", [KEY, OAUTH, b"sk-proj-abc"])
def test_hidden_mode_hides_every_key(key: bytes) -> None:
    assert alias_of(find_credentials([(b"x-api-key", key)]), KeyAlias.HIDDEN) == "hidden"


@pytest.mark.parametrize("first_is_bearer", [True, False])
def test_with_both_headers_the_api_key_names_the_call(first_is_bearer: bool) -> None:
    lines = [(b"authorization", b"Bearer " + OAUTH), (b"x-api-key", KEY)]
    if not first_is_bearer:
        lines.reverse()
    assert alias_of(find_credentials(lines), KeyAlias.FINGERPRINT) == FINGERPRINT


def test_an_empty_api_key_gives_way_to_the_bearer_token() -> None:
    lines = [(b"x-api-key", b""), (b"authorization", b"Bearer " + KEY)]
    assert alias_of(find_credentials(lines), KeyAlias.FINGERPRINT) == FINGERPRINT


def test_a_repr_shows_no_key() -> None:
    assert "QzX9" not in repr(find_credentials([(b"x-api-key", KEY)]))


@given(KEYS)
def test_a_key_gives_the_same_alias_in_either_header(key: bytes) -> None:
    expected = sha256(key).hexdigest()[:8]
    assert alias_of(find_credentials([(b"X-Api-Key", key)]), KeyAlias.FINGERPRINT) == expected
    assert (
        alias_of(find_credentials([(b"Authorization", b"Bearer " + key)]), KeyAlias.FINGERPRINT) == expected
    )


@given(LINES, st.sampled_from(KeyAlias))
def test_any_bytes_give_an_alias_of_eight_characters_at_most(
    lines: list[tuple[bytes, bytes]], mode: KeyAlias
) -> None:
    alias = alias_of(find_credentials(lines), mode)
    assert alias.isascii()
    assert 1 <= len(alias) <= 8


@given(st.binary(max_size=100))
def test_a_bare_key_stays_bare(value: bytes) -> None:
    bare = bare_key(value)
    assert b" " not in bare
    assert b'"' not in bare
