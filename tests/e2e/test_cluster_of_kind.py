"""Where kind and a docker engine are, kind makes the cluster; here stand-ins lead to the one that is up."""

import os
from pathlib import Path

import pytest
from support.cluster.cluster import Cluster
from support.cluster.whole import kind
from support.cluster.whole.given import whole_cluster as some_whole_cluster

pytestmark = pytest.mark.own_whole_cluster

KIND = """#!/bin/sh
echo "$@" >> "$HERE/asked"
case "$1 $2" in
    "get clusters") cat "$HERE/clusters" 2>/dev/null || echo "No kind clusters found." >&2 ;;
    "create cluster") cp "$HERE/kubeconfig" "${4#--kubeconfig=}"; echo claude-sidecar > "$HERE/clusters" ;;
    "delete cluster") rm "$HERE/clusters" ;;
esac
"""


@pytest.fixture
def asked(whole_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which kind notes what it was asked to do."""
    for name, script in (("kind", KIND), ("docker", "#!/bin/sh\n")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o700)
    (tmp_path / "kubectl").symlink_to(whole_cluster.kubectl_program)
    (tmp_path / "kubeconfig").write_bytes(whole_cluster.kubeconfig.read_bytes())
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HERE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path / "asked"


def test_kind_is_asked_for_a_cluster_given_the_images_and_asked_to_remove_it(asked: Path) -> None:
    with some_whole_cluster() as cluster:
        assert cluster.request("GET", "/readyz").status == 200
        cluster.import_image(Path("some.tar"))
    (kubeconfig,) = {word for word in asked.read_text().split() if word.startswith("--kubeconfig=")}
    deeds = [line for line in asked.read_text().splitlines() if not line.startswith("get ")]
    assert deeds == [
        f"create cluster --name=claude-sidecar {kubeconfig} --wait=120s",
        "load image-archive --name claude-sidecar some.tar",
        f"delete cluster --name=claude-sidecar {kubeconfig}",
    ]


def test_cluster_of_kind_that_is_up_is_used_and_left(asked: Path) -> None:
    with some_whole_cluster():
        asked.write_text("")
        with some_whole_cluster() as cluster:
            assert cluster.request("GET", "/readyz").status == 200
        assert {line.split()[0] for line in asked.read_text().splitlines()} == {"get"}


def test_images_of_the_quickstart_are_loaded_into_it(asked: Path) -> None:
    kind.load(Path("one.tar"), Path("two.tar"))
    assert asked.read_text().splitlines() == [
        "load image-archive --name claude-sidecar one.tar",
        "load image-archive --name claude-sidecar two.tar",
    ]
