"""What is to be said of a policy by itself: whether it is right, what it means, what goes into its file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from claude_operator import names
from claude_operator.desired.world import Object
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.meaning import spec_hash

Judge: TypeAlias = Callable[[Any, str, str], list[str]]
"""(spec, name, namespace) -> every problem as `PATH: what is wrong and what is allowed`."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A policy, judged. hash: of the effective spec; spec: only the fields that differ from their defaults;
    both are empty where there are problems."""

    problems: tuple[str, ...] = ()
    hash: str = ""
    routes: int = 0
    spec: Object = field(default_factory=dict)
    route_names: frozenset[str] = frozenset()


Appraise: TypeAlias = Callable[[Object], Appraisal]
"""`appraised` for objects of policies; whoever calls it often may remember what it said."""


def appraised(policy: Object, judge: Judge) -> Appraisal:
    """Judge a ClaudePolicy object.

    judge: finds what is wrong, in the words of `claude-sidecar check`.
    """
    meta, spec = policy["metadata"], policy.get("spec") or {}
    listed = spec.get("routes") if isinstance(spec, dict) else None
    problems = tuple(judge(spec, meta["name"], meta["namespace"]))
    if problems:
        return Appraisal(problems, routes=len(listed) if isinstance(listed, list) else 0)
    read = ClaudePolicy.model_validate(
        {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "spec": spec,
        }
    )
    less = read.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
    route_names = frozenset(route.name for route in read.spec.routes)
    return Appraisal((), spec_hash(read), len(route_names), less, route_names)
