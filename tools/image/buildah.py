"""Building with buildah, as root, in a storage of its own that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from image.recipe import BUILT_AT
from image.shelf import SHELF

# No registry is asked, so there are no signatures to check; Debian's buildah wants to be told.
_POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'
_PREFIX = "build-"


class Buildah:
    """One run of builds. Its storage lies on the shelf: a layer may need more room than /tmp has."""

    def __enter__(self) -> Self:
        # The shelf is locked, so another folder is that of a run that was killed.
        for left_over in SHELF.glob(f"{_PREFIX}*"):
            _put_away(left_over)
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=SHELF))
        (self._folder / "policy.json").write_text(_POLICY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._try("rm", "--all")
        _put_away(self._folder)

    def load(self, archive: Path) -> None:
        self._run("pull", "--quiet", self._policy, f"docker-archive:{archive}")

    def ask(self, image: str, script: str) -> str:
        container = self._run("from", self._policy, image).strip()
        asked = self._try("run", container, "--", "python3", "-c", script)
        self._try("rm", container)
        if asked.returncode != 0:
            raise SystemExit(f"{asked.stderr[-4000:]}make: {image} has no python3 that runs: see above.")
        return asked.stdout

    def build(self, containerfile: Path, context: Path, tag: str, arguments: dict[str, str]) -> None:
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        self._run(
            *("bud", "--quiet", self._policy, "--identity-label=false", "--no-hosts"),
            *(f"--timestamp={BUILT_AT}", f"--file={containerfile}"),
            *(f"--tag={tag}", *given, str(context)),
        )

    def save(self, tag: str, archive: Path) -> None:
        self._run("push", "--quiet", self._policy, tag, f"docker-archive:{archive}:{tag}")

    @property
    def _policy(self) -> str:
        return f"--signature-policy={self._folder / 'policy.json'}"

    def _try(self, *words: str) -> subprocess.CompletedProcess[str]:
        places = ("--root", str(self._folder / "root"), "--runroot", str(self._folder / "run"))
        return subprocess.run(
            ["nice", "-n", "10", "buildah", *places, "--storage-driver", self._driver(), *words],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
        )

    def _driver(self) -> str:
        """overlay, but for a machine whose own disk is one: there the kernel allows no second."""
        asked = subprocess.run(
            ["stat", "--file-system", "--format=%T", self._folder], check=True, capture_output=True, text=True
        )
        return "vfs" if asked.stdout.strip() == "overlayfs" else "overlay"

    def _run(self, *words: str) -> str:
        ended = self._try(*words)
        if ended.returncode != 0:
            raise SystemExit(
                f"{ended.stdout[-4000:]}{ended.stderr[-4000:]}make: buildah {words[0]} failed: see above."
            )
        return ended.stdout


def _put_away(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
