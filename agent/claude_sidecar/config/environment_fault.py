"""What is wrong with a variable of the environment, as a sentence that a person can act on."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnvironmentFault:
    """One variable that does not do what it is set for.

    value: as it may be shown, without credentials; wrong: a clause that says what is; allowed: what may
    stand there; fix: a sentence that says what to do. fatal: calls can't be sent as it is meant, so the
    sidecar does not start; else it goes on without.
    """

    variable: str
    value: str
    wrong: str
    allowed: str
    fix: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.variable}={self.value} {self.wrong}; allowed: {self.allowed}. {self.fix}"


class EnvironmentInvalid(ValueError):
    """An environment that nothing can be sent by as it is meant, with every fatal fault."""

    def __init__(self, faults: Iterable[EnvironmentFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
