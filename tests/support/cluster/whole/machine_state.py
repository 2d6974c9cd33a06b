"""What a node changes of the machine outside its namespaces, put back as it was."""

import contextlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from support.cluster.waiting import until
from support.cluster.whole.node import NodeFailed
from support.cluster.whole.places import Places

SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
"""What the kubelet sets, for every namespace: these are the kernel's only ones."""
CGROUPS = Path("/sys/fs/cgroup")
DIVISION = "cgroup.subtree_control"
CONTROLLERS = ("cpu", "cpuset", "hugetlb", "memory", "pids")


def note_settings(at: Places) -> None:
    """Write down the kernel's settings as they are."""
    found = {name: Path("/proc/sys", name) for name in SETTINGS}
    said = {name: path.read_text().strip() for name, path in found.items() if path.exists()}
    (at.state / "settings.json").write_text(json.dumps(said))


def restore_settings(at: Places) -> None:
    """Set them as they were noted."""
    noted = at.state / "settings.json"
    if noted.exists():
        for name, value in json.loads(noted.read_text()).items():
            Path("/proc/sys", name).write_text(value)


def has_cgroup_v2() -> bool:
    """Whether this machine has the unified hierarchy alone."""
    return (CGROUPS / "cgroup.controllers").exists()


def _hierarchies() -> Iterator[Path]:
    """Where the node's cgroup is made: once in v2, once for each controller in v1."""
    if has_cgroup_v2():
        yield CGROUPS
    else:
        # Some are links to one that is mounted for two controllers.
        yield from (path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink())


def make_cgroups(at: Places) -> None:
    """Make the cgroup of all pods.

    Errors: NodeFailed where a container's cgroups may not be divided.
    """
    if has_cgroup_v2():
        _divide(at)
    for hierarchy in _hierarchies():
        made = hierarchy / at.cgroup
        made.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new one of v1: no process may enter
            if (made / name).exists() and not has_cgroup_v2():
                (made / name).write_text((hierarchy / name).read_text())


def _divide(at: Places) -> None:
    """Hand the controllers that a kubelet wants on to the cgroups below the top; noted, to be undone."""
    there = (CGROUPS / "cgroup.controllers").read_text().split()
    handed_on = (CGROUPS / DIVISION).read_text().split()
    added = [name for name in CONTROLLERS if name in there and name not in handed_on]
    (at.state / "controllers").write_text(" ".join(f"-{name}" for name in added))
    try:
        (CGROUPS / DIVISION).write_text(" ".join(f"+{name}" for name in added))
    except OSError as refused:
        raise NodeFailed(f"cgroups cannot be divided here, as in many containers: {refused}") from refused


def _undo_division(at: Places) -> None:
    noted = at.state / "controllers"
    if noted.exists():
        with contextlib.suppress(OSError):  # somebody else divides by them now
            (CGROUPS / DIVISION).write_text(noted.read_text())


def remove_cgroups(at: Places) -> None:
    """Remove it with all below it; the kernel may still be busy with what has just ended there."""
    for hierarchy in _hierarchies():
        top = hierarchy / at.cgroup
        until(partial(_is_removed, top), f"cgroup {top} is empty")
    _undo_division(at)


def _is_removed(top: Path) -> bool:
    if not top.exists():
        return True
    folders = sorted((path for path in top.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))
    with contextlib.suppress(OSError):
        for folder in (*folders, top):
            folder.rmdir()
        return True
    return False
