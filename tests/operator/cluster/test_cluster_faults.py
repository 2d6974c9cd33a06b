"""What tests of faults rely on: parts of the cluster stop and start again, and nothing outlives the tests."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.local_cluster import LocalCluster, local_cluster
from support.cluster.waiting import until
from support.project import ROOT

HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.cluster.local_cluster import local_cluster
with local_cluster(Path(sys.argv[2])) as cluster:
    print(cluster.folder, *(part.pid for part in cluster.components.values()), flush=True)
    time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet reaped does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def killed_run(programs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[int]]]:
    """Folder and process ids of a cluster whose tests were killed without a chance to tidy up."""
    with tempfile.TemporaryDirectory(prefix="k") as apart:  # other tests' clusters tidy up in the usual one
        monkeypatch.setenv("TMPDIR", apart)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield _killed(programs)


def _killed(programs: Path) -> tuple[Path, list[int]]:
    tests = str(ROOT / "tests")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tests, str(programs)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    with holder.stdout:
        folder, *pids = holder.stdout.readline().split()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    return Path(folder), [int(pid) for pid in pids]


def test_restarted_api_server_answers_at_the_same_url_with_the_same_objects(
    own_cluster: LocalCluster, namespace: str
) -> None:
    own_cluster.restart_apiserver()
    assert own_cluster.api.get(f"/api/v1/namespaces/{namespace}")["metadata"]["name"] == namespace
    own_cluster.restart_apiserver(kill=True)
    assert own_cluster.api.get(f"/api/v1/namespaces/{namespace}")["metadata"]["name"] == namespace


def test_stopped_api_server_refuses_connections_until_it_is_started(own_cluster: LocalCluster) -> None:
    own_cluster.stop("kube-apiserver", kill=True)
    try:
        with pytest.raises(ConnectionRefusedError):
            own_cluster.request("GET", "/readyz")
    finally:
        own_cluster.start("kube-apiserver")
    assert own_cluster.request("GET", "/readyz").status == 200


def test_without_the_controller_manager_nobody_makes_pods(own_cluster: LocalCluster, namespace: str) -> None:
    own_cluster.stop("kube-controller-manager")
    try:
        own_cluster.kubectl("create", "job", "once", "--image=localhost/none:1", "-n", namespace)
        assert own_cluster.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"] == []
    finally:
        own_cluster.start("kube-controller-manager")
    pods = f"/api/v1/namespaces/{namespace}/pods"
    until(lambda: own_cluster.api.get(pods)["items"], "the Job has its pod after all")


def test_nothing_outlives_tests_that_were_killed(killed_run: tuple[Path, list[int]], programs: Path) -> None:
    folder, pids = killed_run
    assert len(pids) == 3
    until(lambda: not any(map(is_alive, pids)), "every component is gone")
    assert folder.exists()
    with local_cluster(programs):
        assert not folder.exists(), "the next cluster removes what was left behind"
