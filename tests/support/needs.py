"""What tests need beyond Python: the meaning of each marker, and which fixture brings it along."""

import json
import os

import pytest

NEEDS = {
    "long": "several seconds of a core",
    "processes": "our own commands as processes",
    "own_machine": "a machine of their own, made of Linux namespaces",
    "sdks": "the official SDKs in Python, TypeScript and Go",
    "frameworks": "LangChain, LlamaIndex, DSPy and LiteLLM for Python",
    "claude_code": "Claude Code",
    "helm": "Helm 4",
    "helm3": "Helm 3",
    "api_server": "a real API server",
    "own_control_plane": "a control plane of their own",
    "each_minor": "API servers of every minor",
    "trace_store": "Jaeger",
    "prometheus": "Prometheus",
    "browser": "Chromium",
    "image": "a container image that is built here",
    "whole_cluster": "a whole cluster with running pods",
    "own_whole_cluster": "a whole cluster of their own",
}
"""By marker: what the test needs. One without a marker runs in process, anywhere."""

_BY_FIXTURE = {
    "start_whole": "processes",
    "drivers": "sdks",
    "frameworks": "frameworks",
    "claude_code": "claude_code",
    "upstream_process": "processes",
    "major": "helm3",
    "cluster": "api_server",
    "programs": "own_control_plane",
    "own_cluster": "own_control_plane",
    "parts": "own_control_plane",
    "webhook": "own_control_plane",
    "each_cluster": "each_minor",
    "jaeger": "trace_store",
    "prometheus": "prometheus",
    "chromium": "browser",
    "built": "image",
    "whole_cluster": "whole_cluster",
    "own_whole_cluster": "own_whole_cluster",
}
"""A test that asks for one of these, be it through others, needs no marker of its own."""

_BESIDES = {"own_control_plane": "api_server", "own_whole_cluster": "whole_cluster"}
"""What a need means besides: one of their own is one."""

LACKING = "CLAUDE_TESTS_LACK"
"""Set by tools/run_tests.py: a JSON object of markers and why this machine cannot carry them."""

TELL_NEEDS = "CLAUDE_TESTS_TELL_NEEDS"
"""Set by tools/run_tests.py: the file in which it wants the needs of each test that pytest chose."""


def needs_of(item: pytest.Item) -> set[str]:
    """The needs of a test."""
    marked = {mark.name for mark in item.iter_markers()} & NEEDS.keys()
    by_fixture = {need for name, need in _BY_FIXTURE.items() if name in getattr(item, "fixturenames", ())}
    found = marked | by_fixture
    return found | {_BESIDES[need] for need in found & _BESIDES.keys()}


def lacking() -> dict[str, str]:
    """Needs that the machine cannot meet, with the reason."""
    found: dict[str, str] = json.loads(os.environ.get(LACKING, "{}"))
    return found
