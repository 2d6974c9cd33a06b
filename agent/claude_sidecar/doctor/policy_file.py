"""A policy to examine: its faults as a check, its routes even where a credential is missing."""

from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from claude_sidecar.config.load import load_file, read_bytes
from claude_sidecar.config.parse import parse_policy
from claude_sidecar.config.problem import CredentialsMissing, PolicyInvalid
from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.probes.bounded_read import FILE_BOUND_S, ReadHangs, bounded_read
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Route, Snapshot


async def examined_policy(
    path: Path, environ: dict[str, str], readers: Executor
) -> tuple[Check, Snapshot | None]:
    """The check, and the snapshot where the policy is right. A missing credential is another check's."""
    try:
        return await bounded_read(readers, FILE_BOUND_S, _judged, path, environ)
    except ReadHangs as hangs:
        fix = "look at what the file lies on: a volume that is away, or a pipe that nobody writes to"
        return Check(CheckId.POLICY, str(path), Result.UNKNOWN, f"{hangs}.", fix), None


def _judged(path: Path, environ: dict[str, str]) -> tuple[Check, Snapshot | None]:
    try:
        snapshot = load_file(path, environ).snapshot
    except CredentialsMissing:
        snapshot = compile_policy(parse_policy(read_bytes(path), str(path)))
        snapshot = replace(snapshot, routes=tuple(_anchored(route, path.parent) for route in snapshot.routes))
    except PolicyInvalid as invalid:
        faults = "; ".join(f"line {one.line}: {one.path}: {one.message}" for one in invalid.problems)
        fix = "correct it; `claude-sidecar check` tells the same faults"
        return Check(CheckId.POLICY, str(path), Result.FAULT, f"{faults}.", fix), None
    count = len(snapshot.routes)
    finding = (
        f"{snapshot.name} is valid: {count} {'route' if count == 1 else 'routes'}, hash {snapshot.hash}."
    )
    return Check(CheckId.POLICY, str(path), Result.OK, finding), snapshot


def _anchored(route: Route, folder: Path) -> Route:
    """A file credential with its path made absolute."""
    ref = route.credential
    if ref is None or ref.source != "file":
        return route
    return replace(route, credential=replace(ref, name=str((folder / ref.name).absolute())))
