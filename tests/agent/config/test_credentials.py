"""Credentials follow their files within a second, and what is unusable counts as missing."""

import os
import resource
from pathlib import Path

import pytest

from claude_sidecar.config.credentials import PLACEHOLDER, CredentialStore
from claude_sidecar.schema.snapshot import CredentialRef


def test_changed_file_is_seen_within_a_second_and_not_looked_at_more_often(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("one")
    store, ref = CredentialStore({}), CredentialRef("file", str(key))
    first = store.secret(ref, 10.0)
    assert first is not None
    assert first.value == "one"
    key.write_text("another")
    assert store.secret(ref, 10.9) is first
    second = store.secret(ref, 11.0)
    assert second is not None
    assert second.value == "another"
    assert store.secret(ref, 12.5) is second


def test_secret_is_followed_through_the_symlinks_of_a_mounted_volume(tmp_path: Path) -> None:
    mount = tmp_path / "claude-keys"
    for version in ("v1", "v2"):
        (mount / version).mkdir(parents=True)
        (mount / version / "org").write_text(f"key-{version}")
    (mount / "..data").symlink_to("v1")
    (mount / "org").symlink_to("..data/org")
    store = CredentialStore({"CLAUDE_SIDECAR_SECRETS_DIR": str(tmp_path)})
    ref = CredentialRef("secret", "claude-keys/org")
    before = store.secret(ref, 0.0)
    (mount / "..next").symlink_to("v2")
    (mount / "..next").rename(mount / "..data")
    after = store.secret(ref, 1.0)
    assert before is not None
    assert after is not None
    assert (before.value, after.value) == ("key-v1", "key-v2")


def test_missing_secret_may_come_later_and_go_again(tmp_path: Path) -> None:
    store, ref = CredentialStore({}, tmp_path), CredentialRef("secret", "claude-keys/org")
    assert store.secret(ref, 0.0) is None
    assert "there is no file" in (store.trouble(ref, 0.0) or "")
    (tmp_path / "claude-keys").mkdir()
    (tmp_path / "claude-keys" / "org").write_text("k")
    assert store.secret(ref, 1.0) is not None
    assert store.trouble(ref, 1.0) is None
    (tmp_path / "claude-keys" / "org").unlink()
    assert store.secret(ref, 2.0) is None


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_one_trailing_newline_is_dropped_with_one_warning(tmp_path: Path, ending: str) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"sk-1" + ending.encode())
    store, ref = CredentialStore({}), CredentialRef("file", str(key))
    for second in range(3):
        key.touch()
        secret = store.secret(ref, float(second))
        assert secret is not None
        assert secret.value == "sk-1"
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
        (PLACEHOLDER.encode() + b"\n", "holds the placeholder"),
        (b"sk-1\n\n", "such as a line break"),
        (b"sk-1\r\nx: y", "such as a line break"),
        ("sk-1\u200b".encode(), "a character that no header may carry"),
        (b"\xff\xfe", "a character that no header may carry"),
        (b"x" * 20_000, "is too large for a key; allowed: 16384 bytes"),
    ],
)
def test_unusable_content_counts_as_missing(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "key").write_bytes(content)
    store, ref = CredentialStore({}), CredentialRef("file", str(tmp_path / "key"))
    assert store.secret(ref, 0.0) is None
    assert says in (store.trouble(ref, 0.0) or "")


def test_variable_is_a_credential_unless_it_is_the_placeholder() -> None:
    store = CredentialStore({"A": "sk-1", "B": PLACEHOLDER, "C": ""})
    secret = store.secret(CredentialRef("env", "A"), 0.0)
    assert secret is not None
    assert secret.value == "sk-1"
    for name in ("B", "C", "D"):
        assert store.secret(CredentialRef("env", name), 0.0) is None


def test_credential_is_in_no_repr_and_is_told_by_its_fingerprint() -> None:
    secret = CredentialStore({"A": "sk-ant-secret"}).secret(CredentialRef("env", "A"), 0.0)
    assert secret is not None
    assert "sk-ant-secret" not in repr(secret)
    assert secret.fingerprint == "3fee3f0a"


def test_file_that_could_not_be_read_for_a_passing_reason_is_read_again(tmp_path: Path) -> None:
    """Out of files, for one: the file itself stays as it was."""
    path = tmp_path / "key"
    path.write_text("sk-ant-api03-own")
    ref, store = CredentialRef("file", str(path)), CredentialStore({})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_file = os.open(os.devnull, os.O_RDONLY)
    os.close(next_file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_file, before[1]))
    try:
        assert store.secret(ref, 0.0) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    found = store.secret(ref, 1.0)
    assert found is not None
    assert found.value == "sk-ant-api03-own"
