"""The system's resolver: its hosts file, its words, and that nobody waits for its threads."""

import asyncio
import socket
import threading

import pytest

from claude_sidecar.upstream import system_resolver
from claude_sidecar.upstream.names import Names
from claude_sidecar.upstream.resolver import Verdict
from claude_sidecar.upstream.system_resolver import SystemResolver

RESERVED = "no-such-host.invalid"
"""RFC 6761: never exists. Without any name server it can't be known, either."""


async def test_localhost_is_found_in_the_hosts_file() -> None:
    told = await SystemResolver().in_hosts_file("localhost")
    assert "127.0.0.1" in [address.ip for address in told.addresses]


async def test_missing_hosts_file_says_nothing(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(system_resolver, "_HOSTS", tmp_path / "hosts")
    assert (await SystemResolver().in_hosts_file("localhost")).verdict is Verdict.NO_NAME


async def test_hosts_file_is_read_anew_each_time(monkeypatch, tmp_path) -> None:
    hosts = tmp_path / "hosts"
    monkeypatch.setattr(system_resolver, "_HOSTS", hosts)
    for ip in ("10.0.0.1", "10.0.0.2"):
        hosts.write_bytes(b"\xff\xfe odd bytes\n" + f"{ip} api.example.com\n".encode())
        known = await Names(SystemResolver()).find("api.example.com")
        assert [address.ip for address in known.addresses] == [ip]


async def test_localhost_is_found_as_configured() -> None:
    told = await SystemResolver().as_configured("localhost")
    assert "127.0.0.1" in [address.ip for address in told.addresses]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_absolute_name_is_asked_for_with_its_dot(family, monkeypatch) -> None:
    asked = []

    def ask(name, port, **options):
        asked.append((name, options["family"]))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    told = await SystemResolver().absolute("api.example.com", family)
    assert asked == [(b"api.example.com.", family)]
    assert (told.verdict, told.reason) == (Verdict.NO_NAME, "Name or service not known")


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Verdict.NO_NAME),
        (socket.gaierror(socket.EAI_NODATA, "no address"), Verdict.NO_ADDRESS),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), Verdict.NO_ANSWER),
        (socket.gaierror(socket.EAI_FAIL, "garbage"), Verdict.NO_ANSWER),
        (OSError(24, "Too many open files"), Verdict.NO_ANSWER),
    ],
)
async def test_every_error_is_an_answer(error, verdict, monkeypatch) -> None:
    def fail(*_: object, **__: object):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert (await SystemResolver().as_configured("api")).verdict is verdict


@pytest.mark.parametrize("name", ["x" * 300, "a..b", "\udcff", "ü.example", ""])
async def test_name_that_can_not_be_one_is_an_answer_too(name) -> None:
    assert not (await SystemResolver().absolute(name, socket.AF_INET)).addresses


def test_answer_that_comes_after_the_end_of_the_loop_disturbs_nobody(monkeypatch) -> None:
    asked, answers = threading.Event(), threading.Event()

    def ask(*_: object, **__: object):
        asked.set()
        answers.wait(10)
        return []

    async def leave() -> None:
        asking = asyncio.ensure_future(SystemResolver().as_configured(RESERVED))
        await asyncio.to_thread(asked.wait, 10)
        asking.cancel()

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    asyncio.run(leave())
    (thread,) = [one for one in threading.enumerate() if one.name == "look-up"]
    assert thread.daemon
    answers.set()
    thread.join(10)
    assert not thread.is_alive()


async def test_machine_without_another_thread_is_told(monkeypatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    told = await SystemResolver().as_configured("localhost")
    assert (told.verdict, "thread" in told.reason) == (Verdict.NO_ANSWER, True)
