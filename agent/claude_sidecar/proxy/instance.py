"""The rule "Loops": a call that comes back to the sidecar that sent it is refused."""

from claude_sidecar.proxy.call import Call
from claude_sidecar.proxy.own_error import OwnError, Refused
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.wire.headers import every

INSTANCE_HEADER = b"x-claude-sidecar-instance"
"""Holds the random id of the sidecar that sent a request. It goes to loopback and private endpoints only, and
every sidecar takes it off."""


def refuse_own(call: Call, snapshot: Snapshot, instance: bytes) -> None:
    """Raise Refused for a request that carries this sidecar's own id.

    Such a call would run in a circle until `limits.maxConcurrent` calls are in flight. Endpoints that are
    plainly this sidecar's own address are refused with the policy; this finds the ways round.
    """
    if INSTANCE_HEADER in call.index and instance in every(call.lines, INSTANCE_HEADER):
        raise Refused(
            OwnError.BAD_REQUEST,
            f"this call has come back to the sidecar that sent it: an endpoint of policy {snapshot.name} "
            "leads back here. Point it at the API, or at the next gateway on the way there",
            closes=True,
        )
