"""The routes of a policy: where they lead, and whether any serves a model."""

from collections.abc import Iterator, Mapping, Sequence

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.schema.snapshot import Route


def served_checks(routes: Sequence[Route], wanted: str | None, shown: str) -> Iterator[Check]:
    """wanted: the model that an app wants, None where none was named; shown: its name, if it may be told."""
    for route in routes:
        models = "every model" if route.models is None else ", ".join(route.models)
        whose = "the app's key" if route.credential is None else "a key of its own"
        finding = f"leads to {route.origin}{route.base_path} with {whose}, for {models}."
        yield Check(CheckId.ROUTE, route.name, Result.OK, finding)
    if wanted is not None and not any(serves(route.models, wanted) for route in routes):
        yield unserved_check("policy", shown)


def serves(models: object, model: str) -> bool:
    """Whether a route's list has a model; no list serves all."""
    return not isinstance(models, Sequence | Mapping) or model in models


def unserved_check(target: str, shown: str) -> Check:
    """For a wanted model that no route serves."""
    finding = f"no route serves {shown}: calls for it end as gateway_no_route."
    return Check(
        CheckId.ROUTE, target, Result.FAULT, finding, "add it to a route's models, or ask for another"
    )
