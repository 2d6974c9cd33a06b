"""`claude-sidecar simulate` as a process: ready line, clean end, troubles told."""

import asyncio
import signal
import socket
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from claude_sidecar.cli.main import group

pytestmark = pytest.mark.processes

START = "from claude_sidecar.cli.main import main; main()"


async def test_process_prints_its_base_url_when_ready_and_ends_with_0_on_sigterm():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, "simulate", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    address = line.split()[-1]

    def health() -> bytes:
        with urlopen(f"{address}/_simulator/health", timeout=5) as answer:
            return answer.read()

    try:
        assert line.startswith("The simulated Claude API is ready at http://127.0.0.1:")
        assert b'"ok"' in await asyncio.to_thread(health)
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


def test_port_that_is_taken_is_told_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(group, ["simulate", "--port", str(port)])
    assert result.exit_code == 1
    assert (
        f"cannot listen on 127.0.0.1:{port}: the port is taken. Choose another with --port" in result.output
    )


def test_scenario_that_is_wrong_is_told_with_file_and_line(tmp_path: Path):
    file = tmp_path / "s.yaml"
    file.write_text("rules:\n  - statuss: 5\n")
    result = CliRunner().invoke(group, ["simulate", "--scenario", str(file)])
    assert result.exit_code == 1
    assert result.output == f"{file}:2: rules.0.statuss: unknown field; did you mean status?\n"


def test_usage_error_is_2():
    assert CliRunner().invoke(group, ["simulate", "--port", "x"]).exit_code == 2


async def test_no_host_is_every_address_of_both_families(free_port: int):
    command = (sys.executable, "-c", START, "simulate", "--host", "", "--port", str(free_port))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode().strip()
        assert line == f"The simulated Claude API is ready at http://localhost:{free_port}"
        for address in ("127.0.0.2", "[::1]"):
            with await asyncio.to_thread(
                urlopen, f"http://{address}:{free_port}/_simulator/health"
            ) as answer:
                assert answer.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
