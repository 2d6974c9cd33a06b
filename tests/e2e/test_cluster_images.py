"""Images from archives: imported once, renewed when the archive is another one, refused when it is none."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cluster.whole.given import TOOL
from support.cluster.whole.images import MARKS, program_archive
from support.cluster.whole.whole_cluster import WholeCluster

pytestmark = pytest.mark.own_whole_cluster

TAG = "localhost/test:1"


@pytest.fixture
def archive(own_whole_cluster: WholeCluster, tmp_path: Path) -> Callable[[str], Path]:
    """Makes archives of one tag whose program has this name: `archive(name)`."""

    def make(name: str) -> Path:
        shutil.copy(f"/proc/{own_whole_cluster.node.pid}/exe", tmp_path / name)
        return program_archive(tmp_path / name, TAG)

    return make


def image_of_a_pod(cluster: WholeCluster, namespace: str, name: str) -> str:
    """The digest of what a pod runs."""
    cluster.kubectl("run", name, f"--image={TAG}", "--image-pull-policy=Never", "-n", namespace)
    cluster.kubectl("wait", "pod", name, "-n", namespace, "--for=condition=Ready", "--timeout=120s")
    (status,) = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods/{name}")["status"]["containerStatuses"]
    return str(status["imageID"])


def test_image_is_renewed_by_another_archive_of_its_tag(
    own_whole_cluster: WholeCluster, namespace: str, archive: Callable[[str], Path]
) -> None:
    own_whole_cluster.import_image(archive("old"))
    old = image_of_a_pod(own_whole_cluster, namespace, "old")
    own_whole_cluster.import_image(archive("new"))
    assert image_of_a_pod(own_whole_cluster, namespace, "new") != old


def test_image_is_imported_once(own_whole_cluster: WholeCluster, archive: Callable[[str], Path]) -> None:
    made = archive("program")
    own_whole_cluster.import_image(made)
    marks = own_whole_cluster.at.images / MARKS
    before = marks.stat().st_mtime_ns
    own_whole_cluster.import_image(made)
    assert marks.stat().st_mtime_ns == before
    assert TAG in json.loads(marks.read_text())


def test_file_that_is_no_image_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("no tar")
    ended = subprocess.run(
        [sys.executable, TOOL, "import", tmp_path / "x.tar"], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert f"make: {tmp_path / 'x.tar'} is no docker-archive of an image" in ended.stderr
