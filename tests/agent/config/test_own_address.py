"""Which hosts are this machine."""

import socket

import pytest
from support.own_address import own_interface_address

from claude_sidecar.config.own_address import is_own_address, leads_here

LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_addresses_are_own(host: str) -> None:
    assert is_own_address(host)
    assert leads_here(host)


def test_the_address_of_an_interface_is_own() -> None:
    assert is_own_address(own_interface_address())
    assert leads_here(own_interface_address())


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "2001:db8::1", "224.0.0.1", "255.255.255.255", "example.com", "", "0.0.0.0", "::"]
)
def test_other_addresses_are_not_own(host: str) -> None:
    assert not is_own_address(host)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "app.localhost", "ip6-localhost", "0.0.0.0", "::"),
        *("127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"),
    ],
)
def test_every_spelling_of_this_machine_leads_here(host: str) -> None:
    assert leads_here(host)


def test_the_own_host_name_leads_here() -> None:
    assert leads_here(socket.gethostname())


@pytest.mark.parametrize("host", ["api.anthropic.com", "192.0.2.1", "localhost.example", "gateway"])
def test_other_hosts_do_not(host: str) -> None:
    assert not leads_here(host)
