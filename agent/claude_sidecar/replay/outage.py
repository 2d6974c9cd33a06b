"""An outage as it is played: who asked when, and what each route answered when it was sent to."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from claude_sidecar.replay.answer import Answer
from claude_sidecar.replay.load import AskedCall, Sent
from claude_sidecar.schema.snapshot import Snapshot

MOST_CALLS = 200_000
"""So many are played at most: what came of each is kept until the report is written."""


class OutageInvalid(Exception):
    """A file that can't be played; problems: one line each, with the place and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class World(Protocol):
    """What sends meet. It has a memory, so each play has one of its own."""

    def answer(self, route: str, sent: Sent) -> Answer:
        """What a send to the route of that name meets."""

    def assumed(self) -> list[str]:
        """A line for each thing that was assumed so far, since the file does not tell it."""


class AsRecorded(msgspec.Struct, frozen=True, rename="camel"):
    """What came of the calls when they were recorded: the measure for a replay under the same policy."""

    policy: str
    policy_hash: str
    answered: int
    sends: dict[str, int]


class Outage(msgspec.Struct, frozen=True):
    """The contents of a file."""

    about: str
    """One line for people."""

    began_unix_s: float
    """When it began: an instant of the past for a recorded one."""

    lasts_s: float
    """From its beginning until its last call comes."""

    calls: tuple[AskedCall, ...]
    """In the order in which they come."""

    world: Callable[[int, Snapshot], World]
    """Makes what the policy's sends meet, by a seed; called on the loop that plays."""

    known: tuple[str, ...] = ()
    """What the file tells, what it leaves out, a line each."""

    recorded: AsRecorded | None = None
    """Set where the calls have happened."""
