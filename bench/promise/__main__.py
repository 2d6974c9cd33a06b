"""`python -m bench.promise`: random upstreams, met by the official SDK directly and through a sidecar.

First on virtual time with a model of the SDK, then with the SDK itself, real sockets and real processes. Exit
code 1 when a call was answered directly and not through the sidecar, or another promise did not hold.
"""

import argparse
import asyncio
import logging
import sys
import time

from bench.promise.differential import Find, Tally, hunt, made_small
from bench.promise.for_real import hunt_for_real
from bench.promise.sides import world

_TELL_EVERY = 500
_SHOWN_MOST = 5


def main() -> int:
    """Exit code 0 when all that was played held its promises."""
    asked = _arguments()
    logging.disable(logging.CRITICAL)  # the sidecar's own log, a line for each call in trouble
    finds = _virtual(range(asked.seed, asked.seed + asked.behaviours)) if asked.behaviours else 0
    if asked.real:
        finds += asyncio.run(_real(range(asked.seed, asked.seed + asked.real), asked.at_once))
    return 1 if finds else 0


def _virtual(seeds: range) -> int:
    tally, finds, began = Tally(), 0, time.perf_counter()
    with world() as stage:
        for played, find in enumerate(hunt(stage, seeds, tally), 1):
            if find is not None:
                finds += 1
                if finds <= _SHOWN_MOST:
                    _show(made_small(stage, find))
            if played % _TELL_EVERY == 0 or played == len(seeds):
                _tell(tally, finds, time.perf_counter() - began)
    return finds


async def _real(seeds: range, at_once: int) -> int:
    tally, finds, began = Tally(), 0, time.perf_counter()
    async for direct, through, find in hunt_for_real(seeds, at_once):
        tally.add(direct, through)
        if find is not None:
            finds += 1
            _show(find)
        if tally.behaviours % 50 == 0 or tally.behaviours == len(seeds):
            _tell(tally, finds, time.perf_counter() - began)
    return finds


def _tell(tally: Tally, finds: int, seconds: float) -> None:
    excepted = "".join(f"; {count}: {reason}" for reason, count in sorted(tally.excepted.items()))
    print(
        f"{tally.behaviours:,} behaviours, {tally.calls:,} calls: answered {tally.answered_directly:,}"
        f" directly, {tally.answered_through:,} through the sidecar; sends {tally.sends_directly:,} and"
        f" {tally.sends_through:,}; breaches {finds}{excepted} ({seconds:.0f} s)",
        flush=True,
    )


def _show(find: Find) -> None:
    print(f"seed {find.seed}: {find.behaviour}")
    for breach in find.breaches[:3]:
        print(f"  call {breach.call}: {breach.kind}: {breach.told}")
        for way, side in (("directly", find.direct), ("through", find.through)):
            sends = [
                f"{seen.at_s:.2f} (try {seen.repeats})" for seen in side.ledger if seen.call == breach.call
            ]
            print(f"    sends {way}: {', '.join(sends)}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.promise",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--behaviours", type=int, default=20_000, help="on virtual time (default 20,000)")
    parser.add_argument("--real", type=int, default=300, help="with real processes (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="of the first behaviour (default 0)")
    parser.add_argument("--at-once", type=int, default=4, help="real behaviours at a time (default 4)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
