"""What is known of the cluster: policies as they are, all else cut down to what decisions need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""An object as the API server gives it, or a part of one."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An object that an event can be about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A ConfigMap whose name could be one of ours.

    ours: it carries a policy's UID, or the operator wrote it. written_at: when the operator last wrote it,
    unix seconds; 0 where it never did. more: it holds what no ConfigMap of ours holds.
    """

    namespace: str
    name: str
    uid: str
    version: str
    labels: Mapping[str, str]
    data: Mapping[str, str]
    ours: bool
    written_at: float = 0.0
    more: bool = False
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod.

    policy, outcome, nudge: its annotations. started: its sidecar's startup probe succeeded. waiting: why its
    sidecar waits to start, as the kubelet says. mounts: names of the policies whose ConfigMaps are its
    volumes. owner: its controller. created_at: unix seconds.
    """

    namespace: str
    name: str
    uid: str
    version: str
    policy: str | None = None
    off: bool = False
    outcome: str | None = None
    nudge: str | None = None
    phase: str = ""
    terminating: bool = False
    sidecar: bool = False
    started: bool = False
    waiting: str | None = None
    mounts: tuple[str, ...] = ()
    ip: str = ""
    owner: Subject | None = None
    created_at: float = 0.0

    @property
    def over(self) -> bool:
        """Whether its containers have ended for good."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def counts(self) -> bool:
        """Whether it is among a policy's pods: running, not terminating, its sidecar started."""
        return self.phase == "Running" and not self.terminating and self.started

    @property
    def subject(self) -> Subject:
        """The pod, for an event."""
        return Subject("v1", "Pod", self.namespace, self.name, self.uid)


@dataclass(frozen=True, slots=True)
class Workload:
    """What makes pods. policy, off: on itself; template_policy, template_copied, template_off: its template.

    template_copied: the template's annotation was copied from the workload. owner: its controller.
    """

    subject: Subject
    version: str
    policy: str | None = None
    off: bool = False
    template_policy: str | None = None
    template_copied: bool = False
    template_off: bool = False
    owner: Subject | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace.

    default_policy: for its pods that name none. off: its label says that nothing is injected there. excluded:
    whoever installed the operator says so.
    """

    name: str
    version: str
    terminating: bool = False
    default_policy: str | None = None
    off: bool = False
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An API server's refusal to admit a pod, as the controller that wanted to make it told it."""

    namespace: str
    name: str
    uid: str
    version: str
    about: str
    """UID of the object that could not make its pod."""
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a sidecar said of itself at `/status`.

    generation: of the policy that it runs. refuses: its file holds one that it does not put in force.
    """

    hash: str
    version: str
    generation: int = 0
    restart_required: bool = False
    credentials_missing: tuple[str, ...] = ()
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """All that a decision may know.

    reports: by UID of the pod; None: it could not be asked; absent: it was not asked yet. told: names of the
    events that were written already. written: when each policy's status was last written, by UID, in seconds
    on the clock of `now`. not_written: why the API server refused a policy's ConfigMap, by UID of the policy.
    now: unix seconds. version: the operator's own. asking: whether sidecars are asked
    at all. nudging: whether pods may be nudged.
    """

    policies: tuple[Object, ...] = ()
    config_maps: tuple[ConfigMap, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    reports: Mapping[str, Report | None] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    written: Mapping[str, float] = field(default_factory=dict)
    not_written: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0
    version: str = "0.0.0"
    asking: bool = True
    nudging: bool = True
