"""Writes the chart's dashboards from tools/dashboards/; `--check` only tells if a file is stale."""

import json
import sys
from pathlib import Path

from dashboards.fleet import FLEET
from dashboards.grafana import Dashboard, as_json
from dashboards.policy_rollout import POLICY_ROLLOUT

FOLDER = Path(__file__).resolve().parent.parent / "charts" / "claude-sidecar" / "dashboards"
FILES = {"fleet.json": FLEET, "policy-rollout.json": POLICY_ROLLOUT}


def main() -> None:
    """Renew the files, or exit 1 if one is stale."""
    for name, dashboard in FILES.items():
        path, fresh = FOLDER / name, text(dashboard)
        if "--check" not in sys.argv[1:]:
            path.write_text(fresh)
        elif not path.exists() or path.read_text() != fresh:
            sys.exit(f"{path.relative_to(FOLDER.parents[2])} is stale: run tools/gen_dashboards.py")


def text(dashboard: Dashboard) -> str:
    """The file's content."""
    return json.dumps(as_json(dashboard), indent=1) + "\n"


if __name__ == "__main__":
    main()
