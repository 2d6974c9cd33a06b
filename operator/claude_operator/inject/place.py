"""What is known of the namespace that a pod or a workload is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claude_operator import names


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace. default_policy: for pods that name none. off: nothing is injected here.

    policies: the specs of its policies by name; None where they are not known, which is not the same as none.
    """

    namespace: str
    default_policy: str | None = None
    off: bool = False
    policies: Mapping[str, Mapping[str, Any]] | None = None


def place_of(
    namespace: str, labels: Mapping[str, str], policies: Mapping[str, Mapping[str, Any]] | None
) -> Place:
    """A namespace by its labels; policies: None where they are not known."""
    return Place(namespace, labels.get(names.POLICY), labels.get(names.INJECT) == "false", policies)
