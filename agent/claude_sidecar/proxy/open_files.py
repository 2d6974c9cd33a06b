"""How many files and sockets this process may open, and what that allows."""

import logging
import resource

from claude_sidecar import clock
from claude_sidecar.proxy.gateway_errors import GatewayError, Refused
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

_UNLIMITED = 1 << 20
_OWN_FILES = 64
"""For all but callers and calls: listeners, DNS, spooled bodies, exports, policy and keys."""
_ADMIN_CONNECTIONS = 64
"""A scraper or two, the kubelet, the operator and a few people."""
_TELL_EVERY_S = 10.0


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one; the limit that holds then.

    The soft limit is commonly 1,024, for the sake of programs that call select(2), which this one does not:
    systemd and container runtimes leave it to programs to ask for more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return _number(soft)
    return _number(hard)


def _number(limit: int) -> int:
    return _UNLIMITED if limit == resource.RLIM_INFINITY else limit


class OpenFiles:
    """What the limit of open files allows.

    calls: how many may be in flight, whatever the policy says. connections: how many of the app's are kept,
    an eighth more than that, since some rest. admin_connections: how many the admin port keeps.
    """

    def __init__(self, limit: int | None = None) -> None:
        """limit: of open files; by default the one that this process has."""
        self.limit = _number(resource.getrlimit(resource.RLIMIT_NOFILE)[0]) if limit is None else limit
        self.admin_connections = max(4, min(_ADMIN_CONNECTIONS, self.limit // 8))
        left = self.limit - self.admin_connections - _OWN_FILES
        # A call has its caller's connection and one to the upstream.
        self.calls = max(1, left * 8 // 17)
        self.connections = max(8, left - self.calls)
        self._told_at: float | None = None

    def tell_of(self, max_concurrent: int) -> None:
        """Log it where the limit does not let a policy have its `limits.maxConcurrent`."""
        if max_concurrent > self.calls:
            event(
                logger,
                logging.WARNING,
                "the limit of open files is too low for limits.maxConcurrent",
                limit=self.limit,
                calls=self.calls,
                max_concurrent=max_concurrent,
            )

    def busy(self, max_concurrent: int) -> Refused:
        """The end of a call that is one too many, by the policy or by the limit of open files."""
        if max_concurrent > self.calls:
            return Refused(GatewayError.BUSY, f"{self.calls} calls are in flight: {self._remedy}")
        return Refused(
            GatewayError.BUSY,
            f"{max_concurrent} calls are in flight, which is the policy's limits.maxConcurrent; "
            "send the call again, or raise the limit",
        )

    def tell_spent(self) -> None:
        """Log it that no file is left, once in a while."""
        now = clock.now()
        if self._told_at is None or now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            event(logger, logging.ERROR, "out of files: none is left for connections", limit=self.limit)

    def spent(self) -> Refused:
        """The end of a call for which no socket could be had."""
        self.tell_spent()
        return Refused(GatewayError.BUSY, f"no file descriptor is left: {self._remedy}")

    @property
    def _remedy(self) -> str:
        return (
            f"the sidecar may open {self.limit} files; send the call again, and raise the hard limit of open "
            "files (`ulimit -Hn`, LimitNOFILE=, the container runtime's) or lower limits.maxConcurrent"
        )
