"""What is decided about in one go: a policy with all that bears its name, or a workload with all it made."""

from typing import NamedTuple


class PolicyKey(NamedTuple):
    """A policy's name, whether there is one or only its ConfigMap."""

    namespace: str
    policy: str


class WorkloadKey(NamedTuple):
    """The UID of what makes pods, at the top."""

    namespace: str
    uid: str


Key = PolicyKey | WorkloadKey
