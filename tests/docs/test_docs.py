"""What the documents say is true: their commands run, their policies pass, their links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT

from claude_sidecar.config.load import parse_policy

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM = Path(sys.executable).parent / "claude-sidecar"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_FILE_IN_TICKS = re.compile(r"`((?:tests|agent|examples|bench|docs|tools|crds|operator)/[\w./-]+\.\w+)`")


def _blocks(document: Path, language: str) -> list[str]:
    return [text for kind, text in _BLOCK.findall(document.read_text("utf-8")) if kind == language]


def _commands() -> list[str]:
    """`check` and `explain` lines: those that end by themselves and need no key."""
    lines = [line.strip() for doc in DOCUMENTS for block in _blocks(doc, "") for line in block.splitlines()]
    return [
        line
        for line in lines
        if re.match(r"(?:\.venv/bin/)?claude-sidecar (?:check|explain) \S+\.yaml", line)
    ]


@pytest.mark.processes
@pytest.mark.parametrize("command", _commands())
def test_a_documented_command_runs(command: str) -> None:
    words = shlex.split(command.partition(" #")[0])
    ended = subprocess.run(
        [PROGRAM, *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.strip()


def test_commands_are_found() -> None:
    assert len(_commands()) >= 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_documented_policy_is_valid(document: Path) -> None:
    for block in _blocks(document, "yaml"):
        if "kind: ClaudePolicy" in block:
            parse_policy(block.encode(), document.name)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    missing = [link for link in _LINK.findall(text) if not (document.parent / link).exists()]
    missing += [name for name in _FILE_IN_TICKS.findall(text) if not (ROOT / name).exists()]
    assert missing == []
