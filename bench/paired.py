"""`python -m bench.paired CHECKOUT`: another checkout's sidecar and this one's, by turns in every round.

A machine's speed drifts more than what a change costs, so that figures of two runs say little. Here both
sidecars run on the same core, the same load goes to one and then to the other, and the ratio is taken round
by round.
"""

import argparse
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.cores import Cores, running_on, share_out
from bench.loads import Loads
from bench.processes import Running, sidecar, upstream
from bench.programs import SIDECAR, CannotMeasure, go_programs, say, wrk_program

_IDLE_S = 2.0
_WARM_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of the table; digits: behind the decimal point."""

    title: str
    unit: str
    digits: int


QUANTITIES = {
    "call_us": Quantity("processor time of a small call", "us", 1),
    "event_us": Quantity("processor time of a streamed event", "us", 2),
    "rss_mb": Quantity("memory (RSS) when ready and idle", "MB", 1),
    "ready_s": Quantity("start until ready", "s", 3),
}

_T = TypeVar("_T")

Values = Mapping[str, Sequence[tuple[float, float]]]
"""Each round's value of every quantity: the other checkout's and this one's."""


def main() -> int:
    """Exit code 0 when everything was measured, 1 when something could not be."""
    asked = _arguments()
    other: Path = asked.checkout.resolve() / SIDECAR.relative_to(Path(sys.prefix).parent)
    try:
        if not other.is_file():
            raise CannotMeasure(f"{other} is not there: run `make install` in that checkout")
        print(table(_measured((other, SIDECAR), asked.rounds, asked.seconds)))
    except CannotMeasure as why:
        print(f"bench: {why}", file=sys.stderr)
        return 1
    return 0


def _measured(programs: tuple[Path, Path], rounds: int, seconds: float) -> Values:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    upstream_program, client = go_programs()
    loads = Loads(client, wrk_program())
    cores = share_out(frozenset(os.sched_getaffinity(0)))
    with running_on(cores.others), upstream(upstream_program) as url:
        say(f"about {rounds * (4 * seconds + 10) / 60:.0f} min; only loopback is used")
        for program in programs:  # the first start after an installation compiles the modules
            with sidecar(url, cores, program=program):
                pass
        for number in range(rounds):
            say(f"start and idle memory, round {number + 1} of {rounds}")
            for key, pair in _starts(programs, url, cores, number):
                found[key].append(pair)
        with ExitStack() as stack:
            running = [stack.enter_context(sidecar(url, cores, program=program)) for program in programs]
            for each in running:
                loads.requests(each.url, 8, _WARM_UP_S)
            for number in range(rounds):
                say(f"loads, round {number + 1} of {rounds}")
                for key, measure in (("call_us", _call_us), ("event_us", _event_us)):
                    one, other = (measure(loads, each, seconds) for each in _by_turns(running, number))
                    found[key].append((one, other) if number % 2 == 0 else (other, one))
    return found


def _by_turns(pair: Sequence[_T], number: int) -> Sequence[_T]:
    """Who goes first in a round: neither one always has the warmer caches."""
    return pair if number % 2 == 0 else pair[::-1]


def _starts(
    programs: tuple[Path, Path], url: str, cores: Cores, number: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    ready_s: dict[Path, float] = {}
    rss_mb: dict[Path, float] = {}
    for program in _by_turns(programs, number):
        with sidecar(url, cores, program=program) as running:
            time.sleep(_IDLE_S)
            ready_s[program], rss_mb[program] = running.ready_s, running.memory_mb()
    one, other = programs
    yield "ready_s", (ready_s[one], ready_s[other])
    yield "rss_mb", (rss_mb[one], rss_mb[other])


def _call_us(loads: Loads, running: Running, seconds: float) -> float:
    before, began = running.cpu_s(), time.perf_counter()
    rate = loads.requests(running.url, 32, seconds)["rate"]
    busy = (running.cpu_s() - before) / (time.perf_counter() - began)
    return 1e6 * busy / float(rate)


def _event_us(loads: Loads, running: Running, seconds: float) -> float:
    before = running.cpu_s()
    events = loads.streams(running.url, seconds)["events_received"]
    return 1e6 * (running.cpu_s() - before) / float(events)


def table(values: Values) -> str:
    """Medians, and the median of the rounds' ratios with its least and greatest, as Markdown."""
    lines = [
        "| figure | unit | other | this | this / other | of the rounds |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for key, quantity in QUANTITIES.items():
        pairs = values[key]
        one, other = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
        ratios = [this / that for that, this in pairs]
        lines.append(
            f"| {quantity.title} | {quantity.unit} | {one:.{quantity.digits}f} | {other:.{quantity.digits}f} "
            f"| {statistics.median(ratios):.3f} | {min(ratios):.3f} .. {max(ratios):.3f} |"
        )
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.paired", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the other checkout, with its .venv")
    parser.add_argument("--rounds", type=int, default=6, help="medians are taken over these (default 6)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each single load (default 4)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
