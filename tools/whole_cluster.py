"""A whole Kubernetes cluster with one node, on this machine: `python tools/whole_cluster.py up|down|...`.

Pods are processes in namespaces of this machine, so it needs root. A cluster that KUBECONFIG names is used
in its place. Runs in .venv.
"""

import argparse
import sys
from pathlib import Path

from locked_folder import ROOT
from toolchain import say

# What knows the cluster lies with the tests.
sys.path.insert(0, str(ROOT / "tests"))

from kube.whole import lifecycle
from kube.whole.given import given_kubeconfig
from kube.whole.images import import_image
from kube.whole.node import NodeFailed
from kube.whole.places import places

import node_programs

AT = places()


def up() -> None:
    """Bring it up, unless one is given or up."""
    given = given_kubeconfig(AT)
    if given:
        say(f"KUBECONFIG={given} is used: nothing to bring up")
        return
    check()
    programs = node_programs.provide()
    with lifecycle.one_at_a_time(AT, say):
        if lifecycle.running(AT):
            say("the cluster is up already")
        else:
            lifecycle.bring_up(AT, programs, say)
    say(f"kubectl: {programs.kubernetes / 'kubectl'}")
    say(f"export KUBECONFIG={AT.kubeconfig}")


def down() -> None:
    """Remove it, or what is left of one."""
    with lifecycle.one_at_a_time(AT, say):
        there = lifecycle.is_left_behind(AT)
        lifecycle.take_down(AT)
    say("the cluster is gone" if there else "there is no cluster of ours")


def check() -> None:
    """End with 1 and the reason where the machine cannot carry it."""
    reason = None if given_kubeconfig(AT) else node_programs.why_not()
    if reason:
        raise SystemExit(f"make: no whole cluster here: {reason}.")


def prepare() -> None:
    """Install and build what it needs, where the machine can carry it; else say so."""
    reason = node_programs.why_not()
    if given_kubeconfig(AT):
        say("the end-to-end tests use the cluster of KUBECONFIG")
    elif reason:
        say(f"no whole cluster here, so the end-to-end tests are left out: {reason}")
    else:
        node_programs.provide()


def take_in(archives: list[Path]) -> None:
    """Make images known to it."""
    with lifecycle.one_at_a_time(AT, say):
        for archive in archives:
            tags = import_image(AT, archive)
            say(f"imported {', '.join(tags)}" if tags else f"{archive} is imported already")


DEEDS = {"up": up, "down": down, "check": check, "prepare": prepare}


def main() -> None:
    """Do what the first argument says."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    deeds = asked.add_subparsers(dest="deed", required=True)
    for name, deed in DEEDS.items():
        deeds.add_parser(name, help=deed.__doc__)
    importing = deeds.add_parser("import", help=take_in.__doc__)
    importing.add_argument("archives", nargs="+", type=Path, metavar="TAR", help="docker-archive")
    arguments = asked.parse_args()
    try:
        if arguments.deed == "import":
            take_in(arguments.archives)
        else:
            DEEDS[arguments.deed]()
    except (NodeFailed, AssertionError, ValueError) as failed:
        raise SystemExit(f"make: {failed}") from failed


if __name__ == "__main__":
    main()
