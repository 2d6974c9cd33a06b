"""A whole Kubernetes cluster with one node, on this machine: `python tools/whole_cluster.py up|down|...`.

Pods are processes in namespaces of this machine, so it needs root. A cluster that KUBECONFIG names is used in
its place, or one of kind's where that and a docker engine are. Runs in .venv.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from locked_folder import ROOT
from toolchain import say

# What knows the cluster lies with the tests.
sys.path.insert(0, str(ROOT / "tests"))

from support.cluster.whole import kind, lifecycle
from support.cluster.whole.commands import Programs
from support.cluster.whole.given import uses_kind
from support.cluster.whole.images import import_image
from support.cluster.whole.node import NodeFailed
from support.cluster.whole.places import given_kubeconfig, places

import node_programs
from helm_programs import helm4

AT = places()
LEADS_THERE = 'for kubectl and helm: eval "$(make -s cluster-env)"'


def up() -> None:
    """Bring it up, unless one is given or up."""
    given = given_kubeconfig()
    if given:
        say(f"KUBECONFIG={given} is used: nothing to bring up")
    elif uses_kind():
        up_with_kind()
    else:
        check()
        up_here(node_programs.provide())


def up_with_kind() -> None:
    """A cluster of kind's, which has its own ways to run a node."""
    with lifecycle.one_at_a_time(AT, say):
        if kind.is_up():
            say("kind's cluster is up already")
        else:
            say("kind and a docker engine are here: kind makes the cluster")
            kind.create(AT)
    say(LEADS_THERE)


def up_here(programs: Programs) -> None:
    """A node in namespaces of this machine."""
    with lifecycle.one_at_a_time(AT, say):
        if lifecycle.running(AT):
            say("the cluster is up already")
        else:
            lifecycle.bring_up(AT, programs, say)
    say(LEADS_THERE)


def env() -> None:
    """Print what makes a shell's kubectl and helm work on it."""
    if given := given_kubeconfig():
        exports(Path(given).absolute())
    elif lifecycle.running(AT):
        exports(AT.kubeconfig, node_programs.provide().control, helm4().parent)
    elif kind.is_usable() and kind.is_up():
        exports(AT.kind_kubeconfig, helm4().parent)
    else:
        raise SystemExit("make: there is no cluster; make cluster-up")


def exports(kubeconfig: Path, *folders: Path) -> None:
    """For `eval`; folders: of programs."""
    searched = "".join(f"{shlex.quote(str(folder))}:" for folder in folders)
    print(f'export KUBECONFIG={shlex.quote(str(kubeconfig))} PATH={searched}"$PATH"')


def down() -> None:
    """Remove it, or what is left of one."""
    with lifecycle.one_at_a_time(AT, say):
        there = lifecycle.is_left_behind(AT)
        if there:
            lifecycle.take_down(AT)
        if kind.is_usable() and kind.is_up():
            there = True
            kind.delete(AT)
    say("the cluster is gone" if there else "there is no cluster of ours")


def why_not() -> str | None:
    """Why there can be none here; None where there can, or one is given."""
    return None if given_kubeconfig() or uses_kind() else node_programs.why_not()


def check() -> None:
    """End with 1 and the reason where the machine cannot carry it."""
    reason = why_not()
    if reason:
        raise SystemExit(f"make: no whole cluster here: {reason}.")


def prepare() -> None:
    """The same, and install and build what it needs."""
    check()
    if given_kubeconfig() or uses_kind():
        say("the cluster is that of KUBECONFIG or kind: nothing to build for it")
    else:
        node_programs.provide()


def take_in(archives: list[Path]) -> None:
    """Make images known to it."""
    with lifecycle.one_at_a_time(AT, say):
        for archive in archives:
            tags = import_image(AT, archive)
            say(f"imported {', '.join(tags)}" if tags else f"{archive} is imported already")


def furnish() -> None:
    """Make the images of this project and the quickstart's trace store known to it."""
    if given_kubeconfig():
        say("the cluster of KUBECONFIG takes no images from here: see docs/image.md for how it gets them")
        return
    from support.release import trace_store

    asked = [sys.executable, ROOT / "tools" / "images.py"]
    ended = subprocess.run(asked, check=False, stdout=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        raise SystemExit(ended.returncode)
    built = [Path(image["tar"]) for image in json.loads(ended.stdout).values()]
    archives = [*built, trace_store.archive()]
    if uses_kind():
        kind.load(*archives)
    else:
        take_in(archives)


DEEDS = {deed.__name__: deed for deed in (up, furnish, env, down, check, prepare)}


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
