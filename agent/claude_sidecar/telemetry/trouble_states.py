"""What needs a person, out of how things stand now: the policy, routes' circuits, limits that are near."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from claude_sidecar.telemetry.trouble import Severity, Trouble
from claude_sidecar.telemetry.trouble_table import LIMIT_FIXES

NEAR_PERCENT = 90.0
"""Of a limit that is used up: what is left is a few seconds' worth of a minute."""
_LASTS_S = 60.0
"""Shorter than this, trouble is told by its calls alone."""

_NOW = "now"
_OTHER_LIMITS_FIX = "Send less at a time and more evenly, or ask for a higher limit."


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    """Whether the policy is the one that is wanted.

    name: of the policy in force. last_error: why a newer one is not in force. credentials_missing: routes.
    """

    name: str
    last_error: str | None = None
    restart_required: bool = False
    credentials_missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteState:
    """How a route does.

    shut: models whose circuit is not closed. failing: models of which nothing but failures comes, with the
    seconds for which it is so. models: how many were asked for lately.
    """

    name: str
    shut: Sequence[str] = ()
    failing: Sequence[tuple[str, float]] = ()
    models: int = 0

    @property
    def about(self) -> str:
        """What is known of its trouble, as a clause; empty where nothing is."""
        lasting = {model: for_s for model, for_s in self.failing if for_s >= _LASTS_S}
        if not lasting:
            return ""
        since = f"for {_minutes(max(lasting.values()))}, nothing but failures"
        if self.models < 2:
            return since
        whole = len(lasting) >= self.models
        return f"{since}: {'the whole route' if whole else f'only {_listed(lasting)}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NearLimit:
    """How much of a limit is used up. group: the model whose answers told of it, empty for none. used: in
    percent."""

    route: str
    group: str
    limit: str
    used: float


def troubles_of_state(
    policy: PolicyState, routes: Iterable[RouteState], limits: Iterable[NearLimit]
) -> list[Trouble]:
    """What the state of things tells of."""
    return [
        *_of_policy(policy),
        *(trouble for route in routes for trouble in _of_route(route)),
        *(_of_limit(limit) for limit in limits if limit.used > NEAR_PERCENT),
    ]


def _of_policy(policy: PolicyState) -> Iterator[Trouble]:
    if policy.restart_required:
        yield _state(
            "policy/restart-required",
            f"A newer policy waits for a credential; {policy.name} of before stays in force.",
            "Restart this pod: a Secret is mounted at its start.",
            "policy.md#changes-while-it-runs",
        )
    elif policy.last_error is not None:
        yield _state(
            "policy/refused",
            f"The newest policy is refused; {policy.name} of before stays in force.",
            policy.last_error,
            "policy.md#changes-while-it-runs",
        )
    for route in policy.credentials_missing:
        yield _state(
            f"credential-missing/route/{route}",
            f"The key of route {route} is not here.",
            "Give the route its Secret, file or variable.",
            "errors.md#gateway_credential_missing",
        )


def _of_route(route: RouteState) -> Iterator[Trouble]:
    if route.shut:
        yield _state(
            f"circuit/route/{route.name}",
            f"Route {route.name} is left out for {_listed(route.shut)}: it failed too often"
            f"{route.about and f' ({route.about})'}.",
            "It is tried again by itself; meanwhile calls go to other routes, where there are. If the way "
            "there stands, as `claude-sidecar doctor` tells, look at the provider's status page.",
            "errors.md#529",
            Severity.WATCH,
        )


def _of_limit(limit: NearLimit) -> Trouble:
    group = f" for {limit.group}" if limit.group else ""
    return _state(
        f"limit-near/{limit.limit}/{limit.route}/{limit.group}",
        f"{100 - limit.used:.0f} % is left of the {limit.limit} limit of route {limit.route}{group}.",
        LIMIT_FIXES.get(limit.limit, _OTHER_LIMITS_FIX),
        "errors.md#429",
        Severity.WATCH,
        share=limit.used / 100,
    )


def _state(
    identity: str, what: str, fix: str, link: str, severity: Severity = Severity.FIX, share: float = 1.0
) -> Trouble:
    return Trouble(
        id=identity, severity=severity, what=what, fix=fix, link=link, window=_NOW, share=share, rank=-1
    )


def _listed(models: Iterable[str]) -> str:
    names = [model or "calls without a model" for model in models]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "a minute" if minutes < 2 else f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
