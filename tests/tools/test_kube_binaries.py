"""Of Kubernetes each target gets what its tests run, and no more."""

from support.cluster.whole.places import NODE_PROGRAMS

import kube_binaries
from kube_binaries import CONTROL, MINORS


def test_control_plane_of_a_minor_is_without_the_programs_of_a_node() -> None:
    for minor in MINORS:
        control = kube_binaries.control(minor)
        assert set(control.links) == set(CONTROL)
        assert {file.name for file in control.released} <= set(CONTROL)
        assert "control" in control.flags


def test_node_is_downloaded_beside_the_control_plane_and_compiled_with_it() -> None:
    node = kube_binaries.node()
    assert {file.name for file in node.released} <= set(NODE_PROGRAMS)
    assert set(node.links) == {*CONTROL, *NODE_PROGRAMS}
    assert node.released_folder != kube_binaries.control(MINORS[0]).released_folder
