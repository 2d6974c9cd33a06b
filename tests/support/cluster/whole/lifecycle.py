"""Brings the whole cluster up and takes it down, whatever state the last one was left in."""

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.cluster.waiting import until
from support.cluster.whole import cluster_dns, machine_state, network
from support.cluster.whole.commands import Programs, Writer
from support.cluster.whole.images import import_image, program_archive, remove_containers
from support.cluster.whole.node import Node
from support.cluster.whole.places import PAUSE_IMAGE, Places
from support.cluster.whole.whole_cluster import WholeCluster
from support.free_ports import free_ports

Say = Callable[[str], None]
LONGEST_STATE_PATH = 60


@contextlib.contextmanager
def one_at_a_time(at: Places, say: Say) -> Iterator[None]:
    """Hold the lock under which the cluster is brought up or taken down."""
    at.cache.mkdir(parents=True, exist_ok=True)
    with (at.cache / "cluster.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is at work on the cluster: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def running(at: Places) -> WholeCluster | None:
    """The cluster if it answers and no part of it has ended."""
    if Node(at.state).pid is None or not at.kubeconfig.exists():
        return None
    with contextlib.suppress(OSError, ValueError):  # it may have been broken off while it was being made
        cluster = WholeCluster(at)
        answers = cluster.request("GET", "/readyz", seconds=5).status == 200
        if answers and all(map(cluster.pid_of, cluster.components)):
            return cluster
    return None


def is_left_behind(at: Places) -> bool:
    """Whether anything of a cluster is there, working or not."""
    return Node(at.state).pid is not None or network.is_connected(at) or at.state.exists()


def bring_up(at: Places, programs: Programs, say: Say) -> WholeCluster:
    """A new cluster, ready for pods; what is left of an old one goes first.

    Errors: NodeFailed, AssertionError when a program does not become ready; nothing is left then.
    """
    begun = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - begun:5.1f} s  {text}")

    take_down(at)
    try:
        _make_node(at, programs)
        tell("the node's namespaces and network are there")
        cluster = WholeCluster(at)
        for name in ("containerd", "etcd", "kube-apiserver"):
            cluster.launch(name)
        _take_images_in(cluster, programs)
        tell("containerd is ready")
        cluster.wait_for("kube-apiserver")
        tell("the API server is ready")
        for name in cluster.components:
            cluster.launch(name)
        cluster.apply(cluster_dns.objects(), namespace="kube-system")
        for name in cluster.components:
            cluster.wait_for(name)
        tell("the node and cluster DNS are ready")
    except BaseException:
        take_down(at)
        raise
    return cluster


def _make_node(at: Places, programs: Programs) -> None:
    if len(bytes(at.state)) > LONGEST_STATE_PATH:
        raise ValueError(
            f"{at.state} is too long for paths of sockets in it: set XDG_CACHE_HOME to a shorter one"
        )
    at.state.mkdir(mode=0o700)
    machine_state.note_settings(at)
    machine_state.make_cgroups(at)
    (port,) = free_ports(1)
    node = Node(at.state)
    node.start(programs.pause, port)
    network.connect(node, at)
    Writer(at, programs, f"https://127.0.0.1:{port}").write()


def _take_images_in(cluster: WholeCluster, programs: Programs) -> None:
    cluster.wait_for("containerd")
    if remove_containers(cluster.at):
        # It has read them in when it started.
        cluster.stop("containerd")
        cluster.start("containerd")
    import_image(cluster.at, program_archive(programs.pause, PAUSE_IMAGE))


def take_down(at: Places) -> None:
    """End the cluster and leave the machine as it was; containerd keeps its images for the next one."""
    Node(at.state).stop()
    network.disconnect(at)
    until(lambda: not network.is_connected(at), "the node's network is gone")
    machine_state.remove_cgroups(at)
    machine_state.restore_settings(at)
    shutil.rmtree(at.state, ignore_errors=True)
    assert not Path(at.state).exists(), f"{at.state} cannot be removed"
