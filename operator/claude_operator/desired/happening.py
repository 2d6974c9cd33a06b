"""Events with a name for each subject and state, so that one state is told once, whoever restarts."""

import hashlib

from claude_operator.desired.desired import Event
from claude_operator.desired.world import Subject

_MESSAGE_CHARS = 1000  # the API server's bound is 1024
_NAME_CHARS = 230


def warning(subject: Subject, reason: str, message: str, state: str = "") -> Event:
    """An event that a person must act on.

    state: what makes it another state than before with the same reason; counts and times have no part in it.
    """
    identity = "\0".join((subject.uid, reason, state))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    text = message if len(message) <= _MESSAGE_CHARS else message[: _MESSAGE_CHARS - 3] + "..."
    return Event(subject, f"{subject.name[:_NAME_CHARS].rstrip('.-')}.{digest}", "Warning", reason, text)
