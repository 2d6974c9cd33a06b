"""One load after the other, against the upstream or a sidecar: each ends by itself and gives its figures."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.programs import BENCH, CannotMeasure

Answer = dict[str, Any]

STREAMS, EVENTS_PER_SECOND = 256, 50
STREAMS_BEGIN_OVER_S = 1.0
BODIES, BODY_BYTES, BODY_FAILURES = 8, 31_000_000, 2
_TIME_LIMIT_S = 180


@dataclass(frozen=True, slots=True)
class Loads:
    """client: our own; wrk: None where the machine has none, then our client makes the small calls too."""

    client: Path
    wrk: Path | None

    def requests(self, url: str, connections: int, seconds: float) -> Answer:
        """Small calls in a closed loop: `rate` and `latency_ms`."""
        if self.wrk is None:
            return self._run("requests", url, parallel=connections, seconds=seconds)
        script = str(BENCH / "small.lua")
        duration = f"{max(1, round(seconds))}s"
        options = ["-t1", f"-c{connections}", f"-d{duration}", "--timeout", "10s", "-s", script]
        found = last_json(_output([str(self.wrk), *options, url]))
        if found["errors"]:
            raise CannotMeasure(f"{found['errors']} of the small calls failed")
        return found

    def first_chunk(self, url: str, count: int) -> Answer:
        """One stream at a time: `first_chunk_ms`."""
        return self._run("first", url, count=count, events=4)

    def streams(self, url: str, seconds: float) -> Answer:
        """Many streams at once: events sent and received, `delay_ms`."""
        events = round(seconds * EVENTS_PER_SECOND)
        return self._run(
            "streams", url, parallel=STREAMS, events=events, rate=EVENTS_PER_SECOND, over=STREAMS_BEGIN_OVER_S
        )

    def bodies(self, url: str) -> Answer:
        """Large bodies at once, each failing before it succeeds."""
        return self._run("bodies", url, parallel=BODIES, size=BODY_BYTES, fail=BODY_FAILURES)

    def _run(self, mode: str, url: str, **flags: float) -> Answer:
        options = [f"-{name}={value}" for name, value in flags.items()]
        return last_json(_output([str(self.client), mode, url, *options]))


def last_json(output: str) -> Answer:
    """The JSON object on the last line that is one. Raises CannotMeasure without any."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            found: Answer = json.loads(line)
            return found
    raise CannotMeasure(f"no figures in: {output[-500:]}")


def _output(command: list[str]) -> str:
    try:
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"{Path(command[0]).name} did not end within {_TIME_LIMIT_S} s") from None
    if ended.returncode != 0:
        raise CannotMeasure(f"{Path(command[0]).name} failed: {ended.stderr.strip()[-500:]}")
    return ended.stdout
