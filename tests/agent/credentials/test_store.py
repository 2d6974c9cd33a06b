"""Credentials follow their files within a second, off the loop, and what is unusable counts as missing."""

import asyncio
import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from support.fakes.inline_executor import InlineExecutor

from claude_sidecar.credentials.source import LocalSource, Look
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.providers.secret import ApiKey, Bearer
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import CredentialRef
from claude_sidecar.wire.credential import PLACEHOLDER

HELD_UP_S = 10


def store_of(
    *refs: CredentialRef, env: dict[str, str] | None = None, secrets_dir: Path | None = None
) -> CredentialStore:
    return following(CredentialStore(LocalSource(env or {}, secrets_dir)), *refs)


def following(store: CredentialStore, *refs: CredentialRef) -> CredentialStore:
    store.follow(refs)
    return store


def file_ref(path: Path) -> CredentialRef:
    return CredentialRef("file", str(path), ProviderName.ANTHROPIC)


@pytest.mark.looptime
async def test_changed_file_is_seen_within_a_second_and_not_looked_at_more_often(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("one")
    ref = file_ref(key)
    store = following(CredentialStore(LocalSource({}), InlineExecutor()), ref)
    first = store.secret(ref)
    assert first is not None
    assert first.value == "one"
    renewing = asyncio.ensure_future(store.run())
    key.write_text("another")
    await asyncio.sleep(0.9)
    assert store.secret(ref) is first
    await asyncio.sleep(0.11)
    second = store.secret(ref)
    assert second is not None
    assert second.value == "another"
    await asyncio.sleep(1.5)
    assert store.secret(ref) is second
    renewing.cancel()


async def test_secret_is_followed_through_the_symlinks_of_a_mounted_volume(tmp_path: Path) -> None:
    mount = tmp_path / "claude-keys"
    for version in ("v1", "v2"):
        (mount / version).mkdir(parents=True)
        (mount / version / "org").write_text(f"key-{version}")
    (mount / "..data").symlink_to("v1")
    (mount / "org").symlink_to("..data/org")
    ref = CredentialRef("secret", "claude-keys/org", ProviderName.ANTHROPIC)
    store = store_of(ref, env={"CLAUDE_SIDECAR_SECRETS_DIR": str(tmp_path)})
    before = store.secret(ref)
    (mount / "..next").symlink_to("v2")
    (mount / "..next").rename(mount / "..data")
    await store.renew()
    after = store.secret(ref)
    assert before is not None
    assert after is not None
    assert (before.value, after.value) == ("key-v1", "key-v2")


async def test_missing_secret_may_come_later_and_go_again(tmp_path: Path) -> None:
    ref = CredentialRef("secret", "claude-keys/org", ProviderName.ANTHROPIC)
    store = store_of(ref, secrets_dir=tmp_path)
    assert store.secret(ref) is None
    assert "there is no file" in (store.trouble(ref) or "")
    (tmp_path / "claude-keys").mkdir()
    (tmp_path / "claude-keys" / "org").write_text("k")
    await store.renew()
    assert store.secret(ref) is not None
    assert store.trouble(ref) is None
    (tmp_path / "claude-keys" / "org").unlink()
    await store.renew()
    assert store.secret(ref) is None


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
async def test_one_trailing_newline_is_dropped_with_one_warning(tmp_path: Path, ending: str) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"sk-1" + ending.encode())
    ref = file_ref(key)
    store = store_of(ref)
    for _ in range(3):
        key.touch()
        secret = store.secret(ref)
        assert secret is not None
        assert secret.value == "sk-1"
        await store.renew()
    (warning,) = store.take_warnings()
    assert "trailing newline" in warning
    assert "sk-1" not in warning
    assert store.take_warnings() == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"  \n", "is empty"),
        (PLACEHOLDER + b"\n", "holds the placeholder"),
        (b"sk-1\n\n", "such as a line break"),
        (b"sk-1\r\nx: y", "such as a line break"),
        ("sk-1\u200b".encode(), "a character that no header may carry"),
        (b"\xff\xfe", "a character that no header may carry"),
        (b"x" * 20_000, "is too large for a key; allowed: 16384 bytes"),
    ],
)
def test_unusable_content_counts_as_missing(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "key").write_bytes(content)
    ref = file_ref(tmp_path / "key")
    store = store_of(ref)
    assert store.secret(ref) is None
    assert says in (store.trouble(ref) or "")


