"""Clients that take long to install: `python tools/heavy_clients.py frameworks|claude-code`.

frameworks: LangChain, LlamaIndex, DSPy and LiteLLM for Python, in one folder; prints the folder.
claude-code: the program of Claude Code; prints its path. Both are kept in .cache, progress is on stderr.
"""

import argparse
import os
import shutil
from pathlib import Path

from locked_folder import CACHE, ROOT, digest, once
from sdk_drivers import node_tools
from toolchain import locked_folder, run, say

CLAUDE_CODE = ROOT / "tests" / "clients" / "drivers" / "claude-code"


def claude_code() -> Path:
    """The program for this machine: npm chooses among locked packages, one a system."""
    folder, locks = CACHE / "claude-code", [CLAUDE_CODE / "package.json", CLAUDE_CODE / "package-lock.json"]
    work = "installing Claude Code (400 MB)"

    def make() -> None:
        say(work)
        node, npm = node_tools()
        folder.mkdir(exist_ok=True)
        for lock in locks:
            shutil.copy(lock, folder)
        flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        run(*npm, "ci", *flags, cwd=folder, env={"PATH": path})

    once(folder / ".stamp", digest(*locks), work, make)
    found = sorted(folder.glob("node_modules/@anthropic-ai/claude-code-*/claude"))
    if not found:
        raise SystemExit("make: Claude Code has no program for this system.")
    return found[0]


def main() -> None:
    """Print where the clients are."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("which", choices=["frameworks", "claude-code"])
    print(claude_code() if asked.parse_args().which == "claude-code" else locked_folder("frameworks"))


if __name__ == "__main__":
    main()
