"""Writes the chart's README from its values.yaml; `--check` only tells if it is stale."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parent.parent / "charts" / "claude-sidecar"
PAGE = CHART / "README.md"
HEAD = """\
<!-- Written by tools/gen_chart_readme.py from values.yaml: change that, not this file. -->
# {name}

{description}. Needs Kubernetes {kubernetes} and Helm 3 or 4; one release serves all namespaces of a cluster.

```
helm install claude-sidecar charts/claude-sidecar -n claude-sidecar --create-namespace --wait
helm test claude-sidecar -n claude-sidecar
```

[docs/install.md](../../docs/install.md) tells of certificates, NetworkPolicies, upgrade, uninstall, GitOps
and clusters without the internet. A key that is not here is refused.

## Values
"""


@dataclass(frozen=True)
class Value:
    """One key of the values.

    Args:
        path: its keys from the top
        meaning: the comment above it
        default: None where it only holds other keys
    """

    path: tuple[str, ...]
    meaning: str
    default: str | None


def main() -> None:
    """Renew the page, or exit 1 if it is stale."""
    fresh = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != fresh:
            sys.exit("charts/claude-sidecar/README.md is stale: run tools/gen_chart_readme.py")
        return
    PAGE.write_text(fresh)


def page() -> str:
    """The README."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    facts = {"name": chart["name"], "description": chart["description"]}
    lines = [HEAD.format(**facts, kubernetes=chart["kubeVersion"].replace("-0", ""))]
    for value in values((CHART / "values.yaml").read_text()):
        if len(value.path) == 1:
            default = f"Default: {value.default}" if value.default is not None else ""
            lines += ["", f"### {value.path[0]}", *([""] * bool(value.meaning)), value.meaning]
            lines += ["", default] if default else []
        elif value.meaning or value.default is not None:
            if not lines[-1].startswith("|"):
                lines += ["", "| value | default | meaning |", "| --- | --- | --- |"]
            cells = (f"`{'.'.join(value.path)}`", value.default or "", value.meaning)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def values(text: str) -> list[Value]:
    """Every key of a values.yaml with the comment above it."""
    return list(_below((), yaml.compose(text, yaml.SafeLoader), text.splitlines()))


def _below(path: tuple[str, ...], node: Any, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        here = (*path, key.value)
        holds_others = isinstance(value, yaml.MappingNode) and not value.flow_style
        yield Value(here, _comment_above(key.start_mark.line, lines), None if holds_others else _shown(value))
        if holds_others:
            yield from _below(here, value, lines)


def _comment_above(line: int, lines: list[str]) -> str:
    found: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        words = lines[line].strip().removeprefix("#").strip()
        found.insert(0, words.removeprefix("-- "))
        if words.startswith("-- "):
            break
    return " ".join(found)


def _shown(node: Any) -> str:
    value = yaml.SafeLoader("").construct_object(node, deep=True)
    return f"`{json.dumps(value)}`" if isinstance(value, dict | list) or value == "" else f"`{_plain(value)}`"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    main()