def test_variable_is_a_credential_unless_it_is_the_placeholder() -> None:
    refs = {name: CredentialRef("env", name, ProviderName.ANTHROPIC) for name in "ABCD"}
    store = store_of(*refs.values(), env={"A": "sk-1", "B": PLACEHOLDER.decode(), "C": ""})
    secret = store.secret(refs["A"])
    assert secret is not None
    assert secret.value == "sk-1"
    for name in ("B", "C", "D"):
        assert store.secret(refs[name]) is None


def test_credential_is_in_no_repr_and_is_told_by_its_fingerprint() -> None:
    ref = CredentialRef("env", "A", ProviderName.ANTHROPIC)
    secret = store_of(ref, env={"A": "sk-ant-secret"}).secret(ref)
    assert secret is not None
    assert "sk-ant-secret" not in repr(secret)
    assert secret.fingerprint == "3fee3f0a"


def test_kind_of_a_credential_is_told_by_its_provider() -> None:
    key, token = (
        CredentialRef("env", "KEY", ProviderName.ANTHROPIC),
        CredentialRef("env", "TOKEN", ProviderName.ANTHROPIC),
    )
    store = store_of(key, token, env={"KEY": "sk-ant-api03-own", "TOKEN": "sk-ant-oat01-own"})
    assert isinstance(store.secret(key), ApiKey)
    assert isinstance(store.secret(token), Bearer)


