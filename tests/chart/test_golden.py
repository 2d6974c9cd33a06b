"""What matters most in a cluster is kept as text, so that a change of it is seen by whoever reviews one."""

import difflib
from pathlib import Path

import pytest
from support.cluster.helm import NAMESPACE, RELEASE, template
from support.project import CHART

pytestmark = pytest.mark.helm

GOLDEN = Path(__file__).parent / "golden"
RENEW = (
    f"helm template {RELEASE} charts/{CHART.name} --namespace {NAMESPACE} --show-only templates/{{0}} "
    f"> tests/chart/golden/{{0}}"
)


@pytest.mark.parametrize(
    "name", ["webhook-configuration.yaml", "reconcile-rbac.yaml", "sidecar-settings.yaml"]
)
def test_rendering_is_the_one_that_was_looked_at(name: str) -> None:
    kept = (GOLDEN / name).read_text().splitlines()
    now = template({}, f"--show-only=templates/{name}").splitlines()
    change = "\n".join(difflib.unified_diff(kept, now, "kept", "now", lineterm=""))
    assert not change, f"{change}\nif that is meant: {RENEW.format(name)}"
