"""The policies of the examples, those that stand among other manifests too."""

from typing import Any

import yaml
from support.project import ROOT

EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    (str(path.relative_to(ROOT)), document)
    for path in sorted((ROOT / "examples").rglob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
    if isinstance(document, dict) and document.get("kind") == "ClaudePolicy"
]
"""(File, policy)."""