def without_files() -> tuple[int, int]:
    """Let this process open no more files; what the limits were."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_file = os.open(os.devnull, os.O_RDONLY)
    os.close(next_file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_file, before[1]))
    return before


async def test_file_that_could_not_be_read_for_a_passing_reason_is_read_again(tmp_path: Path) -> None:
    """Out of files, for one: the file itself stays as it was."""
    path = tmp_path / "key"
    path.write_text("sk-ant-api03-own")
    ref = file_ref(path)
    before = without_files()
    try:
        store = store_of(ref)
        assert store.secret(ref) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    await store.renew()
    found = store.secret(ref)
    assert found is not None
    assert found.value == "sk-ant-api03-own"


async def test_last_good_credential_stays_while_its_file_cannot_be_read_for_a_passing_reason(
    tmp_path: Path,
) -> None:
    path = tmp_path / "key"
    path.write_text("sk-ant-api03-old")
    ref = file_ref(path)
    store = store_of(ref)
    assert store.secret(ref) is not None
    path.write_text("sk-ant-api03-rotated")
    before = without_files()
    try:
        await store.renew()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    kept = store.secret(ref)
    assert kept is not None
    assert kept.value == "sk-ant-api03-old"
    await store.renew()
    rotated = store.secret(ref)
    assert rotated is not None
    assert rotated.value == "sk-ant-api03-rotated"


class HangingSource:
    """A volume of which `/hangs` hangs from the second look on, until it is let go."""

    def __init__(self) -> None:
        self.looking, self.let_go = threading.Event(), threading.Event()
        self.looks: list[str] = []

    def look(self, ref: CredentialRef, before: Look | None) -> Look:
        self.looks.append(ref.name)
        if before is not None and ref.name == "/hangs":
            self.looking.set()
            assert self.let_go.wait(HELD_UP_S)
        return Look(ApiKey("first" if before is None else "second"))


async def test_volume_that_hangs_holds_up_nobody_and_the_last_good_credential_stays() -> None:
    source, ref = HangingSource(), CredentialRef("file", "/hangs", ProviderName.ANTHROPIC)
    store = following(CredentialStore(source), ref)
    assert store.secret(ref) == ApiKey("first")
    renewing = asyncio.ensure_future(store.renew())
    try:
        assert await asyncio.to_thread(source.looking.wait, HELD_UP_S)
        assert store.secret(ref) == ApiKey("first")
    finally:
        source.let_go.set()
    await renewing
    assert store.secret(ref) == ApiKey("second")


async def test_volume_that_hangs_is_looked_at_once_and_others_are_renewed_meanwhile() -> None:
    source, hangs, good = (
        HangingSource(),
        CredentialRef("file", "/hangs", ProviderName.ANTHROPIC),
        CredentialRef("file", "/good", ProviderName.ANTHROPIC),
    )
    store = following(CredentialStore(source), hangs, good)
    hanging = asyncio.ensure_future(store.renew())
    try:
        assert await asyncio.to_thread(source.looking.wait, HELD_UP_S)
        async with asyncio.timeout(HELD_UP_S):
            while source.looks.count("/good") < 5:
                await store.renew()
                await asyncio.sleep(0.001)
        assert (store.secret(hangs), store.secret(good)) == (ApiKey("first"), ApiKey("second"))
        assert source.looks.count("/hangs") == 2
    finally:
        source.let_go.set()
    await hanging
    await store.renew()
    assert source.looks.count("/hangs") == 3


async def test_call_by_an_older_policy_has_its_credential_and_causes_no_look(tmp_path: Path) -> None:
    file = tmp_path / "gone"
    kept, gone = file_ref(tmp_path / "kept"), file_ref(file)
    file.write_text("one")
    store = store_of(kept, gone)
    store.follow([kept])
    file.write_text("another")
    assert store.secret(gone) == ApiKey("one")
    await store.renew()
    assert store.secret(gone) == ApiKey("one")
    store.follow([kept])
    assert store.secret(gone) is None
    assert store.trouble(gone) == "no policy in force names it"


class NoThreads(InlineExecutor):
    """The system has no threads to give, for a while."""

    has_none = True

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.has_none:
            raise RuntimeError("can't start new thread")
        return super().submit(fn, *args, **kwargs)


@pytest.mark.looptime
async def test_without_a_thread_the_last_good_credential_stays_and_the_next_second_tries_again(
    tmp_path: Path,
) -> None:
    key, threads = tmp_path / "key", NoThreads()
    key.write_text("one")
    ref = file_ref(key)
    store = following(CredentialStore(LocalSource({}), threads), ref)
    assert store.secret(ref) == ApiKey("one")
    renewing = asyncio.ensure_future(store.run())
    key.write_text("another")
    await asyncio.sleep(3.5)
    assert store.secret(ref) == ApiKey("one")
    (warning,) = store.take_warnings()
    assert "stay as they were: can't start new thread" in warning
    threads.has_none = False
    await asyncio.sleep(1)
    assert store.secret(ref) == ApiKey("another")
    renewing.cancel()


async def test_what_no_policy_names_any_more_is_looked_at_no_more(tmp_path: Path) -> None:
    kept, gone = file_ref(tmp_path / "kept"), file_ref(tmp_path / "gone")
    seen: list[CredentialRef] = []

    class Noting(LocalSource):
        def look(self, ref: CredentialRef, before: Look | None) -> Look:
            seen.append(ref)
            return super().look(ref, before)

    store = CredentialStore(Noting({}))
    store.follow([kept, gone])
    store.follow([kept])
    seen.clear()
    await store.renew()
    assert seen == [kept]


async def test_credential_that_has_come_with_a_new_policy_is_there_at_once(tmp_path: Path) -> None:
    ref = file_ref(tmp_path / "key")
    store = store_of(ref)
    (tmp_path / "key").write_text("sk-ant-api03-own")
    store.follow([ref])
    assert store.secret(ref) is not None
