"""Runs tests and gets what they need first: `python tools/run_tests.py TARGET [PYTEST ARGUMENT...]`.

What a target's tests need is downloaded or compiled once; with arguments, only what the chosen tests need.
Tests whose needs this machine cannot carry are left out and named at the end; STRICT=1 makes that an error.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from builders_lock import one_builder
from locked_folder import ROOT, USER_CACHE
from test_targets import ALL, BY_CHOICE, TARGETS, Target
from toolchain import say

TOOLS = ROOT / "tools"
PROVIDERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "own_machine": (("own_machine.py",),),
    "sdks": (("sdk_drivers.py",),),
    "frameworks": (("heavy_clients.py", "frameworks"),),
    "claude_code": (("heavy_clients.py", "claude-code"),),
    "helm": (("helm_programs.py", "4"),),
    "helm3": (("helm_programs.py", "4"), ("helm_programs.py", "3")),
    "api_server": (("kube_binaries.py", "--usual"), ("helm_programs.py", "4")),
    "own_control_plane": (("own_cluster.py", "control_plane"),),
    "each_minor": (("kube_binaries.py",), ("helm_programs.py", "4")),
    "trace_store": (("jaeger_binary.py",),),
    "prometheus": (("prometheus_programs.py",),),
    "browser": (("chromium.py",),),
    "image": (("images.py", "--to-run"),),
    "whole_cluster": (
        ("whole_cluster.py", "prepare"),
        ("images.py", "--where-possible"),
        ("helm_programs.py", "4"),
        ("helm_programs.py", "3"),
        ("jaeger_binary.py",),
    ),
    "own_whole_cluster": (("own_cluster.py", "whole"),),
}
"""The tools, with arguments, that get what a marker stands for; what is there already costs nothing."""

NO_TESTS = 5
"""pytest's exit code when nothing was chosen."""
FEW = 60
"""So many tests are over before workers would have started."""


def main() -> int:
    """Run the target; pytest's exit code."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("target", choices=[*TARGETS, "test-all"])
    asked.add_argument("arguments", nargs=argparse.REMAINDER, help="for pytest")
    given = asked.parse_args()
    if any(each.startswith("-m") for each in given.arguments):
        asked.error(
            "the target chooses by markers: name folders or files instead, or use .venv/bin/pytest -m ..."
        )
    names = ALL if given.target == "test-all" else (given.target,)
    ended = [NO_TESTS]
    for name in names:
        ended.append(run(TARGETS[name], given.arguments))
        if ended[-1] not in (0, NO_TESTS):
            return ended[-1]
    if 0 not in ended:
        say(f"make {given.target} has no such test; tests/README.md tells which target has")
    return 0 if 0 in ended else NO_TESTS


def run(target: Target, arguments: list[str]) -> int:
    """Get what is needed, then have pytest run; NO_TESTS where the arguments choose none of the target's."""
    needs = target.needs
    few = any(".py" in each for each in arguments)
    if arguments and needs:
        chosen = collected(target, arguments)
        if not chosen:
            return NO_TESTS
        needs, few = tuple({need for needs in chosen for need in needs}), len(chosen) <= FEW
    lacking = dict(provided(needs))
    wanting = lacking.keys() - BY_CHOICE
    if wanting and os.environ.get("STRICT"):
        for need in sorted(wanting):
            say(f"STRICT: {need}: {lacking[need]}")
        return 1
    # A cluster that was given is one for all: its tests run one after the other.
    of_one_cluster = "api_server" in needs and os.environ.get("KUBECONFIG")
    workers = "0" if few or of_one_cluster else target.workers
    spread = ["-n", workers, "--maxprocesses", "8", "--dist", "loadfile"]
    with contextlib.ExitStack() as stack:
        if "whole_cluster" in needs and "whole_cluster" not in lacking:
            stack.enter_context(one_builder(USER_CACHE / "cluster-tests", "testing on the whole cluster"))
        env = {"CLAUDE_TESTS_LACK": json.dumps(lacking)}
        code = pytest(target, *spread, *arguments, env=env).returncode
    # All left out, and a line has told of each: that is no fault of the tests.
    return 0 if code == NO_TESTS and lacking else code


def pytest(
    target: Target, *arguments: str, env: dict[str, str], quiet: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run pytest on a target's tests; quiet: what it says is kept instead of shown."""
    command = [sys.executable, "-m", "pytest", "-m", target.marks]
    with contextlib.ExitStack() as stack:
        if not may_remember():
            command += ["-p", "no:cacheprovider"]
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            env = {**env, "HYPOTHESIS_STORAGE_DIRECTORY": folder}
        return subprocess.run(
            [*command, *arguments],
            check=False,
            cwd=ROOT,
            capture_output=quiet,
            text=True,
            env={**os.environ, **env},
        )


def may_remember() -> bool:
    """Whether pytest and Hypothesis may keep what failed last: not in a checkout that is only read."""
    kept = (ROOT, ROOT / ".pytest_cache", ROOT / ".hypothesis")
    return all(os.access(folder, os.W_OK) for folder in kept if folder.exists())


def collected(target: Target, arguments: list[str]) -> list[list[str]]:
    """The needs of each test that the arguments choose out of a target's."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "needs.json")
        env = {"CLAUDE_TESTS_TELL_NEEDS": str(told)}
        ended = pytest(target, "--collect-only", "-q", *arguments, env=env, quiet=True)
        if ended.returncode not in (0, NO_TESTS) or not told.exists():
            # Not a choice but a fault, or a wish such as --help: pytest itself says it best.
            print(ended.stdout, ended.stderr, sep="", end="", file=sys.stderr)
            raise SystemExit(ended.returncode)
        found: list[list[str]] = json.loads(told.read_text())
    return found


def provided(needs: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Get all that is needed; what could not be had comes with the reason."""
    ended: dict[tuple[str, ...], str | None] = {}
    for need in needs:
        for command in PROVIDERS.get(need, ()):
            if command not in ended:
                ended[command] = trouble_of(command)
            if (trouble := ended[command]) is not None:
                yield need, trouble
                break


def trouble_of(command: tuple[str, ...]) -> str | None:
    """Run a tool, its progress on our stderr; what it said last where it failed."""
    with subprocess.Popen(
        [sys.executable, TOOLS / command[0], *command[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as tool:
        assert tool.stderr
        last = ""
        for line in tool.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            last = line.strip() or last
    return last.removeprefix("make: ") if tool.returncode else None


if __name__ == "__main__":
    sys.exit(main())
