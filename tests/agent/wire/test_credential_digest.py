"""Whose connection it is: alike for one credential, unlike for any other, never the credential itself."""

from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.credential import account_of, find_credentials

lines = st.lists(
    st.tuples(st.sampled_from([b"x-api-key", b"Authorization"]), st.binary(max_size=40)), max_size=3
)


@given(one=lines, other=lines)
def test_same_lines_are_the_same_account_and_others_are_another(one, other) -> None:
    first, second = find_credentials(one), find_credentials(other)
    same = [(found.header, found.value) for found in first] == [
        (found.header, found.value) for found in second
    ]
    assert (account_of(first, None) == account_of(second, None)) is same


@given(callers=lines, own=st.binary(max_size=40))
def test_routes_own_credential_is_its_account_whoever_calls(callers, own) -> None:
    assert account_of(find_credentials(callers), own) == account_of((), own)


def test_account_does_not_show_the_key() -> None:
    key = b"sk-ant-api03-secret"
    assert key not in account_of(find_credentials([(b"x-api-key", key)]), None)
    assert len(account_of((), key)) == 32
