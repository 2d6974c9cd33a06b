"""Programs from Debian: those in PATH are taken; who may not install any is told what to do."""

import os
from pathlib import Path

import pytest

from chromium import chromium
from debian_program import from_debian


@pytest.fixture
def in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str) -> str:
    """A program that does nothing."""
    made = folder / name
    made.touch(0o755)
    return str(made)


def test_a_program_in_path_is_taken(in_path: Path) -> None:
    there = program(in_path, "pngquant")
    assert from_debian("pngquant") == there


def test_a_browser_is_known_by_any_of_its_names(in_path: Path) -> None:
    there = program(in_path, "google-chrome")
    assert chromium() == there


def test_what_may_not_be_installed_is_named_with_all_that_it_needs(
    in_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="apt-get install chromium fonts-dejavu-core"):
        chromium()
