"""From a policy file to the policy and its snapshot, or to every fault that the file has."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from claude_sidecar.config.parse import MAX_FILE_BYTES, tree_of, validated
from claude_sidecar.config.problem import WHOLE_FILE, CredentialsMissing, PolicyInvalid, Problem
from claude_sidecar.config.surroundings import Surroundings, surroundings_of
from claude_sidecar.config.unknown_fields import drop_unknown_fields
from claude_sidecar.config.yaml_tree import Tree
from claude_sidecar.credentials.text import CredentialUnusable, read_text
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.compile import compile_policy, default_policy
from claude_sidecar.schema.snapshot import CredentialRef, Route, Snapshot

BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy that can be put in force; source: the file it came from, or `built-in`.

    unknown_fields: what an injected sidecar passed over, as a newer operator may name what it does not know.
    """

    policy: ClaudePolicy
    snapshot: Snapshot
    source: str
    unknown_fields: tuple[str, ...] = ()


def load_default(env: Mapping[str, str] | None = None) -> Loaded:
    """The built-in policy, without a route where the pod's maker does not allow its host.

    env: where those bounds are looked up, by default the process's environment.
    """
    surroundings = surroundings_of(os.environ if env is None else env)
    policy = default_policy()
    snapshot = compile_policy(policy)
    if not all(surroundings.allows(route.host) for route in snapshot.routes):
        # Its hash must be none that a policy of a user's can have, or a refused one would pass for in force.
        policy = policy.model_copy(update={"spec": policy.spec.model_copy(update={"routes": ()})})
        snapshot = compile_policy(policy)
    return Loaded(policy, _fitted(snapshot, surroundings), BUILT_IN)


def load_file(path: Path, env: Mapping[str, str] | None = None) -> Loaded:
    """Read, check and compile a policy file; raises PolicyInvalid with all that is wrong.

    env: where `credential.env` is looked up, by default the process's environment.
    """
    return load_bytes(read_bytes(path), str(path), path.parent, env)


def load_bytes(
    content: bytes,
    file: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    leads_back: Callable[[Route], bool] | None = None,
) -> Loaded:
    """Check and compile a policy; raises PolicyInvalid.

    file: what messages call it; folder: what relative `credential.file` paths start from; leads_back:
    whether a route leads to the process that reads the policy, which is refused. Files and variables that
    credentials name must be there and usable; keys of Secrets need not be there yet.
    """
    environ = os.environ if env is None else env
    surroundings = surroundings_of(environ)
    tree = tree_of(content, file)
    unknown = drop_unknown_fields(tree.data) if surroundings.injected else ()
    policy = validated(tree)
    snapshot = compile_policy(policy)
    _check_bounds(snapshot, tree, surroundings)
    if leads_back is not None:
        _check_loops(snapshot, tree, leads_back)
    routes = tuple(
        replace(route, credential=_anchored(route.credential, folder)) for route in snapshot.routes
    )
    snapshot = _fitted(replace(snapshot, routes=routes), surroundings)
    _check_credentials(snapshot, tree, environ)
    return Loaded(policy, snapshot, file, unknown)


def read_bytes(path: Path) -> bytes:
    """Content of a policy file; raises PolicyInvalid where there is no regular, readable, small file."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _refusal(path, "is a directory; name the policy file in it")
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(path, "is not a regular file; name a YAML file")
        with path.open("rb") as handle:
            content = handle.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file; give the path of a ClaudePolicy in YAML") from None
    except PermissionError:
        raise _refusal(path, "may not be read by this user; allow it, or name another file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise _refusal(path, f"cannot be read: {reason}") from None
    return content


def _refusal(path: Path, message: str) -> PolicyInvalid:
    return PolicyInvalid([Problem(str(path), 1, WHOLE_FILE, message)])


def _fitted(snapshot: Snapshot, surroundings: Surroundings) -> Snapshot:
    """A snapshot that spools no more than the pod has room for."""
    room_mib, limits = surroundings.spool_limit_mib, snapshot.limits
    if room_mib is None or limits.spool_mib <= room_mib:
        return snapshot
    return replace(snapshot, limits=limits.model_copy(update={"spool_mib": room_mib}))


def _anchored(ref: CredentialRef | None, folder: Path) -> CredentialRef | None:
    """A file reference with its path made absolute, so that it means the same wherever it is read."""
    if ref is None or ref.source != "file":
        return ref
    return replace(ref, name=str((folder / ref.name).absolute()))


def _check_bounds(snapshot: Snapshot, tree: Tree, surroundings: Surroundings) -> None:
    """What the pod's maker does not let a policy do, whatever it says."""
    for index, route in enumerate(snapshot.routes):
        where = ("spec", "routes", index)
        if not surroundings.allows(route.host):
            allowed = ", ".join(surroundings.allowed_hosts or ()) or "none"
            tree.problem((*where, "endpoint"), f"host {route.host} is not allowed here; allowed: {allowed}")
        ref = route.credential
        if surroundings.injected and ref is not None and ref.source != "secret":
            tree.problem(
                (*where, "credential", ref.source),
                "an injected sidecar takes keys from Secrets only; use secretKeyRef",
            )
    if tree.problems:
        raise PolicyInvalid(tree.problems)


def _check_loops(snapshot: Snapshot, tree: Tree, leads_back: Callable[[Route], bool]) -> None:
    """A route to the sidecar itself would send each call round until no more may be in flight."""
    for index, route in enumerate(snapshot.routes):
        if leads_back(route):
            tree.problem(
                ("spec", "routes", index, "endpoint"),
                f"leads back to this sidecar, which listens on port {route.port}; "
                "allowed: the API or the next gateway on the way there",
            )
    if tree.problems:
        raise PolicyInvalid(tree.problems)


def _check_credentials(snapshot: Snapshot, tree: Tree, env: Mapping[str, str]) -> None:
    for index, route in enumerate(snapshot.routes):
        ref = route.credential
        if ref is None or ref.source == "secret":
            continue
        try:
            read_text(ref, env)
        except CredentialUnusable as unusable:
            tree.problem(("spec", "routes", index, "credential", ref.source), str(unusable))
    if tree.problems:
        raise CredentialsMissing(tree.problems)
