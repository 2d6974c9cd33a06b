"""Building with a docker engine, local or remote."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self


def trouble() -> str | None:
    """Why docker cannot be used; None where its engine answers."""
    try:
        asked = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"],
            check=False,
            capture_output=True,
            text=True,
            timeout=20,
        )
    except FileNotFoundError:
        return "docker is not installed"
    except subprocess.TimeoutExpired:
        return "the docker engine does not answer"
    return None if asked.returncode == 0 and asked.stdout.strip() else "no docker engine runs"


class Docker:
    """One run of builds; what is built stays in the engine under its tag, as docker's users expect."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is to be put away."""

    def load(self, archive: Path) -> None:
        self._run("load", "--quiet", "--input", str(archive))

    def ask(self, image: str, script: str) -> str:
        asked = self._try("run", "--rm", "--entrypoint", "python3", image, "-c", script)
        if asked.returncode != 0:
            raise SystemExit(f"{asked.stderr[-4000:]}make: {image} has no python3 that runs: see above.")
        return asked.stdout

    def build(self, containerfile: Path, context: Path, tag: str, arguments: dict[str, str]) -> None:
        words = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        self._run("build", "--network=none", f"--file={containerfile}", f"--tag={tag}", *words, str(context))

    def save(self, tag: str, archive: Path) -> None:
        self._run("save", "--output", str(archive), tag)

    def _run(self, *words: str) -> str:
        ended = self._try(*words)
        if ended.returncode != 0:
            raise SystemExit(
                f"{ended.stdout[-4000:]}{ended.stderr[-4000:]}make: docker {words[0]} failed: see above."
            )
        return ended.stdout

    def _try(self, *words: str) -> subprocess.CompletedProcess[str]:
        # Engines before 23 have to be asked for BuildKit, which the Containerfile's mounts need.
        env = {**os.environ, "DOCKER_BUILDKIT": "1"}
        return subprocess.run(["docker", *words], check=False, capture_output=True, text=True, env=env)
