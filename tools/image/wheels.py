"""The wheels that go into an image: the locked ones for the base's Python, and the project's own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from image.base_facts import BaseFacts
from image.recipe import BUILT_AT, PIP_LOCK, Recipe
from image.shelf import SHELF
from locked_folder import ROOT, digest
from toolchain import run, say


def context(recipe: Recipe, facts: BaseFacts, folder: Path) -> None:
    """Fill *folder* with what the Containerfile expects: wheels/ and pip/."""
    shutil.copytree(_downloaded(recipe.lock, facts), folder / "wheels")
    shutil.copytree(_downloaded(PIP_LOCK, facts), folder / "pip")
    if recipe.project:
        _build_project(folder / "wheels")


def _build_project(folder: Path) -> None:
    """The project's wheel, by the backend that is in .venv: no index is asked."""
    ended = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(BUILT_AT)},
    )
    if ended.returncode != 0:
        raise SystemExit(f"{ended.stdout}{ended.stderr}make: the project's wheel cannot be built: see above.")


def _downloaded(lock: Path, facts: BaseFacts) -> Path:
    """The folder on the shelf with a lock's wheels, made whole or not at all."""
    wanted = applicable(lock.read_text(), facts)
    key = digest(wanted, str(facts.python), *facts.platforms())
    folder = SHELF / "wheels" / f"{lock.stem}-{key[:16]}"
    if folder.is_dir():
        return folder
    say(f"downloading the wheels of requirements/{lock.name}")
    made = folder.with_suffix(".new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    requirements = made / "requirements.txt"
    requirements.write_text(wanted)
    version = "".join(map(str, facts.python))
    target = [f"--platform={platform}" for platform in facts.platforms()]
    target += [f"--abi={abi}" for abi in (f"cp{version}", "abi3", "none")]
    target += [f"--python-version={version}", "--implementation=cp", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    run(*command, "--require-hashes", "--no-deps", *target, "-d", made, "-r", requirements)
    requirements.unlink()
    made.rename(folder)
    return folder


def applicable(lock: str, facts: BaseFacts) -> str:
    """The entries of a lock whose markers hold in the base; pip would judge them by the Python it runs on."""
    kept = []
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        head, _, hashes = entry.partition("\\\n")
        requirement = Requirement(head.strip())
        if requirement.marker is None or requirement.marker.evaluate({**facts.markers}):
            kept.append(f"{requirement.name}{requirement.specifier} \\\n{hashes}")
    return "\n".join(kept) + "\n"
