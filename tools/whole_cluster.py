"""A whole Kubernetes cluster with one node on this machine: `python tools/whole_cluster.py up|down|import`.

Needs root: pods are processes in namespaces of this machine. Runs in .venv.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import kube_binaries
from go_program import GoProgram, built
from locked_folder import ROOT
from toolchain import run, say

sys.path.insert(0, str(ROOT / "tests"))

from kube.whole import lifecycle, places
from kube.whole.commands import Programs
from kube.whole.images import import_image
from kube.whole.node import NodeFailed

AT = places.places()
PACKAGES = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
"""Debian's package for each command that is needed."""
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
CNI_PACKAGE = "containernetworking-plugins"


def fail(text: str) -> NoReturn:
    raise SystemExit(f"make: {text}")


def cni_plugins() -> Path | None:
    """The folder of CNI's plugins."""
    return next((path for path in CNI_FOLDERS if (path / "bridge").exists()), None)


def missing() -> dict[str, str]:
    """What is not on this machine yet, with its package."""
    found = {command: package for command, package in PACKAGES.items() if not shutil.which(command)}
    return found if cni_plugins() else found | {"CNI plugins": CNI_PACKAGE}


def reasons_against() -> list[str]:
    """Why this machine cannot carry a cluster, each with what helps; empty if it can."""
    against = []
    if sys.platform != "linux":
        against.append("it is no Linux: use a Linux machine, or set KUBECONFIG to a cluster for tests")
    elif os.geteuid() != 0:
        against.append("root is needed: run it as root, or set KUBECONFIG to a cluster for tests")
    lacking = missing()
    if lacking and not shutil.which("apt-get"):
        packages = " ".join(sorted(set(lacking.values())))
        against.append(
            f"{', '.join(lacking)} not found, and no apt-get: install what Debian has as {packages}"
        )
    return against


def install_packages() -> None:
    """Have Debian's packages installed, those that are missing."""
    lacking = sorted(set(missing().values()))
    if lacking:
        say(f"installing Debian packages: {' '.join(lacking)}")
        command = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking)
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        try:
            run(*command, env=quiet)
        except SystemExit:
            run("apt-get", "update", "-q")
            run(*command, env=quiet)
    if missing():
        fail(f"still not found after installing: {', '.join(missing())}")


def program(name: str, costs: str) -> Path:
    """A Go program of this folder, built if need be."""
    folder = ROOT / "tools" / name
    sources = tuple(sorted(folder.glob("*.go")))
    made = GoProgram(
        title=name, place=f"{name}/{name}", go_mod=folder / "go.mod", sources=sources, file=name, costs=costs
    )
    return built(made) / name


def programs() -> Programs:
    """All that a cluster is made of, built and installed where it is missing."""
    install_packages()
    minor = kube_binaries.MINORS[0]
    kubernetes = Path(kube_binaries.folders_of([minor], only_look=False)[minor])
    plugins, containerd = cni_plugins(), shutil.which("containerd")
    assert plugins
    assert containerd
    return Programs(
        kubernetes=kubernetes,
        coredns=program("coredns", "1 to 3 minutes on two cores, 2 GB of memory"),
        pause=program("pause", "some seconds"),
        containerd=Path(containerd),
        cni_plugins=plugins,
    )


def up() -> None:
    against = reasons_against()
    if against:
        fail("no cluster on this machine: " + "; ".join(against))
    needed = programs()
    with lifecycle.one_at_a_time(AT, say):
        if lifecycle.running(AT):
            say("the cluster is up already")
        else:
            lifecycle.bring_up(AT, needed, say)
    say(f"export KUBECONFIG={AT.kubeconfig}")
    say(f"kubectl: {needed.kubernetes / 'kubectl'}")


def down() -> None:
    with lifecycle.one_at_a_time(AT, say):
        there = lifecycle.is_left_behind(AT)
        lifecycle.take_down(AT)
        say("the cluster is gone" if there else "there is no cluster")


def take_in(archives: list[Path]) -> None:
    with lifecycle.one_at_a_time(AT, say):
        for archive in archives:
            tags = import_image(AT, archive)
            say(f"imported {', '.join(tags)}" if tags else f"{archive} is imported already")


def main() -> None:
    """Do what the first argument says."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    deeds = asked.add_subparsers(dest="deed", required=True)
    deeds.add_parser("up", help="bring it up; does nothing if it is")
    deeds.add_parser("down", help="remove all of it")
    importing = deeds.add_parser("import", help="make images known to it")
    importing.add_argument("archives", nargs="+", type=Path, metavar="TAR", help="docker-archive")
    arguments = asked.parse_args()
    try:
        if arguments.deed == "import":
            take_in(arguments.archives)
        else:
            {"up": up, "down": down}[arguments.deed]()
    except (NodeFailed, AssertionError, ValueError) as failed:
        fail(str(failed))


if __name__ == "__main__":
    main()
