"""`python -m bench.soak`: pods with sidecars call for minutes while much goes wrong; no call is lost.

Needs a whole cluster (`make cluster-up`) or KUBECONFIG. Exit 1 if a call was lost, or if the sum of all
sidecars' metrics is not what the simulated API's ledger says.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.cluster.whole.given import whole_cluster  # noqa: E402
from support.release.images import take_in  # noqa: E402
from support.release.stage import stage  # noqa: E402

from bench.soak.soak import soak  # noqa: E402

MOST_CALLS = 75_000
"""With their repeats they fit into the ledger's 100,000 entries."""


def main() -> None:
    """Run it, tell as it goes, exit 1 if anything is missing."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pods", type=int, default=20)
    asked.add_argument("--calls-per-second", type=float, default=200, help="of all pods together")
    asked.add_argument("--minutes", type=float, default=5)
    chosen = asked.parse_args()
    if chosen.calls_per_second * chosen.minutes * 60 > MOST_CALLS:
        asked.error(
            f"more than {MOST_CALLS:,} calls in all: the simulated API's ledger would forget the first ones"
        )
    with ExitStack() as stack:
        cluster = stack.enter_context(whole_cluster())
        take_in(cluster)
        on = stack.enter_context(stage(cluster))
        shop = stack.enter_context(on.shop())
        faults = soak(on, shop, chosen.pods, chosen.calls_per_second, chosen.minutes * 60)
    for fault in faults:
        print(f"WRONG: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
