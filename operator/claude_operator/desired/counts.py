"""How many of a policy's pods run it, as their sidecars say."""

from collections.abc import Mapping
from dataclasses import dataclass

from claude_operator.desired.takes_up import Wanted
from claude_operator.desired.world import Object, Pod, Report


@dataclass(frozen=True, slots=True)
class Counts:
    """A policy's pods, counted. unread: not asked yet. refusing: those that do not put in
    force what they were given. lacking: routes without their credential somewhere."""

    total: int = 0
    current: int = 0
    stale: int = 0
    unreachable: int = 0
    restart_required: int = 0
    outdated: int = 0
    unread: int = 0
    refusing: int = 0
    lacking: tuple[str, ...] = ()

    def unasked(self) -> "Counts":
        """The same where sidecars are not asked: how many there are is all that is known."""
        return Counts(total=self.total)

    def as_status(self) -> Object:
        """`status.pods`."""
        return {
            "total": self.total,
            "current": self.current,
            "stale": self.stale + self.unread,
            "unreachable": self.unreachable,
            "restartRequired": self.restart_required,
            "outdated": self.outdated,
        }


def counted(
    pods: list[Pod], reports: Mapping[str, Report | None], wanted: Wanted, routes: frozenset[str]
) -> Counts:
    """Count the pods that count.

    pods: all that mount the policy. routes: the policy's; what a sidecar says of others is not believed.
    """
    relevant = [pod for pod in pods if pod.counts]
    asked = [reports[pod.uid] for pod in relevant if pod.uid in reports]
    said = [report for report in asked if report is not None]
    current = sum(wanted.is_run_by(report) for report in said)
    return Counts(
        total=len(relevant),
        current=current,
        stale=len(said) - current,
        unreachable=len(asked) - len(said),
        restart_required=sum(report.restart_required for report in said),
        outdated=sum(wanted.is_older(report) for report in said),
        unread=len(relevant) - len(asked),
        refusing=sum(report.refuses and not wanted.is_run_by(report) for report in said),
        lacking=tuple(sorted({route for report in said for route in report.credentials_missing} & routes)),
    )
