"""The watched policy file: good content is put in force, bad content is told once and the last good stays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from claude_sidecar.config.load import Loaded
from claude_sidecar.config.problem import PolicyInvalid
from claude_sidecar.config.watch import PolicyWatcher

pytestmark = pytest.mark.looptime

HEAD = "apiVersion: claude-sidecar.dev/v1alpha1\nkind: ClaudePolicy\n"
GOOD = HEAD + "metadata: {name: one}\n"
OTHER = HEAD + "metadata: {name: two}\n"


class Watched:
    """A file under a watcher, and what the watcher told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.policies: list[str] = []
        self.errors: list[str] = []
        self.watcher = PolicyWatcher(path, self._policy, self._error, env={})

    def _policy(self, loaded: Loaded) -> None:
        self.policies.append(loaded.snapshot.name)

    def _error(self, invalid: PolicyInvalid) -> None:
        self.errors.append(str(invalid))


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A good file under a watcher that has loaded it."""
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    watched = Watched(path)
    assert watched.watcher.load_first().snapshot.name == "one"
    return watched


@contextlib.asynccontextmanager
async def running(watched: Watched) -> AsyncIterator[None]:
    """The watcher at work; begun in the test, since a fixture's time is not yet virtual."""
    task = asyncio.create_task(watched.watcher.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_unchanged_file_is_not_loaded_again(watched: Watched) -> None:
    async with running(watched):
        await asyncio.sleep(60)
        watched.path.write_text(GOOD)
        await asyncio.sleep(60)
        assert (watched.policies, watched.errors) == ([], [])


async def test_new_content_is_in_force_within_a_second(watched: Watched) -> None:
    async with running(watched):
        watched.path.write_text(OTHER)
        await asyncio.sleep(1.01)
        assert watched.policies == ["two"]


async def test_bad_content_is_told_once_and_the_good_one_after_it_is_taken(watched: Watched) -> None:
    async with running(watched):
        watched.path.write_text(HEAD + "spec: {retri: {}}\n")
        await asyncio.sleep(10)
        assert watched.policies == []
        assert len(watched.errors) == 1
        assert "spec.retri: unknown field" in watched.errors[0]
        watched.path.write_text(GOOD)
        await asyncio.sleep(1.01)
        assert watched.policies == ["one"]


async def test_file_that_vanishes_is_told_once_and_taken_when_it_is_back(watched: Watched) -> None:
    async with running(watched):
        watched.path.unlink()
        await asyncio.sleep(10)
        assert len(watched.errors) == 1
        assert "there is no such file" in watched.errors[0]
        watched.path.write_text(GOOD)
        await asyncio.sleep(1.01)
        assert watched.policies == ["one"]


async def test_credential_that_was_missing_is_seen_when_it_comes(watched: Watched) -> None:
    async with running(watched):
        watched.path.write_text(OTHER + "spec: {routes: [{name: a, credential: {file: key}}]}\n")
        await asyncio.sleep(5)
        assert watched.policies == []
        assert len(watched.errors) == 1
        (watched.path.parent / "key").write_text("k")
        await asyncio.sleep(1.01)
        assert watched.policies == ["two"]


async def test_reload_loads_at_once_whether_the_file_changed_or_not(watched: Watched) -> None:
    async with running(watched):
        watched.watcher.reload()
        assert watched.policies == ["one"]
        watched.path.write_text("nonsense")
        watched.watcher.reload()
        watched.watcher.reload()
        assert len(watched.errors) == 2


async def test_swapped_symlink_of_a_config_map_is_followed(tmp_path: Path) -> None:
    for version, content in (("v1", GOOD), ("v2", OTHER)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "policy.yaml").write_text(content)
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    watched = Watched(tmp_path / "policy.yaml")
    assert watched.watcher.load_first().snapshot.name == "one"
    async with running(watched):
        await asyncio.sleep(3)
        (tmp_path / "..next").symlink_to("v2")
        (tmp_path / "..next").rename(tmp_path / "..data")
        await asyncio.sleep(1.01)
    assert watched.policies == ["two"]
