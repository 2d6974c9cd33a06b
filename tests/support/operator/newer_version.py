"""This program one minor version later: today's source with one more field in the policy."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.project import ROOT

FIELD = "retryNightly"
_KNOWN = "    max_retry_after_s: Duration = "
_MORE = '    retry_nightly: bool = False\n    """What only the newer version knows."""\n'


@dataclass(frozen=True)
class NewerVersion:
    """Its sources; environ: for processes of it."""

    version: str
    environ: dict[str, str]

    def definition(self) -> dict[str, Any]:
        """Its CustomResourceDefinition."""
        code = (
            "import json; from claude_operator.crd.definition import custom_resource_definition as made;"
            "print(json.dumps(made()))"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code], env=self.environ, check=True, capture_output=True, text=True
        )
        found: dict[str, Any] = json.loads(ended.stdout)
        return found


def newer_version(folder: Path) -> NewerVersion:
    """Make it in a folder."""
    for part, package in (("agent", "claude_sidecar"), ("operator", "claude_operator")):
        shutil.copytree(ROOT / part / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    start = folder / "claude_sidecar" / "__init__.py"
    major, minor = re.search(r'__version__ = "(\d+)\.(\d+)', start.read_text()).groups()  # type: ignore[union-attr]
    version = f"{major}.{int(minor) + 1}.0"
    start.write_text(re.sub(r'__version__ = "[^"]+"', f'__version__ = "{version}"', start.read_text()))
    model = folder / "claude_sidecar" / "schema" / "retry.py"
    before, found, after = model.read_text().partition(_KNOWN)
    assert found, "the policy's model has changed: where shall the newer field go?"
    model.write_text(before + _MORE + found + after)
    return NewerVersion(version, {**os.environ, "PYTHONPATH": str(folder)})
