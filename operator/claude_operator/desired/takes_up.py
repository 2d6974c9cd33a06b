"""Whether a sidecar runs a policy, as far as can be told."""

from dataclasses import dataclass

from claude_operator.desired.api_version import release
from claude_operator.desired.world import Report


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a policy's sidecars should run. version: the operator's own."""

    hash: str
    generation: int
    version: str

    def is_run_by(self, report: Report) -> bool:
        """Whether that sidecar has taken it up.

        An older sidecar does not know newer fields, so that its hash is another even where these are at their
        defaults; it has taken up what it could once it has the generation.
        """
        if report.hash == self.hash:
            return True
        return self.is_older(report) and report.generation == self.generation

    def is_older(self, report: Report) -> bool:
        """Whether the sidecar's version is older than the operator's, patches not counted."""
        return release(report.version) < release(self.version)
