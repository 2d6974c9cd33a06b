"""What a `Host` is, and which ones name this machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.authority import Authority, parse_authority


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        (b"localhost", "localhost", None),
        (b"LocalHost:8787", "localhost", 8787),
        (b"127.0.0.1:1", "127.0.0.1", 1),
        (b"[::1]:65535", "::1", 65535),
        (b"[::FFFF:127.0.0.1]", "::ffff:127.0.0.1", None),
        (b"a-b_c.example:", "a-b_c.example", None),
        (b"a%2Fb", "a%2fb", None),
        (b"a,b;c=d", "a,b;c=d", None),
    ],
)
def test_hosts_of_the_grammar_are_taken_apart(value: bytes, host: str, port: int | None) -> None:
    assert parse_authority(value) == Authority(host, port)


@pytest.mark.parametrize(
    "value",
    [
        *(
            b"",
            b":80",
            b"a b",
            b"a\tb",
            b" a",
            b"a/b",
            b"http://a",
            b"user@a",
            b"a?b",
            b"a#b",
            b'a"b',
            b"a\\b",
        ),
        *(
            b"a:b",
            b"a:80:80",
            b"a:0",
            b"a:65536",
            b"a:-1",
            b"a:1_0",
            b"a%2",
            b"a%zz",
            b"a<b>",
            b"a^b",
            b"a|b",
        ),
        *(b"[::1", b"::1", b"[]", b"[1::2::3]", b"[fe80::1%25eth0]", b"[127.0.0.1]", b"x[::1]", b"[::1]x"),
        *(b"\xff\xfe", "mödel".encode(), b"a\x00", b"a" * 301, b"a\n"),
    ],
)
def test_what_is_no_host_is_told(value: bytes) -> None:
    assert parse_authority(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *(b"localhost", b"localhost.", b"app.localhost:1", b"127.0.0.1", b"127.255.0.9:80"),
        *(b"[::1]", b"[0:0:0:0:0:0:0:1]:8787", b"[::ffff:127.0.0.1]"),
    ],
)
def test_loopback_names_and_addresses_are_known(value: bytes) -> None:
    found = parse_authority(value)
    assert found is not None
    assert found.is_loopback


@pytest.mark.parametrize(
    "value",
    [b"localhost.example", b"127.0.0.1.nip.example", b"10.0.0.1", b"0.0.0.0", b"notlocalhost", b"[::]"],
)
def test_other_names_are_no_loopback(value: bytes) -> None:
    found = parse_authority(value)
    assert found is not None
    assert not found.is_loopback


@given(st.binary(max_size=320))
def test_any_bytes_are_a_host_without_delimiters_or_none(value: bytes) -> None:
    found = parse_authority(value)
    if found is not None:
        assert found.host
        assert not set(found.host) & set(' \t\r\n/?#@"\\<>')
        assert found.port is None or 0 < found.port < 65536
