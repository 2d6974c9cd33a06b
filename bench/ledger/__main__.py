"""`python -m bench.ledger`: 10,000 mixed calls with faults, and whether all books agree to the last digit.

The simulated API's ledger, `/requests`, spans, metrics and the page's counts, in tokens and in money. Exit
code 1 when any two differ.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice

from bench.ledger.compare import differences
from bench.ledger.play import Played, play

_TELL_EVERY = 500
_SHOWN_MOST = 20


def main() -> int:
    """Exit code 0 when no two books differ."""
    asked = _arguments()
    played = asyncio.run(play(asked.seed, asked.calls, asked.at_once, _progress(asked.calls)))
    found = list(differences(played.books))
    print(_told(played))
    for line in islice(found, _SHOWN_MOST):
        print(f"  {line}")
    print(f"{len(found)} differences")
    return 1 if found else 0


def _progress(calls: int) -> Callable[[int], None]:
    def tell(over: int) -> None:
        if over % _TELL_EVERY == 0:
            print(f"{over:,} of {calls:,} calls", flush=True)

    return tell


def _told(played: Played) -> str:
    books = played.books
    sent = [attempt for call in books.calls.values() for attempt in call.attempts]
    statuses = Counter(str(call.status) for call in books.calls.values())
    dollars = sum(call.usd for call in books.calls.values() if call.usd is not None)
    tokens = sum(sum(attempt.used[:4]) for attempt in sent)
    return (
        f"{len(books.calls):,} calls in {played.seconds:.0f} s, {len(sent):,} attempts, {tokens:,} tokens, "
        f"{dollars} USD; {sum(call.left for call in books.calls.values())} left by the app, "
        f"{sum(attempt.partial for attempt in sent)} attempts partial; "
        f"statuses {dict(sorted(statuses.items()))}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=10_000, help="drawn calls (default 10,000)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default 0)")
    parser.add_argument("--at-once", type=int, default=40, help="calls at a time (default 40)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
