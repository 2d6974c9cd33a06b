"""`python -m bench`: direct against sidecar on loopback; prints a table, keeps it in bench/results/."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.cores import Neighbours, running_on, share_out
from bench.figures import rows
from bench.loads import Loads
from bench.processes import upstream
from bench.programs import CannotMeasure, go_programs, say, wrk_program
from bench.results import as_text, conditions, keep
from bench.rounds import PARTS, Course


def main() -> int:
    """Exit code 0 when everything was measured, bars met or not; 1 when something could not be."""
    asked = _arguments()
    if sys.platform != "linux":
        print("bench: memory is read from /proc, so this runs on Linux only", file=sys.stderr)
        return 1
    try:
        _measure(asked)
    except CannotMeasure as why:
        print(f"bench: {why}", file=sys.stderr)
        return 1
    return 0


def _measure(asked: argparse.Namespace) -> None:
    upstream_program, client = go_programs()
    wrk = wrk_program()
    cores = share_out(frozenset(os.sched_getaffinity(0)))
    under = conditions(cores, wrk, asked.rounds, asked.seconds)
    neighbours = Neighbours()
    with running_on(cores.others), upstream(upstream_program) as url:
        say(f"about {_minutes(asked):.0f} min; only loopback is used")
        loads = Loads(client, wrk)
        course = Course(loads, cores, url, asked.rounds, asked.seconds, frozenset(asked.only or PARTS))
        course.run()
    under["neighbours_percent"] = 100 * neighbours.share()
    found = rows(course.values)
    print(as_text(found, under))
    if not asked.only:
        kept = keep(found, under, course.values, datetime.now(UTC))
        say(f"kept in {kept.relative_to(Path.cwd()) if kept.is_relative_to(Path.cwd()) else kept}")


def _minutes(asked: argparse.Namespace) -> float:
    minutes: float = asked.rounds * (8 * asked.seconds + 15) / 60
    return minutes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="medians are taken over these (default 5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each single load (default 5)")
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="measure this part; nothing is kept then"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
