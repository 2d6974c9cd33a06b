"""Says whether tests may have a cluster of their own: `python tools/own_cluster.py control_plane|whole`.

They may not where another one is used: they stop parts of it, or have it reach processes of this machine.
"""

import sys

from locked_folder import ROOT

# What knows the cluster lies with the tests.
sys.path.insert(0, str(ROOT / "tests"))

from support.cluster.programs import uses_given_cluster
from support.cluster.whole.given import uses_kind
from support.cluster.whole.places import given_kubeconfig


def why_not(kind: str) -> str | None:
    """Why there is none of this kind, and what to do; None where there is."""
    given = given_kubeconfig()
    if uses_given_cluster() if kind == "control_plane" else given:
        return f"the cluster of KUBECONFIG={given} is used: unset it to have one"
    if kind == "whole" and uses_kind():
        return "kind's cluster is used: take kind out of PATH to have one"
    return None


def main() -> None:
    """End with 1 and the reason where there is none."""
    if len(sys.argv) != 2 or sys.argv[1] not in ("control_plane", "whole"):
        raise SystemExit(f"usage: {sys.argv[0]} control_plane|whole")
    if reason := why_not(sys.argv[1]):
        raise SystemExit(f"make: {reason}.")


if __name__ == "__main__":
    main()
