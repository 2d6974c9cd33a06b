"""The run of `doctor` that the README shows is what it prints."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from support.documents import blocks
from support.project import ROOT

from claude_sidecar.simulator import Simulator, parse

pytestmark = pytest.mark.processes

(RUN,) = (block for block in blocks(ROOT / "README.md", "console") if "claude-sidecar doctor" in block)


async def test_doctor_finds_the_quotes_round_a_key_and_says_the_rest_is_fine() -> None:
    command, *shown = RUN.splitlines()
    program = Path(sys.executable).parent / "claude-sidecar"
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    async with Simulator(parse(b"")).running() as url:
        doctor = await asyncio.create_subprocess_exec(
            program,
            *command.removeprefix("$ claude-sidecar ").split(),
            env=kept | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": '"sk-ant-api03-in-quotes"'},
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await doctor.communicate()
    lines = told.decode().splitlines()
    assert doctor.returncode == 1
    assert len(lines) == len(shown)
    for line, expected in zip(lines, shown, strict=True):
        assert re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line), line
