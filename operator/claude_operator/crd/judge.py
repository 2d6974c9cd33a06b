"""What is wrong with a policy that an API server admitted: `claude-sidecar check`, for policies in a cluster.

The definition refuses what a schema and CEL can say; this finds the rest, and everything that was stored
before the definition said it. Nothing that is found here may reach a sidecar.
"""

import re
from typing import Any

from claude_operator import names
from claude_operator.crd.rules import NO_SOURCE
from claude_sidecar.config.parse import parse_data
from claude_sidecar.config.problem import PolicyInvalid, Problem

_LOCAL = "is for local use; in a cluster give secretKeyRef"
_CREDENTIAL = re.compile(r"spec\.routes\[[0-9]+\]\.credential(\.(file|env))?")


def judge(spec: Any, name: str, namespace: str) -> list[str]:
    """Every problem of a policy as `PATH: what is wrong and what is allowed`; none means it may be accepted.

    spec: the object's `spec` as the API server gives it; name, namespace: of its metadata. The words are
    those of `claude-sidecar check`, except that a credential can only come from a Secret.
    """
    metadata = {"name": name, "namespace": namespace}
    data = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": spec}
    problems: list[Problem] = []
    try:
        parse_data(data, "")
    except PolicyInvalid as invalid:
        problems = [problem for problem in invalid.problems if not _CREDENTIAL.fullmatch(problem.path)]
    found = [(problem.path, problem.message) for problem in problems] + _credentials(spec)
    return [f"{path}: {message}" for path, message in sorted(found)]


def _credentials(spec: Any) -> list[tuple[str, str]]:
    """Faults of where credentials come from, which a file for local use may have otherwise."""
    found = []
    routes = spec.get("routes") if isinstance(spec, dict) else None
    for index, route in enumerate(routes if isinstance(routes, list) else ()):
        credential = route.get("credential") if isinstance(route, dict) else None
        if not isinstance(credential, dict):
            continue
        path = f"spec.routes[{index}].credential"
        local = [source for source in ("file", "env") if credential.get(source) is not None]
        found += [(f"{path}.{source}", _LOCAL) for source in local]
        if not local and credential.get("secretKeyRef") is None:
            found.append((path, NO_SOURCE))
    return found
