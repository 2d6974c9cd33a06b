"""`python -m bench.failover`: sixteen troubles, for the SDK alone and through the sidecar; prints a table.

Exit code 1 when one did not end as was stated beforehand.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from bench.failover.scenario import Scenario
from bench.failover.scenarios import SCENARIOS
from bench.failover.stage import POLICY, alone, through_sidecar
from bench.failover.table import Examined, table, write

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "failover.md"


def main() -> int:
    """Exit code 0 when all ended as promised."""
    asked = _arguments()
    chosen = [one for one in SCENARIOS if not asked.only or one.name in asked.only]
    examined = asyncio.run(_examine(chosen, asked.at_once))
    promised = sum(one.as_promised for one in examined)
    print(table(examined))
    print(f"\n{promised} of {len(examined)} as promised")
    if asked.write:
        policy = POLICY.format(first=8001, second=8002)
        write(f"```yaml\n{policy}```\n\n{table(examined)}", _DOCUMENT)
    return 0 if promised == len(examined) else 1


async def _examine(scenarios: list[Scenario], at_once: int) -> list[Examined]:
    room = asyncio.Semaphore(at_once)

    async def one(scenario: Scenario) -> Examined:
        async with room:
            # The SDK alone meets its own first route, so both ways can be gone at the same time.
            by_itself, through = await asyncio.gather(alone(scenario), through_sidecar(scenario))
            return Examined(scenario, by_itself, through)

    return await asyncio.gather(*(one(scenario) for scenario in scenarios))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.failover",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", action="append", choices=names, help="this scenario; nothing is written")
    parser.add_argument("--at-once", type=int, default=4, help="scenarios at a time (default 4)")
    parser.add_argument("--write", action="store_true", help="put policy and table into docs/failover.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
