"""Set-up steps: done once, and where nothing may be written they go on or say what to do."""

import errno
import fcntl
import threading
from pathlib import Path

import pytest

import locked_folder
from locked_folder import locked, once


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(locked_folder, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def read_only() -> None:
    raise OSError(errno.EROFS, "Read-only file system", "/checkout/.cache/x")


def test_step_is_done_again_only_for_another_key(cache: Path) -> None:
    done: list[str] = []
    for key in ("a", "a", "b"):
        once(cache / "step" / ".stamp", key, "doing it", lambda key=key: done.append(key))
    assert done == ["a", "b"]


def test_step_that_was_done_writes_nothing(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / ".stamp").write_text("a\n")
    once(tmp_path / "step" / ".stamp", "a", "doing it", read_only)
    assert not cache.exists()


def test_step_that_fails_is_done_again(cache: Path) -> None:
    with pytest.raises(SystemExit):
        once(cache / "step" / ".stamp", "a", "doing it", read_only)
    once(cache / "step" / ".stamp", "a", "doing it", lambda: None)
    assert (cache / "step" / ".stamp").exists()


def test_folder_that_is_only_read_is_named_with_what_to_do(cache: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        once(cache / "step" / ".stamp", "a", "doing it", read_only)
    assert str(ended.value) == (
        "make: /checkout/.cache/x is out of reach: Read-only file system. Something is yet to be set up in "
        "the project's folder: run make once as a user who may write there, or in a copy of your own."
    )


def test_run_that_waits_for_another_says_for_what(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        threading.Timer(0.1, fcntl.flock, (other, fcntl.LOCK_UN)).start()
        with locked(tmp_path / "lock", "setting up .venv"):
            pass
    assert capfd.readouterr().err == "==> another run is setting up .venv: waiting for it\n"
