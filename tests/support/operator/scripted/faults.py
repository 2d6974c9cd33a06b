"""What can become of a request to the scripted API server besides what it asks for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from claude_operator.cluster.api import ApiError
from claude_sidecar import clock

CarryOut: TypeAlias = Callable[[], Any]
Fault: TypeAlias = Callable[[CarryOut], Awaitable[Any]]
"""Is given what carries the request out; gives the answer or raises ApiError."""

CLIENT_GIVES_UP_S = 20.0


async def as_asked(carry_out: CarryOut) -> Any:
    """No fault."""
    return carry_out()


def refused(status: int, message: str = "refused by the test", *, retry_after_s: float = 0.0) -> Fault:
    """The API server says no, and has done nothing."""

    async def fault(_: CarryOut) -> Any:
        raise ApiError(status, message, retry_after_s)

    return fault


def unanswered(*, carried_out: bool = False) -> Fault:
    """No answer comes until the client gives up; carried_out: the request was, all the same."""

    async def fault(carry_out: CarryOut) -> Any:
        if carried_out:
            carry_out()
        await clock.sleep(CLIENT_GIVES_UP_S)
        raise ApiError(0, "TimeoutError")

    return fault


def overtaken(deed: Callable[[], object]) -> Fault:
    """Somebody else's deed comes first."""

    async def fault(carry_out: CarryOut) -> Any:
        deed()
        return carry_out()

    return fault


@dataclass
class _Line:
    what: str
    fault: Fault
    times: float


class Script:
    """Faults that wait for their requests."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def add(self, what: str, fault: Fault, times: float) -> None:
        """Have so many requests of a kind go wrong; what: may hold wildcards."""
        self._lines.append(_Line(what, fault, times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._lines.clear()

    def take(self, what: str) -> Fault:
        """What becomes of this request."""
        for line in self._lines:
            if line.times > 0 and fnmatchcase(what, line.what):
                line.times -= 1
                return line.fault
        return as_asked
