"""Which tests each target of make runs, by the markers that tell what a test needs."""

from dataclasses import dataclass

BESIDES_LOGIC = ("long", "processes", "own_machine", "sdks", "helm")
CLUSTER = (
    "api_server",
    "own_control_plane",
    "each_minor",
    "helm3",
    "trace_store",
    "prometheus",
    "browser",
    "frameworks",
    "claude_code",
)
"""What takes long to get: the real programs on both sides of ours."""
WHOLE = ("image", "whole_cluster", "own_whole_cluster")
BY_CHOICE = ("own_control_plane", "own_whole_cluster")
"""Lacking where another cluster was given: that was somebody's choice, so STRICT has nothing against it."""


@dataclass(frozen=True)
class Target:
    """One of `make NAME`.

    Args:
        name: as make knows it
        needs: what has to be got for its tests; a need brings along what it takes itself
        marks: the tests, as an expression of `pytest -m`
        workers: of pytest-xdist, "0" for none
    """

    name: str
    needs: tuple[str, ...]
    marks: str
    workers: str


def _any_of(needs: tuple[str, ...]) -> str:
    return " or ".join(needs)


TARGETS = {
    target.name: target
    for target in (
        Target("unit", (), f"not ({_any_of((*BESIDES_LOGIC, *CLUSTER, *WHOLE))})", "auto"),
        Target("test", BESIDES_LOGIC, f"not ({_any_of((*CLUSTER, *WHOLE))})", "auto"),
        Target("test-cluster", ("helm", *CLUSTER), f"({_any_of(CLUSTER)}) and not ({_any_of(WHOLE)})", "2"),
        # One cluster is for one process.
        Target("test-e2e", WHOLE, _any_of(WHOLE), "0"),
    )
}
ALL = ("test", "test-cluster", "test-e2e")
"""What `make test-all` runs, in the order in which faults show soonest."""
