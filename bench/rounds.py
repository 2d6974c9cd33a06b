"""The course of a benchmark: in each round every load runs without and with the sidecar."""

import time
from collections import defaultdict
from dataclasses import dataclass, field

from bench.cores import Cores
from bench.loads import Loads
from bench.processes import PATIENT, Running, sidecar
from bench.programs import say

PARTS = ("requests", "latency", "first", "streams", "bodies", "start")
"""What can be measured by itself; `start` gives the idle memory too."""

_IDLE_S = 2.0
_WARM_UP_S = 1.0


@dataclass(slots=True)
class Course:
    """seconds: of each single load. values: what was measured, a list with a value for each round."""

    loads: Loads
    cores: Cores
    upstream: str
    rounds: int
    seconds: float
    parts: frozenset[str]
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> None:
        """Everything, each sidecar for itself."""
        if "start" in self.parts:
            self._starts()
        if self.parts & {"requests", "latency", "first", "streams"}:
            with sidecar(self.upstream, self.cores) as running:
                for url in (self.upstream, running.url):
                    self.loads.requests(url, 8, _WARM_UP_S)
                for number in range(self.rounds):
                    say(f"round {number + 1} of {self.rounds}")
                    self._round(running)
                self._note("rss_after", sidecar=running.memory_mb())
        if "bodies" in self.parts:
            self._bodies()

    def _starts(self) -> None:
        say("start and idle memory")
        # The first start after an installation compiles the modules; it is not counted.
        with sidecar(self.upstream, self.cores):
            pass
        for _ in range(max(3, self.rounds)):
            with sidecar(self.upstream, self.cores) as running:
                time.sleep(_IDLE_S)
                self._note("ready", sidecar=running.ready_s)
                self._note("rss_idle", sidecar=running.memory_mb())

    def _round(self, running: Running) -> None:
        if "requests" in self.parts:
            direct = self.loads.requests(self.upstream, 32, self.seconds)
            before, began = running.cpu_s(), time.perf_counter()
            found = self.loads.requests(running.url, 32, self.seconds)
            busy = (running.cpu_s() - before) / (time.perf_counter() - began)
            self._note("requests", direct["rate"], found["rate"])
            self._note("requests_per_cpu", sidecar=found["rate"] / busy)
        if "latency" in self.parts:
            pair = [self.loads.requests(url, 1, self.seconds) for url in (self.upstream, running.url)]
            for share in ("p50", "p99"):
                self._note(share, *(found["latency_ms"][share] for found in pair))
        if "first" in self.parts:
            count = round(200 * self.seconds)
            pair = [self.loads.first_chunk(url, count) for url in (self.upstream, running.url)]
            for share in ("p50", "p99"):
                self._note(f"first_{share}", *(found["first_chunk_ms"][share] for found in pair))
        if "streams" in self.parts:
            self._streams(running)

    def _streams(self, running: Running) -> None:
        direct = self.loads.streams(self.upstream, self.seconds)
        before, began = running.cpu_s(), time.perf_counter()
        found = self.loads.streams(running.url, self.seconds)
        busy = (running.cpu_s() - before) / (time.perf_counter() - began)
        self._note("stream_cpu", sidecar=100 * busy)
        pair = (direct, found)
        # A stream without its end has lost at least that event.
        lost = [
            one["events_sent"] - one["events_received"] + one["streams"] - one["streams_ended"]
            for one in pair
        ]
        self._note("lost", *lost)
        for share in ("p50", "p99"):
            self._note(f"delay_{share}", *(one["delay_ms"][share] for one in pair))

    def _bodies(self) -> None:
        """A new sidecar for each round: memory that an earlier one left behind would hide the rise."""
        for number in range(self.rounds):
            say(f"bodies, round {number + 1} of {self.rounds}")
            with sidecar(self.upstream, self.cores, PATIENT) as running:
                self.loads.requests(running.url, 8, _WARM_UP_S)
                running.forget_peak()
                before = running.memory_mb()
                found = self.loads.bodies(running.url)
                self._note("rss_rise", sidecar=running.memory_mb("VmHWM") - before)
                self._note("bodies_s", sidecar=found["seconds"])

    def _note(self, key: str, direct: float | None = None, sidecar: float | None = None) -> None:
        for way, value in (("direct", direct), ("sidecar", sidecar)):
            if value is not None:
                self.values[f"{key}.{way}"].append(value)
