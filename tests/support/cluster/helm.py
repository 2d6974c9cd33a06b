"""Helm, and what it makes of the chart without a cluster."""

import functools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from support.project import CHART, ROOT

RELEASE = NAMESPACE = "claude-sidecar"
_SOURCE = re.compile(r"^# Source: claude-sidecar/templates/(.*)\.yaml$", re.MULTILINE)


class HelmFailed(AssertionError):
    """helm ended with an error; the text is what it said on stderr."""


@functools.cache
def helm(major: str = "4") -> Path:
    """The program of this major version; AssertionError with what to do when it is not there."""
    asked = [sys.executable, ROOT / "tools" / "helm_programs.py", "--only-look", major]
    ended = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    return Path(json.loads(ended.stdout)[major])


def run_helm(*arguments: str | Path, major: str = "4", stdin: str | None = None, seconds: float = 60) -> str:
    """What helm prints on stdout.

    Errors: HelmFailed with what it said on stderr.
    """
    with tempfile.TemporaryDirectory() as home:
        ended = subprocess.run(
            [helm(major), *arguments],
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={"HOME": home, "PATH": "/usr/bin:/bin"},
        )
    if ended.returncode != 0:
        raise HelmFailed(ended.stderr.strip() or ended.stdout.strip())
    return ended.stdout


def template(
    values: Mapping[str, Any] | None = None,
    *flags: str,
    chart: Path = CHART,
    name: str = RELEASE,
    namespace: str = NAMESPACE,
    major: str = "4",
) -> str:
    """The text that `helm template` prints for a release with these values."""
    command = ("template", name, chart, f"--namespace={namespace}", "--values=-", *flags)
    return run_helm(*command, major=major, stdin=json.dumps(values or {}))


def by_template(text: str) -> dict[str, list[dict[str, Any]]]:
    """The objects in a rendering by the template, without folder and suffix, that they come from."""
    found: dict[str, list[dict[str, Any]]] = {}
    _, *parts = _SOURCE.split(text)
    for name, part in zip(parts[::2], parts[1::2], strict=True):
        found.setdefault(name.rpartition("/")[2], []).extend(filter(None, yaml.safe_load_all(part)))
    return found


@functools.cache
def rendered() -> dict[str, list[dict[str, Any]]]:
    """The chart with the usual values, by template; nobody may change what this gives."""
    return by_template(template())
