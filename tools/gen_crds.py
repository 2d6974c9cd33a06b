"""Writes crds/ from the policy model; `--check` only tells if the file is stale."""

import sys
from pathlib import Path

import yaml

from claude_operator import names
from claude_operator.crd.definition import custom_resource_definition

FILE = Path(__file__).resolve().parent.parent / "crds" / f"{names.GROUP}_{names.PLURAL}.yaml"
HEAD = "# Written by tools/gen_crds.py from the policy model: change that, not this file.\n"


def main() -> None:
    """Renew the file, or exit 1 if it is stale."""
    fresh = HEAD + definition_text()
    if "--check" in sys.argv[1:]:
        if not FILE.exists() or FILE.read_text() != fresh:
            sys.exit(f"crds/{FILE.name} is stale: run tools/gen_crds.py")
        return
    FILE.write_text(fresh)


def definition_text() -> str:
    """The definition as YAML, one rule on one line so that a change is easy to read."""
    return yaml.safe_dump(custom_resource_definition(), sort_keys=False, width=10_000)


if __name__ == "__main__":
    main()
