"""What is to be done, as values."""

from dataclasses import dataclass, fields
from typing import Literal

from claude_operator.desired.world import Object, Subject

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class NewConfigMap:
    """A ConfigMap to make, only if there is none of its name."""

    namespace: str
    name: str
    body: Object


@dataclass(frozen=True, slots=True)
class ChangedConfigMap:
    """A merge patch for one that is as it was seen at `version`."""

    namespace: str
    name: str
    version: str
    patch: Object


@dataclass(frozen=True, slots=True)
class SuperfluousConfigMap:
    """One to delete, if it is still the one that was seen."""

    namespace: str
    name: str
    uid: str
    version: str


@dataclass(frozen=True, slots=True)
class Status:
    """A policy's whole status; `gone`: fields to take away."""

    namespace: str
    name: str
    uid: str
    version: str
    status: Object
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person must act on. name: one for each subject and state, so that it is told once."""

    subject: Subject
    name: str
    type: EventType
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Nudge:
    """A pod whose kubelet is to sync its volumes at once; value: for the annotation."""

    namespace: str
    pod: str
    uid: str
    value: str


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything to be done, ConfigMaps before statuses.

    standing: names of the events whose state lasts, told or not. certain: whether that list is complete;
    False while sidecars were not asked yet. again_at: when to decide again although nothing changed, unix
    seconds.
    """

    create: tuple[NewConfigMap, ...] = ()
    change: tuple[ChangedConfigMap, ...] = ()
    delete: tuple[SuperfluousConfigMap, ...] = ()
    statuses: tuple[Status, ...] = ()
    events: tuple[Event, ...] = ()
    nudges: tuple[Nudge, ...] = ()
    standing: frozenset[str] = frozenset()
    certain: bool = True
    again_at: float | None = None

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return any((self.create, self.change, self.delete, self.statuses, self.events, self.nudges))


def joined(parts: list[Desired]) -> Desired:
    """One Desired of several, in an order that does not depend on theirs."""
    lists = {
        field.name: tuple(sorted((item for part in parts for item in getattr(part, field.name)), key=_place))
        for field in fields(Desired)[:6]
    }
    times = [part.again_at for part in parts if part.again_at is not None]
    return Desired(
        **lists,
        standing=frozenset().union(*(part.standing for part in parts)),
        certain=all(part.certain for part in parts),
        again_at=min(times, default=None),
    )


def _place(
    item: NewConfigMap | ChangedConfigMap | SuperfluousConfigMap | Status | Event | Nudge,
) -> tuple[str, str]:
    if isinstance(item, Event):
        return item.subject.namespace, item.name
    return item.namespace, item.pod if isinstance(item, Nudge) else item.name
