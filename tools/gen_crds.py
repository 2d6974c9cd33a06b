"""Writes crds/ and the chart's copy of it from the policy model; `--check` only tells if one is stale."""

import sys
from pathlib import Path

import yaml

from claude_operator import names
from claude_operator.crd.definition import custom_resource_definition

ROOT = Path(__file__).resolve().parent.parent
NAME = f"{names.GROUP}_{names.PLURAL}.yaml"
# A chart can read no file outside its folder.
FILES = (ROOT / "crds" / NAME, ROOT / "charts" / "claude-sidecar" / "crd" / NAME)
HEAD = "# Written by tools/gen_crds.py from the policy model: change that, not this file.\n"


def main() -> None:
    """Renew the files, or exit 1 if one is stale."""
    fresh = HEAD + definition_text()
    for file in FILES:
        if "--check" not in sys.argv[1:]:
            file.write_text(fresh)
        elif not file.exists() or file.read_text() != fresh:
            sys.exit(f"{file.relative_to(ROOT)} is stale: run tools/gen_crds.py")


def definition_text() -> str:
    """The definition as YAML, one rule or paragraph on one line so that a change is easy to read."""
    return yaml.dump(custom_resource_definition(), Dumper=_Dumper, sort_keys=False, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


if __name__ == "__main__":
    main()
