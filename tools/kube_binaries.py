"""Real Kubernetes components for the cluster tests: `python tools/kube_binaries.py [MINOR...]`.

Of each minor etcd, kube-apiserver, kube-controller-manager and kubectl: downloaded as released or, where that
is out of reach, compiled from Go modules as one program, once, into the user's cache folder. Prints each
minor's folder as one JSON object on stdout, progress on stderr. The programs of a node are got for whole
clusters alone, by tools/node_programs.py.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from go_program import GoProgram, built, found
from locked_folder import ROOT
from release_files import ReleaseFile, this_platform
from toolchain import say

# What knows the cluster lies with the tests.
sys.path.insert(0, str(ROOT / "tests"))

from support.cluster.whole.places import NODE_PROGRAMS, given_kubeconfig

SOURCES = ROOT / "tools" / "kube"
MINORS = tuple(sorted((path.parent.name for path in SOURCES.glob("*/go.mod")), key=lambda m: int(m[2:])))
"""The first one is what tests run on; on the others a few run too."""

CONTROL = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


RELEASES = "https://dl.k8s.io/release"
ETCD_RELEASES = "https://github.com/etcd-io/etcd/releases/download"


def version_of_module(minor: str, module: str) -> str:
    """The version that a minor's go.mod locks a module at, with its v."""
    asked = re.search(
        rf"^\t{re.escape(module)} (v\S+)", (SOURCES / minor / "go.mod").read_text(), re.MULTILINE
    )
    assert asked, f"{minor}/go.mod names no version of {module}"
    return asked[1]


def released(minor: str, names: tuple[str, ...]) -> tuple[ReleaseFile, ...]:
    """The same versions as their projects release them; servers are released for Linux only."""
    system, architecture = this_platform()
    if system != "linux":
        return ()
    etcd = version_of_module(minor, "go.etcd.io/etcd/server/v3")
    stem, etcd_folder = f"etcd-{etcd}-linux-{architecture}", f"{ETCD_RELEASES}/{etcd}"
    binaries = f"{RELEASES}/{version_of_module(minor, 'k8s.io/kubernetes')}/bin/linux/{architecture}"
    return tuple(
        ReleaseFile(name, f"{etcd_folder}/{stem}.tar.gz", f"{etcd_folder}/SHA256SUMS", f"{stem}/etcd")
        if name == "etcd"
        else ReleaseFile(name, f"{binaries}/{name}", f"{binaries}/{name}.sha256")
        for name in names
    )


def flags(minor: str, tags: str) -> tuple[str, ...]:
    """Flags of `go build`; without its version the API server would call itself v0.0.0."""
    version = version_of_module(minor, "k8s.io/kubernetes")
    facts = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor[2:], "gitTreeState": "clean"}
    named = [f"-X {package}.{fact}={value}" for package in VERSION_PACKAGES for fact, value in facts.items()]
    return "-v", "-trimpath", "-tags", tags, "-ldflags", " ".join(["-s", "-w", *named])


def control(minor: str) -> GoProgram:
    """A minor's control plane, and kubectl."""
    return _program(minor, CONTROL, released(minor, CONTROL), "control")


def node() -> GoProgram:
    """What a node needs besides, of the usual minor; where it is compiled, one program is all of both."""
    return _program(MINORS[0], CONTROL + NODE_PROGRAMS, released(MINORS[0], NODE_PROGRAMS), "")


def _program(minor: str, names: tuple[str, ...], files: tuple[ReleaseFile, ...], tags: str) -> GoProgram:
    """The Go sources are the same for every minor."""
    return GoProgram(
        title=f"Kubernetes {minor}",
        place=f"kube/{minor}",
        go_mod=SOURCES / minor / "go.mod",
        sources=tuple(sorted(SOURCES.glob("*.go"))),
        file="kubernetes",
        links=names,
        flags=flags(minor, tags),
        released=files,
        costs="4 to 9 minutes on two cores, 4 GB of memory and 6 GB of disk, of which 4 GB are what Go keeps "
        "for itself and go with 'go clean -cache -modcache' (KUBE_BIN_DIR=FOLDER takes programs that are "
        "there already)",
    )


def control_folder(minor: str, *, only_look: bool) -> Path:
    """Where a minor's control plane is, got where it is missing."""
    if minor == MINORS[0] and (whole := found(node())) and (whole / CONTROL[0]).exists():
        return whole
    folder = found(control(minor)) if only_look else built(control(minor))
    if folder is None:
        raise SystemExit(f"make: Kubernetes {minor} is not here yet: run 'make test-cluster' once.")
    return folder


def node_folder() -> Path:
    """Where kube-scheduler, kubelet and kube-proxy of the usual minor are, got where they are missing."""
    return built(node())


def given(folder: Path) -> dict[str, str]:
    """The folder that KUBE_BIN_DIR names, when all is in it."""
    missing = [name for name in CONTROL if not os.access(folder / name, os.X_OK)]
    if missing:
        raise SystemExit(
            f"make: KUBE_BIN_DIR={folder} lacks {', '.join(missing)}: put them there, or unset it "
            "to have them built."
        )
    return {"given": str(folder.resolve())}


def main() -> None:
    """Print where each minor's programs are."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("minors", nargs="*", metavar="MINOR", help=f"of {', '.join(MINORS)}; default: all")
    asked.add_argument("--usual", action="store_true", help=f"of {MINORS[0]} alone, on which most tests run")
    asked.add_argument("--only-look", action="store_true", help="build nothing; fail if one is missing")
    arguments = asked.parse_args()
    minors = arguments.minors or list(MINORS[:1] if arguments.usual else MINORS)
    unknown = set(arguments.minors) - set(MINORS)
    if unknown:
        asked.error(f"no such minor: {', '.join(sorted(unknown))}; there are {', '.join(MINORS)}")
    if os.environ.get("KUBE_BIN_DIR"):
        folders = given(Path(os.environ["KUBE_BIN_DIR"]))
        say(f"Kubernetes comes from KUBE_BIN_DIR: {folders['given']}")
    elif given_kubeconfig():
        folders = {}
        say("the cluster tests use the cluster of KUBECONFIG: nothing to build")
    else:
        folders = {each: str(control_folder(each, only_look=arguments.only_look)) for each in minors}
    print(json.dumps(folders))


if __name__ == "__main__":
    main()
