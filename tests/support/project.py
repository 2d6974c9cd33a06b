"""Where the project lies, so that no test counts folders up to it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "claude-sidecar"
EXAMPLES = ROOT / "examples"
