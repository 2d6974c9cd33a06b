"""NO_PROXY: which hosts go direct, and which entries are none."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.config.no_proxy import read_no_proxy


@pytest.mark.parametrize(
    ("listed", "host", "port", "direct"),
    [
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3/8", "10.200.0.1", 443, True),
        ("10.0.0.0/8,127.0.0.0/8,.svc", "127.0.0.1", 443, True),
        ("127.0.0.1/32", "127.0.0.1", 443, True),
        ("127.0.0.1/32", "127.0.0.2", 443, False),
        ("10.0.0.0/8:8443", "10.1.2.3", 8443, True),
        ("10.0.0.0/8:8443", "10.1.2.3", 443, False),
        ("0.0.0.0/0", "192.0.2.1", 443, True),
        ("0.0.0.0/0", "api.example.com", 443, False),
        ("fd00::/8", "fd12::1", 443, True),
        ("fd00::/8", "fe80::1", 443, False),
        ("[fd12::1]:8443", "fd12::1", 8443, True),
        ("[fd12::1]", "fd12::1", 443, True),
        ("fd12::1", "fd12::1", 443, True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", 443, True),
        ("127.0.0.1", "127.0.0.1", 443, True),
        ("27.0.0.1", "127.0.0.1", 443, False),
        ("example.com", "example.com", 443, True),
        ("example.com", "api.example.com", 443, True),
        ("example.com", "notexample.com", 443, False),
        (".example.com", "api.example.com", 443, True),
        ("*.example.com", "api.example.com", 443, True),
        ("EXAMPLE.com", "Api.Example.COM.", 443, True),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:443", "example.com", 443, True),
        ("example.com:8443", "example.com", 443, False),
        (".svc,.cluster.local", "gateway.team.svc", 443, True),
        (" a.example ,\tb.example  c.example\n", "c.example", 443, True),
        ("*", "api.anthropic.com", 443, True),
        ("example.com,*", "api.anthropic.com", 443, True),
        ("", "api.anthropic.com", 443, False),
        (",, ,", "api.anthropic.com", 443, False),
        ("my_host", "my_host", 443, True),
    ],
)
def test_entries_cover_what_other_programs_say_they_do(listed, host, port, direct) -> None:
    no_proxy, faults = read_no_proxy("NO_PROXY", listed)
    assert no_proxy.covers(host, port) is direct
    assert faults == ()


@pytest.mark.parametrize(
    "word",
    [
        "10.0.0.0/33",
        "10.0.0/8",
        "fd00::/129",
        "http://example.com",
        "example.com/path",
        "10.*",
        "localhost|127.0.0.1",
        "example.com:0",
        "example.com:99999",
        "[example.com]",
        "'example.com'",
        "[::1",
    ],
)
def test_an_entry_that_is_none_is_told_and_the_others_hold(word: str) -> None:
    no_proxy, faults = read_no_proxy("NO_PROXY", f"first.example,{word},last.example")
    assert no_proxy.covers("last.example", 443)
    (fault,) = faults
    assert not fault.fatal
    assert str(fault).startswith("NO_PROXY=`")
    assert "ranges (10.0.0.0/8)" in str(fault)


@given(network=st.ip_addresses(v=4), prefix=st.integers(0, 32), host=st.ip_addresses(v=4))
def test_a_range_covers_what_is_in_it_and_nothing_else(network, prefix: int, host) -> None:
    expected = host in ipaddress.ip_network((network, prefix), strict=False)
    no_proxy, _ = read_no_proxy("NO_PROXY", f"{network}/{prefix}")
    assert no_proxy.covers(str(host), 443) is expected


@given(st.text(max_size=60), st.text(max_size=30), st.integers(1, 65535))
def test_any_text_is_read_without_raising(listed: str, host: str, port: int) -> None:
    no_proxy, faults = read_no_proxy("NO_PROXY", listed)
    assert no_proxy.covers(host, port) in (True, False)
    assert all(str(fault) for fault in faults)
