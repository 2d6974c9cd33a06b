"""What the documents tell users to type is there: it runs, or its program understands it."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.documents import DOCUMENTS, blocks, command_lines, named
from support.project import ROOT

from claude_operator.cli.main import group as claude_operator
from claude_sidecar.cli.main import group as claude_sidecar

PROGRAMS = {"claude-sidecar": claude_sidecar, "claude-operator": claude_operator}
LINES = sorted(set(command_lines()))
_OURS = re.compile(r"(?:[A-Z_]+=\S+ )*((?:\.venv/bin/)?claude-(?:sidecar|operator) [^>&]+)")
OURS = [(document, match[1].strip()) for document, line in LINES if (match := _OURS.match(line))]
RUNNABLE = [
    (document, line)
    for document, line in OURS
    if re.search(r" (?:check|explain|replay|models --policy) examples/\S+\.yaml", line)
]
_TARGET = r"make (?:-s )?([a-z][a-z0-9-]*)"
TARGETS = [
    (document, match[1]) for document, line in LINES if (match := re.search(rf"(?:^|\(){_TARGET}", line))
]
TARGETS += [
    (named(document), target)
    for document in DOCUMENTS
    for target in re.findall(f"`{_TARGET}", document.read_text("utf-8"))
]
SCRIPTS = [(document, line) for document, line in LINES if line.startswith(".venv/bin/python ")]
MANUAL = ROOT / "docs" / "policy.md"


def program(line: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the `claude-sidecar` of a documented line."""
    command = [Path(sys.executable).parent / "claude-sidecar", *shlex.split(line)[1:]]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.processes
@pytest.mark.parametrize(("document", "line"), RUNNABLE)
def test_a_documented_command_runs(document: str, line: str) -> None:
    ended = program(line)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.strip()


@pytest.mark.parametrize(("document", "line"), OURS)
def test_a_documented_command_line_is_understood(document: str, line: str) -> None:
    path, name, *args = shlex.split(line)
    group = PROGRAMS[Path(path).name]
    command = group.get_command(click.Context(group), name)
    assert command is not None, f"{document}: {line}"
    command.make_context(name, args)


def test_documented_targets_of_make_are_there() -> None:
    targets = re.findall(r"^([a-z0-9-]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(TARGETS) > 10
    assert [(document, target) for document, target in TARGETS if target not in targets] == []


@pytest.mark.parametrize(("document", "line"), SCRIPTS)
def test_a_documented_script_is_there(document: str, line: str) -> None:
    _, first, *rest = shlex.split(line)
    found = importlib.util.find_spec(rest[0]) if first == "-m" else (ROOT / first).exists()
    assert found, document


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """A folder with the manual's policy, the key that it names beside it."""
    (policy,) = blocks(MANUAL, "yaml")
    (tmp_path / "production.yaml").write_text(policy)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "second-org").write_text("sk-ant-second")
    return tmp_path


def matches(shown: str, told: str) -> bool:
    """Whether an output is as shown, where … stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), told) is not None


@pytest.mark.processes
def test_check_and_explain_of_the_manuals_policy_say_what_the_manual_shows(documented: Path) -> None:
    session, _ = blocks(MANUAL, "console")
    check, shown, explain = session.splitlines()
    assert matches(shown, program(check.removeprefix("$ "), documented).stdout.rstrip())
    assert program(explain.removeprefix("$ "), documented).returncode == 0


@pytest.mark.processes
def test_check_of_the_manuals_policy_with_a_field_misspelt_says_what_the_manual_shows(
    documented: Path,
) -> None:
    _, shown = blocks(MANUAL, "console")
    file = documented / "production.yaml"
    file.write_text(file.read_text().replace("maxAttempts", "max_attempts"))
    assert matches(
        shown.rstrip(), program("claude-sidecar check production.yaml", documented).stdout.rstrip()
    )
