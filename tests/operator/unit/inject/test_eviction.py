"""What Cluster Autoscaler is told of the sidecar's folders."""

from collections.abc import Callable

import pytest
from support.fakes.pods import make_pod

from claude_operator.inject.pod import Injected

KEY = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, "claude-sidecar-tmp,claude-sidecar-no-token"),
        (" ", "claude-sidecar-tmp,claude-sidecar-no-token"),
        ("cache", "cache,claude-sidecar-tmp,claude-sidecar-no-token"),
        ("cache, claude-sidecar-tmp", "cache, claude-sidecar-tmp,claude-sidecar-no-token"),
    ],
)
def test_folders_of_the_sidecar_may_go_with_their_node_beside_those_that_the_pod_names(
    injected: Callable[..., Injected], said: str | None, expected: str
) -> None:
    pod = make_pod()
    if said is not None:
        pod["metadata"]["annotations"][KEY] = said
    done = injected(pod).pod
    assert done["metadata"]["annotations"][KEY] == expected
    folders = [each["name"] for each in done["spec"]["volumes"] if "emptyDir" in each]
    assert set(folders) == {"claude-sidecar-tmp", "claude-sidecar-no-token"}
