"""Each value does something, and schema, README and docs know the same ones."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from support.cluster.helm import HelmFailed, run_helm, template
from support.project import CHART, ROOT
from support.release.chart_values import CASES, FLAGS

pytestmark = pytest.mark.helm

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
WHOLE = {"podSecurityContext", "securityContext", "requests", "limits", "labels"}
"""Mappings that are one value, since their keys are Kubernetes' or users'."""
DOCUMENT = ROOT / "docs" / "install.md"
NEEDED = {("webhook", "port"), ("webhook", "certificate", "caBundle")}
"""What others of the matrix cannot do without."""
Path = tuple[str, ...]


def leaves(values: Mapping[str, Any] = VALUES, before: Path = ()) -> list[Path]:
    """Every value that is no mapping of ours."""
    found = []
    for key, value in values.items():
        is_ours = isinstance(value, Mapping) and value and key not in WHOLE
        found += leaves(value, (*before, key)) if is_ours else [(*before, key)]
    return found


def at(values: Any, path: Path) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def without(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    key, *rest = path
    if not rest:
        return {other: value for other, value in values.items() if other != key}
    return {**values, key: without(values[key], tuple(rest))}


@pytest.mark.parametrize("path", [path for path in leaves() if path != ("global",)], ids=".".join)
def test_every_value_changes_what_is_rendered(path: Path) -> None:
    others = [case for case in CASES.values() if at(case, path) not in (None, at(VALUES, path))]
    assert others, "no values of the matrix say anything else: add it to one of them"
    fewer = without(others[0], path)
    if path in NEEDED:
        with pytest.raises(HelmFailed, match=re.escape(".".join(path))):
            template(fewer, *FLAGS)
    else:
        assert template(fewer, *FLAGS) != template(others[0], *FLAGS)


def test_templates_use_no_value_that_is_not_there() -> None:
    text = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    used = {tuple(path.split(".")) for path in re.findall(r"\.Values\.(\w+(?:\.\w+)*)", text)}
    known = {path[:length] for path in leaves() for length in range(1, len(path) + 1)}
    assert len(used) > 30
    assert used - known == set()


def test_schema_and_values_have_the_same_keys() -> None:
    def compare(known: Mapping[str, Any], values: Any, path: str) -> None:
        if "properties" in known and values:
            assert set(known["properties"]) == set(values), path
            for key, below in known["properties"].items():
                compare(below, values[key], f"{path}.{key}")

    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    del schema["properties"]["enabled"]  # Helm's own, for charts that hold this one
    compare(schema, VALUES, "")


@pytest.mark.parametrize("enabled", [True, False])
def test_chart_may_be_a_part_of_another_on_a_condition(tmp_path: Path, enabled: bool, major: str) -> None:
    shutil.copytree(CHART, tmp_path / "charts" / "claude-sidecar")
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    part = {"name": "claude-sidecar", "version": version, "condition": "claude-sidecar.enabled"}
    whole = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [part]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(whole))
    values = {"claude-sidecar": {"enabled": enabled, "webhook": {"replicas": 3}}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    made = run_helm("template", "platform", tmp_path, *FLAGS, "--namespace=claude-sidecar", major=major)
    assert ("name: claude-sidecar-webhook" in made) is enabled
    assert ("replicas: 3" in made) is enabled


def test_readme_is_that_of_the_values() -> None:
    command = [sys.executable, ROOT / "tools" / "gen_chart_readme.py", "--check"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    text = (CHART / "README.md").read_text()
    for path in map(".".join, leaves()):
        assert f"`{path}" in text or f"### {path}\n" in text


def test_values_in_the_documents_are_taken() -> None:
    text = DOCUMENT.read_text()
    blocks = re.findall(r"^```yaml\n# values\.yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 4
    for block in blocks:
        assert template(yaml.safe_load(block), *FLAGS)
    named = [tuple(path.split(".")) for path in re.findall(r"--set (\S+?)=", text)]
    assert named
    assert set(named) <= set(leaves())
