"""What is in the image, and what is not."""

import re
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from support.project import ROOT
from tests.image.archive import Archive

pytestmark = pytest.mark.image

VENV = "opt/claude-sidecar"
COMPILERS = {"cc", "gcc", "g++", "clang", "ld", "as", "make", "cargo", "rustc", "go"}
INSTALLERS = {"pip", "setuptools", "wheel", "ensurepip", "uv", "pkg_resources", "distutils"}

PACKAGES = ("usr/lib/python3/dist-packages/*", "usr/lib*/python3.*/*", "usr/local/lib/python3.*/*/*")
"""Where a base keeps its own, and the standard library."""

Files = dict[str, tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="session")
def own(archive: Archive) -> Files:
    """The entries of our layer by their path."""
    return {
        entry.name.removeprefix("./").rstrip("/"): (entry, content) for entry, content in archive.own_files()
    }


def test_it_runs_as_a_number_and_without_a_shell(archive: Archive) -> None:
    config = archive.config["config"]
    user, _, group = config["User"].partition(":")
    assert (user.isdigit(), group.isdigit()) == (True, True)
    assert int(user) >= 10_000, "no user of any host"
    assert config["Entrypoint"] == ["claude-sidecar"]
    assert config["Cmd"] == ["run"]


def test_it_has_its_tag(archive: Archive, built: dict[str, Any]) -> None:
    version = re.search(r'"(.+)"', (ROOT / "agent/claude_sidecar/__init__.py").read_text().splitlines()[-1])
    assert version
    assert archive.manifest["RepoTags"] == [f"localhost/claude-sidecar:{version[1]}"] == [built["tag"]]
    assert archive.config["config"]["Labels"]["org.opencontainers.image.version"] == version[1]


def test_only_one_folder_is_ours_but_for_bytecode_that_a_base_lacks(own: Files) -> None:
    files = [name for name, (entry, _) in own.items() if not entry.isdir()]
    others = [name for name in files if not name.startswith("opt/claude-sidecar/")]
    assert [name for name in others if not re.search(r"/lib/python3\.\d+/.*\.pyc$", f"/{name}")] == []


def test_both_commands_and_no_others_are_there(own: Files) -> None:
    found = {Path(name).name for name in own if Path(name).parent == Path(VENV, "bin")}
    commands = {name for name in found if not name.startswith("python")}
    assert commands == {"claude-sidecar", "claude-operator"}


def test_packages_are_those_of_the_lock(own: Files) -> None:
    locked = re.findall(r"^(\S+==.*?) \\$", (ROOT / "requirements/image.txt").read_text(), re.MULTILINE)
    here = {"python_version": "3.11", "python_full_version": "3.11.2", "sys_platform": "linux"}
    wanted = [Requirement(line) for line in locked]
    wanted = [each for each in wanted if not each.marker or each.marker.evaluate(dict(here))]
    expected = {f"{each.name}{each.specifier}".replace("_", "-").lower() for each in wanted}
    installed = {
        match[1].replace("_", "-").lower() + "==" + match[2]
        for name in own
        if (match := re.search(r"/site-packages/([^/]+)-([^/-]+)\.dist-info$", name))
    }
    ours = {name for name in installed if name.startswith("claude-sidecar==")}
    assert installed - ours == expected
    assert len(ours) == 1


def test_nothing_that_installs_or_compiles_is_there(own: Files, root: Path) -> None:
    modules = {Path(name).name for name in own if Path(name).parent.name == "site-packages"}
    assert modules & INSTALLERS == set()
    brought = {path.name for pattern in PACKAGES for path in root.glob(pattern)}
    assert brought & (INSTALLERS - {"distutils"}) == set()  # which is part of the standard library
    folders = [root / "usr/bin", root / "usr/local/bin", root / VENV / "bin"]
    programs = {path.name for folder in folders for path in folder.iterdir()}
    assert programs & (COMPILERS | INSTALLERS) == set()


def test_no_tests_no_types_no_sources_of_extensions(own: Files) -> None:
    packages = [Path(name) for name in own if "/site-packages/" in name]
    assert packages
    assert [str(path) for path in packages if path.name in {"test", "tests"}] == []
    assert [str(path) for path in packages if path.suffix in {".pyi", ".pyx", ".pxd", ".c", ".h"}] == []


def test_every_module_has_bytecode_that_is_taken_unchecked(own: Files) -> None:
    modules = [Path(name) for name in own if name.endswith(".py") and "/site-packages/" in name]
    assert modules
    for path in modules:
        cached = str(path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc")
        assert cached in own, f"{path} would be compiled at each start"
        flags = int.from_bytes(own[cached][1][4:8], "little")
        assert flags == 0b01, f"{cached} is held against a date"


def test_nothing_of_ours_can_be_written_or_gives_rights(own: Files) -> None:
    for name, (entry, _) in own.items():
        assert (entry.uid, entry.gid) == (0, 0), name
        if not entry.issym():
            assert not entry.mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID), name


def test_nothing_tells_where_or_when_it_was_built(own: Files, built: dict[str, Any]) -> None:
    places = {str(ROOT).encode(), str(Path(built["tar"]).parent).encode(), b"/context/wheels"}
    for name, (entry, content) in own.items():
        assert not any(place in content for place in places), name
        assert Path(name).name != "direct_url.json"
        assert entry.mtime == 1767225600, name


def test_the_module_of_a_traceback_can_be_read(root: Path) -> None:
    source = root / VENV / "lib/python3.11/site-packages/claude_sidecar/proxy/engine.py"
    assert source.read_text() == (ROOT / "agent/claude_sidecar/proxy/engine.py").read_text()


def test_it_is_no_bigger_than_promised(archive: Archive, built: dict[str, Any]) -> None:
    *_base, ours = built["layers"]
    assert 10e6 < ours["compressed_bytes"] <= 60e6
    assert [layer["digest"] for layer in built["layers"]] == archive.config["rootfs"]["diff_ids"]
    assert sum(layer["unpacked_bytes"] for layer in built["layers"]) == pytest.approx(
        archive.path.stat().st_size, rel=0.01
    )
