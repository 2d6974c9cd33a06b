"""Names in a hosts file: as written, in any case, all addresses of all lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.upstream.hosts_file import addresses_in

HOSTS = """\
# 10.0.0.9 api.example.com
127.0.0.1\tlocalhost
::1 localhost ip6-localhost # loopback

10.0.0.1  api.example.com api   # first
10.0.0.2  other.example.com API.Example.Com
10.0.0.1  api.example.com
not-an-address api.example.com
2001:db8::1 api.example.com
10.0.0.3  xapi.example.com api.example.com.evil
10.0.0.4
""".splitlines(keepends=True)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("localhost", ["127.0.0.1", "::1"]),
        ("api.example.com", ["10.0.0.1", "10.0.0.2", "2001:db8::1"]),
        ("API.example.COM", ["10.0.0.1", "10.0.0.2", "2001:db8::1"]),
        ("api", ["10.0.0.1"]),
        ("example.com", []),
        ("10.0.0.4", []),
        ("first", []),
        ("#", []),
    ],
)
def test_every_line_that_gives_the_name_counts_and_no_other(name, found) -> None:
    assert [address.ip for address in addresses_in(HOSTS, name)] == found


@given(st.lists(st.text(max_size=60), max_size=10))
def test_garbage_names_nothing_and_breaks_nothing(lines) -> None:
    assert addresses_in(lines, "api.example.com") == ()
