"""What a running sidecar tells of itself on its admin port."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.verdicts.routes import serves, unserved_check

_ADMIN_FIX = "give the admin port's URL, such as http://127.0.0.1:8788, with --sidecar"


def not_a_sidecar(target: str, answer: Exchange) -> Check:
    """For an admin port that is none."""
    if answer.status is None:
        fix = f"start the sidecar, or {_ADMIN_FIX}; of a pod: kubectl port-forward POD 8787 8788"
        return Check(CheckId.CONNECT, target, Result.FAULT, f"no sidecar answers: {answer.trouble}.", fix)
    is_data_port = answer.error_type.startswith("gateway_") or any(
        name.lower().startswith(b"x-claude-sidecar-") for name, _ in answer.lines
    )
    if is_data_port:
        finding = "this is a sidecar's data port, where apps call, not its admin port."
    else:
        finding = f"whoever answers there is no sidecar of ours (status {answer.status} to GET /status)."
    return Check(CheckId.BASE_URL, target, Result.FAULT, finding, _ADMIN_FIX)


def policy_check(target: str, status: Mapping[str, Any]) -> Check:
    """Of `/status`."""
    called = f"policy {_word(status.get('policy'))} (hash {_word(status.get('hash'))})"
    if status.get("lastError"):
        return Check(
            CheckId.POLICY,
            target,
            Result.FAULT,
            f"an edit was refused; {called} stays in force.",
            f"see lastError of {target}/status, and run `claude-sidecar check` on the edited policy",
        )
    if status.get("restartRequired"):
        finding = f"{called} wants what this process can't change while it runs."
        fix = "restart it (in a cluster: kubectl rollout restart)"
        return Check(CheckId.POLICY, target, Result.FAULT, finding, fix)
    return Check(
        CheckId.POLICY, target, Result.OK, f"{called} is in force, version {_word(status.get('version'))}."
    )


def route_checks(routes: Sequence[Mapping[str, Any]], model: str | None, shown: str) -> Iterator[Check]:
    """Of `/routes`; model: the wanted one, shown: its name if it may be told."""
    for route in routes:
        yield _route_check(route)
    if routes and model is not None and not any(serves(route.get("serves"), model) for route in routes):
        yield unserved_check("policy", shown)


def loopback_only_check(target: str) -> Check:
    """For an admin port of another machine."""
    finding = "its data port takes calls of its own pod or machine only, so no call was made."
    fix = "run the doctor in there, or forward both ports: kubectl port-forward POD 8787 8788"
    return Check(CheckId.CONNECT, target, Result.UNKNOWN, finding, fix)


def no_data_port_check(target: str, told: str) -> Check:
    """For a data port that was not named, and is not where it usually is; told: how the connection failed."""
    finding = f"its data port was not named, and is not the usual one: {told}."
    fix = "name it: --base-url http://127.0.0.1:PORT; of a pod: kubectl port-forward POD 8787 8788"
    return Check(CheckId.CONNECT, target, Result.UNKNOWN, finding, fix)


def _route_check(route: Mapping[str, Any]) -> Check:
    name = _word(route.get("name"))
    if route.get("credential") == "missing":
        fix = "put it where the policy's `credential` says; a Secret that is new to a pod needs a restart"
        return Check(CheckId.ROUTE, name, Result.FAULT, "its credential is missing: it is passed over.", fix)
    if route.get("breaker") not in (None, "closed"):
        trouble = route.get("trouble")
        extent = "the whole route" if trouble in (None, "route") else "some of its models"
        finding = f"its circuit breaker is {_word(route.get('breaker'))}: {extent} failed lately."
        return Check(
            CheckId.ROUTE, name, Result.FAULT, finding, "see lastError of /routes; it probes by itself"
        )
    finding = f"breaker closed, credential {_word(route.get('credential'))}."
    return Check(CheckId.ROUTE, name, Result.OK, finding)


def _word(value: object) -> str:
    """A short word out of an answer, which may be anything."""
    text = str(value)[:80]
    return text if text.isascii() and text.isprintable() and " " not in text else "?"
