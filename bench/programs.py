"""The programs that the benchmark runs: upstream and client compiled from Go, wrk from the machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The set-up tools are no package: they run before anything is installed.
sys.path.insert(0, str(ROOT / "tools"))

from locked_folder import CACHE, digest, once  # noqa: E402
from toolchain import go_tool  # noqa: E402

BENCH = ROOT / "bench"
SIDECAR = Path(sys.executable).parent / "claude-sidecar"


class CannotMeasure(Exception):
    """Something that the benchmark needs is missing, or a measurement went wrong."""


def say(text: str) -> None:
    """A line of progress, seen at once."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def go_programs() -> tuple[Path, Path]:
    """Upstream and client, compiled once into .cache."""
    built = CACHE / "bench"
    work = "compiling the upstream and the client"

    def make() -> None:
        go = go_tool(BENCH / "go.mod")
        say(f"{work} (the first time takes a minute)")
        env = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
        for name in ("upstream", "client"):
            command = [str(go), "build", "-trimpath", "-o", str(built / name), f"./{name}"]
            subprocess.run(command, check=True, cwd=BENCH, env={**os.environ, **env})

    once(built / ".stamp", digest(BENCH / "go.mod", *sorted(BENCH.rglob("*.go"))), work, make)
    return built / "upstream", built / "client"


def wrk_program() -> Path | None:
    """wrk; installed from Debian's packages where that may be done, None where it is not to be had."""
    found = shutil.which("wrk")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        say("wrk is not here: apt-get install wrk")
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "wrk"]):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = shutil.which("wrk")
    return Path(found) if found else None
