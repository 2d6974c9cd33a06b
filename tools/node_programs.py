"""What a whole cluster is made of: Debian's packages, and programs built from Go modules."""

import os
import shutil
import sys
from pathlib import Path

from support.cluster.whole.commands import Programs
from support.cluster.whole.places import NODE_PROGRAMS

import kube_binaries
from go_program import GoProgram, built
from image.debian_packages import install, may_install
from locked_folder import ROOT

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


def cni_plugins() -> Path | None:
    """The folder of CNI's plugins."""
    return next((path for path in CNI_FOLDERS if (path / "bridge").exists()), None)


def missing() -> dict[str, str]:
    """What is not on this machine yet, with its package."""
    found = {command: package for command, package in PACKAGES.items() if not shutil.which(command)}
    return found if cni_plugins() else found | {"CNI's plugin 'bridge'": CNI_PACKAGE}


def missing_programs() -> list[str]:
    """What a node needs and the folder of KUBE_BIN_DIR does not have."""
    given = os.environ.get("KUBE_BIN_DIR")
    needed = (*kube_binaries.CONTROL, *NODE_PROGRAMS) if given else ()
    return [name for name in needed if not Path(given or "", name).exists()]


def why_not() -> str | None:
    """Why this machine cannot carry a whole cluster, and what would help; None where it can."""
    reason = None
    lacking = missing() if sys.platform == "linux" else {}
    packages = " ".join(sorted(set(lacking.values())))
    if sys.platform != "linux":
        reason = "that takes Linux"
    elif os.geteuid() != 0:
        reason = "that takes root: run make as root"
    elif lacking and not may_install():
        reason = f"{', '.join(lacking)} not found, and no apt-get: install what Debian calls {packages}"
    elif missing_programs():
        reason = f"KUBE_BIN_DIR lacks {', '.join(missing_programs())}: put them there, or unset it"
    return reason and f"{reason}; or set KUBECONFIG to a cluster for tests"


def _program(name: str, costs: str) -> Path:
    folder = ROOT / "tools" / name
    sources = tuple(sorted(folder.glob("*.go")))
    made = GoProgram(
        title=name, place=f"{name}/{name}", go_mod=folder / "go.mod", sources=sources, file=name, costs=costs
    )
    return built(made) / name


def _kubernetes() -> tuple[Path, Path]:
    """The folders of the control plane's programs and of the node's."""
    if given := os.environ.get("KUBE_BIN_DIR"):
        return Path(given).resolve(), Path(given).resolve()
    # The node first: where it is compiled it brings the control plane along.
    node = kube_binaries.node_folder()
    return kube_binaries.control_folder(kube_binaries.MINORS[0], only_look=False), node


def provide() -> Programs:
    """All of it, installed and built where it is missing."""
    lacking = sorted(set(missing().values()))
    if lacking:
        install(*lacking)
    plugins, containerd = cni_plugins(), shutil.which("containerd")
    assert plugins, f"no plugins in {' or '.join(map(str, CNI_FOLDERS))}"
    assert containerd, "containerd is not in PATH"
    control, node = _kubernetes()
    return Programs(
        control=control,
        node=node,
        coredns=_program("coredns", "1 to 3 minutes on two cores, 2 GB of memory"),
        pause=_program("pause", "some seconds"),
        containerd=Path(containerd),
        cni_plugins=plugins,
    )
