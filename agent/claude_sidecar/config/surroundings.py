"""Where the sidecar runs: alone on a machine, or injected into a pod whose maker set bounds for it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Surroundings:
    """injected: the policy comes from the cluster's operator. allowed_hosts: where routes may lead, None for
    anywhere; `*.` before a name allows all below it. spool_limit_mib: room at /tmp, None for any."""

    injected: bool = False
    allowed_hosts: tuple[str, ...] | None = None
    spool_limit_mib: int | None = None

    def allows(self, host: str) -> bool:
        """Whether a route may lead to this host."""
        if self.allowed_hosts is None:
            return True
        name = host.lower().rstrip(".")
        return any(_matches(pattern, name) for pattern in self.allowed_hosts)


def surroundings_of(environ: Mapping[str, str]) -> Surroundings:
    """Read CLAUDE_SIDECAR_INJECTED, _ALLOWED_HOSTS (separated by commas) and _SPOOL_LIMIT_MIB.

    They come from the pod spec; someone who can edit only the policy or its ConfigMap cannot change them. A
    limit that is no number counts as none; an empty list of hosts allows none.
    """
    hosts = environ.get("CLAUDE_SIDECAR_ALLOWED_HOSTS")
    limit = environ.get("CLAUDE_SIDECAR_SPOOL_LIMIT_MIB", "")
    return Surroundings(
        injected=environ.get("CLAUDE_SIDECAR_INJECTED", "").lower() == "true",
        allowed_hosts=None if hosts is None else tuple(_names(hosts)),
        spool_limit_mib=int(limit) if limit.isdecimal() and len(limit) < 9 else None,
    )


def _names(hosts: str) -> list[str]:
    return [name for part in hosts.split(",") if (name := part.strip().lower())]


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern
