"""The chart in a cluster, as `helm` installs, upgrades and removes it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.cluster.cluster import NAMESPACES, Cluster
from support.cluster.helm import HelmFailed
from support.cluster.waiting import until
from support.project import CHART

NAME = "claude-sidecar"
NAMESPACE = "claude-sidecar"


class Release:
    """One release of the chart.

    Args:
        cluster: where it is
        helm: the program
        values: what differs from the chart's own
    """

    def __init__(self, cluster: Cluster, helm: Path, values: Mapping[str, Any]) -> None:
        self.cluster, self._helm, self.values = cluster, helm, dict(values)
        self.namespace = NAMESPACE

    def install(self, *flags: str, chart: Path = CHART) -> None:
        """`helm install --wait`."""
        self._with_values("install", "--create-namespace", "--wait", "--timeout=250s", *flags, chart=chart)

    def upgrade(self, more: Mapping[str, Any] | None = None, *flags: str, chart: Path = CHART) -> None:
        """`helm upgrade --wait`, with values that hold for this time only."""
        values = merged(self.values, more or {})
        self._with_values("upgrade", "--wait", "--timeout=250s", *flags, chart=chart, values=values)

    def test(self) -> str:
        """`helm test`; what it printed."""
        return self.helm("test", NAME, "--timeout=250s")

    def uninstall(self) -> None:
        """`helm uninstall --wait`."""
        self.helm("uninstall", NAME, "--wait", "--timeout=120s")

    def helm(self, *arguments: str, stdin: str | None = None) -> str:
        """What helm prints on stdout.

        Errors: HelmFailed with what it said on stderr.
        """
        home = self.cluster.folder / "helm"
        ended = subprocess.run(
            [self._helm, "--kubeconfig", self.cluster.kubeconfig, "--namespace", NAMESPACE, *arguments],
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        if ended.returncode != 0:
            raise HelmFailed(ended.stderr.strip() or ended.stdout.strip())
        return ended.stdout

    def _with_values(
        self, verb: str, *flags: str, chart: Path, values: Mapping[str, Any] | None = None
    ) -> None:
        text = json.dumps(self.values if values is None else values)
        self.helm(verb, NAME, str(chart), *flags, "--values=-", stdin=text)
        # Helm waits for what is new; what is leaving answers reviews for some seconds more.
        until(self._nobody_leaves, "processes of the earlier values have gone", seconds=60)

    def _nobody_leaves(self) -> bool:
        path = f"{NAMESPACES}/{NAMESPACE}/pods"
        return not any(
            "deletionTimestamp" in each["metadata"] for each in self.cluster.api.get(path)["items"]
        )


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them, as helm merges: mappings are joined, all else is replaced."""
    both = dict(values)
    for key, value in more.items():
        under = both.get(key)
        both[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, Mapping) else value
    return both
