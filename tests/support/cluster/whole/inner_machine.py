"""A machine within this one, as far as a whole cluster can tell: its own network, mounts and cache folder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from support.cluster.waiting import until
from support.cluster.whole import machine_state
from support.cluster.whole.given import TOOL
from support.cluster.whole.node import Node
from support.cluster.whole.places import Places, places

BUILT = ("kube", "coredns", "pause", "helm")
"""Folders of programs that are shared with this machine."""
FIXED_PATHS = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods")
NODES_OWN = ("/run", "/var/lib", "/var/log")


class InnerMachine:
    """Use it as a context; when that ends the machine is gone with all on it."""

    def __enter__(self) -> "InnerMachine":
        self._folder = tempfile.TemporaryDirectory(prefix="m")
        self.at = Places(Path(self._folder.name).resolve() / "claude-sidecar")
        self.at.cache.mkdir()
        for name in BUILT:
            (self.at.cache / name).symlink_to(places().cache / name)
        self._holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "infinity"])
        here = Path("/proc/self/ns/net").readlink()
        until(lambda: Path(f"/proc/{self._holder.pid}/ns/net").readlink() != here, "the machine is there")
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.tool("down")
        finally:
            self._holder.kill()
            self._holder.wait()
            self._folder.cleanup()

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A command on the machine."""
        inside = ["nsenter", f"--target={self._holder.pid}", "--net", "--mount", f"--wd={Path.cwd()}", "--"]
        environ = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
        return subprocess.run(
            [*inside, *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=110,
            env={**environ, "XDG_CACHE_HOME": str(self.at.cache.parent)},
        )

    def tool(self, deed: str) -> str:
        """What `make cluster-DEED` says."""
        ended = self.run(sys.executable, TOOL, deed)
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints, as the administrator."""
        program = self.run("sh", "-c", f"ls {self.at.cache}/kube/1.*/kubectl | head -1").stdout.strip()
        ended = self.run(program, "--kubeconfig", self.at.kubeconfig, *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @property
    def node(self) -> Node:
        """The node of its cluster."""
        return Node(self.at.state)

    def kill_all(self, *, first: bool) -> None:
        """SIGKILL for every process of the cluster and its pods; the node's *first* one as well or not."""
        node = self.node.pid
        for pid in self.processes():
            if pid != node or first:
                with contextlib.suppress(ProcessLookupError):  # it ended with another one
                    os.kill(pid, signal.SIGKILL)
        until(lambda: not set(self.processes()) - {node}, "they have ended")

    def processes(self) -> list[int]:
        """Those of the cluster: in one of its cgroups, or started with a path of its state."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words, cgroups = (folder / "cmdline").read_text(), (folder / "cgroup").read_text()
            except OSError:
                continue
            ours = str(self.at.state) in words and not words.startswith(sys.executable)
            if words and (ours or self.at.cgroup in cgroups):
                found.append(int(folder.name))
        return found

    def _mount_points(self) -> list[Path]:
        return [Path(line.split()[4]) for line in self.run("cat", "/proc/self/mountinfo").stdout.splitlines()]

    def _may_be_ours(self, point: Path) -> bool:
        """Not those that others had when this machine began: they go away when their owner wants."""
        below = (self.at.cache, *map(Path, (*FIXED_PATHS, "/run/netns")))
        return str(point) in NODES_OWN or any(point.is_relative_to(folder) for folder in below)

    def traces(self) -> dict[str, Any]:
        """All that a cluster might leave behind."""
        commands = {"links": "ip -o link", "routes": "ip route", "firewall": "nft list ruleset"}
        settings = [Path("/proc/sys", name) for name in machine_state.SETTINGS]
        return {
            **{name: self.run(*command.split()).stdout for name, command in commands.items()},
            "addresses": json.loads(self.run("ip", "-j", "address").stdout),
            "mounts": [point for point in self._mount_points() if self._may_be_ours(point)],
            "cgroups": sorted(str(path) for path in machine_state.CGROUPS.glob(f"**/{self.at.cgroup}")),
            "settings": {str(path): path.read_text() for path in settings},
            "paths": [path for path in FIXED_PATHS if self.run("test", "-e", path).returncode == 0],
            "state": self.at.state.exists(),
            "processes": self.processes(),
        }
