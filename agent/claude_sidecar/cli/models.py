"""`claude-sidecar models`: which models calls can reach, by which routes, under which ids."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from claude_sidecar.cli.model_listing import json_of, table_of, unlisted_routes
from claude_sidecar.cli.policy_argument import snapshot_of
from claude_sidecar.cli.running_sidecar import facts_of
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.probes.admin_port import AdminFacts
from claude_sidecar.providers.reachable_models import Source, reachable_models
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.wire.model_name import safe_model_name


@click.command(short_help="List the models that calls can reach, by which routes.")
@click.option("--policy", metavar="FILE", help="A ClaudePolicy file, `-` for standard input.")
@click.option(
    "--sidecar",
    metavar="URL",
    help="Admin port of a running sidecar, http://127.0.0.1:8788: the policy in force there, unless --policy "
    "names another, and the models that its routes listed last.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def command(policy: str | None, sidecar: str | None, as_json: bool) -> None:
    """List the models that calls can reach, by which routes, and what each route is asked for.

    Nothing is sent upstream, and credentials need not be there. A route without `models` in the policy takes
    any name; which names it knows is told by its last answer to GET /v1/models, which a running sidecar
    remembers.
    """
    if policy is None and sidecar is None:
        raise click.UsageError("give --policy FILE, --sidecar URL, or both")
    running = _running(sidecar) if sidecar is not None else _NOBODY
    snapshot = snapshot_of(policy) if policy is not None else _in_force(running)
    listed = _listed(snapshot, running.routes)
    models = reachable_models(snapshot, listed)
    if running.snapshot is not None and running.snapshot.hash != snapshot.hash:
        told = f"{running.snapshot.name} (hash {running.snapshot.hash})"
        print(f"note: another policy is in force at {sidecar}: {told}", file=sys.stderr)
    if as_json:
        print(json_of(models))
        return
    print(f"policy {snapshot.name} (hash {snapshot.hash})")
    for line in table_of(models):
        print(line)
    if unlisted := ", ".join(unlisted_routes(snapshot, listed)):
        print(f"any name goes to {unlisted}; {_NOT_YET if sidecar else _ASK}")


_NOBODY = AdminFacts(Exchange())
_ASK = "with --sidecar, the names that its last list of models had stand here"
_NOT_YET = "no list of its models (GET /v1/models) came through this sidecar yet"


def _running(url: str) -> AdminFacts:
    facts = facts_of(url)
    if not facts.routes:
        raise click.ClickException(
            f"{url} tells no routes: that sidecar has no policy, or is asked from another machine; "
            "forward its port (kubectl port-forward POD 8788) and give http://127.0.0.1:8788"
        )
    return facts


def _in_force(running: AdminFacts) -> Snapshot:
    if running.snapshot is None:
        raise click.ClickException("this sidecar's policy is of another version: run its own claude-sidecar")
    return running.snapshot


def _listed(snapshot: Snapshot, told: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """By route the names of its last list, as far as they are names; told: what `/routes` says."""
    return {
        route.name: _names(each.get("models"))
        for route in snapshot.routes
        for each in told
        if (each.get("name"), each.get("endpoint")) == (route.name, route.origin + route.base_path)
    }


def _names(models: object) -> tuple[str, ...]:
    entries = [each for each in models if isinstance(each, dict)] if isinstance(models, list) else []
    names = [each.get("id") for each in entries if each.get("source") == Source.MODELS_API]
    return tuple(name for name in names if isinstance(name, str) and safe_model_name(name) == name)
