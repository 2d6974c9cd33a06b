"""Our own commands as real processes: the simulated API and the sidecar."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.cluster.ending import ended_or_killed
from support.cluster.waiting import until

PROGRAM = Path(sys.executable).parent / "claude-sidecar"
_LEADS_ELSEWHERE = ("ANTHROPIC_", "CLAUDE_", "OTEL_")


@dataclass(frozen=True)
class Sidecar:
    """A sidecar that serves: url for apps, admin_url for people and scrapers."""

    url: str
    admin_url: str


@contextlib.contextmanager
def simulator(folder: Path, scenario: str = "") -> Iterator[str]:
    """A simulated API until the end of the block; yields its base URL. folder: for its files."""
    file = folder / "scenario.yaml"
    file.write_text(scenario)
    arguments = ("simulate", "--port", "0", "--scenario", str(file))
    with _running(folder / "simulator.log", r"ready at (http://\S+)", {}, *arguments) as found:
        yield found[1]


@contextlib.contextmanager
def sidecar(folder: Path, policy: str, environ: Mapping[str, str]) -> Iterator[Sidecar]:
    """A sidecar until the end of the block. folder: for its files; policy: YAML; environ: besides ours."""
    file = folder / "policy.yaml"
    file.write_text(policy)
    arguments = ("run", "--policy", str(file), "--port", "0", "--admin-port", "0")
    ready = r'\{[^\n]*"message": ?"ready"[^\n]*\}'
    with _running(folder / "sidecar.log", ready, environ, *arguments) as found:
        said = json.loads(found[0])
        yield Sidecar(*(f"http://127.0.0.1:{said[port]}" for port in ("port", "admin_port")))


@contextlib.contextmanager
def _running(log: Path, ready: str, environ: Mapping[str, str], *arguments: str) -> Iterator["re.Match[str]"]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_LEADS_ELSEWHERE) and not name.lower().endswith("_proxy")
    }
    with log.open("wb") as out:
        process = subprocess.Popen([PROGRAM, *arguments], stdout=out, stderr=out, env={**clean, **environ})
    try:

        def said() -> "re.Match[str] | None":
            assert process.poll() is None, log.read_text()
            return re.search(ready, log.read_text())

        found = until(said, f"{arguments[0]} is ready")
        assert found is not None
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        ended_or_killed(process)
