"""Worlds from objects."""

from typing import Any

from support.worlds.objects import T0_UNIX, namespace

from claude_operator.desired import records
from claude_operator.desired.world import Report, World

VERSION = "0.9.0"


def world(
    policies: list[dict[str, Any]] | None = None,
    pods: list[dict[str, Any]] | None = None,
    workloads: list[dict[str, Any]] | None = None,
    config_maps: list[dict[str, Any]] | None = None,
    namespaces: list[dict[str, Any]] | None = None,
    refusals: list[dict[str, Any]] | None = None,
    **more: Any,
) -> World:
    """A World at 2026-01-01; more: its other fields."""
    spaces = [records.namespace(each) for each in ([namespace()] if namespaces is None else namespaces)]
    return World(
        policies=tuple(policies or ()),
        config_maps=tuple(records.config_map(each) for each in config_maps or ()),
        pods=tuple(records.pod(each) for each in pods or ()),
        workloads=tuple(
            records.workload(each, _api_version(each["kind"]), each["kind"]) for each in workloads or ()
        ),
        namespaces={each.name: each for each in spaces},
        refusals=tuple(records.refusal(each) for each in refusals or ()),
        **{"now": T0_UNIX + 3600, "version": VERSION, **more},
    )


def says(policy_hash: str, **more: Any) -> Report:
    """A sidecar's report; more: version, restart_required, credentials_missing."""
    return Report(**{"hash": policy_hash, "version": VERSION, **more})


def _api_version(kind: str) -> str:
    return "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
