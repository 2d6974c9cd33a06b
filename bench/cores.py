"""Which core runs what, and what else the machine was busy with."""

import contextlib
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """sidecar: the one core of the process that is measured; others: of everything else."""

    sidecar: frozenset[int]
    others: frozenset[int]

    @property
    def pinned(self) -> bool:
        """Whether there was more than one core to share out."""
        return self.sidecar != self.others


def share_out(usable: frozenset[int]) -> Cores:
    """The last core for the sidecar alone; the first ones have the machine's interrupts to serve."""
    if len(usable) < 2:
        return Cores(usable, usable)
    last = max(usable)
    return Cores(frozenset({last}), usable - {last})


@contextlib.contextmanager
def running_on(cores: frozenset[int]) -> Iterator[None]:
    """What is started inside is bound to these cores, from its first instruction on."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Neighbours:
    """How much of the machine others used since this was made; to be asked when all children have ended."""

    def __init__(self) -> None:
        self._busy, self._all = _machine_ticks()
        self._own = _own_seconds()

    def share(self) -> float:
        """Between 0 and 1, of all cores."""
        busy, total = _machine_ticks()
        own_ticks = (_own_seconds() - self._own) * os.sysconf("SC_CLK_TCK")
        return max(0.0, (busy - self._busy - own_ticks) / max(1, total - self._all))


def _machine_ticks() -> tuple[int, int]:
    """Busy and all ticks since boot; what the hypervisor took (steal) counts as busy."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _own_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
